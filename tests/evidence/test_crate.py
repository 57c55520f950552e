"""Evidence is written whole, in the same bytes every time, and never over anything else."""

import dataclasses
import hashlib
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from evidesk.evidence import Evidence, EvidenceError, crate, layout, schema

from .samples import a_plotted_figure, a_provenance, an_evidence

FILES = [
    "evidence.json",
    "figures/bars.csv",
    "figures/bars.svg",
    "manifest-sha256.txt",
    "report.html",
    "ro-crate-metadata.json",
    "tables/accuracy.csv",
    "tables/again.csv",
]


def contents(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths)}


@pytest.mark.parametrize("name", ["crate", "crate.zip", "deep/er/crate.ZIP"])
def test_evidence_is_read_as_it_was_written(tmp_path: Path, name: str) -> None:
    evidence = dataclasses.replace(an_evidence(), figures=(a_plotted_figure(),))
    path = evidence.write(str(tmp_path / name))
    assert path == tmp_path / name
    assert Evidence.read(str(path)) == evidence


def test_a_crate_has_the_files_that_its_layout_promises(tmp_path: Path) -> None:
    folder = an_evidence().write(tmp_path / "crate")
    assert sorted(contents(folder)) == FILES
    with zipfile.ZipFile(an_evidence().write(tmp_path / "crate.zip")) as archive:
        assert archive.namelist() == FILES


def test_the_same_evidence_has_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b", "a.zip", "b.zip"):
        an_evidence().write(tmp_path / name)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == contents(tmp_path / "a")


def test_equal_evidence_has_the_same_bytes_whatever_the_order_of_its_parameters() -> None:
    backwards = dict(reversed(a_provenance().parameters.items()))
    provenance = dataclasses.replace(a_provenance(), parameters=backwards)
    assert crate.files(an_evidence()) == crate.files(
        dataclasses.replace(an_evidence(), provenance=provenance)
    )


def test_evidence_of_another_time_differs_in_its_times_alone() -> None:
    def without_times(text: str) -> str:
        text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00)?", "TIME", text)
        return re.sub(r"\d{4}-\d\d-\d\d", "DAY", text)

    first, second = (
        crate.files(an_evidence(later)) for later in (timedelta(0), timedelta(days=400, hours=3))
    )
    assert first.keys() == second.keys()
    differing = {path for path in first if first[path] != second[path]}
    assert differing == {
        "evidence.json",
        "report.html",
        "ro-crate-metadata.json",
        "manifest-sha256.txt",
    }
    for path in ("evidence.json", "report.html"):
        assert without_times(first[path].decode()) == without_times(second[path].decode())
    one, other = (json.loads(f["ro-crate-metadata.json"])["@graph"] for f in (first, second))
    keys = {
        (a["@id"], key)
        for a, b in zip(one, other, strict=True)
        for key in a.keys() | b.keys()
        if a.get(key) != b.get(key)
    }
    assert keys == {
        ("./", "datePublished"),
        ("#run", "startTime"),
        ("#run", "endTime"),
        ("evidence.json", "sha256"),
        ("report.html", "sha256"),
    }


def test_the_manifest_and_the_metadata_give_every_files_digest(tmp_path: Path) -> None:
    files = contents(an_evidence().write(tmp_path / "crate"))
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    listed = [line.split("  ") for line in files["manifest-sha256.txt"].decode().splitlines()]
    assert listed == [[digests[p], p] for p in sorted(files) if p != "manifest-sha256.txt"]
    graph = {e["@id"]: e for e in json.loads(files["ro-crate-metadata.json"])["@graph"]}
    described = {path: graph[path].get("sha256") for path in files if path in graph}
    del digests["ro-crate-metadata.json"]  # describes the others, and is described by the manifest
    assert described.pop("manifest-sha256.txt") is None
    assert described.pop("ro-crate-metadata.json") is None
    assert described == {path: digests[path] for path in described}
    assert len(described) == len(files) - 2


