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
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.margins import Codes, Margins, Point, Slopes
from evidesk.methods.metrics.scales import Scale

Floats = npt.NDArray[np.float64]
_TINY = 1e-300  # in place of 0, where a quotient is not used

#: How the values of the classes become one; "binary" is the value of the positive class.
Average = Literal["binary", "macro", "micro", "weighted"]
AVERAGES: tuple[Average, ...] = get_args(Average)
#: What an error costs in Cohen's kappa: its distance in the order of the labels, or that squared.
KappaWeights = Literal["linear", "quadratic"]


@dataclass(frozen=True)
class ClassRatio:
    """A ratio of counts for each class: what each case adds to numerator and denominator.

    Both are weights of: the case hits the class, is of the class, is predicted so, is a case.
    ``needs`` says what a case must be for the denominator to count it. ``beta`` is that of
    F-beta; the other ratios are plain proportions.
    """

    numerator: tuple[float, float, float, float]
    denominator: tuple[float, float, float, float]
    needs: str
    beta: float | None = None

    def parts(self, margins: Margins) -> tuple[Floats, Floats]:
        """Numerator and denominator of each class, shape (..., k)."""
        counts: tuple[Floats, ...] = (margins.hits, margins.true, margins.predicted)
        if self.numerator[3] or self.denominator[3]:
            counts += (margins.n[..., None],)
        return _sum(self.numerator, counts), _sum(self.denominator, counts)

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
    total = None
    for weight, term in zip(weights, terms, strict=False):
        if weight:
            part = term if weight == 1 else weight * term
            total = part if total is None else total + part
    return np.zeros(terms[0].shape) if total is None else total


RECALL = ClassRatio((1, 0, 0, 0), (0, 1, 0, 0), "true")
PRECISION = ClassRatio((1, 0, 0, 0), (0, 0, 1, 0), "predicted")
SPECIFICITY = ClassRatio((1, -1, -1, 1), (0, -1, 0, 1), "of another class")
JACCARD = ClassRatio((1, 0, 0, 0), (-1, 1, 1, 0), "true or predicted")


def f_ratio(beta: float) -> ClassRatio:
    """F-beta: ``(1 + b^2) hits / (b^2 true + predicted)``."""
    return ClassRatio((1 + beta**2, 0, 0, 0), (0, beta**2, 1, 0), JACCARD.needs, beta)


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


def accuracy(margins: Margins, by: Map = same) -> Point:
    """Share of hits, or a map of it."""
    n = margins.n
    share = margins.hits.sum(axis=-1) / n
    value, slope = by(share, margins.present.sum(axis=-1))
    zero = np.zeros_like(margins.hits)
    return Point(value, Slopes(zero + (slope / n)[..., None], zero, zero, -slope * share / n), n)


def averaged(
    margins: Margins, ratio: ClassRatio, average: Literal["macro", "weighted"] | int
) -> Point:
    """The ratio of one class (its number), or averaged over the classes that are present.

    A class whose ratio is 0/0 counts with 0.
    """
    top, bottom = ratio.parts(margins)
    inverse = _inverse(bottom)
    ratios = top * inverse
    n = margins.n
    if average == "macro":
        present = margins.present
        weights = present / np.add.reduce(present, axis=-1, keepdims=True)
    elif average == "weighted":
        weights = margins.true / n[..., None]
    else:
        weights = np.zeros_like(bottom)
        weights[..., average] = 1.0
    scale = weights * inverse
    pull = scale * ratios
    value = _total(weights * ratios)
    pairs = tuple(zip(ratio.numerator, ratio.denominator, strict=True))
    by_pair = {(a, b): _sum((a, -b), (scale, pull)) for a, b in set(pairs)}
    hits, true, predicted, each = (by_pair[pair] for pair in pairs)
    whole = _total(each)
    plain = isinstance(average, int) and ratio.beta is None
    unseen, bias = (0.0, 0.0) if plain else _unseen(margins, ratio, weights)
    if average == "weighted":
        # More true cases go with a higher ratio: both count the hits.
        recall = margins.hits * _inverse(margins.true)
        bias = bias + _total(recall * (hits + predicted) + true + each)
        true = true + ratios / n[..., None]
        whole = whole - value / n
    per_case = 1.0 if ratio.beta is None else 1 / (1 + ratio.beta**2)
    if ratio is JACCARD and isinstance(average, str):
        per_case = 0.5  # an error counts in full in two classes
    spread = _total(weights * scale)
    cases = np.where(spread > 0, per_case / np.maximum(spread, _TINY), n)
    return Point(value, Slopes(hits, true, predicted, whole), cases, unseen + bias**2)


