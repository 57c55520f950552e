"""The number of test cases: it keeps what it promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy import stats

from evidesk.methods.metrics import (
    auroc,
    mcnemar_p_value,
    mcnemar_power,
    proportion_interval,
    sample_size,
)


@pytest.mark.parametrize("method", ["wilson", "clopper-pearson", "jeffreys"])
@given(st.floats(0.01, 0.99), st.floats(0.005, 0.2))
@settings(max_examples=30)
def test_the_interval_is_as_narrow_as_wanted_and_no_case_too_many(method, expected, half_width):
    plan = sample_size(half_width=half_width, expected=expected, method=method)

    def reached(n):
        low, high = proportion_interval(n * expected, n, method=method)
        return float(high - low) / 2

    assert reached(plan.n) == pytest.approx(plan.half_width)
    assert reached(plan.n) <= half_width
    assert plan.n == 2 or reached(plan.n - 1) > half_width


def test_a_plan_says_what_it_is_enough_for():
    assert str(sample_size(half_width=0.02, expected=0.9)) == (
        "868 cases give an accuracy a 95 % interval with a half-width of 0.02."
    )
    assert str(sample_size(difference=0.1, discordance=0.2)) == (
        "152 cases show a difference of 0.1 in accuracy with a power of 80 %, at a level of 95 %."
    )


@pytest.mark.parametrize(
    "question",
    [
        {"half_width": 0.02, "expected": 0.9},
        {"difference": 0.1, "discordance": 0.2},
        {"half_width": 0.1, "metric": "mean", "sd": 1.0},
        {"difference": 0.1, "metric": "mean", "sd": 1.0},
    ],
)
def test_groups_multiply_the_cases(question):
    alone, grouped = sample_size(**question), sample_size(**question, design_effect=3)
    assert grouped.n == pytest.approx(3 * alone.n, rel=0.02)
    assert "with a design effect of 3," in str(grouped)


def test_the_mean_of_so_many_cases_has_this_interval():
    plan = sample_size(half_width=0.1, metric="mean", sd=1.0, level=0.9)
    assert stats.t.ppf(0.95, plan.n - 1) / np.sqrt(plan.n) == pytest.approx(plan.half_width)
    assert plan.half_width <= 0.1 < stats.t.ppf(0.95, plan.n - 2) / np.sqrt(plan.n - 1)


@pytest.mark.parametrize(("distance", "prevalence"), [(1.0, 0.2), (2.0, 0.5)])
def test_the_auroc_of_so_many_cases_has_about_this_interval(distance, prevalence):
    expected = stats.norm.cdf(distance / np.sqrt(2))
    plan = sample_size(half_width=0.03, expected=expected, metric="auroc", prevalence=prevalence)
    rng, widths = np.random.default_rng(0), []
    for _ in range(20):
        positive = np.arange(plan.n) < prevalence * plan.n
        widths.append(auroc(positive, rng.normal(size=plan.n) + distance * positive).half_width)
    assert np.mean(widths) == pytest.approx(0.03, rel=0.12)
    assert plan.curve(2) == 0.5 or prevalence == 0.5


@pytest.mark.parametrize(
    ("n", "difference", "discordance"),
    [(30, 0.3, 0.4), (100, 0.1, 0.2), (100, 0.2, 0.2), (40, -0.5, 1.0)],
)
def test_the_power_is_that_of_the_test(n, difference, discordance):
    rng = np.random.default_rng(0)
    a = (discordance + difference) / 2
    shares = [a, discordance - a, 1 - discordance]
    counts = rng.multinomial(n, np.maximum(shares, 0), size=4000)
    kinds, repeats = np.unique(counts[:, :2], axis=0, return_counts=True)
    shown = [float(mcnemar_p_value(int(b), int(c))) <= 0.05 for b, c in kinds]
    power = repeats @ np.array(shown) / 4000
    assert mcnemar_power(difference, discordance)(n) == pytest.approx(power, abs=0.025)


def test_the_power_keeps_what_is_wanted_for_some_more_cases():
    plan = sample_size(difference=0.2, discordance=0.4, power=0.9)
    curve = mcnemar_power(0.2, 0.4)
    assert plan.power == pytest.approx(curve(plan.n))
    assert all(curve(n) >= 0.9 for n in range(plan.n, 2 * plan.n))
    assert curve(plan.n - 1) < 0.9
    assert curve(1) == 0


def test_the_normal_approximation_takes_over_smoothly():
    curve = mcnemar_power(0.0005, 0.05)
    n = 1e5 / 0.05
    assert curve(n * (1 - 1e-6)) == pytest.approx(curve(n * (1 + 1e-6)), abs=1e-3)
    plan = sample_size(difference=0.0002, discordance=0.05)
    assert plan.n * 0.05 == pytest.approx((1.96 + 0.8416) ** 2 * 0.05**2 / 0.0002**2, rel=0.01)


def test_the_power_of_the_t_test_is_simulated():
    plan = sample_size(difference=-0.5, metric="mean", sd=1.0)
    rng = np.random.default_rng(0)
    p = stats.ttest_1samp(rng.normal(0.5, 1, (4000, plan.n)), 0, axis=1).pvalue
    assert (p < 0.05).mean() == pytest.approx(plan.power, abs=0.025)
    assert plan.n == 34
    assert plan.curve(1) == 0
    many = sample_size(difference=0.001, metric="mean", sd=1.0)
    assert many.n == pytest.approx((1.96 + 0.8416) ** 2 * 1e6, rel=1e-3)


@pytest.mark.parametrize(
    "question",
    [{"half_width": 0.02, "expected": 0.9}, {"difference": 0.1, "discordance": 0.2}],
)
def test_a_plan_plots_its_curve(question):
    plan = sample_size(**question)
    axes = Figure().add_subplot()
    assert plan.plot(axes) is axes
    axes.figure.draw_without_rendering()
    assert ("power" in axes.get_ylabel()) == ("difference" in question)
    assert plan.plot().get_xlabel() == "test cases"


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({}, "Give either 'half_width'"),
        ({"half_width": 0.1, "difference": 0.1}, "Give either 'half_width'"),
        ({"half_width": 0.1}, "'expected' parameter is needed to plan 'half_width' of 'accuracy'"),
        ({"difference": 0.1}, "'discordance' parameter is needed to plan 'difference'"),
        ({"half_width": 0.1, "metric": "mean"}, "'sd' parameter is needed"),
        ({"half_width": 0.1, "metric": "f1", "expected": 0.5}, "'metric' parameter must be one of"),
        ({"difference": 0.1, "metric": "auroc"}, "difference in AUROC is not planned here"),
        ({"half_width": 0.1, "expected": 0.5, "sd": 1.0}, "'sd' parameter does not enter"),
        ({"half_width": 0.0, "expected": 0.5}, "'half_width' parameter is out of its range"),
        ({"half_width": 0.6, "expected": 0.5}, "'half_width' parameter is out of its range"),
        ({"half_width": np.nan, "expected": 0.5}, "'half_width' parameter is out of its range"),
        ({"half_width": 0.1, "expected": 1.0}, "'expected' parameter is out of its range"),
        ({"half_width": 0.1, "metric": "mean", "sd": np.inf}, "'sd' parameter is out of its range"),
        ({"difference": 0.3, "discordance": 0.2}, "'discordance' parameter must be at least"),
        ({"difference": 0.0, "discordance": 0.2}, "'difference' parameter is out of its range"),
        ({"half_width": 0.1, "expected": 0.5, "level": 1}, "'level' parameter"),
        ({"half_width": 0.1, "expected": 0.5, "power": 1}, "'power' parameter"),
        ({"half_width": 0.1, "expected": 0.5, "design_effect": 0.5}, "'design_effect' parameter"),
        ({"half_width": 0.1, "expected": 0.5, "prevalence": 0}, "'prevalence' parameter"),
        ({"half_width": 0.1, "expected": 0.5, "method": "wald"}, "'method' parameter"),
        ({"half_width": 1e-9, "expected": 0.5}, "More than 1e.12 cases would be needed"),
    ],
)
def test_what_cannot_be_planned_is_refused(question, message):
    with pytest.raises(ValueError, match=message):
        sample_size(**question)
