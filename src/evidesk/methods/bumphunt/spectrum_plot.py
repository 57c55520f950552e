"""The plot of a spectrum: counts and fit on top, pulls below, p-values of a scan at the bottom."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import style
from evidesk.evidence.plot import ACCENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from evidesk.methods.bumphunt.scan import SpectrumScan
    from evidesk.methods.bumphunt.spectrum_fit import SpectrumFit

Floats = npt.NDArray[np.float64]

_DARK, _GREY, _SIGNAL = "#1f2937", "#9ca3af", "#D55E00"
_WIDTHS = (ACCENT, "#E69F00", "#0072B2", "#CC79A7", "#56B4E9")


def draw_fit(fit: "SpectrumFit", ax: "Axes | None" = None) -> "Axes":
    """Two panels; the upper one is returned."""
    with style():
        top, pulls = _panels(ax, (0.42,), 4.4)
        _draw_counts(top, fit)
        _draw_pulls(pulls, fit)
        pulls.set_xlabel("Mass")
    return top


def draw_scan(scan: "SpectrumScan", ax: "Axes | None" = None) -> "Axes":
    """Three panels; the upper one is returned."""
    fit = scan.fit
    with style():
        top, pulls, p_values = _panels(ax, (0.42, 0.55), 6.2)
        _draw_counts(top, fit)
        _draw_pulls(pulls, fit)
        # The likeliest signal where the excess is largest, in the pulls' unit.
        expected = scan.yields[scan.best] * scan.signals[scan.best] / fit.spectrum.scale
        pulls.plot(
            fit.spectrum.centres, expected / np.sqrt(fit.ladder.best.expected),
            color=_SIGNAL,
        )  # fmt: skip
        top.plot([], [], color=_SIGNAL, label=_verdict(scan))
        top.legend(loc="upper right", fontsize="small")
        _draw_p_values(p_values, scan)
        p_values.set_xlabel("Mass")
    return top


def _panels(ax: "Axes | None", below: tuple[float, ...], height: float) -> "list[Axes]":
    """An axes with others below it, which share its masses; their heights are shares of its."""
    if ax is None:
        from matplotlib import pyplot as plt

        figure, grid = plt.subplots(
            1 + len(below), sharex=True, height_ratios=(1, *below), figsize=(6.4, height),
            layout="constrained",
        )  # fmt: skip
        figure.align_ylabels()
        return list(grid)
    from mpl_toolkits.axes_grid1 import make_axes_locatable

    divider = make_axes_locatable(ax)
    sizes = [f"{share:.0%}" for share in below]
    panels = [ax] + [divider.append_axes("bottom", size, pad=0.12, sharex=ax) for size in sizes]
    for one in panels[:-1]:
        one.tick_params(axis="x", labelbottom=False)
    return panels


def plain_logarithmic(axis: "Axis") -> None:
    """Ticks at 1, 2, 5, 10, ..., printed as numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,.6g}"))
    axis.set_minor_formatter(NullFormatter())


def _draw_counts(ax: "Axes", fit: "SpectrumFit") -> None:
    spectrum = fit.spectrum
    counts, scale = spectrum.counts, spectrum.scale
    # Exact Poisson intervals: a root of 1 event reaches 0, which no logarithmic axis has.
    low = np.where(counts > 0, special.gammaincinv(np.maximum(counts, 0.5), 0.1587), 0)
    high = special.gammaincinv(counts + 1, 0.8413)
    some = counts > 0
    ax.errorbar(
        spectrum.centres[some], (counts * scale)[some],
        yerr=np.stack([counts - low, high - counts])[:, some] * scale[some],
        fmt="o", color=_DARK, markersize=2.6, elinewidth=0.9, zorder=3, label="data",
    )  # fmt: skip
    ax.stairs(
        fit.expected, spectrum.edges, color=ACCENT, linewidth=1.6, baseline=None,
        label=f"{fit.family.name}, {fit.order} parameters",
    )  # fmt: skip
    ax.set_yscale("log")
    plain_logarithmic(ax.yaxis)
    top = max((high * scale)[some].max(), fit.expected.max())
    least = min((counts * scale)[some].min(), fit.expected.min())
    ax.set_ylim(max(0.6 * least, 0.3 * scale.min()), 1.6 * top)
    ax.set_xlim(spectrum.edges[0], spectrum.edges[-1])
    ax.set_ylabel("Events per bin")
    ax.legend(loc="upper right", fontsize="small")


def _draw_pulls(ax: "Axes", fit: "SpectrumFit") -> None:
    edges, pulls = fit.spectrum.edges, fit.pulls
    ax.bar(edges[:-1], pulls, np.diff(edges), align="edge", color=_GREY)
    ax.axhline(0, color=_DARK, linewidth=0.8)
    reach = max(3.0, 1.15 * float(np.abs(pulls).max()))
    ax.set_ylim(-reach, reach)
    ax.set_ylabel("Pull")


def _verdict(scan: "SpectrumScan") -> str:
    """The largest excess, and the smaller of the two global p-values that are there."""
    p, sign = scan.p_global.value, "="
    if scan.is_beyond_toys and scan.bound.value < p:
        p, sign = scan.bound.value, "≤"
    return f"{scan.largest:.1f}σ at {scan.best_mass:.4g}, global p {sign} {p:.2g}"


def _draw_p_values(ax: "Axes", scan: "SpectrumScan") -> None:
    p_local = np.maximum(scan.p_local, 1e-300)
    for row, (p, color) in enumerate(zip(p_local, np.resize(_WIDTHS, len(p_local)), strict=True)):
        label = f"width {scan.widths[row].min():.3g}"
        if np.ptp(scan.widths[row]) > 0:
            label += f" to {scan.widths[row].max():.3g}"
        ax.plot(scan.masses, p, "o-", color=str(color), markersize=3, linewidth=1.2, label=label)
    ax.set_yscale("log")
    bottom = min(float(p_local.min()) / 5, special.ndtr(-3.0) / 2)
    ax.set_ylim(bottom, 1.5)
    most = int(-special.ndtri(bottom)) if bottom > 1e-300 else 37
    for sigma in range(1, most + 1, max(1, most // 4)):
        level = float(special.ndtr(-sigma))
        ax.axhline(level, color=_GREY, linewidth=0.8, linestyle="--", zorder=0.9)
        ax.annotate(
            f"{sigma}σ", (1, level), (3, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", fontsize="small", annotation_clip=False,
        )  # fmt: skip
    ax.plot(
        scan.best_mass, p_local[scan.best], "o", markersize=8, markerfacecolor="none",
        markeredgecolor=_SIGNAL, markeredgewidth=1.6,
    )  # fmt: skip
    ax.set_ylabel("Local p")
    if len(p_local) > 1:
        ax.legend(loc="lower right", fontsize="small", ncols=2)
