"""Where a watch stands, and what it has found on the way there."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evidesk.evidence import style
from evidesk.evidence.plot import ACCENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_TICKS, _LONGEST_PLAIN = 7, 3

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WatchStep:
    """Where a watch stands.

    Attributes
    ----------
    rows : of the stream so far; ``bets`` of them were bet on.
    log_wealth : natural logarithm of the e-value: what one unit of money has become by betting on
        a shift. Without a shift it does not grow, on average.
    p_value : any-time valid: 1 over the largest wealth so far, at most 1.
    alarm : the row, counted from 1, at which the wealth first reached 1 / (1 - level); or None.
    reference_left : how many rows of the reference can still be bet on.
    """

    rows: int
    bets: int
    log_wealth: float
    p_value: float
    alarm: int | None
    reference_left: int

    @property
    def e_value(self) -> float:
        """The wealth; infinite where it is too large for a float."""
        return _exp(self.log_wealth)


@dataclass(frozen=True)
class WatchResult(WatchStep):
    """What a watch has found so far.

    Attributes
    ----------
    path : shape (bets,); the logarithm of the wealth after each row that was bet on. These are the
        first rows of the stream, and those after more reference was added.
    at : shape (bets,); which rows, counted from 1.
    shares : of the wealth, by family of features; a family that holds much has seen the shift.
    level : 1 less the chance of ever giving a false alarm.
    warnings : what a reader has to know.
    order_warnings : those of them that say that rows depend on the rows before them.
    """

    path: Floats = field(repr=False)
    at: npt.NDArray[np.int64] = field(repr=False)
    shares: Mapping[str, float]
    level: float
    warnings: tuple[str, ...] = ()
    order_warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        compared = len(self.path)
        of = f"{compared:,} rows"
        if compared < self.rows:
            of = f"the {compared:,} of {self.rows:,} rows that were compared"
        verdict = (
            f"No shift was found in {of}"
            if self.alarm is None
            else f"The stream has shifted: alarm at row {self.alarm:,} of {self.rows:,}"
        )
        numbers = f"any-time p = {self.p_value:.3g}, e-value {self.e_value:.3g}"
        lines = [
            f"{verdict} ({numbers})",
            f"  without a shift, the chance of an alarm at any row whatever is at most "
            f"{100 * (1 - self.level):.3g} %, if rows are exchangeable",
        ]
        if self.alarm is not None:
            name = max(self.shares, key=lambda one: self.shares[one])
            lines.append(f"  seen best in: {name} ({100 * self.shares[name]:.0f} % of the wealth)")
        return "\n".join([*lines, *(f"  Note: {one}" for one in self.warnings)])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The e-value, row by row, on a logarithmic scale, and where it gives an alarm."""
        threshold = -math.log(1 - self.level)
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")[1]
            ax.plot(np.r_[0, self.at], np.r_[0.0, self.path], color=ACCENT)
            ax.axhline(threshold, color="#374151", linestyle="--", linewidth=1.0)
            ax.annotate(
                f"alarm: 1 in {1 / (1 - self.level):.3g}",
                (1, threshold),
                (-2, 3),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                ha="right",
                fontsize="small",
            )
            if self.alarm is not None:
                ax.axvline(self.alarm, color=ACCENT, linewidth=1.0, linestyle=":")
            ax.set_xlabel("Row of the stream")
            ax.set_ylabel("E-value")
            _mark_powers(ax)
        return ax


def _mark_powers(ax: "Axes") -> None:
    """Ticks at powers of ten: the axis holds logarithms, for an e-value can exceed all floats."""
    low, high = ax.get_ylim()
    first, last = math.floor(low / math.log(10)), math.ceil(high / math.log(10))
    step = max(1, math.ceil((last - first) / _MOST_TICKS))
    powers = [one for one in range(first, last + 1) if one % step == 0]
    powers = [one for one in powers if low <= one * math.log(10) <= high]
    ax.set_yticks(
        [one * math.log(10) for one in powers],
        [f"{10**one:g}" if abs(one) <= _LONGEST_PLAIN else f"$10^{{{one}}}$" for one in powers],
    )


def _exp(logarithm: float) -> float:
    return math.exp(logarithm) if logarithm < 709 else math.inf
