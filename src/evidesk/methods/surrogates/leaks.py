"""Rows that were learnt from say nothing about errors on new ones."""

import warnings
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Groups that a warning names.
_NAMED = 3


class LeakWarning(UserWarning):
    """The calibration holds what the model was trained on: its intervals will be too short."""


@dataclass(frozen=True)
class Seen:
    """What a model was trained on, as far as needed to recognise it.

    Attributes
    ----------
    rows : shape (rows,); a hash of each row, ascending.
    groups : names of the groups, as text.
    """

    rows: npt.NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, dtype=np.uint64))
    groups: frozenset[str] = frozenset()

    @classmethod
    def of(cls, X: Floats, groups: npt.ArrayLike | None) -> "Seen":
        return cls(np.sort(_hashes(X)), _names(groups))

    def warn(self, X: Floats, groups: npt.ArrayLike | None) -> None:
        """Warn of rows and groups that were seen before."""
        repeated = int(np.isin(_hashes(X), self.rows).sum())
        if repeated:
            warnings.warn(
                f"{repeated:,} of {len(X):,} rows of the calibration were trained on, too. The "
                "intervals will be too short; calibrate on other rows.",
                LeakWarning,
                stacklevel=3,
            )
        both = sorted(self.groups & _names(groups))
        if both:
            some = ", ".join(both[:_NAMED]) + (", ..." if len(both) > _NAMED else "")
            warnings.warn(
                f"{len(both)} group(s) have rows in the training and in the calibration ({some}): "
                "the intervals will be too short. Keep groups together, and give different groups "
                "different names.",
                LeakWarning,
                stacklevel=3,
            )


def _hashes(X: Floats) -> npt.NDArray[np.uint64]:
    """One number for each row; the same for equal rows."""
    flat = np.ascontiguousarray(X.reshape(len(X), -1) + 0.0)  # -0.0 is 0.0
    words = flat.view(np.uint64)
    odd = np.random.default_rng(0).integers(2**63, size=words.shape[1], dtype=np.uint64) | 1
    mixed = words ^ (words >> np.uint64(29))
    return np.asarray((mixed * odd).sum(axis=1, dtype=np.uint64))


def _names(groups: npt.ArrayLike | None) -> frozenset[str]:
    return frozenset() if groups is None else frozenset(str(one) for one in np.unique(groups))
