"""Global p-values by toys, and beyond them."""

import numpy as np
import pytest
from scipy import special

from evidesk.methods.bumphunt.trials import gross_vitells, toy_p_value, upcrossings


def test_the_observed_scan_counts_as_a_toy():
    toys = np.arange(99.0)
    assert toy_p_value(95.0, toys, 0.95).value == 0.05
    never = toy_p_value(1e9, toys, 0.95)
    assert never.value == 0.01
    assert never.low == 0
    # 0 of n: Clopper and Pearson's upper bound.
    assert never.high == pytest.approx(1 - 0.025 ** (1 / 99))
    always = toy_p_value(-1.0, toys, 0.95)
    assert (always.value, always.high) == (1, 1)
    assert always.n == 99


def test_upcrossings_are_counted_along_the_masses_of_each_width():
    z = np.array([[0, 2, 2, 0, 2], [2, 0, 0, 0, 2], [0, 0, 0, 0, 0.0]])
    np.testing.assert_array_equal(upcrossings(z[:, None]), [2, 1, 0])
    np.testing.assert_array_equal(upcrossings(z.reshape(1, 3, 5)), [3])


def test_the_bound_is_that_of_a_smooth_gaussian_process():
    rng = np.random.default_rng(0)
    # A moving average of white noise, correlated over some ten places.
    t = np.arange(-20, 21)
    kernel = np.exp(-(t**2) / 50.0)
    kernel /= np.sqrt((kernel**2).sum())
    noise = rng.standard_normal((8000, 240))
    z = np.stack([np.convolve(row, kernel, "valid") for row in noise])
    found = upcrossings(z[:4000, None])
    for level in (2.5, 3.0):
        share = (z.max(axis=1) >= level).mean()
        bound = gross_vitells(level, found, 1, 0.95)
        error = np.sqrt(share * (1 - share) / 8000)
        assert bound.value == pytest.approx(share, abs=0.15 * share + 3 * error)
        assert bound.low < bound.value < bound.high
    assert gross_vitells(8.0, found, 1, 0.95).value < 1e-11


def test_the_bound_never_exceeds_1_and_adds_widths():
    many = np.full(100, 50.0)
    assert gross_vitells(-1.0, many, 1, 0.95).value == 1
    none = np.zeros(100)
    assert gross_vitells(2.0, none, 3, 0.95).value == pytest.approx(3 * special.ndtr(-2))
