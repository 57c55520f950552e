"""The study of scores in small: it fails if a stated level is wrong."""

import importlib.util
import sys
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location(
    "score_coverage", Path(__file__).parents[2] / "studies" / "score_coverage.py"
)
study = importlib.util.module_from_spec(_SPEC)


@pytest.fixture(scope="module", autouse=True)
def loaded():
    sys.modules["score_coverage"] = study  # dataclasses look their module up
    _SPEC.loader.exec_module(study)
    yield
    del sys.modules["score_coverage"]


# With 300 runs the error of a coverage of 95 % is 1.3.


@pytest.mark.parametrize("metric", ["auroc", "average_precision", "brier", "log_loss"])
@pytest.mark.parametrize("area", [0.7, 0.9])
def test_intervals_of_independent_cases_reach_their_level(metric, area):
    found = study.measure(metric, study.Population(area, 0.4), 200, 300, seed=1)
    assert 0.915 <= found.covered <= 0.985


@pytest.mark.parametrize("sharpness", [1.0, 2.0])
def test_the_calibration_error_covers_calibrated_and_sharp_models(sharpness):
    found = study.measure("ece", study.Population(0.8, 0.4, sharpness=sharpness), 1000, 100, seed=2)
    assert found.covered >= 0.9


def test_few_positives_and_a_high_auroc_are_covered():
    # 10 of 50 positive: DeLong's interval covers 80 %, and on the logit scale 92 %.
    found = study.measure("auroc", study.Population(0.95, 0.2), 50, 300)
    assert found.covered >= 0.95
    assert found.warned > 0.9


def test_groups_are_given_their_due():
    design = study.DESIGNS[2]
    for metric in ("auroc", "brier"):
        knowing, ignoring = study.measure_groups(metric, design, 0.8, 100)
        assert knowing.covered >= 0.9
        assert ignoring.covered < 0.85


@pytest.mark.parametrize("exponential", [False, True])
def test_bands_hold_whole_curves(exponential):
    population = study.Population(0.8, 0.5, exponential)
    roc, precision_recall = study.measure_band(population, 40, 40, 200)
    assert 0.915 <= roc <= 0.99
    assert precision_recall >= 0.94
    narrow, _ = study.measure_band(population, 40, 40, 200, level=0.8)
    assert 0.74 <= narrow <= 0.87


def test_true_values_are_those_of_large_samples():
    from sklearn import metrics

    population = study.Population(0.8, 0.3)
    rng = study.np.random.default_rng(0)
    y = rng.random(200_000) < 0.3
    scores = population.scores(y, seed=1)
    p = population.probabilities(scores)
    assert population.truth("auroc") == pytest.approx(metrics.roc_auc_score(y, scores), abs=0.004)
    expected = metrics.average_precision_score(y, scores)
    assert population.truth("average_precision") == pytest.approx(expected, abs=0.005)
    assert population.truth("brier") == pytest.approx(metrics.brier_score_loss(y, p), abs=0.001)
    assert population.truth("log_loss") == pytest.approx(metrics.log_loss(y, p), abs=0.003)


def test_bands_hold_whole_curves_of_few_different_scores():
    for covered in study.measure_tied_band(400, 200, level=0.8):
        assert covered >= 0.8  # a staircase between two thresholds holds it never
