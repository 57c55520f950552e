"""Is there a bump? A scan over masses and widths, with a p-value for all of it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate
from evidesk.methods.bumphunt.beside import beside
from evidesk.methods.bumphunt.families import Family
from evidesk.methods.bumphunt.order import Ladder
from evidesk.methods.bumphunt.profile import Profile
from evidesk.methods.bumphunt.score import check_told_apart, score
from evidesk.methods.bumphunt.signal import Shape, default_masses, gaussian, shares, widths_at
from evidesk.methods.bumphunt.spectrum_fit import SpectrumFit, check_toys, fit_spectrum
from evidesk.methods.bumphunt.trials import gross_vitells, toy_p_value, upcrossings
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.resampling import RandomState, generator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]
#: A number, or a function of the mass.
Width = float | Callable[[float], float]

#: Toys that fit into the processor's cache.
_BATCH = 1000
#: With fewer toys that exceed the data, Gross and Vitells' bound is quoted beside them.
_FEW_EXCEED = 10
#: With fewer expected events under a signal, normal local p-values are rough.
_FEW_EVENTS = 10.0
_TOYS_FOR_GOODNESS = 1000


@dataclass(frozen=True)
class SpectrumScan:
    """What a scan found.

    Attributes
    ----------
    fit : the background.
    masses : shape (masses,).
    widths : shape (widths, masses).
    z : shape (widths, masses); excess in standard errors, negative for a deficit: the signed root
        of the likelihood ratio.
    scores : shape (widths, masses); the same by Rao's score, which the toys are compared by.
    yields, errors : shape (widths, masses); the signal's events, and their standard error.
    best : index of the largest excess, (width, mass).
    signal : its yield; that a place was chosen for its excess makes it too large, on average.
    p_global : how often chance alone makes as large an excess anywhere in the scan.
    bound : Gross and Vitells' upper bound of it, which reaches beyond the toys.
    covers : what the global p-value is about, in words.
    toys : shape (toys,); the largest score of each toy's scan.
    signals : shape (widths, masses, bins); shares of each signal's events.
    warnings : what a reader has to know.
    """

    fit: SpectrumFit
    masses: Floats
    widths: Floats
    z: Floats
    scores: Floats = field(repr=False)
    yields: Floats = field(repr=False)
    errors: Floats = field(repr=False)
    best: tuple[int, int]
    signal: Estimate
    p_global: Estimate
    bound: Estimate
    covers: str
    toys: Floats = field(repr=False)
    signals: Floats = field(repr=False)
    warnings: tuple[str, ...]

    @property
    def p_local(self) -> Floats:
        """Shape (widths, masses); one-sided, by the normal distribution of z."""
        found: Floats = special.ndtr(-self.z)
        return found

    @property
    def best_mass(self) -> float:
        """Where the largest excess is."""
        return float(self.masses[self.best[1]])

    @property
    def best_width(self) -> float:
        """The width with which it is largest."""
        return float(self.widths[self.best])

    @property
    def largest(self) -> float:
        """The largest excess, in standard errors."""
        return float(self.z[self.best])

    @property
    def is_beyond_toys(self) -> bool:
        """Whether hardly a toy exceeds the data, so that the bound says more."""
        return int((self.toys >= self.scores.max()).sum()) < _FEW_EXCEED

    def __str__(self) -> str:
        lines = [
            f"Largest excess: {self.largest:.2f} sigma at {self.best_mass:.4g} "
            f"(width {self.best_width:.3g}), p_local {_printed(self.p_local[self.best])}",
            f"  p_global = {self.p_global.value:.2g} "
            f"[{self.p_global.low:.2g}, {self.p_global.high:.2g}]: {self.covers}",
        ]
        if self.is_beyond_toys:
            lines.append(
                f"  beyond the toys, Gross and Vitells' bound {_printed(self.bound.value)}"
            )
        lines += [f"  signal there: {self.signal.short} events", f"  {self.fit}"]
        return "\n".join([*lines, *(f"  Note: {one}" for one in self.warnings)])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The spectrum with its fit; below it what is left, and the p-value of each mass."""
        from evidesk.methods.bumphunt.spectrum_plot import draw_scan

        return draw_scan(self, ax)


def scan_spectrum(
    data: Any,
    masses: npt.ArrayLike | None = None,
    width: Width | Sequence[Width] | None = None,
    *,
    family: Family | str = "exponential",
    order: int | None = None,
    alpha: float = 0.05,
    shape: Shape = gaussian,
    toys: int = 10_000,
    level: float = 0.95,
    random_state: RandomState = None,
    progress: Progress | None = None,
) -> SpectrumScan:
    """Look for a resonance at each mass, on top of a smooth background.

    Each mass has the likelihood ratio of a signal. The global p-value compares the largest excess
    by Rao's score, which needs no fit for each mass and is all but the same, with those of toys
    that are treated as the data are, to the choice of the order. They are drawn from the fit with
    one parameter more than was chosen: a parameter that the data need but did not show fakes
    bumps, and so it does in such toys. Yields are estimated with an order that is chosen beside
    the signal, and one parameter more.

    Parameters
    ----------
    data : a `Spectrum`, or a histogram of boost-histogram, hist or uproot.
    masses : array-like, shape (masses,); by default one width apart.
    width : the signal's standard deviation, a number or a function of the mass, or several of
        them. By default the mean width of two bins.
    family, order, alpha : of the background, as in `fit_spectrum`.
    shape : of the bins' edges, a mass and a width makes the share of the signal's events in each
        bin; a normal distribution by default.
    toys : as many; the global p-value is at least 1 over that.
    level : of the intervals.
    random_state : of the toys.
    progress : told the share of the work that is done.

    Raises
    ------
    ValueError : a parameter is out of its range, a mass lies outside the spectrum, events are too
        few for the order, or background and signal cannot be told apart.
    TypeError : the data are no spectrum.
    """
    check_toys(toys)
    rng = generator(random_state)
    fit = fit_spectrum(
        data, family, order=order, alpha=alpha, toys=_TOYS_FOR_GOODNESS, level=level,
        random_state=rng,
    )  # fmt: skip
    places, widths, signals = signals_of(fit, masses, width, shape)
    flat = (signals / fit.spectrum.scale).reshape(-1, signals.shape[-1])
    best, counts = fit.ladder.best, fit.spectrum.counts
    names = [f"mass {places[i]:g} and width {widths[w, i]:g}" for w, i in np.ndindex(widths.shape)]
    check_told_apart(best.model, flat, names)
    scores = score(best.model, counts[None], best.expected[None], flat).z.reshape(widths.shape)
    profile = Profile(best.model, counts[None], flat)
    z = profile.significance(profile.maximum()[0]).reshape(widths.shape)
    yields, errors = np.empty((2, len(flat)))
    for one in beside(fit.ladder, counts[None], flat):
        yields[one.some], errors[one.some] = one.data.maximum()
    where = np.unravel_index(int(z.argmax()), z.shape)
    at = (int(where[0]), int(where[1]))
    maxima, crossings = null_scans(
        fit.ladder, flat.reshape(signals.shape), toys, rng, progress or (lambda _share: None)
    )
    return SpectrumScan(
        fit=fit,
        masses=places,
        widths=widths,
        z=z,
        scores=scores,
        yields=yields.reshape(widths.shape),
        errors=errors.reshape(widths.shape),
        best=at,
        signal=yield_estimate(fit.ladder, counts, signals[at] / fit.spectrum.scale, level),
        p_global=toy_p_value(float(scores.max()), maxima, level),
        bound=gross_vitells(float(z[at]), crossings, len(widths), level),
        covers=_covers(fit.ladder, places, widths),
        toys=maxima,
        signals=signals,
        warnings=tuple(_warnings(best.expected, signals)),
    )


