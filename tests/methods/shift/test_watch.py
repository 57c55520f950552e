"""Watching a stream: false alarms, shifts, batches, and what is refused."""

import numpy as np
import pytest

from evidesk.methods.shift.watch import ShiftWatch
from tests.methods.shift.series import series
from tests.methods.shift.streams import RNG, mixed, normal, watched


def gains(result):
    """What each row has made of one unit of money."""
    return np.exp(np.diff(result.path, prepend=0.0))


def fair(all_gains):
    """Whether rows neither win nor lose on average, which is what the level rests on."""
    assert np.std(all_gains) > 0.02
    return abs(np.mean(all_gains) - 1) < 3 * np.std(all_gains) / np.sqrt(np.size(all_gains))


def test_without_a_shift_no_row_gains_and_alarms_are_rare():
    results = []
    for seed in range(100):
        rng = RNG((1, seed))
        x, y = rng.standard_normal((110, 2)), rng.standard_normal((64, 2))
        results.append(watched(x, y, level=0.8, random_state=seed))
    assert fair([gains(one) for one in results])
    alarmed = np.mean([one.alarm is not None for one in results])
    assert alarmed <= 0.2 + 3 * np.sqrt(0.16 / 100)


def test_so_with_categories_gaps_and_far_tails():
    results = []
    for seed in range(60):
        rng = RNG((2, seed))
        results.append(watched(mixed(rng, 110), mixed(rng, 64), level=0.8, random_state=seed))
    assert fair([gains(one) for one in results])
    alarmed = np.mean([one.alarm is not None for one in results])
    assert alarmed <= 0.2 + 3 * np.sqrt(0.16 / 60)


def test_what_is_fair_is_told_from_what_is_not():
    result = watched(normal(0, 500), normal(1, 200, 0.5))
    assert not fair(gains(result))


def test_a_shift_is_found_and_told():
    result = watched(normal(0, 500), normal(1, 200, 1.0))
    assert result.alarm < 60
    assert result.path[result.alarm - 1] >= np.log(20) > result.path[: result.alarm - 1].max()
    assert result.p_value == pytest.approx(np.exp(-result.path.max()))
    assert result.rows == result.bets == 200
    assert result.reference_left == 200
    told = str(result).splitlines()
    assert told[0].startswith(f"The stream has shifted: alarm at row {result.alarm} of 200 (any-ti")
    assert "at most 5 %" in told[1]
    assert told[2].startswith("  seen best in: means (")
    assert len(told) == 3
    assert max(result.shares, key=result.shares.get) == "means"
    assert sum(result.shares.values()) < 1


def test_a_shift_of_correlation_is_seen_in_products_and_not_in_means():
    stream = normal(1, 400)
    stream[:, 1] = 0.7 * stream[:, 0] + np.sqrt(0.51) * stream[:, 1]
    result = watched(normal(0, 700), stream)
    assert result.alarm is not None
    assert result.shares["products"] > 10 * result.shares["means"]
    assert result.shares["products"] > 10 * result.shares["ranks"]


def test_a_late_shift_is_found_soon():
    stream = np.concatenate([normal(1, 600), normal(2, 200, 1.0)])
    assert 600 < watched(normal(0, 1_200), stream).alarm < 680


def test_more_controls_are_used_while_there_are_many():
    found = ShiftWatch(normal(0, 5_000))
    assert found.update(normal(1, 1)).reference_left == 4_500 - 4
    assert ShiftWatch(normal(0, 5_000), controls=2).update(normal(1, 1)).reference_left == 4_498


def test_no_shift_is_told_as_none_found():
    found = ShiftWatch(normal(0, 200))
    assert found.step.log_wealth == 0
    assert found.step.p_value == 1
    found.update(normal(1, 60))
    assert str(found).startswith("No shift was found in 60 rows (any-time p = ")


@pytest.mark.parametrize("cut", [1, 7, 32, 50])
def test_batches_make_no_difference(cut):
    stream = normal(1, 100, 0.5)
    one = ShiftWatch(normal(0, 300))
    for begin in range(0, 100, cut):
        one.update(stream[begin : begin + cut])
    whole = ShiftWatch(normal(0, 300))
    whole.update(stream)
    assert one.state() == whole.state()
    np.testing.assert_array_equal(one.result.path, whole.result.path)


