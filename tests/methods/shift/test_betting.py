"""Bets are fair without a shift, whatever they have learnt, and grow with one."""

import numpy as np
import pytest

from evidesk.methods.shift.betting import MEMORIES, STRENGTHS, Coordinates, Learner, Purse
from evidesk.methods.shift.families import Linear

RNG = np.random.default_rng


def learner(rows):
    return Learner(Coordinates.of(Linear(), np.arange(rows.shape[1]), rows))


def bags(rng, shift=0.0, block=32, controls=2, width=3):
    found = rng.standard_normal((block, 1 + controls, width))
    found[:, 0, 0] += shift
    return found


@pytest.mark.parametrize("controls", [1, 2, 4])
def test_a_bet_is_fair_whatever_it_has_learnt(controls):
    rng = RNG(0)
    one = learner(rng.standard_normal((50, 3)))
    for _ in range(5):
        one.log_payoffs(bags(rng, 1.5, controls=controls), learn=True)
    block = bags(rng, 1.5, controls=controls)
    # The last bag, with each of its rows as the current one in turn.
    payoffs = []
    for current in range(1 + controls):
        turned = block.copy()
        turned[-1] = np.roll(block[-1], current, axis=0)
        payoffs.append(np.exp(one.log_payoffs(turned, learn=False)[:, -1]))
    assert np.ptp(payoffs) > 0.5
    np.testing.assert_allclose(np.mean(payoffs, axis=0), 1, rtol=1e-10)


def test_a_bag_is_bet_on_by_those_before_it_alone():
    rng = RNG(1)
    one = learner(rng.standard_normal((50, 3)))
    block = bags(rng)
    first = one.log_payoffs(block, learn=False)
    np.testing.assert_allclose(first[:, 0], 0, atol=1e-12)
    changed = block.copy()
    changed[20:] += 5
    np.testing.assert_array_equal(one.log_payoffs(changed, learn=False)[:, :20], first[:, :20])


def test_bets_learn_and_the_last_rows_count_for_more_in_a_short_memory():
    rng = RNG(2)
    one = learner(rng.standard_normal((50, 3)))
    for _ in range(20):
        one.log_payoffs(bags(rng), learn=True)
    for _ in range(4):
        one.log_payoffs(bags(rng, 1.0), learn=True)
    gain = one.log_payoffs(bags(rng, 1.0), learn=False).reshape(len(STRENGTHS), len(MEMORIES), -1)
    assert gain.sum(axis=-1).min() > 0
    assert (gain[:, 1].sum(axis=-1) > gain[:, 0].sum(axis=-1)).all()
    assert one.weight[0] == 24 * 32
    assert one.weight[1] < 200
    assert one.controls == 2 * 24 * 32


def test_a_feature_that_never_varied_is_waited_for():
    rows = np.zeros((40, 2))
    rows[:, 0] = RNG(0).standard_normal(40)
    one = learner(rows)
    block = np.zeros((32, 2, 2))
    block[:, 0, 1] = 1
    assert one.log_payoffs(block, learn=False)[:, -1].min() > 0.3


def test_the_purse_keeps_what_nobody_wins():
    purse = Purse(4)
    assert np.exp(purse.shares).sum() == pytest.approx(1)
    np.testing.assert_allclose(purse.path(np.zeros((4, 8))), 0, atol=1e-12)
    lost = np.full((4, 8), -100.0)
    assert np.exp(purse.path(lost)[-1]) == pytest.approx(0.2)
    purse.settle(lost)
    assert np.exp(purse.log_wealth) == pytest.approx(0.2)
    assert np.exp(purse.shares).sum() == pytest.approx(1)
    assert np.exp(purse.shares[1:]).sum() == pytest.approx(0.1 * 0.8)


def test_settling_takes_nothing_and_gives_to_winners():
    rng = RNG(3)
    purse = Purse(3)
    payoffs = np.log(1 + 0.3 * rng.uniform(-1, 1, (3, 16)) + np.array([[0.3], [0], [-0.3]]))
    after = purse.path(payoffs)[-1]
    purse.settle(payoffs)
    assert purse.log_wealth == pytest.approx(after)
    assert purse.shares[1] == purse.shares[1:].max()
    assert purse.path(np.zeros((3, 1)))[0] == pytest.approx(after)
