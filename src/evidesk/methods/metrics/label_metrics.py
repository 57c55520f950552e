"""What metrics of labels are: functions of the margins of a confusion matrix, and their slopes.

Of the k x k counts they need only, for each class, how often it is hit, true and predicted (and
weighted kappa the total cost of the errors). Each metric comes with its partial derivatives by
these counts, so that one formula makes the linearised error of every one. No metric changes when
all counts double, hence the counts times their derivatives add up to 0.

Sources: Sokolova and Lapalme, "A systematic analysis of performance measures for classification
tasks", Information Processing and Management 45 (2009) 427-437, for the class-wise metrics and
their averages; Gorodkin, "Comparing two K-category assignments by a K-category correlation
coefficient", Computational Biology and Chemistry 28 (2004) 367-374; Cohen, "Weighted kappa",
Psychological Bulletin 70 (1968) 213-220. The derivatives are ours; Takahashi et al., "Confidence
interval for micro-averaged F1 and macro-averaged F1 scores", Applied Intelligence 52 (2022)
4961-4972, use the same delta method.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.scales import Scale

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer[Any]]
#: How the values of the classes become one; "binary" is the value of the positive class.
Average = Literal["binary", "macro", "micro", "weighted"]
AVERAGES: tuple[Average, ...] = get_args(Average)
#: What an error costs in Cohen's kappa: its distance in the order of the labels, or that squared.
KappaWeights = Literal["linear", "quadratic"]


class Margins(NamedTuple):
    """What a confusion matrix, or a stack of them, says of each class.

    ``hits``, ``true`` and ``predicted`` have shape (..., k): in how many cases each class was both
    true and predicted, was true, was predicted. ``cost`` has shape (...): the sum over all cases
    of what their error costs, where the metric asks for it.
    """

    hits: Floats
    true: Floats
    predicted: Floats
    cost: Floats | None = None

    @classmethod
    def of(cls, counts: npt.ArrayLike, cost: Floats | None = None) -> "Margins":
        """Of matrices of shape (..., k, k), rows the truth; ``cost`` of each cell, shape (k, k)."""
        table = np.asarray(counts, dtype=np.float64)
        return cls(
            np.diagonal(table, axis1=-2, axis2=-1),
            table.sum(axis=-1),
            table.sum(axis=-2),
            None if cost is None else (table * cost).sum(axis=(-2, -1)),
        )

    @property
    def n(self) -> Floats:
        """Number of cases, shape (...)."""
        return np.asarray(self.true.sum(axis=-1))

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """Which classes are true or predicted at all, shape (..., k)."""
        return np.asarray(self.true + self.predicted > 0)


class Slopes(NamedTuple):
    """Derivatives by the margins (shape (..., k)), and by n and the total cost (shape (...))."""

    hits: Floats
    true: Floats
    predicted: Floats
    n: Floats
    cost: Floats | None = None

    def of(self, model: int) -> "Slopes":
        """Those of one of many matrices."""
        cost = None if self.cost is None else self.cost[model]
        hits, true, predicted, n, _ = self
        return Slopes(hits[model], true[model], predicted[model], n[model], cost)

    def at(self, truth: Codes, predicted: Codes, cost: Floats | None = None) -> Floats:
        """Derivative by the count of each cell (truth, predicted), shape (..., cells)."""
        slope = self.hits[..., truth]
        slope *= truth == predicted
        slope += self.true[..., truth]
        slope += self.predicted[..., predicted]
        slope += self.n[..., None]
        if self.cost is not None and cost is not None:
            slope += self.cost[..., None] * cost
        return slope


@dataclass(frozen=True)
class ClassRatio:
    """A ratio of counts for each class: what each case adds to numerator and denominator.

    Both are weights of: the case hits the class, is of the class, is predicted so, is a case.
    ``cases`` times the denominator is the number of cases that the ratio rests on.
    """

    numerator: tuple[float, float, float, float]
    denominator: tuple[float, float, float, float]
    cases: float = 1.0

    def parts(self, margins: Margins) -> tuple[Floats, Floats]:
        """Numerator and denominator of each class, shape (..., k)."""
        sums = (margins.hits, margins.true, margins.predicted, margins.n[..., None])
        return _sum(self.numerator, sums), _sum(self.denominator, sums)

    def of_cases(self, truth: Codes, predicted: Codes, label: int) -> tuple[Floats, Floats]:
        """What each case adds to numerator and denominator of one class, shape (cases,)."""
        true, said = truth == label, predicted == label
        marks = tuple(np.asarray(mark, float) for mark in (true & said, true, said, 1.0))
        shape = truth.shape
        return (
            np.broadcast_to(_sum(self.numerator, marks), shape),
            np.broadcast_to(_sum(self.denominator, marks), shape),
        )


def _sum(weights: tuple[float, ...], terms: tuple[Floats, ...]) -> Floats:
    return np.asarray(sum(w * term for w, term in zip(weights, terms, strict=True) if w))


RECALL = ClassRatio((1, 0, 0, 0), (0, 1, 0, 0))
PRECISION = ClassRatio((1, 0, 0, 0), (0, 0, 1, 0))
SPECIFICITY = ClassRatio((1, -1, -1, 1), (0, -1, 0, 1))
JACCARD = ClassRatio((1, 0, 0, 0), (-1, 1, 1, 0))


def f_ratio(beta: float) -> ClassRatio:
    """F-beta: ``(1 + b^2) hits / (b^2 true + predicted)``."""
    return ClassRatio((1 + beta**2, 0, 0, 0), (0, beta**2, 1, 0), 1 / (1 + beta**2))


#: A strictly monotone map of a proportion, with its derivative; ``classes`` are those present.
Map = Callable[[Floats, Floats], tuple[Floats, Floats]]


def same(share: Floats, classes: Floats) -> tuple[Floats, Floats]:
    """The proportion itself."""
    return share, np.ones_like(share)


def error(share: Floats, classes: Floats) -> tuple[Floats, Floats]:
    """The error rate, from the accuracy."""
    return 1 - share, -np.ones_like(share)


def f1_from_jaccard(share: Floats, classes: Floats) -> tuple[Floats, Floats]:
    """F1 is ``2 J / (1 + J)``."""
    return 2 * share / (1 + share), 2 / (1 + share) ** 2


def micro_jaccard(share: Floats, classes: Floats) -> tuple[Floats, Floats]:
    """Pooled over the classes, each error is one miss and one false alarm."""
    return share / (2 - share), 2 / (2 - share) ** 2


def micro_specificity(share: Floats, classes: Floats) -> tuple[Floats, Floats]:
    """Of the ``classes - 1`` labels a case could be wrongly given, an error gets one."""
    others = np.maximum(classes - 1, 1)
    return np.where(classes > 1, 1 - (1 - share) / others, 0), np.where(classes > 1, 1 / others, 0)


def accuracy(margins: Margins, by: Map = same) -> tuple[Floats, Slopes]:
    """Share of hits, or a map of it."""
    n = margins.n
    share = margins.hits.sum(axis=-1) / n
    value, slope = by(share, margins.present.sum(axis=-1))
    zero = np.zeros_like(margins.hits)
    return value, Slopes(zero + (slope / n)[..., None], zero, zero, -slope * share / n)


def averaged(
    margins: Margins, ratio: ClassRatio, average: Literal["macro", "weighted"] | int
) -> tuple[Floats, Slopes, Floats]:
    """The ratio of one class (its number), or averaged over the classes that are present.

    A class whose ratio is 0/0 counts with 0. The third array is the number of cases that the
    value rests on, if all classes were equally good.
    """
    top, bottom = ratio.parts(margins)
    known = bottom > 0
    inverse = np.divide(1.0, bottom, out=np.zeros_like(bottom), where=known)
    ratios = top * inverse
    n = margins.n
    if average == "macro":
        weights = margins.present / margins.present.sum(axis=-1, keepdims=True)
    elif average == "weighted":
        weights = margins.true / n[..., None]
    else:
        weights = np.zeros_like(bottom)
        weights[..., average] = 1.0
    value = (weights * ratios).sum(axis=-1)
    scale = weights * inverse
    hits, true, predicted, each = (
        scale * (a - ratios * b) for a, b in zip(ratio.numerator, ratio.denominator, strict=True)
    )
    whole = np.asarray(each.sum(axis=-1))
    if average == "weighted":
        true = true + ratios / n[..., None]
        whole = whole - value / n
    spread = (weights**2 * inverse).sum(axis=-1)
    rests_on = np.divide(ratio.cases, spread, out=n.astype(np.float64), where=spread > 0)
    return value, Slopes(hits, true, predicted, whole), rests_on


def balanced_accuracy(margins: Margins) -> tuple[Floats, Slopes, Floats]:
    """Mean recall of the classes that are true in some case."""
    weights = margins.true > 0
    inverse = np.divide(1.0, margins.true, out=np.zeros_like(margins.true), where=weights)
    classes = weights.sum(axis=-1)
    recall = margins.hits * inverse
    hits = inverse / classes[..., None]
    zero = np.zeros_like(hits)
    slopes = Slopes(hits, -recall * hits, zero, zero[..., 0])
    return recall.sum(axis=-1) / classes, slopes, classes**2 / inverse.sum(axis=-1)


def matthews(margins: Margins) -> tuple[Floats, Slopes]:
    """Gorodkin's correlation coefficient of k classes; 0 where truth or prediction is constant."""
    hits, true, predicted, _ = margins
    n, hit = margins.n, hits.sum(axis=-1)
    both = n * hit - (true * predicted).sum(axis=-1)
    of_truth, of_prediction = n**2 - (true**2).sum(axis=-1), n**2 - (predicted**2).sum(axis=-1)
    known = (of_truth > 0) & (of_prediction > 0)
    of_truth, of_prediction = np.where(known, of_truth, 1), np.where(known, of_prediction, 1)
    inverse = known / np.sqrt(of_truth * of_prediction)
    value = np.asarray(both * inverse)
    by_truth, by_prediction = (value / of_truth)[..., None], (value / of_prediction)[..., None]
    column = inverse[..., None]
    slopes = Slopes(
        np.broadcast_to((n * inverse)[..., None], hits.shape),
        by_truth * true - column * predicted,
        by_prediction * predicted - column * true,
        hit * inverse - n * (by_truth + by_prediction)[..., 0],
    )
    return value, slopes