def test_it_is_the_same_by_seed_and_leaves_its_input_alone():
    x, y = normal(0, 200), normal(1, 50)
    before = x.copy(), y.copy()
    paths = [watched(x, y, random_state=seed).path for seed in (3, 3, 4)]
    np.testing.assert_array_equal(paths[0], paths[1])
    assert not np.array_equal(paths[0], paths[2])
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_a_used_up_reference_is_said_and_can_be_filled_up():
    found = ShiftWatch(normal(0, 60))
    step = found.update(normal(1, 80))
    assert (step.rows, step.bets, step.reference_left) == (80, 48, 0)
    assert found.update(normal(2, 5)).rows == 85
    assert "37 row(s) of the stream were not bet on" in str(found)
    assert "needs 1 of its row(s), and 0 are left" in str(found)
    found.add_reference(normal(3, 100))
    assert "was used up before more of it was added: 37 row(s)" in str(found)
    assert found.step.reference_left == 100
    assert found.update(normal(4, 50, 1.5)).bets == 98
    result = found.result
    assert result.alarm > 85
    assert result.at[47] == 48
    assert result.at[48] == 86
    assert ShiftWatch.from_state(found.state()).state() == found.state()


def test_what_is_left_of_the_reference_can_be_too_little_for_a_row():
    found = ShiftWatch(normal(0, 60), controls=18)
    assert found.update(normal(1, 3)).reference_left == 12
    assert "needs 18 of its row(s), and 12 are left" in str(found)


def test_neighbours_that_are_alike_are_told():
    rng = RNG(0)
    rows = series(rng, 3_000, 1, 0.9)
    result = watched(rows[:2_000], rows[2_000:])
    assert len(result.order_warnings) == 2
    assert "of the reference are alike (correlation 0.9" in result.warnings[0]
    assert "of the stream are alike" in result.warnings[1]
    assert "alarms come without a shift" in result.warnings[1]
    independent = rng.permutation(rows)
    assert not watched(independent[:2_000], independent[2_000:]).warnings
    # A shift is no dependence.
    assert not watched(normal(0, 1_000), np.r_[normal(1, 96), normal(2, 96, 3.0)]).warnings
    found = ShiftWatch(independent[:200])
    found.add_reference(rows[:200])
    assert "of the reference are alike" in found.result.warnings[0]


def test_a_batch_of_digits_is_text_if_the_reference_is():
    kinds = RNG(0).choice(["12", "7.5", "b", None], 300)
    digits = ShiftWatch({"kind": kinds})
    texts = ShiftWatch({"kind": kinds})
    digits.update({"kind": [12, 7.5, np.nan, 12]})
    texts.update({"kind": ["12", "7.5", None, "12"]})
    assert digits.state() == texts.state()


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        (normal(0, 3, d=3), ValueError, "only the batch has 'x2'"),
        (normal(0, 3, d=1), ValueError, "only the reference has 'x1'"),
        ([["a", "b"]], ValueError, "'x0' is numeric in the reference and categorical in the batch"),
        (np.zeros((0, 2)), ValueError, "'batch' has no rows"),
        ([[np.inf, 1.0]], ValueError, "'batch' has 1 infinite number"),
        ("text", TypeError, "'batch' must be a data frame or an array"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused_and_changes_nothing(batch, error, message):
    found = ShiftWatch(normal(0, 200))
    found.update(normal(1, 40))
    before = found.state()
    with pytest.raises(error, match=message):
        found.update(batch)
    with pytest.raises(error):
        found.add_reference(batch)
    assert found.state() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 1.0}, "'level' parameter must be a number in the range"),
        ({"level": "0.95"}, "'level' parameter must be a number in the range"),
        ({"controls": 0}, "'controls' parameter must be None or an integer from 1"),
        ({"controls": True}, "'controls' parameter must be None or an integer from 1"),
        ({"controls": 1.5}, "'controls' parameter must be None or an integer from 1"),
        ({"controls": 41}, "must be at most 40 with a reference of 50 rows"),
        ({"random_state": "seed"}, "'random_state' parameter"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ShiftWatch(normal(0, 50), **options)


def test_a_reference_of_few_rows_is_refused():
    with pytest.raises(ValueError, match="needs 20 rows or more, got 19"):
        ShiftWatch(normal(0, 19))