def signals_of(
    fit: SpectrumFit, masses: npt.ArrayLike | None, width: Any, shape: Any
) -> tuple[Floats, Floats, Floats]:
    """Masses, widths (widths, masses) and shares (widths, masses, bins), checked.

    Raises
    ------
    ValueError : a mass lies outside the spectrum, or a width or a share is none.
    """
    edges = fit.spectrum.edges
    if width is None:
        width = 2 * float(edges[-1] - edges[0]) / (len(edges) - 1)
    if masses is None:
        several = width if isinstance(width, list | tuple | np.ndarray) else [width]
        widths_at(edges[:1], width)
        places = default_masses(edges, several[0])
    else:
        places = np.atleast_1d(np.asarray(masses))
        if (
            places.dtype.kind not in "iuf"
            or places.ndim != 1
            or not places.size
            or not np.isfinite(places).all()
        ):
            raise ValueError("'masses' must be a list of finite numbers.")
        places = places.astype(np.float64)
        outside = (places <= edges[0]) | (places >= edges[-1])
        if outside.any():
            raise ValueError(
                f"Masses must lie within the spectrum, {edges[0]:g} to {edges[-1]:g}; got "
                f"{places[outside][0]:g}."
            )
        if (np.diff(places) <= 0).any():
            raise ValueError("'masses' must ascend.")
    widths = widths_at(places, width)
    return places, widths, shares(edges, places, widths, shape)


def check_width(width: int, scan: SpectrumScan) -> None:
    """Raises
    ------
    ValueError : the scan has no width of that number.
    """
    if width not in range(len(scan.widths)):
        raise ValueError(
            f"The 'width' parameter must be from 0 to {len(scan.widths) - 1}, the scan's widths. "
            f"Got {width!r} instead."
        )


def null_scans(
    ladder: Ladder, signals: Floats, toys: int, rng: np.random.Generator, progress: Progress
) -> tuple[Floats, Floats]:
    """Scans of spectra without a signal: of each the largest score and the upcrossings, (toys,)."""
    flat = signals.reshape(-1, signals.shape[-1])
    maxima, crossings = np.empty(toys), np.empty(toys)
    for first in range(0, toys, _BATCH):
        rows = slice(first, min(first + _BATCH, toys))
        drawn = rng.poisson(ladder.cautious.expected, (rows.stop - first, flat.shape[1])).astype(
            np.float64
        )
        choice = ladder.choose(drawn)
        z = np.empty((len(drawn), len(flat)))
        for index in np.unique(choice.index):
            some = choice.index == index
            model = ladder.backgrounds[index].model
            z[some] = score(model, drawn[some], choice.expected[some], flat).z
        maxima[rows] = z.max(axis=1)
        crossings[rows] = upcrossings(z.reshape(len(drawn), *signals.shape[:2]))
        progress(rows.stop / toys)
    return maxima, crossings


def yield_estimate(ladder: Ladder, counts: Floats, signal: Floats, level: float) -> Estimate:
    """The yield of one signal, shape (bins,), with the interval of its likelihood ratio."""
    (found,) = beside(ladder, counts[None], signal[None])
    value, error = found.data.maximum()
    low, high = found.data.interval(value, error, critical_value(level))
    events = max(round(float(counts.sum())), 1)
    return Estimate(
        float(value[0]), float(low[0]), float(high[0]), level, "profile-likelihood", events,
        null_value=0.0,
    )  # fmt: skip


def _printed(p: float) -> str:
    """With a sign before it; what no float can hold is below all of them."""
    return f"= {p:.2g}" if p > 0 else "< 1e-300"


def _covers(ladder: Ladder, masses: Floats, widths: Floats) -> str:
    where = (
        f"{len(masses)} masses from {masses[0]:.4g} to {masses[-1]:.4g}"
        if len(masses) > 1
        else f"the one mass {masses[0]:.4g}"
    )
    many = f"each of {len(widths)} widths" if len(widths) > 1 else "one width"
    order = (
        "and the choice of the background's order"
        if ladder.alpha is not None
        else f"with a background of {ladder.best.order} parameters, given beforehand"
    )
    return (
        f"covers the search at {where} with {many}, {order}; nothing that was chosen by looking "
        "at the data before"
    )


def _warnings(expected: Floats, signals: Floats) -> list[str]:
    """Few events under a signal: with the mean of the background under its shape."""
    flat = signals.reshape(-1, signals.shape[-1])
    under = flat.sum(axis=1) ** 2 / (flat**2 / expected).sum(axis=1)
    few = int((under < _FEW_EVENTS).sum())
    if not few:
        return []
    return [
        f"At {few} of {len(flat)} masses and widths fewer than {_FEW_EVENTS:g} background events "
        f"are expected under the signal (at least {math.floor(under.min())}): p_local is rough "
        "there. The global p-value is from toys, and holds."
    ]
