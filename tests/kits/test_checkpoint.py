"""A run that was cut off is gone on with from its checkpoint, and from nobody else's."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from evidesk import cli
from evidesk.evidence import Evidence
from evidesk.kits import Cancelled, KitError, load, silent
from evidesk.kits.checkpoint import holds_some, prepare, remove
from evidesk.kits.execution import execute, parse
from evidesk.kits.isolation import Limits, RunFailed, run_isolated
from evidesk.kits.surrogate import kit
from evidesk.methods.surrogates import training

RUN = {"kit": "k", "data": ["0"], "parameters": {"a": 1, "b": 2}, "versions": {"evidesk": "1"}}
ROOMY = Limits(seconds=120, memory_bytes=8 * 2**30)
#: Seconds between two checkpoints are for people; here every epoch leaves one.
NO_WAIT = "from evidesk.methods.surrogates import training; training.CHECKPOINT_EVERY = 0"


# The folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "on" / "the way"


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_one_runs_until_it_is_removed(folder: Path, tmp_path: Path) -> None:
    assert not holds_some(folder)
    prepare(folder, RUN, [tmp_path / "data.csv"])
    assert not holds_some(folder), "nothing was noted yet"
    (folder / ".half").touch()
    assert not holds_some(folder), "what a process left that was killed while it wrote"
    (folder / "state").write_text("42")
    prepare(folder, RUN, [])
    assert holds_some(folder)
    assert (folder / "state").read_text() == "42"
    remove(folder)
    assert not folder.exists()
    remove(folder)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kit": "other"}, "differs in kit. "),
        ({"data": ["1"]}, "differs in data. "),
        ({"parameters": {"a": 1, "b": 3}}, r"differs in parameters \(b\)\. "),
        ({"parameters": {"a": 1, "c": 2}}, r"differs in parameters \(b, c\)\. "),
        (
            {"versions": {"evidesk": "2"}, "data": ["0", "1"]},
            r"differs in data and versions \(evidesk\)\. ",
        ),
    ],
)
def test_the_checkpoint_of_another_run_is_refused_and_stays(
    folder: Path, change: dict[str, Any], told: str
) -> None:
    prepare(folder, RUN, [])
    (folder / "state").write_text("42")
    before = everything(folder)
    with pytest.raises(KitError, match=told + "To begin anew, remove it"):
        prepare(folder, RUN | change, [])
    assert everything(folder) == before


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b"null", b"\xff", b'{"kit": 3}'])
def test_a_note_that_says_nothing_is_of_another_run(folder: Path, note: bytes) -> None:
    prepare(folder, RUN, [])
    (folder / "run.json").write_bytes(note)
    with pytest.raises(KitError, match="of another run"):
        prepare(folder, RUN, [])


def test_a_folder_with_something_else_is_left_alone(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True)
    (folder / ".precious").write_text("mine")
    with pytest.raises(KitError, match="is not empty, and no checkpoint"):
        prepare(folder, RUN, [])
    remove(folder)
    assert everything(folder) == {str(folder / ".precious"): b"mine"}
    with pytest.raises(KitError, match="cannot be written to: "):
        prepare(folder / ".precious", RUN, [])
    with pytest.raises(KitError, match="cannot be written to: "):
        prepare(folder / ".precious" / "below", RUN, [])
    with pytest.raises(KitError, match="cannot be written to: File name too long"):
        prepare(tmp_path / ("x" * 300), RUN, [])


def test_data_in_the_folder_would_be_lost_with_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    for path in (folder / "data.csv", tmp_path / "link" / "data.csv"):
        with pytest.raises(KitError, match=r"data\.csv would be removed together with"):
            prepare(folder, RUN, [path])
    assert not folder.exists()


# A kit that goes on


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Any]:
    """A table and parameters for a training of some seconds."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (400, 2))
    y = np.sin(3 * x[:, 0]) + x[:, 1] ** 2 + rng.normal(0, 0.1, 400)
    path = tmp_path / "cases.csv"
    pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y}).to_csv(path, index=False)
    return {"file": str(path), "feature": ["a", "b"], "target": ["y"], "hidden": "16 16",
            "epochs": 60}  # fmt: skip


def crate_without_times(path: Path, tmp_path: Path) -> dict[str, bytes]:
    """The bytes of everything in the crate, as if it had been written at one moment."""
    evidence = Evidence.read(path)
    assert evidence.provenance is not None
    moment = evidence.provenance.started.replace(year=2026, month=1, day=1, hour=0, minute=0,
                                                 second=0, microsecond=0)  # fmt: skip
    plain = replace(evidence, provenance=replace(evidence.provenance, started=moment, ended=moment))
    out = plain.write(tmp_path / f"{path.stem}-plain")
    return {str(one.relative_to(out)): one.read_bytes() for one in out.rglob("*") if one.is_file()}


