"""A kit in a process of its own: its words come back, its limits hold, and nothing is left."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from evidesk.evidence import Evidence
from evidesk.kits import Cancelled
from evidesk.kits.isolation import Limits, RunFailed, run_isolated
from tests.kits.trial import install

ROOMY = Limits(seconds=60, memory_bytes=4 * 2**30)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", monkeypatch)
    (tmp_path / "input.csv").write_bytes(b"a,b\n1,2\n")
    return tmp_path


def run(folder: Path, do: str, limits: Limits = ROOMY, **options: Any) -> list[tuple[float, str]]:
    """Run the trial kit; returns the progress that it told."""
    told: list[tuple[float, str]] = []
    parameters = {"file": str(folder / "input.csv"), "do": do}
    options = {"progress": lambda done, message: told.append((done, message))} | options
    run_isolated(
        "trial", parameters, folder / "evidence.zip", agent="Cyra", limits=limits, **options
    )
    return told


def processes() -> str:
    return subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True).stdout


def test_a_run_leaves_evidence_and_tells_its_progress(folder: Path) -> None:
    beats = []
    told = run(folder, "end", beat=lambda: beats.append(time.monotonic()))
    assert told == [(0.0, "Hashing the input"), (0.25, "Counting"), (0.75, "Writing")]
    evidence = Evidence.read(folder / "evidence.zip")
    assert evidence.answer == "Half of them."
    assert evidence.provenance.agent == "Cyra"
    assert evidence.provenance.parameters == {"file": "input.csv", "do": "end"}
    assert [file.name for file in evidence.provenance.inputs] == ["input.csv"]
    assert max(b - a for a, b in pairwise(beats)) < 1.5


def test_what_libraries_print_does_not_mix_with_the_runs_words(folder: Path) -> None:
    assert len(run(folder, "chatter")) == 3


@pytest.mark.parametrize(
    ("kit", "parameters", "told"),
    [
        ("trial", {"file": "input.csv", "do": "complain"}, r"^Column 3 is missing\.$"),
        ("trial", {"file": "none.csv"}, "There is no file .*none.csv"),
        ("trial", {"file": "input.csv", "what": 1}, "what: Extra inputs are not permitted"),
        ("trial", {}, "file: Field required"),
        (
            "no such kit",
            {},
            "There is no kit 'no such kit'. Installed: accuracy, bumphunt, classification, "
            "compare, every, pair, patient, rank, regression, shift, surrogate, trial, watch.",
        ),
    ],
)
def test_input_that_cannot_be_used_is_told_in_the_kits_words(
    folder: Path, kit: str, parameters: dict[str, Any], told: str
) -> None:
    if "file" in parameters:
        parameters["file"] = str(folder / parameters["file"])
    with pytest.raises(RunFailed, match=told) as failure:
        run_isolated(
            kit, parameters, folder / "e.zip", agent="C", limits=ROOMY, progress=lambda *_: None
        )
    assert failure.value.details == ""
    assert not failure.value.cut_off, "another try would end the same"


def test_a_fault_of_the_kits_is_told_apart_from_one_of_the_data(folder: Path) -> None:
    with pytest.raises(RunFailed, match="This is a fault of evidesk's, not of your data") as fault:
        run(folder, "fail")
    assert "ZeroDivisionError" in fault.value.details
    assert not (folder / "evidence.zip").exists()


@pytest.mark.parametrize(
    ("do", "told", "details"),
    [
        ("die", r"ended unexpectedly \(exit status 3\)", ""),
        ("die loudly", "needed more memory than its limit of 4096 MB", "bad_alloc"),
        ("be killed", "needed more memory than its limit of 4096 MB", ""),
    ],
)
def test_a_run_that_dies_without_a_word_has_an_epitaph(
    folder: Path, do: str, told: str, details: str
) -> None:
    with pytest.raises(RunFailed, match=told) as failure:
        run(folder, do)
    assert details in failure.value.details


def test_the_time_limit_ends_a_run(folder: Path) -> None:
    began = time.monotonic()
    with pytest.raises(RunFailed, match=r"took longer than 0\.03 minutes.*evidesk push") as failure:
        run(folder, "sleep", Limits(seconds=2, memory_bytes=4 * 2**30))
    assert failure.value.cut_off
    assert time.monotonic() - began < 10


def test_the_memory_limit_ends_a_run(folder: Path) -> None:
    with pytest.raises(RunFailed, match="needed more memory than its limit of 512 MB"):
        run(folder, "eat", Limits(seconds=60, memory_bytes=512 * 2**20))


def test_a_limit_that_the_machine_does_not_grant_is_no_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted = 2 * 2**30
    real = subprocess.Popen
    monkeypatch.setattr(
        subprocess,
        "Popen",
        lambda *args, **options: real(
            *args,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (granted, granted)),
            **options,
        ),
    )
    run(folder, "end", Limits(seconds=60, memory_bytes=2**40))


def test_cancelling_ends_the_run_and_all_that_it_started(folder: Path) -> None:
    began = time.monotonic()

    def beat() -> None:
        if "orphan-of-trial" in processes():
            raise Cancelled
        assert time.monotonic() - began < 30

    with pytest.raises(Cancelled):
        run(folder, "spawn", beat=beat)
    # What was killed is gone when the kernel gets to it, which a busy machine puts off.
    while "orphan-of-trial" in processes():
        assert time.monotonic() - began < 60
        time.sleep(0.1)


def test_progress_may_cancel_too(folder: Path) -> None:
    def progress(done: float, message: str) -> None:
        if done > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(folder, "end", progress=progress)
    assert not (folder / "evidence.zip").exists()


def test_a_run_that_does_not_want_to_end_is_killed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidesk.kits.isolation._GRACE", 0.5)
    began = time.monotonic()

    def beat() -> None:
        if time.monotonic() - began > 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(folder, "ignore sigterm", beat=beat)
    assert time.monotonic() - began < 10


def test_a_child_that_is_gone_before_it_is_told_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = folder / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text("import os; os._exit(7)")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    real = subprocess.Popen

    def slow(*args: Any, **options: Any) -> Any:
        child = real(*args, **options)
        child_is_gone = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert child_is_gone is not None
        return child

    monkeypatch.setattr(subprocess, "Popen", slow)
    with pytest.raises(RunFailed, match="exit status 7"):
        run(folder, "end")


def test_the_child_ends_when_its_parent_is_gone(folder: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "evidesk.kits.isolation"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    task = {
        "kit": "trial",
        "parameters": {"file": str(folder / "input.csv"), "do": "sleep"},
        "out": str(folder / "evidence.zip"),
        "agent": "Cyra",
        "memory_bytes": 4 * 2**30,
        "checkpoint": None,
    }
    child.stdin.write(json.dumps(task) + "\n")
    child.stdin.flush()
    assert json.loads(child.stdout.readline())["done"] == 0.0
    child.stdin.close()
    try:
        assert child.wait(20) == 1
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
