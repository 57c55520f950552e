"""Reading evidence: nothing is believed before it is checked, nothing is unpacked to disk."""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from evidesk.evidence import layout
from evidesk.evidence.document import Evidence
from evidesk.evidence.errors import EvidenceError

__all__ = ["contents", "listed", "read"]

_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")
_CHUNK = 2**16
_MAX_DIRECTORY = 2**20  # bytes of a zip's central directory
_MAX_RATIO = 200  # of a large file's size to its compressed size
_RATIO_FROM = 2**20  # bytes; below, even a bomb is small
_LONGEST_NAME = 255
_ENCRYPTED = 0x41  # bits of the general purpose flag: encryption, strong encryption
_DOS_FOLDER = 0x10
# What the zip module lets through when it meets damage, beside its own error.
_UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
_FRESH = "ask for a fresh copy from where it was made"


def read(path: Path) -> Evidence:
    """Verify and read the evidence at the path; see `Evidence.read`."""
    found = contents(path)
    _verify(found)
    return layout.decode(found)


def contents(path: Path) -> dict[str, bytes]:
    """The contents of all files in the folder or zip, by path.

    Raises
    ------
    EvidenceError
        If the path cannot be read, or is not safe to read.
    """
    try:
        if path.is_dir():
            return _folder_contents(path)
        if not path.is_file():
            if path.exists():
                raise EvidenceError("this is neither a folder nor a zip; check the path")
            raise EvidenceError("there is nothing here; check the path")
        with _SmallReads(path) as stream, zipfile.ZipFile(stream) as archive:
            return _zip_contents(archive)
    except _UNREADABLE as error:
        raise EvidenceError(f"this is no readable folder or zip ({error}); {_FRESH}") from error


def listed(found: Mapping[str, bytes]) -> dict[str, str]:
    """The digests that the manifest lists, by path.

    Raises
    ------
    EvidenceError
        If there is no manifest, or a line of it is malformed.
    """
    if layout.MANIFEST not in found:
        for path in found:
            top, _, name = path.partition("/")
            if name == layout.MANIFEST:
                raise EvidenceError(
                    f"the files lie one folder too deep, in {top!r}: zip the folder's content, "
                    "not the folder"
                )
        raise EvidenceError(f"{layout.MANIFEST} is missing: this is no evidence; {_FRESH}")
    digests = {}
    lines = found[layout.MANIFEST].decode("utf-8", "replace").split("\n")
    for number, line in enumerate(lines[:-1], start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise EvidenceError(f"{layout.MANIFEST} is damaged in line {number}; {_FRESH}")
        digests[match[2]] = match[1]
    return digests


def _verify(found: Mapping[str, bytes]) -> None:
    """Raise EvidenceError, naming the file, unless the manifest is exactly that of the files."""
    digests = listed(found)
    files = {path: content for path, content in found.items() if path != layout.MANIFEST}
    expected = layout.manifest(files)
    if found[layout.MANIFEST] == expected:
        return
    actual = listed({layout.MANIFEST: expected})
    for path in sorted(digests.keys() | actual.keys()):
        if path not in actual:
            raise EvidenceError(f"{path} is missing, though {layout.MANIFEST} lists it; {_FRESH}")
        if path not in digests:
            raise EvidenceError(
                f"{path} is not listed in {layout.MANIFEST}; remove it, or {_FRESH}"
            )
        if digests[path] != actual[path]:
            raise EvidenceError(
                f"{path} was changed: its SHA-256 is not that in {layout.MANIFEST}; {_FRESH}"
            )
    raise EvidenceError(f"{layout.MANIFEST} was changed; {_FRESH}")


class _Budget:
    """How much may still be read: a crate is small, a bomb is not."""

    def __init__(self) -> None:
        self.files = layout.MAX_FILES
        self.bytes = layout.MAX_BYTES

    def spend(self, name: str, *, files: int = 0, size: int = 0) -> None:
        """Take files and bytes off, or raise EvidenceError naming the file that is too much."""
        self.files -= files
        self.bytes -= size
        if self.files < 0:
            raise EvidenceError(f"{name}: more than {layout.MAX_FILES} files are refused")
        if self.bytes < 0:
            raise EvidenceError(f"{name}: more than {layout.MAX_BYTES} bytes are refused")


def _folder_contents(folder: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    budget = _Budget()
    folders = [folder]
    while folders:
        for entry in sorted(os.scandir(folders.pop()), key=lambda entry: entry.name):
            name = Path(entry.path).relative_to(folder).as_posix()
            if not name.isprintable():
                raise EvidenceError(f"{name!r} is refused: no file of evidence has such a name")
            budget.spend(name, files=1)
            if entry.is_dir(follow_symlinks=False):
                folders.append(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                with Path(entry.path).open("rb") as stream:
                    found[name] = _drained(stream, name, budget)
            else:
                raise EvidenceError(f"{name} is a link or a device and not a file; remove it")
    return found


class _SmallReads(io.FileIO):
    """A file that refuses to be read in large pieces.

    The zip module reads the central directory at once and makes an object for every entry,
    before anyone can count them.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_DIRECTORY:
            raise EvidenceError(f"a zip with a directory of {size} bytes is refused")
        return super().read(size)


def _zip_contents(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """The contents of the zip's files; all entries are checked before one is read."""
    budget, declared = _Budget(), _Budget()
    entries = archive.infolist()
    for entry in entries:
        _check_entry(entry)
        declared.spend(entry.orig_filename, files=1, size=entry.file_size)
    _check_distinct([entry.filename for entry in entries])
    found = {}
    for entry in entries:
        if not entry.filename.endswith("/"):
            with archive.open(entry) as stream:
                # What an entry declares and what it holds are two things.
                found[entry.filename] = _drained(stream, entry.filename, budget)
    return found


def _check_entry(entry: zipfile.ZipInfo) -> None:
    """Raise EvidenceError unless the zip's entry is a plain file or folder inside the crate."""
    name = entry.orig_filename  # as it stands in the zip; `filename` is already made tame
    mode = stat.S_IFMT(entry.external_attr >> 16)
    if name.endswith("/"):
        pretends = entry.file_size > 0 or mode == stat.S_IFREG
    else:
        pretends = mode == stat.S_IFDIR or bool(entry.external_attr & _DOS_FOLDER)
    parts = name.removesuffix("/").split("/")
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    largest = max(_RATIO_FROM, _MAX_RATIO * entry.compress_size)
    troubles = {
        "its name has a character that no file of evidence has": not name.isprintable(),
        "its name has a backslash or a colon": "\\" in name or ":" in name,
        "its name leads outside the crate": any(part in ("", ".", "..") for part in parts),
        f"its name has more than {_LONGEST_NAME} characters": len(name) > _LONGEST_NAME,
        "it is encrypted": bool(entry.flag_bits & _ENCRYPTED),
        "it is a link or a device": mode not in (0, stat.S_IFREG, stat.S_IFDIR),
        "it is a folder that pretends to be a file, or the reverse": pretends,
        "its compression is neither deflate nor none": entry.compress_type not in methods,
        f"it unpacks to more than {_MAX_RATIO} times its size": entry.file_size > largest,
    }
    for trouble, found in troubles.items():
        if found:
            raise EvidenceError(f"{name[:80]!r} in the zip is refused: {trouble}; {_FRESH}")


def _check_distinct(names: list[str]) -> None:
    """Raise EvidenceError if two names are one on some system, or a file is also a folder."""
    seen: set[str] = set()
    for name in names:
        key = name.casefold().removesuffix("/")
        if key in seen:
            raise EvidenceError(f"{name!r} comes twice in the zip and is refused; {_FRESH}")
        seen.add(key)
    files = {name.casefold() for name in names if not name.endswith("/")}
    for name in names:
        for parent in list(Path(name.casefold()).parents)[:-1]:
            if parent.as_posix() in files:
                raise EvidenceError(
                    f"{parent.as_posix()!r} in the zip is refused: it is a file and a folder"
                )


def _drained(stream: IO[bytes], name: str, budget: _Budget) -> bytes:
    """All bytes of the stream, within the budget."""
    chunks = []
    while chunk := stream.read(_CHUNK):
        budget.spend(name, size=len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)