def test_a_killed_process_is_gone_on_with_and_the_evidence_is_bit_for_bit_the_same(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(NO_WAIT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)
    children: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def remembered(*args: Any, **options: Any) -> Any:
        children.append(popen(*args, **options))
        return children[-1]

    monkeypatch.setattr("evidesk.kits.isolation.subprocess.Popen", remembered)
    checkpoint = tmp_path / "checkpoint"

    def run(name: str, progress: Callable[[float, str], None], **options: Any) -> list[float]:
        told: list[float] = []

        def telling(done: float, message: str) -> None:
            told.append(done)
            progress(done, message)

        run_isolated(
            "surrogate", given, tmp_path / f"{name}.zip", agent="Cyra", limits=ROOMY,
            progress=telling, **options,
        )  # fmt: skip
        return told

    def kill(done: float, message: str) -> None:
        if done > 0.4 and children[-1].poll() is None:
            assert message.startswith("Learning"), "it is killed in the middle of the training"
            os.kill(children[-1].pid, signal.SIGKILL)

    whole = run("whole", silent)
    assert min(share for share in whole if share > 0.05) < 0.1
    with pytest.raises(RunFailed) as fault:
        run("cut", kill, checkpoint=checkpoint)
    assert children[-1].returncode == -signal.SIGKILL
    assert fault.value.cut_off
    assert not (tmp_path / "cut.zip").exists()
    assert holds_some(checkpoint)
    gone_on = run("gone-on", silent, checkpoint=checkpoint)
    assert min(share for share in gone_on if share > 0.05) > 0.4, "it goes on, and not anew"
    assert all(a <= b + 1e-9 for a, b in pairwise(gone_on))
    one, other = (
        crate_without_times(tmp_path / f"{n}.zip", tmp_path) for n in ("whole", "gone-on")
    )
    assert one == other
    assert not [name for name in other if "training" in name or "checkpoint" in name]
    remove(checkpoint)
    assert not checkpoint.exists(), "nothing in it is anybody else's"


@pytest.mark.parametrize("head", ["ensemble", "conformal"])
def test_every_head_that_trains_goes_on(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str
) -> None:
    parameters = parse(kit, given | {"head": head, "members": 3, "epochs": 40})

    def run(cut_at: float = 2.0, **options: Any) -> tuple[Evidence | None, list[float]]:
        told: list[float] = []

        def progress(done: float, message: str) -> None:
            told.append(done)
            if done > cut_at:
                raise Cancelled

        try:
            return execute(kit, parameters, agent="Cyra", progress=progress, **options), told
        except Cancelled:
            return None, told

    whole, _ = run()
    nothing, _ = run(0.5, checkpoint=tmp_path / "checkpoint")
    assert nothing is None
    gone_on, told = run(checkpoint=tmp_path / "checkpoint")
    assert min(share for share in told if share > 0.05) > 0.5
    assert whole is not None
    assert gone_on is not None
    assert replace(whole, provenance=None) == replace(gone_on, provenance=None)


def test_a_head_without_training_notes_nothing(given: dict[str, Any], tmp_path: Path) -> None:
    parameters = parse(kit, given | {"head": "gaussian-process"})
    execute(kit, parameters, agent="Cyra", checkpoint=tmp_path / "checkpoint")
    assert not holds_some(tmp_path / "checkpoint")


def test_which_kits_go_on() -> None:
    assert load("surrogate").resumes
    assert not load("accuracy").resumes


# On the command line


@pytest.fixture
def evidesk(given: dict[str, Any], tmp_path: Path) -> Callable[..., Result]:
    def run(*options: Any, **other: Any) -> Result:
        words = ["run", "surrogate", given["file"], "--feature", "a", "--feature", "b",
                 "--target", "y", "--hidden", "16", "--epochs", "30", *options]  # fmt: skip
        return CliRunner().invoke(cli.main, list(map(str, words)), **other)

    return run


def cut_off_at(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, pressed when the training is so far."""
    train = training.train

    def interrupted(*args: Any, progress: Callable[[float], None], **options: Any) -> Any:
        def pressed(done: float) -> None:
            if done >= share:
                raise KeyboardInterrupt
            progress(done)

        return train(*args, progress=pressed, **options)

    monkeypatch.setattr("evidesk.methods.surrogates.members.train", interrupted)


def test_the_same_command_goes_on(
    evidesk: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, checkpoint = tmp_path / "out", tmp_path / "checkpoint"
    options = ("--out", out, "--checkpoint", checkpoint)
    with monkeypatch.context() as patch:
        cut_off_at(0.5, patch)
        done = evidesk(*options)
        assert done.exit_code == 1
        assert f"The same command goes on from {checkpoint}" in done.output
        assert not out.exists()
        assert "Cancelled; nothing was written" in evidesk("--out", out).output
    before = everything(checkpoint)
    other = evidesk(*options, "--epochs", 31)
    assert "is of another run, which differs in parameters (epochs)" in other.output
    assert "Traceback" not in other.output
    assert everything(checkpoint) == before

    document = json.loads((checkpoint / "run.json").read_bytes())
    assert document["parameters"]["file"] == "cases.csv", "it does not tell where the data lie"
    monkeypatch.undo()
    assert evidesk(*options).exit_code == 0
    assert not checkpoint.exists()
    assert Evidence.read(out).answer.startswith("Nominal 90 % covers")


def test_evidence_in_the_checkpoint_would_be_lost(
    evidesk: Callable[..., Result], tmp_path: Path
) -> None:
    done = evidesk("--out", tmp_path / "c" / "out", "--checkpoint", tmp_path / "c")
    assert "would be removed with the checkpoint. Choose another --out" in done.output
    assert not (tmp_path / "c").exists()


def test_only_kits_that_go_on_take_a_checkpoint() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "evidesk", "run", "accuracy", "x.csv", "--checkpoint", "c"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "No such option" in done.stderr
