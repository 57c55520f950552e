"""Models that are each trained without one fold, and what they say of it.

Sources: Barber, Candès, Ramdas and Tibshirani, "Predictive inference with the jackknife+", Annals
of Statistics 49 (2021) 486-507: equations 1.2 and 1.3 for the jackknife+, section 3 for CV+. The
level is reached in practice; what is proven without any assumption is coverage of ``2 level - 1``
(theorem 1), and for CV+ up to ``sqrt(2 / n)`` less (theorem 4).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils.parallel import Parallel, delayed

from evidesk.methods.metrics.units import members_of
from evidesk.methods.surrogates.conformal_calibration import masses, too_few
from evidesk.methods.surrogates.conformal_quantiles import upper_quantiles

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

#: Numbers that are held at once for one output, for as many new rows as fit.
_MOST_NUMBERS = 2**22


def deal(
    n: int, folds: int | None, groups: npt.ArrayLike | None, rng: np.random.Generator
) -> Indices:
    """The fold of each of n rows: whole groups, dealt out at random; None for one unit a fold.

    Raises
    ------
    ValueError : fewer rows (or groups) than folds, or than two.
    """
    members = np.arange(n) if groups is None else members_of(groups, n)
    units = int(members.max()) + 1
    count = units if folds is None else folds
    unit = "rows" if groups is None else "groups"
    if not 2 <= count <= units:
        raise ValueError(
            f"{units} {unit} cannot be dealt out to {max(count, 2)} folds. Give more {unit}, or a "
            "smaller 'folds'."
        )
    if folds is None:
        return members
    fold_of = np.empty(units, dtype=np.intp)
    fold_of[rng.permutation(units)] = np.arange(units) % count
    return fold_of[members]


@dataclass(frozen=True)
class FoldModels:
    """A model for each fold, trained on the others.

    Attributes
    ----------
    models : one for each fold.
    fold : shape (n,); the fold of each training row.
    predicted : shape (n, outputs); each row by the model that does not know it.
    """

    models: tuple[Any, ...]
    fold: Indices
    predicted: Floats

    @classmethod
    def fit(cls, estimator: Any, X: Any, y: Any, fold: Indices, n_jobs: int | None) -> "FoldModels":
        """Train a clone of the estimator without each fold; ``y`` as the estimator wants it."""
        parts = [np.flatnonzero(fold == one) for one in range(int(fold.max()) + 1)]
        found = Parallel(n_jobs=n_jobs)(
            delayed(_trained)(estimator, X, y, fold, held) for held in parts
        )
        predicted = np.empty((len(fold), found[0][1].shape[1]))
        for held, (_, own) in zip(parts, found, strict=True):
            predicted[held] = own
        return cls(tuple(model for model, _ in found), fold, predicted)


def _trained(estimator: Any, X: Any, y: Any, fold: Indices, held: Indices) -> tuple[Any, Floats]:
    rest = np.flatnonzero(fold != fold[held[0]])
    model = clone(estimator).fit(_safe_indexing(X, rest), y[rest])
    return model, predictions(model, _safe_indexing(X, held))


def predictions(model: Any, X: Any) -> Floats:
    """Shape (n, outputs).

    Raises
    ------
    ValueError : the model predicts NaN or infinity.
    """
    found = np.asarray(model.predict(X), dtype=np.float64)
    return finite(found.reshape(len(found), -1))


def finite(predicted: Floats) -> Floats:
    """The predictions, of shape (n, outputs).

    Raises
    ------
    ValueError : one is not finite.
    """
    bad = ~np.isfinite(predicted).all(axis=1)
    if bad.any():
        raise ValueError(
            f"The model predicts NaN or infinity for {int(bad.sum()):,} row(s), the first is row "
            f"{int(np.argmax(bad))}. Its training has failed, or the row is far from all others."
        )
    return predicted


@dataclass(frozen=True)
class CrossConformal:
    """Intervals from the models of all folds, and their errors on the rows they do not know.

    Attributes
    ----------
    trained : the models of the folds.
    errors : shape (n, outputs); absolute errors on the fold held out.
    mass : shape (n,); what each row counts, see `Calibration`.
    units, unit : so many rows, or groups.
    """

    trained: FoldModels
    errors: Floats
    mass: Floats
    units: int
    unit: str

    @classmethod
    def of(cls, trained: FoldModels, y: Floats, groups: npt.ArrayLike | None) -> "CrossConformal":
        """From the targets, shape (n, outputs), of all training rows."""
        mass, units = masses(len(y), groups)
        unit = "rows" if groups is None else "groups"
        return cls(trained, np.abs(y - trained.predicted), mass, units, unit)

    def lacking(self, level: float) -> str:
        """Why there is no finite interval at this level; empty if there is."""
        return too_few(level, self.units, self.unit)

    def interval(self, X: Any, level: float) -> tuple[Floats, Floats]:
        """Low and high, each of shape (n_new, outputs)."""
        of_models = np.stack([predictions(model, X) for model in self.trained.models])
        rows, outputs = of_models.shape[1:]
        low, high = np.empty((rows, outputs)), np.empty((rows, outputs))
        step = max(1, _MOST_NUMBERS // len(self.mass))
        for begin in range(0, rows, step):
            part = slice(begin, begin + step)
            for output in range(outputs):
                # A column for each training row: what its model says of the new rows.
                said = of_models[:, part, output][self.trained.fold].T
                errors = self.errors[:, output]
                high[part, output] = upper_quantiles(said + errors, self.mass, 1.0, level)
                low[part, output] = -upper_quantiles(errors - said, self.mass, 1.0, level)
        return low, high
