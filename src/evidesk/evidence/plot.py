"""The look of plots, and the plot of many estimates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from evidesk.evidence.estimate import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ACCENT", "forest_plot", "style"]

ACCENT = "#0b6e6e"
# Okabe & Ito (2008), "Color Universal Design"; the accent stands in for their bluish green.
_CYCLE = [ACCENT, "#E69F00", "#0072B2", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000"]
_ROW_HEIGHT = 0.32  # inches


def style() -> AbstractContextManager[None]:
    """A context in which Matplotlib draws with evidesk's look."""
    import matplotlib as mpl
    from cycler import cycler

    look: Any = {  # Matplotlib types the keys as one Literal, which differs between its versions
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.prop_cycle": cycler(color=_CYCLE),
        "axes.edgecolor": "#6b7280",
        "axes.labelcolor": "#1f2937",
        "axes.formatter.useoffset": False,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#e5e7eb",
        "grid.linewidth": 0.8,
        "xtick.color": "#374151",
        "ytick.color": "#374151",
        "text.color": "#1f2937",
        "legend.frameon": False,
        "lines.linewidth": 1.8,
        "figure.dpi": 100,
        "figure.facecolor": "white",
    }
    context: AbstractContextManager[None] = mpl.rc_context(look)
    return context


def forest_plot(
    estimates: Mapping[str, Estimate], ax: Axes | None = None, *, xlabel: str = ""
) -> Axes:
    """Draw one interval per row, the first on top, with the numbers at the right.

    A bound at infinity becomes an arrow at the edge. If all estimates share a null value, it is
    a dashed line, and the intervals that exclude it have filled marks, the others hollow ones.

    Parameters
    ----------
    estimates:
        At least one estimate by the name of its row.
    ax:
        Where to draw; by default a new figure, as high as the rows need.
    xlabel:
        The axis label; by default the unit, if all estimates share it.

    Raises
    ------
    ValueError
        If there are no estimates.
    """
    if not estimates:
        raise ValueError("a forest plot needs at least one estimate")
    with style():
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(
                figsize=(7.2, 1.0 + _ROW_HEIGHT * len(estimates)), layout="constrained"
            )
        _draw(ax, estimates, xlabel)
    return ax


def _draw(ax: Axes, estimates: Mapping[str, Estimate], xlabel: str) -> None:
    shared_null = {estimate.null_value for estimate in estimates.values()}
    null = shared_null.pop() if len(shared_null) == 1 else None
    left, right = _span(estimates.values(), null)
    size = 6.5 if len(estimates) <= 25 else 5.0
    for row, estimate in enumerate(estimates.values()):
        ends = max(estimate.low, left), min(estimate.high, right)
        ax.plot(ends, (row, row), color=ACCENT, linewidth=1.8, solid_capstyle="butt")
        for bound, end, mark in zip((estimate.low, estimate.high), ends, "<>", strict=True):
            arrow = mark if math.isinf(bound) else "|"
            ax.plot(end, row, arrow, color=ACCENT, markersize=size, clip_on=False)
        hollow = null is not None and not estimate.excludes_null
        ax.plot(
            estimate.value,
            row,
            "o",
            markersize=size,
            markeredgecolor=ACCENT,
            markerfacecolor="white" if hollow else ACCENT,
        )
        ax.annotate(
            estimate.short,
            (1.0, row),
            (8, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize="small",
            annotation_clip=False,
        )
    if null is not None:
        ax.axvline(null, color="#374151", linestyle="--", linewidth=1.0, zorder=0.9)
    units = {estimate.unit for estimate in estimates.values()}
    ax.set_xlim(left, right)
    ax.set_ylim(len(estimates) - 0.4, -0.6)
    ax.set_yticks(range(len(estimates)), list(estimates), parse_math=False)  # names, not TeX
    ax.tick_params(axis="y", length=0, pad=10)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(xlabel or (units.pop() if len(units) == 1 else ""))


def _span(estimates: Any, null: float | None) -> tuple[float, float]:
    """The axis limits: all finite numbers, and a margin."""
    numbers = [number for e in estimates for number in (e.low, e.value, e.high)]
    finite = [number for number in numbers if math.isfinite(number)]
    finite += [] if null is None else [null]
    low, high = min(finite), max(finite)
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin
