"""What a backup is: one tar file with the database's dump, the files, and a manifest of both.

The manifest comes last, so that a backup that was cut off has none.
"""

import hashlib
import json
import re
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from evidesk.desk.operations.databases import DUMPS, OperationFailed

#: Counted up when older programs could not read what newer ones write.
FORMAT = 1
MANIFEST = "manifest.json"
_NAMES = re.compile(
    rf"{MANIFEST}|{'|'.join(map(re.escape, DUMPS.values()))}|files/[0-9a-f]{{2}}/[0-9a-f]{{64}}"
)
_LARGEST_MANIFEST = 2**28
_CHUNK = 2**20


@dataclass(frozen=True)
class Manifest:
    """What is in a backup, and of what it was made."""

    evidesk: str
    made_at: str
    vendor: str
    dump_sha256: str
    dump_size: int
    migrations: list[list[str]]
    rows: dict[str, int]
    #: Size in bytes of each file, by its SHA-256.
    files: dict[str, int]
    #: Files that rows speak of and that were not there or not what they should be.
    damaged: list[str] = field(default_factory=list)
    format: int = FORMAT

    @property
    def dump_name(self) -> str:
        return DUMPS[self.vendor]

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()


def file_name(sha256: str) -> str:
    """Where a file lies, in a backup and below the folder of files."""
    return f"files/{sha256[:2]}/{sha256}"


def digest_of(file: IO[bytes], copy: IO[bytes] | None = None) -> tuple[str, int]:
    """(SHA-256, size in bytes) of the rest of the file, which is also written to `copy`."""
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if copy is not None:
            copy.write(chunk)
    return digest.hexdigest(), size


def unpack(backup: Path, folder: Path) -> Manifest:
    """Put the backup's dump and files into the folder, each verified.

    Raises
    ------
    OperationFailed : it is no backup, was cut off or changed, or there is no room for it.
    """
    try:
        with tarfile.open(backup, "r:") as archive:
            members = list(_members(archive, backup))
            _check_room(sum(member.size for member in members), folder)
            found: dict[str, tuple[str, int]] = {}
            for member in members:
                source = archive.extractfile(member)
                assert source is not None  # it is a regular file
                place = folder / member.name
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("wb") as copy:
                    found[member.name] = digest_of(source, copy)
    except (tarfile.TarError, EOFError) as fault:
        raise OperationFailed(f"{backup} is no backup, or was cut off ({fault}).") from None
    except OSError as fault:
        raise OperationFailed(f"{backup}: {fault.strerror or fault}.") from None
    manifest = _manifest(folder, backup)
    expected = {file_name(sha256): (sha256, size) for sha256, size in manifest.files.items()}
    expected[manifest.dump_name] = (manifest.dump_sha256, manifest.dump_size)
    del found[MANIFEST]
    if wrong := sorted(name for name in found | expected if found.get(name) != expected.get(name)):
        raise OperationFailed(
            f"{backup} is not as it was made: {len(wrong)} of its parts are missing or changed, "
            f"among them {wrong[0]}."
        )
    return manifest


def _members(archive: tarfile.TarFile, backup: Path) -> Iterator[tarfile.TarInfo]:
    """What the archive holds, if that is nothing but what a backup holds."""
    seen = set()
    for member in archive:
        if not (member.isreg() and _NAMES.fullmatch(member.name)) or member.name in seen:
            raise OperationFailed(
                f"{backup} is no backup of a desk: it holds {member.name[:100]!r}."
            )
        seen.add(member.name)
        yield member
    if MANIFEST not in seen:
        raise OperationFailed(f"{backup} has no manifest: it was cut off, or is no backup.")


def _check_room(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OperationFailed(
            f"The backup needs {needed / 2**30:.1f} GB in {folder}, where {free / 2**30:.1f} GB "
            "are free."
        )


def _manifest(folder: Path, backup: Path) -> Manifest:
    file = folder / MANIFEST
    try:
        if file.stat().st_size > _LARGEST_MANIFEST:
            raise ValueError("it is too large")
        document: Any = json.loads(file.read_bytes())
        if document["format"] != FORMAT:
            raise OperationFailed(
                f"{backup} was made by evidesk {document['evidesk']} in a format that this "
                "version cannot read. Restore it with that version."
            )
        manifest = Manifest(**document)
        manifest.dump_name  # noqa: B018 - raises for an unknown database
        for sha256, size in manifest.files.items():
            if not (_NAMES.fullmatch(file_name(sha256)) and isinstance(size, int)):
                raise ValueError(f"{sha256!r} is no file of a desk")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as fault:
        raise OperationFailed(f"{backup}: its manifest cannot be read ({fault}).") from None
    return manifest
