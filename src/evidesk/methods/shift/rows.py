"""Which single rows of the current sample are unlike the reference.

A row's p-value is the share of held-out reference rows that score at least as high. The score is
learnt from half of the reference against the other half and the current sample together, so that it
cannot know which of these are which: the p-values are then valid however the score was learnt, and
Benjamini and Hochberg's procedure keeps the false discovery rate. Sources: Bates, Candès, Lei,
Romano and Sesia, "Testing for outliers with conformal p-values", Annals of Statistics 51 (2023)
149-178; Marandon, Lei, Mary and Roquain, "Adaptive novelty detection with false discovery rate
guarantee", Annals of Statistics 52 (2024) 157-183, for learning from both.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evidesk.methods.shift.density import DensityRatio, folds_of
from evidesk.methods.shift.discovery import Correction, false_discovery
from evidesk.methods.shift.effect import split
from evidesk.methods.shift.relabelling import Relabelling
from evidesk.methods.shift.samples import Samples

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class RowEvidence:
    """Evidence for each row of the current sample, in its order.

    Attributes
    ----------
    number : shape (n,); which rows these are: all, but those between blocks.
    log_ratio : shape (n,); how much likelier the row is in the current sample than in the
        reference, as the logarithm of the ratio of densities, by a rule learnt on other rows.
    p_values : shape (n,); of "the row is like the reference".
    adjusted : shape (n,); the same, for the false discovery rate.
    unlike : numbers of the rows that are unlike the reference, the clearest first.
    calibrated_on : so many reference rows gave the p-values.
    """

    number: npt.NDArray[np.intp] = field(repr=False)
    log_ratio: Floats = field(repr=False)
    p_values: Floats = field(repr=False)
    adjusted: Floats = field(repr=False)
    unlike: npt.NDArray[np.intp]
    calibrated_on: int


def row_evidence(
    samples: Samples,
    relabelling: Relabelling,
    log_ratio: Floats,
    alpha: float,
    correction: Correction,
    rng: np.random.Generator,
) -> RowEvidence:
    """Judge each current row.

    Raises
    ------
    ValueError : too few rows (or groups) to split.
    """
    current = samples.is_current
    held = ~split(relabelling, rng) & ~current
    rule = DensityRatio.learn(samples, np.ones(samples.n, dtype=bool), held | current, rng)
    scores = rule(samples.design)
    p_values = conformal_p_values(scores[held], scores[current])
    adjusted = false_discovery(p_values, correction)
    own = log_ratio[current]
    order = np.lexsort((-own, p_values))
    number = samples.number[current]
    unlike = number[order[adjusted[order] <= alpha + 1e-12]]
    return RowEvidence(number, own, p_values, adjusted, unlike, int(held.sum()))


def conformal_p_values(calibration: Floats, scores: Floats) -> Floats:
    """The share of calibration scores, and of each score itself, that is at least as large."""
    ascending = np.sort(calibration)
    as_large = len(ascending) - np.searchsorted(ascending, scores, side="left")
    return np.asarray((1 + as_large) / (1 + len(ascending)))


def too_few_to_tell(calibration: int, alpha: float) -> str:
    """What to say if not even the most extreme row could be told; empty if it could.

    Parameters
    ----------
    calibration : how many rows of the reference give the p-values: half of it.
    alpha : what the most extreme row's p-value has to be at most.
    """
    smallest = 1 / (1 + calibration)
    if smallest <= alpha + 1e-12:
        return ""
    needed = math.ceil(1 / alpha - 1e-9) - 1
    return (
        f"No row can be told from the reference, however unlike it is: half of the reference, "
        f"{calibration:,} row(s), is held out, so that no p-value is below {smallest:.3g}, and at "
        f"most {alpha:.3g} is needed. Give a reference of {2 * needed - 1:,} rows or more, or a "
        "lower level."
    )


def cross_fitted(
    samples: Samples, relabelling: Relabelling, count: int, rng: np.random.Generator
) -> Floats:
    """Shape (n,): each row's log-density ratio by a rule that was learnt without its fold.

    Raises
    ------
    ValueError : too few rows (or groups) for so many folds.
    """
    folds = folds_of(relabelling.group, samples.is_current, count, rng)
    found = np.empty(samples.n)
    for fold in range(count):
        held = folds == fold
        rule = DensityRatio.learn(samples, ~held, samples.is_current, rng)
        found[held] = rule(samples.design[held])
    return found
