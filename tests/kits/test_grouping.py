"""Columns that group the cases are found, and others are left in peace."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evidesk.kits import grouping, silent
from evidesk.kits.grouping import unnamed_groups
from evidesk.kits.table import TableFile
from evidesk.methods.metrics import accuracies, accuracy


def look(path, columns, n, used=("truth", "model")):
    pq.write_table(pa.table(columns), path)
    with TableFile(path, silent) as table:
        return unnamed_groups(table, "truth", "model", used, n, 0.95, silent, (0, 1))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.parquet"


def cases(n=2_000, size=10, spread=True, seed=0):
    """Labels of five classes, right more often in some patients than in others."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n // size), size)
    truth = rng.integers(0, 5, n)
    chance = rng.beta(4, 1, n // size)[patient] if spread else 0.8
    return rng, {
        "truth": truth,
        "model": np.where(rng.random(n) < chance, truth, rng.integers(0, 5, n)),
        "patient": [f"p{i}" for i in patient],
    }


def test_the_patient_is_found_with_how_much_longer_the_bars_would_be(path):
    _, columns = cases()
    (warning,) = look(path, columns, 2_000)
    lone, grouped = (
        accuracy(columns["truth"], columns["model"], groups=groups)
        for groups in (None, columns["patient"])
    )
    effect = accuracies(
        columns["truth"], {"model": columns["model"]}, groups=columns["patient"]
    ).design_effects["model"]
    longer = (grouped.high - grouped.low) / (lone.high - lone.low)
    assert longer > 1.2
    assert warning == (
        "Right answers bunch by the values of column 'patient'. If it says which cases belong "
        "together, such as the images of a patient, the error bars shown are too short: with "
        f"patient as the group they are {longer:.1f} times as long (design effect {effect:.1f})."
    )


def test_patients_who_do_not_differ_are_no_groups(path):
    assert look(path, cases(spread=False)[1], 2_000) == []


def test_classes_other_models_folds_and_numbers_are_no_groups(path):
    rng, columns = cases()
    truth, n = columns["truth"], 2_000
    other = np.where(rng.random(n) < 0.5, columns["model"], rng.integers(0, 5, n))
    names = np.array(["ant", "bee", "cow", "dog", "eel"])
    del columns["patient"]
    by_fold = np.arange(n) % 10
    columns["model"] = np.where((by_fold < 3) & (rng.random(n) < 0.5), 9, columns["model"])
    columns |= {
        "other model": other,
        "its names": names[truth],
        "all its names": [f"{names[t]} {i % 3}" for i, t in enumerate(truth)],
        "fold": by_fold,
        "id": np.arange(n),
        "constant": [1] * n,
        "sex": np.arange(n) % 2,
        "score": rng.random(n),
        "list": [[int(t)] for t in truth],
        "gaps": [None if i % 9 == 0 else str(i // 10) for i in range(n)],
    }
    assert look(path, columns, n) == []
    assert look(path, columns, n, used=tuple(columns)) == []


def test_a_class_that_is_harder_makes_no_group_of_what_goes_with_it(path):
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, 1_000)
    model = np.where(rng.random(1_000) < np.array([1, 0.9, 0.6, 0.3])[truth], truth, 9)
    site = truth * 10 + rng.integers(0, 10, 1_000)
    assert look(path, {"truth": truth, "model": model, "site": site}, 1_000) == []


def test_a_model_that_is_always_right_has_no_groups(path):
    _, columns = cases()
    assert look(path, columns | {"model": columns["truth"]}, 2_000) == []


def test_independent_cases_are_seldom_warned_of(path):
    """Of 50 tables with five columns each, one half of one is expected."""
    rng, warned = np.random.default_rng(5), 0
    for _ in range(50):
        truth = rng.integers(0, 3, 300)
        right = rng.random(300) < np.array([0.95, 0.7, 0.5])[truth]
        columns = {"truth": truth, "model": np.where(right, truth, 9)}
        columns |= {f"c{k}": rng.integers(0, k, 300) for k in (6, 20, 50, 100, 140)}
        warned += bool(look(path, columns, 300))
    assert warned <= 3


def test_of_very_many_values_a_share_is_looked_at(path, monkeypatch):
    rng, columns = cases(n=20_000, size=10)
    expected = look(path, columns, 20_000)
    monkeypatch.setattr(grouping, "_HEAD_ROWS", 5_000)
    monkeypatch.setattr(grouping, "_MOST_VALUES", 500)
    columns["other"] = rng.integers(0, 2_000, 20_000)
    (found,) = look(path, columns, 20_000)
    assert found[:60] == expected[0][:60]


def test_a_column_that_only_the_head_makes_look_good_is_left(path, monkeypatch):
    _, columns = cases()
    monkeypatch.setattr(grouping, "_HEAD_ROWS", 100)
    columns["patient"] = ["a", "b", "c", "d", "e"] * 20 + [f"p{i}" for i in range(1_900)]
    assert look(path, columns, 2_000) == []
    columns["patient"] = ["a", "b", "c", "d", "e"] * 200 + [None] * 1_000
    assert look(path, columns, 2_000) == []


def test_at_most_three_columns_are_spoken_of(path):
    _, columns = cases()
    for i in range(4):
        columns[f"patient{i}"] = columns["patient"]
    assert len(look(path, columns, 2_000)) == 3
