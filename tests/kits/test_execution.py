"""Executing a kit adds the provenance that makes its evidence traceable."""

import hashlib
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import Field

import evidesk
from evidesk.evidence import Estimate, Evidence, Finding
from evidesk.kits import Cancelled, InputFile, Kit, KitError, Parameters, Progress, execution
from evidesk.kits.execution import execute, parse, versions


class SomeParameters(Parameters):
    file: InputFile
    second: InputFile
    share: float = Field(default=0.5, gt=0, lt=1)
    random_state: int = 42


def run(parameters: SomeParameters, progress: Progress) -> Evidence:
    progress(0.5, "Half")
    estimate = Estimate(parameters.share, 0, 1, 0.95, "wilson", 100)
    return Evidence("How many?", "Some.", (Finding("It is some.", estimate),))


KIT = Kit("some", "Some", "How many?", SomeParameters, run)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "a.csv").write_bytes(b"one")
    (tmp_path / "b.csv").write_bytes(b"two!")
    return {"file": str(tmp_path / "a.csv"), "second": str(tmp_path / "b.csv")}


def test_evidence_tells_where_it_comes_from(files: dict[str, str]) -> None:
    before = datetime.now(UTC)
    told: list[tuple[float, str]] = []
    evidence = execute(
        KIT, parse(KIT, files), agent="Cyra", progress=lambda *word: told.append(word)
    )
    provenance = evidence.provenance
    assert (provenance.kit, provenance.agent) == ("some", "Cyra")
    assert provenance.parameters == {
        "file": "a.csv", "second": "b.csv", "share": 0.5, "random_state": 42
    }  # fmt: skip
    assert [(one.name, one.sha256, one.size) for one in provenance.inputs] == [
        ("a.csv", hashlib.sha256(b"one").hexdigest(), 3),
        ("b.csv", hashlib.sha256(b"two!").hexdigest(), 4),
    ]
    assert provenance.random_state == 42
    assert before <= provenance.started <= provenance.ended <= datetime.now(UTC)
    assert provenance.versions == versions()
    assert told == [(0.0, "Hashing the input"), (0.5, "Half")]


def test_versions_name_all_that_can_change_a_number() -> None:
    assert set(versions()) == {
        "evidesk", "python", "duckdb", "matplotlib", "numpy", "pydantic", "scipy"
    }  # fmt: skip
    assert versions()["evidesk"] == evidesk.__version__


def test_each_parameter_that_does_not_fit_is_named(files: dict[str, str]) -> None:
    with pytest.raises(KitError) as fault:
        parse(KIT, files | {"share": 2, "random_state": "x", "more": 1})
    lines = str(fault.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["share", "random_state", "more"]
    assert lines[0] == "share: Input should be less than 1"


def test_a_complaint_about_the_whole_names_the_kit(files: dict[str, str]) -> None:
    with pytest.raises(KitError, match=r"^some: Input should be a valid dictionary"):
        parse(KIT, "nonsense")


def test_files_that_cannot_be_read_are_named(files: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(KitError, match=r"file: cannot read .*none\.csv: No such file"):
        execute(KIT, parse(KIT, files | {"file": str(tmp_path / "none.csv")}), agent="Cyra")
    with pytest.raises(KitError, match=r"second: .* is a folder; give a file\."):
        execute(KIT, parse(KIT, files | {"second": str(tmp_path)}), agent="Cyra")


def test_progress_may_cancel(files: dict[str, str]) -> None:
    def progress(done: float, message: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        execute(KIT, parse(KIT, files), agent="Cyra", progress=progress)


def a_checkout(folder: Path) -> str:
    """A repository whose source looks like evidesk's; returns its commit."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), "-c", "user.name=C", "-c", "user.email=c@x.org", *arguments],
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "First")
    return git("rev-parse", "HEAD")


def test_the_commit_is_that_of_the_checkout_if_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidesk, "__file__", str(tmp_path / "src/evidesk/__init__.py"))
    assert execution._commit() is None, "installed from a wheel"
    commit = a_checkout(tmp_path)
    assert execution._commit() == commit
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    assert execution._commit() is None, "there is no git"


def test_a_repository_without_a_commit_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "-C", str(tmp_path), "init", "--quiet"], check=True)
    monkeypatch.setattr(evidesk, "__file__", str(tmp_path / "src/evidesk/__init__.py"))
    assert execution._commit() is None
