"""Coverage by subset: where can the intervals be trusted, and where not?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate, forest_plot
from evidesk.methods.metrics.labels import as_labels
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.units import members_of
from evidesk.methods.surrogates.score_inputs import as_bounds, as_values
from evidesk.methods.surrogates.scores import coverage

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class CoverageBy:
    """Coverage in each subset, against the nominal level.

    Attributes
    ----------
    estimates : by the subset's name; each has the nominal level as its null value.
    level : the nominal one.
    untold : subsets without an estimate, and why.
    """

    estimates: Mapping[str, Estimate]
    level: float
    untold: Mapping[str, str]

    @property
    def below(self) -> tuple[str, ...]:
        """Subsets in which fewer rows are covered than the level says, beyond chance."""
        return tuple(name for name, one in self.estimates.items() if one.high < self.level)

    def __str__(self) -> str:
        lines = [
            f"nominal {100 * self.level:.4g} % covers {one.short} in {name!r}, n={one.n:,}"
            + (": cannot be trusted there" if name in self.below else "")
            for name, one in self.estimates.items()
        ]
        return "\n".join(
            [*lines, *(f"cannot say in {n!r}: {why}" for n, why in self.untold.items())]
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """A forest plot with the nominal level as a dashed line; returns the axes."""
        return forest_plot(self.estimates, ax, xlabel="observed coverage")


def coverage_by(
    y: npt.ArrayLike,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    by: npt.ArrayLike,
    *,
    level: float,
    groups: npt.ArrayLike | None = None,
    confidence: float = 0.95,
) -> CoverageBy:
    """Coverage in each subset of rows.

    Parameters
    ----------
    y, low, high, groups, confidence : as in :func:`coverage`.
    by : shape (n,); the subset of each row, such as ``"hot"``, or its group.
    level : the intervals' nominal one.

    Raises
    ------
    ValueError, TypeError : as :func:`coverage`; or ``by`` has another length.

    Warns
    -----
    PoorApproximationWarning : few groups bear the coverage of a subset.
    """
    labels = as_labels(by, "by")
    truth = as_values(y, "y")
    bottom, top, _ = as_bounds(low, high, truth.shape)
    critical_value(confidence)
    if len(labels) != len(truth):
        raise ValueError(f"'by' must name a subset for each of {len(truth)} rows.")
    names = None if groups is None else members_of(groups, len(truth))
    estimates, untold = {}, {}
    for one in np.unique(labels):
        rows = labels == one
        try:
            found = coverage(
                *(part[rows] for part in (truth, bottom, top)),
                groups=None if names is None else names[rows],
                confidence=confidence,
            )
        except ValueError as error:  # all is checked but that there is enough of this subset
            untold[str(one)] = str(error)
        else:
            estimates[str(one)] = replace(found, null_value=float(level))
    return CoverageBy(estimates, float(level), untold)
