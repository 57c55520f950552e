"""McNemar's tests, and the interval of paired proportions that agrees with them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from evidesk.methods.metrics import (
    compare_accuracy,
    difference,
    mcnemar,
    mcnemar_interval,
    mcnemar_p_value,
    proportion_interval,
)
from evidesk.methods.metrics.evaluation import mean_evaluation
from evidesk.methods.metrics.mcnemar import MCNEMAR_METHODS

counts = st.integers(0, 300)


@given(counts, counts)
def test_the_exact_test_is_the_binomial_test(a, b):
    found = mcnemar_p_value(a, b, method="exact")
    expected = stats.binomtest(a, a + b).pvalue if a + b else 1.0
    assert found == pytest.approx(expected, rel=1e-9)


@given(counts, counts)
def test_mid_p_counts_the_observed_outcome_half(a, b):
    exact = mcnemar_p_value(a, b, method="exact")
    observed = stats.binom.pmf(a, a + b, 0.5)
    expected = 1.0 if a == b else exact - observed
    assert mcnemar_p_value(a, b) == pytest.approx(expected, rel=1e-8)


@given(counts, counts)
def test_the_asymptotic_test_is_chi_square(a, b):
    expected = stats.chi2.sf((a - b) ** 2 / max(a + b, 1), 1)
    assert mcnemar_p_value(a, b, method="asymptotic") == pytest.approx(expected)


def test_the_smallest_p_values_keep_their_digits():
    found = mcnemar_p_value([268, 0, 0], [696, 500, 1000], method="exact")
    assert found == pytest.approx([1.6965e-44, 2.0**-499, 2.0**-999], rel=1e-4)
    assert mcnemar_p_value(0, 1000) == pytest.approx(2.0**-1000)


@settings(max_examples=300)
@given(
    counts,
    counts,
    st.integers(0, 500),
    st.sampled_from([0.5, 0.8, 0.95, 0.999]),
    st.sampled_from(MCNEMAR_METHODS),
)
def test_the_interval_excludes_0_where_the_test_rejects(a, b, others, level, method):
    n = max(a + b + others, 1)
    low, high = mcnemar_interval(a, b, n, level=level, method=method)
    p = mcnemar_p_value(a, b, method=method)
    assert -1 <= low <= (a - b) / n <= high <= 1
    if abs(p - (1 - level)) > 1e-9:
        assert (low > 0 or high < 0) == (p < 1 - level)
    mirrored = mcnemar_interval(b, a, n, level=level, method=method)
    assert (-mirrored[1], -mirrored[0]) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "n"), [(8, 3, 20), (3, 8, 20), (5, 5, 30), (30, 2, 400), (2, 0, 9), (0, 9, 9)]
)
def test_the_interval_is_square_and_add_for_a_ratio(a, b, n):
    # The lower bound L of x / w solves: the lower bound of x - L w is 0.
    m = a + b
    s_low = proportion_interval(a, m, method="mid-p")[0]
    rate_low, rate_high = proportion_interval(m, n, method="wilson-score")
    x, x_low, w = (a - b) / m, 2 * s_low - 1, n / m

    def lower_bound(bound):
        w_end = 1 / (rate_low if bound > 0 else rate_high)
        return x - bound * w - np.hypot(x - x_low, bound * (w_end - w))

    expected = optimize.brentq(lower_bound, -1.5, x / w - 1e-12) if x_low != x else x / w
    assert mcnemar_interval(a, b, n)[0] == pytest.approx(max(expected, -1), abs=1e-9)


def test_models_that_never_differ_may_differ_as_often_as_n_cases_can_hide():
    z = stats.norm.ppf(0.975)
    found = mcnemar_interval(0, 0, 50)
    assert found == pytest.approx((-(z**2) / (50 + z**2), z**2 / (50 + z**2)))
    assert mcnemar(0, 0, 50).p_value == 1


def test_many_counts_at_once_equal_one_at_a_time():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 40, (2, 5, 4))
    for method in MCNEMAR_METHODS:
        low, high = mcnemar_interval(a, b, 100, method=method)
        p = mcnemar_p_value(a, b, method=method)
        for i in np.ndindex(a.shape):
            one = mcnemar(int(a[i]), int(b[i]), 100, method=method)
            assert (one.estimate.low, one.estimate.high, one.p_value) == (low[i], high[i], p[i])


def test_one_case():
    found = mcnemar(1, 0, 1)
    assert found.estimate.value == found.estimate.high == 1
    assert found.better is None


@pytest.mark.parametrize(
    ("given_counts", "options", "error", "message"),
    [
        ((-1, 2, 5), {}, ValueError, "'only_a' parameter must hold counts from 0 on"),
        ((1, 2.0, 5), {}, TypeError, "'only_b' parameter must hold integers"),
        ((1, True, 5), {}, TypeError, "'only_b' parameter must hold integers"),
        ((3, 3, 5), {}, ValueError, "'n' parameter must be 1 or more, and at least"),
        ((0, 0, 0), {}, ValueError, "'n' parameter must be 1 or more"),
        (([1, 2], [1, 2, 3], 9), {}, ValueError, "shapes do not broadcast: only_a \\(2,\\)"),
        ((1, 2, 5), {"level": 1}, ValueError, "'level' parameter"),
        ((1, 2, 5), {"level": 0}, ValueError, "'level' parameter"),
        ((1, 2, 5), {"method": "chi"}, ValueError, "'method' parameter must be one of mid-p, ex"),
    ],
)
def test_what_is_no_count_is_refused(given_counts, options, error, message):
    with pytest.raises(error, match=message):
        mcnemar_interval(*given_counts, **options)
    if np.ndim(given_counts[0]) == 0:
        with pytest.raises(error, match=message):
            mcnemar(*given_counts, **options)


def test_arrays_have_functions_of_their_own():
    with pytest.raises(ValueError, match="mcnemar makes one comparison"):
        mcnemar([1, 2], 3, 10)
    with pytest.raises(ValueError, match="'method' parameter"):
        mcnemar_p_value(1, 2, method="magic")


TRUTH = ["a", "b"] * 30
FIRST = ["a", "b"] * 25 + ["b", "a"] * 5
SECOND = ["a", "b"] * 15 + ["b", "a"] * 15


@pytest.mark.parametrize("kind", [list, np.array, pd.Series, pl.Series])
def test_accuracies_are_compared_from_labels(kind):
    found = compare_accuracy(kind(TRUTH), kind(FIRST), kind(SECOND), names=("one", "two"))
    assert found == mcnemar(20, 0, 60, names=("one", "two"))
    assert found.better == "one"
    assert found.answer == "one is better by 33 [20, 46] points"
    assert str(found) == (
        "accuracy: one is better by 33 [20, 46] points "
        "(95 %, paired mid-p, n=60; p = 9.5e-07, McNemar mid-p)"
    )


def test_groups_are_compared_by_students_t():
    groups = np.repeat(np.arange(12), 5)
    found = compare_accuracy(TRUTH, FIRST, SECOND, groups=groups, level=0.9)
    right = np.array([FIRST, SECOND]) == np.array(TRUTH)
    evaluation = mean_evaluation("accuracy", ("A", "B"), right, groups, scale="proportion")
    assert found == difference(evaluation, "A", "B", level=0.9)
    assert found.estimate.over == "12 groups"
    gaps = (right[0].astype(float) - right[1]).reshape(12, 5).mean(axis=1)
    expected = stats.ttest_1samp(gaps, 0)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.estimate.low == pytest.approx(expected.confidence_interval(0.9).low)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (([1, 2], [1, 2], [1]), {}, ValueError, "'y_true' and 'pred_b' must have the same length"),
        (([1, 2], ["1", "2"], [1, 2]), {}, TypeError, "'pred_a' of kind text"),
        (([1, 2], [1, None], [1, 2]), {}, ValueError, "'pred_a' has 1 missing"),
        (([], [], []), {}, ValueError, "'y_true' is empty"),
        (([1, 2], [1, 2], [1, 2]), {"groups": [1, 1]}, ValueError, "at least two groups"),
        (([1, 2], [1, 2], [1, 2]), {"groups": [1]}, ValueError, "'groups' parameter must name"),
        (([1, 2], [1, 2], [1, 2]), {"method": "t"}, ValueError, "'method' parameter"),
        (([1, 2], [1, 2], [1, 2]), {"level": 95}, ValueError, "'level' parameter"),
    ],
)
def test_labels_that_cannot_be_compared_are_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        compare_accuracy(*arguments, **options)
