"""How far off are predicted numbers? RMSE, MAE, MSE, R2, and Spearman's correlation.

All but Spearman's correlation are functions of a few sums over cases, so that an interval needs
one pass over the data, and a resample of the bootstrap one row of a matrix product. Their influence
functions follow from the definitions by differentiation (Hampel et al., "Robust statistics" (1986),
section 2.1).
"""

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.metrics.evaluation import Evaluation
from evidesk.methods.metrics.means import (
    FEWEST_LOSSES,
    MeanMethod,
    check_size,
    effective_losses,
    hidden_variance,
    mean_estimate,
)
from evidesk.methods.metrics.rank_correlation import FEWEST_RANKS, spearman_evaluation
from evidesk.methods.metrics.resampling import RandomState
from evidesk.methods.metrics.scales import Scale
from evidesk.methods.metrics.scores import Sample, as_scores

Floats = npt.NDArray[np.float64]
ValueMetric = Literal["mse", "rmse", "mae", "r2", "spearman"]
VALUE_METRICS: tuple[ValueMetric, ...] = get_args(ValueMetric)
TITLES: dict[str, tuple[str, Scale]] = {
    "mse": ("MSE", "positive"),
    "rmse": ("RMSE", "positive"),
    "mae": ("MAE", "positive"),
    "r2": ("R2", "explained"),
}

#: Fourth powers of numbers beyond these leave the range of float64.
_SMALLEST, _LARGEST = 1e-70, 1e70


def evaluate_values(
    metric: ValueMetric,
    y_true: npt.ArrayLike,
    predictions: Mapping[str, npt.ArrayLike],
    *,
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    unit: str = "",
) -> Evaluation:
    """A metric of predicted numbers, for any number of models on the same cases.

    What it returns is for comparing models: paired differences and ranks are made of it. The
    interval of one model alone is made by the function with the metric's name.

    Parameters
    ----------
    metric : ``mse``, ``rmse``, ``mae``, ``r2`` or ``spearman``.
    y_true : array-like of shape (n_cases,); numbers.
    predictions : each model's numbers by the model's name, array-likes of shape (n_cases,): a dict
        of arrays or a DataFrame.
    groups : array-like of shape (n_cases,), optional; what makes cases belong together, for
        example the station of each measurement.
    sample_weight : array-like of shape (n_cases,), optional; how much each case counts, above 0.
    unit : the unit of ``y_true``.

    Raises
    ------
    ValueError : lengths differ; NaN or infinity; fewer than two cases or groups; the metric is
        none, or not defined because ``y_true`` (for ``spearman`` also a prediction) is constant.
    TypeError : something is not a real number.
    """
    if metric not in VALUE_METRICS:
        raise ValueError(
            f"The 'metric' parameter must be one of {', '.join(VALUE_METRICS)}. "
            f"Got {metric!r} instead."
        )
    if len(predictions) == 0:
        raise ValueError("The 'predictions' parameter must name at least one model.")
    truth = as_scores(y_true, "y_true")
    check_size(len(truth), "y_true")
    table = np.stack([as_scores(p, str(name), len(truth)) for name, p in predictions.items()])
    sample = Sample.of_cases(len(truth), groups, sample_weight)
    names = tuple(map(str, predictions))
    if metric == "spearman":
        return spearman_evaluation(names, truth, table, sample)
    _check_magnitude(truth, table)
    return _moment_evaluation(metric, names, truth, table, sample, unit)


def _check_magnitude(truth: Floats, table: Floats) -> None:
    """Raise unless fourth powers of all deviations are numbers."""
    with np.errstate(over="ignore"):
        # Of each difference only the ends: no array of magnitudes is needed.
        spans = [truth - truth[0], *(predicted - truth for predicted in table)]
        largest = max(abs(float(end)) for span in spans for end in (span.min(), span.max()))
    if largest > _LARGEST or 0 < largest < _SMALLEST:
        raise ValueError(
            f"'y_true' or its errors are of the order of {largest:.0e}, too far from 1 for their "
            "powers. Give them in another unit."
        )


def squared_unit(unit: str) -> str:
    """The unit of a square: ``K²``, ``(m/s)²``."""
    return f"{unit}²" if unit.isalnum() else f"({unit})²" if unit else ""


def _moment_evaluation(
    metric: ValueMetric,
    names: tuple[str, ...],
    truth: Floats,
    table: Floats,
    sample: Sample,
    unit: str,
) -> Evaluation:
    """The metrics that are functions of sums over cases."""
    weight = np.ones(len(truth)) if sample.weight is None else sample.weight
    total = weight.sum()
    errors = table - truth
    losses = np.abs(errors) if metric == "mae" else errors**2
    means = losses @ weight / total
    sums = sample.sums(losses * weight)
    effective = effective_losses(sums)
    sizes = sample.units.sizes
    if metric == "r2":
        centred = truth - truth @ weight / total
        spread = float(centred**2 @ weight / total)
        # A constant that has no exact binary form leaves rounding errors behind.
        if spread <= (np.finfo(np.float64).eps * np.abs(truth).max()) ** 2:
            raise ValueError(
                "R2 is not defined: 'y_true' is constant, there is no variance to explain. "
                "Use rmse or mae."
            )
        values = 1 - means / spread
        slopes = ((means / spread)[:, None] * centred**2 - losses) / spread
        squares = centred**2 * weight
        effective = np.minimum(effective, effective_losses(sample.sums(squares[None])))
        about = sample.sums(np.stack([centred * weight, squares]))

        def replicate(weights: Floats) -> Floats:
            drawn = (weights @ sizes)[:, None]
            first, second = np.moveaxis((weights @ about.T) / drawn, 1, 0)
            left = (second - first**2)[:, None]
            with np.errstate(divide="ignore", invalid="ignore"):
                replicas = 1 - weights @ sums.T / drawn / left
            return np.where(left > 1e-12 * spread, replicas, np.nan)
    else:
        root = metric == "rmse"
        values = np.sqrt(means) if root else means
        slope = 1 / (2 * np.where(values > 0, values, np.inf)) if root else np.ones_like(values)
        slopes = slope[:, None] * (losses - means[:, None])

        def replicate(weights: Floats) -> Floats:
            replicas = weights @ sums.T / (weights @ sizes)[:, None]
            return np.sqrt(replicas) if root else replicas

    contributions = slopes * weight / total
    variance = sample.units.variance(sample.sums(contributions))
    title, scale = TITLES[metric]
    return Evaluation(
        metric=title,
        names=names,
        values=values,
        contributions=sample.sums(contributions),
        units=sample.units,
        scale=scale,
        most=effective,
        replicate=replicate,
        greater_is_better=metric == "r2",
        unit={"r2": "", "mse": squared_unit(unit)}.get(metric, unit),
        delta="clt",
        independent=None if sample.members is None else sample.cells.variance(contributions),
        unseen=hidden_variance(variance, effective),
    )


