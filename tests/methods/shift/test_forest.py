"""The forest's out-of-bag votes."""

import numpy as np
import pytest

from evidesk.methods.shift import forest
from evidesk.methods.shift.forest import forest_statistics


def statistics(design, labels, seed=0):
    return forest_statistics(design, labels, np.random.default_rng(seed), lambda _share: None)


def test_labels_that_can_be_told_have_a_larger_statistic(monkeypatch):
    monkeypatch.setattr(forest, "TREES", 20)
    rng = np.random.default_rng(0)
    design = rng.standard_normal((90, 2))
    labels = np.zeros((90, 3), dtype=np.float32)
    labels[design[:, 0] > 0.7, 0] = 1
    labels[rng.permutation(90)[:20], 1] = 1
    labels[rng.permutation(90)[:45], 2] = 1
    clear, few, half = statistics(design, labels)
    assert clear > 0.9
    assert few == pytest.approx(0.5, abs=0.2)
    assert half == pytest.approx(0.5, abs=0.2)
    assert statistics(design, labels).tolist() == [clear, few, half]
