"""Whether neighbouring rows are alike."""

import numpy as np
import pytest

from evidesk.methods.shift import accuracy_under_shift, adverse_shift, where
from evidesk.methods.shift.order import alike, clearest, sums_of_neighbours
from tests.methods.shift.series import series

RNG = np.random.default_rng


def test_a_series_is_noticed_and_independent_rows_are_not():
    assert alike(series(RNG(0), 400, 3, 0.8)) == pytest.approx(0.8, abs=0.1)
    assert alike(-series(RNG(0), 400, 1, -0.8)) == 0
    assert not any(alike(RNG(seed).standard_normal((200, 20))) for seed in range(50))


def test_two_neighbours_of_a_rare_kind_are_chance():
    rows = np.zeros((1_000, 1))
    rows[[500, 501, 800]] = 1
    assert alike(rows) == 0


def test_constant_columns_and_few_rows_say_nothing():
    assert alike(np.full((100, 2), 0.1)) == 0
    assert alike(np.arange(19.0)[:, None]) == 0
    assert alike(np.arange(60.0)[:, None]) > 0.8


def test_a_shift_within_a_stream_is_no_likeness():
    rows = RNG(0).standard_normal((320, 1))
    rows[160:] += 3
    assert alike(rows) > 0.5
    blocks = rows.reshape(10, 32, 1)
    assert clearest(sum(map(sums_of_neighbours, blocks)), 320) == 0
    blocks = series(RNG(0), 320, 1, 0.8).reshape(10, 32, 1)
    assert clearest(sum(map(sums_of_neighbours, blocks)), 320) > 0.5


def test_where_warns_of_a_series_unless_it_is_in_blocks():
    x, y = series(RNG(0), 300, 1, 0.6), series(RNG(1), 300, 1, 0.6)
    assert "Neighbouring rows" in str(where(x, y, random_state=0))
    assert "Neighbouring rows" not in str(where(x, y, block_length=20, random_state=0))


def test_adverse_shift_warns_of_a_series_unless_it_is_in_blocks():
    x, y = series(RNG(0), 300)[:, 0], series(RNG(1), 300)[:, 0]
    assert "Neighbouring rows" in str(adverse_shift(x, y, random_state=0))
    found = adverse_shift(x, y, block_length=20, random_state=0)
    assert "Neighbouring rows" not in str(found)
    assert "Rows are remembered for about" in found.warnings[0]
    assert sum(found.sizes) < 600
    assert found.auc.over.endswith("groups")


def test_adverse_shift_of_a_series_in_blocks_holds_its_level():
    by_rows, in_blocks = [], []
    for seed in range(200):
        x, y = np.split(series(RNG(seed), 600)[:, 0], 2)
        options = {"permutations": 19, "random_state": seed}
        by_rows.append(adverse_shift(x, y, **options).adverse)
        in_blocks.append(adverse_shift(x, y, block_length=20, **options).adverse)
    assert np.mean(by_rows) > 0.15
    assert np.mean(in_blocks) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 200))


def test_accuracy_under_shift_warns_of_a_series_unless_groups_are_given():
    x, y = series(RNG(0), 300), series(RNG(1), 300)
    right = RNG(2).random(300) < 0.8
    told = str(accuracy_under_shift(x, y, right, random_state=0))
    assert "intervals are too short: give 'groups', in a series the numbers of long blocks" in told
    groups = np.arange(600) // 20
    assert not accuracy_under_shift(x, y, right, groups=groups, random_state=0).warnings
