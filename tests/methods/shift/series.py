"""Rows in order of time."""

import math

from scipy import signal


def series(rng, n, d=1, coefficient=0.8):
    """Autoregressive of order 1, shape (n, d)."""
    noise = rng.standard_normal((n, d))
    for i in range(1, n):
        noise[i] += coefficient * noise[i - 1]
    return noise


def cycle(rng, n, d, rows, kept):
    """Stationary, shape (n, d): swings once in so many rows, keeping that of its swing from one to
    the next.
    """
    noise = rng.standard_normal((500 + n, d))
    taken = [1, -2 * kept * math.cos(2 * math.pi / rows), kept**2]
    return signal.lfilter([1], taken, noise, axis=0)[500:]