def test_the_metadata_tell_the_run_as_an_action(tmp_path: Path) -> None:
    files = contents(an_evidence().write(tmp_path / "crate"))
    graph = {e["@id"]: e for e in json.loads(files["ro-crate-metadata.json"])["@graph"]}
    run, root = graph["#run"], graph["./"]
    assert run["@type"] == "CreateAction"
    assert (run["startTime"], run["endTime"]) == (
        "2026-03-04T09:30:00.123+00:00",
        "2026-03-04T09:30:01.623+00:00",
    )
    assert root["datePublished"] == run["endTime"]
    assert graph[run["instrument"]["@id"]]["softwareVersion"] == "0.1.0"
    assert graph[run["agent"]["@id"]]["name"] == "Ada Lovelace"
    objects = [graph[o["@id"]] for o in run["object"]]
    inputs = [o for o in objects if o["@type"] == "File"]
    assert [(i["name"], i["contentSize"]) for i in inputs] == [
        ("predictions.csv, copy of predictions.csv", "12345"),
        ("empty.csv", "0"),
    ]
    assert inputs[0]["@id"] == "ni:///sha-256;q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s"
    values = {o["name"]: o["value"] for o in objects if o["@type"] == "PropertyValue"}
    assert values == {
        "truth": "label",
        "level": 0.95,
        "predictions": '["a", "b"]',
        "random_state": 42,
        "commit": "0123abc",
    }
    assert {r["@id"] for r in run["result"]} == set(FILES) - {
        "manifest-sha256.txt",
        "ro-crate-metadata.json",
    }


def test_the_document_follows_the_published_schema(tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    folder = an_evidence().write(tmp_path / "crate")
    document = json.loads((folder / "evidence.json").read_text("utf-8"))
    jsonschema.validate(document, schema())
    assert document["$schema"] == schema()["$id"]
    assert document["version"] == 1
    assert "resnext50" not in json.dumps(document)  # rows live once, in the CSV


def test_every_part_of_the_schema_is_described_and_closed() -> None:
    def check(part: object, path: str) -> None:
        if not isinstance(part, dict):
            return
        if part.get("type") == "object" and "properties" in part:
            assert part["additionalProperties"] is False, path
            for name, field in part["properties"].items():
                assert "description" in field or "$ref" in field, f"{path}.{name}"
        for name, value in part.items():
            check(value, f"{path}.{name}")

    check(schema(), "schema")


def test_evidence_without_provenance_is_not_written(tmp_path: Path) -> None:
    evidence = dataclasses.replace(an_evidence(), provenance=None)
    with pytest.raises(EvidenceError, match="cannot be written without provenance"):
        evidence.write(tmp_path / "crate")
    assert list(tmp_path.iterdir()) == []


def test_evidence_that_could_not_be_read_back_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "MAX_BYTES", 10_000)
    with pytest.raises(EvidenceError, match="put less into tables and figures"):
        an_evidence().write(tmp_path / "crate")


@pytest.mark.parametrize("name", ["crate", "crate.zip"])
def test_evidence_is_replaced_only_on_purpose(tmp_path: Path, name: str) -> None:
    path = an_evidence().write(tmp_path / name)
    other = dataclasses.replace(an_evidence(), tables=(), question="Another question?")
    with pytest.raises(EvidenceError, match="exists"):
        other.write(path)
    assert Evidence.read(path) == an_evidence()
    other.write(path, overwrite=True)
    assert Evidence.read(path) == other
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_changed_evidence_may_be_replaced(tmp_path: Path) -> None:
    path = an_evidence().write(tmp_path / "crate")
    (path / "evidence.json").write_text("{}")
    (path / "report.html").unlink()
    an_evidence().write(path, overwrite=True)
    assert Evidence.read(path) == an_evidence()


def test_an_empty_folder_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "crate").mkdir()
    assert Evidence.read(an_evidence().write(tmp_path / "crate")) == an_evidence()


@pytest.mark.parametrize("trouble", ["notes", "stranger", "file", "zip folder", "link", "no zip"])
def test_what_is_not_evidence_is_never_replaced(tmp_path: Path, trouble: str) -> None:
    path = tmp_path / ("crate.zip" if "zip" in trouble else "crate")
    if trouble == "notes":
        path.mkdir()
        (path / "thesis.txt").write_text("three years of work")
    elif trouble == "stranger":
        an_evidence().write(path)
        (path / "thesis.txt").write_text("three years of work")
    elif trouble == "zip folder":
        path.mkdir()
    elif trouble == "link":
        path.symlink_to(an_evidence().write(tmp_path / "elsewhere"))
    else:
        path.write_text("three years of work")
    with pytest.raises(EvidenceError, match="is not evidence and will not be replaced"):
        an_evidence().write(path, overwrite=True)
    assert path.exists()


@pytest.mark.parametrize("name", ["crate", "crate.zip"])
def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = an_evidence().write(tmp_path / name)
    original = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise OSError("the disk is full")
        return original(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OSError, match="the disk is full"):
        an_evidence(timedelta(1)).write(path, overwrite=True)
    monkeypatch.undo()
    assert Evidence.read(path) == an_evidence()
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_first_write_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, content: bytes) -> int:
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "write_bytes", full)
    for name in ("crate", "crate.zip"):
        with pytest.raises(OSError, match="the disk is full"):
            an_evidence().write(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
