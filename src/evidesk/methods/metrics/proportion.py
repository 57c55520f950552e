"""Confidence intervals for a proportion: how often does something happen, and how sure are we?

Sources of the formulas
-----------------------
Brown, Cai and DasGupta, "Interval estimation for a binomial proportion", Statistical Science 16
(2001) 101-133, doi:10.1214/ss/1009213286, sections 3.1 and 4; Newcombe, "Two-sided confidence
intervals for the single proportion", Statistics in Medicine 17 (1998) 857-872, methods 4 and 6, for
``wilson-cc`` and ``mid-p``; Steinbach et al., arXiv:2204.05173, equation 1, for ``normal``.
"""

import math
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate

Method = Literal[
    "wilson",
    "normal",
    "clopper-pearson",
    "jeffreys",
    "agresti-coull",
    "mid-p",
    "wilson-cc",
    "wilson-score",
]
METHODS: tuple[Method, ...] = get_args(Method)

Floats = npt.NDArray[np.float64]
#: An array, or one number: a float is ten times as fast as an array of one.
Real = Floats | float

#: Below this many expected successes or failures the normal approximation is called poor.
POOR_BELOW = 10


class PoorApproximationWarning(UserWarning):
    """The interval's approximation does not hold for this sample."""


def proportion_interval(
    count: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95, method: Method = "wilson"
) -> tuple[Floats, Floats]:
    """Confidence interval of a proportion from ``count`` successes among ``n`` cases.

    Parameters
    ----------
    count : array-like of real numbers, shape broadcastable with ``n``, ``0 <= count <= n``.
        Fractions are meant: an effective sample size need not be a whole number.
    n : array-like of real numbers, ``n > 0``.
    level : confidence level in (0, 1).
    method : the interval:

        - ``wilson``: inverts the score test, and gives way to the binomial test where few cases
          are counted; near its level from small n on. The default.
        - ``normal``: ``p ± z sqrt(p (1 - p) / n)``, arXiv:2204.05173, equation 1. Too short where
          p is near 0 or 1, and of no width at 0 and 1; :class:`PoorApproximationWarning` tells.
        - ``clopper-pearson``: inverts the binomial test; never below its level, hence wide.
        - ``jeffreys``: quantiles of the Beta(count + 1/2, n - count + 1/2) posterior, with low = 0
          at count = 0 and high = 1 at count = n.
        - ``agresti-coull``: the normal interval around Wilson's midpoint; never within Wilson's.
        - ``mid-p``: inverts the binomial test that counts the observed outcome half; shorter than
          ``clopper-pearson``, and below its level for some proportions.
        - ``wilson-cc``: Wilson with the continuity correction; nearly as safe and as wide as
          ``clopper-pearson``, without its tails of the Beta distribution.
        - ``wilson-score``: Wilson's interval as other packages have it, to reproduce their numbers.
          Where next to no or nearly all cases count, it covers as little as 84 % for 95 %.

    Returns
    -------
    low, high : arrays of the broadcast shape. Both are clipped to [0, 1], where the proportion
        lives: this changes no coverage. ``low <= count / n <= high`` always.

    Raises
    ------
    ValueError : a parameter is out of its range, not finite, or does not broadcast.
    TypeError : ``count`` or ``n`` is not numeric.
    """
    counts, sizes = _checked_counts(count, n)
    z = critical_value(level)
    if method == "normal":
        warn_if_poor(counts, sizes, stacklevel=3)
    return interval(counts, sizes, z, method)


def proportion(
    count: float, n: int, *, level: float = 0.95, method: Method = "wilson", unit: str = ""
) -> Estimate:
    """The proportion ``count / n`` as an estimate with its interval.

    Parameters as in :func:`proportion_interval`, but scalars; ``unit`` is printed with the number.
    """
    if np.ndim(count) or np.ndim(n):
        raise ValueError(
            "proportion makes one estimate of one 'count' and one 'n'; "
            "for arrays use proportion_interval."
        )
    counts, sizes = _checked_counts(count, n)
    return estimate(float(counts), float(sizes), level, method, unit, stacklevel=3)


def estimate(
    count: float, n: float, level: float, method: Method, unit: str, *, stacklevel: int
) -> Estimate:
    """One proportion of checked counts."""
    z = critical_value(level)
    if method == "normal":
        warn_if_poor(count, n, stacklevel=stacklevel + 1)
    low, high = interval(count, n, z, method)
    return Estimate(count / n, low, high, float(level), method, int(n), unit)


