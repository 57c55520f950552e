"""Intervals for a proportion, against published numbers, peers and their own definitions."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evidesk.methods.metrics import (
    METHODS,
    PoorApproximationWarning,
    proportion,
    proportion_interval,
)

pytestmark = pytest.mark.filterwarnings("ignore::evidesk.methods.metrics.PoorApproximationWarning")

SCIPY = {"wilson-score": "wilson", "clopper-pearson": "exact", "wilson-cc": "wilsoncc"}


@st.composite
def samples(draw):
    n = draw(st.integers(1, 100_000))
    count = draw(st.one_of(st.integers(0, n), st.floats(0, n)))
    return count, n


@pytest.mark.parametrize("method", SCIPY)
@pytest.mark.parametrize(
    ("count", "n"), [(0, 1), (1, 1), (3, 20), (45, 50), (670, 670), (13, 9000)]
)
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_what_scipy_has_agrees_with_it(method, count, n, level):
    expected = stats.binomtest(count, n).proportion_ci(level, method=SCIPY[method])
    assert np.allclose(
        proportion_interval(count, n, level=level, method=method), expected, atol=1e-12
    )


def test_wilson_is_the_score_interval_but_for_few_cases():
    count = np.array([15, 50, 85])
    score = proportion_interval(count, 100, method="wilson-score")
    assert np.array_equal(proportion_interval(count, 100), score)
    few = np.array([1, 3, 8, 92, 97, 99])
    low, high = proportion_interval(few, 100)
    score_low, score_high = proportion_interval(few, 100, method="wilson-score")
    assert np.all((low < score_low) == (few < 50))
    assert np.all((high > score_high) == (few > 50))


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_where_few_cases_are_counted_wilsons_bound_is_that_of_the_one_sided_test(level):
    low = proportion_interval([1, 2, 3], 50, level=level)[0]
    assert stats.binom.sf([0, 1, 2], 50, low) == pytest.approx(1 - level)


def test_normal_is_equation_1_of_the_paper():
    low, high = proportion_interval(607, 670, level=math.erf(1 / math.sqrt(2)), method="normal")
    p = 607 / 670
    sigma = math.sqrt(p * (1 - p) / 670)
    assert np.allclose([low, high], [p - sigma, p + sigma], atol=1e-14)


def test_jeffreys_is_the_beta_posterior_with_the_usual_ends():
    low, high = proportion_interval([0, 3, 20], 20, method="jeffreys")
    posterior = stats.beta([0.5, 3.5, 20.5], [20.5, 17.5, 0.5])
    assert np.allclose(low, [0, posterior.ppf(0.025)[1], posterior.ppf(0.025)[2]])
    assert np.allclose(high, [posterior.ppf(0.975)[0], posterior.ppf(0.975)[1], 1])


@pytest.mark.parametrize("n", [1, 20, 9000])
def test_mid_p_bounds_are_where_the_tail_with_half_the_observed_is_half_the_risk(n):
    count = np.unique(np.linspace(0, n, 7).astype(int))
    low, high = proportion_interval(count, n, level=0.9, method="mid-p")
    some, all_but = count > 0, count < n
    above = stats.binom.sf(count, n, low) + stats.binom.pmf(count, n, low) / 2
    below = stats.binom.cdf(count - 1, n, high) + stats.binom.pmf(count, n, high) / 2
    assert np.allclose(above[some], 0.05)
    assert np.allclose(below[all_but], 0.05)
    assert np.all(low[~some] == 0)
    assert np.all(high[~all_but] == 1)


def test_agresti_coull_adds_about_two_successes_and_two_failures():
    low, high = proportion_interval(81, 263, method="agresti-coull")
    z = stats.norm.ppf(0.975)
    n = 263 + z**2
    p = (81 + z**2 / 2) / n
    half_width = z * math.sqrt(p * (1 - p) / n)
    assert np.allclose([low, high], [p - half_width, p + half_width])


@given(samples(), st.floats(0.01, 0.999999), st.sampled_from(METHODS))
def test_an_interval_lies_in_0_to_1_and_holds_its_estimate(sample, level, method):
    count, n = sample
    low, high = proportion_interval(count, n, level=level, method=method)
    assert 0 <= low <= count / n <= high <= 1


@given(samples(), st.floats(0.01, 0.999999), st.sampled_from(METHODS))
def test_swapping_right_and_wrong_mirrors_the_interval(sample, level, method):
    count, n = sample
    low, high = proportion_interval(count, n, level=level, method=method)
    mirrored_low, mirrored_high = proportion_interval(n - count, n, level=level, method=method)
    assert np.allclose([low, high], [1 - mirrored_high, 1 - mirrored_low], atol=1e-9)


@given(samples(), st.sampled_from(METHODS))
def test_a_higher_level_never_gives_a_narrower_interval(sample, method):
    count, n = sample
    low, high = proportion_interval(count, n, level=0.9, method=method)
    wider_low, wider_high = proportion_interval(count, n, level=0.99, method=method)
    assert wider_low <= low + 1e-12
    assert wider_high >= high - 1e-12


def test_many_intervals_at_once_equal_one_at_a_time():
    counts, sizes = np.array([[1], [15]]), np.array([20, 200, 2000])
    for method in METHODS:
        low, high = proportion_interval(counts, sizes, method=method)
        assert low.shape == high.shape == (2, 3)
        assert (low[1, 2], high[1, 2]) == proportion_interval(15, 2000, method=method)


def test_proportion_is_an_estimate_that_names_its_method():
    estimate = proportion(607, 670, level=0.9, method="jeffreys", unit="of cases")
    assert (estimate.value, estimate.n, estimate.level) == (607 / 670, 670, 0.9)
    assert (estimate.method, estimate.unit) == ("jeffreys", "of cases")
    assert (estimate.low, estimate.high) == proportion_interval(
        607, 670, level=0.9, method="jeffreys"
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("count", "poor"), [(10, False), (9, True), (490, False), (491, True)])
def test_the_normal_approximation_warns_below_ten_successes_or_failures(count, poor):
    for ask in (proportion, proportion_interval):
        if poor:
            with pytest.warns(PoorApproximationWarning, match="below 10") as caught:
                ask(count, 500, method="normal")
            assert caught[0].filename == __file__
        else:
            ask(count, 500, method="normal")


def test_the_warning_counts_the_proportions_it_is_about():
    with pytest.warns(PoorApproximationWarning, match="for 2 of 3 proportions"):
        proportion_interval([5, 50, 99], 100, method="normal")


def test_no_other_method_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for method in set(METHODS) - {"normal"}:
            proportion(1, 20, method=method)


@pytest.mark.parametrize(
    ("count", "n", "error", "message"),
    [
        (3, 0, ValueError, "'n' parameter must be above 0"),
        (3, -5, ValueError, "'n' parameter must be above 0"),
        (-1, 5, ValueError, r"'count' parameter must be in the range \[0, n\]"),
        ([1, 6], 5, ValueError, "count = 6 with n = 5"),
        (float("nan"), 5, ValueError, "'count' parameter must be finite"),
        (1, float("inf"), ValueError, "'n' parameter must be finite"),
        ("3", 5, TypeError, "'count' parameter must hold real numbers"),
        (1, None, TypeError, "'n' parameter must hold real numbers"),
        (True, 5, TypeError, "'count' parameter must hold real numbers"),
        ([1, 2, 3], [5, 5], ValueError, "do not broadcast"),
    ],
)
def test_counts_that_are_none_are_refused_by_name(count, n, error, message):
    with pytest.raises(error, match=message):
        proportion_interval(count, n)


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, float("nan"), "0.95", None, True])
def test_a_level_outside_0_to_1_is_refused(level):
    with pytest.raises(ValueError, match="'level' parameter must be a number in the range"):
        proportion_interval(3, 5, level=level)


@pytest.mark.parametrize("method", ["wald", "", None, 3])
def test_an_unknown_method_is_refused_with_the_known_ones(method):
    with pytest.raises(ValueError, match="must be one of wilson, normal, clopper-pearson"):
        proportion_interval(3, 5, method=method)


def test_proportion_refuses_arrays():
    with pytest.raises(ValueError, match="use proportion_interval"):
        proportion([3, 4], 5)
