"""Adjusted p-values of many tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evidesk.methods.metrics import holm, max_t


def slow_holm(p_values):
    """By the definition: the largest of (m - k) p over all that come before in order."""
    adjusted = []
    for p in p_values:
        before = sorted(q for q in p_values if q <= p)
        factors = range(len(p_values), 0, -1)
        adjusted.append(min(max(f * q for f, q in zip(factors, before, strict=False)), 1))
    return adjusted


@given(st.lists(st.sampled_from([0.0, 1e-30, 0.001, 0.01, 0.02, 0.04, 0.5, 1.0]), max_size=8))
def test_holm_is_as_defined(p_values):
    assert holm(p_values).tolist() == pytest.approx(slow_holm(p_values))


def test_holm_keeps_the_shape():
    assert holm([[0.01, 0.04], [0.03, 0.005]]) == pytest.approx(
        np.array([[0.03, 0.06], [0.06, 0.02]])
    )
    assert holm(0.03) == 0.03
    assert holm([]).shape == (0,)


@pytest.mark.parametrize(
    ("p_values", "error"),
    [
        ([0.1, 1.1], ValueError),
        ([-0.1], ValueError),
        ([float("nan")], ValueError),
        (["a"], TypeError),
    ],
)
def test_what_is_no_p_value_is_refused(p_values, error):
    with pytest.raises(error, match="'p_values' parameter"):
        holm(p_values)


def pairs_of(values, covariance):
    own = np.diag(covariance)
    error = np.sqrt(own[:, None] + own - 2 * covariance + np.eye(len(values)))
    return 2 * stats.norm.sf(np.abs(values[:, None] - values) / error)


def test_max_t_of_two_models_is_their_own_p_value():
    p = pairs_of(np.array([0.0, 2.0]), np.eye(2))
    found = max_t(p, np.eye(2), 1e9, resamples=40_000, random_state=0)
    assert found[0, 1] == found[1, 0] == pytest.approx(p[0, 1], abs=0.006)
    assert np.all(np.diag(found) == 1)


def test_max_t_of_equal_variances_is_tukeys_range_first_and_steps_down():
    values = np.array([0.0, 0.4, 1.0, 3.9])
    p = pairs_of(values, np.eye(4))
    found = max_t(p, np.eye(4), 1e9, resamples=60_000, random_state=0)
    assert found[0, 3] == pytest.approx(stats.studentized_range.sf(3.9, 4, np.inf), abs=0.003)
    assert np.all(found >= p - 0.01)
    assert np.all(found <= holm(p[np.triu_indices(4, 1)]).max() + 0.01)
    order = np.argsort(p[np.triu_indices(4, 1)])
    assert np.all(np.diff(found[np.triu_indices(4, 1)][order]) >= 0)
    # The last that stands is tested alone.
    assert found[0, 1] == found[np.triu_indices(4, 1)].max()


def test_models_that_are_alike_cost_less_with_max_t():
    rng = np.random.default_rng(0)
    covariance = np.cov(
        rng.normal(size=(6, 400)) * 0.1 + np.repeat(rng.normal(size=(2, 400)), 3, 0)
    )
    p = pairs_of(np.array([0, 0, 0, 3.0, 3, 3]), covariance)
    found = max_t(p, covariance, 1e9, resamples=5000, random_state=0)
    bonferroni = np.minimum(15 * p, 1)
    assert found[0, 3] < 0.6 * bonferroni[0, 3]


def test_few_units_shrink_the_covariance():
    rng = np.random.default_rng(0)
    covariance = np.cov(rng.normal(size=(20, 4)))  # of rank 3
    p = np.full((20, 20), 0.004)
    singular = max_t(p, covariance, 1e9, resamples=2000, random_state=0)[0, 1]
    shrunk = max_t(p, covariance, 4, resamples=2000, random_state=0)[0, 1]
    assert shrunk > 2 * singular


def test_a_model_and_its_copy_are_never_told_apart():
    covariance = np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]])
    p = np.array([[1, 1, 0.01], [1, 1, 0.01], [0.01, 0.01, 1]])
    found = max_t(p, covariance, 1e9, resamples=20_000, random_state=0)
    assert found[0, 1] == 1
    assert found[0, 2] == pytest.approx(0.01, abs=0.003)


def test_the_same_seed_gives_the_same_p_values():
    p = pairs_of(np.array([0.0, 1.0, 2.0]), np.eye(3))
    first, again, other = (
        max_t(p, np.eye(3), 50, resamples=500, random_state=seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_batches_do_not_matter(monkeypatch):
    p = pairs_of(np.array([0.0, 1.0, 2.0]), np.eye(3))
    whole = max_t(p, np.eye(3), 50, resamples=500, random_state=1)
    monkeypatch.setattr("evidesk.methods.metrics.multiple._BATCH", 8 * 3 * 7)
    assert np.array_equal(max_t(p, np.eye(3), 50, resamples=500, random_state=1), whole)


@pytest.mark.parametrize("resamples", [99, 1000.0, "many"])
def test_too_few_resamples(resamples):
    with pytest.raises(ValueError, match="'resamples' parameter must be an integer of 100 or more"):
        max_t(np.ones((2, 2)), np.eye(2), 50, resamples=resamples)
