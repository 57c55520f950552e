"""How many will come next: the Gamma-Poisson forecast of a count.

Sources of the formulas
-----------------------
Gelman et al., "Bayesian data analysis", 3rd edition (2013), section 2.6: with a Gamma(shape, rate)
prior for the Poisson rate and counts of given exposures, the posterior is Gamma(shape + sum of the
counts, rate + sum of the exposures), and the next count is negative binomial. The index of
dispersion: Fisher, "The significance of deviations from expectation in a Poisson series",
Biometrics 6 (1950) 17-24.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from evidesk.evidence import Estimate, style
from evidesk.evidence.plot import ACCENT
from evidesk.methods.metrics.proportion import critical_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
_METHOD = "gamma-poisson"


@dataclass(frozen=True, eq=False)
class Forecast:
    """The count of the next period, from those of the periods before.

    Attributes
    ----------
    counts, exposures : shape (k,): what was counted, and for how long, in periods.
    rate : posterior median and central credible interval of the expected count per period.
    next_count : posterior predictive median and central interval of the next period's count. Counts
        are whole numbers, so the interval holds at least its level.
    next_exposure : how long the next period is, in periods.
    prior : shape and rate of the Gamma prior.
    dispersion : the counts' chi-squared distance from one constant rate, divided by its degrees of
        freedom: near 1 if the counts are Poisson's. None for one period, or where nothing came.
    p_value : the probability of at least that dispersion under a constant rate; None likewise. If
        it is small, the interval is too narrow: the counts trend, cluster, or have a season.
    """

    counts: Floats
    exposures: Floats
    rate: Estimate
    next_count: Estimate
    next_exposure: float
    prior: tuple[float, float]
    dispersion: float | None
    p_value: float | None

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the counts, and the next one with its interval; returns the axes."""
        with style():
            if ax is None:
                import matplotlib.pyplot as plt

                _, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
            k, e = len(self.counts), self.next_count
            ax.bar(np.arange(k), self.counts, color=ACCENT, alpha=0.5)
            errors = [[e.value - e.low], [e.high - e.value]]
            ax.errorbar([k], [e.value], errors, fmt="o", color=ACCENT, capsize=4)
            ax.set_xticks([0, k], ["first", "next"])
            ax.set(ylim=(0, None), ylabel=e.unit or "count")
        return ax

    def __str__(self) -> str:
        text = f"Next: {self.next_count}; per period: {self.rate}"
        if self.p_value is not None and self.p_value < 0.01:
            text += (
                f"\nThe periods differ by more than chance (dispersion {self.dispersion:.2g}, "
                f"p = {self.p_value:.1g}): the interval is too narrow."
            )
        return text


def gamma_poisson_forecast(
    counts: npt.ArrayLike,
    *,
    exposures: npt.ArrayLike | None = None,
    next_exposure: float = 1.0,
    level: float = 0.95,
    prior: tuple[float, float] = (0.5, 0.0),
    unit: str = "",
) -> Forecast:
    """Forecast the next period's count, if the rate stays what it was.

    Parameters
    ----------
    counts : array-like of whole numbers, shape (k,), k >= 1.
    exposures : array-like of shape (k,), optional
        How long each period was counted, in periods: 0.5 for half of one. By default 1 each.
    next_exposure : the length of the period to forecast.
    level : of the intervals, in (0, 1).
    prior : shape and rate of the Gamma prior. By default Jeffreys', (0.5, 0).
    unit : of the counts, printed with them.

    Raises
    ------
    ValueError : no period; counts negative, not whole or not finite; exposures not positive or of
        another length; a prior that leaves no proper posterior.
    TypeError : the counts are not numbers.
    """
    critical_value(level)  # refuses what is no level
    came = _checked_counts(counts)
    lengths = _checked_exposures(exposures, len(came))
    if not 0 < next_exposure < np.inf:
        raise ValueError(f"The 'next_exposure' parameter must be above 0. Got {next_exposure}.")
    shape, rate = prior[0] + came.sum(), prior[1] + lengths.sum()
    if not (np.isfinite([*prior]).all() and min(prior) >= 0 and shape > 0):
        raise ValueError(
            "The 'prior' must be a shape and a rate from 0 on, and its shape above 0 where "
            f"nothing was counted. Got {prior}."
        )
    tail = (1 - level) / 2
    tails = np.array([tail, 0.5, 1 - tail])
    low, middle, high = map(float, special.gammaincinv(shape, tails) / rate)
    least, median, most = map(float, stats.nbinom.ppf(tails, shape, rate / (rate + next_exposure)))
    over, n = "periods", len(came)
    return Forecast(
        counts=came,
        exposures=lengths,
        rate=Estimate(middle, low, high, level, _METHOD, n, unit, over=over),
        next_count=Estimate(median, least, most, level, _METHOD, n, unit, over=over),
        next_exposure=float(next_exposure),
        prior=prior,
        **_dispersion(came, lengths),
    )


def _dispersion(counts: Floats, exposures: Floats) -> dict[str, Any]:
    freedom = len(counts) - 1
    if freedom == 0 or counts.sum() == 0:
        return {"dispersion": None, "p_value": None}
    expected = exposures * (counts.sum() / exposures.sum())
    distance = float(((counts - expected) ** 2 / expected).sum())
    return {
        "dispersion": distance / freedom,
        "p_value": float(special.chdtrc(freedom, distance)),
    }


def _checked_counts(counts: npt.ArrayLike) -> Floats:
    came: npt.NDArray[Any] = np.asarray(counts)
    if came.ndim != 1 or not len(came):
        raise ValueError(
            "The 'counts' parameter must hold one number for each of at least one period. "
            f"Got shape {came.shape}."
        )
    if came.dtype.kind not in "iuf":
        raise TypeError(f"The 'counts' parameter must hold numbers. Got type {came.dtype}.")
    wrong = np.flatnonzero(~(np.isfinite(came) & (came >= 0) & (came == np.floor(came))))
    if len(wrong):
        raise ValueError(
            "The 'counts' parameter must hold whole numbers from 0 on. "
            f"Got {came[wrong[0]]} at position {wrong[0]}."
        )
    return came.astype(np.float64)


def _checked_exposures(exposures: npt.ArrayLike | None, periods: int) -> Floats:
    if exposures is None:
        return np.ones(periods)
    lengths = np.asarray(exposures, dtype=np.float64)
    if lengths.shape != (periods,) or not np.all((lengths > 0) & np.isfinite(lengths)):
        raise ValueError(
            "The 'exposures' parameter must hold one finite number above 0 for each period."
        )
    return lengths
