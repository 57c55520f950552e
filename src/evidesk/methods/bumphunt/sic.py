"""How much a cut improves the significance: needs labels, hence simulation."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate, style
from evidesk.evidence.plot import ACCENT
from evidesk.methods.metrics.proportion import critical_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

#: With fewer background events left the curve is noise.
FEWEST_BACKGROUND = 25


@dataclass(frozen=True)
class SicCurve:
    """Significance improvement of a cut, ``eps_S / sqrt(eps_B)``, at all thresholds.

    Attributes
    ----------
    signal_efficiency, background_efficiency : shape (k,), from hard cuts to none.
    values, low, high : shape (k,); the curve with its band, which holds at each point by itself.
    level : of the band.
    n_signal, n_background : how many events it rests on.
    """

    signal_efficiency: Floats = field(repr=False)
    background_efficiency: Floats = field(repr=False)
    values: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    level: float
    n_signal: int
    n_background: int

    @property
    def best(self) -> int:
        """Index of the largest improvement."""
        return int(self.values.argmax())

    @property
    def largest(self) -> Estimate:
        """The largest improvement, with the band there.

        As the largest of many noisy values it lies somewhat above the one that new events would
        show at the same threshold.
        """
        i = self.best
        return Estimate(
            float(self.values[i]), float(self.low[i]), float(self.high[i]), self.level,
            "delta", self.n_signal + self.n_background, null_value=1.0,
        )  # fmt: skip

    def __str__(self) -> str:
        return (
            f"Largest significance improvement: {self.largest} at a signal efficiency of "
            f"{self.signal_efficiency[self.best]:.3g}"
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The curve with its band over the signal efficiency; no cut improves by a factor of 1."""
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")[1]
            ax.fill_between(
                self.signal_efficiency, self.low, self.high, color=ACCENT, alpha=0.18, linewidth=0
            )
            ax.plot(self.signal_efficiency, self.values, color=ACCENT)
            ax.axhline(1.0, color="#374151", linestyle="--", linewidth=1.0)
            x, y = float(self.signal_efficiency[self.best]), self.largest
            ax.plot(x, y.value, "o", color=ACCENT)
            ax.annotate(y.short, (x, y.value), (8, 6), textcoords="offset points", fontsize="small")
            ax.set_xlim(0, 1)
            ax.set_ylim(0, 1.12 * float(self.high.max()))
            ax.set_xlabel("Signal efficiency")
            ax.set_ylabel("Significance improvement")
        return ax


def sic_curve(
    scores: npt.ArrayLike,
    is_signal: npt.ArrayLike,
    *,
    level: float = 0.95,
    fewest_background: int = FEWEST_BACKGROUND,
) -> SicCurve:
    """The curve from scores whose truth is known, as far as enough background events are left.

    The band is that of the logarithm, whose variance is ``(1 - eps_S) / n_S + (1 - eps_B) / (4
    n_B)`` for n_S and n_B events beyond the cut, by the delta method for two binomial shares.

    Parameters
    ----------
    scores : shape (n,); larger for likelier signal. Of events that taught none of their models.
    is_signal : shape (n,), true or false.
    level : of the band.
    fewest_background : events that a cut must leave to be looked at.

    Raises
    ------
    ValueError : shapes differ, scores are not finite, or there is no signal or too little
        background.
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(is_signal, dtype=bool)
    if values.ndim != 1 or values.shape != truth.shape:
        raise ValueError(
            f"'scores' and 'is_signal' must have the same shape (n,). Got {values.shape} and "
            f"{truth.shape}."
        )
    if not np.isfinite(values).all():
        raise ValueError("'scores' must be finite. There are NaN or infinite ones.")
    signals, backgrounds = int(truth.sum()), int((~truth).sum())
    if signals == 0 or backgrounds < fewest_background:
        raise ValueError(
            f"A curve needs signal events and {fewest_background} background events. Got "
            f"{signals} and {backgrounds}."
        )
    order = np.argsort(-values, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))  # ties are cut together
    n_signal = np.cumsum(truth[order])[ends].astype(np.float64)
    n_background = np.cumsum(~truth[order])[ends].astype(np.float64)
    kept = (n_background >= fewest_background) & (n_signal > 0)
    n_signal, n_background = n_signal[kept], n_background[kept]
    of_signal, of_background = n_signal / signals, n_background / backgrounds
    curve = of_signal / np.sqrt(of_background)
    variance = (1 - of_signal) / n_signal + (1 - of_background) / (4 * n_background)
    factor = np.exp(critical_value(level) * np.sqrt(variance))
    return SicCurve(
        of_signal, of_background, curve, curve / factor, curve * factor, level, signals, backgrounds
    )
