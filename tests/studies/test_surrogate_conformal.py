"""Small versions of the studies of conformal intervals and of their scores."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from studies.surrogate_diabetes import METHODS, scores_of

from evidesk.methods.metrics import PoorApproximationWarning
from studies import surrogate_conformal as study


@pytest.mark.parametrize("method", ["split", "cv+"])
def test_coverage_is_the_level(method):
    held, widths = study.coverage_of(method, Ridge(), 200, 60)
    np.testing.assert_allclose(held.mean(axis=0), study.LEVELS, atol=0.02)
    assert np.all(np.diff(widths.mean(axis=0)) > 0)


def test_the_population_is_that_of_the_simulation():
    true, share, off = study.truths()
    assert true["coverage"] == pytest.approx(share[89], abs=0.002)
    assert off == pytest.approx(np.mean(np.arange(1, 100) / 100 - share))
    assert true["width"] == pytest.approx(2 * 1.645 * np.exp(0.08), rel=0.005)


@pytest.mark.parametrize("part", ["groups", "categories", "shift", "methods", "scores"])
def test_tables_are_made(part, monkeypatch):
    monkeypatch.setattr(study, "truths", lambda: (dict.fromkeys(study.SCORES, 1.0), 0.5, 0.1))
    monkeypatch.setattr(study, "LAYOUTS", {"40 rows": (np.arange(40) // 2, 0.5)})
    name, make, _ = study.PARTS[part]
    assert name.startswith("surrogate_")
    monkeypatch.setattr(study, "coverage_of", lambda *_: (np.full((4, 3), 0.9), np.ones((4, 3))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoorApproximationWarning)
        text = make(4 if part != "categories" else 8)
    lines = text.splitlines()
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1
    assert "simulations" in lines[-1]


def test_mapie_and_ours_cover_the_diabetes_data_alike():
    ours, theirs = (
        scores_of(METHODS[name], 3) for name in ("ridge, split", "ridge, split (MAPIE)")
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert 0.8 < ours[:, 1].mean() < 0.95