def kappa(margins: Margins) -> tuple[Floats, Slopes]:
    """Cohen's kappa; NaN where truth and prediction are one and the same class throughout."""
    hits, true, predicted, _ = margins
    n, hit = margins.n, hits.sum(axis=-1)
    chance = (true * predicted).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1 / (n**2 - chance)
        value = np.asarray(1 - n * (n - hit) * inverse)
    column = inverse[..., None]
    by_margin = column * (value - 1)[..., None]
    slopes = Slopes(
        np.broadcast_to((n * inverse)[..., None], hits.shape),
        by_margin * predicted,
        by_margin * true,
        inverse * (hit - 2 * n * value),
    )
    return value, slopes


def weighted_kappa(margins: Margins, cost: Floats) -> tuple[Floats, Slopes]:
    """Cohen's kappa with a ``cost`` of each error, shape (k, k); symmetric, 0 where right."""
    _, true, predicted, total = margins
    assert total is not None
    n = margins.n
    by_true, by_predicted = predicted @ cost, true @ cost
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1 / (true * by_true).sum(axis=-1)
        loss = np.asarray(n * total * inverse)
    by_margin = (inverse * loss)[..., None]
    slopes = Slopes(
        np.zeros_like(true),
        by_margin * by_true,
        by_margin * by_predicted,
        -total * inverse,
        -n * inverse,
    )
    return 1 - loss, slopes


