"""The study of folds in small: it fails if a stated level is wrong."""

import importlib.util
import sys
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location(
    "fold_coverage", Path(__file__).parents[2] / "studies" / "fold_coverage.py"
)
study = importlib.util.module_from_spec(_SPEC)
pytestmark = pytest.mark.filterwarnings("ignore::evidesk.methods.metrics.PoorApproximationWarning")


@pytest.fixture(scope="module", autouse=True)
def loaded():
    sys.modules["fold_coverage"] = study
    _SPEC.loader.exec_module(study)
    yield
    del sys.modules["fold_coverage"]


@pytest.mark.parametrize("learner", ["nearest centroid, accuracy", "ridge, squared error"])
def test_the_mean_risk_of_the_models_is_covered(learner):
    found = study.clt_coverage(learner, 200, 5, 600)
    assert 0.92 < found["all-pairs"] < 0.98
    assert 0.92 < found["within-fold"] < 0.98


def test_the_true_accuracy_is_that_on_new_cases():
    import numpy as np

    rng = np.random.default_rng(0)
    runs = [study.classification_run(rng, 200, 5) for _ in range(400)]
    found, true = np.mean([r[0].mean() for r in runs]), np.mean([r[2] for r in runs])
    assert found == pytest.approx(true, abs=0.005)


def test_the_corrected_t_holds_its_level_and_the_plain_one_does_not():
    corrected, plain = study.rejections(100, "15 holdouts of 20 %", 300)
    assert corrected < 0.08
    assert plain > 0.2


def test_it_still_sees_differences():
    power, _ = study.rejections(400, "15 holdouts of 20 %", 50, gap=0.2)
    assert power > 0.8


@pytest.mark.parametrize("sds", [(1.2, 0.1, 0.5), (1.0, 1.0, 1.0)])
def test_variance_components_are_covered(sds):
    for share in study.component_coverage(sds, 10, 5, 600):
        assert 0.92 < share < 0.98


def test_the_table_in_the_docs_is_the_studys():
    shown = (study.TABLES / "fold_components.md").read_text()
    found = study.component_coverage((1.0, 1.0, 1.0), 10, 5, 4_000)
    assert " | ".join(f"{100 * share:.1f}" for share in found) in shown
