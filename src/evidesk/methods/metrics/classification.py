"""Metrics of labels by name, for any number of models, and for the classes of one."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.metrics.evaluation import Evaluation, IntervalMethod
from evidesk.methods.metrics.label_estimates import estimate, warn_of, warn_of_units
from evidesk.methods.metrics.label_metrics import (
    AVERAGES,
    CLASS_METRICS,
    LABEL_METRICS,
    Average,
    KappaWeights,
    LabelMetric,
    label_metric,
)
from evidesk.methods.metrics.label_table import LabelTable, table_of
from evidesk.methods.metrics.proportion import Method
from evidesk.methods.metrics.resampling import RandomState


def evaluate_labels(
    metric: str,
    y_true: npt.ArrayLike,
    predictions: Mapping[str, npt.ArrayLike],
    *,
    average: Average = "binary",
    pos_label: Any = None,
    beta: float = 1.0,
    weights: KappaWeights | None = None,
    labels: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    counts: npt.ArrayLike | None = None,
) -> Evaluation:
    """A metric of labels, for any number of models on the same cases.

    What it returns is for comparing models: paired differences and ranks are made of it. The
    interval of one model alone is made by the function with the metric's name.

    Parameters
    ----------
    metric : ``accuracy``, ``error_rate``, ``sensitivity``, ``specificity``, ``precision``,
        ``recall``, ``f1``, ``fbeta``, ``jaccard``, ``balanced_accuracy``, ``mcc`` or
        ``cohen_kappa``.
    y_true : array-like of shape (n_cases,); labels: text, numbers or true/false.
    predictions : each model's labels by the model's name, array-likes of shape (n_cases,), of the
        same kind as ``y_true``: a dict of arrays or a DataFrame.
    average : for the metrics that are a value of each class:

        - ``binary``: the value of the class ``pos_label``.
        - ``macro``: the mean over the classes that are true or predicted in some case.
        - ``micro``: from the counts of all classes, pooled.
        - ``weighted``: the mean over classes, each with its share of the true labels.
    pos_label : the positive class; by default the greater of two labels.
    beta : for ``fbeta``; recall counts ``beta`` times as much as precision. Positive.
    weights : for ``cohen_kappa``: what an error costs, by the distance in the order of ``labels``.
    labels : array-like of shape (k,), optional; all classes, in their order. By default those
        that occur, sorted.
    groups : array-like of shape (n_cases,), optional; what makes cases belong together, for
        example the patient of each image.
    sample_weight : array-like of shape (n_cases,), optional; how much each case counts, at least 0.
        Only their ratios matter: they tell how unlike the sample is to what is asked about, not
        how many cases there are (that is ``counts``).
    counts : array-like of shape (n_cases,), optional; how many cases there are just like this
        one, so that a table counted by ``GROUP BY truth, prediction, group`` is enough.

    Raises
    ------
    ValueError : lengths differ; labels are missing; a parameter is out of its range; fewer than
        two cases or groups; the metric is not defined for these labels.
    TypeError : labels mix kinds.
    """
    table = table_of(
        y_true,
        predictions,
        labels=labels,
        groups=groups,
        sample_weight=sample_weight,
        counts=counts,
    )
    found = resolved(
        table, metric, average=average, pos_label=pos_label, beta=beta, weights=weights
    )
    warn_of(table, found)
    return table.evaluate(found)


def resolved(
    table: LabelTable,
    metric: str,
    *,
    average: Average,
    pos_label: Any,
    beta: float,
    weights: KappaWeights | None,
) -> LabelMetric:
    """The metric of that name for these classes.

    Raises
    ------
    ValueError : a name or number is none that the metric knows.
    """
    if metric not in LABEL_METRICS:
        raise ValueError(
            f"The 'metric' parameter must be one of {', '.join(LABEL_METRICS)}. "
            f"Got {metric!r} instead."
        )
    if metric in CLASS_METRICS and average not in AVERAGES:
        raise ValueError(
            f"The 'average' parameter must be one of {', '.join(AVERAGES)}. "
            f"Got {average!r} instead."
        )
    if weights not in (None, "linear", "quadratic"):
        raise ValueError(
            f"The 'weights' parameter must be None, linear or quadratic. Got {weights!r} instead."
        )
    if not isinstance(beta, int | float) or not 0 < beta < float("inf"):
        raise ValueError(f"The 'beta' parameter must be a positive number. Got {beta!r} instead.")
    how: Literal["macro", "micro", "weighted"] | int = "macro"
    if metric in CLASS_METRICS:
        how = positive_class(table, pos_label) if average == "binary" else average
    return label_metric(metric, how, beta=beta, weights=weights, k=table.k)


def estimate_by_name(
    table: LabelTable,
    metric: str,
    *,
    average: Average | None = "binary",
    pos_label: Any = None,
    beta: float = 1.0,
    weights: KappaWeights | None = None,
    level: float = 0.95,
    method: Method | IntervalMethod | None = None,
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Estimate | dict[Any, Estimate]:
    """The metric of a table's only model; for ``average=None`` of each class, by its label.

    Parameters and errors as in :func:`~evidesk.methods.metrics.recall`.
    """
    found = [
        resolved(
            table,
            metric,
            average=average or "binary",
            pos_label=label,
            beta=beta,
            weights=weights,
        )
        for label in (table.labels.tolist() if average is None else [pos_label])
    ]
    warn_of(table, *found)
    warn_of_units(table, *found)
    estimates = [
        estimate(
            table,
            each,
            level=level,
            method=method,
            resamples=resamples,
            random_state=random_state,
        )
        for each in found
    ]
    if average is None:
        return dict(zip(table.labels.tolist(), estimates, strict=True))
    return estimates[0]


def positive_class(table: LabelTable, pos_label: Any) -> int:
    """The number of the positive class.

    Raises
    ------
    ValueError : it is not among the labels, or there are not two to choose the greater from.
    """
    labels: list[Any] = table.labels.tolist()
    if pos_label is not None:
        if pos_label in labels:
            return labels.index(pos_label)
        raise ValueError(
            f"The 'pos_label' parameter must be one of the labels: {_some(labels)}. "
            f"Got {pos_label!r} instead."
        )
    if len(labels) != 2:
        raise ValueError(
            f"The 'pos_label' parameter must name the positive class, or 'average' be macro, micro "
            f"or weighted: there are {len(labels)} labels, {_some(labels)}."
        )
    return labels.index(max(labels))


def _some(labels: list[Any]) -> str:
    shown = ", ".join(map(repr, labels[:10]))
    return shown if len(labels) <= 10 else f"{shown}, ..."
