"""The coverage study of metrics of labels in small: it fails if a stated level is wrong."""

import importlib.util
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from evidesk.methods.metrics import cohen_kappa, evaluate_labels, f1, recall

STUDIES = Path(__file__).parents[2] / "studies"
_SPEC = importlib.util.spec_from_file_location(
    "confusion_coverage", STUDIES / "confusion_coverage.py"
)
study = importlib.util.module_from_spec(_SPEC)


@pytest.fixture(scope="module", autouse=True)
def loaded():
    sys.modules["confusion_coverage"] = study  # dataclasses look their module up
    sys.path.insert(0, str(STUDIES))
    _SPEC.loader.exec_module(study)
    yield
    sys.path.remove(str(STUDIES))
    del sys.modules["confusion_coverage"], sys.modules["confusion_intervals"]


def cases(counts):
    """Labels, predictions and groups that have these counts, shape (groups, k, k)."""
    groups, truth, said = np.nonzero(counts)
    repeat = counts[groups, truth, said].astype(int)
    return np.repeat([truth, said, groups], repeat, axis=1)


@pytest.mark.parametrize("grouped", [False, True])
def test_the_study_makes_the_librarys_intervals(grouped):
    design = study.Design(3, False, 120, 0.8, groups=12 if grouped else 0)
    counts = study.matrices(design, 3)
    names = {
        "macro F1": ("f1", {"average": "macro"}),
        "macro Jaccard": ("jaccard", {"average": "macro"}),
        "weighted precision": ("precision", {"average": "weighted"}),
        "balanced accuracy": ("balanced_accuracy", {}),
        "F2 of a class": ("fbeta", {"beta": 2.0, "pos_label": 2}),
        "MCC": ("mcc", {}),
        "Cohen's kappa": ("cohen_kappa", {}),
        "quadratic kappa": ("cohen_kappa", {"weights": "quadratic"}),
    }
    metrics = study.metrics(3)
    for run, sample in enumerate(counts if grouped else counts[:, None]):
        truth, said, groups = cases(sample)
        options = {"groups": groups} if grouped else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, (metric, chosen) in names.items():
                low, high = study.delta_intervals(metrics[name], counts, 0.95)
                found = evaluate_labels(metric, truth, {"a": said}, **chosen, **options)
                (estimate,) = found.estimates().values()
                assert (low[run], high[run]) == pytest.approx((estimate.low, estimate.high))
            for name, function, chosen_ in (
                ("recall of a class", recall, {"pos_label": 2}),
                ("F1 of a class", f1, {"pos_label": 2}),
                ("accuracy", recall, {"average": "micro"}),
            ):
                low, high = study.wilson_intervals(metrics[name], counts, 0.95)
                estimate = function(truth, said, **chosen_, **options)
                assert (low[run], high[run]) == pytest.approx((estimate.low, estimate.high))


@pytest.mark.parametrize("grouped", [False, True])
def test_the_study_knows_which_samples_are_warned_of(grouped):
    design = study.Design(3, False, 200, 0.85, groups=10 if grouped else 0)
    counts, metrics = study.matrices(design, 12), study.metrics(3)
    asked = {
        "recall of a class": lambda *cases, **o: recall(*cases, pos_label=2, **o),
        "macro F1": lambda *cases, **o: f1(*cases, average="macro", **o),
        "quadratic kappa": lambda *cases, **o: cohen_kappa(*cases, weights="quadratic", **o),
    }
    for name, ask in asked.items():
        quiet = study.silent(metrics[name], counts)
        for run, sample in enumerate(counts if grouped else counts[:, None]):
            truth, said, groups = cases(sample)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                ask(truth, said, **({"groups": groups} if grouped else {}))
            assert quiet[run] == (not caught)


@pytest.mark.parametrize(
    ("design", "metric"),
    [
        ((50, True, 1000, 0.5), "weighted precision"),  # was 89.4 %
        ((50, True, 1000, 0.5), "macro F1"),
        ((10, False, 50, 0.97), "specificity of a class"),  # was 83.4 %
        ((2, False, 50, 0.99), "weighted F1"),
        ((10, True, 50, 0.99), "MCC"),
    ],
)
def test_few_errors_and_many_classes_are_covered(design, metric):
    (cell,) = (c for c in study.coverage(study.Design(*design), 800) if c.metric == metric)
    assert cell.runs > 400
    assert cell.coverage > 0.93, cell


@pytest.mark.parametrize("level", [0.68, 0.95])
@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("k", [2, 10])
def test_every_metric_reaches_its_level(k, balanced, level):
    n = 1000 if balanced or k == 2 else 10_000
    for cell in study.coverage(study.Design(k, balanced, n, 0.9), 1000, level):
        assert cell.runs > 500
        assert cell.coverage == pytest.approx(level, abs=0.045 if level < 0.9 else 0.025), cell


def test_rare_classes_do_not_break_an_average():
    for accuracy in (0.7, 0.99):
        for cell in study.coverage(study.Design(10, True, 100, accuracy), 1000):
            if "macro" in cell.metric or "balanced" in cell.metric:
                assert cell.coverage > 0.915, cell


@pytest.mark.parametrize("class_icc", [0.0, 0.3])
def test_groups_are_covered_and_ignoring_them_is_not(class_icc):
    design = study.Design(2, True, 600, 0.8, groups=40, class_icc=class_icc, icc=0.3)
    cells = {cell.metric: cell for cell in study.coverage(design, 800)}
    for name in ("macro F1", "balanced accuracy", "MCC", "recall of a class"):
        assert 0.925 < cells[name].coverage < 0.985, cells[name]
    counts = study.matrices(design, 800)
    metric = study.metrics(2)["MCC"]
    truth = float(metric.at(study.Margins.of(design.population)).value)
    low, high = study.delta_intervals(metric, counts.sum(axis=1), 0.95)
    assert np.mean((low <= truth) & (truth <= high)) < 0.8


def test_the_bootstrap_reaches_its_level():
    design = study.Design(3, True, 300, 0.8)
    for cell in study.bootstrap_coverage(design, 150):
        assert 0.89 < cell.coverage <= 0.99, cell


def test_the_table_in_the_docs_is_the_studys():
    design = study.Design(2, True, 50, 0.9)
    (cell,) = (cell for cell in study.coverage(design, 3000) if cell.metric == "macro F1")
    shown = (study.TABLES / "confusion_macro_f1.md").read_text()
    (row,) = (line for line in shown.splitlines() if line.startswith("| 2 | 50 |"))
    assert f"{100 * cell.coverage:.1f}" in row
