"""Whether a shift does harm."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from evidesk.methods.shift import TooFewError
from evidesk.methods.shift.harm import WITHOUT_SHIFT, adverse_shift

RNG = np.random.default_rng


def test_the_statistic_is_the_weighted_area():
    x, y = RNG(0).integers(0, 12, 20).astype(float), RNG(1).integers(4, 16, 15).astype(float)
    cuts = np.unique(np.r_[x, y])[::-1]
    fpr = np.r_[0, [(x >= cut).mean() for cut in cuts]]
    tpr = np.r_[0, [(y >= cut).mean() for cut in cuts]]
    at = (np.arange(100_000) + 0.5) / 100_000
    expected = np.mean(np.interp(at, *_one_height(fpr, tpr)) * (1 - at) ** 2)
    assert adverse_shift(x, y, random_state=0).statistic == pytest.approx(expected, abs=1e-5)


def _one_height(fpr, tpr):
    """A curve without its vertical pieces, of which the highest point counts to the right."""
    steps = np.arange(len(fpr)) * 1e-12
    return fpr + steps, tpr


def test_worse_scores_are_found_and_better_ones_are_no_harm():
    x, y = RNG(0).standard_normal((2, 200))
    worse = adverse_shift(x, y + 0.6, random_state=0)
    assert worse.adverse
    assert worse.statistic > WITHOUT_SHIFT
    assert worse.auc.low > 0.5
    assert worse.auc.null_value == 0.5
    assert str(worse).startswith("The current scores are worse: p = 0.001 (")
    assert "Weighted area under the ROC curve (D-SOS): 0.1" in str(worse)
    better = adverse_shift(x, y - 0.5, random_state=0)
    assert better.p_value.value > 0.9
    assert str(better).startswith("No harm was found")


def test_the_worst_scores_count_most():
    x, y = RNG(0).standard_normal((2, 400))
    tail, middle = y.copy(), y.copy()
    tail[:40] = 4
    middle[:40] = 0.5
    assert adverse_shift(x, tail, random_state=0).adverse
    assert (
        adverse_shift(x, tail, random_state=0).statistic
        > adverse_shift(x, middle, random_state=0).statistic
    )


def test_samples_that_are_apart_have_the_largest_statistic():
    found = adverse_shift(np.arange(30.0), np.arange(30.0) + 100, random_state=0)
    assert found.statistic == pytest.approx(1 / 3)
    assert "few misplaced cases" in str(found)
    same = adverse_shift(np.zeros(30), np.zeros(30), random_state=0)
    assert same.statistic == pytest.approx(WITHOUT_SHIFT)
    assert same.p_value.value == 1


def test_its_level_holds_for_scores_with_ties():
    rejected = []
    for seed in range(500):
        rng = RNG(seed)
        x, y = rng.poisson(2, 40), rng.poisson(2, 25)
        rejected.append(adverse_shift(x, y, permutations=19, random_state=rng).adverse)
    # With ties it can only be lower.
    assert np.mean(rejected) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 500))


def test_its_level_holds_for_groups_where_that_of_rows_does_not():
    by_rows, by_groups = [], []
    groups = np.repeat(np.arange(20), 6)
    for seed in range(200):
        rng = RNG(seed)
        scores = rng.standard_normal(120) + 1.5 * rng.standard_normal(20)[groups]
        options = {"permutations": 19, "random_state": seed}
        x, y = scores[:60], scores[60:]
        by_rows.append(adverse_shift(x, y, **options).adverse)
        found = adverse_shift(x, y, groups=groups, **options)
        by_groups.append(found.adverse)
    assert found.auc.over == "20 groups"
    assert np.mean(by_rows) > 0.2
    assert np.mean(by_groups) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 200))


def test_groups_and_blocks_exclude_each_other():
    with pytest.raises(ValueError, match="either 'groups' or 'block_length'"):
        adverse_shift([1, 2], [3], groups=[1, 2, 3], block_length=1)


def test_many_rows_have_fewer_relabellings_and_a_strict_level_more():
    x, y = RNG(0).random((2, 10_001))
    assert len(adverse_shift(x, y, random_state=0).null) == 199
    assert len(adverse_shift(x[:20], y[:20], level=0.9995, random_state=0).null) == 1999


def test_the_plot_shows_the_observed_among_the_relabelled():
    found = adverse_shift(np.arange(30.0), np.arange(30.0) + 5, random_state=0)
    axes = found.plot()
    assert found.plot(axes) is axes
    assert "D-SOS" in axes.get_xlabel()
    plt.close(axes.figure)


@pytest.mark.parametrize(
    ("x", "options", "error", "message"),
    [
        ([], {}, ValueError, "'reference_scores' parameter has no scores"),
        ([1.0, np.nan], {}, ValueError, "'reference_scores' parameter must be finite"),
        ([[1.0]], {}, ValueError, "must have 1 dimension"),
        (["bad"], {}, TypeError, "must hold real numbers"),
        ([1.0] * 30, {"level": 0}, ValueError, "'level' parameter"),
        ([1.0] * 30, {"permutations": 18}, ValueError, "must be an integer from 19 on"),
        ([1.0] * 30, {"permutations": True}, ValueError, "Got True"),
        ([1.0] * 30, {"permutations": 99.5}, ValueError, "Got 99.5"),
        ([1.0] * 30, {"groups": [1]}, ValueError, "of each of the 60 rows"),
        ([1.0], {"level": 0.99}, TooFewError, "relabelled in 31 way"),
    ],
)
def test_what_makes_no_sense_is_refused(x, options, error, message):
    with pytest.raises(error, match=message):
        adverse_shift(x, np.arange(30.0), **options)


def test_an_empty_current_sample_is_refused():
    with pytest.raises(ValueError, match="'current_scores' parameter has no scores"):
        adverse_shift([1.0], [])
