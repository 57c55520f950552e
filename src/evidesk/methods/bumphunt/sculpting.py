"""The smooth background beside a signal region, and whether a cut has carved it."""

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.bumphunt.background import Bins
from evidesk.methods.bumphunt.families import Family, family_of
from evidesk.methods.bumphunt.glm import deviance
from evidesk.methods.bumphunt.histogram import Spectrum
from evidesk.methods.bumphunt.order import Ladder
from evidesk.methods.bumphunt.spectrum_fit import check_toys
from evidesk.methods.bumphunt.trials import toy_p_value
from evidesk.methods.bumphunt.windows import Window
from evidesk.methods.metrics.resampling import RandomState, generator


def fit_beside(
    spectrum: Spectrum, window: Window, family: Family | str = "exponential", *, alpha: float = 0.05
) -> Ladder:
    """Fits of the background to the bins outside of the signal region alone.

    Raises
    ------
    ValueError : too few bins are left for the fit.
    """
    used = ~window.signal_region(spectrum.centres)
    return Ladder.of(Bins(spectrum, family_of(family), used), None, alpha)


def sculpting(
    spectrum: Spectrum,
    window: Window,
    family: Family | str = "exponential",
    *,
    alpha: float = 0.05,
    toys: int = 1000,
    level: float = 0.95,
    random_state: RandomState = None,
) -> Estimate:
    """The p-value of "the spectrum after the cut is smooth beside the signal region".

    It is that of the deviance of a smooth fit to the bins outside of the signal region, from toys
    that are fitted in the same way. Small if the cut has carved the spectrum.

    Parameters
    ----------
    spectrum : of the events that a cut has kept.
    window : whose signal region is left out.
    family, alpha, toys, level : as in :func:`fit_spectrum`.
    random_state : of the toys.

    Raises
    ------
    ValueError : too few bins are left for the fit.
    """
    check_toys(toys)
    best = fit_beside(spectrum, window, family, alpha=alpha).best
    counts, expected = spectrum.counts[best.used], best.expected[best.used]
    drawn = generator(random_state).poisson(expected, (toys, len(counts))).astype(np.float64)
    of_toys: npt.NDArray[np.float64] = deviance(drawn, best.on_used.fit(drawn).expected)
    return toy_p_value(float(deviance(counts, expected)), of_toys, level)
