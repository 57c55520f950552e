"""Adjusted p-values for the false discovery rate."""

import numpy as np
import pytest
from scipy import stats

from evidesk.methods.shift.discovery import false_discovery

RNG = np.random.default_rng


@pytest.mark.parametrize("correction", ["bh", "by"])
def test_they_are_those_of_scipy(correction):
    p = RNG(0).random(40) ** 3
    expected = stats.false_discovery_control(p, method=correction)
    np.testing.assert_allclose(false_discovery(p, correction), expected)


def test_none_stay_none_and_one_stays_itself():
    assert false_discovery([]).shape == (0,)
    assert false_discovery([0.03]) == [0.03]


@pytest.mark.parametrize("p", [[-0.1], [1.1], [np.nan], [[0.1]]])
def test_what_is_no_p_value_is_refused(p):
    with pytest.raises(ValueError, match=r"values in the range \[0, 1\]"):
        false_discovery(p)


def test_another_correction_is_refused():
    with pytest.raises(ValueError, match="must be one of bh, by"):
        false_discovery([0.1], "holm")
