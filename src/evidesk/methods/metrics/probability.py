"""Brier score and log loss: how good are predicted probabilities?

Both are means over cases of a loss, and both are proper: no other probabilities than the true ones
are better on average. Sources: Brier, "Verification of forecasts expressed in terms of
probability", Monthly Weather Review 78 (1950) 1-3; Good, "Rational decisions", JRSS B 14 (1952)
107-114; for the choice between them Gneiting and Raftery, JASA 102 (2007) 359-378.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.evaluation import Evaluation
from evidesk.methods.metrics.labels import as_labels
from evidesk.methods.metrics.scores import Sample, as_probabilities, class_codes, positives_of

Floats = npt.NDArray[np.float64]

#: Probabilities are kept this far from 0 and 1 in the logarithm, as scikit-learn does for float64.
CLIP = float(np.finfo(np.float64).eps)
#: Below so many effective losses, ``sum(loss) ** 2 / sum(loss ** 2)``, the interval is too short.
FEWEST_LOSSES = 15


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


_LOSSES: dict[str, tuple[str, Callable[[Floats, Floats], Floats], str]] = {
    "brier": ("Brier score", _brier, ""),
    "log_loss": ("log loss", _log_loss, "nat"),
}


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
    name, loss, unit = _LOSSES[metric]
    truth, tables = truth_of(y_true, probabilities, pos_label, labels)
    sample = Sample.of_cases(len(truth), groups, sample_weight)
    losses = np.stack([loss(table, truth) for table in tables.values()])
    return mean_loss_evaluation(name, tuple(tables), losses, sample, unit=unit)


def mean_loss_evaluation(
    name: str, models: tuple[str, ...], losses: Floats, sample: Sample, *, unit: str = ""
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

    def replicate(weights: Floats) -> Floats:
        return np.asarray(weights @ sums.T / (weights @ sample.units.sizes)[:, None])

    return Evaluation(
        metric=name,
        names=models,
        values=values,
        contributions=sample.sums(contributions),
        units=sample.units,
        scale="positive",
        most=np.full(len(values), sample.units.effective),
        replicate=replicate,
        greater_is_better=False,
        unit=unit,
        delta="clt",
        independent=None if sample.members is None else sample.cells.variance(contributions),
    )
