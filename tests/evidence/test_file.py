"""Further files of evidence: kept as they are, and only where they belong."""

import dataclasses
import json
from pathlib import Path

import pytest

from evidesk.evidence import Evidence, EvidenceError, File, layout, report
from tests.evidence.crates import sealed_of
from tests.evidence.samples import an_evidence

STATE = File("state", "To go on from", '{"rows": 1}')
WITH = dataclasses.replace(an_evidence(), files=(STATE,))


@pytest.mark.parametrize("name", ["crate", "crate.zip"])
def test_a_file_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    assert Evidence.read(WITH.write(tmp_path / name)) == WITH


def test_the_crate_describes_it_and_the_report_links_to_it(tmp_path: Path) -> None:
    path = WITH.write(tmp_path / "crate")
    assert (path / "files" / "state.json").read_text() == STATE.text
    described = json.loads((path / layout.METADATA).read_text())["@graph"]
    assert [one["encodingFormat"] for one in described if one["@id"] == "files/state.json"] == [
        "application/json"
    ]
    assert 'To go on from: <a href="files/state.json">' in report(WITH)
    assert "go on from" not in report(an_evidence())


def test_evidence_without_files_is_written_as_ever() -> None:
    assert "files" not in layout.encode(an_evidence())


@pytest.mark.parametrize(
    ("name", "title", "text", "message"),
    [
        ("../state", "a", "{}", "a file's name must name a file"),
        ("state", " ", "{}", "the title of file 'state' must not be empty"),
        ("state", "a", "\x1b[2J", "control character"),
        ("state", "a", b"{}", "must be text"),
    ],
)
def test_what_is_no_file_is_refused(name: str, title: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        File(name, title, text)


def test_names_are_unique_and_there_are_not_too_many() -> None:
    with pytest.raises(ValueError, match="names of files must be unique"):
        dataclasses.replace(WITH, files=(STATE, STATE))
    with pytest.raises(ValueError, match="at most 20 files"):
        dataclasses.replace(WITH, files=tuple(File(f"f{i}", "a", "") for i in range(21)))
    with pytest.raises(ValueError, match="files must be of type File"):
        dataclasses.replace(WITH, files=("state",))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"files/state.json": None}, "files/state.json is missing"),
        ({"files/other.json": b"{}"}, "files/other.json belongs to nothing"),
        ({"files/state.json": b"\xff"}, "files/state.json cannot be read"),
        ({"files/state.json": b"\x00"}, "control character"),
    ],
)
def test_a_sealed_crate_is_still_checked(
    tmp_path: Path, changes: dict[str, bytes | None], complaint: str
) -> None:
    with pytest.raises(EvidenceError, match=complaint):
        Evidence.read(sealed_of(WITH, changes, tmp_path / "crate"))


@pytest.mark.parametrize("content", ["../../etc/passwd", "tables/accuracy.csv", "files/a/b.json"])
def test_a_file_is_read_from_its_own_folder_alone(tmp_path: Path, content: str) -> None:
    document = layout.encode(WITH)
    document["files"][0]["content"] = content
    changes = {"evidence.json": json.dumps(document).encode()}
    with pytest.raises(EvidenceError, match="does not follow its schema"):
        Evidence.read(sealed_of(WITH, changes, tmp_path / "crate"))
