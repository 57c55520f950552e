"""The coverage study in small: it fails if a stated level is wrong."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

_SPEC = importlib.util.spec_from_file_location(
    "accuracy_coverage", Path(__file__).parents[2] / "studies" / "accuracy_coverage.py"
)
study = importlib.util.module_from_spec(_SPEC)


@pytest.fixture(scope="module", autouse=True)
def loaded():
    import sys

    sys.modules["accuracy_coverage"] = study  # dataclasses look their module up
    _SPEC.loader.exec_module(study)
    yield
    del sys.modules["accuracy_coverage"]


ACCURACIES = np.linspace(0.5, 0.999, 100)


@pytest.mark.parametrize("level", [0.6827, 0.95, 0.99])
@pytest.mark.parametrize("n", [50, 1000])
@pytest.mark.parametrize("method", ["wilson", "jeffreys"])
def test_wilson_and_jeffreys_reach_their_level_on_average(method, n, level):
    coverage = study.exact_coverage(method, n, ACCURACIES, level)
    assert coverage.mean() == pytest.approx(level, abs=0.012)


@pytest.mark.parametrize("n", [10, 30, 50, 200, 1000])
def test_wilson_dips_little_below_its_level_even_where_hardly_one_error_is_expected(n):
    errors = np.geomspace(0.01, n / 2, 2000)
    assert study.exact_coverage("wilson", n, 1 - errors / n).min() > 0.92
    # It never does where so few errors are expected that no upper bound can fail.
    assert study.exact_coverage("wilson", n, 1 - errors[errors < 2] / n).min() > 0.9499
    assert study.exact_coverage("wilson-score", n, 1 - errors / n).min() < 0.845


@pytest.mark.parametrize("level", [0.6827, 0.95, 0.99])
@pytest.mark.parametrize("n", [5, 50, 1000])
def test_clopper_pearson_never_falls_below_its_level(n, level):
    coverage = study.exact_coverage("clopper-pearson", n, ACCURACIES, level)
    assert coverage.min() >= level


@pytest.mark.parametrize("n", [50, 1000])
def test_agresti_coull_covers_at_least_as_often_as_wilson(n):
    wider = study.exact_coverage("agresti-coull", n, ACCURACIES)
    wilson = study.exact_coverage("wilson-score", n, ACCURACIES)
    assert np.all(wider >= wilson - 1e-12)


def test_the_normal_approximation_fails_near_1_as_documented():
    coverage = study.exact_coverage("normal", 50, np.array([0.9, 0.99, 0.999]))
    assert coverage == pytest.approx([0.879, 0.395, 0.049], abs=0.001)


@pytest.mark.parametrize("method", ["wilson", "jeffreys", "clopper-pearson"])
def test_groups_are_covered_and_ignoring_them_is_not(method):
    design = study.DESIGNS[1]
    ignoring, narrow, knowing, wide = study.clustered_coverage(design, method, 2000, 3)
    assert 0.93 < knowing < 0.975
    assert ignoring < 0.88
    assert wide > narrow


def test_unequal_groups_are_covered():
    (design,) = (design for design in study.DESIGNS if design.name == "10 groups of 2 to 144")
    ignoring, _, knowing, _ = study.clustered_coverage(design, "wilson", 2000, 3)
    assert 0.91 < knowing < 0.97
    assert ignoring < 0.4


def test_coverage_by_neighbours_equals_the_plain_sum():
    from scipy import stats

    p = np.linspace(0.01, 0.99, 99)[:, None]
    for method in study.METHODS:
        low, high = study._intervals(method, 30, 0.9)
        held = (low <= p) & (p <= high)
        plain = (stats.binom.pmf(np.arange(31), 30, p) * held).sum(axis=1)
        assert np.allclose(study.exact_coverage(method, 30, p[:, 0], 0.9), plain)


def test_groups_that_do_not_matter_cost_little():
    (design,) = (design for design in study.DESIGNS if design.icc == 0)
    _, narrow, knowing, wide = study.clustered_coverage(design, "wilson", 2000, 3)
    assert 0.94 < knowing < 0.98
    assert wide < 1.15 * narrow


def test_the_table_in_the_docs_is_the_studys():
    shown = (study.TABLES / "accuracy_coverage.md").read_text()
    for method in ("wilson", "normal"):
        coverage = study.exact_coverage(method, 50, study.ACCURACIES)
        assert f"{100 * coverage.mean():.1f} (lowest {100 * coverage.min():.1f})" in shown
