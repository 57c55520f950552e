"""How far off are predicted numbers? RMSE, MAE, MSE, R2 and Spearman's correlation.

All but Spearman's correlation are functions of a few sums over cases, so that an interval needs
one pass over the data and a resample of the bootstrap one product of a matrix.

Sources of the formulas
-----------------------
The influence functions follow from the definitions by differentiation (Hampel et al., "Robust
statistics" (1986), section 2.1); for Spearman's correlation compare Croux and Dehon, "Influence
functions of the Spearman and Kendall correlation measures", Statistical Methods & Applications 19
(2010) 497-515. Its variance in small samples: Bonett and Wright, "Sample size requirements for
estimating Pearson, Kendall and Spearman correlations", Psychometrika 65 (2000) 23-28.
"""

import warnings
from collections.abc import Callable, Mapping
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
ValueMetric = Literal["mse", "rmse", "mae", "r2", "spearman"]
VALUE_METRICS: tuple[ValueMetric, ...] = get_args(ValueMetric)
#: ``clt`` is the central limit theorem for the linearised metric, on the scale that suits it.
MeanMethod = Literal["clt", "percentile", "bca"]
MEAN_METHODS: tuple[MeanMethod, ...] = get_args(MeanMethod)

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
    if len(truth) < 2:
        raise ValueError(
            "'y_true' must hold at least two cases: one alone cannot tell how much cases differ."
        )
    table = np.stack([as_scores(p, str(name), len(truth)) for name, p in predictions.items()])
    sample = Sample.of_cases(len(truth), groups, sample_weight)
    names = tuple(map(str, predictions))
    if metric == "spearman":
        return _spearman_evaluation(names, truth, table, sample)
    _check_magnitude(truth, table)
    return _moment_evaluation(metric, names, truth, table, sample, unit)


