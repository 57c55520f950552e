"""The picture of a bump hunt, of real numbers."""

from typing import TYPE_CHECKING

import numpy as np

from evidesk.evidence import style
from evidesk.methods.bumphunt.sculpting import fit_beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from evidesk.methods.bumphunt.hunt_result import WindowResult

_SIGNAL, _BACKGROUND, _INK = "#0072B2", "#c5281c", "#374151"


def draw_window(result: "WindowResult", ax: "Axes | None" = None) -> "Axes":
    """Points: the spectrum after the cut; red: a smooth fit to what lies beside the signal region;
    blue: what the signal region has beyond it.
    """
    spectrum, window = result.after_cut.fit.spectrum, result.window
    inside = window.signal_region(spectrum.centres)
    expected = fit_beside(spectrum, window, result.after_cut.fit.family).best.expected
    with style():
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots(figsize=(7.2, 4.0), layout="constrained")[1]
        edges, counts = spectrum.edges, spectrum.counts
        ax.stairs(
            expected,
            edges,
            fill=True,
            color=_BACKGROUND,
            alpha=0.28,
            label="background, from the sidebands",
        )
        first, last = np.flatnonzero(inside)[[0, -1]]
        ax.stairs(
            np.maximum(counts, expected)[first : last + 1],
            edges[first : last + 2],
            baseline=expected[first : last + 1],
            fill=True,
            color=_SIGNAL,
            alpha=0.75,
            label="beyond it, in the signal region",
        )
        ax.errorbar(
            spectrum.centres, counts, np.sqrt(counts), fmt="o", color=_INK, markersize=3,
            linewidth=0.8, label="events beyond the cut",
        )  # fmt: skip
        for edge in (window.low, window.high):
            ax.axvline(edge, color=_INK, linestyle="--", linewidth=1.0)
        top = 1.22 * float((counts + np.sqrt(counts)).max())
        ax.set_ylim(0, top)
        ax.set_xlim(edges[0], edges[-1])
        for name, low, high in (
            ("sideband", max(window.outer_low, edges[0]), window.low),
            ("signal region", window.low, window.high),
            ("sideband", window.high, min(window.outer_high, edges[-1])),
        ):
            ax.annotate(
                name, ((low + high) / 2, 0.97), xycoords=("data", "axes fraction"), ha="center",
                va="top", fontsize="small", color=_INK,
            )  # fmt: skip
        ax.set_ylabel("Events in a bin")
        ax.set_xlabel("Resonant variable")
        ax.set_title(f"{result.z:.1f} sigma at {result.after_cut.best_mass:.4g}, after the cut")
        ax.legend(loc="center right", fontsize="small")
    return ax
