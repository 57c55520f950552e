"""The Kaplan-Meier curve: how long does it take, when some are still waiting?

Sources of the formulas
-----------------------
Kaplan and Meier, "Nonparametric estimation from incomplete observations", Journal of the American
Statistical Association 53 (1958) 457-481; Greenwood's variance as there, equation 2f; Brookmeyer
and Crowley, "A confidence interval for the median survival time", Biometrics 38 (1982) 29-41. The
bands' are in :mod:`evidesk.methods.waiting.survival_bands`.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate, style
from evidesk.evidence.plot import ACCENT
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.waiting.survival_bands import BetaProduct, Method, equal_precision, log_log

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]


class NotReached(ValueError):
    """The data end before what was asked for."""


@dataclass(frozen=True, eq=False)
class KaplanMeier:
    """The share that still waits after a time, estimated with those whose wait has not ended.

    Attributes
    ----------
    times : shape (k,), ascending, in ``unit``: when events happened.
    survival : shape (k,): the share that still waits from that time on.
    variance : shape (k,): Greenwood's variance of ``survival``; NaN where it is 0, for then the
        formula says nothing.
    at_risk, events : shape (k,): how many waited just before that time, and how many of them had
        their event then.
    durations : shape (n,), ascending: how long each was followed.
    censored : shape (c,), ascending: how long those were followed who still wait.
    level, method, unit : of the intervals, and of the times.
    """

    times: Floats
    survival: Floats
    variance: Floats
    at_risk: Floats
    events: Floats
    durations: Floats
    censored: Floats
    level: float
    method: Method
    unit: str

    @property
    def n(self) -> int:
        """How many were followed."""
        return len(self.durations)

    @property
    def followed_for(self) -> float:
        """The longest that anybody was followed; beyond it the curve is not known."""
        return float(self.durations[-1])

    def survival_at(self, times: npt.ArrayLike) -> Floats:
        """The curve at any times; from shape (m,) to shape (m,)."""
        return np.asarray(np.r_[1.0, self.survival][self._steps(times)])

    def waiting_at(self, times: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """How many are followed for longer than each of the times."""
        return self.n - np.searchsorted(self.durations, np.asarray(times), side="right")

    def interval_at(self, times: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Bounds of the curve at any times, each at its level by itself; shape (m,) each."""
        steps = self._steps(times)
        survival = np.r_[1.0, self.survival][steps]
        if self.method == "log-log":
            return log_log(survival, np.r_[0.0, self._relative][steps], critical_value(self.level))
        waiting = self.waiting_at(times).astype(np.float64)
        low, high = self._beta_product.interval(steps, waiting, (1 - self.level) / 2)
        return np.minimum(low, survival), np.maximum(high, survival)

    def band_at(self, times: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Bounds that hold the whole curve at once, with probability ``level``; shape (m,) each.

        The equal-precision band (Nair), symmetric in ``arcsin(sqrt(S))``, widened where the
        interval at that time alone is wider, as it can be with few cases. It is known from the
        first event to the last that leaves somebody; elsewhere both bounds are NaN.

        Raises
        ------
        ValueError : the level is below 0.8, for which the formula is not made.
        """
        low, high = self._band
        asked, steps = np.asarray(times, dtype=np.float64), self._steps(times)
        last = self.times[len(low) - 1] if len(low) else -math.inf
        inside = (steps > 0) & (asked <= last)
        index = np.where(inside, steps - 1, len(low))
        alone = self.interval_at(times)
        return (
            np.minimum(np.append(low, np.nan)[index], alone[0]),
            np.maximum(np.append(high, np.nan)[index], alone[1]),
        )

    def at(self, time: float) -> Estimate:
        """The share that still waits after the time.

        Raises
        ------
        NotReached : nobody was followed for so long, while some still waited.
        """
        if not 0 <= time < math.inf:
            raise ValueError(f"The 'time' parameter must be finite and not negative. Got {time}.")
        if time > self.followed_for and self.survival_at([time])[0] > 0:
            raise NotReached(
                f"Nobody was followed for {time:g}{self._unit}; the longest was "
                f"{self.followed_for:g}{self._unit}."
            )
        low, high = self.interval_at([time])
        value = float(self.survival_at([time])[0])
        return Estimate(value, float(low[0]), float(high[0]), self.level, self.method, self.n)

    def quantile(self, share: float) -> Estimate:
        """After which time the event has happened to this share.

        The interval is Brookmeyer and Crowley's: the times at which the curve's own interval holds
        ``1 - share``. Its upper bound is infinite if the curve's stays above that.

        Raises
        ------
        NotReached : so many have not had their event yet.
        """
        if not 0 < share < 1:
            raise ValueError(f"The 'share' parameter must be in the range (0, 1). Got {share}.")
        rest = 1 - share
        # Products of fractions miss a half by a rounding error, and with it a whole step.
        reached = np.flatnonzero(self.survival <= rest + 1e-12)
        if not len(reached):
            raise NotReached(
                f"The time by which {100 * share:g} % have had their event is not reached: it has "
                f"happened to {int(self.events.sum())} of {self.n} so far."
            )
        moments = self._moments
        low, high = self.interval_at(moments)
        above = np.flatnonzero(high < rest)
        value = float(self.times[reached[0]])
        upper = float(moments[above[0]]) if len(above) else math.inf
        return Estimate(
            value,
            min(float(moments[np.flatnonzero(low <= rest + 1e-12)[0]]), value),
            max(upper, value),
            self.level,
            self.method,
            self.n,
            self.unit,
            finite=False,
        )

    @cached_property
    def median(self) -> Estimate:
        """After which time the event has happened to half of them; see :meth:`quantile`."""
        return self.quantile(0.5)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the curve with its pointwise intervals (dark) and its band (light); marks are the
        times at which somebody's waiting is cut off. Returns the axes.
        """
        with style():
            if ax is None:
                import matplotlib.pyplot as plt

                _, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
            moments = self._moments
            for bounds, opacity, name in (
                (self.band_at(moments), 0.14, "whole curve"),
                (self.interval_at(moments), 0.25, "at each time"),
            ):
                ax.fill_between(
                    moments, *bounds, step="post", alpha=opacity, color=ACCENT, linewidth=0,
                    label=f"{100 * self.level:.4g} %, {name}",
                )  # fmt: skip
            ax.step(moments, self.survival_at(moments), where="post", color=ACCENT)
            ax.plot(self.censored, self.survival_at(self.censored), "|", color=ACCENT)
            ax.set(ylim=(0, 1.02), xlim=(0, None), ylabel="share still waiting")
            ax.set_xlabel(self.unit or "time")
            ax.legend()
        return ax

    def __str__(self) -> str:
        happened = int(self.events.sum())
        first = f"{self.n} followed, the event has happened to {happened}."
        try:
            return f"{first} Median: {self.median}"
        except NotReached:
            return f"{first} The median is not reached."

    @property
    def _unit(self) -> str:
        return f" {self.unit}" if self.unit else ""

    def _steps(self, times: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """How many event times each time has reached."""
        return np.searchsorted(self.times, np.asarray(times, dtype=np.float64), side="right")

    @cached_property
    def _moments(self) -> Floats:
        """When the curve or its intervals can change."""
        return np.unique(np.r_[0.0, self.durations])

    @cached_property
    def _relative(self) -> Floats:
        """Greenwood's sum: the variance divided by the square of the curve; NaN where that is 0."""
        left = self.survival > 0
        return np.where(left, self.variance / np.where(left, self.survival, 1) ** 2, np.nan)

    @cached_property
    def _beta_product(self) -> BetaProduct:
        return BetaProduct(self.at_risk, self.events)

    @cached_property
    def _band(self) -> tuple[Floats, Floats]:
        inside = self.survival > 0
        if not inside.any():
            return np.empty(0), np.empty(0)
        return equal_precision(self.survival[inside], self._relative[inside], self.n, self.level)


def kaplan_meier(
    durations: npt.ArrayLike,
    observed: npt.ArrayLike,
    *,
    level: float = 0.95,
    method: Method = "beta-product",
    unit: str = "",
) -> KaplanMeier:
    """The Kaplan-Meier curve of these waiting times.

    Those whose event is not observed still waited when they were last looked at; that moment must
    have nothing to do with how long they would have waited. Where an event and a cut-off fall on
    the same time, the event is taken to be the earlier one.

    Parameters
    ----------
    durations : array-like of shape (n,), n >= 1
        How long each waited, or has waited so far; finite, not negative, in ``unit``.
    observed : array-like of shape (n,), true/false or 1/0
        Whether each one's event has happened.
    level : confidence level in (0, 1).
    method : the interval at each time:

        - ``beta-product``: never far below its level, for few cases, at the ends of the curve and
          for any censoring; where nobody is censored, Clopper and Pearson's. The default.
        - ``log-log``: Greenwood's variance on the scale ``log(-log S)``, as most programs have it.
          Shorter, and with few cases far below its level at both ends of the curve.
    unit : of the durations, printed with the numbers.

    Raises
    ------
    ValueError : shapes differ or are not one-dimensional; there is nobody; a duration is negative
        or not finite; ``observed`` holds something else than true and false; no such method.
    TypeError : the durations are not numbers.
    """
    critical_value(level)  # refuses what is no level
    if method not in get_args(Method):
        raise ValueError(
            f"The 'method' parameter must be one of {', '.join(get_args(Method))}. "
            f"Got {method!r} instead."
        )
    waits, happened = _checked(durations, observed)
    order = np.argsort(waits, kind="stable")
    waits, happened = waits[order], happened[order]
    starts = np.flatnonzero(np.r_[True, waits[1:] != waits[:-1]])
    events = np.add.reduceat(happened.astype(np.float64), starts)
    some = events > 0
    at_risk, events = (len(waits) - starts[some]).astype(np.float64), events[some]
    survival: Floats = np.cumprod(1 - events / at_risk, dtype=np.float64)
    left = at_risk - events
    with np.errstate(divide="ignore", invalid="ignore"):  # the last one to go leaves nobody
        variance = survival**2 * np.cumsum(events / (at_risk * left))
    return KaplanMeier(
        times=waits[starts[some]],
        survival=survival,
        variance=np.where(left > 0, variance, np.nan),
        at_risk=at_risk,
        events=events,
        durations=waits,
        censored=waits[~happened],
        level=float(level),
        method=method,
        unit=unit,
    )


def _checked(
    durations: npt.ArrayLike, observed: npt.ArrayLike
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    waits: npt.NDArray[Any] = np.asarray(durations)
    happened: npt.NDArray[Any] = np.asarray(observed)
    if waits.ndim != 1 or waits.shape != happened.shape:
        raise ValueError(
            "The 'durations' and 'observed' parameters must be one-dimensional and of the same "
            f"length. Got shapes {waits.shape} and {happened.shape}."
        )
    if not len(waits):
        raise ValueError("There is nobody whose waiting could be told of: 'durations' is empty.")
    if waits.dtype.kind not in "iuf":
        raise TypeError(
            f"The 'durations' parameter must hold numbers. Got values of type {waits.dtype}."
        )
    wrong = np.flatnonzero(~(np.isfinite(waits) & (waits >= 0)))
    if len(wrong):
        raise ValueError(
            "The 'durations' parameter must hold finite numbers from 0 on. "
            f"Got {waits[wrong[0]]} at position {wrong[0]}."
        )
    if happened.dtype.kind not in "biuf" or not np.all((happened == 0) | (happened == 1)):
        raise ValueError("The 'observed' parameter must hold true or false (1 or 0) for each.")
    return waits.astype(np.float64), happened.astype(np.bool_)
