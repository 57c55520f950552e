"""A saved watch goes on bit by bit, and a forged or damaged state is refused."""

import copy
import json

import numpy as np
import pytest

from evidesk.methods.shift.watch import ShiftWatch
from evidesk.methods.shift.watch_state import digest, pack
from tests.methods.shift.series import series
from tests.methods.shift.streams import RNG, mixed, normal


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
    one = ShiftWatch(normal(0, 300), level=0.9, controls=np.int64(2))
    one.update(normal(1, 60, 2.0))
    other = ShiftWatch.from_state(json.loads(json.dumps(one.state())))
    assert other.step == one.step
    assert other.result.level == 0.9
    assert other.update(normal(2, 5)).reference_left == 240 - 130


def test_a_watch_goes_on_from_a_state_without_likeness():
    one = ShiftWatch(series(RNG(0), 300, 1, 0.9))
    one.update(series(RNG(1), 64, 1, 0.9))
    assert len(ShiftWatch.from_state(one.state()).result.order_warnings) == 2
    body = one.state()
    for name in ("sha256", "alike", "neighbours", "compared"):
        del body[name]
    body["version"] = 1
    found = ShiftWatch.from_state({**body, "sha256": digest(body)})
    assert not found.result.order_warnings
    assert found.step == one.step
    more = normal(2, 40, d=1)
    assert found.update(more) == one.update(more)


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
        ({"version": 3}, "has version 3.* reads versions 1 and 2"),
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
    return pack(np.asarray(array))


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
    return {**body, "sha256": digest(body)}


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
        (("alike",), 1.5),
        (("neighbours",), packed(np.ones((3, 3)))),
        (("neighbours",), packed(np.outer([2, 1, 1], np.ones(4)))),
        (("compared",), -1),
        (("rows",), 39),
        (("rows",), True),
        (("path",), packed([0.0])),
        (("at",), packed(np.zeros(40, np.int64))),
    ],
)
def test_a_forged_state_is_refused(state, place, value):
    with pytest.raises(ValueError, match=r"This state of a ShiftWatch cannot be: '.*'"):
        ShiftWatch.from_state(other(state, place, value))
