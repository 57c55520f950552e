"""Crates to test with: whole ones, and changed ones whose digests hold."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from evidesk.evidence import Evidence, EvidenceError, crate, layout

from .samples import an_evidence

FILES = crate.files(an_evidence())


def refusal(path: Path) -> str:
    with pytest.raises(EvidenceError) as error:
        Evidence.read(path)
    return str(error.value)


def sealed(changes: dict[str, bytes | None]) -> dict[str, bytes]:
    """The crate's files with changes, and a manifest that fits them."""
    return _sealed(FILES | changes)


def sealed_of(evidence: Evidence, changes: dict[str, bytes | None], folder: Path) -> Path:
    """The evidence's crate with changes, and a manifest that fits them, in the folder."""
    return folder_of(_sealed(crate.files(evidence) | changes), folder)


def _sealed(given: Mapping[str, bytes | None]) -> dict[str, bytes]:
    files = {path: content for path, content in given.items() if content is not None}
    files.pop(layout.MANIFEST, None)
    return files | {layout.MANIFEST: layout.manifest(files)}


def folder_of(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def zip_of(files: dict[str, bytes], path: Path, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def document(**changes: object) -> bytes:
    return json.dumps(json.loads(FILES["evidence.json"]) | changes).encode()
