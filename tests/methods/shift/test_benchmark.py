"""The benchmark of the two-sample tests in small: ours run, and its verdicts are right."""

import sys

import numpy as np
import pytest
from benchmarks import shift
from benchmarks.two_sample.pairs import NULL, SCENARIOS, SIMULATED, Scenario
from benchmarks.two_sample.ways import WAYS, Way, p_values

OURS = {name: WAYS[name] for name in ("evidesk auto", "evidesk combination")}


@pytest.fixture
def kept(tmp_path):
    return shift.Kept(tmp_path / "kept" / "cells.json")


def cell(kept, scenario, name, p):
    kept.cells[f"{scenario.name}: {name}"] = {"p": list(p), "version": "1"}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_every_test_gets_the_same_pairs_and_no_pair_comes_twice(scenario):
    x, y = scenario.pairs(2, 20)
    again, _ = scenario.pairs(2, 20)
    assert x.shape == (2, 20, x.shape[2])
    assert x.shape[2] == y.shape[2]
    assert np.array_equal(x, again)
    assert not np.array_equal(x[0], x[1])
    assert not np.array_equal(x, y)


@pytest.mark.slow
def test_ours_are_measured_kept_and_not_measured_again(kept, monkeypatch):
    monkeypatch.setattr(shift, "WAYS", OURS)
    far = Scenario("far", 60, lambda rng, n: (rng.normal(size=(n, 2)), rng.normal(3, 1, (n, 2))))
    shift.measure_power(kept, [far], repetitions=2, seconds=60)
    shift.measure_cost(kept, [100])
    for name in OURS:
        assert shift.rejected(kept.cells[f"far: {name}"]).tolist() == [True, True]
        measured = kept.cells[f"100: {name}"]
        assert 0 < measured["cpu"] < 180
        assert measured["wall"] > 0
    monkeypatch.setattr(sys, "executable", "/nowhere")
    shift.measure_cost(shift.Kept(kept.path), [100])


def test_a_peer_that_is_not_installed_is_said_to_be_so(monkeypatch, tmp_path):
    monkeypatch.setattr(shift, "PEERS", tmp_path / "python")
    assert shift.run(["speed", "hyppo MMD", "pair.npz"]) == {"failed": "not installed"}


def test_no_more_pairs_are_tested_than_the_time_is_enough_for():
    rows = np.zeros((5, 3, 1))
    assert p_values(Way("evidesk", lambda x, y, seed: seed / 10), rows, rows, 60) == [
        0.0, 0.1, 0.2, 0.3, 0.4,
    ]  # fmt: skip
    assert len(p_values(Way("evidesk", lambda x, y, seed: 1.0), rows, rows, 0)) == 1


def test_the_verdict_is_that_of_the_rejections_where_nothing_shifts(kept):
    cell(kept, NULL, "hyppo MMD", [0.04] * 10 + [0.5] * 190)
    cell(kept, NULL, "hyppo Energy", [0.04] * 20 + [0.5] * 180)
    cell(kept, NULL, "c2st (as in sbi)", [np.nan])
    assert shift.verdict(kept, "hyppo MMD") == "valid"
    assert shift.verdict(kept, "hyppo Energy") == "**not valid**"
    assert shift.verdict(kept, "c2st (as in sbi)") == "score only"
    assert shift.verdict(kept, "frouros MMD") == "not measured"


def test_a_valid_peer_that_is_ahead_on_the_same_pairs_is_named(kept):
    scenario = SIMULATED[0]
    for name in (shift.OURS, "hyppo MMD", "hyppo Energy"):
        cell(kept, NULL, name, [0.5] * 200)
    cell(kept, scenario, shift.OURS, [0.01] * 100 + [0.5] * 100)
    cell(kept, scenario, "hyppo MMD", [0.01] * 120 + [0.5] * 80)
    cell(kept, scenario, "hyppo Energy", [0.01] * 101 + [0.5] * 99)
    assert shift.is_ahead(kept, scenario, "hyppo MMD")
    assert not shift.is_ahead(kept, scenario, "hyppo Energy")
    assert not shift.is_ahead(kept, scenario, shift.OURS)
    text = shift.power_table(kept)
    assert "| hyppo MMD | valid | 0 ± 1 | **60 ± 3** |" in text
    assert "| mean | 50 ± 4 | hyppo MMD | 60 ± 3 | +10 ± 2 |" in text


def test_costs_are_told_as_multiples_of_ours_and_failures_with_their_reason(kept):
    kept.cells[f"10000: {shift.OURS}"] = {"cpu": 0.5, "wall": 0.6, "peak": 2**20, "version": "1"}
    kept.cells["10000: hyppo Hotelling"] = {"cpu": 5, "wall": 6, "peak": 2**21, "version": "1"}
    kept.cells["10000: frouros MMD"] = {"failed": "over 180 s"}
    text = shift.cost_table(kept)
    assert "| 10,000 + 10,000 | hyppo Hotelling | not measured | 5 | 6 | 2 | 10 |" in text
    assert "| 10,000 + 10,000 | frouros MMD | not measured | over 180 s | | | > 360 |" in text
