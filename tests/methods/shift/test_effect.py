"""How large a shift is, with error bars that hold with and without one."""

import numpy as np
import pytest
from scipy import stats

from evidesk.methods.shift import effect, two_sample_test, where
from evidesk.methods.shift.relabelling import Relabelling
from evidesk.methods.shift.samples import Samples

RNG = np.random.default_rng


def pair(delta, m=300, n=200, seed=0):
    rng = RNG(seed)
    x, y = rng.standard_normal((m, 2)), rng.standard_normal((n, 2))
    y[:, 0] += delta
    return Samples.of(x, y)


def rows(samples):
    return Relabelling.of_rows(samples.is_current)


def test_the_auroc_of_held_out_rows_is_that_of_the_best_rule():
    samples = pair(1.0, 4000, 4000)
    found = effect.held_out(samples, rows(samples), RNG(0))
    assert len(found.rows) == 4000
    area, variation, _ = effect.separation(found, 0.95)
    assert area.value == pytest.approx(stats.norm.cdf(1 / np.sqrt(2)), abs=0.02)
    assert area.null_value == 0.5
    assert area.low > 0.5
    true_variation = 2 * stats.norm.cdf(0.5) - 1
    assert variation.low < true_variation < variation.high == 1
    assert variation.low > 0.8 * true_variation


def test_few_rows_to_judge_by_are_told():
    samples = pair(1.0, 40, 8)
    told = effect.separation(effect.held_out(samples, rows(samples), RNG(0)), 0.95)[2]
    assert "tested on 20 row(s) of the reference and 4 of the current sample" in told[-1]
    samples = pair(1.0, 40, 40)
    assert not effect.separation(effect.held_out(samples, rows(samples), RNG(0)), 0.95)[2]


def test_of_many_rows_a_part_is_learnt_from_and_the_other_half_is_judged(monkeypatch):
    samples = pair(1.0, 2000, 2000)
    whole = effect.held_out(samples, rows(samples), RNG(0))
    monkeypatch.setattr(effect, "MOST_LEARNT", 200)
    found = effect.held_out(samples, rows(samples), RNG(0))
    assert found.rows.tolist() == whole.rows.tolist()
    assert not np.array_equal(found.scores, whole.scores)
    assert effect.separation(found, 0.95)[0].value == pytest.approx(0.76, abs=0.03)


def test_of_a_scarce_sample_no_row_is_thrown_away():
    is_current = np.arange(1000) >= 990
    learn = np.arange(0, 1000, 2)
    found = effect.thinned(learn, is_current, 100, RNG(0))
    assert len(found) == 100
    assert set(found) <= set(learn)
    assert is_current[found].sum() == 5
    half = effect.thinned(np.arange(1000), np.arange(1000) < 400, 100, RNG(0))
    assert (half < 400).sum() == 50
    assert len(np.unique(half)) == 100
    np.testing.assert_array_equal(effect.thinned(learn, is_current, 500, RNG(0)), learn)


@pytest.mark.parametrize("delta", [0.1, 0.2])
@pytest.mark.parametrize("n", [50, 500])
def test_the_level_of_an_auroc_beyond_a_bound_holds(delta, n):
    is_current = np.arange(2 * n) >= n
    rejected = []
    for seed in range(400):
        scores = RNG(seed).standard_normal(2 * n)
        scores[is_current] += np.sqrt(2) * stats.norm.ppf(0.5 + delta)
        held = effect.HeldOut(np.arange(2 * n), scores, is_current, 0.0, None)
        rejected.append(effect.beyond(held, 0.5 + delta, 0.95).value <= 0.05)
    assert np.mean(rejected) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 400))


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 50.0, -50.0])
@pytest.mark.parametrize("bound", [0.55, 0.7, 0.999])
def test_its_p_value_is_the_verdict_of_the_interval_at_every_level(shift, bound):
    is_current = np.arange(70) >= 40
    scores = RNG(3).standard_normal(70) + shift * is_current
    groups = np.arange(70) // 2
    for held in (
        effect.HeldOut(np.arange(70), scores, is_current, 0.0, None),
        effect.HeldOut(np.arange(70), scores, is_current, 0.0, groups),
    ):
        p = effect.beyond(held, bound, 0.95).value
        assert 0 < p < 1
        assert effect.beyond(held, bound, 0.5).value == p
        for alpha in (1e-6, 0.001, 0.01, 0.05, 0.2, 0.45):
            low = effect.separation(held, 1 - 2 * alpha)[0].low
            assert (p <= alpha) == (low >= bound)


def test_of_many_rows_its_p_value_is_as_far_as_levels_have_digits():
    is_current = np.arange(4000) >= 2000
    scores = RNG(0).standard_normal(4000) + is_current
    held = effect.HeldOut(np.arange(4000), scores, is_current, 0.0, None)
    assert effect.beyond(held, 0.55, 0.95).value == pytest.approx(1e-15)
    assert effect.beyond(held, 0.95, 0.95).value == pytest.approx(1, abs=1e-12)


