"""The plot of upper limits over the bands where they would lie without a signal."""

from typing import TYPE_CHECKING

from evidesk.evidence import style
from evidesk.methods.bumphunt.spectrum_plot import plain_logarithmic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from evidesk.methods.bumphunt.limits import LimitBand

_DARK, _INNER, _OUTER = "#1f2937", "#5fb39a", "#f3dc7a"


def draw_limits(limits: "LimitBand", ax: "Axes | None" = None) -> "Axes":
    """Observed and expected limits, with bands of 1 and 2 standard deviations."""
    low2, low1, median, high1, high2 = limits.expected
    with style():
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")[1]
        ax.fill_between(limits.masses, low2, high2, color=_OUTER, linewidth=0, label="± 2σ")
        ax.fill_between(limits.masses, low1, high1, color=_INNER, linewidth=0, label="± 1σ")
        ax.plot(
            limits.masses, median, color=_DARK, linestyle="--", linewidth=1.2,
            label="expected without a signal",
        )  # fmt: skip
        ax.plot(
            limits.masses, limits.observed, "o-", color=_DARK, markersize=3, linewidth=1.4,
            label="observed",
        )  # fmt: skip
        ax.set_yscale("log")
        plain_logarithmic(ax.yaxis)
        ax.set_axisbelow(False)
        ax.grid(alpha=0.5)
        ax.margins(x=0.01)
        ax.set_xlabel("Mass")
        ax.set_ylabel(f"Signal events, {100 * limits.level:.4g} % upper limit")
        handles, labels = ax.get_legend_handles_labels()
        order = [3, 2, 1, 0]
        ax.legend(
            [handles[i] for i in order], [labels[i] for i in order], fontsize="small", ncols=4,
            loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2, handlelength=1.4,
            columnspacing=1.2,
        )  # fmt: skip
    return ax
