"""Relabelling: what may change places, and what p-values that gives."""

import math
from itertools import combinations

import numpy as np
import pytest

from evidesk.methods.shift import relabelling as relabelling_module
from evidesk.methods.shift.relabelling import (
    Relabelling,
    TooFewError,
    combine,
    permutation_p_value,
)

HALVES = np.arange(10) >= 6


def drawn(relabelling, count=400, seed=0):
    return relabelling.labels(count, np.random.default_rng(seed))


def test_rows_keep_how_many_there_are_of_each():
    labels = drawn(Relabelling.of_rows(HALVES))
    assert labels[:, 0].tolist() == HALVES.tolist()
    assert set(labels.sum(axis=0)) == {4}
    assert labels[:, 1:].mean(axis=1) == pytest.approx(np.full(10, 0.4), abs=0.1)


def test_every_relabelling_of_few_rows_comes_up_equally_often():
    labels = drawn(Relabelling.of_rows(np.array([0, 0, 1, 1], bool)), 6_000)
    kinds, counts = np.unique(labels[:, 1:].T, axis=0, return_counts=True)
    assert len(kinds) == len(list(combinations(range(4), 2)))
    assert counts == pytest.approx(np.full(6, 1000), abs=130)


def test_groups_move_as_a_whole():
    groups = [0, 0, 0, 1, 1, 2, 3, 3, 4, 4]
    is_current = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1], bool)
    relabelling = Relabelling.of_groups(is_current, groups)
    labels = drawn(relabelling)
    for group in range(5):
        assert np.ptp(labels[np.array(groups) == group], axis=0).max() == 0
    assert (relabelling.count, relabelling.over) == (5, "5 groups")
    assert math.exp(relabelling.log_count()) == pytest.approx(math.comb(5, 2))
    # Groups differ in size, so that the current sample's size does, too.
    assert len(set(labels.sum(axis=0))) > 1


def test_a_group_in_both_samples_compares_with_itself():
    groups = ["a", "a", "b", "b", "c", "c"]
    is_current = np.array([0, 1, 0, 1, 0, 0], bool)
    relabelling = Relabelling.of_groups(is_current, groups)
    labels = drawn(relabelling)
    assert set(labels[:2].sum(axis=0)) == {1}
    assert set(labels[2:4].sum(axis=0)) == {1}
    assert labels[4:].max() == 0  # the only group that lies in one sample alone
    # Two ways in either pair; a test of two sides cannot tell these from their opposites.
    assert math.exp(relabelling.log_count(one_sided=True)) == pytest.approx(4)
    assert relabelling.count == 3


def test_all_groups_can_be_in_both_samples():
    # In any order of rows, and of as many sizes as there are.
    groups = np.array([5, 7, 5, 7, 7, 9, 9])
    is_current = np.array([0, 1, 1, 0, 1, 0, 1], bool)
    labels = drawn(Relabelling.of_groups(is_current, groups), 6_000)
    for group, current in ((5, 1), (7, 2), (9, 1)):
        assert set(labels[groups == group].sum(axis=0)) == {current}
    kinds, counts = np.unique(labels[:, 1:].T, axis=0, return_counts=True)
    assert len(kinds) == 2 * 3 * 2
    assert counts == pytest.approx(np.full(12, 500), abs=100)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1, 2], "of each of the 10 rows"),
        ([np.nan] * 10, "missing values"),
        (np.array([*"abcdefghi", None], dtype=object), "missing values"),
    ],
)
def test_groups_that_do_not_fit_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        Relabelling.of_groups(HALVES, groups)


