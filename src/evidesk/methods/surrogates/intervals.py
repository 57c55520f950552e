"""Intervals of predictions, and the rows about which nothing can be said."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evidesk.evidence import style
from evidesk.evidence.plot import ACCENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_GREY = "#9ca3af"
_MOST_ROWS = 5


@dataclass(frozen=True)
class Intervals:
    """Where the truth of each row lies, if anything can be said about it.

    Attributes
    ----------
    mean : shape (rows,) or (rows, outputs); the predictions, in units of the output.
    low, high : of the same shape; NaN where nothing can be said.
    level : the nominal coverage.
    refused : shape (rows,); whether nothing can be said about the row.
    reasons : why, for some or all of the refused rows.
    calibrated_on : how many independent rows (or groups of them) the widths rest on.
    """

    mean: Floats
    low: Floats
    high: Floats
    level: float
    refused: Mask
    reasons: tuple[str, ...] = field(default=())
    calibrated_on: float = np.nan

    @property
    def half_width(self) -> Floats:
        """Half the distance from ``low`` to ``high``."""
        return np.asarray((self.high - self.low) / 2)

    def __len__(self) -> int:
        return len(self.refused)

    def __str__(self) -> str:
        answered = len(self) - int(self.refused.sum())
        lines = [f"{100 * self.level:g} % intervals of {answered:,} of {len(self):,} rows"]
        shown = np.flatnonzero(~self.refused)[:_MOST_ROWS]
        for row in shown if self.mean.ndim == 1 else ():
            value, low, high = self.mean[row], self.low[row], self.high[row]
            lines.append(f"  row {row}: {value:.6g} [{low:.6g}, {high:.6g}]")
        if self.mean.ndim == 1 and answered > len(shown):
            lines.append(f"  and {answered - len(shown):,} more")
        lines += [f"  cannot say: {reason}" for reason in self.reasons]
        return "\n".join(lines)

    def plot(self, ax: "Axes | None" = None, *, output: int = 0) -> "Axes":
        """The intervals of one output, rows in order of their predictions; refused rows are
        hollow marks without an interval.
        """
        columns = [
            one.reshape(len(self), -1)[:, output] for one in (self.mean, self.low, self.high)
        ]
        order = np.argsort(columns[0])
        mean, low, high = (one[order] for one in columns)
        refused = self.refused[order]
        place = np.arange(len(self))
        said = ~refused
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")[1]
            ax.vlines(
                place[said], low[said], high[said], color=ACCENT, alpha=0.35,
                label=f"{100 * self.level:g} % interval",
            )  # fmt: skip
            ax.plot(place[said], mean[said], ".", color=ACCENT, markersize=3)
            if refused.any():
                ax.plot(
                    place[refused], mean[refused], "o", markersize=4, markerfacecolor="none",
                    color=_GREY, label="cannot say",
                )  # fmt: skip
            ax.legend(loc="upper left")
            ax.set_xlabel("Row, in order of the prediction")
            ax.set_ylabel("Prediction")
        return ax


def refusals(
    outside: Mask, effective: float, level: float, what: str = "row"
) -> tuple[Mask, tuple[str, ...]]:
    """Which rows to say nothing about, and why.

    Parameters
    ----------
    outside : whether each row is out of the domain of the training rows.
    effective : how many independent cases the calibration had.
    level : of the intervals, which ``1 / (1 - level)`` cases are the least for.
    """
    least = 1 / (1 - level)
    if effective < least - 1e-9:
        reason = (
            f"calibrated on {effective:.3g} independent cases only; at least {least:.3g} are "
            f"needed for {100 * level:g} %"
        )
        return np.ones(len(outside), dtype=bool), (reason,)
    if not outside.any():
        return outside, ()
    share = f"{outside.sum():,} of {len(outside):,} {what}{'' if len(outside) == 1 else 's'}"
    return outside, (
        f"{share} out of domain: farther from the training rows than those of the calibration",
    )


def nothing_refused(count: int) -> tuple[Mask, tuple[str, ...]]:
    """As `refusals`, of rows that all have an interval."""
    return np.zeros(count, dtype=bool), ()
