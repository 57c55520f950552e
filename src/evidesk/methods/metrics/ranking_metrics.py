"""Metrics that only ask which case ranks above which: their values, errors and replicates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.evaluation import Evaluation
from evidesk.methods.metrics.labels import as_labels
from evidesk.methods.metrics.ranking import Ranking, Side
from evidesk.methods.metrics.scores import (
    BinaryScores,
    Sample,
    as_scores,
    class_codes,
    positives_of,
)
from evidesk.methods.metrics.units import Units, weighted_units

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
#: The mean over classes.
Average = Literal["macro", "weighted"]
AVERAGES: tuple[Average, ...] = get_args(Average)

#: Cells of one batch of resamples, for the processor's cache.
_BATCH = 2**18


@dataclass(frozen=True)
class RankingMetric:
    """A metric of a ranking.

    Attributes
    ----------
    name : for people.
    linearise : from a ranking to the value and its derivatives by the count of one positive and
        one negative cell, arrays of shape (cells of that side,).
    resample : from a ranking and the counts of its positive and negative cells in each resample,
        shapes (batch, cells of that side), to the values, shape (batch,).
    by_class : whether the value depends on the cases of each class only through their
        distribution within the class, and not on how many cases each class has.
    delta : what the delta method is called.
    """

    name: str
    linearise: Callable[[Ranking], tuple[float, Floats, Floats]]
    resample: Callable[[Ranking, Floats, Floats], Floats]
    by_class: bool
    delta: str


def ranking_evaluation(
    metric: RankingMetric,
    y_true: npt.ArrayLike | BinaryScores,
    scores: Mapping[str, npt.ArrayLike | None],
    *,
    pos_label: Any,
    average: Average,
    labels: npt.ArrayLike | None,
    groups: npt.ArrayLike | None,
    sample_weight: npt.ArrayLike | None,
) -> Evaluation:
    """The metric of each model from labels and scores, or of one model from counts.

    Raises
    ------
    ValueError : a class has no cases, or arguments do not go together.
    """
    check_average(average)
    if isinstance(y_true, BinaryScores):
        if any(given is not None for given in (*scores.values(), groups, sample_weight)):
            raise ValueError(
                "With 'y_true' as BinaryScores there are no single cases: leave 'y_score', "
                "'groups' and 'sample_weight' out."
            )
        _check_class(y_true.positives.sum(), y_true.n)
        counted = Ranking.of_counts(y_true)
        return _evaluation(metric, {name: [counted] for name in scores}, _sample_of(counted))
    tables = {name: _as_table(values, name) for name, values in scores.items()}
    shapes = {table.ndim for table in tables.values()}
    if len(shapes) != 1:
        raise ValueError("All models must give scores of the same shape.")
    truth = as_labels(y_true, "y_true")
    if shapes == {1}:
        classes = [positives_of(truth, pos_label)]
        _check_class(int(classes[0].sum()), len(truth))
    else:
        width = next(iter(tables.values())).shape[1]
        codes, known = class_codes(truth, labels, width, next(iter(tables)))
        classes = [codes == code for code in range(len(known))]
        for positive, label in zip(classes, known, strict=True):
            _check_class(int(positive.sum()), len(truth), f" of class {label!r}")
    for name, table in tables.items():
        as_scores(table, name, len(truth), ndim=table.ndim)
        if table.ndim == 2 and table.shape[1] != len(classes):
            raise ValueError("All models must give scores of the same shape.")
    alone = len(tables) == len(classes) == 1 and groups is None and sample_weight is None
    if alone:
        name, table = next(iter(tables.items()))
        ranking = Ranking.of_arrays(classes[0], table)
        return _evaluation(metric, {name: [ranking]}, _sample_of(ranking))
    sample = Sample.of_cases(len(truth), groups, sample_weight)
    rankings = {}
    for name, table in tables.items():
        columns = table.T if table.ndim == 2 else table[None]
        rankings[name] = [
            Ranking.of_cases(positive, column, sample.weight)
            for positive, column in zip(classes, columns, strict=True)
        ]
    return _evaluation(metric, rankings, sample, average=average)


def class_design_effects(
    metric: RankingMetric, ranking: Ranking, sample: Sample
) -> tuple[float, float]:
    """By what factor the groups inflate the variance of each class's part in the metric."""
    effects = []
    for side, derivative in zip(ranking.sides, metric.linearise(ranking)[1:], strict=True):
        centred = derivative - derivative @ side.count / side.total
        _, part, _ = _of_units(centred, side, sample)
        alone = float(np.sum((centred * side.count) ** 2))
        together = float(sample.units.variance(part))
        effects.append(max(together / alone, 1.0) if alone > 0 else 1.0)
    return effects[0], effects[1]


