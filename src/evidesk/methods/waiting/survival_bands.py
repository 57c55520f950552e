"""Intervals around the Kaplan-Meier curve: pointwise, and for the whole curve at once.

Sources of the formulas
-----------------------
Klein and Moeschberger, "Survival analysis", 2nd edition (2003), section 4.3, equation 4.3.2, for
``log-log``. Fay, Brittain and Proschan, "Pointwise confidence intervals for a survival distribution
with small samples or heavy censoring", Biostatistics 14 (2013) 723-736, for ``beta-product``, with
their method of moments. Nair, "Confidence bands for survival functions with censored data",
Technometrics 26 (1984) 265-275, for the equal-precision band; Borgan and Liestøl, "A note on
confidence intervals and bands for the survival function based on transformations", Scandinavian
Journal of Statistics 17 (1990) 35-41, for its arcsine transformation; Miller and Siegmund,
"Maximally selected chi square statistics", Biometrics 38 (1982) 1011-1016, for its critical value.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

Floats = npt.NDArray[np.float64]
Method = Literal["beta-product", "log-log"]

#: Miller and Siegmund's tail formula is meant for small tails.
LEAST_BAND_LEVEL = 0.8


def log_log(survival: Floats, relative: Floats, critical: float) -> tuple[Floats, Floats]:
    """Symmetric in ``log(-log S)``; ``relative`` is Greenwood's variance divided by S squared.

    Of no width where nothing or everything has happened, which no sample knows so well.
    """
    inside = (survival > 0) & (survival < 1)
    known = np.where(inside, survival, 0.5)
    width = critical * np.sqrt(np.where(inside, relative, 0)) / -np.log(known)
    with np.errstate(over="ignore", under="ignore"):
        low, high = known ** np.exp(width), known ** np.exp(-width)
    return np.where(inside, low, survival), np.where(inside, high, survival)


class BetaProduct:
    """The product of the shares that each event time leaves, each with a Beta distribution.

    Of Y who wait just before an event time, d of whom have their event then, the share that is
    left of the true curve is distributed as Beta(Y - d + 1, d). Each product of them is taken as
    the Beta distribution of the same mean and variance, which is exact where nobody is censored.
    """

    def __init__(self, at_risk: Floats, events: Floats) -> None:
        left = at_risk - events + 1
        self._log_mean = np.r_[0, np.cumsum(np.log(left) - np.log(at_risk + 1))]
        # The mean of the square over the square of the mean, as a logarithm: it adds up.
        spread = events / (left * (at_risk + 2))
        self._log_spread = np.r_[0, np.cumsum(np.log1p(spread))]

    def interval(
        self, steps: npt.NDArray[np.int64], waiting: Floats, tail: float
    ) -> tuple[Floats, Floats]:
        """After so many event times (``steps``), while so many are still ``waiting``.

        The truth may already be as low as it will be at the next event of those who wait.
        """
        log_mean, log_spread = self._log_mean[steps], self._log_spread[steps]
        high = np.where(steps > 0, _beta_quantile(log_mean, log_spread, 1 - tail), 1.0)
        some = waiting > 0
        y = np.where(some, waiting, 1.0)
        low = _beta_quantile(
            log_mean + np.log(y) - np.log1p(y), log_spread + np.log1p(1 / (y * (y + 2))), tail
        )
        return np.where(some, low, 0.0), high


def _beta_quantile(log_mean: Floats, log_spread: Floats, probability: float) -> Floats:
    """Of the Beta distribution of that mean m and variance m**2 (exp(log_spread) - 1)."""
    mean = np.exp(log_mean)
    variance = mean**2 * np.expm1(log_spread)
    # Where no event has happened there is no distribution; the caller does not look there.
    size = mean * (1 - mean) / np.where(variance > 0, variance, 1) - 1
    size = np.where(variance > 0, size, 1)
    a, b = mean * size, (1 - mean) * size
    return np.asarray(special.betaincinv(np.where(a > 0, a, 1), np.where(b > 0, b, 1), probability))


def equal_precision(
    survival: Floats, relative: Floats, n: int, level: float
) -> tuple[Floats, Floats]:
    """The band that holds the whole curve between the first and the last of these event times.

    ``survival`` lies between 0 and 1 at each of them. Raises ValueError for a ``level`` that the
    formula is not made for.
    """
    if level < LEAST_BAND_LEVEL:
        raise ValueError(
            f"The formula of the band holds for levels from {LEAST_BAND_LEVEL}. Got {level}."
        )
    critical = _critical_value(relative[0] * n, relative[-1] * n, level)
    angle = np.arcsin(np.sqrt(survival))
    width = critical / 2 * np.sqrt(relative * survival / (1 - survival))
    low = np.sin(np.maximum(angle - width, 0)) ** 2
    return low, np.sin(np.minimum(angle + width, np.pi / 2)) ** 2


def _critical_value(first: float, last: float, level: float) -> float:
    """x with P(sup |B(u)| / sqrt(u (1 - u)) > x) = 1 - level for a Brownian bridge B.

    u runs from ``first / (1 + first)`` to ``last / (1 + last)``.
    """
    pointwise = float(-special.ndtri((1 - level) / 2))
    if first == last:  # one point, and so no supremum
        return pointwise
    log_range = np.log(last / first)

    def too_much(x: float) -> float:
        density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
        return float(4 * density / x + density * (x - 1 / x) * log_range - (1 - level))

    return float(optimize.brentq(too_much, pointwise, 40.0))
