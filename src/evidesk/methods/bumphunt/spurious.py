"""Which signal does the background function itself fake, if the truth is another function?

The spurious-signal test: spectra without a signal are drawn from another function that describes
the data, and treated as the data were. The mean yield that is found is the background function's
fault, or the chance of the data that the other function was fitted to; how often chance alone does
as much is told by spectra that the background function itself makes. Sources: ATLAS, PLB 716 (2012)
1, arXiv:1207.7214, and "Recommendations for the modeling of smooth backgrounds",
ATL-PHYS-PUB-2020-028, for the bound of a fifth of the error.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.bumphunt.background import Background, Bins
from evidesk.methods.bumphunt.families import Family, family_of
from evidesk.methods.bumphunt.order import Ladder
from evidesk.methods.bumphunt.scan import SpectrumScan, check_width
from evidesk.methods.bumphunt.score import score
from evidesk.methods.bumphunt.spectrum_fit import check_order, check_share, check_toys
from evidesk.methods.bumphunt.trials import toy_p_value
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.resampling import RandomState, generator

Floats = npt.NDArray[np.float64]

_SPECTRA = 1000


@dataclass(frozen=True)
class SpuriousSignal:
    """What the background function fakes.

    Attributes
    ----------
    masses : shape (masses,).
    yields : shape (masses,); mean yield of the toys, events or sums of weights.
    relative : shape (masses,); mean of yield over its error.
    spread : shape (masses,); standard deviation of yield over its error: 1 if errors are right.
    worst : the largest of the relative ones, with its sign; the interval holds the toys' error.
    worst_mass : where it is.
    chance : share of spectra from the background function itself in which the other function,
        fitted to each, differs as much: if it is large, a spurious signal means little.
    tolerance : how large it may be.
    truth : the function that toys were drawn from, in words.
    """

    masses: Floats
    yields: Floats = field(repr=False)
    relative: Floats = field(repr=False)
    spread: Floats = field(repr=False)
    worst: Estimate
    worst_mass: float
    chance: Estimate
    tolerance: float
    truth: str

    @property
    def is_small(self) -> bool:
        """Whether no mass has a larger spurious signal than tolerated."""
        return abs(self.worst.value) <= self.tolerance

    def __str__(self) -> str:
        verdict = "is tolerable" if self.is_small else "is too large"
        return (
            f"The spurious signal {verdict}: at most {self.worst.short} of the yield's error, at "
            f"{self.worst_mass:.4g} (tolerated: {self.tolerance:g}), with toys from "
            f"{self.truth}. Chance alone makes the fits differ as much in "
            f"{100 * self.chance.value:.2g} % of spectra"
        )


def spurious_signal(
    scan: SpectrumScan,
    alternative: Family | str | None = None,
    *,
    order: int | None = None,
    width: int = 0,
    toys: int = 2000,
    tolerance: float = 0.2,
    level: float = 0.95,
    random_state: RandomState = None,
) -> SpuriousSignal:
    """Scan toys from another function for the signal that is not there.

    Parameters
    ----------
    scan : what `scan_spectrum` found; its background is what is tested.
    alternative : the family that toys are drawn from, fitted to the same spectrum. By default the
        scan's own, with two parameters more than were chosen.
    order : of the alternative; by default what likelihood ratios choose.
    width : which of the scan's widths.
    toys : as many.
    tolerance : the largest mean yield, in errors of a single yield.
    level : of the interval.
    random_state : of the toys.

    Raises
    ------
    ValueError : a parameter is out of its range, or the alternative cannot be fitted.
    """
    check_toys(toys)
    check_share("tolerance", tolerance)
    check_width(width, scan)
    check_order(order, scan.fit.family if alternative is None else family_of(alternative))
    z = critical_value(level)
    rng = generator(random_state)
    fit = scan.fit
    truth, name = _truth(scan, alternative, order)
    signals = scan.signals[width] / fit.spectrum.scale
    drawn = rng.poisson(truth.expected, (toys, len(fit.expected))).astype(np.float64)
    choice = fit.ladder.choose(drawn)
    pulls, yields = np.empty((2, toys, len(signals)))
    for index in np.unique(choice.index):
        some = choice.index == index
        model = fit.ladder.backgrounds[index].model
        found = score(model, drawn[some], choice.expected[some], signals)
        pulls[some], yields[some] = found.z, found.yields
    mean, spread = pulls.mean(axis=0), pulls.std(axis=0, ddof=1)
    at = int(np.abs(mean).argmax())
    value, error = float(mean[at]), float(z * spread[at] / np.sqrt(toys))
    return SpuriousSignal(
        masses=scan.masses,
        yields=yields.mean(axis=0),
        relative=mean,
        spread=spread,
        worst=Estimate(value, value - error, value + error, level, "toys", toys,
                       over=f"{toys} toys"),
        worst_mass=float(scan.masses[at]),
        chance=_chance(fit.ladder.best, truth, signals, rng, level),
        tolerance=tolerance,
        truth=name,
    )  # fmt: skip


def _chance(
    own: Background, other: Background, signals: Floats, rng: np.random.Generator, level: float
) -> Estimate:
    """How often spectra of the own function let the other one's fit differ as much."""
    drawn = rng.poisson(own.expected, (_SPECTRA, len(own.expected))).astype(np.float64)
    # What the other function expects, first of the data, fitted by the own one: no further chance.
    others = np.concatenate([other.expected[None], other.model.fit(drawn).expected])
    z = score(own.model, others, own.model.fit(others).expected, signals).z
    largest = np.abs(z).max(axis=1)
    return toy_p_value(float(largest[0]), largest[1:], level)


def _truth(scan: SpectrumScan, alternative: Any, order: int | None) -> tuple[Background, str]:
    """The fit of the alternative, and its name."""
    fit = scan.fit
    if alternative is None:
        family = fit.family
        order = order or min(fit.order + 2, family.largest)
    else:
        family = family_of(alternative)
    bins = Bins(fit.spectrum, family)
    best = Ladder.of(bins, order, fit.ladder.alpha or 0.05).best
    return best, f"the {family.name} with {best.order} parameters, fitted to the data"
