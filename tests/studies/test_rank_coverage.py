"""The study of ranks in small: it fails if the sets do not hold all ranks at once."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

_SPEC = importlib.util.spec_from_file_location(
    "rank_coverage", Path(__file__).parents[2] / "studies" / "rank_coverage.py"
)
study = importlib.util.module_from_spec(_SPEC)


@pytest.fixture(scope="module", autouse=True)
def loaded():
    sys.modules["rank_coverage"] = study  # dataclasses look their module up
    _SPEC.loader.exec_module(study)
    yield
    del sys.modules["rank_coverage"]


def test_all_ranks_are_held_at_once_where_all_models_are_equal():
    found = study.coverage(study.DESIGNS[0], 10, 200, 400, 0)
    for name, (held, places) in found.items():
        assert held > 0.925, name
        assert places > 9.9
    assert found["mid-p, Holm"][0] < 0.99
    assert study.unadjusted(10, 200, 200, 0) < 0.6


def test_models_that_differ_get_fewer_places():
    found = study.coverage(study.DESIGNS[1], 10, 1000, 100, 0)
    for held, places in found.values():
        assert held > 0.9
        assert places < 4


@pytest.mark.parametrize("design", [2, 3])
def test_other_scores_and_groups_are_held(design):
    found = study.coverage(study.DESIGNS[design], 10, 200, 300, 0)
    for held, _ in found.values():
        assert held > 0.92


def test_a_set_holds_if_it_has_every_place_that_ties_allow():
    found = study.rank(np.repeat([[0.0, 1], [0.1, 1.1], [5, 6]], 20, axis=1) + np.arange(40) % 3)
    assert found.sets == {"3": (1, 1), "2": (2, 2), "1": (3, 3)}
    assert study.holds(found, np.array([0.0, 0.1, 5]))
    assert not study.holds(found, np.array([0.0, 0.0, 5]))
    assert not study.holds(found, np.array([0.1, 0.0, 5]))


def test_the_table_in_the_docs_is_the_studys():
    shown = (study.TABLES / "rank_coverage.md").read_text()
    rows = [line for line in shown.splitlines() if line.startswith(("| right", "| long", "| gro"))]
    assert len(rows) == len(study.DESIGNS) * len(study.MODELS) * len(study.SIZES)
