"""Average precision: how pure is the top of the ranking, averaged over the positive cases?

Average precision is the sum over thresholds of precision times the gain in recall, without
interpolation, as in scikit-learn. It is a function of the counts of positive and negative cases at
each score; its derivatives by these counts are the influence function (Boyd, Eng and Page, "Area
under the precision-recall curve", ECML PKDD 2013, compare the estimators and intervals, and find
the logit scale to be the one to take).
"""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.metrics.evaluation import IntervalMethod
from evidesk.methods.metrics.proportion import PoorApproximationWarning
from evidesk.methods.metrics.ranking import Ranking
from evidesk.methods.metrics.ranking_metrics import Average, RankingMetric, ranking_evaluation
from evidesk.methods.metrics.resampling import RandomState
from evidesk.methods.metrics.scores import BinaryScores

Floats = npt.NDArray[np.float64]

#: Below so many positive cases (or groups with some) the interval may be too short,
FEWEST_POSITIVES = 10
#: and below so many that are ranked too low.
FEWEST_MISPLACED = 3


def _linearise(ranking: Ranking) -> tuple[float, Floats, Floats]:
    """Average precision and its derivatives.

    With ``h(s)`` the precision at threshold ``s``, AP is the mean of ``h`` over the positives. One
    more positive at ``t`` adds its own ``h`` and improves the precision at all ``s <= t``; one more
    negative impairs it there.
    """
    positive, m = ranking.positive.count, ranking.positive.total
    hits, alarms = _above(ranking, positive[None], ranking.negative.count[None])
    precision = hits[0] / (hits[0] + alarms[0])
    value = min(float(precision @ positive) / m, 1.0)
    weight = positive / (hits[0] + alarms[0]) ** 2
    gains = np.append(0.0, np.cumsum(weight * alarms[0]))
    losses = np.append(0.0, np.cumsum(weight * hits[0]))
    scores = ranking.positive.scores
    last = np.searchsorted(scores, scores, side="right")
    lower = np.searchsorted(scores, ranking.negative.scores, side="right")
    return value, (precision - value + gains[last]) / m, -losses[lower] / m


def _above(ranking: Ranking, positive: Floats, negative: Floats) -> tuple[Floats, Floats]:
    """At each positive's score as a threshold: how many positives and negatives reach it."""
    scores = ranking.positive.scores
    first = np.searchsorted(scores, scores, side="left")
    hits = np.cumsum(positive[:, ::-1], axis=1)[:, ::-1][:, first]
    reaching = np.zeros((len(negative), negative.shape[1] + 1))
    reaching[:, :-1] = np.cumsum(negative[:, ::-1], axis=1)[:, ::-1]
    return hits, reaching[:, ranking.below]


def _resample(ranking: Ranking, positive: Floats, negative: Floats) -> Floats:
    hits, alarms = _above(ranking, positive, negative)
    # Where nothing reaches the threshold, no positive of this resample has that score either.
    precision = hits / np.maximum(hits + alarms, np.finfo(np.float64).tiny)
    total = positive.sum(axis=1)
    values: Floats = np.einsum("ij,ij->i", precision, positive) / total
    return np.where(negative.sum(axis=1) > 0, values, np.nan)


AVERAGE_PRECISION = RankingMetric(
    "average precision", _linearise, _resample, by_class=False, delta="delta"
)


def average_precision(
    y_true: npt.ArrayLike | BinaryScores,
    y_score: npt.ArrayLike | None = None,
    *,
    pos_label: Any = None,
    average: Average = "macro",
    labels: npt.ArrayLike | None = None,
    level: float = 0.95,
    method: IntervalMethod = "delta",
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Estimate:
    """Average precision, the area under the precision-recall curve, with its interval.

    Parameters
    ----------
    y_true, y_score, pos_label, average, labels, level, groups, sample_weight, resamples,
    random_state : as in :func:`~evidesk.methods.metrics.auroc`.
    method : ``delta`` takes the influence function on the logit scale, Student's t by Welch and
        Satterthwaite (of fewer degrees of freedom where ``sample_weight`` is unequal), and adds
        the variance that one more positive case, found or missed, would show; ``percentile`` and
        ``bca`` are bootstraps of all cases (or groups).

    Raises
    ------
    ValueError, TypeError : as :func:`~evidesk.methods.metrics.auroc`.

    Warns
    -----
    PoorApproximationWarning : there are fewer than 10 positive cases, or groups with such; or
        their number times ``1 - average precision`` is below 3.
    """
    evaluation = ranking_evaluation(
        AVERAGE_PRECISION,
        y_true,
        {"y_score": y_score},
        pos_label=pos_label,
        average=average,
        labels=labels,
        groups=groups,
        sample_weight=sample_weight,
    )
    estimate = evaluation.estimates(
        level=level, method=method, resamples=resamples, random_state=random_state
    )["y_score"]
    positives = float(evaluation.most[0])
    if positives < FEWEST_POSITIVES or positives * (1 - estimate.value) < FEWEST_MISPLACED:
        warnings.warn(
            f"The average precision rests on {positives:.0f} positive cases or groups, "
            f"{positives * (1 - estimate.value):.2g} of them ranked low. With fewer than "
            f"{FEWEST_POSITIVES} or {FEWEST_MISPLACED} its interval may cover the truth less often "
            "than it says.",
            PoorApproximationWarning,
            stacklevel=2,
        )
    return estimate
