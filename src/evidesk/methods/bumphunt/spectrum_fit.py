"""A smooth background fitted to a spectrum, of an order that the data ask for."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.bumphunt.background import Bins
from evidesk.methods.bumphunt.families import Family, family_of
from evidesk.methods.bumphunt.glm import deviance
from evidesk.methods.bumphunt.histogram import Spectrum, spectrum_of
from evidesk.methods.bumphunt.order import Ladder, OrderStep
from evidesk.methods.bumphunt.trials import toy_p_value
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.resampling import RandomState, generator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

#: Below this p-value of the deviance the function is said not to describe the spectrum.
_POOR = 0.01
#: With fewer effective events in a filled bin, weights are too unlike to count them.
_FEW_EFFECTIVE = 10.0


@dataclass(frozen=True)
class SpectrumFit:
    """A background fitted to a spectrum.

    Attributes
    ----------
    spectrum : what was fitted.
    family : the functions' family.
    order : how many parameters.
    coefficients : of the family's terms, the first of which is the normalisation.
    expected : shape (bins,); events, or sums of weights.
    steps : which orders were asked about, and what they added.
    deviance : 2 ln L that a perfect description would add.
    goodness : the deviance's p-value, from toys that are fitted as the data were; small for a
        function that does not fit. It does not choose the order.
    warnings : what a reader has to know.
    """

    spectrum: Spectrum = field(repr=False)
    family: Family
    order: int
    coefficients: tuple[Estimate, ...]
    expected: Floats = field(repr=False)
    steps: tuple[OrderStep, ...]
    deviance: float
    goodness: Estimate
    warnings: tuple[str, ...]
    ladder: Ladder = field(repr=False)

    @property
    def pulls(self) -> Floats:
        """Shape (bins,); signed roots of the bins' parts of the deviance."""
        counts, expected = self.spectrum.counts, self.ladder.best.expected
        parts = np.maximum(deviance(counts[:, None], expected[:, None]), 0)
        found: Floats = np.sign(counts - expected) * np.sqrt(parts)
        return found

    def __str__(self) -> str:
        bins = len(self.expected)
        lines = [
            f"Background: {self.family.name} with {self.order} parameters, "
            f"{self.spectrum.total:,.6g} events in {bins} bins",
            f"  deviance {self.deviance:.1f} for {bins - self.order} degrees of freedom, "
            f"p = {self.goodness.short} from {self.goodness.n:,} toys",
        ]
        for step in self.steps:
            verdict = "taken" if step.taken else "not needed"
            lines.append(
                f"  {step.order + 1} parameters instead of {step.order}: 2 ln L + {step.gain:.1f}, "
                f"p = {step.p_value:.2g}, {verdict}"
            )
        return "\n".join([*lines, *(f"  Note: {one}" for one in self.warnings)])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The spectrum with the fit, and what is left of it below."""
        from evidesk.methods.bumphunt.spectrum_plot import draw_fit

        return draw_fit(self, ax)


def fit_spectrum(
    data: Any,
    family: Family | str = "exponential",
    *,
    order: int | None = None,
    alpha: float = 0.05,
    toys: int = 1000,
    level: float = 0.95,
    random_state: RandomState = None,
) -> SpectrumFit:
    """Fit a smooth background to a spectrum by maximum likelihood.

    Parameters
    ----------
    data : a `Spectrum`, or a histogram of boost-histogram, hist or uproot.
    family : ``"exponential"`` (of a polynomial), or what `dijet`, `exponential` or `of_basis` made.
    order : how many parameters; by default as many as are significant one after the other, by the
        likelihood ratio.
    alpha : significance level of each step to the next order.
    toys : for the p-value of the deviance.
    level : of the intervals.
    random_state : of the toys.

    Raises
    ------
    ValueError : a parameter is out of its range, the function does not apply to these masses, or
        events are too few for the order.
    TypeError : the data are no spectrum.
    """
    spectrum, found_family = spectrum_of(data), family_of(family)
    z = critical_value(level)
    check_share("alpha", alpha)
    check_toys(toys)
    check_order(order, found_family)
    rng = generator(random_state)
    ladder = Ladder.of(Bins(spectrum, found_family), order, alpha)
    best, counts = ladder.best, spectrum.counts
    observed = float(deviance(counts, best.expected))
    drawn = rng.poisson(best.expected, (toys, len(counts))).astype(np.float64)
    of_toys = deviance(drawn, best.model.fit(drawn).expected)
    goodness = toy_p_value(observed, of_toys, level)
    errors = np.sqrt(np.diag(best.covariance))
    events = max(round(counts.sum()), 1)
    coefficients = tuple(
        Estimate(float(b), float(b - z * error), float(b + z * error), level, "wald", events)
        for b, error in zip(best.coefficients, errors, strict=True)
    )
    return SpectrumFit(
        spectrum=spectrum,
        family=found_family,
        order=best.order,
        coefficients=coefficients,
        expected=best.expected * spectrum.scale,
        steps=ladder.steps,
        deviance=observed,
        goodness=goodness,
        warnings=tuple(_warnings(spectrum, ladder, goodness)),
        ladder=ladder,
    )


def _warnings(spectrum: Spectrum, ladder: Ladder, goodness: Estimate) -> list[str]:
    found = []
    if goodness.high < _POOR:
        found.append(
            f"The function does not describe the spectrum (p = {goodness.value:.2g}): excesses on "
            "top of it mean nothing. Use another family, or a narrower range."
        )
    steps = ladder.steps
    if steps and steps[-1].taken and ladder.chosen == len(ladder.backgrounds) - 1:
        found.append(
            f"The last parameter of the largest order ({ladder.best.order}) was still "
            "significant: the function may need more. Use a family with more terms, or a narrower "
            "range."
        )
    counts = spectrum.counts
    if spectrum.is_weighted and (few := int((counts < _FEW_EFFECTIVE).sum())):
        found.append(
            f"{few} of {len(counts)} bins have fewer than {_FEW_EFFECTIVE:g} effective events, "
            "where weighted counts are only roughly Poisson distributed. Use wider bins there."
        )
    return found


def check_share(name: str, value: float) -> None:
    """Raises
    ------
    ValueError : the value is not between 0 and 1.
    """
    if not 0 < value < 1:
        raise ValueError(f"The '{name}' parameter must lie between 0 and 1. Got {value!r} instead.")


def check_toys(toys: int, fewest: int = 20) -> None:
    """Raises
    ------
    ValueError : no integer, or too few to say anything.
    """
    is_integer = isinstance(toys, int | np.integer) and not isinstance(toys, bool)
    if not is_integer or toys < fewest:
        raise ValueError(
            f"The 'toys' parameter must be an integer from {fewest} on. Got {toys!r} instead."
        )


def check_order(order: int | None, family: Family) -> None:
    """Raises
    ------
    ValueError : no integer from 1 to the family's largest order.
    """
    if order is None:
        return
    is_integer = isinstance(order, int | np.integer) and not isinstance(order, bool)
    if not is_integer or not 1 <= order <= family.largest:
        raise ValueError(
            f"The 'order' parameter must be an integer from 1 to {family.largest}, the most terms "
            f"of the {family.name}. Got {order!r} instead."
        )
