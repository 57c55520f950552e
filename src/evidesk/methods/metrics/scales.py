"""From a value and its variance to an interval, on the scale where the error is most symmetric.

Each function takes ``value`` and ``variance`` of any one shape and the ``critical`` value (a
normal or Student t quantile, one for all or one for each), and returns ``low, high`` of that shape
with ``low <= value <= high``. ``most`` is the number of independent cases that the value could at
most rest on; it decides where the variance is 0 because no case errs.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.methods.metrics.proportion import interval

Floats = npt.NDArray[np.float64]
Scale = Literal["proportion", "logit", "correlation", "positive", "explained", "real"]
_Critical = Floats | float
_Interval = Callable[[Floats, Floats, _Critical, Floats], tuple[Floats, Floats]]


def scaled_interval(
    scale: Scale, value: Floats, variance: Floats, critical: _Critical, most: Floats
) -> tuple[Floats, Floats]:
    """The interval of ``value`` on its ``scale``.

    - ``proportion``, in [0, 1]: Wilson's interval of the effective number of cases
      ``value (1 - value) / variance``, as in surveys (Kish, "Survey Sampling", 1965, section 8.2).
      For a plain proportion that is Wilson's interval itself.
    - ``logit``, in [0, 1]: symmetric in ``log(value / (1 - value))``, for the AUROC.
    - ``correlation``, in [-1, 1]: symmetric in ``arctanh(value)`` (Fisher's z).
    - ``positive``, at least 0: symmetric in ``log(value)``.
    - ``explained``, at most 1: symmetric in ``log(1 - value)``, for R2.
    - ``real``: symmetric in the value.

    At the ends of a bounded scale, or without variance, the first three are Wilson's interval for
    ``most`` cases on that scale, none of which errs.
    """
    low, high = _INTERVALS[scale](value, variance, critical, most)
    return np.minimum(low, value), np.maximum(high, value)


def _proportion(
    value: Floats, variance: Floats, critical: _Critical, most: Floats
) -> tuple[Floats, Floats]:
    if value.shape == (1,):  # of one model; numbers take a tenth of the time of arrays of one
        share, error, z, at_most = (
            float(np.asarray(part).item()) for part in (value, variance, critical, most)
        )
        cases = share * (1 - share) / error if 0 < share < 1 and error > 0 else at_most
        low, high = interval(share * cases, cases, z, "wilson")
        return np.array([low]), np.array([high])
    spread = value * (1 - value)
    known = (spread > 0) & (variance > 0)
    n = np.divide(spread, variance, out=np.array(most, dtype=np.float64), where=known)
    return interval(value * n, n, critical, "wilson")


def _logit(
    value: Floats, variance: Floats, critical: _Critical, most: Floats
) -> tuple[Floats, Floats]:
    spread = value * (1 - value)
    known = (spread > 0) & (variance > 0)
    inner = np.where(known, value, 0.5)
    half_width = critical * np.sqrt(variance) / np.where(known, spread, 1)
    low = np.where(known, special.expit(special.logit(inner) - half_width), 0)
    high = np.where(known, special.expit(special.logit(inner) + half_width), 0)
    at_end = interval(value * most, most, critical, "wilson")
    return np.where(known, low, at_end[0]), np.where(known, high, at_end[1])


def _correlation(
    value: Floats, variance: Floats, critical: _Critical, most: Floats
) -> tuple[Floats, Floats]:
    known = (np.abs(value) < 1) & (variance > 0)
    inner = np.where(known, value, 0)
    half_width = critical * np.sqrt(variance) / (1 - inner**2)
    low = np.tanh(np.arctanh(inner) - half_width)
    high = np.tanh(np.arctanh(inner) + half_width)
    low = np.minimum(low, _away_from(1 + inner, variance, critical) - 1)
    high = np.maximum(high, 1 - _away_from(1 - inner, variance, critical))
    share = (value + 1) / 2
    at_end = interval(share * most, most, critical, "wilson")
    return np.where(known, low, 2 * at_end[0] - 1), np.where(known, high, 2 * at_end[1] - 1)


def _away_from(distance: Floats, variance: Floats, critical: _Critical) -> Floats:
    """How near to an end the truth can be, by the few errors that keep the value from it.

    As many as they are worth, ``distance**2 / variance``, are the mean of a Poisson distribution at
    most; what :func:`~evidesk.methods.metrics.proportion_interval` does for few counted cases.
    """
    errors = np.where(variance > 0, distance**2 / np.where(variance > 0, variance, 1), 1)
    return distance * special.gammaincinv(errors, 2 * special.ndtr(-np.asarray(critical))) / errors


def _positive(
    value: Floats, variance: Floats, critical: _Critical, most: Floats
) -> tuple[Floats, Floats]:
    known = value > 0
    with np.errstate(over="ignore"):  # two or three values bound nothing; Student's t says so
        factor = np.exp(critical * np.sqrt(variance) / np.where(known, value, 1))
        high = np.minimum(value * factor, np.finfo(np.float64).max)
    return np.where(known, value / factor, value), np.where(known, high, value)


def _explained(
    value: Floats, variance: Floats, critical: _Critical, most: Floats
) -> tuple[Floats, Floats]:
    low, high = _positive(1 - value, variance, critical, most)
    return 1 - high, 1 - low


def _real(
    value: Floats, variance: Floats, critical: _Critical, most: Floats
) -> tuple[Floats, Floats]:
    half_width = critical * np.sqrt(variance)
    return value - half_width, value + half_width


_INTERVALS: dict[Scale, _Interval] = {
    "proportion": _proportion,
    "logit": _logit,
    "correlation": _correlation,
    "positive": _positive,
    "explained": _explained,
    "real": _real,
}
