"""Means of per-case scores: the interval of a mean, and what small samples hide from it.

Sources of the formulas
-----------------------
Johnson, "Modified t tests and confidence intervals for asymmetrical populations", JASA 73 (1978)
536-544, for why a mean of skewed losses needs more than Student's t: a sample without its largest
losses shows too small a mean and too small a variance at once. The remedy here (the logarithm, and
a variance raised by ``1 + 3 / effective losses``) is the simplest that was found to come near its
level, in ``studies/loss_coverage.py``.
"""

import warnings
from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.metrics.evaluation import Evaluation, IntervalMethod
from evidesk.methods.metrics.proportion import PoorApproximationWarning
from evidesk.methods.metrics.resampling import RandomState
from evidesk.methods.metrics.scales import Scale
from evidesk.methods.metrics.scores import Sample, as_scores

Floats = npt.NDArray[np.float64]
#: ``clt`` is the central limit theorem for the linearised metric, on the scale that suits it.
MeanMethod = Literal["clt", "percentile", "bca"]
MEAN_METHODS: tuple[MeanMethod, ...] = get_args(MeanMethod)
#: Where a score can lie, by what is known of it.
Range = Literal["any", "positive", "share"]
_SCALES: dict[Range, Scale] = {"any": "real", "positive": "positive", "share": "proportion"}

#: Below so many effective losses the interval may be too short.
FEWEST_LOSSES = 25
#: Below so many cases or groups a share may have rare failures that the sample does not show.
FEWEST_SHARES = 50
#: What part of their own variance so many effective losses hide.
_HIDDEN = 3.0


def effective_losses(sums: Floats) -> Floats:
    """Number of equal losses that would say as much: ``sum(loss)**2 / sum(loss**2)``, by row.

    1 where one unit holds the whole loss, the number of units where all are equal or 0.
    """
    squares = (sums**2).sum(axis=-1)
    known = squares > 0
    count: Floats = sums.sum(axis=-1) ** 2 / np.where(known, squares, 1)
    return np.where(known, count, float(sums.shape[-1]))


def hidden_variance(variance: Floats, effective: Floats) -> Floats:
    """Variance of a mean of losses that so few effective losses hide."""
    return np.asarray(_HIDDEN * variance / effective)


def evaluate_means(
    scores: Mapping[str, npt.ArrayLike],
    *,
    range: Range = "any",
    metric: str = "mean score",
    greater_is_better: bool = True,
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    unit: str = "",
) -> Evaluation:
    """The mean of any per-case score, for any number of models on the same cases.

    Parameters
    ----------
    scores : each model's scores by the model's name, array-likes of shape (n_cases,), finite.
    range : where a score can lie:

        - ``any``: anywhere. The interval is that of Student's t.
        - ``positive``: at least 0, as losses are. The interval is symmetric in the logarithm.
        - ``share``: in [0, 1], as Dice's coefficient is. The interval is Wilson's.
    metric : its name for people.
    greater_is_better : whether a larger score is a better one.
    groups, sample_weight : as in :func:`~evidesk.methods.metrics.evaluate_values`.
    unit : the unit of the scores.

    Raises
    ------
    ValueError : lengths differ; NaN, infinity or a score outside its range; fewer than two cases
        or groups.
    TypeError : scores that are not real numbers.
    """
    if range not in _SCALES:
        raise ValueError(
            f"The 'range' parameter must be one of {', '.join(_SCALES)}. Got {range!r} instead."
        )
    if len(scores) == 0:
        raise ValueError("The 'scores' parameter must name at least one model.")
    named = {str(name): as_scores(values, str(name)) for name, values in scores.items()}
    n = len(next(iter(named.values())))
    for name, values in named.items():
        if len(values) != n:
            raise ValueError(f"All scores must have the same length, got {n} and {len(values)}.")
        if range != "any" and np.any(values < 0):
            raise ValueError(f"The '{name}' parameter must hold scores from 0 on.")
        if range == "share" and np.any(values > 1):
            raise ValueError(f"The '{name}' parameter must hold scores in the range [0, 1].")
    check_size(n, next(iter(named)))
    table = np.stack(list(named.values()))
    sample = Sample.of_cases(n, groups, sample_weight)
    weight = np.ones(n) if sample.weight is None else sample.weight
    weighted, sizes = table * weight, sample.units.sizes
    values = weighted.sum(axis=1) / weight.sum()
    cells = (weighted - values[:, None] * weight) / weight.sum()
    contributions, sums = sample.sums(cells), sample.sums(weighted)
    variance = sample.units.variance(contributions)
    n_units = sample.units.effective
    most, hidden = np.full(len(values), n_units), np.zeros(len(values))
    if range == "positive":
        most = effective_losses(sums)
        hidden = hidden_variance(variance, most)
    elif range == "share":
        values = np.clip(values, 0, 1)
        failures = effective_losses(np.maximum(sizes - sums, 0))
        few = 1 / np.minimum(effective_losses(sums), failures)
        # Few large failures of a good model are skewed, too. Wilson's interval knows what scores
        # of all or nothing hide, and Student's t does for groups what 3 / n does for cases.
        largest = values * (1 - values) / n_units
        unlike = 1 - np.divide(variance, largest, out=np.ones_like(variance), where=largest > 0)
        few = few if sample.units.grouped else few + 3 / n_units
        hidden = variance * few * np.clip(unlike, 0, 1)

    def replicate(weights: Floats) -> Floats:
        return np.asarray(weights @ sums.T / (weights @ sizes)[:, None])

    return Evaluation(
        metric=metric,
        names=tuple(named),
        values=values,
        contributions=contributions,
        units=sample.units,
        scale=_SCALES[range],
        most=most,
        replicate=replicate,
        greater_is_better=greater_is_better,
        unit=unit,
        delta="clt",
        independent=None if sample.members is None else sample.cells.variance(cells),
        unseen=hidden,
    )


def check_size(n: int, name: str) -> None:
    """Raise ValueError unless there are at least two cases."""
    if n < 2:
        raise ValueError(
            f"'{name}' must hold at least two cases: one alone cannot tell how much cases differ."
        )


def mean_estimate(
    evaluation: Evaluation,
    *,
    level: float,
    method: MeanMethod,
    resamples: int,
    random_state: RandomState,
    fewest: int,
    stacklevel: int,
) -> Estimate:
    """The only model's estimate; it warns where fewer than ``fewest`` cases bear the value.

    The bootstraps, which do without Student's t, need twice as many.

    Raises
    ------
    ValueError : ``method`` is none; and as :meth:`Evaluation.estimates`.
    """
    if method not in MEAN_METHODS:
        raise ValueError(
            f"The 'method' parameter must be one of {', '.join(MEAN_METHODS)}. "
            f"Got {method!r} instead."
        )
    engine: IntervalMethod = "delta" if method == "clt" else method
    found = evaluation.estimates(
        level=level, method=engine, resamples=resamples, random_state=random_state
    )
    estimate = found[evaluation.names[0]]
    bearing, needed = float(evaluation.most[0]), fewest if method == "clt" else 2 * fewest
    reason = ""
    if estimate.low == estimate.high:
        reason = "no two cases differ, so its interval has no width"
    elif bearing < needed:
        reason = (
            f"it rests on about {bearing:.3g} cases or groups, fewer than {needed}, and its "
            "interval may cover the truth less often than it says"
        )
    if reason:
        warnings.warn(
            f"Do not rely on this {evaluation.metric}: {reason}. More of them help.",
            PoorApproximationWarning,
            stacklevel=stacklevel + 1,
        )
    return estimate
