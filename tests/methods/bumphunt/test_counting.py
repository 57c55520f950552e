"""Counting in a window above an extrapolated background."""

import numpy as np
import pytest
from scipy import optimize

from evidesk.methods.bumphunt import Spectrum, count_window
from evidesk.methods.bumphunt.counting import excess
from tests.methods.bumphunt.spectra import DIJET, dijets, falling

WINDOW = (3.3, 3.7)


def test_the_extrapolation_has_an_error_as_large_as_the_counts_own():
    found = count_window(dijets(), WINDOW, DIJET, order=4)
    assert found.window == pytest.approx((3.31, 3.7))
    assert found.observed == 26040
    error = found.expected.half_width / 1.96
    assert error > 0.9 * np.sqrt(found.observed)
    assert found.z == pytest.approx(
        (found.observed - found.expected.value) / np.hypot(error, np.sqrt(found.observed)), abs=0.02
    )
    assert found.p_value == pytest.approx(0.78, abs=0.01)
    assert "of this window alone" in str(found)
    assert count_window(dijets(2000), WINDOW, DIJET, order=4).z > 5


def test_one_parameter_more_than_chosen_extrapolates():
    found, four = (count_window(dijets(), WINDOW, DIJET, order=order) for order in (None, 4))
    assert found.order == 5
    assert found.expected.half_width > 1.2 * four.expected.half_width
    assert abs(found.z) < 1.5


def test_the_excess_is_the_root_of_a_likelihood_ratio():
    def twice(count, b_hat, error, signal):
        tau = b_hat / error**2
        beside = b_hat * tau

        def minus(b):
            mu = b + signal
            return 2 * (mu - count * np.log(mu) + tau * b - beside * np.log(tau * b))

        return optimize.minimize_scalar(minus, bounds=(1e-3, 1e3), method="bounded",
                                        options={"xatol": 1e-9}).fun  # fmt: skip

    for count, expected, error in ((14, 6.0, 2.0), (3, 9.0, 1.0), (40, 20.0, 6.0)):
        best = twice(count, expected, error, count - expected)
        q = twice(count, expected, error, 0.0) - best
        assert excess(count, expected, error) == pytest.approx(
            np.sign(count - expected) * np.sqrt(q), abs=1e-3
        )
    assert excess(0, 4.0, 1.0) < -1.5
    assert excess(4.0, 4.0, 1.0) == 0


def test_weights_scale_the_count_and_not_its_significance():
    counts = dijets(1000).counts
    weighted = Spectrum.from_counts(counts * 3, dijets().edges, variances=counts * 9)
    plain, scaled = (count_window(one, WINDOW, DIJET) for one in (dijets(1000), weighted))
    assert scaled.observed == pytest.approx(3 * plain.observed)
    assert scaled.expected.value == pytest.approx(3 * plain.expected.value, rel=1e-5)
    assert scaled.z == pytest.approx(plain.z, abs=1e-3)


def test_windows_that_leave_nothing_are_refused():
    with pytest.raises(ValueError, match="No bin's centre"):
        count_window(falling(100), (150.0, 150.1))
    with pytest.raises(ValueError, match="no sideband on one side"):
        count_window(falling(100), (90.0, 150.0))
    with pytest.raises(ValueError, match="no sideband on one side"):
        count_window(falling(100), (150.0, 200.0))
    with pytest.raises(ValueError, match="at least 3 bins with events"):
        count_window(falling(100, bins=4), (120.0, 180.0), order=2)
