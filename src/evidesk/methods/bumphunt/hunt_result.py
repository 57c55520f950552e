"""What a bump hunt found, window by window."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.bumphunt.closure import Closure
from evidesk.methods.bumphunt.scan import SpectrumScan
from evidesk.methods.bumphunt.sic import SicCurve
from evidesk.methods.bumphunt.windows import Window

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class DirectCount:
    """The signal region's events beyond the cut against those that the template lets expect.

    Attributes
    ----------
    selected : events.
    expected : with the error of the template's counts and of what the validation windows leave
        open.
    z : excess in standard errors, of the count and of the expectation.
    p_local : one-sided, by the normal distribution of z.
    """

    selected: int
    expected: Estimate
    z: float
    p_local: float

    def __str__(self) -> str:
        return (
            f"{self.selected:,} events, {self.expected.short} expected from the template: "
            f"{self.z:.2f} sigma, p_local = {self.p_local:.2g}"
        )


@dataclass(frozen=True)
class WindowResult:
    """What one window says.

    Attributes
    ----------
    window : the signal region and its sidebands.
    template : the name of the background template, and ``why`` it was taken.
    closure : of that template in windows without signal.
    inclusive : the scan of the spectrum before the cut.
    after_cut : the scan of the spectrum of the events that the cut has kept.
    limit : CLs upper limit on the signal's events beyond the cut, at the window's best mass.
    sculpting : p-value of "the spectrum after the cut is smooth beside the signal region".
    count : in the signal region against the template; None where that is ``blocked``.
    blocked : why not; empty if it is not.
    sic : significance improvement, where labels were given.
    kept : shape (n,); the events beyond the cut.
    warnings : what a reader has to know.
    """

    window: Window
    template: str
    why: str
    closure: Closure
    inclusive: SpectrumScan
    after_cut: SpectrumScan
    limit: Estimate
    sculpting: Estimate
    count: DirectCount | None
    blocked: tuple[str, ...]
    sic: SicCurve | None
    kept: Mask = field(repr=False)
    warnings: tuple[str, ...]

    @property
    def z(self) -> float:
        """Largest excess in the window after the cut, in standard errors."""
        return self.after_cut.largest

    @property
    def p_local(self) -> float:
        """Of that excess at its mass alone."""
        return float(self.after_cut.p_local[self.after_cut.best])

    @property
    def p_window(self) -> Estimate:
        """Of so large an excess at any mass of the window."""
        return self.after_cut.p_global

    @property
    def signal(self) -> Estimate:
        """The signal's events beyond the cut."""
        return self.after_cut.signal

    def __str__(self) -> str:
        lines = [
            f"Window {self.window}, template {self.template} ({self.why})",
            f"  before the cut: {self.inclusive.largest:.2f} sigma at "
            f"{self.inclusive.best_mass:.4g}, p = {self.inclusive.p_global.short}",
            f"  after the cut at {100 * self.closure.efficiency:.3g} %: {self.z:.2f} sigma at "
            f"{self.after_cut.best_mass:.4g}, p_local = {self.p_local:.2g}, "
            f"p = {self.p_window.short} for the window",
            f"  signal beyond the cut: {self.signal.short} events, at most {self.limit.high:.3g} "
            f"at {100 * self.limit.level:.3g} %",
            f"  spectrum beside the window is smooth: p = {self.sculpting.short}",
            f"  counting against the template: {self.count or 'blocked'}",
        ]
        lines += [f"    {reason}" for reason in self.blocked]
        if self.sic is not None:
            lines.append(f"  {self.sic}")
        return "\n".join([*lines, *(f"  Note: {one}" for one in self.warnings)])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The picture of a bump hunt: in red what the sidebands let expect, in blue what the
        signal region has beyond it.
        """
        from evidesk.methods.bumphunt.hunt_plot import draw_window

        return draw_window(self, ax)


@dataclass(frozen=True)
class HuntResult:
    """What a bump hunt found.

    Attributes
    ----------
    resonance : name of the resonant variable.
    windows : one result each.
    p_global : of so small a p-value in any of the windows.
    covers : what each p-value is about, by its name.
    seconds : how long it took.
    warnings : what a reader has to know.
    """

    resonance: str
    windows: tuple[WindowResult, ...]
    p_global: Estimate
    covers: dict[str, str]
    seconds: float
    warnings: tuple[str, ...]

    @property
    def best(self) -> WindowResult:
        """The window with the smallest p-value; of equal ones, that with the largest excess."""
        return min(self.windows, key=lambda one: (one.p_window.value, -one.z))

    @property
    def found(self) -> bool:
        """Whether the global p-value is below 1 less the level of its interval."""
        return self.p_global.value <= 1 - self.p_global.level

    def __str__(self) -> str:
        best = self.best
        verdict = "An excess" if self.found else "No excess"
        lines = [
            f"{verdict}: global p = {self.p_global.short}; largest {best.z:.2f} sigma at "
            f"{self.resonance} = {best.after_cut.best_mass:.4g}, upper limit "
            f"{best.limit.high:.3g} events at {100 * best.limit.level:.3g} %",
            *(f"  {name} {what}" for name, what in self.covers.items()),
            *(str(one) for one in self.windows),
        ]
        return "\n".join([*lines, *(f"Note: {one}" for one in self.warnings)])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The picture of the best window."""
        ax = self.best.plot(ax)
        ax.set_xlabel(self.resonance)
        return ax


def over_windows(values: list[Estimate]) -> Estimate:
    """The smallest p-value of several windows, times their number: valid however they depend."""
    smallest = min(values, key=lambda one: one.value)
    many = len(values)
    value, low, high = (
        min(1.0, many * one) for one in (smallest.value, smallest.low, smallest.high)
    )
    method = smallest.method if many == 1 else f"{smallest.method}, bonferroni"
    return Estimate(value, low, high, smallest.level, method, smallest.n, over=smallest.over)
