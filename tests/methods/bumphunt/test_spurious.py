"""The signal that the background function fakes."""

import numpy as np
import pytest

from evidesk.methods.bumphunt import scan_spectrum, spurious_signal
from tests.methods.bumphunt.spectra import DIJET, MASSES, dijets, resolution


def scan_of(order):
    return scan_spectrum(
        dijets(), MASSES, resolution, family=DIJET, order=order, toys=20, random_state=0
    )


def test_three_parameters_fake_a_signal_where_the_truth_has_four():
    found = spurious_signal(scan_of(3), DIJET, order=4, toys=500, random_state=0)
    assert not found.is_small
    assert abs(found.worst.value) > 1.5
    at = int(np.argmin(np.abs(found.masses - found.worst_mass)))
    assert found.relative[at] == pytest.approx(found.worst.value)
    assert found.yields[at] > 300
    assert "is too large" in str(found)
    # Chance does not do that: the fourth parameter's likelihood ratio has p = 0.0003.
    assert found.chance.value < 0.01
    assert "dijet function with 4 parameters" in found.truth


def test_the_true_function_fakes_none_and_its_errors_are_right():
    found = spurious_signal(scan_of(4), DIJET, order=4, toys=1500, random_state=0)
    assert found.is_small
    assert abs(found.worst.value) < 0.1
    assert found.worst.low < 0 < found.worst.high or abs(found.worst.value) < 0.08
    np.testing.assert_allclose(found.spread, 1, atol=0.06)
    assert "is tolerable" in str(found)


def test_by_default_the_truth_has_two_parameters_more():
    found = spurious_signal(scan_of(None), toys=200, random_state=0)
    assert "dijet function with 6 parameters" in found.truth
    # Two parameters too many follow the data's chance.
    assert found.chance.value > 0.2
    assert "Chance alone makes the fits differ as much in" in str(found)
    assert (
        "exponential of a polynomial with 4"
        in spurious_signal(scan_of(None), "exponential", toys=50, random_state=0).truth
    )


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ValueError, match="'toys' parameter"):
        spurious_signal(scan_of(4), toys=1)
    with pytest.raises(ValueError, match="'tolerance' parameter"):
        spurious_signal(scan_of(4), tolerance=0)
    with pytest.raises(ValueError, match="'family' parameter"):
        spurious_signal(scan_of(4), "spline")
    with pytest.raises(ValueError, match="'width' parameter"):
        spurious_signal(scan_of(4), width=1)
    with pytest.raises(ValueError, match="'order' parameter"):
        spurious_signal(scan_of(4), order=9)
