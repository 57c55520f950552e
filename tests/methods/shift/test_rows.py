"""Rows that are unlike the reference, and the log-density ratio behind them."""

import numpy as np
import pytest

from evidesk.methods.shift.density import DensityRatio, folds_of
from evidesk.methods.shift.discovery import false_discovery
from evidesk.methods.shift.relabelling import Relabelling
from evidesk.methods.shift.rows import (
    conformal_p_values,
    cross_fitted,
    row_evidence,
    too_few_to_tell,
)
from evidesk.methods.shift.samples import Samples

RNG = np.random.default_rng


def pooled(delta, m, n, d=2, seed=0):
    rng = RNG(seed)
    y = rng.standard_normal((n, d))
    y[:, 0] += delta
    return Samples.of(rng.standard_normal((m, d)), y)


def rule_of(samples, seed=0):
    everything = np.ones(samples.n, dtype=bool)
    return DensityRatio.learn(samples, everything, samples.is_current, RNG(seed))


@pytest.mark.parametrize(("delta", "error"), [(0.0, 0.25), (1.0, 0.35)])
def test_the_ratio_is_that_of_the_densities(delta, error):
    samples = pooled(delta, 600, 300)
    rows = RNG(1).standard_normal((500, 2))
    truth = delta * rows[:, 0] - delta**2 / 2
    found = rule_of(samples)(samples.encode(rows))
    assert np.sqrt(np.mean((found - truth) ** 2)) < error


def test_the_ratio_is_limited_where_the_samples_are_apart():
    samples = pooled(50.0, 60, 40)
    found = rule_of(samples)(samples.design)
    assert np.abs(found).max() <= np.log(40)
    assert found[samples.is_current].min() > found[~samples.is_current].max()


def test_rows_that_are_all_the_same_say_nothing():
    x = np.zeros((40, 1))
    x[0] = 1
    samples = Samples.of(x, np.zeros((20, 1)))
    rows = np.arange(60) > 0  # without the only row that differs
    rule = DensityRatio.learn(samples, rows, samples.is_current, RNG(0))
    np.testing.assert_allclose(rule(samples.design), 0, atol=1e-4)


def test_cross_fitted_ratios_know_nothing_of_their_own_row():
    samples = pooled(0.0, 100, 100, 5)
    found = cross_fitted(samples, Relabelling.of_rows(samples.is_current), 5, RNG(0))
    gap = found[samples.is_current].mean() - found[~samples.is_current].mean()
    assert abs(gap) < 0.3


def test_folds_hold_whole_groups_and_both_samples():
    is_current = np.arange(60) >= 30
    group = np.arange(60) // 3
    folds = folds_of(group, is_current, 5, RNG(0))
    assert len(np.unique(folds[::3])) == 5
    np.testing.assert_array_equal(folds, folds[group * 3])
    with pytest.raises(ValueError, match="Each of 5 folds needs rows"):
        folds_of(np.arange(60) // 20, is_current, 5, RNG(0))
    with pytest.raises(ValueError, match="Each of 5 folds needs rows"):
        folds_of(np.arange(31), np.arange(31) >= 30, 5, RNG(0))


def test_conformal_p_values_count_the_row_itself():
    found = conformal_p_values(np.array([3.0, 1.0, 2.0]), np.array([4.0, 2.0, 0.0]))
    np.testing.assert_allclose(found, [0.25, 0.75, 1.0])


def test_the_false_discovery_rate_among_rows_holds_and_strange_rows_are_found():
    wrong, found, null = [], [], []
    for seed in range(50):
        samples = pooled(0.0, 150, 80, 2, seed)
        design = samples.design.copy()
        strange = np.flatnonzero(samples.is_current)[:16]
        design[strange] = 0.3 * RNG(seed).standard_normal((16, 2)) + 4.5
        samples = Samples.of(design[:150], design[150:])
        rows = row_evidence(
            samples, Relabelling.of_rows(samples.is_current), np.zeros(230), 0.2, "bh", RNG(seed)
        )
        wrong.append((rows.unlike >= 16).sum() / max(len(rows.unlike), 1))
        found.append((rows.unlike < 16).sum() / 16)
        null.append((rows.p_values[16:] <= 0.1).mean())
    assert rows.calibrated_on == 75
    assert np.mean(wrong) < 0.2 * 64 / 80 + 3 * np.std(wrong) / np.sqrt(50)
    assert np.mean(found) > 0.8
    assert np.mean(null) < 0.1 + 3 * np.std(null) / np.sqrt(50)


@pytest.mark.parametrize(("alpha", "enough"), [(0.05, 37), (0.1, 17), (0.2, 7)])
def test_too_few_rows_to_tell_any_are_said(alpha, enough):
    for size in (enough - 1, enough):
        samples = pooled(0.0, size, 30)
        relabelling = Relabelling.of_rows(samples.is_current)
        found = row_evidence(samples, relabelling, np.zeros(samples.n), alpha, "bh", RNG(0))
        largest = conformal_p_values(np.zeros(found.calibrated_on), np.ones(30))
        told = too_few_to_tell(found.calibrated_on, alpha)
        assert (false_discovery(largest) > alpha + 1e-12).all() == (told != "") == (size < enough)
        assert not told or f"Give a reference of {enough} rows or more" in told
