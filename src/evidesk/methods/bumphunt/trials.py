"""A p-value for the whole scan: how often does chance alone make as large an excess anywhere?

By toys, ``(k + 1) / (n + 1)``; where they are too few, by Gross and Vitells, "Trial factors for the
look elsewhere effect in high energy physics", EPJC 70 (2010) 525-530, arXiv:1005.1891, equation 3:
the excess is exceeded no more often than its local p-value plus the expected number of
upcrossings, which falls as ``exp(-z^2 / 2)`` from a level at which toys can count them.
"""

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate
from evidesk.methods.metrics.proportion import critical_value, proportion_interval

Floats = npt.NDArray[np.float64]

#: Upcrossings are counted here: high enough to be of excesses, low enough to be many.
REFERENCE = 1.0


def toy_p_value(observed: float, toys: Floats, level: float) -> Estimate:
    """``(k + 1) / (n + 1)`` where k of n toys are at least as large, with Clopper and Pearson's
    interval of the share that endless toys would give.
    """
    k, n = int((toys >= observed).sum()), len(toys)
    low, high = proportion_interval(k, n, level=level, method="clopper-pearson")
    p = (k + 1) / (n + 1)
    return Estimate(
        p, min(float(low), p), max(float(high), p), level, "toys", n, over=f"{n} toys"
    )  # fmt: skip


def upcrossings(z: Floats) -> Floats:
    """How often each toy's excess rises through the reference level, along the masses of each
    width; z of shape (T, widths, masses) gives shape (T,).
    """
    above = z >= REFERENCE
    found: Floats = (above[..., 1:] & ~above[..., :-1]).sum(axis=(1, 2)).astype(np.float64)
    return found


def gross_vitells(observed: float, crossings: Floats, widths: int, level: float) -> Estimate:
    """An upper bound of the global p-value beyond the toys' reach.

    Several widths are taken one by one, and their bounds are added: widths that are alike make it
    larger than it need be.

    Parameters
    ----------
    observed : the largest z of the scan.
    crossings : shape (T,); as `upcrossings` counts them.
    """
    falls = np.exp(-(max(observed, REFERENCE) ** 2 - REFERENCE**2) / 2)
    local = widths * special.ndtr(-observed)
    error = critical_value(level) * crossings.std(ddof=1) / np.sqrt(len(crossings))
    mean = crossings.mean()
    value, low, high = (
        min(1.0, float(local + max(n, 0) * falls)) for n in (mean, mean - error, mean + error)
    )
    toys = len(crossings)
    return Estimate(value, low, high, level, "gross-vitells", toys, over=f"{toys} toys")
