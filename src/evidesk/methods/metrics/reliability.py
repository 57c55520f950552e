"""The reliability diagram: of the cases predicted at 70 %, did 70 % happen?

Sources: Broecker and Smith, "Increasing the reliability of reliability diagrams", Weather and
Forecasting 22 (2007) 651-661, for the bars of consistency.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from evidesk.evidence import Estimate
from evidesk.evidence.plot import ACCENT, style
from evidesk.methods.metrics.calibration import (
    Bins,
    Strategy,
    calibration_evaluation,
    predictions_and_events,
)
from evidesk.methods.metrics.clusters import t_critical_value
from evidesk.methods.metrics.probability import truth_of
from evidesk.methods.metrics.proportion import critical_value, interval
from evidesk.methods.metrics.units import Units, members_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ReliabilityDiagram:
    """Predicted probabilities and what then happened, in bins that are not empty.

    Attributes
    ----------
    count, predicted, observed : arrays of shape (bins,); number of cases, mean predicted
        probability, share of events.
    low, high : arrays of shape (bins,); the interval of each share.
    consistent_low, consistent_high : arrays of shape (bins,); where the share would lie with
        probability ``level`` if the predictions were right.
    error : the expected calibration error.
    level : of each interval, or of all together if ``simultaneous``.
    """

    count: Floats = field(repr=False)
    predicted: Floats = field(repr=False)
    observed: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    consistent_low: Floats = field(repr=False)
    consistent_high: Floats = field(repr=False)
    error: Estimate
    level: float
    simultaneous: bool

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the shares with their intervals over the bars of consistency; returns the axes."""
        with style():
            if ax is None:
                import matplotlib.pyplot as plt

                _, ax = plt.subplots(figsize=(4.8, 4.8), layout="constrained")
            ax.plot((0, 1), (0, 1), color="#374151", linestyle="--", linewidth=1.0)
            ax.vlines(
                self.predicted,
                self.consistent_low,
                self.consistent_high,
                color="#9ca3af",
                alpha=0.5,
                linewidth=8,
                label="if calibrated",
            )
            ax.errorbar(
                self.predicted,
                self.observed,
                (self.observed - self.low, self.high - self.observed),
                fmt="o",
                color=ACCENT,
                markersize=4.5,
                label=f"calibration error {self.error.short}",
            )
            ax.set(
                xlim=(-0.02, 1.02),
                ylim=(-0.02, 1.02),
                aspect="equal",
                xlabel="predicted probability",
                ylabel="share of events",
            )
            ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize="small")
        return ax

    def __str__(self) -> str:
        lines = ["predicted  observed      low     high  if calibrated      cases"]
        lines += [
            f"{p:9.3f} {o:9.3f} {lo:8.3f} {hi:8.3f}   {a:.3f}-{b:.3f} {n:10.0f}"
            for p, o, lo, hi, a, b, n in zip(
                self.predicted,
                self.observed,
                self.low,
                self.high,
                self.consistent_low,
                self.consistent_high,
                self.count,
                strict=True,
            )
        ]
        together = "for all bins at once" if self.simultaneous else "for each bin"
        lines.append(f"{100 * self.level:.4g} % {together}; calibration error {self.error}")
        return "\n".join(lines)


def reliability_diagram(
    y_true: npt.ArrayLike,
    y_prob: npt.ArrayLike,
    *,
    bins: int = 10,
    strategy: Strategy = "uniform",
    pos_label: Any = None,
    labels: npt.ArrayLike | None = None,
    level: float = 0.95,
    simultaneous: bool = True,
    groups: npt.ArrayLike | None = None,
) -> ReliabilityDiagram:
    """Reliability diagram with an interval in each bin.

    The intervals are Wilson's. Those for all bins at once have each the level ``level ** (1 /
    bins)``, as the bins hold different cases (Sidak, JASA 62 (1967) 626-633). An interval is that
    of the bin's share of events at the bin's mix of predictions; a calibrated model's diagonal lies
    in it at the mean prediction.

    Parameters
    ----------
    y_true, y_prob, bins, strategy, pos_label, labels : as in
        :func:`~evidesk.methods.metrics.expected_calibration_error`; for several classes, the one
        called most probable.
    level : confidence level in (0, 1).
    simultaneous : whether ``level`` holds for all bins at once, or for each.
    groups : array-like of shape (n_cases,), optional; what makes cases belong together. Cases are
        then divided by the design effect within bins.

    Raises
    ------
    ValueError, TypeError : as :func:`~evidesk.methods.metrics.expected_calibration_error`.
    """
    error = calibration_evaluation(
        y_true,
        {"y_prob": y_prob},
        bins=bins,
        strategy=strategy,
        pos_label=pos_label,
        labels=labels,
        groups=groups,
        sample_weight=None,
    ).estimates(level=level)["y_prob"]
    truth, tables = truth_of(y_true, {"y_prob": y_prob}, pos_label, labels)
    predicted, events = predictions_and_events(truth, tables["y_prob"])
    found = Bins.of(predicted, events, bins, strategy, None)
    each = level ** (1 / len(found.count)) if simultaneous else level
    z, effect = critical_value(each), 1.0
    if groups is not None:
        members = members_of(groups, len(truth))
        independent = Units.of_groups(np.bincount(members)).effective
        z = t_critical_value(z, independent)
        effect = _design_effect(found, events, members, independent)
    n = found.count / effect
    low, high = interval(found.observed * n, n, z, "wilson")
    # Whole cases, as the quantiles of the binomial distribution need them.
    whole = np.maximum(np.round(n), 1)
    tail = float(special.ndtr(-z))
    return ReliabilityDiagram(
        count=found.count,
        predicted=found.predicted,
        observed=found.observed,
        low=low,
        high=high,
        consistent_low=stats.binom.ppf(tail, whole, found.predicted) / whole,
        consistent_high=stats.binom.isf(tail, whole, found.predicted) / whole,
        error=error,
        level=float(level),
        simultaneous=simultaneous,
    )


def _design_effect(
    bins: Bins, events: Floats, members: npt.NDArray[np.intp], groups: float
) -> float:
    """By what factor groups inflate the variance of a bin's share, over all bins; at least 1."""
    residuals = events - bins.observed[bins.index]
    together = np.bincount(members * len(bins.count) + bins.index, residuals)
    alone = float(residuals @ residuals)
    return max(float(together @ together) / alone * groups / (groups - 1), 1.0) if alone else 1.0
