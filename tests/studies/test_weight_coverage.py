"""The study of weighted metrics in small: it fails if a stated level is wrong."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

_SPEC = importlib.util.spec_from_file_location(
    "weight_coverage", Path(__file__).parents[2] / "studies" / "weight_coverage.py"
)
study = importlib.util.module_from_spec(_SPEC)


@pytest.fixture(scope="module", autouse=True)
def loaded():
    sys.modules["weight_coverage"] = study  # dataclasses look their module up
    _SPEC.loader.exec_module(study)
    yield
    del sys.modules["weight_coverage"]


@pytest.mark.parametrize(
    "metric", ["accuracy", "recall", "F1", "macro F1", "AUROC", "average precision"]
)
@pytest.mark.parametrize("harder", [False, True])
def test_weighted_metrics_are_covered_and_ignoring_the_weights_is_wrong(metric, harder):
    design = study.Design(metric, 1000, 0.8, "moderate", harder)
    cell = study.coverage(design, 400)
    assert cell.share > 0.99
    assert 0.92 < cell.quiet < 0.98
    if harder:
        assert study.coverage(design, 200, heeding=False).every < 0.7


@pytest.mark.parametrize("metric", ["accuracy", "AUROC"])
def test_where_heavy_weights_leave_few_cases_it_warns(metric):
    level = 0.95 if metric == "AUROC" else 0.97
    cell = study.coverage(study.Design(metric, 1000, level, "heavy", True), 100)
    assert cell.share < 0.05


@pytest.mark.parametrize(
    "metric", ["accuracy", "recall", "precision", "F1", "macro F1", "AUROC", "average precision"]
)
def test_the_populations_are_what_they_say(metric):
    design = study.Design(metric, 400_000, 0.8, "moderate", True)
    found = study.estimator(design)(np.random.default_rng(0), True)
    assert found.value == pytest.approx(design.truth, abs=0.012)


def test_the_table_in_the_docs_is_the_studys():
    design = study.Design("recall", 50, 0.9, "equal", False)
    shown = (study.TABLES / "confusion_weights.md").read_text()
    (row,) = (line for line in shown.splitlines() if line.startswith("| recall | 50 | 0.9 |"))
    assert f"| {study.shown(study.coverage(design, 1000))} |" in row
