"""AUROC: how often does a positive case score above a negative one?

Sources: DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated
receiver operating characteristic curves", Biometrics 44 (1988) 837-845, for the variance from
placement values; Sun and Xu, IEEE Signal Processing Letters 21 (2014) 1389-1393, for computing them
by sorting; Obuchowski, "Nonparametric analysis of clustered ROC curve data", Biometrics 53 (1997)
567-578, for groups; Pepe, "The statistical evaluation of medical tests" (2003), section 5.2.4, for
the logit scale.
"""

import warnings
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate
from evidesk.methods.metrics.cautions import FEWEST_WEIGHTED, UNEQUAL_WEIGHTS
from evidesk.methods.metrics.proportion import PoorApproximationWarning, critical_value
from evidesk.methods.metrics.ranking import Ranking
from evidesk.methods.metrics.ranking_metrics import Average, RankingMetric, ranking_evaluation
from evidesk.methods.metrics.resampling import RandomState
from evidesk.methods.metrics.scores import BinaryScores

Floats = npt.NDArray[np.float64]
AurocMethod = Literal["delong", "percentile", "bca"]
METHODS: tuple[AurocMethod, ...] = get_args(AurocMethod)

#: Below so many expected misplaced cases of the smaller class the interval may be too short.
FEWEST_MISPLACED = 3
#: Below so many cases (or groups) in a class the bootstrap is too short.
FEWEST_FOR_BOOTSTRAP = 10


def _linearise(ranking: Ranking) -> tuple[float, Floats, Floats]:
    """AUROC and its derivatives: placement values less the AUROC, over the size of the class."""
    positive, negative = ranking.positive.count, ranking.negative.count
    m, n = ranking.positive.total, ranking.negative.total
    lower = np.append(0.0, np.cumsum(negative))
    tied = ranking.upto is not ranking.below
    placed = lower[ranking.below]
    at_most = _cumulated(ranking.below, positive, len(negative))
    if tied:
        placed = (placed + lower[ranking.upto]) / 2
        at_most = (at_most + _cumulated(ranking.upto, positive, len(negative))) / 2
    placed /= n
    value = float(placed @ positive) / m
    if ranking.below.min() == len(negative):
        value = 1.0  # without the rounding errors of weights
    placed -= value
    placed /= m
    at_most *= -1 / m
    at_most += 1 - value
    at_most /= n
    return value, placed, at_most


def _cumulated(ranks: npt.NDArray[np.intp], counts: Floats, cells: int) -> Floats:
    """For each negative cell, how many positives have no higher rank than it."""
    return np.cumsum(np.bincount(ranks, counts, cells + 1)[:cells])


def _resample(ranking: Ranking, positive: Floats, negative: Floats) -> Floats:
    lower = np.zeros((len(negative), negative.shape[1] + 1))
    np.cumsum(negative, axis=1, out=lower[:, 1:])
    placed = lower[:, ranking.below]
    if ranking.upto is not ranking.below:
        placed = (placed + lower[:, ranking.upto]) / 2
    wins = np.einsum("ij,ij->i", placed, positive)
    values: Floats = wins / (positive.sum(axis=1) * lower[:, -1])
    return values


AUROC = RankingMetric("AUROC", _linearise, _resample, by_class=True, delta="delong")


def auroc(
    y_true: npt.ArrayLike | BinaryScores,
    y_score: npt.ArrayLike | None = None,
    *,
    pos_label: Any = None,
    average: Average = "macro",
    labels: npt.ArrayLike | None = None,
    level: float = 0.95,
    method: AurocMethod = "delong",
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Estimate:
    """Area under the ROC curve with its confidence interval.

    It is the share of pairs of a positive and a negative case in which the positive one has the
    higher score; a tie counts half.

    Parameters
    ----------
    y_true : array-like of shape (n_cases,), the labels; or :class:`BinaryScores`, which hold the
        scores, too.
    y_score : array-like, larger for a likelier case: of shape (n_cases,) for the positive class, or
        (n_cases, n_classes) for each class, which is then compared with all others.
    pos_label : the positive class, see :func:`~evidesk.methods.metrics.scores.positives_of`.
    average : for several classes, their mean: ``macro`` counts each equally, ``weighted`` by its
        share of the cases.
    labels : for several classes, the label of each column; by default all labels in order.
    level : confidence level in (0, 1).
    method : the interval:

        - ``delong``: DeLong's variance on the logit scale, with one pair of a misplaced positive
          and a misplaced negative case added to it, as few cases show too little of the rare ones
          that are misplaced; the value itself stays. Where all pairs are right, it has no variance;
          the bound is then ``((1 - level) / 2) ** (1 / m)`` for the ``m`` cases of the smaller
          class, for as many disjoint pairs are all right with probability ``AUROC ** m`` at most.
        - ``percentile``, ``bca``: bootstrap of all cases (or groups), exact.
    groups : array-like of shape (n_cases,), optional; what makes cases belong together.
    sample_weight : array-like of shape (n_cases,), optional; positive.
    resamples, random_state : of the bootstrap.

    Raises
    ------
    ValueError : a class has no cases, scores are not finite, lengths or shapes differ, ...
    TypeError : labels or scores are of a wrong kind.

    Warns
    -----
    PoorApproximationWarning : the AUROC rests on fewer than 3 misplaced cases of the smaller
        class (15 where ``sample_weight`` makes all cases count like two thirds of them or fewer),
        or a class has fewer than 10 cases (or groups) for a bootstrap.
    """
    if method not in METHODS:
        raise ValueError(
            f"The 'method' parameter must be one of {', '.join(METHODS)}. Got {method!r} instead."
        )
    evaluation = ranking_evaluation(
        AUROC,
        y_true,
        {"y_score": y_score},
        pos_label=pos_label,
        average=average,
        labels=labels,
        groups=groups,
        sample_weight=sample_weight,
    )
    estimate = evaluation.estimates(
        level=level,
        method="delta" if method == "delong" else method,
        resamples=resamples,
        random_state=random_state,
    )["y_score"]
    units = evaluation.units
    unequal = not units.grouped and units.n > UNEQUAL_WEIGHTS * units.effective
    return _guarded(estimate, float(evaluation.most[0]), method, unequal)


def _guarded(estimate: Estimate, fewest: float, method: AurocMethod, unequal: bool) -> Estimate:
    """Warn where so few cases are known to mislead; at 0 and 1 the bound that needs no theory."""
    misplaced = fewest * min(estimate.value, 1 - estimate.value)
    needed = FEWEST_WEIGHTED if unequal else FEWEST_MISPLACED
    if misplaced < needed:
        which = " as their unequal weights count," if unequal else ","
        warnings.warn(
            f"The interval of the AUROC rests on few misplaced cases: {misplaced:.2g} of the "
            f"{fewest:.0f} in the smaller class{which} fewer than {needed}. It may cover the "
            "truth less often than it says.",
            PoorApproximationWarning,
            stacklevel=3,
        )
    elif method != "delong" and fewest < FEWEST_FOR_BOOTSTRAP:
        warnings.warn(
            f"The bootstrap is poor for {fewest:.0f} cases in the smaller class, fewer than "
            f"{FEWEST_FOR_BOOTSTRAP}. Use method='delong'.",
            PoorApproximationWarning,
            stacklevel=3,
        )
    if misplaced > 0:
        return estimate
    bound = float(special.ndtr(-critical_value(estimate.level))) ** (1 / fewest)
    if estimate.value > 0:
        return replace(estimate, low=min(estimate.low, bound), high=1.0)
    return replace(estimate, low=0.0, high=max(estimate.high, 1 - bound))
