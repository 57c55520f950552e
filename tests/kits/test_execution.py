"""Executing a kit adds the provenance that makes its evidence traceable."""

import hashlib
import os
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from pydantic import Field, field_validator

import evidesk
from evidesk.evidence import Estimate, Evidence, Finding, printable
from evidesk.kits import Cancelled, InputFile, Kit, KitError, Parameters, Progress, execution
from evidesk.kits.execution import execute, parse, versions


class SomeParameters(Parameters):
    file: InputFile
    second: InputFile | None = None
    share: float = Field(default=0.5, gt=0, lt=1)
    random_state: int = 42
    names: dict[str, list[str]] = Field(default={})

    @field_validator("share")
    @classmethod
    def _not_an_eighth(cls, share: float) -> float:
        if share == 0.125:
            raise ValueError("Give another share.")
        return share


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
        "file": "a.csv", "second": "b.csv", "share": 0.5, "random_state": 42, "names": {}
    }  # fmt: skip
    assert [(one.name, one.sha256, one.size) for one in provenance.inputs] == [
        ("a.csv", hashlib.sha256(b"one").hexdigest(), 3),
        ("b.csv", hashlib.sha256(b"two!").hexdigest(), 4),
    ]
    assert provenance.random_state == 42
    assert before <= provenance.started <= provenance.ended <= datetime.now(UTC)
    assert provenance.versions == versions()
    assert told == [(0.0, "Hashing the input"), (0.5, "Half")]


def test_versions_name_all_that_can_change_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    always = {
        *("evidesk", "python", "duckdb", "matplotlib", "numpy", "pydantic", "scikit-learn"),
        "scipy",
    }
    assert set(versions()) == always | {"torch"}

    def without_torch(package: str) -> str:
        if package == "torch":
            raise PackageNotFoundError(package)
        return "1.0"

    with monkeypatch.context() as patch:
        patch.setattr(execution, "version", without_torch)
        assert set(versions()) == always
    assert versions()["evidesk"] == evidesk.__version__


def test_each_parameter_that_does_not_fit_is_named(files: dict[str, str]) -> None:
    with pytest.raises(KitError) as fault:
        parse(KIT, files | {"share": 2, "random_state": "x", "more": 1})
    lines = str(fault.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["share", "random_state", "more"]
    assert lines[0] == "share: Input should be less than 1"
    with pytest.raises(KitError, match=r"^share: Give another share\.$"):
        parse(KIT, files | {"share": 0.125})


def test_a_complaint_about_the_whole_names_the_kit(files: dict[str, str]) -> None:
    with pytest.raises(KitError, match=r"^some: Input should be a valid dictionary"):
        parse(KIT, "nonsense")


def test_files_that_cannot_be_read_are_named(files: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(KitError, match=r"^There is no file .*none\.csv\.$"):
        execute(KIT, parse(KIT, files | {"file": str(tmp_path / "none.csv")}), agent="Cyra")
    with pytest.raises(KitError, match=r"^/.* is a folder; name one file in it\."):
        execute(KIT, parse(KIT, files | {"second": str(tmp_path)}), agent="Cyra")
    with pytest.raises(KitError, match=r"a\.csv/b\.csv cannot be read: Not a directory\."):
        execute(KIT, parse(KIT, files | {"second": files["file"] + "/b.csv"}), agent="Cyra")


@pytest.mark.parametrize("name", [b"\xff.csv", b"a\x1b[2J.csv"])
def test_a_file_whose_name_evidence_cannot_hold_is_to_be_renamed(
    files: dict[str, str], tmp_path: Path, name: bytes
) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"one")
    with pytest.raises(KitError, match=r"Rename the file and try again\.$") as fault:
        execute(KIT, parse(KIT, files | {"second": str(path)}), agent="Cyra")
    assert printable(str(fault.value)) == str(fault.value)


def test_a_file_that_need_not_be_given_is_no_input(files: dict[str, str]) -> None:
    evidence = execute(KIT, parse(KIT, {"file": files["file"]}), agent="Cyra")
    assert [one.name for one in evidence.provenance.inputs] == ["a.csv"]
    assert evidence.provenance.parameters["second"] is None


def test_parameters_hold_what_evidence_can(files: dict[str, str]) -> None:
    names = {"a\x01": ["b\x1b[2J", "\u202egpj", "ü"]}
    evidence = execute(KIT, parse(KIT, files | {"names": names}), agent="Cyra")
    assert evidence.provenance.parameters["names"] == {"a�": ["b�[2J", "�gpj", "ü"]}


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
    (folder / "src").mkdir()
    (folder / "src" / "code.py").write_text("pass")
    git("add", "src")
    git("commit", "--quiet", "--message", "First")
    return git("rev-parse", "HEAD")


def test_the_commit_is_that_of_the_checkout_if_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidesk, "__file__", str(tmp_path / "src/evidesk/__init__.py"))
    assert execution._commit() is None, "installed from a wheel"
    commit = a_checkout(tmp_path)
    assert execution._commit() == commit
    (tmp_path / "notes.txt").write_text("not source")
    assert execution._commit() == commit
    (tmp_path / "src" / "code.py").write_text("fail")
    assert execution._commit() == f"{commit}-dirty"
    (tmp_path / "src" / "code.py").write_text("pass")
    assert execution._commit() == commit
    (tmp_path / "src" / "more.py").write_text("fail")
    assert execution._commit() == f"{commit}-dirty", "a new module can be imported too"
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    assert execution._commit() is None, "there is no git"


def test_a_repository_without_a_commit_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "-C", str(tmp_path), "init", "--quiet"], check=True)
    monkeypatch.setattr(evidesk, "__file__", str(tmp_path / "src/evidesk/__init__.py"))
    assert execution._commit() is None
