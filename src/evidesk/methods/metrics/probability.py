"""Brier score and log loss: how good are predicted probabilities?

Both are means over cases of a loss, and both are proper: no other probabilities than the true ones
are better on average. Sources: Brier, "Verification of forecasts expressed in terms of
probability", Monthly Weather Review 78 (1950) 1-3; Good, "Rational decisions", JRSS B 14 (1952)
107-114; for the choice between them Gneiting and Raftery, JASA 102 (2007) 359-378.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate
from evidesk.methods.metrics.evaluation import Evaluation
from evidesk.methods.metrics.labels import as_labels
from evidesk.methods.metrics.means import effective_losses
from evidesk.methods.metrics.proportion import PoorApproximationWarning, critical_value
from evidesk.methods.metrics.resampling import RandomState
from evidesk.methods.metrics.scores import Sample, as_probabilities, class_codes, positives_of

Floats = npt.NDArray[np.float64]
LossMethod = Literal["clt", "percentile", "bca"]
LOSS_METHODS: tuple[LossMethod, ...] = get_args(LossMethod)

#: Probabilities are kept this far from 0 and 1 in the logarithm, as scikit-learn does for float64.
CLIP = float(np.finfo(np.float64).eps)
#: Below so many effective losses, ``sum(loss) ** 2 / sum(loss ** 2)``, the interval is too short.
FEWEST_LOSSES = 8


def _brier(probabilities: Floats, truth: Floats) -> Floats:
    losses = (probabilities - truth) ** 2
    return losses if losses.ndim == 1 else losses.sum(axis=1)


def _log_loss(probabilities: Floats, truth: Floats) -> Floats:
    if truth.ndim == 1:
        given = np.where(truth == 1, probabilities, 1 - probabilities)
    else:
        given = (probabilities * truth).sum(axis=1)
    losses: Floats = -np.log(np.clip(given, CLIP, 1))
    return losses


_LOSSES: dict[str, tuple[str, Callable[[Floats, Floats], Floats]]] = {
    "brier": ("Brier score", _brier),
    "log_loss": ("log loss", _log_loss),
}


def brier(
    y_true: npt.ArrayLike,
    y_prob: npt.ArrayLike,
    *,
    pos_label: Any = None,
    labels: npt.ArrayLike | None = None,
    level: float = 0.95,
    method: LossMethod = "clt",
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Estimate:
    """Brier score, the mean squared error of predicted probabilities; 0 is best.

    Parameters
    ----------
    y_true : array-like of shape (n_cases,); labels.
    y_prob : array-like of shape (n_cases,), the probability of the positive class, for a score in
        [0, 1]; or (n_cases, n_classes), whose squared errors are summed over the classes (Brier's
        own definition), for a score in [0, 2].
    pos_label : the positive class, see :func:`~evidesk.methods.metrics.scores.positives_of`.
    labels : for several classes, the label of each column; by default all labels in order.
    level : confidence level in (0, 1).
    method : ``clt``: normal error of the logarithm of the mean, with Student's t of as many degrees
        of freedom as ``sum(loss) ** 2 / sum(loss ** 2) - 1``; ``percentile`` or ``bca``: bootstrap.
    groups : array-like of shape (n_cases,), optional; what makes cases belong together.
    sample_weight : array-like of shape (n_cases,), optional; positive.
    resamples, random_state : of the bootstrap.

    Raises
    ------
    ValueError : there is one case only, something is no probability, lengths differ, ...
    TypeError : labels or probabilities are of a wrong kind.

    Warns
    -----
    PoorApproximationWarning : a few cases make most of the loss, fewer than 8 in effect. If all
        losses are the same, the bounds are those of the cases that went unseen: a share of
        ``1 - ((1 - level) / 2) ** (1 / n)`` of all cases may have any other loss.
    """
    return _estimate(
        "brier",
        y_true,
        y_prob,
        pos_label,
        labels,
        groups,
        sample_weight,
        level,
        method,
        resamples,
        random_state,
    )


def log_loss(
    y_true: npt.ArrayLike,
    y_prob: npt.ArrayLike,
    *,
    pos_label: Any = None,
    labels: npt.ArrayLike | None = None,
    level: float = 0.95,
    method: LossMethod = "clt",
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Estimate:
    """Log loss, the mean of minus the logarithm of the true class's probability; 0 is best.

    Probabilities below 2.2e-16 count as that (float64's epsilon, as in scikit-learn), for one case
    that was called impossible would make the loss infinite. Such cases decide the result: better
    mend the model. Parameters, errors and warnings as in :func:`brier`.
    """
    return _estimate(
        "log_loss",
        y_true,
        y_prob,
        pos_label,
        labels,
        groups,
        sample_weight,
        level,
        method,
        resamples,
        random_state,
    )


def truth_of(
    y_true: npt.ArrayLike, probabilities: Mapping[str, npt.ArrayLike], pos_label: Any, labels: Any
) -> tuple[Floats, dict[str, Floats]]:
    """The truth as 0 and 1 in the shape of the probabilities, and these, checked.

    Raises
    ------
    ValueError : shapes differ, or a table holds no probabilities.
    """
    classes = as_labels(y_true, "y_true")
    tables = {
        name: as_probabilities(values, name, len(classes)) for name, values in probabilities.items()
    }
    shapes = {table.shape for table in tables.values()}
    if len(shapes) != 1:
        raise ValueError("All models must give probabilities of the same shape.")
    shape = shapes.pop()
    if len(shape) == 1:
        return positives_of(classes, pos_label).astype(np.float64), tables
    codes, known = class_codes(classes, labels, shape[1], next(iter(tables)))
    return (codes[:, None] == np.arange(len(known))).astype(np.float64), tables


def loss_evaluation(
    metric: str,
    y_true: npt.ArrayLike,
    probabilities: Mapping[str, npt.ArrayLike],
    *,
    pos_label: Any,
    labels: npt.ArrayLike | None,
    groups: npt.ArrayLike | None,
    sample_weight: npt.ArrayLike | None,
) -> Evaluation:
    """The mean loss of each model; ``metric`` is ``brier`` or ``log_loss``."""
    name, loss = _LOSSES[metric]
    truth, tables = truth_of(y_true, probabilities, pos_label, labels)
    sample = Sample.of_cases(len(truth), groups, sample_weight)
    losses = np.stack([loss(table, truth) for table in tables.values()])
    return mean_loss_evaluation(name, tuple(tables), losses, sample)


def mean_loss_evaluation(
    name: str, models: tuple[str, ...], losses: Floats, sample: Sample
) -> Evaluation:
    """The weighted mean of ``losses``, shape (models, cases), none below 0.

    Raises
    ------
    ValueError : there is only one case.
    """
    if sample.units.count < 2:
        raise ValueError(
            "At least two cases are needed: one alone cannot tell how much cases differ."
        )
    n = sample.units.n
    weighted = losses if sample.weight is None else losses * sample.weight
    sizes = np.ones(losses.shape[1]) if sample.weight is None else sample.weight
    values = weighted.sum(axis=1) / n
    contributions = (weighted - values[:, None] * sizes) / n
    sums = sample.sums(weighted)
    alike = np.full(len(values), sample.units.effective)
    # Few large losses tell their own variance badly, however many small ones there are.
    effective = np.maximum(np.minimum(effective_losses(sums), alike), 2)

    def replicate(weights: Floats) -> Floats:
        return np.asarray(weights @ sums.T / (weights @ sample.units.sizes)[:, None])

    return Evaluation(
        metric=name,
        names=models,
        values=values,
        contributions=sample.sums(contributions),
        units=sample.units,
        scale="positive",
        effective=effective,
        most=alike,
        replicate=replicate,
        greater_is_better=False,
        delta="clt",
        independent=None if sample.members is None else sample.cells.variance(contributions),
    )


def _estimate(
    metric: str,
    y_true: npt.ArrayLike,
    y_prob: npt.ArrayLike,
    pos_label: Any,
    labels: npt.ArrayLike | None,
    groups: npt.ArrayLike | None,
    sample_weight: npt.ArrayLike | None,
    level: float,
    method: LossMethod,
    resamples: int,
    random_state: RandomState,
) -> Estimate:
    if method not in LOSS_METHODS:
        raise ValueError(
            f"The 'method' parameter must be one of {', '.join(LOSS_METHODS)}. "
            f"Got {method!r} instead."
        )
    evaluation = loss_evaluation(
        metric,
        y_true,
        {"y_prob": y_prob},
        pos_label=pos_label,
        labels=labels,
        groups=groups,
        sample_weight=sample_weight,
    )
    estimate = evaluation.estimates(
        level=level,
        method="delta" if method == "clt" else method,
        resamples=resamples,
        random_state=random_state,
    )["y_prob"]
    largest = -np.log(CLIP) if metric == "log_loss" else np.ndim(y_prob)
    return _guarded(estimate, evaluation, float(largest))


def _guarded(estimate: Estimate, evaluation: Evaluation, largest: float) -> Estimate:
    """Warn where a few cases decide; where no loss differs, ask what the unseen cases may lose.

    No mean loss is above the largest one.
    """
    few = float(np.min(np.asarray(evaluation.effective)))
    same = bool(np.all(np.abs(evaluation.contributions) <= 1e-12 * estimate.value))
    if few < FEWEST_LOSSES or same:
        reason = (
            "all losses are the same, and tell nothing of how much others may differ"
            if same
            else f"a few cases make most of the loss, {few:.2g} in effect"
        )
        warnings.warn(
            f"The interval of the {evaluation.metric} is poor: {reason}. It may cover the truth "
            "less often than it says.",
            PoorApproximationWarning,
            stacklevel=4,
        )
    if not same:
        return replace(estimate, high=max(min(estimate.high, largest), estimate.value))
    tail = float(special.ndtr(-critical_value(estimate.level)))
    seen = tail ** (1 / float(evaluation.most[0]))
    high = estimate.value * seen + largest * (1 - seen)
    return replace(
        estimate, low=min(estimate.low, estimate.value * seen), high=max(high, estimate.high)
    )
