"""How large a signal could have hidden: CLs upper limits, and those to be expected without one.

The test statistic is the likelihood ratio for a yield of at least 0, its distributions are the
asymptotic ones around the Asimov spectrum, which is the fitted background itself: Cowan, Cranmer,
Gross and Vitells, EPJC 71 (2011) 1554, arXiv:1007.1727, equations 16 (statistic), 62 to 66
(distributions) and 89 (bands); Read, J. Phys. G 28 (2002) 2693, for CLs. The asymptotic
distributions want some ten events under a signal.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate
from evidesk.methods.bumphunt.beside import beside
from evidesk.methods.bumphunt.profile import Profile
from evidesk.methods.bumphunt.scan import SpectrumScan, check_width
from evidesk.methods.bumphunt.spectrum_fit import check_share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

#: Standard deviations of the bands, from low to high.
BANDS = (-2.0, -1.0, 0.0, 1.0, 2.0)
_HALVINGS = 26


@dataclass(frozen=True)
class LimitBand:
    """Upper limits on a signal's yield, mass by mass.

    Attributes
    ----------
    masses : shape (masses,).
    observed : shape (masses,); events, or sums of weights.
    expected : shape (5, masses); without a signal: the median limit, third, and those at -2, -1, 1
        and 2 standard deviations.
    yields : shape (masses,); of the largest likelihood.
    orders : shape (masses,); how many parameters the background had.
    level : confidence level of the limits.
    events : in the spectrum.
    """

    masses: Floats
    observed: Floats
    expected: Floats = field(repr=False)
    yields: Floats = field(repr=False)
    orders: npt.NDArray[np.intp] = field(repr=False)
    level: float
    events: int

    def at(self, mass: float) -> Estimate:
        """The limit at the mass nearest to this one, as an interval without a lower end."""
        i = int(np.abs(self.masses - mass).argmin())
        value = float(self.yields[i])
        return Estimate(
            value, float("-inf"), float(self.observed[i]), self.level, "cls-asymptotic",
            self.events, finite=False,
        )  # fmt: skip

    def __str__(self) -> str:
        i = int(self.observed.argmax())
        percent = f"{100 * self.level:.4g} %"
        return (
            f"Upper limits at {percent} (CLs, asymptotic) on the signal's events at "
            f"{len(self.masses)} masses: from {self.observed.min():.3g} to "
            f"{self.observed[i]:.3g} (at {self.masses[i]:.4g}, where {self.expected[2, i]:.3g} "
            f"[{self.expected[1, i]:.3g}, {self.expected[3, i]:.3g}] would be expected); "
            f"background of {_range_of(self.orders)} parameters"
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The limits, over the bands in which they would lie without a signal."""
        from evidesk.methods.bumphunt.limit_plot import draw_limits

        return draw_limits(self, ax)


def upper_limits(scan: SpectrumScan, *, width: int = 0, level: float = 0.95) -> LimitBand:
    """CLs upper limits at each of a scan's masses, each of them alone.

    The background's order is chosen with the mass's signal in the fit, and has one parameter more:
    chosen without, it would take up a part of the signal, and limits would exclude too much.

    Parameters
    ----------
    scan : what `scan_spectrum` found.
    width : which of its widths.
    level : confidence level.

    Raises
    ------
    ValueError : the level is none, or there is no such width.
    """
    check_share("level", level)
    check_width(width, scan)
    fit = scan.fit
    signals = scan.signals[width] / fit.spectrum.scale
    observed, yields = np.empty((2, len(signals)))
    expected = np.empty((len(BANDS), len(signals)))
    orders = np.empty(len(signals), dtype=np.intp)
    for one in beside(fit.ladder, fit.spectrum.counts[None], signals):
        observed[one.some], yields[one.some] = observed_limits(one.data, one.asimov, 1 - level)
        expected[:, one.some] = expected_limits(one.asimov, 1 - level)
        orders[one.some] = one.order
    events = max(round(float(fit.spectrum.counts.sum())), 1)
    return LimitBand(scan.masses, observed, expected, yields, orders, level, events)


def _range_of(orders: npt.NDArray[np.intp]) -> str:
    low, high = int(orders.min()), int(orders.max())
    return f"{low}" if low == high else f"{low} to {high}"


def observed_limits(data: Profile, asimov: Profile, alpha: float) -> tuple[Floats, Floats]:
    """The yields that CLs only just excludes, and those of the largest likelihood; shape (S,).

    Parameters
    ----------
    data : the likelihood of the S signals' yields.
    asimov : the same, with the background's fit to each spectrum in place of its counts.
    alpha : 1 less the confidence level.
    """
    yields, errors = data.maximum()
    start = np.maximum(yields, 0)
    top, flat = data.log_likelihood(start), asimov.log_likelihood(np.zeros_like(start))

    def excluded(at: Floats) -> npt.NDArray[np.bool_]:
        q = np.maximum(2 * (top - data.log_likelihood(at)), 0)
        q_asimov = np.maximum(2 * (flat - asimov.log_likelihood(at)), 0)
        return cls(q, q_asimov) <= alpha

    return _first(excluded, start, start + errors), yields


def expected_limits(asimov: Profile, alpha: float) -> Floats:
    """The median limit without a signal and its bands, shape (5, S)."""
    none, errors = asimov.maximum()
    flat = asimov.log_likelihood(none)
    # Where the statistic's root is that of the Asimov spectrum less N, CLs depends on that alone.
    roots = [n - float(special.ndtri(alpha * special.ndtr(n))) for n in BANDS]

    def beyond(root: float) -> Callable[[Floats], npt.NDArray[np.bool_]]:
        return lambda at: np.asarray(2 * (flat - asimov.log_likelihood(at)) >= root**2)

    return np.stack([_first(beyond(root), none, none + errors * root) for root in roots])


def cls(q: Floats, q_asimov: Floats) -> Floats:
    """CLs of a yield above that of the largest likelihood, from the statistics of the data and of
    the Asimov spectrum (arXiv:1007.1727, equations 62 to 66).
    """
    root, root_asimov = np.sqrt(q), np.sqrt(np.maximum(q_asimov, 1e-300))
    # Where the likeliest yield is below 0, the statistic has another distribution.
    far = q > q_asimov
    with_signal = np.where(far, (q + q_asimov) / (2 * root_asimov), root)
    without = np.where(far, (q - q_asimov) / (2 * root_asimov), root - root_asimov)
    found: Floats = np.exp(special.log_ndtr(-with_signal) - special.log_ndtr(-without))
    return found


def _first(holds: Callable[[Floats], npt.NDArray[np.bool_]], low: Floats, high: Floats) -> Floats:
    """Where something begins to hold that then goes on to; not yet at ``low``."""
    while (inside := ~holds(high)).any():
        high = np.where(inside, low + 2 * (high - low), high)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        there = holds(middle)
        low, high = np.where(there, low, middle), np.where(there, middle, high)
    return high
