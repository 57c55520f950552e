"""One name for each metric of scores, for comparisons and ranks of any number of models."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy.typing as npt

from evidesk.methods.metrics.auroc import AUROC
from evidesk.methods.metrics.average_precision import AVERAGE_PRECISION
from evidesk.methods.metrics.calibration import Strategy, calibration_evaluation
from evidesk.methods.metrics.evaluation import Evaluation
from evidesk.methods.metrics.probability import loss_evaluation
from evidesk.methods.metrics.ranking_metrics import Average, ranking_evaluation

ScoreMetric = Literal["auroc", "average_precision", "brier", "log_loss", "ece"]
SCORE_METRICS: tuple[ScoreMetric, ...] = get_args(ScoreMetric)
_OF_RANKINGS = {"auroc": AUROC, "average_precision": AVERAGE_PRECISION}


def evaluate_scores(
    metric: ScoreMetric,
    y_true: npt.ArrayLike,
    scores: Mapping[str, npt.ArrayLike],
    *,
    pos_label: Any = None,
    average: Average = "macro",
    labels: npt.ArrayLike | None = None,
    bins: int = 15,
    strategy: Strategy = "uniform",
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
) -> Evaluation:
    """A metric of the scores of any number of models on the same cases.

    Parameters
    ----------
    metric : ``auroc``, ``average_precision``, ``brier``, ``log_loss`` or ``ece``.
    y_true : array-like of shape (n_cases,); labels.
    scores : each model's scores by the model's name: of shape (n_cases,) for the positive class, or
        (n_cases, n_classes); probabilities for the last three metrics.
    pos_label, average, labels, groups, sample_weight : as in
        :func:`~evidesk.methods.metrics.auroc`.

    bins, strategy : for ``ece``, as in
        :func:`~evidesk.methods.metrics.expected_calibration_error`.

    Returns
    -------
    An evaluation whose units are the cases in their order, or the groups in the order of their
    names. (For one model of independent cases, ``auroc`` and ``average_precision`` have cells of
    cases with equal score and class as units.)

    Raises
    ------
    ValueError : ``metric`` is none, or there are no models; and as
        :func:`~evidesk.methods.metrics.auroc`.
    """
    if metric not in SCORE_METRICS:
        raise ValueError(
            f"The 'metric' parameter must be one of {', '.join(SCORE_METRICS)}. "
            f"Got {metric!r} instead."
        )
    if len(scores) == 0:
        raise ValueError("The 'scores' parameter must name at least one model.")
    named = {str(name): values for name, values in scores.items()}
    if metric in _OF_RANKINGS:
        return ranking_evaluation(
            _OF_RANKINGS[metric],
            y_true,
            named,
            pos_label=pos_label,
            average=average,
            labels=labels,
            groups=groups,
            sample_weight=sample_weight,
        )
    if metric == "ece":
        return calibration_evaluation(
            y_true,
            named,
            bins=bins,
            strategy=strategy,
            pos_label=pos_label,
            labels=labels,
            groups=groups,
            sample_weight=sample_weight,
        )
    return loss_evaluation(
        metric,
        y_true,
        named,
        pos_label=pos_label,
        labels=labels,
        groups=groups,
        sample_weight=sample_weight,
    )