def interval(count: Real, n: Real, z: Real | float, method: Method) -> tuple[Any, Any]:
    """The interval at critical value ``z`` of the standard normal, for checked input.

    A Student t quantile in place of ``z`` asks for a wider interval. The methods with exact tails
    then use the tail probability that belongs to it, so that "wider" means the same for all.
    Raises ValueError unless ``method`` names an interval.
    """
    p = count / n
    match method:
        case "wilson" | "wilson-score":
            if type(count) is type(n) is type(z) is float:
                low, high = _wilson(count, n, z, math.sqrt)
                if method == "wilson" and min(count, n - count) < z * z * z * z:
                    low = min(low, _by_few(count, n, z))
                    high = max(high, 1 - _by_few(n - count, n, z))
                return (
                    (p if low > p else low) if low > 0 else 0.0,
                    (p if high < p else high) if high < 1 else 1.0,
                )
            low, high = _wilson(count, n, z, np.sqrt)
            # With few cases counted, in or out, Wilson's bounds may have to give way.
            if method == "wilson" and np.any(np.minimum(count, n - count) < z * z * z * z):
                low = np.minimum(low, _by_few(count, n, z))
                high = np.maximum(high, 1 - _by_few(n - count, n, z))
        case "normal":
            low, high = _around(p, n, z)
        case "agresti-coull":
            low, high = _around((count + z**2 / 2) / (n + z**2), n + z**2, z)
        case "wilson-cc":
            low, high = _corrected_wilson(p, n, z), 1 - _corrected_wilson(1 - p, n, z)
        case _:
            check_method(method)
            low, high = _with_exact_tails(count, n, special.ndtr(-np.asarray(z)), method)
    # A fractional count near 0 puts all of Jeffreys' interval above it, and rounding errors do the
    # same to the others at 0 and n; an interval holds its own estimate.
    return np.maximum(np.minimum(low, p), 0), np.minimum(np.maximum(high, p), 1)


def _wilson(count: Any, n: Any, z: Any, root: Callable[[Any], Any]) -> tuple[Any, Any]:
    square = z * z
    centre = (count + square / 2) / (n + square)
    half_width = z * root(count * (1 - count / n) + square / 4) / (n + square)
    return centre - half_width, centre + half_width


def _by_few(count: Real, n: Real, z: Real | float) -> Any:
    """Where few cases are counted, the share that Wilson's lower bound must not exceed; else 1.

    The score test rejects too many of the small proportions for which one to ten cases are many:
    at 95 % one case excludes 0.18 / n, although one in six samples from there has a case. No bound
    therefore excludes what the binomial test from this one side does not reject at ``1 - level``.
    As long as 0 cases exclude nothing either, which is up to about z**2 expected ones, the level
    is then kept. From about z**4 cases on, Wilson's bound is the lower one of both.
    """
    # Student's t of few groups asks for tails so thin that SciPy finds no quantile.
    tail = np.maximum(2 * special.ndtr(-np.asarray(z)), 1e-30)
    if not isinstance(count, np.ndarray):
        few = 0 < count < z * z * z * z
        return float(special.betaincinv(count, n - count + 1, tail)) if few else 1.0
    some = np.asarray((count > 0) & (count < z * z * z * z))
    bounds = np.ones(some.shape)
    rare, size, tails = (np.broadcast_to(part, some.shape)[some] for part in (count, n, tail))
    bounds[some] = special.betaincinv(rare, size - rare + 1, tails)
    return bounds[()]


def _with_exact_tails(count: Real, n: Real, tail: Real, method: Method) -> tuple[Any, Any]:
    """The intervals from the binomial's and the Beta's own quantiles."""
    match method:
        case "clopper-pearson":
            low = _beta_quantile(count, n - count + 1, tail)
            high = 1 - _beta_quantile(n - count, count + 1, tail)
        case "mid-p":
            low, high = _mid_p(count, n, tail), 1 - _mid_p(n - count, n, tail)
        case _:  # jeffreys
            low = np.where(count > 0, _beta_quantile(count + 0.5, n - count + 0.5, tail), 0)
            high = np.where(count < n, 1 - _beta_quantile(n - count + 0.5, count + 0.5, tail), 1)
    return low, high


def critical_value(level: Any) -> float:
    """Two-sided critical value z of the standard normal, for example 1.96 for level 0.95."""
    if not isinstance(level, _REALS) or not 0 < level < 1:
        raise ValueError(
            f"The 'level' parameter must be a number in the range (0, 1). Got {level!r} instead."
        )
    return _critical_value(float(level))