def _unseen(margins: Margins, ratio: ClassRatio, weights: Floats) -> tuple[Floats, Floats | float]:
    """Variance that a class of few cases hides, and the bias of the average.

    The variance, which is missing above all where a class has all its cases right, is what the
    binomial variance of the class's ratio gains by half a case more of each kind, the counts of
    Jeffreys' prior. F-beta is a function of the Jaccard ratio J, whose cases err independently: to
    first order near J = 1, with misses and false alarms alike. It bends downwards, so few cases
    make it too small on average; the bias of many classes adds up while their errors cancel.
    """
    top, bottom = (ratio if ratio.beta is None else JACCARD).parts(margins)
    # A class whose ratio is 0/0 hides as much as one that has a single case.
    inverse = 1 / np.where(bottom > 0, bottom, 1.0)
    shares = np.array((top * inverse, (top + 0.5) / (bottom + 1)))
    variances = shares * (1 - shares)
    inverse *= weights
    bias: Floats | float = 0.0
    if ratio.beta is not None:
        unequal = 8 * (1 + ratio.beta**4) / (1 + ratio.beta**2) ** 2
        shares += 1
        variances *= unequal / np.square(np.square(shares))
        bias = _total(inverse * variances[0] * shares[0]) / -2
    seen, possible = variances
    inverse *= weights
    inverse *= np.maximum(possible - seen, 0)
    return _total(inverse), bias


def _total(of_classes: Floats) -> Floats:
    """Over the classes; faster than the method ``sum`` where there are few."""
    return np.asarray(np.add.reduce(of_classes, axis=-1))


def _inverse(counts: Floats) -> Floats:
    """One over each count, and 0 for 0."""
    return np.asarray((counts > 0) / np.maximum(counts, _TINY))


def balanced_accuracy(margins: Margins) -> Point:
    """Mean recall of the classes that are true in some case."""
    classes = np.count_nonzero(margins.true, axis=-1)
    inverse = _inverse(margins.true)
    recall = margins.hits * inverse
    hits = inverse / classes[..., None]
    zero = np.zeros_like(hits)
    return Point(
        recall.sum(axis=-1) / classes,
        Slopes(hits, -recall * hits, zero, zero[..., 0]),
        classes**2 / inverse.sum(axis=-1),
        _unseen(margins, RECALL, (margins.true > 0) / classes[..., None])[0],
    )


def matthews(margins: Margins) -> Point:
    """Gorodkin's correlation coefficient of k classes; 0 where truth or prediction is constant."""
    hits, true, predicted, _ = margins
    n, hit = margins.n, hits.sum(axis=-1)
    both = n * hit - (true * predicted).sum(axis=-1)
    of_truth, of_prediction = n**2 - (true**2).sum(axis=-1), n**2 - (predicted**2).sum(axis=-1)
    # Of a constant, weights that do not add up exactly leave rounding errors.
    least = 1e-13 * n**2
    known = (of_truth > least) & (of_prediction > least)
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
    return Point(value, slopes, n)


def kappa(margins: Margins) -> Point:
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
    return Point(value, slopes, n)


def weighted_kappa(margins: Margins, cost: Floats) -> Point:
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
    return Point(1 - loss, slopes, n)


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
    at : the metric at given margins.
    share : where the metric is a monotone map of a plain proportion, that map with the ratio and
        the number of the class (None and 0 for the accuracy); otherwise None.
    ratio : the ratio of each class that the metric is made of, or None.
    average : how the classes are averaged, or the number of the class.
    scale, greater_is_better : as in :class:`~evidesk.methods.metrics.evaluation.Evaluation`.
    cost : what each error costs, shape (k, k), where the metric asks for it.
    """

    name: str
    at: Callable[[Margins], Point]
    share: tuple[Map, ClassRatio | None, int] | None = None
    scale: Scale = "proportion"
    greater_is_better: bool = True
    cost: Floats | None = None
    ratio: ClassRatio | None = None
    average: Average | int | None = None


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
        return LabelMetric("balanced accuracy", balanced_accuracy, average="macro")
    if metric == "mcc":
        return LabelMetric("MCC", matthews, scale="correlation")
    if metric == "cohen_kappa":
        if weights is None:
            return LabelMetric("Cohen's kappa", kappa, scale="correlation")
        cost = cost_of(weights, k)
        return LabelMetric(
            f"{weights} kappa",
            lambda margins: weighted_kappa(margins, cost),
            scale="correlation",
            cost=cost,
        )
    pooled: Map = same
    if metric in ("f1", "fbeta"):
        beta = 1.0 if metric == "f1" else float(beta)
        name, ratio = f"F{beta:g}", f_ratio(beta)
    else:
        name, ratio, pooled = _BY_CLASS[metric]
    if average == "micro" or (average == "weighted" and ratio is RECALL):
        return _map_of_accuracy(f"{average} {name}", pooled)  # weighted recall is the accuracy
    share = None
    if isinstance(average, int):
        if ratio.beta is None:
            share = (same, ratio, average)
        elif beta == 1:
            share = (f1_from_jaccard, JACCARD, average)
    return LabelMetric(
        f"{average} {name}" if isinstance(average, str) else name,
        lambda margins: averaged(margins, ratio, average),
        share,
        ratio=ratio,
        average=average,
    )


def _map_of_accuracy(name: str, by: Map) -> LabelMetric:
    return LabelMetric(
        name,
        lambda margins: accuracy(margins, by),
        (by, None, 0),
        greater_is_better=by is not error,
    )
