"""Families of background functions."""

import numpy as np
import pytest

from evidesk.methods.bumphunt import Family, dijet, exponential, of_basis
from evidesk.methods.bumphunt.families import family_of


def test_the_dijet_function_is_that_of_the_literature():
    z = np.array([0.2, 0.3])
    columns = dijet(13.0).columns(13 * z, 2.0, 5.0)
    assert columns.shape == (2, 6)
    p0, p1, p2, p3 = 2.0, 7.0, 3.0, -0.4
    expected = p0 * (1 - z) ** p1 * z ** -(p2 + p3 * np.log(z))
    found = np.exp(columns[:, :4] @ [np.log(p0), -p2, p1, -p3])
    np.testing.assert_allclose(found, expected)


def test_exponentials_of_polynomials_span_all_powers():
    masses = np.linspace(1, 3, 9)
    columns = exponential(largest=4).columns(masses, 1.0, 3.0)
    powers = np.vander(masses, 4)
    _, left, _, _ = np.linalg.lstsq(columns, powers, rcond=None)
    np.testing.assert_allclose(left, 0, atol=1e-20)
    assert exponential(largest=1).smallest == 1


def test_an_own_basis_is_checked_when_used():
    family = of_basis(lambda m: np.stack([m**0, 1 / m], axis=1), 2, name="inverse")
    np.testing.assert_allclose(family.columns(np.array([2.0]), 0, 1), [[1, 0.5]])
    with pytest.raises(ValueError, match=r"of shape \(3, 2\).*got shape \(3,\)"):
        of_basis(lambda m: m, 2).columns(np.ones(3), 0, 1)
    with pytest.raises(ValueError, match="finite numbers"):
        of_basis(lambda m: m[:, None] * np.nan, 1).columns(np.ones(3), 0, 1)


def test_what_is_no_family_is_refused():
    assert family_of("exponential").name == "exponential of a polynomial"
    for wrong in ("dijet", 3, None):
        with pytest.raises(ValueError, match="'family' parameter must be"):
            family_of(wrong)
    with pytest.raises(ValueError, match="smallest <= largest"):
        Family("none", lambda m, _a, _b: m, 3, 2)
    with pytest.raises(ValueError, match="Are the units the same"):
        dijet(13.0).columns(np.array([3000.0]), 2800, 4600)
    with pytest.raises(ValueError, match="masses above 0"):
        dijet(13.0).columns(np.array([0.0]), 0, 4)