_REALS = (float, np.floating)


@lru_cache
def _critical_value(level: float) -> float:
    return float(-special.ndtri((1 - level) / 2))


def check_method(method: Any) -> None:
    """Raise ValueError unless ``method`` names an interval."""
    if method not in METHODS:
        raise ValueError(
            f"The 'method' parameter must be one of {', '.join(METHODS)}. Got {method!r} instead."
        )


def warn_if_poor(count: Real, n: Real, *, stacklevel: int) -> None:
    """Warn once if the normal approximation is poor for any of the proportions."""
    expected = np.minimum(count, n - count)
    poor = expected < POOR_BELOW
    if np.any(poor):
        which = "" if expected.size == 1 else f" for {np.sum(poor)} of {expected.size} proportions"
        warnings.warn(
            f"The normal approximation is poor{which}: n min(p, 1 - p) = {np.min(expected):.3g} is "
            f"below {POOR_BELOW}, and the interval covers the truth less often than it says. "
            "Use method='wilson'.",
            PoorApproximationWarning,
            stacklevel=stacklevel,
        )


def _around(centre: Real | float, n: Real | float, z: Real | float) -> tuple[Any, Any]:
    # The centre of a clipped count can round to just above 1.
    half_width = z * np.sqrt(np.maximum(centre * (1 - centre), 0) / n)
    return centre - half_width, centre + half_width


def _corrected_wilson(p: Real, n: Real, z: Real | float) -> Any:
    """Lower bound of the continuity-corrected score interval; 0 where nothing was counted."""
    # Far below one standard error the correction leaves no root; the bound is then 0, too.
    root = np.sqrt(np.maximum(z**2 - 2 - 1 / n + 4 * p * (n * (1 - p) + 1), 0))
    return np.where(p > 0, (2 * n * p + z**2 - 1 - z * root) / (2 * (n + z**2)), 0.0)


def _mid_p(count: Real, n: Real, tail: Real) -> Any:
    """The p at which ``P(X > count) + P(X = count) / 2`` is ``tail``; 0 where ``count`` is 0.

    That is the mean of P(X >= count) and P(X >= count + 1), so p lies between where each of them
    is ``tail``, and halving that stretch finds it.
    """
    some, all_but = count > 0, count < n
    a, b = np.where(some, count, 1.0), np.where(all_but, n - count, 1.0)
    low = np.where(some, special.betaincinv(a, n - a + 1, tail), 0.0)
    high = np.where(all_but, special.betaincinv(count + 1, b, tail), 1.0)
    for _ in range(60):
        middle = (low + high) / 2
        more = np.where(all_but, special.betainc(count + 1, b, middle), 0.0)
        above = special.betainc(a, n - a + 1, middle) + more > 2 * tail
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.where(some, low, 0.0)


def _beta_quantile(a: Real, b: Real, tail: Real) -> Any:
    """Lower ``tail`` quantile of Beta(a, b); 0 for the improper a = 0, where all mass is at 0."""
    return np.where(a > 0, special.betaincinv(np.where(a > 0, a, 1), b, tail), 0.0)


def _checked_counts(count: npt.ArrayLike, n: npt.ArrayLike) -> tuple[Floats, Floats]:
    counts, sizes = _real(count, "count"), _real(n, "n")
    try:
        counts, sizes = np.broadcast_arrays(counts, sizes)
    except ValueError as error:
        raise ValueError(
            f"The 'count' and 'n' parameters do not broadcast: shapes {counts.shape} and "
            f"{sizes.shape}."
        ) from error
    if np.any(sizes <= 0):
        raise ValueError(f"The 'n' parameter must be above 0. Got {np.min(sizes):g}.")
    if np.any(counts < 0) or np.any(counts > sizes):
        wrong = np.flatnonzero(((counts < 0) | (counts > sizes)).ravel())[0]
        raise ValueError(
            f"The 'count' parameter must be in the range [0, n]. Got count = "
            f"{counts.flat[wrong]:g} with n = {sizes.flat[wrong]:g}."
        )
    return counts, sizes


def _real(values: npt.ArrayLike, name: str) -> Floats:
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"The '{name}' parameter must hold real numbers. Got values of type {array.dtype}."
        )
    if not np.all(np.isfinite(array)):
        raise ValueError(f"The '{name}' parameter must be finite. It holds NaN or infinity.")
    return array.astype(np.float64)