def cost_of(weights: KappaWeights, k: int) -> Floats:
    """What each error costs in weighted kappa, shape (k, k)."""
    distance = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    return distance if weights == "linear" else distance**2


@dataclass(frozen=True)
class LabelMetric:
    """A metric of labels, with what its intervals need.

    Attributes
    ----------
    name : for people, such as ``"macro F1"``.
    at : from margins to value, slopes, and the number of cases that the value at most rests on.
    share : where the metric is a monotone map of a plain proportion, that map with the ratio and
        the number of the class (None and 0 for the accuracy); otherwise None.
    scale, greater_is_better : as in :class:`~evidesk.methods.metrics.evaluation.Evaluation`.
    cost : what each error costs, shape (k, k), where the metric asks for it.
    """

    name: str
    at: Callable[[Margins], tuple[Floats, Slopes, Floats]]
    share: tuple[Map, ClassRatio | None, int] | None = None
    scale: Scale = "proportion"
    greater_is_better: bool = True
    cost: Floats | None = None


_OVERALL: dict[str, tuple[str, Map]] = {
    "accuracy": ("accuracy", same),
    "error_rate": ("error rate", error),
}
_BY_CLASS: dict[str, tuple[str, ClassRatio, Map]] = {
    "recall": ("recall", RECALL, same),
    "sensitivity": ("sensitivity", RECALL, same),
    "specificity": ("specificity", SPECIFICITY, micro_specificity),
    "precision": ("precision", PRECISION, same),
    "jaccard": ("Jaccard", JACCARD, micro_jaccard),
}
#: The metrics of labels, by the name that asks for them.
LABEL_METRICS = (
    *_OVERALL,
    *_BY_CLASS,
    "f1",
    "fbeta",
    "balanced_accuracy",
    "mcc",
    "cohen_kappa",
)
#: Those that are a value of each class first, and hence ask for an average.
CLASS_METRICS = frozenset((*_BY_CLASS, "f1", "fbeta"))


