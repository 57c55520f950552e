"""Fits of a family's functions to the bins of a spectrum."""

import numpy as np
import pytest
from iminuit import Minuit
from scipy import integrate

from evidesk.methods.bumphunt import Spectrum, background, exponential, of_basis
from evidesk.methods.bumphunt.background import Bins
from evidesk.methods.bumphunt.glm import LogLinear, deviance
from tests.methods.bumphunt.spectra import DIJET, dijets, falling


def test_the_fit_is_that_of_minuit_with_integrated_bins():
    spectrum = dijets()
    found = Bins(spectrum, DIJET).fit(3)
    low, high = spectrum.edges[[0, -1]]

    def expected(b):
        def density(m):
            return np.exp(DIJET.columns(np.atleast_1d(m), low, high)[:, :3] @ b)

        return integrate.fixed_quad(
            lambda t: np.stack([density(spectrum.edges[:-1] + one * 0.03) for one in t], axis=1),
            0, 1, n=8,
        )[0] * 0.03  # fmt: skip

    np.testing.assert_allclose(found.expected, expected(found.coefficients), rtol=1e-8)
    # In standard errors, as the terms themselves are too alike for Minuit's derivatives.
    to_own = np.linalg.cholesky(found.covariance)
    minuit = Minuit(
        lambda c: deviance(spectrum.counts, expected(found.coefficients + to_own @ np.asarray(c))),
        np.full(3, 0.5),
    )
    minuit.errordef, minuit.strategy, minuit.tol = 1, 2, 1e-4
    minuit.errors = 0.1
    minuit.migrad()
    np.testing.assert_allclose(minuit.values, 0, atol=2e-3)
    minuit.hesse()
    np.testing.assert_allclose(minuit.covariance, np.eye(3), atol=5e-3)


def test_integrals_differ_from_centres_where_bins_are_wide():
    spectrum = falling(40_000, bins=5, slope=8.0)
    found = Bins(spectrum, exponential()).fit(2)
    slope = np.diff(np.log(found.expected)) / np.diff(spectrum.centres)
    np.testing.assert_allclose(slope, slope[0], rtol=1e-6)
    assert deviance(spectrum.counts, found.expected) < 15
    # The integral of exp(-k m) over a bin is sinh(k h) / (k h) times the centre's value.
    half = slope[0] * 10
    centre = found.expected / 20 / (np.sinh(half) / half)
    own = exponential().columns(spectrum.centres, 100, 200)[:, :2] @ found.coefficients
    np.testing.assert_allclose(np.exp(own), centre, rtol=1e-6)


def test_around_the_fit_coefficients_are_in_standard_errors():
    found = Bins(dijets(), DIJET).fit(4)
    np.testing.assert_allclose(
        found.model.information(found.expected[None])[0], np.eye(4), atol=1e-8
    )
    again = found.model.fit(dijets().counts[None])
    np.testing.assert_allclose(again.coefficients, 0, atol=1e-4)
    assert found.order == 4


def test_the_model_near_the_fit_is_that_of_refitting_a_toy():
    found = Bins(dijets(), DIJET).fit(4)
    toy = np.random.default_rng(0).poisson(found.expected)
    near = found.model.fit(toy[None].astype(float)).expected[0]
    exact = Bins(Spectrum.from_counts(toy, dijets().edges), DIJET).fit(4).expected
    # Far below the errors of the fit, which are some 0.5 %.
    np.testing.assert_allclose(near, exact, rtol=2e-5)


def test_bins_can_be_left_out():
    spectrum = dijets(signal=3000)
    used = (spectrum.centres < 3.2) | (spectrum.centres > 3.8)
    found = Bins(spectrum, DIJET, used).fit(4)
    clean = Bins(dijets(), DIJET, used).fit(4)
    inside = ~used
    assert spectrum.counts[inside].sum() - found.expected[inside].sum() > 2000
    np.testing.assert_allclose(found.expected, clean.expected, rtol=0.05)
    assert isinstance(found.on_used, LogLinear)
    assert len(found.on_used.offset) == used.sum()


def test_weighted_bins_have_their_exposure():
    counts = dijets().counts
    weighted = Spectrum.from_counts(counts * 0.5, dijets().edges, variances=counts * 0.25)
    found = Bins(weighted, DIJET).fit(4)
    plain = Bins(dijets(), DIJET).fit(4)
    np.testing.assert_allclose(found.expected, plain.expected, rtol=1e-6)
    assert found.coefficients[0] == pytest.approx(plain.coefficients[0] + np.log(0.5), abs=1e-4)


def test_too_few_bins_or_terms_that_are_alike_are_refused():
    spectrum = Spectrum.from_counts([5, 3, 2], [1, 2, 3, 4])
    with pytest.raises(ValueError, match="at least 4 bins with events; there are 3"):
        Bins(spectrum, exponential()).fit(3)
    same = of_basis(lambda m: np.stack([m, m, m**2], axis=1), 3, name="doubled function")
    with pytest.raises(ValueError, match="Term 2 of the doubled function is a combination"):
        Bins(dijets(), same)


def test_a_fit_that_does_not_settle_is_refused(monkeypatch):
    monkeypatch.setattr(background, "_MOST_ROUNDS", 1)
    with pytest.raises(ValueError, match="found no maximum: the 109,204 events"):
        Bins(dijets(), DIJET).fit(3)


def test_empty_ends_are_no_trouble():
    counts = [40, 30, 25, 12, 9, 3, 1, 0, 0, 0, 0, 0, 0]
    found = Bins(Spectrum.from_counts(counts, np.arange(14)), exponential()).fit(4)
    assert found.expected[-1] < 0.01
    assert found.expected.sum() == pytest.approx(120, rel=1e-4)
    step = of_basis(lambda m: np.stack([m**0, m > 7], axis=1), 2, name="step")
    found = Bins(Spectrum.from_counts(counts, np.arange(14)), step).fit(2)
    np.testing.assert_allclose(found.expected, [120 / 7] * 7 + [0] * 6, atol=1e-2)