def rmse(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    level: float = 0.95,
    method: MeanMethod = "clt",
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    unit: str = "",
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Estimate:
    """Root of the mean squared error, with its interval.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_cases,); finite numbers, in ``unit``.
    level : confidence level in (0, 1).
    method : how the interval is made:

        - ``clt``: from the variance of the squared errors, symmetric in the logarithm, with
          Student's t. The default.
        - ``percentile``, ``bca``: bootstrap of the cases, or of whole groups.
    groups : array-like of shape (n_cases,), optional; what makes cases belong together, for
        example the station of each measurement.
    sample_weight : array-like of shape (n_cases,), optional; how much each case counts, above 0.
        Only their ratios matter.
    unit : the unit of ``y_true``; printed with the number.
    resamples, random_state : number of resamples and seed of the bootstrap.

    Raises
    ------
    ValueError : lengths differ; NaN or infinity; fewer than two cases or groups; ``level``,
        ``method`` or ``resamples`` is none.
    TypeError : something is not a real number.

    Warns
    -----
    PoorApproximationWarning : fewer than 25 effective losses, ``sum(loss)**2 / sum(loss**2)``, so
        that few large errors decide (for the bootstraps 50); or no two errors differ.
    """
    return _estimate(
        "rmse",
        y_true,
        y_pred,
        groups,
        sample_weight,
        unit,
        level=level,
        method=method,
        resamples=resamples,
        random_state=random_state,
    )


def mse(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    level: float = 0.95,
    method: MeanMethod = "clt",
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    unit: str = "",
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Estimate:
    """Mean squared error, with its interval.

    Parameters, errors and warnings as in :func:`rmse`; the estimate's unit is that
    of ``y_true``, squared.
    """
    return _estimate(
        "mse",
        y_true,
        y_pred,
        groups,
        sample_weight,
        unit,
        level=level,
        method=method,
        resamples=resamples,
        random_state=random_state,
    )


def mae(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    level: float = 0.95,
    method: MeanMethod = "clt",
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    unit: str = "",
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Estimate:
    """Mean absolute error, with its interval.

    Parameters, errors and warnings as in :func:`rmse`.
    """
    return _estimate(
        "mae",
        y_true,
        y_pred,
        groups,
        sample_weight,
        unit,
        level=level,
        method=method,
        resamples=resamples,
        random_state=random_state,
    )


def r2(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    level: float = 0.95,
    method: MeanMethod = "clt",
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Estimate:
    """Coefficient of determination, ``1 - SSE / SST``, with its interval.

    Below 0 if the mean of ``y_true`` would predict better. The default interval is symmetric in
    ``log(1 - R2)``. Parameters, errors and warnings as in :func:`rmse`; the squared deviations of
    ``y_true`` from its mean count as losses, too. ValueError also if ``y_true`` is constant.
    """
    return _estimate(
        "r2",
        y_true,
        y_pred,
        groups,
        sample_weight,
        "",
        level=level,
        method=method,
        resamples=resamples,
        random_state=random_state,
    )


def spearman(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    level: float = 0.95,
    method: MeanMethod = "clt",
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Estimate:
    """Spearman's rank correlation, with its interval.

    Ties share the mean of their ranks. The default interval is symmetric in Fisher's z, with the
    variance of the influence function, but at least 0.64 times Bonett and Wright's. A resample of
    the bootstrap costs a pass over the sorted cases, ten times that of the other metrics.
    Parameters and errors as in :func:`rmse`; ValueError also if ``y_true`` or ``y_pred`` is
    constant. PoorApproximationWarning with fewer than 10 cases or groups, for the
    bootstraps 20.
    """
    return _estimate(
        "spearman",
        y_true,
        y_pred,
        groups,
        sample_weight,
        "",
        level=level,
        method=method,
        resamples=resamples,
        random_state=random_state,
    )


def _estimate(
    metric: ValueMetric,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    groups: npt.ArrayLike | None,
    sample_weight: npt.ArrayLike | None,
    unit: str,
    *,
    level: float,
    method: MeanMethod,
    resamples: int,
    random_state: RandomState,
) -> Estimate:
    return mean_estimate(
        evaluate_values(
            metric,
            y_true,
            {"y_pred": y_pred},
            groups=groups,
            sample_weight=sample_weight,
            unit=unit,
        ),
        level=level,
        method=method,
        resamples=resamples,
        random_state=random_state,
        fewest=FEWEST_RANKS if metric == "spearman" else FEWEST_LOSSES,
        stacklevel=3,
    )
