"""A model's accuracy on a sample without labels, if only the inputs shift."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

from evidesk.methods.shift.weighting import accuracy_under_shift

RNG = np.random.default_rng


def right_with(x):
    """How likely the model is right."""
    return special.expit(1.5 - 1.5 * x)


def data(seed, delta, m=150, n=150):
    rng = RNG(seed)
    x, y = rng.standard_normal((m, 2)), rng.standard_normal((n, 2))
    y[:, 0] += delta
    return x, y, rng.random(m) < right_with(x[:, 0])


def truth(delta):
    grid = np.linspace(-8, 8, 4001)
    density = np.exp(-(grid**2) / 2)
    return float((right_with(grid + delta) * density).sum() / density.sum())


def test_it_follows_the_inputs():
    x, y, right = data(0, 1.0, 600, 500)
    found = accuracy_under_shift(x, y, right, random_state=0)
    assert found.estimate.low < truth(1.0) < found.estimate.high < found.reference.low
    assert found.reference.value == pytest.approx(right.mean())
    assert 100 < found.effective < 350
    assert found.outside < 0.1
    assert found.weights.mean() == pytest.approx(1)
    told = str(found)
    assert told.startswith("On the current sample: 0.")
    assert "if only the inputs have shifted" in told
    assert "rows." in told


@pytest.mark.slow
@pytest.mark.parametrize("delta", [0.0, 0.7])
def test_its_interval_covers(delta):
    held, bias = [], []
    for seed in range(50):
        found = accuracy_under_shift(*data(seed, delta), level=0.8, random_state=seed).estimate
        if found is None:  # once the weights are worth 29 rows
            continue
        held.append(found.low <= truth(delta) <= found.high)
        bias.append(found.value - truth(delta))
    assert len(held) >= 48
    assert np.mean(held) > 0.8 - 3 * np.sqrt(0.16 / 50)
    assert abs(np.mean(bias)) < 3 * np.std(bias) / np.sqrt(50) + 0.01


@pytest.mark.slow
def test_the_interval_of_a_loss_covers():
    held = []
    for seed in range(40):
        x, y, _ = data(seed, 0.5)
        loss = RNG(seed + 1000).exponential(np.exp(0.5 * x[:, 0]))
        expected = np.exp(0.25 + 0.125)
        found = accuracy_under_shift(x, y, loss, level=0.8, random_state=seed).estimate
        held.append(found.low <= expected <= found.high)
    assert np.mean(held) > 0.8 - 3 * np.sqrt(0.16 / 40)


def test_it_is_the_same_by_seed():
    first, second = (accuracy_under_shift(*data(0, 0.5), random_state=1) for _ in range(2))
    assert first.estimate == second.estimate


def test_a_model_that_is_always_right_has_a_bar_all_the_same():
    x, y, _ = data(0, 0.5)
    found = accuracy_under_shift(x, y, np.ones(150), random_state=0).estimate
    assert found.value == found.high == 1
    assert 0.9 < found.low < 0.99
    loss = accuracy_under_shift(x, y, np.full(150, 2.5), random_state=0).estimate
    assert loss.value == loss.low == loss.high == 2.5


def test_samples_that_are_apart_tell_nothing():
    x, y, right = data(0, 30.0)
    found = accuracy_under_shift(x, y, right, random_state=0)
    assert found.estimate is None
    assert found.reason.startswith("100 % of the current rows lie where the reference has none")
    assert "cannot be told. 100 %" in str(found)


def test_few_rows_of_weight_tell_nothing():
    x, y, right = data(0, 0.0, 25, 100)
    found = accuracy_under_shift(x, y, right, random_state=0)
    assert found.estimate is None
    assert "tells as little as 2" in found.reason


def test_groups_widen_the_bar():
    rng = RNG(0)
    groups = np.repeat(np.arange(60), 5)
    rows = 0.5 * rng.standard_normal((300, 2)) + 0.8 * rng.standard_normal((60, 2))[groups]
    loss = rng.standard_normal(60)[groups[:150]] + 0.1 * rng.standard_normal(150)
    x, y = rows[:150], rows[150:]
    by_row = accuracy_under_shift(x, y, loss, random_state=0).estimate
    by_group = accuracy_under_shift(x, y, loss, groups=groups, random_state=0).estimate
    assert by_group.half_width > 1.5 * by_row.half_width
    assert by_group.over == "60 groups"
    right = accuracy_under_shift(x, y, loss > 0, groups=groups, random_state=0)
    assert right.reference.over == "30 groups"


def test_categories_that_hardly_vary_are_no_hindrance():
    x = pd.DataFrame({"a": ["u"] * 149 + ["v"]})
    found = accuracy_under_shift(x, x[:100], np.arange(150) % 3 > 0, random_state=0)
    assert found.estimate.value == pytest.approx(2 / 3, abs=0.05)


@pytest.mark.parametrize(
    ("scores", "options", "error", "message"),
    [
        ([1, 0], {}, ValueError, "one score for each of the 150 rows"),
        ([np.nan] * 150, {}, ValueError, "must be finite"),
        (["right"] * 150, {}, TypeError, "must hold real numbers"),
        ([1] * 150, {"level": 95}, ValueError, "'level' parameter"),
        ([1] * 150, {"groups": np.repeat([1, 2], 150)}, ValueError, "Each of 5 folds needs rows"),
        ([1] * 150, {"random_state": 0.5}, ValueError, "'random_state' parameter"),
    ],
)
def test_what_makes_no_sense_is_refused(scores, options, error, message):
    x, y, _ = data(0, 0.0)
    with pytest.raises(error, match=message):
        accuracy_under_shift(x, y, scores, **options)
