"""Yields by maximum likelihood beside Minuit."""

import numpy as np
import pytest
from iminuit import Minuit

from evidesk.methods.bumphunt import exponential, profile
from evidesk.methods.bumphunt.background import Bins
from evidesk.methods.bumphunt.glm import deviance
from evidesk.methods.bumphunt.profile import Profile
from evidesk.methods.bumphunt.signal import gaussian, shares
from tests.methods.bumphunt.spectra import DIJET, MASSES, dijets, falling


def minuit_of(fit, counts, signal, start):
    """Minuit's fit of a yield and the background's coefficients, these in standard errors."""

    def cost(parameters):
        background = np.exp(fit.model.offset + fit.model.design @ parameters[1:])
        expected = background + parameters[0] * signal
        return deviance(counts, np.maximum(expected, 1e-9))

    found = Minuit(lambda p: cost(np.asarray(p)), np.r_[start, np.zeros(fit.order)])
    found.errordef, found.strategy, found.tol = 1, 2, 1e-4
    found.errors = np.r_[0.3 * abs(start) + 1, np.full(fit.order, 0.1)]
    found.migrad()
    assert found.valid
    return found


@pytest.mark.parametrize("index", [0, 6, 11, 28])
def test_yields_errors_and_intervals_are_those_of_minuit(index):
    spectrum = dijets(600)
    fit = Bins(spectrum, DIJET).fit(4)
    signals = shares(spectrum.edges, MASSES, 0.03 * MASSES[None], gaussian)[0]
    found = Profile(fit.model, spectrum.counts[None], signals)
    yields, errors = found.maximum()
    low, high = found.interval(yields, errors, 1.0)
    peer = minuit_of(fit, spectrum.counts, signals[index], 100.0)
    peer.minos(0)
    error = peer.errors[0]
    assert yields[index] == pytest.approx(peer.values[0], abs=0.01 * error)
    assert errors[index] == pytest.approx(error, rel=0.01)
    assert low[index] == pytest.approx(peer.values[0] + peer.merrors[0].lower, abs=0.02 * error)
    assert high[index] == pytest.approx(peer.values[0] + peer.merrors[0].upper, abs=0.02 * error)
    without = minuit_of(fit, spectrum.counts, 0 * signals[index] + 1e-12, 0.0)
    q = without.fval - peer.fval
    assert found.significance(yields)[index] ** 2 == pytest.approx(q, abs=0.01)


def test_intervals_of_few_events_are_lopsided_and_those_of_minuit():
    spectrum = falling(300, bins=25, seed=3)
    fit = Bins(spectrum, exponential()).fit(2)
    signals = shares(spectrum.edges, np.array([130.0, 180.0]), np.full((1, 2), 4.0), gaussian)[0]
    found = Profile(fit.model, spectrum.counts[None], signals)
    yields, errors = found.maximum()
    low, high = found.interval(yields, errors, 1.959964)
    for index in range(2):
        peer = minuit_of(fit, spectrum.counts, signals[index], max(yields[index], 1.0))
        assert yields[index] == pytest.approx(peer.values[0], abs=0.02)
        peer.minos(0, cl=0.95)
        upper = peer.values[0] + peer.merrors[0].upper
        assert high[index] == pytest.approx(upper, abs=0.05)
    assert ((high - yields) > 1.05 * (yields - low)).all()


def test_a_negative_yield_takes_no_more_than_there_is():
    spectrum = falling(60, bins=25, seed=1)
    counts = np.where(np.abs(spectrum.centres - 130) < 10, 0.0, spectrum.counts)
    fit = Bins(spectrum, exponential()).fit(2)
    signal = gaussian(spectrum.edges, 130.0, 4.0)[None]
    found = Profile(fit.model, counts[None], signal)
    yields, errors = found.maximum()
    assert found.least[0] <= yields[0] < 0.9 * found.least[0]
    assert yields[0] < 0
    low, high = found.interval(yields, errors, 2.0)
    assert low[0] == pytest.approx(found.least[0], rel=1e-6)
    assert high[0] > yields[0]
    assert found.significance(yields)[0] < 0


def test_a_maximum_that_is_not_reached_in_time_is_still_near(monkeypatch):
    spectrum = dijets(600)
    fit = Bins(spectrum, DIJET).fit(4)
    signals = shares(spectrum.edges, MASSES, 0.03 * MASSES[None], gaussian)[0]
    one = Profile(fit.model, spectrum.counts[None], signals)
    yields, errors = one.maximum()
    monkeypatch.setattr(profile, "_MOST_STEPS", 1)
    np.testing.assert_allclose(one.maximum()[0], yields, atol=0.1 * errors.max())
