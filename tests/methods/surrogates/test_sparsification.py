"""The area under the sparsification error."""

import numpy as np
import pytest

from evidesk.methods.surrogates.sparsification import sparsification


def predictions(n, rng):
    std = rng.uniform(0.5, 2, n)
    return std * rng.normal(size=n), np.zeros(n), std


def area(y, std):
    """By the definition, with loops."""
    errors = np.abs(y)
    total, n = errors.mean(), len(y)
    found = 0.0
    for order, sign in ((np.argsort(-std), 1), (np.argsort(-errors), -1)):
        found += sign * sum(errors[order[k:]].mean() for k in range(n)) / n
    return found / total


def test_it_is_the_area_between_two_curves():
    y, mean, std = predictions(60, np.random.default_rng(0))
    found = sparsification(y, mean, std)
    assert found.area.value == pytest.approx(area(y, std))
    assert found.by_spread[0] == found.by_error[0] == pytest.approx(1)
    assert np.mean(found.by_spread - found.by_error) == pytest.approx(found.area.value)
    assert 0 < found.area.value < found.at_random


def test_spreads_that_know_and_spreads_that_do_not():
    rng = np.random.default_rng(1)
    y, mean, _ = predictions(2_000, rng)
    known = sparsification(y, mean, np.abs(y) + 1e-9)
    assert known.area.value == pytest.approx(0, abs=1e-12)
    guessed = sparsification(y, mean, rng.uniform(1, 2, 2_000))
    assert guessed.area.low < guessed.at_random < guessed.area.high


@pytest.mark.parametrize("grouped", [False, True])
def test_its_interval_holds_the_population(grouped):
    rng = np.random.default_rng(2)
    y, mean, std = predictions(400_000, rng)
    true = sparsification(y, mean, std).area.value
    held = 0
    for _ in range(150):
        if grouped:  # each row five times over
            y, mean, std = (np.repeat(part, 5) for part in predictions(200, rng))
            found = sparsification(y, mean, std, groups=np.repeat(np.arange(200), 5)).area
            assert found.over == "200 groups"
        else:
            found = sparsification(*predictions(200, rng)).area
        held += found.low <= true <= found.high
    assert 0.89 <= held / 150 <= 0.99


def test_the_bootstrap_agrees():
    from evidesk.methods.surrogates.sparsification import evaluation_of

    y, mean, std = predictions(300, np.random.default_rng(3))
    evaluation = evaluation_of(np.abs(y - mean), std, None)
    drawn = evaluation.estimates(method="percentile", resamples=500, random_state=0)["std"]
    linear = evaluation.estimates()["std"]
    assert drawn.half_width == pytest.approx(linear.half_width, rel=0.15)


def test_several_outputs():
    rng = np.random.default_rng(4)
    y, std = rng.normal(size=(50, 3)), rng.uniform(1, 2, (50, 3))
    found = sparsification(y, np.zeros((50, 3)), std)
    expected = sparsification(np.abs(y).mean(axis=1), np.zeros(50), std.mean(axis=1))
    assert found.area == expected.area


def test_what_is_refused():
    with pytest.raises(ValueError, match="All predictions are exact"):
        sparsification(np.ones(5), np.ones(5), np.ones(5))
    with pytest.raises(ValueError, match="at least two rows"):
        sparsification([1.0], [0.0], [1.0])


def test_what_it_shows():
    y, mean, std = predictions(100, np.random.default_rng(5))
    found = sparsification(y, mean, std)
    assert "if they say nothing" in str(found)
    axes = found.plot()
    assert found.plot(axes) is axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), found.by_spread)
