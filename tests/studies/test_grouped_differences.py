"""The study of grouped differences in small: it fails if an error rate or a level is wrong."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

_SPEC = importlib.util.spec_from_file_location(
    "grouped_differences", Path(__file__).parents[2] / "studies" / "grouped_differences.py"
)
study = importlib.util.module_from_spec(_SPEC)


@pytest.fixture(scope="module", autouse=True)
def loaded():
    sys.modules["grouped_differences"] = study  # dataclasses look their module up
    _SPEC.loader.exec_module(study)
    yield
    del sys.modules["grouped_differences"]


@pytest.mark.parametrize("metric", ["accuracy", "auroc", "f1", "macro f1"])
@pytest.mark.parametrize("gap", [0.0, 0.1])
def test_groups_are_covered_and_ignoring_them_is_not(metric, gap):
    design = study.Design(metric, "40 groups of 2 to 82", 0.4, 0.8, gap, pure=metric == "auroc")
    knowing = study.rates(design, 500)
    assert 0.925 < knowing.held < 0.98
    if gap == 0:
        assert 0.02 < knowing.rejected < 0.075
        assert study.rates(design, 200, knowing=False).held < 0.75


@pytest.mark.parametrize("metric", ["auroc", "f1"])
def test_where_few_groups_hold_a_class_the_difference_warns(metric):
    design = study.Design(metric, "10 groups of 2 to 144", 0.4, 0.8, 0.1, pure=True)
    assert study.rates(design, 100).warned == 1


@pytest.mark.parametrize("icc", [0.1, 0.4])
def test_the_populations_are_what_they_say(icc):
    rng = np.random.default_rng(0)
    members = np.repeat(np.arange(20_000), 5)
    design = study.Design("auroc", "40 groups of 5", icc, 0.8, 0.1)
    object.__setattr__(design, "layout", "many")
    study.LAYOUTS["many"] = (5,) * 20_000
    truth = study.classes_of(design, members, rng)
    for scores, area in zip(study.scores_of(design, truth, members, rng), (0.8, 0.7), strict=True):
        found = stats.mannwhitneyu(scores[truth == 1], scores[truth == 0]).statistic
        assert found / (np.sum(truth == 1) * np.sum(truth == 0)) == pytest.approx(area, abs=0.01)
    for metric in ("f1", "macro f1"):
        design = study.Design(metric, "many", icc, 0.8, 0.1)
        truth = study.classes_of(design, members, rng)
        said = study.labels_of(design, truth, members, rng)
        values = study.evaluate_labels(
            "f1", truth, {"a": said[0], "b": said[1]}, average="macro"
        ).values
        if metric == "macro f1":
            assert values[0] - values[1] == pytest.approx(design.truth, abs=0.01)
        assert np.mean(said == truth, axis=1) == pytest.approx([0.8, 0.7], abs=0.01)
    del study.LAYOUTS["many"]


def test_the_tables_in_the_docs_are_the_studys():
    for name, (_, metrics) in study.TABLE_OF.items():
        shown = (study.TABLES / f"{name}.md").read_text()
        for metric in metrics:
            for design in study.designs(metric):
                assert f"| {design.layout} | {design.icc} |" in shown
