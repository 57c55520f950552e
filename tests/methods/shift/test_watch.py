"""Watching a stream: false alarms, shifts, saved states, and what is refused."""

import copy
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from evidesk.methods.shift import watch as module
from evidesk.methods.shift.watch import ShiftWatch

RNG = np.random.default_rng


def normal(seed, n, shift=0.0, d=2):
    rows = RNG(seed).standard_normal((n, d))
    rows[:, 0] += shift
    return rows


def mixed(rng, n, kinds="abc"):
    return pd.DataFrame(
        {
            "heavy": np.where(rng.random(n) < 0.1, np.nan, rng.standard_cauchy(n)),
            "kind": rng.choice(list(kinds), n),
            "count": rng.poisson(1, n),
        }
    )


def watched(reference, stream, **options):
    found = ShiftWatch(reference, **options)
    found.update(stream)
    return found.result


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


@pytest.mark.parametrize("at", [0, 1, 32, 75])
def test_a_saved_watch_goes_on_bit_by_bit(at):
    rng = RNG(0)
    reference, stream = mixed(rng, 300), mixed(rng, 150, "abd")
    whole = ShiftWatch(reference)
    whole.update(stream)
    first = ShiftWatch(reference)
    if at:
        first.update(stream[:at])
    text = json.dumps(first.state(), allow_nan=False)
    second = ShiftWatch.from_state(json.loads(text))
    assert json.dumps(second.state()) == text
    assert second.step == first.step
    second.update(stream[at:])
    np.testing.assert_array_equal(second.result.path, whole.result.path)
    assert second.state() == whole.state()
    assert second.step == whole.step


def test_a_saved_watch_keeps_its_parameters_and_its_alarm():
    one = ShiftWatch(normal(0, 300), level=0.9, controls=2)
    one.update(normal(1, 60, 2.0))
    other = ShiftWatch.from_state(one.state())
    assert other.step == one.step
    assert other.result.level == 0.9
    assert other.update(normal(2, 5)).reference_left == 240 - 130


def test_a_used_up_reference_is_said_and_can_be_filled_up():
    found = ShiftWatch(normal(0, 60))
    step = found.update(normal(1, 80))
    assert (step.rows, step.bets, step.reference_left) == (80, 48, 0)
    assert found.update(normal(2, 5)).rows == 85
    assert "37 row(s) of the stream were not bet on" in str(found)
    found.add_reference(normal(3, 100))
    assert found.step.reference_left == 100
    assert found.update(normal(4, 50, 1.5)).bets == 98
    result = found.result
    assert result.alarm > 85
    assert result.at[47] == 48
    assert result.at[48] == 86
    assert ShiftWatch.from_state(found.state()).state() == found.state()


def test_new_categories_gaps_and_values_are_seen():
    n = 120
    reference = {
        "text": ["a", "b"] * n,
        "one": ["x"] * (2 * n),
        "gap": [None] * (2 * n),
        "same": [5.0] * (2 * n),
        "whole": list(range(2 * n)),
    }
    usual = {name: values[:n] for name, values in reference.items()}
    usual["whole"] = list(RNG(0).integers(0, 2 * n, n))
    assert watched(reference, usual).alarm is None
    for changed in (
        {"text": ["c"] * n},
        {"text": [None] * n},
        {"one": ["y"] * n},
        {"one": [np.nan] * n},
        {"gap": [1.0] * n},
        {"gap": ["q"] * n},
        {"same": [5.0 + 1e-9] * n},
        {"same": [1e308] * n},
        {"whole": [None] * n},
    ):
        result = watched(reference, usual | changed)
        assert result.alarm is not None, changed
        assert result.alarm < 40


def test_a_constant_reference_has_only_means():
    found = ShiftWatch({"same": ["x", None][:1] * 30})
    assert set(found.result.shares) == {"means"}
    assert ShiftWatch.from_state(found.state()).state() == found.state()
    assert set(ShiftWatch({"gone": np.array([None] * 29 + ["a"])}).result.shares) <= {
        "means", "products", "ranks", "distance 0.2", "distance 0.5", "distance 1"
    }  # fmt: skip


def test_a_huge_wealth_prints():
    result = watched(normal(0, 2_500), normal(1, 1_900, 50.0), controls=1)
    assert result.log_wealth > 709
    assert result.e_value == np.inf
    assert result.p_value == 0 or result.p_value < 1e-300
    assert "e-value inf" in str(result)


