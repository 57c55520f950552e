"""Whatever the stream brings becomes numbers: new categories, gaps and far values."""

import numpy as np

from evidesk.methods.shift.watch import ShiftWatch
from tests.methods.shift.streams import RNG, watched


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
