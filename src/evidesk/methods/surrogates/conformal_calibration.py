"""What conformal prediction remembers of its calibration: scores, and what they count."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.labels import as_labels
from evidesk.methods.metrics.units import members_of
from evidesk.methods.surrogates.conformal_quantiles import (
    fewest_units,
    highest_level,
    upper_quantile,
)

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]


@dataclass(frozen=True)
class Calibration:
    """Scores of calibration rows.

    Attributes
    ----------
    scores : shape (n, outputs).
    mass : shape (n,); 1, or for groups 1 over the size of the row's group.
    units : how many rows, or groups.
    unit : ``"rows"`` or ``"groups"``.
    """

    scores: Floats
    mass: Floats
    units: int
    unit: str

    @classmethod
    def of(cls, scores: Floats, groups: npt.ArrayLike | None = None) -> "Calibration":
        """Of independent rows, or of groups of them."""
        mass, units = masses(len(scores), groups)
        return cls(scores, mass, units, "rows" if groups is None else "groups")

    def quantile(
        self, level: float, weights: Floats | None = None, beyond: npt.ArrayLike = 1.0
    ) -> Floats:
        """Shape (outputs,), or (rows, outputs) for as many ``beyond``: the score that new rows
        stay below with probability ``level``.
        """
        mass = self.mass if weights is None else self.mass * weights
        return np.stack(
            [upper_quantile(column, mass, beyond, level) for column in self.scores.T], axis=-1
        )

    def lacking(self, level: float) -> str:
        """Why there is no finite interval at this level; empty if there is."""
        return too_few(level, self.units, self.unit)


def calibrated(
    scores: Floats, groups: npt.ArrayLike | None, labels: Labels | None
) -> dict[Any, Calibration]:
    """A calibration for each category; without categories one, by the name None."""
    if labels is None:
        return {None: Calibration.of(scores, groups)}
    names = None if groups is None else as_labels(groups, "groups")
    return {
        one: Calibration.of(scores[labels == one], None if names is None else names[labels == one])
        for one in np.unique(labels)
    }


def quantiles_by_category(
    calibrations: Mapping[Any, Calibration], labels: Labels, level: float
) -> tuple[Floats, str]:
    """Shape (n, outputs): the quantile of each row's category; NaN where there is none, and why."""
    outputs = next(iter(calibrations.values())).scores.shape[1]
    found = np.full((len(labels), outputs), np.nan)
    reasons = []
    for one in np.unique(labels):
        calibration = calibrations.get(one)
        if calibration is None:
            reasons.append(f"category '{one}' is not in the calibration")
        elif lacking := calibration.lacking(level):
            reasons.append(f"in category '{one}' {lacking}")
        else:
            found[labels == one] = calibration.quantile(level)
    return found, "; ".join(reasons)


def labels_of(category: npt.ArrayLike, n: int) -> Labels:
    """The category of each of n rows.

    Raises
    ------
    ValueError : another length, or missing ones.
    TypeError : categories of several kinds.
    """
    labels = as_labels(category, "category")
    if len(labels) != n:
        raise ValueError(f"'category' must name one for each of {n} rows, got {len(labels)}.")
    return labels


def masses(n: int, groups: npt.ArrayLike | None) -> tuple[Floats, int]:
    """What each row counts, so that all groups count the same; and how many units there are."""
    if groups is None:
        return np.ones(n), n
    members = members_of(groups, n)
    sizes = np.bincount(members)
    return 1 / sizes[members], len(sizes)


def too_few(level: float, units: int, unit: str) -> str:
    """Why so few units give no finite interval at this level; empty if they do."""
    needed = fewest_units(level)
    if units >= needed:
        return ""
    one = "1 calibration row" if unit == "rows" else "1 calibration group"
    have = one if units == 1 else f"{units:,} calibration {unit}"
    enough = _rounded_down(highest_level(units))
    return (
        f"a {100 * level:.4g} % interval needs at least {needed:,} calibration {unit}, and there "
        f"{'is' if units == 1 else 'are'} {have}, enough for {enough} %"
    )


def _rounded_down(level: float) -> str:
    """In percent, so that the interval of the printed level can be made."""
    return f"{math.floor(1e4 * level + 1e-6) / 100:g}"
