"""The kit ``surrogate``: from data to how far a network can be trusted."""

import subprocess
import sys
from itertools import pairwise

import h5py
import numpy as np
import pandas as pd
import pytest

from evidesk.evidence import Verdict
from evidesk.kits import Cancelled, KitError, load, silent
from evidesk.kits.execution import execute, parse
from evidesk.kits.surrogate import kit
from evidesk.methods.surrogates import Ensemble, LastLayer
from tests.kits.tables import rows
from tests.methods.surrogates.test_onnx_network import model

SMALL = {"hidden": "16, 16", "epochs": 60, "batch_size": 32, "learning_rate": 0.01}


def cases(n, seed=0, low=-1.0, high=1.0):
    """Two inputs, and a smooth output with noise; ten groups or more."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(low, high, (n, 2))
    y = np.sin(3 * x[:, 0]) + x[:, 1] ** 2 + rng.normal(0, 0.1, n)
    return pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y, "run": np.arange(n) // 5})


@pytest.fixture
def table(tmp_path):
    """Rows of three parts, and some far away from the training."""
    parts = {"train": (300, -1, 1), "calibration": (150, -1, 1), "test": (200, -1, 1),
             "far": (80, 2, 4)}  # fmt: skip
    frames = []
    for seed, (name, (n, low, high)) in enumerate(parts.items()):
        frame = cases(n, seed, low, high)
        frame["part"], frame["run"] = name, frame["run"] + 1_000 * seed
        frames.append(frame)
    path = tmp_path / "cases.parquet"
    pd.concat(frames, ignore_index=True).to_parquet(path)
    return path


@pytest.fixture
def systems(tmp_path):
    """Arrays by part: systems of eight points, whose errors in one system are alike."""
    rng = np.random.default_rng(1)
    arrays = {}
    for part, n, low in (("train", 60, 0), ("val", 40, 0), ("test", 50, 0), ("hot", 30, 1.5)):
        x = rng.uniform(low, low + 1, (n, 8, 2))
        arrays[f"{part}_x"] = x
        common = rng.normal(0, 0.05, (n, 1))
        arrays[f"{part}_e"] = np.sin(2 * x[..., 0]) + x[..., 1] + common
        arrays[f"{part}_T"] = rng.uniform(0, 0.1, n)
        arrays[f"{part}_traj"] = np.arange(n) // 2
    np.savez(tmp_path / "systems.npz", **arrays)
    return tmp_path / "systems.npz"


def run(path, progress=silent, **options):
    return kit.run(parse(kit, {"file": path, **SMALL, **options}), progress)


BY_PART = {"feature": ["a", "b"], "target": ["y"], "part": "part", "group": "run"}


def coverage(evidence):
    return {
        one.sentence.split(",")[0].removeprefix("In "): one
        for one in evidence.findings
        if one.sentence.startswith("In ")
    }


def test_the_kit_is_installed_and_reads_arrays():
    assert load("surrogate") is kit
    assert kit.arrays


@pytest.mark.parametrize("head", ["last-layer", "ensemble", "gaussian-process", "conformal"])
def test_in_domain_is_trusted_and_far_away_is_not(table, head):
    told = []
    evidence = run(
        table, lambda done, message: told.append((done, message)), **BY_PART, head=head, members=3
    )
    assert evidence.answer.startswith("Nominal 90 % covers 0.")
    found = coverage(evidence)
    assert found["test"].verdict != Verdict.REFUTED
    assert 0.8 < found["test"].estimate.value < 0.99
    assert "40 groups" in str(found["test"].estimate)
    share = {one.sentence.split()[0]: one for one in evidence.findings if "out of" in one.sentence}
    if head == "conformal":
        assert found["far"].verdict == Verdict.REFUTED
        assert "far: not to be trusted there" in evidence.answer
        assert [one.name for one in evidence.figures] == ["coverage"]
    else:
        assert share["far"].verdict == Verdict.SUPPORTED
        assert share["test"].estimate.value < 0.1
        assert [one.name for one in evidence.figures] == ["coverage", "calibration", "spread"]
        # What would teach most lies where the training has not been.
        assert {one["part"] for one in rows(evidence, "next")[:5]} == {"far"}
    assert told[-1] == (1.0, "Done")
    assert all(a[0] <= b[0] + 1e-9 for a, b in pairwise(told))
    assert any("parted by part" in one for one in evidence.warnings)


def test_parts_are_found_by_the_names_of_arrays_and_totals_are_calibrated(systems):
    evidence = run(
        systems, feature=["train_x", "train_T"], target=["train_e"], group="train_traj",
        total="mean", recommend=0,
    )  # fmt: skip
    found = coverage(evidence)
    assert list(found) == ["test", "hot"]
    totals = [one for one in evidence.findings if "for the mean of each system" in one.sentence]
    assert totals[0].estimate.n == 50
    assert totals[0].estimate.value > 0.75
    by = {
        name: {(one["part"], one["score"]): one["value"] for one in rows(evidence, name)}
        for name in ("totals", "independent")
    }
    place = ("test", "Coverage")
    assert by["independent"][place] < by["totals"][place]
    assert evidence.figures[-1].name == "totals"
    assert any("parted by the names of the arrays" in one for one in evidence.warnings)
    assert "next" not in {one.name for one in evidence.tables}
    assert "25 groups" in str(found["test"].estimate)


def test_without_parts_rows_or_groups_are_parted_at_random(tmp_path, systems):
    cases(400).to_csv(tmp_path / "cases.csv", index=False)
    path = tmp_path / "cases.csv"
    evidence = run(path, feature=["a", "b"], target=["y"], group="run", epochs=20)
    assert list(coverage(evidence)) == ["test"]
    assert any("60, 20 and 20 % of the groups of rows" in one for one in evidence.warnings)
    alone = run(path, feature=["a", "b"], target=["y"], epochs=20)
    assert any("60, 20 and 20 % of the rows" in one for one in alone.warnings)
    assert any("Rows were taken for independent" in one for one in alone.warnings)
    # Of systems without a group, each is its own; only the training part is named.
    with h5py.File(tmp_path / "one.h5", "w") as target, np.load(systems) as arrays:
        target["x"], target["e"] = arrays["train_x"], arrays["train_e"]
    of_systems = run(tmp_path / "one.h5", feature=["x"], target=["e"], total="sum", epochs=20)
    assert "12 groups" in str(coverage(of_systems)["test"].estimate)


def test_a_part_for_the_calibration_is_made_if_there_is_none(table, tmp_path):
    frame = pd.read_parquet(table)
    frame.loc[frame.part == "calibration", "part"] = "train"
    frame.to_parquet(tmp_path / "two.parquet")
    evidence = run(tmp_path / "two.parquet", **BY_PART, epochs=20)
    assert any("a quarter of the training rows is kept" in one for one in evidence.warnings)


def test_several_outputs_are_predicted_at_once(table, tmp_path):
    frame = pd.read_parquet(table)
    frame["z"] = frame["a"] * frame["b"] + np.random.default_rng(0).normal(0, 0.05, len(frame))
    frame.to_parquet(tmp_path / "more.parquet")
    evidence = run(tmp_path / "more.parquet", **{**BY_PART, "target": ["y", "z"]}, epochs=100)
    assert 0.75 < coverage(evidence)["test"].estimate.value < 1


def test_a_trained_network_is_taken_as_it_is(table, tmp_path):
    found, _ = model(seed=3)
    (tmp_path / "network.onnx").write_bytes(found.SerializeToString())
    evidence = run(table, **BY_PART, network=tmp_path / "network.onnx")
    # It was never trained on this, and its intervals are as wide as that makes them.
    assert coverage(evidence)["test"].estimate.value > 0.85
    width = {(one["part"], one["score"]): one["value"] for one in rows(evidence, "scores")}
    assert width["test", "Width"] > 1
    assert "module=onnx_network(content)" in evidence.files[0].title
    (tmp_path / "pickle.onnx").write_bytes(b"\x80\x04\x95")
    with pytest.raises(KitError, match=r"pickle\.onnx: This is no ONNX model"):
        run(table, **BY_PART, network=tmp_path / "pickle.onnx")
    with pytest.raises(KitError, match="gets its uncertainty from its last layer"):
        run(table, **BY_PART, network=tmp_path / "network.onnx", head="ensemble")


@pytest.mark.parametrize(
    ("head", "kind"), [("last-layer", LastLayer), ("ensemble", Ensemble)]
)  # fmt: skip
def test_the_calibrated_network_is_kept_with_the_evidence(table, tmp_path, head, kind):
    parameters = parse(kit, {"file": table, **SMALL, **BY_PART, "head": head, "members": 2})
    evidence = execute(kit, parameters, agent="a")
    evidence.write(tmp_path / "out")
    assert f"{kind.__name__}.load('files/head.json')" in evidence.files[0].title
    again = kind.load(tmp_path / "out" / "files" / "head.json")
    test = pd.read_parquet(table).query("part == 'test'")
    found = again.predict_interval(test[["a", "b"]].to_numpy(), 0.9, refuse=False)
    held = np.mean((test["y"] >= found.low) & (test["y"] <= found.high))
    assert held == coverage(evidence)["test"].estimate.value
    assert not len(again._seen.rows), "hashes could give rows away"


def test_what_may_not_or_cannot_be_kept_is_not(table, monkeypatch):
    for head in ("gaussian-process", "conformal"):
        assert run(table, **BY_PART, head=head, epochs=5).files == ()
    monkeypatch.setattr("evidesk.kits.surrogate_trust._MOST_HEAD_BYTES", 2_000)
    evidence = run(table, **BY_PART, epochs=5)
    assert evidence.files == ()
    assert any("The trained network needs" in one for one in evidence.warnings)


def test_the_same_file_gives_the_same_evidence(table, tmp_path):
    parameters = parse(kit, {"file": table, **SMALL, **BY_PART, "epochs": 5})
    found = []
    for name in ("one", "two"):
        execute(kit, parameters, agent="a").write(tmp_path / name)
        found.append(
            {
                path.name: path.read_bytes()
                for path in sorted((tmp_path / name).rglob("*"))
                if path.suffix in (".svg", ".csv")
            }
        )
    assert found[0] == found[1]


def test_training_can_be_cancelled(table):
    def cancel(done, message):
        if 0.1 < done < 0.7:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(table, cancel, **BY_PART)


#: A machine without PyTorch.
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Missing())
from evidesk.cli import main
main()
"""


