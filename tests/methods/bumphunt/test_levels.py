"""Small versions of the study: they fail if a stated level were wrong."""

import numpy as np
import pytest

from evidesk.methods.bumphunt import Spectrum, count_window, scan_spectrum, spurious_signal
from evidesk.methods.bumphunt.background import Bins
from evidesk.methods.bumphunt.beside import beside
from evidesk.methods.bumphunt.limits import observed_limits
from evidesk.methods.bumphunt.order import Ladder
from evidesk.methods.bumphunt.score import score
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
    runs = 120
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


def limits_with(ladder, size, mass=3.5, runs=300):
    """Share of 95 % limits that hold a signal of so many errors of its yield."""
    shape = shares(EDGES, np.array([mass]), np.array([[0.03 * mass]]), gaussian)[0]
    expected = TRUTH.expected[None]
    signal = size * score(TRUTH.model, expected, expected, shape).errors[0, 0]
    counts = np.random.default_rng(0).poisson(TRUTH.expected + signal * shape[0], (runs, 60))
    limits = np.empty(runs)
    for one in beside(ladder, counts.astype(float), np.repeat(shape, runs, axis=0)):
        limits[one.some] = observed_limits(one.data, one.asimov, 0.05)[0]
    return int((limits >= signal).sum())


def test_limits_cover_the_signal_that_is_there():
    known = Ladder.of(Bins(dijets(), DIJET), 4, 0.05)
    assert holds(limits_with(known, 4), 300, 0.95)
    # CLs never excludes a signal of 0, and hardly one that could not be seen.
    assert limits_with(known, 0) == 300
    assert limits_with(known, 1) >= 298


def test_limits_cover_with_the_order_chosen_on_the_same_spectrum():
    chosen = Ladder.of(Bins(dijets(), DIJET), None, 0.05)
    assert holds(limits_with(chosen, 4, mass=3.0), 300, 0.955)
    assert holds(limits_with(chosen, 4, mass=4.2), 300, 0.955)


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


def test_the_chance_of_a_spurious_signal_is_a_p_value():
    p = []
    for seed in range(80):
        scan = scan_spectrum(
            pseudo_data(seed), MASSES, resolution, family=DIJET, order=4, toys=20,
            random_state=seed,
        )  # fmt: skip
        found = spurious_signal(scan, DIJET, order=6, toys=20, random_state=seed)
        p.append(found.chance.value)
    assert holds((np.array(p) <= 0.2).sum(), 80, 0.2)
    assert holds((np.array(p) <= 0.5).sum(), 80, 0.5)
