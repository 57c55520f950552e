"""The leaderboard of 18 networks, and ResNet against ResNeXt, from the data of arXiv:2204.05173."""

import duckdb
import numpy as np
import pytest

from evidesk import data
from evidesk.methods.metrics import (
    compare_accuracy,
    mcnemar_p_value,
    proportion_interval,
    rank,
)

SEEDS = (42, 1328, 1329, 1330, 1331, 1332)


@pytest.fixture(scope="module")
def cases():
    name = "sota_on_uncertainties/imagenette2_last_top1_per_image.csv.gz"
    return duckdb.read_csv(str(data.path(name))).fetchnumpy()


@pytest.fixture(scope="module")
def right(cases):
    models = [name for name in cases if "_s" in name]
    assert len(models) == 18
    return {name: cases[name] == cases["gtlabel"] for name in models}


@pytest.mark.parametrize(
    "options",
    [{"test": "exact"}, {"test": "mid-p"}, {"test": "t"}, {"method": "max-t", "random_state": 0}],
)
def test_the_rank_sets_of_18_entries(right, options):
    expected = {f"resnet50_s{seed}": (7, 12) for seed in SEEDS}
    expected |= {f"vit_small_s{seed}": (13, 18) for seed in SEEDS}
    expected |= {f"resnext50_s{seed}": (1, 6) for seed in SEEDS}
    expected |= {"resnext50_s1330": (1, 5), "resnext50_s42": (2, 6)}
    found = rank(right, metric="accuracy", **options)
    assert found.sets == expected
    assert found.names[0] == "resnext50_s1330"


def test_the_exact_test_is_the_default(right):
    found = rank(right)
    assert (found.test, found.method) == ("McNemar exact", "holm")
    assert found.p_values.shape == (18, 18)
    assert [len(group) for group in found.groups] == [5, 5, 6, 6]


def test_resnext_is_better_than_resnet_by_3_points(cases, right):
    found = compare_accuracy(
        cases["gtlabel"],
        cases["resnext50_s42"],
        cases["resnet50_s42"],
        method="exact",
        names=("resnext50", "resnet50"),
    )
    assert found.p_value == pytest.approx(1.7e-44, rel=0.01)
    assert found.answer == "resnext50 is better by 3.2 [2.7, 3.7] points"
    assert 100 * found.estimate.value == pytest.approx(3.20, abs=0.005)
    gaps = right["resnext50_s42"].astype(float) - right["resnet50_s42"]
    paired = 100 * np.sqrt(gaps.var() / len(gaps))
    unpaired = 100 * np.sqrt(
        sum(right[f"{name}_s42"].var() for name in ("resnet50", "resnext50")) / len(gaps)
    )
    assert (paired, unpaired) == pytest.approx((0.23, 0.33), abs=0.005)


def test_18_of_20_folds_differ_while_17_of_20_pairs_of_intervals_overlap(cases, right):
    a, b = right["resnext50_s42"], right["resnet50_s42"]
    folds = [cases["fold"] == fold for fold in range(20)]
    only_a, only_b, n = (
        np.array([np.sum(which & fold) for fold in folds])
        for which in (a & ~b, b & ~a, np.ones_like(a))
    )
    assert (only_a.sum(), only_b.sum()) == (696, 268)
    assert np.sum(mcnemar_p_value(only_a, only_b, method="exact") < 0.05) == 18
    for method in ("normal", "wilson"):
        low = proportion_interval([np.sum(a & fold) for fold in folds], n, method=method)[0]
        high = proportion_interval([np.sum(b & fold) for fold in folds], n, method=method)[1]
        assert np.sum(low <= high) == 17