def test_without_pytorch_it_says_what_to_install(table, tmp_path):
    def asked(*options):
        command = [
            *(sys.executable, "-c", WITHOUT, "run", "surrogate", str(table)),
            *("--feature", "a", "--feature", "b", "--target", "y", "--part", "part"),
            *("--out", str(tmp_path / "out"), *options),
        ]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = asked()
    assert done.returncode == 1
    assert "pip install 'evidesk[torch]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
    without_network = asked("--head", "gaussian-process")
    assert "Nominal 90 % covers" in without_network.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"feature": ["a"], "target": ["a"]}, "a is an input and an output"),
        ({"feature": ["x"]}, "has no column or array x"),
        ({"feature": []}, "at least 1 item"),
        ({"hidden": "64 0"}, "Write the sizes of hidden layers"),
        ({"hidden": "64 x"}, "such as 64 64"),
        ({"hidden": "8 " * 11}, "at most 10 hidden layers"),
        ({"feature": ["kind"]}, "no number"),
        ({"feature": ["hole"]}, "rows of all have inputs that are missing"),
        ({"target": ["hole"]}, "rows of all have outputs that are missing"),
        ({"part": "kind"}, "No part is called train or training or fit; there are: x"),
        ({"part": "alone"}, "There is no part to test on"),
        ({"target": ["constant"]}, "constant"),
        ({"total": "sum"}, "A total needs systems of several points"),
        ({"total": "sum", "head": "conformal"}, "say nothing of totals"),
        ({"group": "kind", "part": None}, "has 1 independent row"),
        ({"level": 0.9999}, "nothing can be said|Give|needs|independent"),
    ],
)
def test_what_cannot_be_learnt_is_told(table, tmp_path, options, message):
    frame = pd.read_parquet(table)
    frame["kind"] = "x"
    frame["alone"] = np.where(frame.part == "train", "train", "val")
    frame["hole"] = np.where(frame.index == 3, np.nan, frame["a"])
    frame["constant"] = 1.0
    frame.to_parquet(tmp_path / "odd.parquet")
    if options == {"level": 0.9999}:
        options = options | {"head": "conformal"}
    with pytest.raises(KitError, match=message):
        run(tmp_path / "odd.parquet", **{**BY_PART, "epochs": 2, **options})


