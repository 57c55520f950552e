"""Small versions of the study: they fail if a stated level were wrong."""

import numpy as np
import pytest

from evidesk.methods.bumphunt import Spectrum, count_window, scan_spectrum
from evidesk.methods.bumphunt.background import Bins
from evidesk.methods.bumphunt.limits import observed_limits
from evidesk.methods.bumphunt.profile import Profile
from evidesk.methods.bumphunt.signal import gaussian, shares
from evidesk.methods.metrics.proportion import proportion_interval
from tests.methods.bumphunt.spectra import DIJET, MASSES, dijets, resolution

EDGES = dijets().edges
TRUTH = Bins(dijets(), DIJET).fit(4)


def pseudo_data(seed, luminosity=1.0):
    counts = np.random.default_rng(seed).poisson(TRUTH.expected * luminosity)
    return Spectrum.from_counts(counts, EDGES)


def holds(count, runs, share):
    low, high = proportion_interval(count, runs, level=0.999)
    return low <= share <= high


@pytest.mark.parametrize("luminosity", [0.3, 1.0])
def test_the_global_p_value_holds_its_level_with_the_choice_of_the_order(luminosity):
    runs = 200
    p = [
        scan_spectrum(
            pseudo_data(seed, luminosity), MASSES, resolution, family=DIJET, toys=99,
            random_state=seed,
        ).p_global.value
        for seed in range(runs)
    ]  # fmt: skip
    p = np.array(p)
    # A little on the safe side, as toys come from one parameter more.
    assert holds((p <= 0.1).sum(), runs, 0.09)
    assert holds((p <= 0.5).sum(), runs, 0.48)


def test_a_fixed_order_that_is_too_low_does_not_hold_its_level():
    p = [
        scan_spectrum(
            pseudo_data(seed), MASSES, resolution, family=DIJET, order=3, toys=99,
            random_state=seed,
        ).p_global.value
        for seed in range(60)
    ]  # fmt: skip
    assert np.mean(np.array(p) <= 0.05) > 0.3


def test_counting_in_a_window_includes_the_fits_error():
    runs = 400
    found = [count_window(pseudo_data(seed), (3.3, 3.7), DIJET, order=4) for seed in range(runs)]
    z = np.array([one.z for one in found])
    assert z.std() == pytest.approx(1, abs=0.12)
    naive = [(one.observed - one.expected.value) / one.expected.value**0.5 for one in found]
    assert np.std(naive) > 1.3


@pytest.mark.parametrize("signal", [0.0, 500.0])
def test_limits_cover_the_signal_that_is_there(signal):
    shape = shares(EDGES, np.array([3.5]), np.array([[0.105]]), gaussian)[0]
    runs = 400
    rng = np.random.default_rng(0)
    counts = rng.poisson(TRUTH.expected + signal * shape[0], (runs, 60)).astype(float)
    background = TRUTH.model.fit(counts).expected
    signals = np.repeat(shape, runs, axis=0)
    data, asimov = (Profile(TRUTH.model, one, signals) for one in (counts, background))
    observed, _ = observed_limits(data, asimov, 0.05)
    covered = int((observed >= signal).sum())
    if signal:
        # CLs covers at least its level, and not much more of a signal that could be seen.
        assert holds(covered, runs, 0.955)
    else:
        assert covered == runs


def test_weighted_events_hold_the_level_too():
    rng = np.random.default_rng(1)
    p = []
    for seed in range(100):
        count = rng.poisson(TRUTH.expected * 0.1)
        masses = np.repeat(dijets().centres, count)
        spectrum = Spectrum.from_events(masses, EDGES, weights=rng.uniform(0.5, 1.5, len(masses)))
        p.append(
            scan_spectrum(
                spectrum, MASSES, resolution, family=DIJET, toys=99, random_state=seed
            ).p_global.value
        )
    assert holds((np.array(p) <= 0.2).sum(), 100, 0.2)
