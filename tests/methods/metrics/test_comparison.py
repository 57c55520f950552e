"""The paired difference of any metric: interval, p-value, answer."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy import stats

from evidesk.evidence import Estimate
from evidesk.methods.metrics import (
    Comparison,
    PoorApproximationWarning,
    difference,
    evaluate_labels,
)
from evidesk.methods.metrics.comparison import p_text
from evidesk.methods.metrics.evaluation import mean_evaluation
from evidesk.methods.metrics.score_metrics import evaluate_scores
from evidesk.methods.metrics.units import Units, degrees_of_freedom

RNG = np.random.default_rng(0)
#: Differences of little kurtosis, whose variance is known from all cases.
FLAT = np.stack([RNG.uniform(0.2, 1.2, 40), RNG.uniform(0, 1, 40)]) + RNG.random(40)


def means(scores, **options):
    return mean_evaluation("score", ("a", "b"), scores, **options)


def test_the_difference_of_means_is_the_paired_t_test():
    found = difference(means(FLAT), "a", "b", level=0.9)
    expected = stats.ttest_rel(*FLAT)
    interval = expected.confidence_interval(0.9)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((interval.low, interval.high))
    assert found.estimate.value == pytest.approx(FLAT[0].mean() - FLAT[1].mean())
    assert (found.estimate.method, found.estimate.null_value) == ("paired clt", 0)
    assert not found.points


def test_the_order_of_the_models_only_turns_the_sign():
    one, other = (difference(means(FLAT), *pair).estimate for pair in (("a", "b"), ("b", "a")))
    assert (one.value, one.low, one.high) == (-other.value, -other.high, -other.low)


def test_other_models_do_not_matter():
    three = mean_evaluation("score", ("a", "c", "b"), FLAT[[0, 0, 1]])
    assert difference(three, "a", "b") == difference(means(FLAT), "a", "b")


def test_groups_of_equal_size_are_the_paired_t_test_of_their_means():
    found = difference(means(FLAT, members=np.repeat(np.arange(10), 4)), "a", "b")
    expected = stats.ttest_rel(*FLAT.reshape(2, 10, 4).mean(axis=2))
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.estimate.over == "10 groups"
    assert "over 10 groups" in str(found)


@given(st.lists(st.integers(-3, 3), min_size=3, max_size=30))
def test_the_degrees_of_freedom_are_those_of_the_variances_own_error(values):
    parts = np.array(values, dtype=float) - np.mean(values)
    units = Units.of_cases(np.ones(len(parts)))
    found = degrees_of_freedom(np.sum(parts**2), np.sum(parts**4), units)
    if parts.any():
        kurtosis = np.mean(parts**4) / np.mean(parts**2) ** 2
        expected = 2 * len(parts) / (kurtosis - 1) if kurtosis > 1 + 1e-9 else np.inf
        assert found == pytest.approx(min(expected, len(parts) - 1), rel=1e-6)
    assert 0 < found <= len(parts) - 1


def test_few_cases_that_differ_know_their_variance_badly():
    scores = np.zeros((2, 1000))
    scores[0, :10], scores[1, 10:14] = 1, 1
    found = difference(means(scores), "a", "b").estimate
    error = np.sqrt(np.var(scores[0] - scores[1], ddof=1) / 1000)
    critical = (found.high - found.value) / error
    assert critical == pytest.approx(stats.t.ppf(0.975, 28), rel=0.01)  # two per case


def test_the_difference_of_aurocs_is_delongs():
    rng = np.random.default_rng(1)
    truth = np.repeat([1, 0], [30, 50])
    scores = np.round(rng.normal(size=(2, 80)) + rng.normal(size=80) + truth, 1)
    found = difference(evaluate_scores("auroc", truth, dict(zip("ab", scores, strict=True))), *"ab")
    kernel = np.array(
        [
            (s[truth == 1][:, None] > s[truth == 0])
            + 0.5 * (s[truth == 1][:, None] == s[truth == 0])
            for s in scores
        ]
    )
    covariance = np.cov(kernel.mean(axis=2)) / 30 + np.cov(kernel.mean(axis=1)) / 50
    error = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    gap = kernel[0].mean() - kernel[1].mean()
    assert found.estimate.value == pytest.approx(gap)
    reach = found.estimate.high - found.estimate.value
    assert 1.96 < reach / error < 2.1
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(gap) / error), rel=0.15)
    assert found.points
    assert found.estimate.method == "paired delong"


def labels(n=400, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    said = [np.where(rng.random(n) < p, truth, rng.integers(0, 3, n)) for p in (0.8, 0.6)]
    return evaluate_labels("f1", truth, dict(zip("ab", said, strict=True)), average="macro")


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_the_bootstrap_agrees_with_the_delta_method_and_draws_both_models_together(method):
    evaluation = labels()
    delta = difference(evaluation, "a", "b").estimate
    options = {"method": method, "resamples": 4000, "random_state": 0}
    found = difference(evaluation, "a", "b", **options)
    assert found == difference(evaluation, "a", "b", **options)
    assert found.estimate.method == found.test == f"paired {method} bootstrap"
    assert found.estimate.half_width == pytest.approx(delta.half_width, rel=0.06)
    assert found.estimate.low == pytest.approx(delta.low, abs=0.01)
    assert found.p_value == pytest.approx(2 / 4001)


def test_the_bootstraps_p_value_is_that_of_the_t_test():
    scores = np.random.default_rng(5).normal(size=(2, 300))
    scores[0] += 0.12
    found = difference(means(scores), "a", "b", method="percentile", random_state=0, resamples=9999)
    assert found.p_value == pytest.approx(difference(means(scores), "a", "b").p_value, abs=0.02)


def test_bounds_stay_where_differences_can_be():
    with pytest.warns(PoorApproximationWarning, match="rests on 4 cases, fewer than 10"):
        found = difference(means([[1, 1, 1, 0], [0, 0, 0, 0]], scale="proportion"), "a", "b")
    assert found.estimate.high == 1
    assert found.points


# Nothing that tells the error


def degenerate(evaluation, **options):
    with pytest.warns(PoorApproximationWarning, match="say the same of the difference") as caught:
        found = difference(evaluation, "a", "b", **options)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    return found


@pytest.mark.parametrize("method", ["delta", "percentile", "bca"])
def test_a_model_and_its_copy(method):
    z = stats.norm.ppf(0.975)
    scores = np.array([[0, 1, 1, 0, 1] * 10] * 2)
    found = degenerate(means(scores, scale="proportion"), method=method)
    assert found.p_value == 1
    assert found.estimate.value == 0
    assert found.estimate.high == -found.estimate.low == pytest.approx(z**2 / (50 + z**2))
    assert found.answer.startswith("cannot tell a from b: difference 0")
    for scale, reach in (("correlation", 2 * z**2 / (50 + z**2)), ("real", 0)):
        assert degenerate(means(scores, scale=scale)).estimate.high == pytest.approx(reach)


def test_a_model_that_is_better_by_the_same_in_every_case():
    scores = np.array([[0.1, 0.2, 0.3, 0.7, 0.9]] * 2)
    scores[0] += 0.1
    found = degenerate(means(scores))
    assert (found.estimate.low, found.estimate.high) == pytest.approx((0.1, 0.1))
    assert found.p_value == 2.0**-4  # a sign test


def test_a_model_always_right_against_one_always_wrong():
    found = degenerate(means([[1] * 20, [0] * 20], scale="proportion"))
    assert found.estimate.high == 1
    assert 0.7 < found.estimate.low < 1
    assert found.better == "a"
    grouped = means([[1] * 20, [0] * 20], members=np.arange(20) // 5, scale="proportion")
    with pytest.warns(PoorApproximationWarning, match="All groups say the same"):
        assert difference(grouped, "a", "b").estimate.low < 0.6


def test_rounding_errors_are_no_difference():
    scores = np.array([[0.1] * 10, [0.3] * 10])
    scores[1] = scores[1] - 0.2  # 0.09999999999999998
    found = degenerate(means(scores))
    assert (found.estimate.value, found.p_value) == (0, 1)


def test_few_cases_are_warned_of():
    truth = np.repeat([1, 0], [5, 45])
    scores = np.random.default_rng(6).normal(size=(2, 50)) + truth
    evaluation = evaluate_scores("auroc", truth, {"a": scores[0], "b": scores[1]})
    with pytest.warns(PoorApproximationWarning, match="rests on 5 cases, fewer than 10"):
        difference(evaluation, "a", "b")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        difference(means(FLAT[:, :20]), "a", "b")
    with pytest.warns(PoorApproximationWarning, match=r"too short.* Use method='delta'"):
        difference(means(FLAT[:, :20]), "a", "b", method="percentile", resamples=100)


# What is said


def told(value, low, high, p_value, **options):
    estimate = Estimate(value, low, high, 0.95, "paired clt", 100, null_value=0.0)
    return Comparison("loss", "A", "B", estimate, p_value, "paired clt", **options)


@pytest.mark.parametrize(
    ("comparison", "better", "answer"),
    [
        (told(0.032, 0.027, 0.036, 1e-9, points=True), "A", "A is better by 3.2 [2.7, 3.6] points"),
        (told(-0.032, -0.036, -0.027, 1e-9), "B", "B is better by 0.032 [0.027, 0.036]"),
        (told(-2, -3, -0.9, 0.01, greater_is_better=False), "A", "A is better by 2.0 [0.9, 3.0]"),
        (told(2, 0.9, 3, 0.01, greater_is_better=False), "B", "B is better by 2.0 [0.9, 3.0]"),
        (told(2, -1, 4, 0.3), None, "cannot tell A from B: difference 2.0 [-1.0, 4.0]"),
        (told(-2, -4, 1, 0.3), None, "cannot tell A from B: difference -2.0 [-4.0, 1.0]"),
        (told(2, 0.1, 4, 0.06), None, "cannot tell A from B: difference 2.0 [0.1, 4.0]"),
    ],
)
def test_the_answer_names_the_better_model_or_none(comparison, better, answer):
    assert comparison.better == better
    assert comparison.answer == answer


def test_a_p_value_too_small_for_a_float_is_no_zero():
    assert p_text(0.0312) == "p = 0.031"
    assert p_text(1.7e-44) == "p = 1.7e-44"
    assert p_text(0.0) == "p < 1e-300"


def test_a_loss_is_better_when_smaller():
    found = difference(means(FLAT, greater_is_better=False, unit="eV"), "a", "b")
    assert found.better == "b"
    assert found.answer.endswith(" eV")


def test_the_plot_has_one_row_and_a_line_at_0():
    axes = Figure().add_subplot()
    found = difference(means(FLAT, unit="eV"), "a", "b")
    assert found.plot(axes) is axes
    axes.figure.draw_without_rendering()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a - b"]
    assert axes.get_xlabel() == "difference in score / eV"
    assert told(1, 0, 2, 0.5).plot(Figure().add_subplot()).get_xlabel() == "difference in loss"


@pytest.mark.parametrize(
    ("pair", "options", "message"),
    [
        (("a", "c"), {}, "'b' parameter must be one of a, b. Got 'c'"),
        (("x", "b"), {}, "'a' parameter must be one of a, b"),
        (("a", "a"), {}, "must name two models. Got 'a' twice"),
        (("a", "b"), {"level": 1}, "'level' parameter"),
        (("a", "b"), {"level": 0}, "'level' parameter"),
        (("a", "b"), {"method": "magic"}, "'method' parameter must be one of delta"),
        (("a", "b"), {"method": "bca", "resamples": 5}, "'resamples' parameter"),
        (("a", "b"), {"method": "bca", "random_state": -1}, "'random_state' parameter"),
    ],
)
def test_what_cannot_be_compared_is_refused(pair, options, message):
    with pytest.raises(ValueError, match=message):
        difference(means(FLAT), *pair, **options)