def test_too_few_rows_say_how_many_are_needed():
    three = Relabelling.of_rows(np.array([0, 0, 0, 1, 1, 1], bool))
    three.check(0.05, one_sided=True)
    with pytest.raises(
        TooFewError, match=r"10 way.*below 0\.1.*At least 7 rows .* example 4 and 3"
    ):
        three.check(0.05)
    Relabelling.of_rows(np.array([0, 0, 0, 0, 1, 1, 1], bool)).check(0.05)
    with pytest.raises(TooFewError, match=r"6 way.*At least 6 rows .* for example 3 and 3"):
        Relabelling.of_rows(np.array([0, 0, 1, 1], bool)).check(0.05, one_sided=True)
    with pytest.raises(TooFewError, match=r"1 groups in the reference.*1 way.*At least 7 groups"):
        Relabelling.of_groups(HALVES, HALVES).check(0.05)


def test_too_few_groups_in_both_samples_say_so():
    def pairs(count):
        return Relabelling.of_groups(np.arange(2 * count) % 2 == 1, np.arange(2 * count) // 2)

    with pytest.raises(TooFewError, match=r"5 groups, 5 of them in both .* 16 way.*more groups"):
        pairs(5).check(0.05)
    pairs(6).check(0.05)
    pairs(5).check(0.05, one_sided=True)
    # With a sixth group, in the reference alone, no labelling has an opposite.
    groups, is_current = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5], np.arange(11) % 2 == 1
    Relabelling.of_groups(is_current, groups).check(0.05)


def test_the_p_value_counts_the_sample_itself():
    found = permutation_p_value([3.0, 1.0, 2.0, 3.0, 4.0])
    assert found.value == pytest.approx(3 / 5)
    assert (found.n, found.method) == (4, "permutation")
    assert found.low <= 0.5 <= found.high  # of all relabellings' share
    assert permutation_p_value(np.r_[9.0, np.zeros(199)]).value == pytest.approx(1 / 200)
    assert permutation_p_value(np.zeros(20)).value == 1


def test_the_p_value_is_uniform_without_a_shift():
    rng = np.random.default_rng(1)
    p = np.array([permutation_p_value(rng.standard_normal(20)).value for _ in range(4000)])
    for level in (0.05, 0.1, 0.5):
        assert (p <= level + 1e-9).mean() == pytest.approx(level, abs=4 * math.sqrt(level / 4000))


def test_the_combination_is_led_by_what_is_clearest():
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((4, 200))
    clear = noise.copy()
    clear[2, 0] = 9
    assert permutation_p_value(combine(clear)).value < 0.03
    fairly = noise.copy()
    fairly[:, 0] = np.sort(noise[:, 1:], axis=1)[:, 185]  # each has p = .075
    assert permutation_p_value(combine(fairly)).value < 0.12  # the smallest alone: about 0.27


def test_a_statistic_that_sees_nothing_does_not_hide_the_others():
    clear = np.random.default_rng(4).standard_normal((5, 200))
    clear[:, 0] = 9
    clear[1, 0] = -9
    assert permutation_p_value(combine(clear)).value == 1 / 200


def test_rounding_errors_break_no_tie_in_the_combination():
    rows = np.repeat(np.random.default_rng(5).standard_normal((3, 50)), 2, axis=1)
    assert combine(rows * (1 + 1e-9 * np.arange(100))) == pytest.approx(combine(rows))


def test_the_combination_is_uniform_without_a_shift():
    rng = np.random.default_rng(3)
    p = []
    for _ in range(1500):
        shared = rng.standard_normal(40)
        rows = np.stack([shared + rng.standard_normal(40) * s for s in (0, 0.5, 2)])
        p.append(permutation_p_value(combine(rows)).value)
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=4 * math.sqrt(0.05 / 1500))


def test_centred_batches_are_the_same_whenever_they_are_asked_for(monkeypatch):
    rows = Relabelling.of_rows(np.arange(40) >= 20)
    (whole,) = rows.centred_batches(30, np.random.default_rng(4))()
    monkeypatch.setattr(relabelling_module, "_BATCH", 280)
    parts = rows.centred_batches(30, np.random.default_rng(4))
    for _ in range(2):
        found = list(parts())
        assert [one.shape[1] for one in found] == [8, 7, 7, 7, 2]
        assert np.array_equal(np.hstack(found), whole)
