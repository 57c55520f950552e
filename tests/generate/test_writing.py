"""Files of generated events, as numpy, DuckDB and the kits read them."""

import json
from pathlib import Path

import duckdb
import numpy as np
import pytest

from evidesk.generate import COLUMNS, CutFlow, Dijets, Run
from evidesk.generate.pythia import CrossSection
from evidesk.generate.writing import check_suffix, write
from evidesk.kits.arrays import ArrayFile
from evidesk.kits.kit import silent


@pytest.fixture
def made():
    rng = np.random.default_rng(1)
    run = Run("signal", ("a = 1", "b = it's"), CutFlow(9, 8, 7, 6, 5, 4), CrossSection(5.5, 0.25))
    x = rng.normal(size=(6, len(COLUMNS))).astype(np.float32)
    label = np.array([0, 1, 0, 0, 1, 0], dtype=np.uint8)
    return Dijets(x, label, (run,), 42, {"pythia8mc": "8.317.2"})


META = {
    "seed": 42,
    "versions": {"pythia8mc": "8.317.2"},
    "runs": [
        {
            "process": "signal",
            "settings": ["a = 1", "b = it's"],
            "cut_flow": {"generated": 9, "two_jets": 8, "leading_pt": 7, "central": 6,
                         "mass_window": 5, "constituents": 4},
            "cross_section_pb": 5.5,
            "cross_section_error_pb": 0.25,
        }
    ],
}  # fmt: skip


def test_npz_has_the_events_and_how_they_were_made(made, tmp_path):
    path = tmp_path / "new" / "events.npz"
    write(made, path)
    with np.load(path, allow_pickle=False) as file:
        assert set(file) == {"x", "label", "columns", "meta"}
        assert np.array_equal(file["x"], made.x)
        assert np.array_equal(file["label"], made.label)
        assert file["x"].dtype == np.float32
        assert tuple(file["columns"]) == COLUMNS
        assert json.loads(str(file["meta"])) == META


def test_parquet_has_the_same(made, tmp_path):
    path = tmp_path / "it's.PARQUET"
    write(made, path)
    # A connection of its own: what is left unread on the common one would stop whoever comes next.
    with duckdb.connect() as connection:
        found = connection.read_parquet(str(path)).fetchnumpy()
        (text,) = connection.execute(
            "SELECT decode(value) FROM parquet_kv_metadata($path) WHERE decode(key) = 'meta'",
            {"path": str(path)},
        ).fetchone()
    assert tuple(found) == (*COLUMNS, "label")
    for name, column in zip(COLUMNS, made.x.T, strict=True):
        assert np.array_equal(found[name], column)
        assert found[name].dtype == np.float32
    assert np.array_equal(found["label"], made.label)
    assert json.loads(text) == META


@pytest.mark.parametrize("name", ["events.npz", "events.parquet"])
def test_kits_read_the_columns_by_name(made, tmp_path, name):
    write(made, tmp_path / name)
    with ArrayFile(tmp_path / name, silent) as file:
        assert set(file.columns) >= {*COLUMNS, "label"}
        assert np.array_equal(file.column("tau21_2", silent), made.x[:, 4])
        assert file.labels("label", silent).tolist() == ["0", "1", "0", "0", "1", "0"]


def test_the_same_events_make_the_same_file(made, tmp_path):
    for name in ("one.npz", "other.npz"):
        write(made, tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


def test_a_file_is_replaced_only_by_a_complete_one(made, tmp_path, monkeypatch):
    path = tmp_path / "events.npz"
    path.write_text("what was there")

    def full(file, **arrays):
        file.write(b"half")
        raise OSError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez_compressed", full)
        with pytest.raises(OSError, match="no room"):
            write(made, path)
    assert [one.name for one in tmp_path.iterdir()] == ["events.npz"]
    assert path.read_text() == "what was there"
    write(made, path)
    assert [one.name for one in tmp_path.iterdir()] == ["events.npz"]
    assert np.load(path)["label"].shape == (6,)


@pytest.mark.parametrize("name", ["events.csv", "events", ".npz", "npz"])
def test_other_suffixes_are_refused(made, tmp_path, name):
    with pytest.raises(ValueError, match=r"must end in \.npz or \.parquet"):
        write(made, tmp_path / name)
    with pytest.raises(ValueError, match="must end in"):
        check_suffix(Path(name))
    assert not list(tmp_path.iterdir())
