"""Warnings that an interval may fall short, where the sample shows that it may."""

import sys
import warnings

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.clusters import effective_groups
from evidesk.methods.metrics.proportion import PoorApproximationWarning

Floats = npt.NDArray[np.float64]

#: If the rarer of right and wrong cases would fill fewer whole groups, these are too few, ...
FEWEST_GROUPS = 3
#: ... unless these are of no more cases each.
SMALL_GROUPS = 8
#: If the rarer of right and wrong cases count like fewer cases of equal weight, ...
FEWEST_WEIGHTED = 15
#: ... and the weights are so unequal that all cases count like so many times fewer, it is too few.
UNEQUAL_WEIGHTS = 1.5


def warn(message: str) -> None:
    """A PoorApproximationWarning that names the line outside this package that asked."""
    depth, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals["__name__"].startswith(_PACKAGE):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(message, PoorApproximationWarning, stacklevel=depth)


_PACKAGE = "evidesk.methods.metrics."


def filled_groups(top: Floats, bottom: Floats, repeat: Floats) -> float:
    """How many whole groups the rarer of the cases in and outside ``top`` would fill.

    ``top`` and ``bottom``, of shape (groups,), are what each group adds to the numerator and the
    denominator of a share. Infinite where there are no rarer ones, for each group then counts with
    one voice already; and where groups are small.
    """
    n, groups = float(bottom @ repeat), effective_groups(bottom, repeat)
    share = float(top @ repeat) / n
    rarer = min(share, 1 - share)
    return rarer * groups if rarer > 0 and n > SMALL_GROUPS * groups else np.inf


def weighted_cases(top: Floats, bottom: Floats, weights: Floats, counts: Floats) -> float:
    """How many cases of equal weight the rarer of those in and outside ``top`` are worth.

    Infinite where there are no rarer ones, or the weights are hardly unequal.
    """
    worth = effective_groups(bottom * weights, counts)
    if worth * UNEQUAL_WEIGHTS > float((bottom > 0) @ counts):
        return np.inf
    sides = [part * weights for part in (top, bottom - top)]
    rarer = min(sides, key=lambda side: float(side @ counts))
    return effective_groups(rarer, counts) if rarer.any() else np.inf


def warn_of_few_groups(what: str, filled: float) -> None:
    """Warn where the rarer of right and wrong cases would fill few groups."""
    if filled < FEWEST_GROUPS:
        warn(
            f"The interval of {what} rests on few groups: the rarer of right and wrong cases would "
            f"fill {filled:.2g} of them, fewer than {FEWEST_GROUPS}, and a group that is not in "
            "the sample may be unlike these. It may cover the truth less often than it says. More "
            "groups help; more cases of each do not."
        )


def warn_of_unequal_weights(what: str, worth: float) -> None:
    """Warn where weights are so unequal that few cases decide."""
    if worth < FEWEST_WEIGHTED:
        warn(
            f"The interval of {what} rests on few cases, because 'sample_weight' varies so much: "
            f"the rarer of right and wrong ones count like {worth:.2g} of equal weight, fewer than "
            f"{FEWEST_WEIGHTED}. It may cover the truth less often than it says. More cases help, "
            "or capping the largest weights."
        )
