"""How many parameters the background needs."""

import numpy as np
import pytest
from scipy import stats

from evidesk.methods.bumphunt import Spectrum, exponential
from evidesk.methods.bumphunt.background import Bins
from evidesk.methods.bumphunt.order import Ladder, choose, least_gain, steps_of
from tests.methods.bumphunt.spectra import DIJET, dijets, falling


def test_the_first_order_that_needs_no_more_is_chosen():
    gains = np.array([[10, 1.0, 9.0], [10, 9.0, 0.1], [1.0, 9, 9], [5, 5, 5.0]]).T / 2
    values = np.concatenate([np.zeros((1, 4)), gains.cumsum(axis=0)])
    np.testing.assert_array_equal(choose(values, 0.05), [1, 2, 0, 3])
    assert least_gain(0.05) == pytest.approx(1.959964**2, rel=1e-6)
    steps = steps_of([2, 3, 4, 5], values[:, 1], 0.05)
    assert [step.taken for step in steps] == [True, True, False]
    assert steps[2].p_value == pytest.approx(stats.chi2.sf(0.1, 1))
    assert [step.order for step in steps] == [2, 3, 4]


def test_the_dijets_ask_for_a_fourth_parameter_though_three_fit_well():
    ladder = Ladder.of(Bins(dijets(), DIJET), None, 0.05)
    assert ladder.best.order == 4
    assert ladder.cautious.order == 5
    three_to_four = ladder.steps[1]
    assert three_to_four.gain == pytest.approx(13.06, abs=0.01)
    assert three_to_four.taken
    given = Ladder.of(Bins(dijets(), DIJET), 3, 0.05)
    assert given.best is given.cautious
    assert given.best.order == 3
    assert given.steps == ()


def test_other_spectra_get_the_order_that_they_would_get_alone():
    ladder = Ladder.of(Bins(dijets(), DIJET), None, 0.05)
    toys = np.random.default_rng(3).poisson(ladder.cautious.expected * 0.5, (40, 60)).astype(float)
    found = ladder.choose(toys)
    assert len(np.unique(found.index)) > 1
    for toy, index, expected in zip(toys, found.index, found.expected, strict=True):
        alone = Ladder.of(Bins(Spectrum.from_counts(toy, dijets().edges), DIJET), None, 0.05)
        assert alone.chosen == index
        np.testing.assert_allclose(alone.best.expected, expected, rtol=1e-3)
    given = Ladder.of(Bins(dijets(), DIJET), 4, 0.05).choose(toys)
    assert (given.index == 0).all()


def test_orders_end_where_bins_do():
    spectrum = falling(500, bins=5)
    ladder = Ladder.of(Bins(spectrum, exponential()), None, 0.05)
    assert [one.order for one in ladder.backgrounds] == [2, 3]
    # Toys of an exact straight line take the step to the third parameter at its level.
    toys = np.random.default_rng(0).poisson(ladder.backgrounds[0].expected, (4000, 5)).astype(float)
    share = (ladder.choose(toys).index == 1).mean()
    assert share == pytest.approx(0.05, abs=0.012)


def test_all_toys_may_stay_or_climb_to_the_top():
    ladder = Ladder.of(Bins(falling(500, bins=5), exponential()), None, 0.05)
    flat = ladder.backgrounds[0].expected[None]
    assert ladder.choose(flat).index == [0]
    bent = flat * np.exp(np.array([1, 0, -1, 0, 1.0]))
    assert ladder.choose(bent).index == [1]
