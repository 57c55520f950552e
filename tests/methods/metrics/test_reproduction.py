"""Figures 5 and 12a of arXiv:2204.05173, and what docs/accuracy.md says about them."""

import csv
import math
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy import stats

from evidesk import data
from evidesk.methods.metrics import fold_spread, proportion_interval

EXPECTED = Path(__file__).parents[2] / "data" / "sota_on_uncertainties"
SEEDS = (42, 1328, 1329, 1330, 1331, 1332)
NETWORKS = ("resnet50", "resnext50", "vit_small")


def columns(name):
    return duckdb.read_csv(str(data.path(f"sota_on_uncertainties/{name}"))).fetchnumpy()


@pytest.fixture(scope="module")
def predictions():
    return {
        checkpoint: columns(f"imagenette2_{checkpoint}_top1_per_image.csv.gz")
        for checkpoint in ("last", "best")
    }


def by_seed_and_fold(cases, network):
    """Accuracies of shape (6 seeds, 20 folds)."""
    return np.array(
        [
            [
                np.mean((cases[f"{network}_s{seed}"] == cases["gtlabel"])[cases["fold"] == fold])
                for fold in range(20)
            ]
            for seed in SEEDS
        ]
    )


def expected(name):
    with (EXPECTED / name).open() as file:
        return list(csv.DictReader(file))


def test_every_number_of_figure_5_is_hit(predictions):
    rows = expected("expected_fig5.csv")
    assert len(rows) == 24
    for row in rows:
        values = by_seed_and_fold(predictions[row["checkpoint"]], row["arch"])
        spread = fold_spread(values if row["seed"] == "any" else values[0], 670)
        width = spread.sd if row["estimate"] == "fold samples" else spread.sigma
        assert len(spread.accuracies) == int(row["n_values"])
        found = [spread.mean, width, spread.mean - width, spread.mean + width]
        wanted = [float(row[name]) for name in list(row)[5:]]
        assert found == pytest.approx(wanted, abs=1e-6)


def test_every_number_of_figure_12a_is_hit():
    figure = columns("park_kim_2202.06709_fig12a.csv")
    correct = figure["accuracy_percent"] / 100 * 10_000
    rows = expected("expected_fig12a.csv")
    assert len(rows) == 9
    levels = {"1s": math.erf(1 / math.sqrt(2)), "2s": math.erf(2 / math.sqrt(2)), "95": 0.95}
    intervals = {
        name: proportion_interval(correct, 10_000, level=level, method="normal")
        for name, level in levels.items()
    }
    p = correct / 10_000
    variance = p * (1 - p) / 10_000
    z = (p - p[8]) / np.sqrt(variance + variance[8])
    for i, row in enumerate(rows):
        assert p[i] == pytest.approx(float(row["accuracy"]), abs=1e-6)
        sigma = (intervals["1s"][1][i] - intervals["1s"][0][i]) / 2
        assert sigma == pytest.approx(float(row["sigma_1"]), abs=1e-6)
        for name, (low, high) in intervals.items():
            assert low[i] == pytest.approx(float(row[f"lo_{name}"]), abs=1e-6)
            assert high[i] == pytest.approx(float(row[f"hi_{name}"]), abs=1e-6)
        assert z[i] == pytest.approx(float(row["z_vs_msa0"]), abs=1e-6)
        p_value = 2 * stats.norm.sf(abs(z[i]))
        assert p_value == pytest.approx(float(row["p_vs_msa0_unpaired"]), abs=1e-6)


def test_one_interval_of_figure_12a_does_not_overlap_and_one_test_survives_holm():
    rows = expected("expected_fig12a.csv")
    apart = [
        r["label"] + r["color"] for r in rows[:8] if float(r["lo_2s"]) > float(rows[8]["hi_2s"])
    ]
    assert apart == ["red"]
    p_values = sorted(float(row["p_vs_msa0_unpaired"]) for row in rows[:8])
    assert sum(p < 0.05 for p in p_values) == 4
    holm = np.maximum.accumulate(np.array(p_values) * np.arange(8, 0, -1))
    assert (holm < 0.05).tolist() == [True] + [False] * 7
    assert holm[0] == pytest.approx(0.029, abs=0.0005)


def test_resnext_beats_resnet_on_paired_cases_though_fold_intervals_overlap(predictions):
    cases = predictions["last"]
    right, better = (cases[f"{name}_s42"] == cases["gtlabel"] for name in NETWORKS[:2])
    only_resnet, only_resnext = np.sum(right & ~better), np.sum(better & ~right)
    assert (only_resnet, only_resnext) == (268, 696)
    assert stats.binomtest(268, 268 + 696).pvalue == pytest.approx(1.7e-44, rel=0.05)
    significant = overlapping = 0
    for fold in range(20):
        held_out = cases["fold"] == fold
        a, b = right[held_out], better[held_out]
        lost, won = int(np.sum(a & ~b)), int(np.sum(b & ~a))
        significant += stats.binomtest(lost, lost + won).pvalue < 0.05
        n = np.sum(held_out)
        _, high = proportion_interval(a.sum(), n, method="normal")
        low, _ = proportion_interval(b.sum(), n, method="normal")
        overlapping += low <= high
    assert (significant, overlapping) == (18, 17)


def test_each_seed_of_resnext_beats_each_seed_of_resnet(predictions):
    cases = predictions["last"]
    p_values = []
    for one in SEEDS:
        for other in SEEDS:
            a = cases[f"resnet50_s{one}"] == cases["gtlabel"]
            b = cases[f"resnext50_s{other}"] == cases["gtlabel"]
            lost, won = int(np.sum(a & ~b)), int(np.sum(b & ~a))
            assert won > lost
            p_values.append(stats.binomtest(lost, lost + won).pvalue)
    assert 36 * max(p_values) < 0.001  # Bonferroni


def test_the_scatter_over_folds_is_within_what_chance_alone_gives(predictions):
    low, high = np.sqrt(stats.chi2.ppf([0.025, 0.975], 19) / 19)
    assert (low, high) == pytest.approx((0.685, 1.315), abs=0.001)
    for network, ratio in zip(NETWORKS, (0.93, 1.28, 0.99), strict=True):
        spread = fold_spread(by_seed_and_fold(predictions["last"], network)[0], 670)
        assert spread.ratio == pytest.approx(ratio, abs=0.005)
        assert low < spread.ratio < high


def test_seeds_differ_far_less_than_folds(predictions):
    for network in NETWORKS:
        values = by_seed_and_fold(predictions["last"], network)
        assert values.mean(axis=1).std(ddof=1) < values.mean(axis=0).std(ddof=1) / 3


def test_judging_the_best_epoch_on_the_same_fold_adds_up_to_0_7_points(predictions):
    gain = [
        100
        * (
            by_seed_and_fold(predictions["best"], network).mean()
            - by_seed_and_fold(predictions["last"], network).mean()
        )
        for network in NETWORKS
    ]
    assert (min(gain), max(gain)) == pytest.approx((0.42, 0.70), abs=0.005)
