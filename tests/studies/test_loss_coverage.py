"""The study of losses in small: it fails if a stated level is wrong."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

_SPEC = importlib.util.spec_from_file_location(
    "loss_coverage", Path(__file__).parents[2] / "studies" / "loss_coverage.py"
)
study = importlib.util.module_from_spec(_SPEC)


@pytest.fixture(scope="module", autouse=True)
def loaded():
    sys.modules["loss_coverage"] = study  # dataclasses look their module up
    _SPEC.loader.exec_module(study)
    yield
    del sys.modules["loss_coverage"]


@pytest.mark.parametrize("n", [20, 200])
@pytest.mark.parametrize("name", ["MAE, normal errors", "MSE, normal errors", "exponential"])
def test_means_of_losses_are_covered(name, n):
    found = study.loss_coverage(name, n, "delta", 2000)
    assert 0.935 < found.share < 0.975


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_other_levels_are_held_too(level):
    quantile, truth = study.LOSSES["exponential"]
    sample = study.losses(quantile, 200, 2000, seed=1)
    assert study.coverage(sample, truth, "delta", 1, level).share == pytest.approx(level, abs=0.025)


def test_groups_are_covered():
    for groups, size in ((10, 20), (30, 10)):
        found = study.loss_coverage("exponential", groups * size, "delta", 1000, group=size)
        assert 0.93 < found.share < 0.98


def test_where_tails_are_too_heavy_a_warning_is_given():
    found = study.loss_coverage("MSE, errors of t(5)", 20, "delta", 1000)
    assert found.share < 0.93
    assert found.warned > 0.95


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_the_bootstraps_of_enough_cases_are_covered(method):
    found = study.loss_coverage("exponential", 200, method, 500)
    assert 0.92 < found.share < 0.975


@pytest.mark.parametrize("r2", [0.1, 0.9])
def test_r2_is_covered(r2):
    assert 0.93 < study.r2_coverage(r2, "normal", 50, "delta", 1000).share < 0.98


@pytest.mark.parametrize("rho", [0.0, 0.9])
@pytest.mark.parametrize("ties", [False, True])
def test_spearman_is_covered(rho, ties):
    assert 0.93 < study.spearman_coverage(rho, ties, 50, "delta", 1000).share < 0.98


def test_the_true_correlation_of_ties_is_that_of_many():
    for ties in (False, True):
        r, truth = study.true_spearman(0.6, ties)
        (sample,) = study.ranked(r, ties, 200_000, 1, seed=0)
        assert sample.values[0] == pytest.approx(truth, abs=0.005)


@pytest.mark.parametrize("name", ["beta(8, 2)", "beta(18, 2)"])
def test_shares_are_covered(name):
    assert 0.935 < study.share_coverage(name, 50, "delta", 2000).share < 0.975


def test_failures_that_a_small_sample_does_not_show_are_not():
    assert study.share_coverage("beta(18, 2), 5 % fail", 20, "delta", 1000).share < 0.85


def test_mean_average_precision_is_covered():
    found = study.map_coverage(0.5891, 50, "delta", 300)
    assert 0.91 < found.share < 0.985


def test_a_cell_tells_what_is_outside_and_what_is_warned():
    assert str(study.Coverage(0.951, 1000)) == "95.1"
    assert str(study.Coverage(0.912, 1000, 0.3)) == "91.2* (30)"


def test_the_table_in_the_docs_is_the_studys():
    shown = (study.TABLES / "loss_means.md").read_text()
    cell = str(study.loss_coverage("exponential", 50, "delta", 2000))
    row = next(line for line in shown.splitlines() if line.startswith("| exponential | clt"))
    assert cell in row
    assert np.isclose(float(row.split("|")[4].split()[0].strip("*")), 95, atol=2)
