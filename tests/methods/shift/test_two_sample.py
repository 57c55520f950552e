"""The two-sample test as a whole."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from evidesk.methods.shift import TooFewError, two_sample_test
from tests.methods.shift.series import series

RNG = np.random.default_rng


def pair(delta=0.0, m=120, n=100, d=3, seed=0):
    rng = RNG(seed)
    y = rng.standard_normal((n, d))
    y[:, 0] += delta
    return rng.standard_normal((m, d)), y


def test_a_shift_is_found_and_told():
    result = two_sample_test(*pair(1.0), random_state=0)
    assert result.differs
    assert result.p_value.value == pytest.approx(0.001)
    assert result.sizes == (120, 100)
    assert set(result.parts) >= {"means", "products", "ranks"}
    assert result.auc.low > 0.5
    assert result.energy_distance.low > 0
    assert result.total_variation.value > 0
    told = str(result)
    assert told.startswith("The samples differ: p = 0.001 (ridge, 120 and 100 rows)")
    assert "AUROC: 0." in told
    assert result.seconds > 0


def test_no_shift_is_told_as_none_found():
    result = two_sample_test(*pair(), random_state=0)
    assert not result.differs
    assert str(result).startswith("No difference was found")


def test_it_is_the_same_by_seed_and_leaves_its_input_alone():
    x, y = pair(0.2)
    before = x.copy(), y.copy()
    first, second = (two_sample_test(x, y, random_state=3) for _ in range(2))
    assert first.p_value == second.p_value
    assert first.auc == second.auc
    np.testing.assert_array_equal(first.null, second.null)
    np.testing.assert_array_equal((x, y)[0], before[0])
    np.testing.assert_array_equal(y, before[1])


@pytest.mark.parametrize(("m", "n", "d"), [(30, 30, 1), (60, 20, 5), (25, 25, 60)])
def test_its_level_holds(m, n, d):
    rejected = [
        two_sample_test(*pair(0, m, n, d, seed), permutations=19, random_state=seed).differs
        for seed in range(300)
    ]
    assert np.mean(rejected) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 300))


def test_its_level_holds_for_counts_and_categories():
    def sample(rng, n):
        return pd.DataFrame(
            {
                "count": rng.poisson(1, n),
                "kind": rng.choice(list("abc"), n),
                "heavy": np.where(rng.random(n) < 0.2, np.nan, rng.standard_cauchy(n)),
            }
        )

    rejected = []
    for seed in range(200):
        rng = RNG(seed)
        x, y = sample(rng, 60), sample(rng, 40)
        rejected.append(two_sample_test(x, y, permutations=19, random_state=rng).differs)
    assert np.mean(rejected) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 200))


def test_its_level_holds_for_groups_where_that_of_rows_does_not():
    by_rows, by_groups = [], []
    for seed in range(150):
        rng = RNG(seed)
        groups = np.repeat(np.arange(20), 6)
        rows = rng.standard_normal((120, 2)) + rng.standard_normal((20, 2))[groups]
        x, y = rows[:60], rows[60:]
        options = {"permutations": 19, "random_state": seed}
        by_rows.append(two_sample_test(x, y, **options).differs)
        by_groups.append(two_sample_test(x, y, groups=groups, **options).differs)
    assert np.mean(by_rows) > 0.3
    assert np.mean(by_groups) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 150))


def test_rows_in_order_of_time_are_noticed_and_blocks_help():
    rng = RNG(0)
    x, y = series(rng, 400)[:, 0], series(rng, 400)[:, 0]
    assert "Neighbouring rows" in two_sample_test(x, y, random_state=0).warnings[0]
    result = two_sample_test(x, y, block_length=40, random_state=0)
    assert not any("Neighbouring" in one for one in result.warnings)
    assert result.covers.startswith("exact if blocks of rows are exchangeable")
    assert any("Rows are remembered for about" in one for one in result.warnings)


def test_a_constant_half_of_a_column_is_no_reason_to_warn():
    x = np.zeros(50)
    result = two_sample_test(x, RNG(0).standard_normal(50), random_state=0)
    assert result.differs
    assert not any("Neighbouring" in one for one in result.warnings)


def test_a_small_shift_need_not_count():
    x, y = pair(0.3, 2000, 2000)
    assert two_sample_test(x, y, random_state=0).differs
    lenient = two_sample_test(x, y, min_effect=0.15, random_state=0)
    assert not lenient.differs
    assert lenient.p_value.method == "delong"
    assert lenient.p_value_any_shift.value == pytest.approx(0.001)
    told = str(lenient)
    assert told.startswith("No difference beyond an AUROC of 0.65 was found: p = ")
    assert "any shift at all: p = 0.001" in told
    axes = lenient.plot()
    assert axes.texts[0].get_text() == "observed, p = 0.001"
    plt.close(axes.figure)
    assert "AUROC of at most 0.65" in lenient.covers
    clear = two_sample_test(*pair(2.0, 200, 200), min_effect=0.15, random_state=0)
    assert clear.differs
    assert str(clear).startswith("The samples differ beyond an AUROC of 0.65: p = ")
    any_shift = two_sample_test(x, y, random_state=0)
    assert any_shift.p_value == any_shift.p_value_any_shift == lenient.p_value_any_shift
    assert "any shift at all" not in str(any_shift)


def test_the_level_of_the_smallest_shift_that_counts_holds():
    # By a shift of d the AUROC is exactly 0.6, at most; the rule that is learnt reaches less.
    d = np.sqrt(2) * 0.2533471
    rejected = [
        two_sample_test(
            *pair(d, 300, 300, 1, seed), min_effect=0.1, permutations=19, random_state=seed
        ).differs
        for seed in range(200)
    ]
    assert np.mean(rejected) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_samples_that_are_apart_altogether():
    x, y = pair(30.0)
    result = two_sample_test(x, y, min_effect=0.2, random_state=0)
    assert result.auc.value == 1
    assert result.differs
    by_level = [
        two_sample_test(x, y, min_effect=0.2, level=level, permutations=999, random_state=0).p_value
        for level in (0.5, 0.95, 0.999)
    ]
    assert {one.value for one in by_level} == {result.p_value.value}


def test_too_few_rows_for_a_size_still_test():
    result = two_sample_test(np.arange(30.0), [99.0], random_state=0, level=0.9)
    assert result.auc is None
    assert result.energy_distance is None
    assert "How large the shift is cannot be told" in result.warnings[-1]
    assert "AUROC" not in str(result)
    with pytest.raises(ValueError, match="Each half needs"):
        two_sample_test(np.arange(30.0), [99.0], min_effect=0.1, random_state=0, level=0.9)


def test_progress_is_told_from_begin_to_end():
    told = []
    two_sample_test(*pair(), random_state=0, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1


def test_the_plot_shows_the_observed_among_the_relabelled():
    result = two_sample_test(*pair(1.0), random_state=0)
    axes = result.plot()
    assert "shuffled" in axes.get_xlabel()
    assert result.plot(axes) is axes
    plt.close(axes.figure)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 1.0}, "'level' parameter must be a number in the range"),
        ({"level": "0.95"}, "'level' parameter must be a number in the range"),
        ({"min_effect": "0.1"}, "'min_effect' parameter must be from 0 to below 0.5"),
        ({"min_effect": 0.5}, "'min_effect' parameter must be from 0 to below 0.5"),
        ({"min_effect": -0.1}, "'min_effect' parameter"),
        ({"permutations": 18}, "'permutations' parameter must be an integer from 19 on"),
        ({"permutations": True}, "'permutations' parameter must be an integer from 19 on"),
        ({"permutations": "many"}, "Got 'many'"),
        ({"groups": [1]}, "of each of the 220 rows"),
        ({"groups": [1], "block_length": 3}, "either 'groups' or 'block_length'"),
        ({"random_state": "seed"}, "'random_state' parameter"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        two_sample_test(*pair(), **options)


def test_too_few_rows_for_any_result_are_refused():
    with pytest.raises(TooFewError, match="for example 4 and 3"):
        two_sample_test([1.0, 2.0], [3.0, 4.0])