def test_the_plot_shows_the_path_and_the_alarm():
    found = ShiftWatch(normal(0, 300))
    found.update(normal(1, 100, 1.5))
    axes = found.plot()
    assert len(axes.lines) == 3
    assert axes.get_ylabel() == "Log e-value"
    assert axes.lines[1].get_ydata()[0] == pytest.approx(np.log(20))
    calm = ShiftWatch(normal(0, 300)).plot(plt.figure().gca())
    assert len(calm.lines) == 2
    plt.close("all")


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        (normal(0, 3, d=3), ValueError, "only the current sample has 'x2'"),
        (normal(0, 3, d=1), ValueError, "only the reference has 'x1'"),
        ([["a", "b"]], ValueError, "'x0' is numeric in the reference and categorical"),
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
        ({"level": 1.0}, "'level' parameter must lie between 0 and 1"),
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


@pytest.fixture(scope="module")
def state():
    found = ShiftWatch(normal(0, 60))
    found.update(normal(1, 40))
    return found.state()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, "no state of a ShiftWatch"),
        ({}, "no state of a ShiftWatch"),
        ({"format": "other"}, "no state of a ShiftWatch"),
        ({"version": 2}, "has version 2.* reads version 1"),
        ({"rows": 41}, "damaged"),
        ({"level": float("nan")}, "damaged"),
        ({"level": {1, 2}}, "damaged"),
    ],
)
def test_what_is_no_state_is_refused(state, change, message):
    given = change and {**state, **change}
    with pytest.raises(ValueError, match=message):
        ShiftWatch.from_state(given)


def packed(array):
    return module._pack(np.asarray(array))


def other(state, place, value):
    """The state with another value at a place, and a digest that fits."""
    body = copy.deepcopy(state)
    del body["sha256"]
    inner = body
    for step in place[:-1]:
        inner = inner[step]
    if value is KeyError:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return {**body, "sha256": module._digest(body)}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("level",), 1.0),
        (("level",), "0.9"),
        (("controls",), 0),
        (("columns",), []),
        (("columns",), 3),
        (("columns",), KeyError),
        (("columns", 0), 3),
        (("columns", 0, "name"), 3),
        (("columns", 0, "name"), "x1"),
        (("columns", 0, "kind"), "other"),
        (("columns", 0, "kind"), "categorical"),
        (("columns", 0, "levels"), ["a"]),
        (("columns", 0, "levels"), [3]),
        (("columns", 0, "scale"), 0.0),
        (("columns", 0, "centre"), None),
        (("columns", 0, "is_empty"), 1),
        (("known",), KeyError),
        (("known", "dtype"), "<f8"),
        (("known", "shape"), [12, 3]),
        (("known", "shape"), [12.0, 4]),
        (("known", "shape"), [48]),
        (("known", "shape"), [-12, 4]),
        (("known", "data"), 3),
        (("known", "data"), "not base 64!"),
        (("known", "data"), "AAAA"),
        (("known",), packed(np.full((12, 4), np.nan, np.float32))),
        (("known",), packed(np.full((12, 4), 9, np.float32))),
        (("known",), packed(np.ones((2, 4), np.float32))),
        (("current",), packed(np.ones((32, 4), np.float32))),
        (("unused",), packed(np.ones((2, 4), np.float32))),
        (("size",), 0),
        (("random",), None),
        (("random", "first"), packed(np.ones((3, 3), np.float32))),
        (("random", "wave0"), KeyError),
        (("random", "wave0"), packed(np.ones((2, 0), np.float32))),
        (("learners",), []),
        (("learners", 0), None),
        (("learners", 0, "weight"), packed([-1.0, 1.0])),
        (("learners", 0, "reference"), packed([1.0])),
        (("learners", 0, "controls"), -1),
        (("shares",), packed([1.0])),
        (("shares",), packed(np.zeros(25))),
        (("log_wealth",), 5.0),
        (("blocks",), 2),
        (("rows",), 39),
        (("rows",), True),
        (("path",), packed([0.0])),
        (("at",), packed(np.zeros(40, np.int64))),
    ],
)
def test_a_forged_state_is_refused(state, place, value):
    with pytest.raises(ValueError, match=r"This state of a ShiftWatch cannot be: '.*'"):
        ShiftWatch.from_state(other(state, place, value))
