"""Prediction intervals, where there are any, and why not where there are none."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evidesk.evidence.plot import ACCENT, style
from evidesk.methods.metrics.scores import as_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_MOST_DRAWN = 100


@dataclass(frozen=True)
class ConformalIntervals:
    """Prediction intervals of a level, and the rows for which there is none.

    Attributes
    ----------
    mean : shape (n,) or (n, outputs); the prediction, in the unit of ``y``.
    low, high : the same shape; NaN where refused.
    level : the share of new rows that the intervals hold, on average over rows and calibrations:
        no promise for a single row or a region.
    refused : shape (n,); rows without an interval.
    reason : why they have none; empty if all have one.
    method : how they were made.
    calibrated_on : so many rows, or groups.
    unit : ``"rows"`` or ``"groups"``: what was taken to be exchangeable.
    effective : how many of these the calibration is worth, of equal weight.
    """

    mean: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    level: float
    refused: Mask = field(repr=False)
    reason: str
    method: str
    calibrated_on: int
    unit: str
    effective: float

    @property
    def width(self) -> Floats:
        """``high - low``, in the unit of ``y``; NaN where refused."""
        return self.high - self.low

    def __str__(self) -> str:
        n, told = len(self.refused), ~self.refused
        worth = (
            ""
            if self.effective > self.calibrated_on - 0.5
            else f", worth {self.effective:.0f} of equal weight"
        )
        of_what = "whole new groups" if self.unit == "groups" else "new rows"
        lines = [
            f"{100 * self.level:.4g} % intervals for {int(told.sum()):,} of {n:,} rows "
            f"({self.method}, calibrated on {self.calibrated_on:,} {self.unit}{worth})"
        ]
        if told.any():
            widths = np.median(np.atleast_2d(self.width[told].T), axis=1)
            shown = ", ".join(f"{width:.4g}" for width in widths[:5])
            more = " ..." if len(widths) > 5 else ""
            lines.append(f"  median width: {shown}{more}")
            lines.append(
                f"  the level holds on average over {of_what} like the calibration's, "
                "not for each row or region"
            )
        if self.reason:
            lines.append(f"  cannot say for {int(self.refused.sum()):,} rows: {self.reason}")
        return "\n".join(lines)

    def plot(
        self, ax: "Axes | None" = None, *, y: npt.ArrayLike | None = None, output: int = 0
    ) -> "Axes":
        """The intervals in order of their predictions; at most 100, evenly chosen.

        Parameters
        ----------
        ax : where to draw; by default a new figure.
        y : shape of ``mean``, optional; what was observed: outside its interval in another colour.
        output : which of several outputs to draw.

        Raises
        ------
        ValueError : no row has an interval, there is no such output, or ``y`` has another shape.
        """
        told = np.flatnonzero(~self.refused)
        if not len(told):
            raise ValueError(f"There is no interval to draw: {self.reason}")
        mean, low, high = (_column(part, output) for part in (self.mean, self.low, self.high))
        order = told[np.argsort(mean[told], kind="stable")]
        if len(order) > _MOST_DRAWN:
            order = order[np.linspace(0, len(order) - 1, _MOST_DRAWN).round().astype(np.intp)]
        at = np.arange(len(order))
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")[1]
            ax.vlines(at, low[order], high[order], color=ACCENT, alpha=0.35, linewidth=2.4)
            ax.plot(at, mean[order], ".", color=ACCENT, markersize=4, label="prediction")
            if y is not None:
                observed = as_scores(y, "y", ndim=self.mean.ndim)
                if observed.shape != self.mean.shape:
                    raise ValueError(
                        f"'y' must have the shape of the predictions, {self.mean.shape}; got "
                        f"{observed.shape}."
                    )
                seen = _column(observed, output)[order]
                inside = (low[order] <= seen) & (seen <= high[order])
                ax.plot(
                    at[inside], seen[inside], "o", color="#374151", markersize=3, label="inside"
                )
                ax.plot(
                    at[~inside], seen[~inside], "D", color="#D55E00", markersize=5, label="outside"
                )
            ax.set(xlabel="rows, in order of their prediction", ylabel="y", xticks=[])
            ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize="small")
            ax.set_title(f"{100 * self.level:.4g} % intervals", loc="right", fontsize="medium")
        return ax


def _column(values: Floats, output: int) -> Floats:
    if values.ndim == 1:
        values = values[:, None]
    if not 0 <= output < values.shape[1]:
        raise ValueError(f"'output' must be from 0 to {values.shape[1] - 1}; got {output!r}.")
    return values[:, output]