def test_the_test_and_the_curve_beside_it_tell_of_the_same_rows():
    rng = RNG(2)
    x, y = rng.standard_normal((150, 3)), rng.standard_normal((120, 3)) + 0.4
    area = two_sample_test(x, y, random_state=5).auc
    assert where(x, y, random_state=5).roc.area.value == pytest.approx(area.value)


def test_the_auroc_covers_one_half_without_a_shift():
    covered = []
    for seed in range(150):
        samples = pair(0, 100, 80, seed)
        found = effect.held_out(samples, rows(samples), RNG(seed))
        area, variation, _ = effect.separation(found, 0.9)
        covered.append((area.low <= 0.5 <= area.high, variation.low == 0))
    share, none = np.mean(covered, axis=0)
    assert share == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / 150))
    assert none > 0.9


def test_the_energy_distance_covers_with_and_without_a_shift():
    # Of two normal distributions in one dimension: 2 E|X - Y| - E|X - X'| - E|Y - Y'|.
    for delta in (0.0, 0.7):
        covered = []
        for seed in range(200):
            rng = RNG(seed)
            samples = Samples.of(rng.standard_normal(120), rng.standard_normal(80) + delta)
            # In units of the pooled standard deviation.
            scale = samples.features[0].scale
            z = delta / np.sqrt(2)
            between = np.sqrt(2) * (2 * stats.norm.pdf(z) + z * (2 * stats.norm.cdf(z) - 1))
            truth = 2 * (between - 2 / np.sqrt(np.pi)) / scale
            found = effect.energy_distance(samples, rows(samples), 0.9, rng)
            covered.append(found.low <= truth <= found.high)
        assert np.mean(covered) > 0.9 - 3 * np.sqrt(0.09 / 200)
        # Without a shift, an interval whose mean lay below 0 always covers.
        assert not delta or np.mean(covered) < 0.9 + 3 * np.sqrt(0.09 / 200)


def test_an_exact_copy_has_a_possible_energy_distance():
    rows_of_both = RNG(0).standard_normal((60, 2))
    samples = Samples.of(rows_of_both, rows_of_both)
    found = effect.energy_distance(samples, rows(samples), 0.95, RNG(0))
    assert found.value == found.low == 0
    assert found.high > 0.05


def test_the_energy_distance_needs_rows_for_its_error_bar():
    samples = pair(0, 9, 9)
    assert effect.energy_distance(samples, rows(samples), 0.95, RNG(0)) is None
    samples = pair(0, 10, 10)
    found = effect.energy_distance(samples, rows(samples), 0.95, RNG(0))
    assert found.method == "5 blocks"
    assert found.n == 20


def test_large_blocks_are_thinned():
    samples = pair(0, 30_000, 30_000)
    found = effect.energy_distance(samples, rows(samples), 0.95, RNG(0))
    assert found.n == 50 * 2 * 400


def test_groups_are_learnt_from_or_judged_as_a_whole():
    samples = pair(0.5, 60, 60)
    groups = np.repeat(np.arange(24), 5)
    relabelling = Relabelling.of_groups(samples.is_current, groups)
    learn = effect.split(relabelling, RNG(0))
    assert len(np.unique(groups[learn])) == 12
    assert not set(groups[learn]) & set(groups[~learn])
    found = effect.held_out(samples, relabelling, RNG(0))
    area, variation, _ = effect.separation(found, 0.95)
    assert area.over == variation.over == "12 groups"
    assert effect.energy_distance(samples, relabelling, 0.95, RNG(0)).over == "24 groups"


@pytest.mark.parametrize("both", [10, 3])
def test_every_block_has_rows_of_both_samples(both):
    # Some groups are in both samples, with one current row each; ten groups in all have one.
    samples = pair(0, 40, 10)
    groups = np.r_[np.arange(40), np.arange(both), 100 + np.arange(10 - both)]
    relabelling = Relabelling.of_groups(samples.is_current, groups)
    found = effect.energy_distance(samples, relabelling, 0.95, RNG(0))
    assert (found.method, found.n) == ("5 blocks", 50)


def test_a_half_needs_rows_of_both_samples():
    samples = pair(0, 30, 1)
    with pytest.raises(ValueError, match="Each half needs rows of both samples"):
        effect.held_out(samples, rows(samples), RNG(0))


def test_features_that_do_not_vary_in_the_learning_half_are_passed_over():
    x = np.zeros((40, 1))
    x[0] = 1
    samples = Samples.of(x, np.zeros((40, 1)))
    for seed in range(4):  # the only row that differs is learnt from, or is not
        found = effect.held_out(samples, rows(samples), RNG(seed))
        area, _, _ = effect.separation(found, 0.95)
        assert area.value == pytest.approx(0.5, abs=0.05)