def _check_magnitude(truth: Floats, table: Floats) -> None:
    """Raise unless fourth powers of all deviations are numbers."""
    with np.errstate(over="ignore"):
        sizes = np.r_[np.abs(truth - truth[0]), np.abs(table - truth).ravel()]
    sizes = sizes[sizes > 0]
    if sizes.size and (sizes.max() > _LARGEST or sizes.max() < _SMALLEST):
        raise ValueError(
            f"'y_true' or its errors are of the order of {sizes.max():.0e}, too far from 1 for "
            "their powers. Give them in another unit."
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
        about = sample.sums(np.stack([centred * weight, centred**2 * weight]))

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

    return _evaluation(
        metric,
        names,
        values,
        slopes * weight / total,
        sample,
        replicate,
        unit={"r2": "", "mse": squared_unit(unit)}.get(metric, unit),
    )


_TITLES: dict[ValueMetric, tuple[str, Scale]] = {
    "mse": ("MSE", "positive"),
    "rmse": ("RMSE", "positive"),
    "mae": ("MAE", "positive"),
    "r2": ("R2", "real"),
    "spearman": ("Spearman's correlation", "correlation"),
}


def _evaluation(
    metric: ValueMetric,
    names: tuple[str, ...],
    values: Floats,
    contributions: Floats,
    sample: Sample,
    replicate: Callable[[Floats], Floats],
    *,
    unit: str = "",
    unseen: Floats | float = 0.0,
) -> Evaluation:
    """The evaluation of contributions by case."""
    title, scale = _TITLES[metric]
    return Evaluation(
        metric=title,
        names=names,
        values=values,
        contributions=sample.sums(contributions),
        units=sample.units,
        scale=scale,
        most=np.full(len(values), sample.units.effective),
        replicate=replicate,
        greater_is_better=metric in ("r2", "spearman"),
        unit=unit,
        delta="clt",
        independent=None if sample.members is None else sample.cells.variance(contributions),
        unseen=unseen,
    )


class _Ranked:
    """Numbers sorted once, so that their distribution under any weights is a cumulative sum."""

    def __init__(self, values: Floats) -> None:
        self.order = np.argsort(values, kind="stable")
        ordered = values[self.order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        sizes = np.diff(starts, append=len(values))
        self.ties = len(starts) < len(values)
        self.first = np.repeat(starts, sizes)
        self.end = np.repeat(starts + sizes, sizes)
        self.rank = np.empty_like(self.order)
        self.rank[self.order] = np.arange(len(values))

    def below(self, weight: Floats) -> Floats:
        """Weight of the cases with a lower value, those with the same counting half.

        From and to shape (..., cases).
        """
        sums = np.zeros((*weight.shape[:-1], weight.shape[-1] + 1))
        np.cumsum(weight[..., self.order], axis=-1, out=sums[..., 1:])
        if self.ties:
            halved = (sums[..., self.first] + sums[..., self.end]) / 2
        else:
            halved = (sums[..., :-1] + sums[..., 1:]) / 2
        return np.asarray(halved[..., self.rank])

    def above(self, weight: Floats) -> Floats:
        """The same of the cases with a higher value."""
        return np.asarray(weight.sum(axis=-1, keepdims=True) - self.below(weight))


def _spearman_evaluation(
    names: tuple[str, ...], truth: Floats, table: Floats, sample: Sample
) -> Evaluation:
    """Pearson's correlation of the ranks; ties share the mean of theirs."""
    for name, values in (("y_true", truth), *zip(names, table, strict=True)):
        if np.all(values == values[0]):
            raise ValueError(
                f"Spearman's correlation is not defined: '{name}' is constant and ranks nothing."
            )
    weight = np.ones(len(truth)) if sample.weight is None else sample.weight
    share = weight / weight.sum()
    of_truth = _Ranked(truth)
    of_models = [_Ranked(values) for values in table]
    f = of_truth.below(share)
    f_slope = 2 * (f - 0.5) ** 2 + 4 * of_truth.above(share * (f - 0.5))
    values, contributions = np.empty(len(names)), np.empty_like(table)
    for i, ranked in enumerate(of_models):
        g = ranked.below(share)
        a, b = f - 0.5, g - 0.5
        covariance, f_variance, g_variance = share @ (a * b), share @ a**2, share @ b**2
        # One more case at (x, y) adds its own product, and lifts the ranks of all above x, or y.
        slope = a * b + of_truth.above(share * b) + ranked.above(share * a)
        g_slope = 2 * b**2 + 4 * ranked.above(share * b)
        scale = np.sqrt(f_variance * g_variance)
        value = covariance / scale
        influence = slope / scale - value * (f_slope / f_variance + g_slope / g_variance) / 4
        contributions[i] = share * (influence - share @ influence)
        values[i] = min(max(value, -1.0), 1.0)

    def replicate(weights: Floats) -> Floats:
        drawn = sample.drawn(weights, slice(None))
        drawn = drawn / drawn.sum(axis=1, keepdims=True)
        a = of_truth.below(drawn) - 0.5
        columns = []
        for ranked in of_models:
            b = ranked.below(drawn) - 0.5
            covariance, left, right = (
                np.einsum("ij,ij,ij->i", drawn, p, q) for p, q in ((a, b), (a, a), (b, b))
            )
            scale = np.sqrt(left * right)
            known = scale > 1e-12
            ratio = covariance / np.where(known, scale, 1)
            columns.append(np.where(known, np.clip(ratio, -1, 1), np.nan))
        return np.stack(columns, axis=1)

    return _evaluation("spearman", names, values, contributions, sample, replicate)


def engine_method(method: object) -> IntervalMethod:
    """What the engine calls the method of a mean.

    Raises
    ------
    ValueError : it is none.
    """
    if method not in MEAN_METHODS:
        raise ValueError(
            f"The 'method' parameter must be one of {', '.join(MEAN_METHODS)}. "
            f"Got {method!r} instead."
        )
    return "delta" if method == "clt" else method


def _estimate(
    metric: ValueMetric,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    level: float,
    method: MeanMethod,
    groups: npt.ArrayLike | None,
    sample_weight: npt.ArrayLike | None,
    unit: str,
    resamples: int,
    random_state: RandomState,
) -> Estimate:
    evaluation = evaluate_values(
        metric, y_true, {"y_pred": y_pred}, groups=groups, sample_weight=sample_weight, unit=unit
    )
    return evaluation.estimates(
        level=level,
        method=engine_method(method),
        resamples=resamples,
        random_state=random_state,
    )["y_pred"]
