"""What all heads have in common: predictions whose uncertainty is calibrated."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted, validate_data

from evidesk.methods.metrics.clusters import effective_groups
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.metrics.units import members_of
from evidesk.methods.surrogates import storage
from evidesk.methods.surrogates.derived import (
    Backend,
    Derived,
    DerivedScale,
    Function,
    functions_of,
    through,
)
from evidesk.methods.surrogates.domain import Domain, Moments, threshold
from evidesk.methods.surrogates.intervals import Intervals, refusals
from evidesk.methods.surrogates.leaks import Seen
from evidesk.methods.surrogates.noise import Noise, fit_noise
from evidesk.methods.surrogates.selection import select_rows

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]
Path = str | os.PathLike[str]

#: Rows that are asked about at a time.
_BATCH = 16_384
#: Numbers that are drawn at a time.
_DRAWN = 2**24


class Surrogate(RegressorMixin, BaseEstimator, ABC):  # type: ignore[misc]  # no types there
    """A model with calibrated uncertainty; `fit` it, then `calibrate` it on rows of its own.

    A head says what it predicts, and how sure it is: the covariance of its errors, but for a scale,
    as factors ``F`` with ``covariance = F F'``. All else is written here once.

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

    #: Whether rows may have more than one axis, as images do.
    _allow_nd: ClassVar[bool] = False
    #: Rows whose factors are made at a time; None if they only belong together all at once.
    _batch: ClassVar[int | None] = _BATCH

    shared: bool
    domain_level: float

    # What a head says

    @abstractmethod
    def fit(
        self,
        X: Any,
        y: Any,
        groups: npt.ArrayLike | None = None,
        *,
        progress: Progress | None = None,
    ) -> Self:
        """Learn from rows; what an earlier calibration said is forgotten.

        Parameters
        ----------
        X, y : shapes (rows, features) and (rows,) or (rows, outputs).
        groups : shape (rows,); rows that belong together, as the snapshots of a trajectory do.
        progress : told the share of the work that is done; what it raises ends the work.

        Raises
        ------
        ValueError : NaN, infinity, a single row, outputs that are all constant, shapes that do not
            fit.
        """

    @abstractmethod
    def _mean(self, X: Floats) -> Floats:
        """Predictions, shape (rows, outputs)."""

    @abstractmethod
    def _factors(self, X: Floats) -> Floats:
        """Shape (rows, r, outputs), or (rows, r, 1) if all outputs vary alike: the covariance of
        two rows' errors, but for a scale, is the product of their factors.
        """

    @abstractmethod
    def _stored(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        """Arrays and JSON of what was learnt."""

    @abstractmethod
    def _restore(self, arrays: dict[str, npt.NDArray[Any]], document: dict[str, Any]) -> None:
        """Undo `_stored`."""

    def _prepare(self, X: Floats, residuals: Floats) -> None:
        """Choose, by the calibration rows, what the factors still need."""

    def _describe(self, X: Floats) -> Floats:
        """What tells whether rows are in domain, shape (rows, features): their inputs."""
        return X.reshape(len(X), -1)

    def _spread(self, X: Floats) -> Floats:
        """Variance of the errors but for a scale, shape (rows, outputs or 1)."""
        step = self._batch or max(len(X), 1)
        return np.concatenate(
            [
                np.einsum("nro,nro->no", *2 * (self._factors(X[at : at + step]),))
                for at in range(0, len(X), step)
            ]
        )

    # What a user calls

    def calibrate(self, X: Any, y: Any, groups: npt.ArrayLike | None = None) -> Self:
        """Learn how large the errors are, from rows that `fit` has not seen.

        Parameters
        ----------
        X, y : as in `fit`.
        groups : shape (rows,); rows that belong together. Intervals are refused if there are fewer
            independent groups than their level needs.

        Raises
        ------
        NotFittedError : `fit` was not called.
        ValueError : bad rows, or other shapes than before.
        """
        check_is_fitted(self)
        X = self._rows(X)
        targets = self._targets(y, len(X))
        self._seen.warn(X, groups)
        residuals = targets - self._mean_of(X)
        self._prepare(X, residuals)
        spread = np.broadcast_to(self._spread(X), residuals.shape)
        self.noise_ = fit_noise(residuals, spread, shared=self.shared)
        self.functions_ = fit_noise(residuals, spread, shared=self.shared, noise=False)
        variance = self.noise_.variance(spread)
        self._unit = np.maximum(variance.mean(axis=0), np.finfo(np.float64).tiny)
        self.correlation_ = _correlation(residuals / np.sqrt(np.maximum(variance, 1e-300)))
        self.threshold_ = threshold(self._scores(X), self.domain_level)
        sizes = np.ones(len(X)) if groups is None else np.bincount(members_of(groups, len(X)))
        self.effective_size_ = effective_groups(sizes.astype(np.float64), np.ones(len(sizes)))
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predictions, and if asked for the standard deviations of their errors.

        Returns
        -------
        Shape (rows,) or (rows, outputs), as ``y`` was; or two of these.

        Raises
        ------
        NotFittedError : `fit` was not called; for the standard deviation, `calibrate` was not.
        ValueError : bad rows.
        """
        check_is_fitted(self)
        if return_std:
            self._check_calibrated()
        X = self._rows(X)
        mean = self._as_given(self._mean_of(X))
        if not return_std:
            return mean
        return mean, self._as_given(np.sqrt(self._variance(X)))

    def predict_interval(self, X: Any, level: float = 0.9, *, refuse: bool = True) -> Intervals:
        """Where the truth of each row lies.

        Rows out of domain have no interval, and no row has one if the calibration had fewer
        independent cases than ``1 / (1 - level)``.

        Parameters
        ----------
        X : shape (rows, features).
        level : the share of truths to cover.
        refuse : False gives every row an interval, whether it can be trusted or not.

        Raises
        ------
        NotFittedError : `fit` and `calibrate` were not both called.
        ValueError : bad rows, or a level that is none.
        """
        self._check_calibrated()
        z = critical_value(level)
        X = self._rows(X)
        mean = self._mean_of(X)
        half = z * np.sqrt(self._variance(X))
        refused, reasons = _nothing_refused(len(X))
        if refuse:
            refused, reasons = refusals(
                self._scores(X) > self.threshold_, self.effective_size_, level
            )
        half = np.where(refused[:, None], np.nan, half)
        return Intervals(
            self._as_given(mean),
            self._as_given(mean - half),
            self._as_given(mean + half),
            level,
            refused,
            reasons,
            self.effective_size_,
        )

    def sample(self, X: Any, n: int, random_state: RandomState = None) -> Floats:
        """Functions that the truth could be, each at all of these rows.

        Errors of rows that are alike are alike: all of the error is taken to be the function's, and
        none an independent noise of each row, which would average out.

        Returns
        -------
        Shape (n, rows) or (n, rows, outputs), as ``y`` was.

        Raises
        ------
        NotFittedError : `fit` and `calibrate` were not both called.
        ValueError : bad rows, or ``n`` below 1.
        """
        self._check_calibrated()
        X = self._rows(X)
        _check_count("n", n)
        drawn = self._mean_of(X) + self._deviations(self._factors_of(X), n, generator(random_state))
        return np.asarray(drawn[..., 0] if self._single else drawn)

    def propagate(
        self,
        fn: Function | Sequence[Function],
        X: Any,
        *,
        scale: DerivedScale | None = None,
        level: float = 0.9,
        samples: int = 200,
        vectorised: bool = False,
        backend: Backend = "numpy",
        unit: str = "",
        refuse: bool = True,
        random_state: RandomState = None,
    ) -> Derived:
        """What the predictions of a system amount to, and how far that can be trusted.

        Parameters
        ----------
        fn : function of what `predict` returns for one system, which returns a number or a vector;
            or one function for each system.
        X : the rows of one system, shape (rows, features), or a list of these.
        scale : from `calibrate_derived`.
        level : of the intervals.
        samples : how many functions are drawn.
        vectorised : whether ``fn`` takes all draws at once: a first axis more, in and out.
        backend : whether ``fn`` is given arrays of NumPy or tensors of PyTorch.
        unit : of the quantity.
        refuse, random_state : as in `predict_interval` and `sample`.

        Raises
        ------
        NotFittedError : `fit` and `calibrate` were not both called.
        ValueError : bad rows; what ``fn`` returns is no finite number or vector.
        """
        self._check_calibrated()
        critical_value(level)
        _check_count("samples", samples)
        systems = self._systems(X)
        functions = functions_of(fn, len(systems))
        rng = generator(random_state)
        found = [
            self._propagate(
                one, rows, samples, rng, vectorised=vectorised, backend=backend, number=number
            )
            for number, (one, rows) in enumerate(zip(functions, systems, strict=True))
        ]
        if len({value.shape for value, _ in found}) > 1:
            raise ValueError("The function returns vectors of different lengths for the systems.")
        value = np.stack([one for one, _ in found])
        deviation = np.stack([drawn - one for one, drawn in found])
        if scale is not None:
            deviation = deviation * scale.scale
        effective = self.effective_size_ if scale is None else float(scale.systems)
        refused, reasons = _nothing_refused(len(systems))
        if refuse:
            bound = self.threshold_ if scale is None else scale.threshold
            outside = np.array([self._scores(rows).mean() > bound for rows in systems])
            refused, reasons = refusals(outside, effective, level, "system")
        return Derived(
            value,
            np.sqrt((deviation**2).mean(axis=1)),
            value[:, None] + deviation,
            level,
            refused,
            reasons,
            0 if scale is None else scale.systems,
            effective,
            unit,
        )

    def calibrate_derived(
        self,
        fn: Function | Sequence[Function],
        systems: Sequence[Any],
        truths: npt.ArrayLike,
        *,
        samples: int = 200,
        vectorised: bool = False,
        backend: Backend = "numpy",
        random_state: RandomState = None,
    ) -> DerivedScale:
        """How much too small or too large the propagated spread is, by likelihood, from systems
        whose result is known and that `fit` has not seen.

        Parameters
        ----------
        fn, samples, vectorised, backend, random_state : as in `propagate`.
        systems : the rows of each system.
        truths : shape (systems,) or (systems, quantities).

        Raises
        ------
        NotFittedError, ValueError : as `propagate`; another number of truths than of systems.
        """
        found = self.propagate(
            fn, list(systems), samples=samples, vectorised=vectorised, backend=backend,
            refuse=False, random_state=random_state,
        )  # fmt: skip
        known = np.asarray(truths, dtype=np.float64)
        known = known.reshape(len(known), -1) if known.ndim else known
        if known.shape != found.value.shape:
            raise ValueError(
                f"'truths' has shape {np.shape(truths)}, and the function gives shape "
                f"{found.value.shape} for these systems."
            )
        if not np.isfinite(known).all():
            raise ValueError("'truths' has NaN or infinity.")
        fitted = fit_noise(known - found.value, found.std**2, noise=False)
        scores = np.array([self._scores(rows).mean() for rows in self._systems(list(systems))])
        return DerivedScale(fitted.scale, len(known), threshold(scores, self.domain_level))

    def ood_score(self, X: Any) -> Floats:
        """How far each row is from the training rows, shape (rows,); about 1 for these.

        It looks at the inputs alone, never at how noisy a row's output is.

        Raises
        ------
        NotFittedError : `fit` was not called.
        ValueError : bad rows.
        """
        check_is_fitted(self)
        return self._scores(self._rows(X))

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
        _check_count("k", k)
        if k > len(X):
            raise ValueError(f"There are {len(X)} rows, and 'k' asks for {k} of them.")
        weight = self.noise_.scale / np.sqrt(self._unit)
        factors = self._factors_of(X)
        if factors.shape[2] == 1:  # all outputs vary alike, so that one says what all do
            flat = factors[:, :, 0] * np.sqrt((weight**2).sum())
        else:
            flat = (factors * weight).reshape(len(X), -1)
        return select_rows(flat, float((self.noise_.noise / self._unit).sum()), int(k))

    def save(self, path: Path) -> None:
        """Write what was learnt into one file: safetensors with JSON in its header, no code.

        Raises
        ------
        NotFittedError : `fit` and `calibrate` were not both called.
        """
        self._check_calibrated()
        arrays, document = self._stored()
        arrays = {f"head.{name}": array for name, array in arrays.items()} | {
            "noise": self.noise_.noise,
            "scale": self.noise_.scale,
            "functions": self.functions_.scale,
            "unit": self._unit,
            "correlation": self.correlation_,
            "domain.mean": self.domain_.mean,
            "domain.whitening": self.domain_.whitening,
            "seen": self._seen.rows,
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
            "groups": list(self._seen.groups),
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

    # What these are made of

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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "domain_")

    def _checked(self, X: Any, y: Any) -> tuple[Floats, Floats]:
        """Rows and outputs to learn from, as arrays; what was learnt before is forgotten."""
        self._forget()
        X, y = validate_data(
            self, X, y, dtype=np.float64, y_numeric=True, multi_output=True, ensure_min_samples=2
        )
        return X, y.astype(np.float64)

    def _learnt(self, X: Floats, y: Floats, groups: npt.ArrayLike | None) -> Self:
        """What every head keeps of its training rows."""
        self._single = y.ndim == 1
        self._outputs = 1 if self._single else y.shape[1]
        self._seen = Seen.of(X, groups)
        moments = Moments(X.shape[1])
        moments.add(X)
        self.domain_ = Domain.of(moments)
        return self

    def _forget(self) -> None:
        for name in ("domain_", "noise_", "functions_", "threshold_", "effective_size_"):
            self.__dict__.pop(name, None)

    def _check_calibrated(self) -> None:
        check_is_fitted(self)
        if not hasattr(self, "noise_"):
            raise NotFittedError(
                f"This {type(self).__name__} is not calibrated yet. Call 'calibrate' with rows "
                "that 'fit' has not seen; then it knows how large its errors are."
            )

    def _rows(self, X: Any) -> Floats:
        X = validate_data(self, X, dtype=np.float64, reset=False, allow_nd=self._allow_nd)
        return np.asarray(X)

    def _systems(self, X: Any) -> list[Floats]:
        if isinstance(X, list | tuple) and len(X) and np.ndim(X[0]) >= 2:
            return [self._rows(one) for one in X]
        return [self._rows(X)]

    def _targets(self, y: Any, rows: int) -> Floats:
        """Shape (rows, outputs).

        Raises
        ------
        ValueError : other shapes than those of `fit`; NaN or infinity.
        """
        targets = np.asarray(y, dtype=np.float64)
        targets = targets.reshape(len(targets), -1) if targets.ndim in (1, 2) else targets
        if targets.shape != (rows, self._outputs):
            raise ValueError(
                f"'y' has shape {np.shape(y)}; {rows} rows of {self._outputs} output(s) are needed."
            )
        if not np.isfinite(targets).all():
            raise ValueError("'y' has NaN or infinity. Leave these rows out.")
        return targets

    def _mean_of(self, X: Floats) -> Floats:
        return np.concatenate([self._mean(X[at : at + _BATCH]) for at in range(0, len(X), _BATCH)])

    def _factors_of(self, X: Floats) -> Floats:
        step = self._batch or len(X)
        return np.concatenate([self._factors(X[at : at + step]) for at in range(0, len(X), step)])

    def _scores(self, X: Floats) -> Floats:
        return np.concatenate(
            [
                self.domain_.score(self._describe(X[at : at + _BATCH]))
                for at in range(0, len(X), _BATCH)
            ]
        )

    def _variance(self, X: Floats) -> Floats:
        return self.noise_.variance(self._spread(X))

    def _as_given(self, values: Floats) -> Floats:
        return values[:, 0] if self._single else values

    def _deviations(self, factors: Floats, n: int, rng: np.random.Generator) -> Floats:
        """Errors of functions, shape (n, rows, outputs)."""
        rank = factors.shape[1]
        if factors.shape[2] == 1:
            # Outputs vary alike, with correlations that the residuals have shown.
            half = np.linalg.cholesky(self.correlation_)
            normal = rng.standard_normal((n, rank, self._outputs)) @ half.T
            drawn = factors[:, :, 0] @ normal
        else:
            normal = rng.standard_normal((n, rank))
            drawn = np.einsum("xro,nr->nxo", factors, normal, optimize=True)
        return np.asarray(drawn * self.functions_.scale)

    def _propagate(
        self,
        fn: Function,
        X: Floats,
        samples: int,
        rng: np.random.Generator,
        *,
        vectorised: bool,
        backend: Backend,
        number: int,
    ) -> tuple[Floats, Floats]:
        """The function of the mean, shape (quantities,), and of draws, (samples, quantities)."""
        mean, factors = self._mean_of(X), self._factors_of(X)

        def result(predictions: Floats) -> Floats:
            given = predictions[..., 0] if self._single else predictions
            return through(
                fn, given, vectorised=vectorised, backend=backend, where=f"system {number}"
            )

        step = max(1, _DRAWN // mean.size)
        drawn = [
            result(mean + self._deviations(factors, min(step, samples - at), rng))
            for at in range(0, samples, step)
        ]
        return result(mean[None])[0], np.concatenate(drawn)


def _correlation(standard: Floats) -> Floats:
    """Of columns, uncentred; a little towards none, so that it has a square root."""
    moment = standard.T @ standard / len(standard)
    scale = np.sqrt(np.maximum(np.diag(moment), 1e-12))
    found = moment / np.outer(scale, scale)
    np.fill_diagonal(found, 1.0)
    identity = np.eye(len(found))
    return np.asarray((1 - 1e-6) * found + 1e-6 * identity)


def _nothing_refused(count: int) -> tuple[npt.NDArray[np.bool_], tuple[str, ...]]:
    return np.zeros(count, dtype=bool), ()


def _check_count(name: str, value: Any) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"The '{name}' parameter must be an integer from 1 on. Got {value!r}.")


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