def label_metric(
    metric: str,
    average: Literal["macro", "micro", "weighted"] | int = "macro",
    *,
    beta: float = 1.0,
    weights: KappaWeights | None = None,
    k: int = 0,
) -> LabelMetric:
    """The metric of that name; ``average`` may be the number of a class, ``k`` that of classes."""
    if metric in _OVERALL:
        return _map_of_accuracy(*_OVERALL[metric])
    if metric == "balanced_accuracy":
        return LabelMetric("balanced accuracy", balanced_accuracy)
    if metric == "mcc":
        return _correlation("MCC", matthews)
    if metric == "cohen_kappa":
        if weights is None:
            return _correlation("Cohen's kappa", kappa)
        cost = cost_of(weights, k)
        by_cost = _correlation(f"{weights} kappa", lambda margins: weighted_kappa(margins, cost))
        return LabelMetric(by_cost.name, by_cost.at, scale=by_cost.scale, cost=cost)
    pooled: Map = same
    if metric in ("f1", "fbeta"):
        beta = 1.0 if metric == "f1" else beta
        name, ratio = f"F{beta:g}", f_ratio(beta)
    else:
        name, ratio, pooled = _BY_CLASS[metric]
    if average == "micro":
        return _map_of_accuracy(f"micro {name}", pooled)
    if average == "macro" or average == "weighted":
        return LabelMetric(f"{average} {name}", lambda margins: averaged(margins, ratio, average))
    plain = metric not in ("f1", "fbeta")
    share = (same, ratio, average) if plain else (f1_from_jaccard, JACCARD, average)
    return LabelMetric(
        name,
        lambda margins: averaged(margins, ratio, average),
        share if plain or beta == 1 else None,
    )


def _map_of_accuracy(name: str, by: Map) -> LabelMetric:
    return LabelMetric(
        name,
        lambda margins: (*accuracy(margins, by), margins.n),
        (by, None, 0),
        greater_is_better=by is not error,
    )


def _correlation(name: str, at: Callable[[Margins], tuple[Floats, Slopes]]) -> LabelMetric:
    return LabelMetric(name, lambda margins: (*at(margins), margins.n), scale="correlation")
