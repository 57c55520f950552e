"""A metric of one model or many on the same cases: values, errors, intervals.

Every metric makes an :class:`Evaluation`; everything that is asked of it (an interval, a paired
difference, ranks) is asked here and in the modules built on this one, once for all metrics.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.metrics.clusters import t_critical_value
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.resampling import (
    RandomState,
    bca_interval,
    percentile_interval,
    replicates,
)
from evidesk.methods.metrics.scales import Scale, scaled_interval
from evidesk.methods.metrics.units import Units

Floats = npt.NDArray[np.float64]
#: How an interval is made: from the linearised error on the metric's scale, or by the bootstrap.
IntervalMethod = Literal["delta", "percentile", "bca"]
INTERVAL_METHODS: tuple[IntervalMethod, ...] = get_args(IntervalMethod)


@dataclass(frozen=True)
class Evaluation:
    """A metric of several models on the same units.

    Attributes
    ----------
    metric : its name for people, such as ``"macro F1"``.
    names : the models, in order.
    values : array of shape (models,).
    contributions : array of shape (models, units); what each unit adds to the error of the value,
        see :mod:`~evidesk.methods.metrics.units`.
    units : the independent pieces of the sample.
    scale : where the error is most symmetric.
    most : array of shape (models,); the largest number of independent cases that the value could
        rest on, for values at the end of their scale.
    replicate : from weights of shape (batch, units), how often each unit is drawn, to the metric
        of each model, shape (batch, models). NaN where it is not defined.
    greater_is_better : whether a larger value is a better one.
    unit : the unit of the value.
    delta : what the delta method is called for this metric.
    independent : for groups, array of shape (models,): the variance of each value if the cases
        were independent; otherwise None.
    unseen : array of shape (models,); variance that so few units may hide, and that the interval
        of a single value adds. A difference does without: there the hidden parts cancel.
    effective : array of shape (models,); how many units of equal weight each variance is as good
        as known from, for Student's t; None where that is as the units say.
    """

    metric: str
    names: tuple[str, ...]
    values: Floats
    contributions: Floats = field(repr=False)
    units: Units = field(repr=False)
    scale: Scale
    most: Floats = field(repr=False)
    replicate: Callable[[Floats], Floats] = field(repr=False)
    greater_is_better: bool = True
    unit: str = ""
    delta: str = "delta"
    independent: Floats | None = field(default=None, repr=False)
    unseen: Floats | float = field(default=0.0, repr=False)
    effective: Floats | None = field(default=None, repr=False)

    @property
    def errors(self) -> Floats:
        """Standard error of each value, shape (models,), in the value's unit."""
        return np.sqrt(self.units.variance(self.contributions))

    @property
    def design_effects(self) -> Floats:
        """By what factor the groups inflate each variance, shape (models,); 1 without groups.

        NaN where the cases, taken as independent, would show no variance.
        """
        if self.independent is None:
            return np.ones(len(self.names))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio: Floats = self.units.variance(self.contributions) / self.independent
        return np.where(self.independent > 0, ratio, np.nan)

    def estimates(
        self,
        *,
        level: float = 0.95,
        method: IntervalMethod = "delta",
        resamples: int = 2_000,
        random_state: RandomState = None,
    ) -> dict[str, Estimate]:
        """Each model's value with its interval, by name.

        Raises
        ------
        ValueError : ``level`` is not in (0, 1), ``method`` is none, or there are too few
            ``resamples``.
        """
        check_interval_method(method)
        if method == "delta":
            low, high = scaled_interval(
                self.scale,
                self.values,
                self.units.variance(self.contributions) + self.unseen,
                self._critical_values(level),
                self.most,
            )
        else:
            drawn = replicates(
                self.replicate, self.units, resamples=resamples, random_state=random_state
            )
            low, high = bootstrap_interval(
                method, drawn, self.values, self.contributions, self.units, level=level
            )
        name = self.delta if method == "delta" else f"{method} bootstrap"
        return {
            model: Estimate(
                value=float(self.values[i]),
                low=float(low[i]),
                high=float(high[i]),
                level=float(level),
                method=name,
                n=self.units.n,
                unit=self.unit,
                over=self.units.over,
            )
            for i, model in enumerate(self.names)
        }

    def _critical_values(self, level: float) -> Floats | float:
        if self.effective is None:
            student = self.scale in ("positive", "explained", "real")
            return self.units.critical_value(level, student=student)
        z = critical_value(level)
        return np.array([t_critical_value(z, effective) for effective in self.effective])


def bootstrap_interval(
    method: IntervalMethod,
    drawn: Floats,
    values: Floats,
    contributions: Floats,
    units: Units,
    *,
    level: float,
) -> tuple[Floats, Floats]:
    """Percentile or BCa interval of each statistic; it always holds its own value.

    Raises
    ------
    ValueError : the statistic is not defined in so many resamples that the rest would be biased.
    """
    defined = np.isfinite(drawn).all(axis=1)
    if defined.mean() < 0.95:
        raise ValueError(
            f"The metric is not defined in {100 - 100 * defined.mean():.0f} % of the bootstrap's "
            "resamples: some class has too few cases. Use method='delta', or more cases."
        )
    if method == "percentile":
        low, high = percentile_interval(drawn[defined], level=level)
    else:
        low, high = bca_interval(drawn[defined], values, contributions, units.repeat, level=level)
    return np.minimum(low, values), np.maximum(high, values)


def check_interval_method(method: object) -> None:
    """Raise ValueError unless ``method`` names a way to make an interval."""
    if method not in INTERVAL_METHODS:
        raise ValueError(
            f"The 'method' parameter must be one of {', '.join(INTERVAL_METHODS)}. "
            f"Got {method!r} instead."
        )


def mean_evaluation(
    metric: str,
    names: tuple[str, ...],
    scores: npt.ArrayLike,
    members: npt.NDArray[np.intp] | None = None,
    *,
    scale: Scale = "real",
    greater_is_better: bool = True,
    unit: str = "",
) -> Evaluation:
    """The mean over cases of any per-case score, for each model.

    Parameters
    ----------
    scores : array-like of shape (models, cases), finite.
    members : the number of each case's group, from
        :func:`~evidesk.methods.metrics.units.members_of`.

    Raises
    ------
    ValueError : there are fewer than two units.
    """
    table = np.asarray(scores, dtype=np.float64)
    n = table.shape[1]
    units, sums, independent = Units.of_cases(np.ones(n)), table, None
    if members is not None:
        independent = table.var(axis=1, ddof=1) / n
        sizes = np.bincount(members)
        sums = np.stack([np.bincount(members, row, len(sizes)) for row in table])
        units = Units.of_groups(sizes)
    if units.count < 2:
        raise ValueError(
            "At least two cases are needed: one alone cannot tell how much cases differ."
        )
    values = table.mean(axis=1)

    def replicate(weights: Floats) -> Floats:
        return np.asarray(weights @ sums.T / (weights @ units.sizes)[:, None])

    return Evaluation(
        metric=metric,
        names=names,
        values=values,
        contributions=(sums - values[:, None] * units.sizes) / n,
        units=units,
        scale=scale,
        most=np.full(len(values), units.effective),
        replicate=replicate,
        greater_is_better=greater_is_better,
        unit=unit,
        delta="clt",
        independent=independent,
    )