def check_average(average: object) -> None:
    """Raise ValueError unless ``average`` names a mean over classes."""
    if average not in AVERAGES:
        raise ValueError(
            f"The 'average' parameter must be one of {', '.join(AVERAGES)}. "
            f"Got {average!r} instead."
        )


def _as_table(values: npt.ArrayLike | None, name: str) -> Floats:
    if values is None:
        raise ValueError(f"The '{name}' parameter is needed with the labels of single cases.")
    return as_scores(values, name, ndim=2 if np.ndim(values) == 2 else 1)


def _check_class(positives: float, n: float, of: str = "") -> None:
    if not 0 < positives < n:
        raise ValueError(
            f"'y_true' holds no {'positive' if positives == 0 else 'negative'} case{of}: there is "
            "nothing to rank."
        )


def _sample_of(ranking: Ranking) -> Sample:
    """The sample of independent cases whose cells are those of ``ranking``."""
    return Sample(Units.of_cases(np.concatenate([side.count for side in ranking.sides])))


def _evaluation(
    metric: RankingMetric,
    rankings: Mapping[str, Sequence[Ranking]],
    sample: Sample,
    *,
    average: Average = "macro",
) -> Evaluation:
    """The metric of each model, averaged over the model's rankings (one class against the rest).

    Parameters
    ----------
    rankings : for each model one ranking, or one for each class.
    average : ``macro`` counts each class equally, ``weighted`` by its share of the cases.
    """
    weighted = average == "weighted"
    parts = [_average(metric, model, sample, weighted) for model in rankings.values()]
    contributions = np.stack([part.contributions for part in parts])
    independent = None
    if sample.members is not None:
        alone = Sample(sample.cells, None, sample.weight)
        apart = [_average(metric, model, alone, weighted) for model in rankings.values()]
        independent = alone.units.variance(np.stack([part.contributions for part in apart]))
    effective = None if metric.by_class else np.array([part.effective for part in parts])
    if sample.weight is not None and sample.members is None:
        known = weighted_units(contributions, sample.units)
        effective = known if effective is None else np.minimum(effective, known)
    one_class = all(len(model) == 1 for model in rankings.values())

    def replicate(weights: Floats) -> Floats:
        rows = max(1, _BATCH // len(sample.cells.sizes))
        batches = [weights[begin : begin + rows] for begin in range(0, len(weights), rows)]
        return np.concatenate(
            [
                np.stack(
                    [
                        _resampled(metric, model, sample, batch, weighted)
                        for model in rankings.values()
                    ],
                    axis=1,
                )
                for batch in batches
            ]
        )

    return Evaluation(
        metric=metric.name if one_class else f"{average} {metric.name}",
        names=tuple(rankings),
        values=np.array([part.value for part in parts]),
        contributions=contributions,
        units=sample.units,
        scale="logit",
        most=np.array([part.fewest for part in parts]),
        replicate=replicate,
        delta=metric.delta,
        independent=independent,
        unseen=np.array([part.unseen for part in parts]),
        effective=effective,
    )


@dataclass(frozen=True)
class _Linearised:
    """A value, what each unit contributes to its error, and how much the units cannot show."""

    value: float
    contributions: Floats
    fewest: float
    unseen: float
    effective: float


def _linearised(metric: RankingMetric, ranking: Ranking, sample: Sample) -> _Linearised:
    value, *derivatives = metric.linearise(ranking)
    units = sample.units
    contributions = np.zeros(len(units.sizes))
    variances, effective, told = [], [], []
    for side, derivative in zip(ranking.sides, derivatives, strict=True):
        where, part, mass = _of_units(derivative, side, sample)
        repeat, sizes = units.repeat[where], units.sizes[where][: len(mass)]
        number = side.total**2 / float(np.sum(repeat * mass**2))
        if number > 1:
            # DeLong's variances are unbiased within each class, where the unit has more leverage.
            part *= np.sqrt((1 - sizes / units.n) / (1 - mass / side.total))
        if isinstance(where, slice):
            contributions[where] += part
        else:
            contributions[where] = part  # each cell is a unit, of one side
        variances.append(float(np.einsum("i,i,i->", part, part, repeat)))
        effective.append(number)
        told.append(number)
        if sample.members is not None and variances[-1] > 0:
            alone = float(np.sum((derivative * side.count) ** 2))
            told[-1] = max(number, min(side.total * alone / variances[-1], side.total))
    spread = value * (1 - value)
    hidden = list(zip(told, variances, strict=True))
    if not metric.by_class:
        hidden = [(told[0], sum(variances))]
    unseen = sum(max(spread / number - variance, 0) / number for number, variance in hidden)
    return _Linearised(
        value,
        contributions,
        min(effective) if metric.by_class else effective[0],
        unseen,
        min(
            _welch(variances, effective), units.effective if sample.members is not None else np.inf
        ),
    )


def _welch(variances: list[float], effective: list[float]) -> float:
    """How many units a sum of independent variances is known from, by Welch and Satterthwaite."""
    precision = sum(
        variance**2 / max(number - 1, 1)
        for variance, number in zip(variances, effective, strict=True)
    )
    return 1 + max(sum(variances) ** 2 / precision, 1) if precision > 0 else max(min(effective), 2)


def _of_units(
    derivative: Floats, side: Side, sample: Sample
) -> tuple[Indices | slice, Floats, Floats]:
    """Which units hold cases of a side, what these contribute, and how many cases that is."""
    counts = np.ones(1) if sample.weight is None else sample.weight[side.cells]
    part = derivative * counts
    if sample.members is None:
        return side.cells, part, counts
    members, size = sample.members[side.cells], len(sample.units.sizes)
    sums = [
        np.bincount(members, values, size).astype(np.float64)
        for values in (part, np.broadcast_to(counts, part.shape))
    ]
    return slice(None), sums[0], sums[1]


def _average(
    metric: RankingMetric, rankings: Sequence[Ranking], sample: Sample, weighted: bool
) -> _Linearised:
    parts = [_linearised(metric, ranking, sample) for ranking in rankings]
    if len(parts) == 1:
        return parts[0]
    n = sample.units.n
    share = np.full(len(parts), 1 / len(parts))
    if weighted:
        share = np.array([ranking.positive.total / n for ranking in rankings])
    values = np.array([part.value for part in parts])
    value = float(share @ values)
    contributions = share @ np.stack([part.contributions for part in parts])
    if weighted:
        # The shares are random, too.
        for ranking, of_class in zip(rankings, values, strict=True):
            ones = np.ones(len(ranking.positive.count))
            where, mass, _ = _of_units(ones, ranking.positive, sample)
            contributions[where] += mass * (of_class - value) / n
    return _Linearised(
        value,
        contributions,
        min(part.fewest for part in parts),
        float(share**2 @ [part.unseen for part in parts]),
        min(part.effective for part in parts),
    )


def _resampled(
    metric: RankingMetric,
    rankings: Sequence[Ranking],
    sample: Sample,
    weights: Floats,
    weighted: bool,
) -> Floats:
    """Values in a batch of resamples, shape (batch,); NaN where a class is missing."""
    values = np.zeros(len(weights))
    total = weights @ sample.units.sizes
    for ranking in rankings:
        positive, negative = (sample.drawn(weights, side.cells) for side in ranking.sides)
        share = positive.sum(axis=1) / total if weighted else 1 / len(rankings)
        with np.errstate(divide="ignore", invalid="ignore"):
            values += share * metric.resample(ranking, positive, negative)
    return values
