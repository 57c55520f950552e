"""The study of comparisons in small: it fails if an error rate or a level is wrong."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

_SPEC = importlib.util.spec_from_file_location(
    "comparison_error", Path(__file__).parents[2] / "studies" / "comparison_error.py"
)
study = importlib.util.module_from_spec(_SPEC)


@pytest.fixture(scope="module", autouse=True)
def loaded():
    sys.modules["comparison_error"] = study  # dataclasses look their module up
    _SPEC.loader.exec_module(study)
    yield
    del sys.modules["comparison_error"]


APART = np.linspace(0.01, 0.6, 30)


@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("n", [20, 200])
def test_mid_p_and_exact_keep_their_error_rate(n, level):
    assert study.false_alarms("exact", n, APART, level).max() <= level
    assert study.false_alarms("mid-p", n, APART, level).max() <= 1.12 * level


def test_mid_p_spends_more_of_the_level_than_exact():
    spent = [study.false_alarms(method, 200, APART[5:], 0.05) for method in ("mid-p", "exact")]
    assert spent[0].min() > 0.043
    assert np.all(spent[0] > spent[1])


def test_rejection_rates_by_counts_equal_the_plain_sum():
    a, b, share = study.outcomes(12, 0.2, 0.2)
    assert share.sum() == pytest.approx(1)
    rejected = study.mcnemar_p_value(a, b) <= 0.05
    assert share @ rejected == pytest.approx(
        study.false_alarms("mid-p", 12, np.array([0.4]), 0.05)[0]
    )


@pytest.mark.parametrize(("n", "apart"), [(50, 0.1), (50, 0.4), (200, 0.05), (200, 0.2)])
@pytest.mark.parametrize("balance", [0.0, 0.5, 0.8])
def test_the_default_interval_reaches_its_level(n, apart, balance):
    covered, width = study.interval_coverage(study.INTERVALS["mid-p"], n, apart, balance)
    assert 0.945 < covered < 0.98
    by_tango = study.interval_coverage(study.tango, n, apart, balance)
    assert width < 1.03 * by_tango[1]


def test_walds_interval_fails_where_few_cases_differ():
    assert study.interval_coverage(study.wald, 50, 0.02, 0.5)[0] < 0.7
    assert study.interval_coverage(study.INTERVALS["mid-p"], 50, 0.02, 0.5)[0] > 0.92


def test_the_intervals_of_others_are_theirs():
    # Newcombe (1998), example of table II: (36, 12, 2, 0) of 50.
    a, b = np.array([12]), np.array([2])
    assert np.ravel(study.newcombe(np.array([36]), a, b, 50)) == pytest.approx(
        [0.0569, 0.3404], abs=2e-4
    )
    assert np.ravel(study.wald(a, b, 50)) == pytest.approx([0.0642, 0.3358], abs=2e-3)
    low, high = study.tango(a, b, 50)
    for end in (low, high):  # the score test just does not reject, by its likelihood
        gap = float(end[0])
        q = np.linspace(max(0, -gap), (1 - gap) / 2, 200_001)[1:-1]
        likelihood = 12 * np.log(q + gap) + 2 * np.log(q) + 36 * np.log(1 - 2 * q - gap)
        best = q[np.argmax(likelihood)]
        error = np.sqrt((2 * best + gap - gap**2) / 50)
        assert abs(0.2 - gap) / error == pytest.approx(stats.norm.ppf(0.975), abs=1e-3)


def test_overlap_is_no_test():
    rates = study.naive_rates(1000, 0.9, 0.06, 0.4, 2000, 0)
    assert rates["McNemar mid-p"] > 0.8
    assert rates["unpaired z-test"] < 0.5
    assert rates["intervals do not overlap"] < 0.1


@pytest.mark.parametrize(
    "name",
    ["right_answers(200, 0.1, 0.5)", "losses(20, 'exponential', 0.4)", "auroc(10, 40, 0.8, 0.7)"],
)
def test_paired_differences_reach_their_level(name):
    held, _, warned = study.difference_rates(eval(name, vars(study)), "delta", 1500, 0)
    assert 0.935 < held < 0.97
    assert warned == 0


def test_paired_differences_raise_no_false_alarms():
    for design in (study.losses(20, "normal", 0), study.macro_f1(200, 0.8)):
        _, rejected, _ = study.difference_rates(design, "delta", 1000, 0)
        assert 0.03 < rejected < 0.07


def test_where_a_difference_falls_short_it_warns():
    held, _, warned = study.difference_rates(study.auroc(5, 45, 0.95, 0.9), "delta", 500, 0)
    assert held < 0.93
    assert warned == 1
    held, _, warned = study.difference_rates(
        study.losses(20, "exponential", 0.4), "bca", 300, 0, resamples=300
    )
    assert held < 0.94
    assert warned == 1


def test_the_tables_in_the_docs_are_the_studys():
    shown = (study.TABLES / "comparison_tests.md").read_text()
    apart = np.linspace(0.01, 0.6, 60)
    for method in ("mid-p", "exact"):
        rates = 100 * study.false_alarms(method, 50, apart, 0.05)
        assert f"{rates.mean():.1f} ({rates.max():.2f})" in shown
