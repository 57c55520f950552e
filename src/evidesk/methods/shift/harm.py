"""Is the shift harmful: are the current sample's scores worse where it counts?

Sources: Kamulete, "Test for non-negligible adverse shifts", UAI 2022, arXiv:2107.02990, for the
statistic (D-SOS); Li and Fine, "Weighted area under the receiver operating characteristic curve and
its application to gene selection", JRSS C 59 (2010) 673-692, for weights.
"""

import warnings as python_warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate, style
from evidesk.evidence.plot import ACCENT
from evidesk.methods.metrics.auroc import auroc
from evidesk.methods.metrics.proportion import PoorApproximationWarning, critical_value
from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.metrics.scores import as_scores
from evidesk.methods.shift.order import order_warning
from evidesk.methods.shift.relabelling import (
    Relabelling,
    check_permutations,
    fewest_relabellings,
    permutation_p_value,
)
from evidesk.methods.shift.samples import Feature, Samples
from evidesk.methods.shift.two_sample import arranged

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

#: The statistic without a shift: the integral of u (1 - u)^2 from 0 to 1.
WITHOUT_SHIFT = 1 / 12
_MANY, _FEW = 999, 199
_MANY_UPTO = 20_000


@dataclass(frozen=True)
class AdverseShift:
    """Whether the current sample has more bad outcomes.

    Attributes
    ----------
    statistic : the area under the curve of the current sample's rate of scores above a threshold
        over the reference's, weighted by ``(1 - rate)**2``; 1/12 without a shift, 1/3 at most.
    p_value : of "the current scores are no larger", one-sided.
    auc : how often a current row has a worse score than a reference row.
    sizes : rows of the reference and of the current sample.
    level : of the interval, and 1 less the significance level.
    null : shape (B,); the statistic of relabelled samples.
    warnings : what a reader has to know.
    """

    statistic: float
    p_value: Estimate
    auc: Estimate
    sizes: tuple[int, int]
    level: float
    null: Floats = field(repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def adverse(self) -> bool:
        """Whether the p-value is at most ``1 - level``."""
        return self.p_value.value <= 1 - self.level + 1e-12

    def __str__(self) -> str:
        verdict = "The current scores are worse" if self.adverse else "No harm was found"
        lines = [
            f"{verdict}: p = {self.p_value.value:.3g} ({self.sizes[0]:,} and {self.sizes[1]:,} "
            "rows)",
            f"  Weighted area under the ROC curve (D-SOS): {self.statistic:.4f}, without a shift "
            f"{WITHOUT_SHIFT:.4f}",
            f"  A current row is worse than a reference row: {self.auc}",
        ]
        return "\n".join([*lines, *(f"  Note: {one}" for one in self.warnings)])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The statistic among those of relabelled samples."""
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")[1]
            ax.hist(self.null, bins=min(40, 5 + self.null.size // 10), color="#9ca3af")
            ax.axvline(
                self.statistic,
                color=ACCENT,
                linewidth=2,
                label=f"observed, p = {self.p_value.value:.3g}",
            )
            ax.set_xlabel("Weighted area (D-SOS); grey: of samples whose labels are shuffled")
            ax.set_ylabel("Shuffled samples")
            ax.legend()
        return ax


def adverse_shift(
    reference_scores: npt.ArrayLike,
    current_scores: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    block_length: int | None = None,
    level: float = 0.95,
    permutations: int | None = None,
    random_state: RandomState = None,
) -> AdverseShift:
    """Test whether the current sample has more bad outcomes than the reference.

    Not every shift does harm. This test sees one direction alone, and most of all the worst scores:
    each threshold counts by the square of the reference's share below it.

    Parameters
    ----------
    reference_scores, current_scores : array-likes of shape (n,); larger for a worse outcome, for
        example a model's loss or uncertainty, or how anomalous a row is. **The model that made them
        must not have been trained on these rows**: scores of its own training rows are too good,
        and any new sample would seem worse. Held-out or out-of-bag scores are right.
    groups : array-like of shape (n_reference + n_current,), optional; what makes rows belong
        together, first of the reference and then of the current sample.
    block_length : for scores in order of time, as in :func:`two_sample_test`.
    level : of the intervals, and 1 less the significance level.
    permutations : how many relabellings; by default 999 up to 20,000 rows, else 199.
    random_state : of the relabellings.

    Returns
    -------
    The p-value is exact for exchangeable rows (or groups, or blocks).

    Raises
    ------
    ValueError : scores are not finite or not of one dimension, there are none, or a parameter is
        out of its range; `TooFewError` if no result whatever could be significant.
    TypeError : scores are not real numbers.
    """
    critical_value(level)
    reference = as_scores(reference_scores, "reference_scores")
    current = as_scores(current_scores, "current_scores")
    for name, values in (("reference_scores", reference), ("current_scores", current)):
        if not len(values):
            raise ValueError(f"The '{name}' parameter has no scores: both samples need some.")
    if groups is not None and block_length is not None:
        raise ValueError("Give either 'groups' or 'block_length', not both.")
    samples, relabelling = arranged(_ranked(reference, current), groups, block_length)
    relabelling.check(1 - level, one_sided=True)
    scores, is_current = samples.design[:, 0], samples.is_current
    in_groups = relabelling.in_groups
    told = "" if in_groups else order_warning(samples)
    check_permutations(permutations, 1 - level)
    usual = max(_MANY if len(scores) <= _MANY_UPTO else _FEW, fewest_relabellings(1 - level))
    drawn = usual if permutations is None else permutations
    rng = generator(random_state)
    statistics = _statistics(scores, relabelling, drawn, rng)
    with python_warnings.catch_warnings(record=True) as caught:
        python_warnings.simplefilter("always", PoorApproximationWarning)
        auc = auroc(
            is_current, scores, level=level, groups=relabelling.group if in_groups else None
        )
    return AdverseShift(
        statistic=float(statistics[0]),
        p_value=permutation_p_value(statistics, level=level),
        auc=Estimate(
            auc.value, auc.low, auc.high, level, auc.method, auc.n, null_value=0.5, over=auc.over
        ),
        sizes=samples.sizes,
        level=level,
        null=statistics[1:],
        warnings=(
            *samples.warnings,
            *([told] if told else []),
            *dict.fromkeys(str(one.message) for one in caught),
        ),
    )


def _ranked(reference: Floats, current: Floats) -> Samples:
    """The scores' ranks among all scores, from 0 to 1: nothing here depends on more of them."""
    distinct, rank = np.unique(np.r_[reference, current], return_inverse=True)
    m, n = len(reference), len(current)
    return Samples(
        (Feature("score", "numeric"),),
        rank[:, None] / max(len(distinct) - 1, 1),
        np.arange(m + n) >= m,
        np.r_[np.arange(m), np.arange(n)],
    )


def _statistics(
    scores: Floats, relabelling: Relabelling, count: int, rng: np.random.Generator
) -> Floats:
    """Shape (1 + count,): of the labels that are there, then of relabelled ones.

    The area is a mean over the current rows, of what the weights sum up to beyond the reference's
    share of larger scores. Among equal scores the curve is a straight line.
    """
    _, cell = np.unique(-scores, return_inverse=True)  # the largest score first
    order = np.argsort(cell, kind="stable")
    first = np.flatnonzero(np.diff(cell[order], prepend=-1))
    found: list[Floats] = []
    for labels in relabelling.batches(count, rng):
        current = np.add.reduceat(labels[order], first, axis=0, dtype=np.float64)
        reference = np.add.reduceat(1 - labels[order], first, axis=0, dtype=np.float64)
        total = reference.sum(axis=0)
        below = 1 - np.cumsum(reference, axis=0) / total
        above = below + reference / total
        # The mean of u^3 / 3 from `below` to `above`.
        mean = (above + below) * (above**2 + below**2) / 12
        found.append((current * mean).sum(axis=0) / current.sum(axis=0))
    return np.concatenate(found)
