"""What all heads have in common: predictions whose uncertainty is calibrated."""

import json
import os
from abc import abstractmethod
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from evidesk.methods.surrogates import storage
from evidesk.methods.surrogates.calibrated import Progress, check_count
from evidesk.methods.surrogates.domain import Domain
from evidesk.methods.surrogates.leaks import Seen
from evidesk.methods.surrogates.noise import Noise
from evidesk.methods.surrogates.propagation import Propagating
from evidesk.methods.surrogates.selection import select_rows

__all__ = ["Path", "Progress", "Surrogate"]

Path = str | os.PathLike[str]


class Surrogate(Propagating):
    """A model with calibrated uncertainty; `fit` it, then `calibrate` it on rows of its own.

    Parameters
    ----------
    shared : whether all outputs have one noise and one scale; they then need one unit.
    domain_level : share of rows like those of the calibration that count as in domain. Of these,
        ``1 - domain_level`` are refused for nothing.

    Attributes
    ----------
    noise_ : variance of errors: a noise and a scale for each output, from the calibration.
    functions_ : the same without noise: all of the error is a function's, for `sample`.
    correlation_ : shape (outputs, outputs); of the residuals.
    domain_, threshold_ : what `ood_score` is from, and the score above which a row is out of
        domain.
    effective_size_ : how many independent rows, or equal groups of rows, the calibration had.
    """

    @abstractmethod
    def _stored(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        """Arrays and JSON of what was learnt."""

    @abstractmethod
    def _restore(self, arrays: dict[str, npt.NDArray[Any]], document: dict[str, Any]) -> None:
        """Undo `_stored`."""

    def select(self, X: Any, k: int) -> npt.NDArray[np.intp]:
        """Which of these rows to compute next, the most telling first; together they say most.

        Returns
        -------
        Shape (k,); numbers of rows.

        Raises
        ------
        NotFittedError : `fit` and `calibrate` were not both called.
        ValueError : bad rows, or there are fewer than ``k`` of them.
        """
        self._check_calibrated()
        X = self._rows(X)
        check_count("k", k)
        if k > len(X):
            raise ValueError(f"There are {len(X)} rows, and 'k' asks for {k} of them.")
        weight = self.noise_.scale / np.sqrt(self._unit)
        factors = self._factors_of(X)
        if factors.shape[2] == 1:  # all outputs vary alike, so that one says what all do
            flat = factors[:, :, 0] * np.sqrt((weight**2).sum())
        else:
            flat = (factors * weight).reshape(len(X), -1)
        return select_rows(flat, float((self.noise_.noise / self._unit).sum()), int(k))

    def save(self, path: Path, *, seen: bool = True) -> None:
        """Write what was learnt into one file: safetensors with JSON in its header, no code.

        Parameters
        ----------
        path : if it ends in ``.json``, the file is text that holds the same.
        seen : whether to note by which hashes and groups `calibrate` recognises rows that were
            trained on; of few columns, hashes could give the rows away.

        Raises
        ------
        NotFittedError : `fit` and `calibrate` were not both called.
        """
        self._check_calibrated()
        arrays, document = self._stored()
        known = self._seen if seen else Seen()
        arrays = {f"head.{name}": array for name, array in arrays.items()} | {
            "noise": self.noise_.noise,
            "scale": self.noise_.scale,
            "functions": self.functions_.scale,
            "unit": self._unit,
            "correlation": self.correlation_,
            "domain.mean": self.domain_.mean,
            "domain.whitening": self.domain_.whitening,
            "seen": known.rows,
        }
        facts = {
            "head": type(self).__name__,
            "parameters": _plain_parameters(self),
            "learnt": document,
            "outputs": self._outputs,
            "single": self._single,
            "features": int(self.n_features_in_),
            "threshold": self.threshold_,
            "effective_size": self.effective_size_,
            "groups": sorted(known.groups),
        }
        storage.write(path, arrays, facts)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        ValueError : the file is no such head's.
        """
        return cls._load(path)

    @classmethod
    def _load(cls, path: Path, **parts: Any) -> Self:
        arrays, facts = storage.read(path)
        if facts.get("head") != cls.__name__:
            raise ValueError(
                f"{os.fspath(path)!r} holds {facts.get('head', 'no head')}, not {cls.__name__}."
            )
        self = cls._of_parameters(facts["parameters"], **parts)
        head = {
            name.removeprefix("head."): one for name, one in arrays.items() if name[:5] == "head."
        }
        self.n_features_in_ = facts["features"]
        self._outputs, self._single = facts["outputs"], facts["single"]
        self._restore(head, facts["learnt"])
        self.noise_ = Noise(arrays["noise"], arrays["scale"])
        self.functions_ = Noise(np.zeros_like(arrays["noise"]), arrays["functions"])
        self._unit, self.correlation_ = arrays["unit"], arrays["correlation"]
        self.domain_ = Domain(arrays["domain.mean"], arrays["domain.whitening"])
        self.threshold_, self.effective_size_ = facts["threshold"], facts["effective_size"]
        self._seen = Seen(arrays["seen"], frozenset(facts["groups"]))
        return self

    @classmethod
    def _of_parameters(cls, parameters: dict[str, Any]) -> Self:
        return cls(**parameters)


def _plain_parameters(estimator: BaseEstimator) -> dict[str, Any]:
    """Parameters that JSON can hold; those of a model inside it by their own names."""
    found = {}
    for name, value in estimator.get_params(deep=False).items():
        if isinstance(value, BaseEstimator):
            found[name] = _plain_parameters(value)
        else:
            try:
                json.dumps(value, allow_nan=False)
            except (TypeError, ValueError):
                continue
            found[name] = value
    return found
