"""The study of waiting times in small: it fails if a stated level is wrong."""

import importlib.util
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location(
    "waiting_coverage", Path(__file__).parents[2] / "studies" / "waiting_coverage.py"
)
study = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(study)
RUNS = 400
#: Three Monte-Carlo errors at 95 %.
LEAST = 0.95 - 3 * (0.95 * 0.05 / RUNS) ** 0.5


@pytest.mark.parametrize("n", [7, 14])
@pytest.mark.parametrize("censored", [0.0, 0.3, 0.6])
def test_the_default_interval_holds_everywhere_and_the_band_the_whole_curve(n, censored):
    at, whole, _ = study.curve_coverage(n, 1.0, censored, "beta-product", RUNS, seed=5)
    assert min(at) >= LEAST
    assert whole >= LEAST


def test_the_log_log_interval_fails_at_the_ends_of_the_curve_as_documented():
    at, _, _ = study.curve_coverage(7, 1.0, 0.0, "log-log", RUNS, seed=5)
    assert at[0] < 0.6
    assert at[2] > 0.9
    assert at[-1] < 0.6


def test_ties_cost_no_coverage():
    at, _, _ = study.curve_coverage(14, 1.0, 0.3, "beta-product", RUNS, seed=5, ties=True)
    assert min(at) >= LEAST


@pytest.mark.parametrize("shape", [1.0, 0.7])
@pytest.mark.parametrize("censored", [0.0, 0.3])
def test_the_medians_interval_holds_the_median(censored, shape):
    hit, there, _ = study.median_coverage(10, shape, censored, "beta-product", RUNS, seed=5)
    assert there > 0.9
    assert hit >= LEAST


@pytest.mark.parametrize("rate", [1.75, 12.0])
def test_the_forecast_holds_the_next_count_if_the_rate_stays(rate):
    hit, _ = study.forecast_coverage(rate, 8, RUNS, seed=5)
    assert hit >= LEAST
    scattered, _ = study.forecast_coverage(rate, 8, RUNS, seed=5, dispersion=3.0)
    assert scattered < hit