@pytest.mark.parametrize(
    ("feature", "target", "options", "message"),
    [
        (["x"], ["short"], {}, "different numbers of rows: x 6, short 5"),
        (["grid", "other"], ["points"], {}, "different numbers of points"),
        (["grid"], ["x"], {}, r"x has shape \(6, 2\), which does not fit for systems of 4 points"),
        (["grid"], ["points"], {"group": "short"}, "short has 5 values for 6 rows"),
        (["cube"], ["x"], {}, r"cube has shape \(6, 2, 2, 2\), which does not fit\."),
        (["x"], ["x1"], {}, "too few to train on"),
    ],
)
def test_arrays_that_do_not_fit_are_told(tmp_path, feature, target, options, message):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "odd.npz", x=rng.random((6, 2)), short=rng.random(5), x1=rng.random(6),
        grid=rng.random((6, 4, 2)), other=rng.random((6, 3, 2)), points=rng.random((6, 4)),
        cube=rng.random((6, 2, 2, 2)), one=np.zeros(6),
    )  # fmt: skip
    if target == ["x1"]:
        options = {"group": "one"}
    with pytest.raises(KitError, match=message):
        run(tmp_path / "odd.npz", feature=feature, target=target, **options)


def test_a_total_is_of_one_output(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "two.npz", x=rng.random((30, 4, 2)), y=rng.random((30, 4, 2)))
    with pytest.raises(KitError, match="A total is made of one output"):
        run(tmp_path / "two.npz", feature=["x"], target=["y"], total="sum", epochs=2)


def test_a_total_of_too_few_systems_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "few.npz", x=rng.random((40, 4, 2)), y=rng.random((40, 4)))
    message = "The calibration has 8 systems, and intervals of totals that hold 90 % need 9"
    with pytest.raises(KitError, match=message):
        run(tmp_path / "few.npz", feature=["x"], target=["y"], total="sum", epochs=2)


def test_too_much_is_refused(table, monkeypatch):
    from evidesk.kits import surrogate_reading

    monkeypatch.setattr(surrogate_reading, "_MOST_NUMBERS", 100)
    with pytest.raises(KitError, match="has 1,460 numbers of inputs, more than 100"):
        run(table, **BY_PART)
