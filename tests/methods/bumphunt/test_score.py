"""Rao's score test beside a fit of each signal."""

import numpy as np
import pytest

from evidesk.methods.bumphunt.background import Bins
from evidesk.methods.bumphunt.profile import Profile
from evidesk.methods.bumphunt.score import check_told_apart, score
from evidesk.methods.bumphunt.signal import gaussian, shares
from tests.methods.bumphunt.spectra import DIJET, MASSES, dijets

SIGNALS = shares(dijets().edges, MASSES, 0.03 * MASSES[None], gaussian)[0]


def test_z_is_standard_normal_in_toys_and_its_error_is_the_yields():
    fit = Bins(dijets(), DIJET).fit(4)
    toys = np.random.default_rng(0).poisson(fit.expected, (4000, 60)).astype(float)
    found = score(fit.model, toys, fit.model.fit(toys).expected, SIGNALS)
    np.testing.assert_allclose(found.z.mean(axis=0), 0, atol=0.06)
    np.testing.assert_allclose(found.z.std(axis=0), 1, atol=0.04)
    # Without what the background's parameters take up, the spread would be far smaller.
    alone = 1 / np.sqrt((SIGNALS**2 / fit.expected).sum(axis=1))
    assert (alone / found.errors[0]).max() < 0.9
    spread = found.yields.std(axis=0) / found.errors.mean(axis=0)
    np.testing.assert_allclose(spread, 1, atol=0.04)


def test_it_agrees_with_the_likelihood_ratio():
    for signal in (0, 600, 1500):
        spectrum = dijets(signal)
        fit = Bins(spectrum, DIJET).fit(4)
        found = score(fit.model, spectrum.counts[None], fit.expected[None], SIGNALS)
        profile = Profile(fit.model, spectrum.counts[None], SIGNALS)
        z = profile.significance(profile.maximum()[0])
        np.testing.assert_allclose(found.z[0], z, atol=0.08)
        if signal:
            assert MASSES[z.argmax()] == pytest.approx(3.5, abs=0.051)
            assert z.max() > signal / 400


def test_a_signal_that_is_the_background_is_refused():
    fit = Bins(dijets(), DIJET).fit(3)
    check_told_apart(fit.model, SIGNALS, ["any"] * len(SIGNALS))
    # The background's own normalisation.
    signal = fit.expected[None] / fit.expected.sum()
    with pytest.raises(ValueError, match=r"the signal at mass 3\.5: they cannot be told apart"):
        check_told_apart(fit.model, signal, ["mass 3.5"])
