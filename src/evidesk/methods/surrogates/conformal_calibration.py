"""What conformal prediction remembers of its calibration: scores, and what they count."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.units import members_of
from evidesk.methods.surrogates.conformal_quantiles import (
    fewest_units,
    highest_level,
    upper_quantile,
)

Floats = npt.NDArray[np.float64]


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
