"""The forest's out-of-bag votes."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.linear_model import LogisticRegression

from evidesk.methods.shift import ShiftDetector, forest, two_sample_test
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


def test_forests_grown_at_once_are_the_same_ones():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 40, 2))
    told = []
    one, two = (
        two_sample_test(
            x, y, method="forest", permutations=19, random_state=3, n_jobs=jobs,
            progress=told.append,
        )
        for jobs in (None, 2)
    )  # fmt: skip
    assert one.null.tolist() == two.null.tolist()
    assert one.statistic == two.statistic
    assert len(told) >= 40


def test_dask_refits_too():
    import distributed

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 30, 2))
    ask = {"method": "refit", "classifier": LogisticRegression(), "permutations": 19}
    here = ShiftDetector(**ask, random_state=3).fit(x).test(y)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster),
        parallel_config(backend="dask"),
    ):
        there = ShiftDetector(**ask, random_state=3).fit(x).test(y)
    assert here.null.tolist() == there.null.tolist()
    assert here.p_value == there.p_value
