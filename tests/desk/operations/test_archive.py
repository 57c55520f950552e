"""A file that is no backup, or not any more, is told so before anything is touched."""

import hashlib
import json
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from evidesk.desk.operations import archive
from evidesk.desk.operations.archive import Manifest, file_name, unpack
from evidesk.desk.operations.databases import OperationFailed

CONTENT = b"what somebody uploaded"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
DUMP = b"rows"
Parts = dict[str, bytes]


def parts(**changes: Any) -> Parts:
    """A small backup's parts, with changes to its manifest."""
    manifest = Manifest(
        evidesk="0.1", made_at="2026-03-02T03:30:00+01:00", vendor="sqlite",
        dump_sha256=hashlib.sha256(DUMP).hexdigest(), dump_size=len(DUMP),
        migrations=[], rows={}, files={SHA256: len(CONTENT)},
    )  # fmt: skip
    document = {**json.loads(manifest.to_json()), **changes}
    return {
        "database.sqlite3": DUMP,
        file_name(SHA256): CONTENT,
        "manifest.json": json.dumps(document).encode(),
    }


def write(path: Path, members: Parts, **special: Any) -> Path:
    with tarfile.open(path, "w") as backup:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for attribute, value in special.items():
                setattr(info, attribute, value)
            backup.addfile(info, BytesIO(content))
    return path


def test_what_was_packed_is_unpacked(tmp_path: Path) -> None:
    manifest = unpack(write(tmp_path / "a.tar", parts()), tmp_path)
    assert manifest.files == {SHA256: len(CONTENT)}
    assert (tmp_path / file_name(SHA256)).read_bytes() == CONTENT
    assert (tmp_path / manifest.dump_name).read_bytes() == DUMP


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p.pop("manifest.json"), "has no manifest"),
        (lambda p: p.pop(file_name(SHA256)), "missing or changed"),
        (lambda p: p.pop("database.sqlite3"), "missing or changed"),
        (lambda p: p.update({file_name(SHA256): b"else"}), "missing or changed"),
        (lambda p: p.update({"database.sqlite3": b"else"}), "missing or changed"),
        (lambda p: p.update({file_name("0" * 64): b""}), "missing or changed"),
        (lambda p: p.update({"../../etc/passwd": b"root"}), "is no backup of a desk"),
        (lambda p: p.update({"/etc/passwd": b"root"}), "is no backup of a desk"),
        (lambda p: p.update({"files/zz/" + "z" * 64: b""}), "is no backup of a desk"),
        (lambda p: p.update({f"files/{SHA256[:2]}/{SHA256}/x": b""}), "is no backup of a desk"),
        (lambda p: p.update({"manifest.json": b"no json"}), "cannot be read"),
        (lambda p: p.update({"manifest.json": b"[]"}), "cannot be read"),
        (lambda p: p.update({"manifest.json": b"\xff"}), "cannot be read"),
        (lambda p: p.update({"manifest.json": b"[" * 100_000}), "cannot be read"),
        (lambda p: p.update(parts(vendor="oracle")), "cannot be read"),
        (lambda p: p.update(parts(files={"../x": 1})), "cannot be read"),
        (lambda p: p.update(parts(files={SHA256: "1"})), "cannot be read"),
        (lambda p: p.update(parts(files=[])), "cannot be read"),
        (lambda p: p.update(parts(surprise=1)), "cannot be read"),
        (lambda p: p.update(parts(format=2)), "a format that this version cannot read"),
    ],
)
def test_a_backup_that_is_not_whole_is_refused(
    tmp_path: Path, change: Callable[[Parts], object], words: str
) -> None:
    members = parts()
    change(members)
    (tmp_path / "there").mkdir()
    with pytest.raises(OperationFailed, match=words):
        unpack(write(tmp_path / "a.tar", members), tmp_path / "there")
    assert not (tmp_path / "etc").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_backup_with_something_else_than_files_is_refused(tmp_path: Path, kind: bytes) -> None:
    backup = write(tmp_path / "a.tar", parts(), type=kind, linkname="/etc/passwd")
    with pytest.raises(OperationFailed, match="is no backup of a desk"):
        unpack(backup, tmp_path)


def test_a_file_that_is_no_archive_or_not_there_is_told(tmp_path: Path) -> None:
    for content in (b"", b"hello", b"\0" * 10_240):
        (tmp_path / "a.tar").write_bytes(content)
        with pytest.raises(OperationFailed, match=r"no backup|no manifest"):
            unpack(tmp_path / "a.tar", tmp_path)
    with pytest.raises(OperationFailed, match="No such file"):
        unpack(tmp_path / "none.tar", tmp_path)
    whole = write(tmp_path / "b.tar", parts()).read_bytes()
    for length in range(0, len(whole) - 10_240, 500):
        (tmp_path / "a.tar").write_bytes(whole[:length])
        with pytest.raises(OperationFailed):
            unpack(tmp_path / "a.tar", tmp_path)


def test_a_part_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as backup:
        for _ in range(2):
            backup.addfile(tarfile.TarInfo("manifest.json"), BytesIO())
    with pytest.raises(OperationFailed, match=r"it holds 'manifest\.json'"):
        unpack(tmp_path / "a.tar", tmp_path)


def test_without_room_nothing_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = write(tmp_path / "a.tar", parts())
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: type("U", (), {"free": 3}))
    with pytest.raises(OperationFailed, match=r"The backup needs 0\.0 GB"):
        unpack(backup, tmp_path)
    assert not (tmp_path / "manifest.json").exists()


def test_a_manifest_that_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_LARGEST_MANIFEST", 10)
    with pytest.raises(OperationFailed, match="too large"):
        unpack(write(tmp_path / "a.tar", parts()), tmp_path)
