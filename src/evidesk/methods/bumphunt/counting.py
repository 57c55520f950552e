"""Counting in a window against a background that is extrapolated from beside it.

The extrapolated background has an error of its own, and it is seldom small: of 72,000 dijets, the
sideband's fit is as uncertain as the count itself. Leaving it out makes 3 sigma of chance thirteen
times too often.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate
from evidesk.methods.bumphunt.background import Background, Bins
from evidesk.methods.bumphunt.families import Family, family_of
from evidesk.methods.bumphunt.histogram import spectrum_of
from evidesk.methods.bumphunt.order import Ladder
from evidesk.methods.bumphunt.spectrum_fit import check_order, check_share
from evidesk.methods.metrics.proportion import critical_value

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WindowCount:
    """A count in a window, and what the sidebands let expect.

    Attributes
    ----------
    window : from where to where; edges of bins.
    observed : effective events if they are weighted.
    expected : from the fit beside the window, with the error of the fit.
    z : the excess in standard errors, of the count and of the fit.
    order : of the background.
    """

    window: tuple[float, float]
    observed: float
    expected: Estimate
    z: float
    order: int

    @property
    def p_value(self) -> float:
        """One-sided, by the normal distribution of z; of this window alone."""
        return float(special.ndtr(-self.z))

    def __str__(self) -> str:
        return (
            f"{self.observed:,.6g} events from {self.window[0]:.4g} to {self.window[1]:.4g}, "
            f"{self.expected.short} expected from beside it: {self.z:.2f} sigma, "
            f"p = {self.p_value:.2g} (of this window alone)"
        )


def count_window(
    data: Any,
    window: tuple[float, float],
    family: Family | str = "exponential",
    *,
    order: int | None = None,
    alpha: float = 0.05,
    level: float = 0.95,
) -> WindowCount:
    """Fit the spectrum beside a window, and count within it.

    The background has one parameter more than likelihood ratios choose: one that is needed but
    does not show beside the window shifts what is expected within.

    Parameters
    ----------
    data : a `Spectrum`, or a histogram of boost-histogram, hist or uproot.
    window : from where to where; bins whose centre is within belong to it.
    family, order, alpha : of the background, as in `fit_spectrum`.
    level : of the expected count's interval.

    Raises
    ------
    ValueError : the window has no bin, leaves none on one of its sides, or the fit fails.
    TypeError : the data are no spectrum.
    """
    spectrum, found_family = spectrum_of(data), family_of(family)
    check_share("alpha", alpha)
    check_order(order, found_family)
    inside = (spectrum.centres >= window[0]) & (spectrum.centres < window[1])
    if not inside.any():
        raise ValueError(f"No bin's centre lies in the window from {window[0]} to {window[1]}.")
    first, last = np.flatnonzero(inside)[[0, -1]]
    if first == 0 or last == len(inside) - 1:
        raise ValueError(
            f"The window from {window[0]} to {window[1]} leaves no sideband on one side: the "
            "background would be extrapolated from one end only. Use a narrower window."
        )
    best = Ladder.of(Bins(spectrum, found_family, ~inside), order, alpha).cautious
    # Effective events of unlike weights do not add up; their sums do.
    scale = spectrum.scale[inside]
    sums, errors = extrapolated(best, spectrum.counts[None], scale)
    total, error = float(sums[0]), float(errors[0])
    observed = float((spectrum.counts[inside] * scale).sum())
    worth = float((best.expected[inside] * scale**2).sum()) / total
    z = critical_value(level)
    events = max(round(float(spectrum.counts[~inside].sum())), 1)
    expected = Estimate(total, total - z * error, total + z * error, level, "wald", events)
    return WindowCount(
        (float(spectrum.edges[first]), float(spectrum.edges[last + 1])),
        observed,
        expected,
        excess(observed / worth, total / worth, error / worth),
        best.order,
    )


def extrapolated(background: Background, counts: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """What fits beside the window expect within it, and its standard error, shapes (T,).

    Parameters
    ----------
    background : fitted to the bins beside the window.
    counts : shape (T, bins), of spectra near the one that was fitted.
    scale : shape (bins in the window,); what an effective event is worth.
    """
    fits = background.on_used.fit(counts[:, background.used])
    inside = ~background.used
    expected = background.model.at(fits.coefficients)[:, inside] * scale
    slopes = expected @ background.model.design[inside]
    covariance = np.linalg.inv(background.on_used.information(fits.expected))
    variance = np.einsum("ti,tij,tj->t", slopes, covariance, slopes)
    return expected.sum(axis=1), np.sqrt(variance)


def excess(count: float, expected: float, error: float) -> float:
    """Significance of a count above an expectation that has an error itself.

    The signed root of the likelihood ratio, with the expectation measured by a count of its own
    that has this error. Source: Li and Ma, ApJ 272 (1983) 317, equation 17, in the form of Cowan,
    "Discovery sensitivity for a counting experiment with background uncertainty" (2012), equation
    20. It is near ``(count - expected) / sqrt(expected + error^2)`` where counts are large.
    """
    variance = error**2
    ratio = expected**2 / variance
    total = expected + variance
    of_count = special.rel_entr(count * total, expected**2 + count * variance) / total
    of_error = ratio * math.log1p(variance * (count - expected) / (expected * total))
    return math.copysign(math.sqrt(max(2 * (of_count - of_error), 0)), count - expected)
