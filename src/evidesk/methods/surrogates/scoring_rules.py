"""Scores of single predictions with uncertainty, smaller ones being better.

All take arrays of one shape, (n,) or (n, outputs), in the unit of ``y``, and return that shape.
Sources: Gneiting and Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 102
(2007) 359-378, equations 21 (CRPS), and 43 (interval score); Ferro, "Fair scores for ensemble
forecasts", Quarterly Journal of the Royal Meteorological Society 140 (2014) 1917-1923, for the CRPS
of samples.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]


def gaussian_nll(y: Floats, mean: Floats, std: Floats) -> Floats:
    """Negative log-likelihood of a normal distribution, in nats."""
    standard = (y - mean) / std
    return np.asarray(standard**2 / 2 + np.log(std) + math.log(2 * math.pi) / 2)


def gaussian_crps(y: Floats, mean: Floats, std: Floats) -> Floats:
    """Continuous ranked probability score of a normal distribution, in the unit of ``y``."""
    z = (y - mean) / std
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return np.asarray(
        std * (z * special.erf(z / math.sqrt(2)) + 2 * density - 1 / math.sqrt(math.pi))
    )


def sample_crps(y: Floats, samples: Floats) -> Floats:
    """Continuous ranked probability score from samples, shape (m, \\*shape of y), m at least 2.

    The fair estimator: its mean is the score of the distribution that is sampled, whatever m.
    """
    m = len(samples)
    ascending = np.sort(samples, axis=0)
    # sum over pairs of |a - b| is a weighted sum of the sorted values
    weights = (2 * np.arange(1, m + 1) - m - 1).reshape(-1, *([1] * (samples.ndim - 1)))
    spread = (weights * ascending).sum(axis=0) / (m * (m - 1))
    return np.asarray(np.abs(samples - y).mean(axis=0) - spread)


def winkler_score(y: Floats, low: Floats, high: Floats, level: float) -> Floats:
    """Interval score (Winkler): the width, and ``2 / (1 - level)`` times what ``y`` is outside."""
    missed = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    return np.asarray(high - low + 2 / (1 - level) * missed)
