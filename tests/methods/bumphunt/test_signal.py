"""Signal shapes."""

import numpy as np
import pytest
from scipy import stats

from evidesk.methods.bumphunt import gaussian
from evidesk.methods.bumphunt.signal import default_masses, shares, widths_at

EDGES = np.linspace(0, 10, 21)


def test_the_gaussian_keeps_its_digits_in_both_tails():
    found = gaussian(EDGES, 5.0, 0.3)
    np.testing.assert_allclose(found, np.diff(stats.norm.cdf(EDGES, 5, 0.3)), atol=1e-16)
    np.testing.assert_allclose(found, found[::-1], rtol=1e-12)
    assert found[-1] == pytest.approx(stats.norm.sf(4.5 / 0.3), rel=1e-9)


def test_shares_come_for_each_width_and_mass():
    masses = np.array([3.0, 7.0])
    widths = widths_at(masses, [1.0, lambda m: m / 10])
    np.testing.assert_allclose(widths, [[1, 1], [0.3, 0.7]])
    found = shares(EDGES, masses, widths, gaussian)
    assert found.shape == (2, 2, 20)
    np.testing.assert_allclose(found[1, 1], gaussian(EDGES, 7.0, 0.7))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (lambda edges, _m, _w: edges, "must be 20 finite numbers"),
        (lambda edges, _m, _w: edges[1:] * np.nan, "must be 20 finite numbers"),
        (lambda edges, _m, _w: np.ones(20), "add up to 20"),
        (lambda edges, _m, _w: np.full(20, -0.01), "from 0 to 1"),
        (lambda edges, _m, _w: np.zeros(20), "less than 5 %"),
    ],
)
def test_shapes_that_are_no_shares_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        shares(EDGES, np.array([5.0]), np.array([[1.0]]), shape)


def test_the_default_masses_are_a_width_apart_and_off_the_ends():
    np.testing.assert_allclose(default_masses(EDGES, 1.0), np.arange(2, 9))
    found = default_masses(EDGES + 10, lambda m: 0.05 * m)
    np.testing.assert_allclose(found[1:] / found[:-1], 1.05)
    assert found[0] == 11
    assert found[-1] <= 18.2
    with pytest.raises(ValueError, match="too wide"):
        default_masses(EDGES, 4.0)


def test_widths_that_are_none_are_refused():
    with pytest.raises(ValueError, match="At least one width"):
        widths_at(np.ones(2), [])
    for wrong in (0.0, -1.0, np.nan, lambda m: m - m):
        with pytest.raises(ValueError, match="finite and above 0"):
            widths_at(np.ones(2), wrong)
