"""Writing evidence as an RO-Crate."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import secrets
import shutil
import urllib.parse
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidesk.evidence import layout
from evidesk.evidence.document import Evidence
from evidesk.evidence.errors import EvidenceError
from evidesk.evidence.provenance import Input, Provenance

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

__all__ = ["files", "write"]

_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
# RO-Crate 1.1 has no term for a digest; Workflow Run Crate lends its own.
_SHA256_TERM = "https://w3id.org/ro/terms/workflow-run#sha256"
# Who may use a result is not evidesk's to say, and the crate must say something.
_LICENCE = "http://rightsstatements.org/vocab/CNE/1.0/"
_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold


def files(evidence: Evidence) -> dict[str, bytes]:
    """The crate's files: contents by path, sorted by path.

    Raises
    ------
    EvidenceError
        If the evidence has no provenance, or is larger than `Evidence.read` accepts.
    """
    from evidesk.evidence.report import report

    contents = {
        layout.DOCUMENT: layout.json_bytes(layout.encode(evidence)),
        layout.REPORT: report(evidence).encode(),
        **layout.payload(evidence),
    }
    contents[layout.METADATA] = layout.json_bytes(_metadata(evidence, contents))
    contents[layout.MANIFEST] = layout.manifest(contents)
    layout.check_size(contents)
    return dict(sorted(contents.items()))


def write(evidence: Evidence, path: Path, *, overwrite: bool) -> Path:
    """Write the crate to the path; see `Evidence.write`."""
    contents = files(evidence)
    check_target(path, overwrite=overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that the last step is a rename within one file system.
    token = secrets.token_hex(4)
    fresh, stale = (path.with_name(f".{path.name}.{token}.{state}") for state in ("new", "old"))
    try:
        if _is_zip(path):
            fresh.write_bytes(_zipped(contents))
            fresh.replace(path)
        else:
            _write_folder(contents, fresh)
            if path.exists():
                path.rename(stale)
            fresh.rename(path)
    except BaseException:
        if stale.exists():
            stale.rename(path)
        raise
    finally:
        for leftover in (fresh, stale):
            if leftover.is_file():
                leftover.unlink()
            else:
                shutil.rmtree(leftover, ignore_errors=True)
    return path


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def check_target(path: Path, *, overwrite: bool) -> None:
    """Raise EvidenceError unless the crate may be put at the path."""
    if not (path.exists() or path.is_symlink()):
        return
    if path.is_dir() and not path.is_symlink() and not _is_zip(path) and not any(path.iterdir()):
        return
    if not overwrite:
        raise EvidenceError(f"{path} exists; choose another path, or overwrite it on purpose")
    if path.is_symlink() or path.is_dir() == _is_zip(path) or not _holds_evidence(path):
        raise EvidenceError(f"{path} is not evidence and will not be replaced; remove it yourself")


def _holds_evidence(path: Path) -> bool:
    """Whether the path holds the files of evidence, be they changed, and no other files."""
    from evidesk.evidence import reading

    try:
        found = reading.contents(path)
        return found.keys() <= reading.listed(found).keys() | {layout.MANIFEST}
    except EvidenceError:
        return False


def _write_folder(contents: Mapping[str, bytes], folder: Path) -> None:
    for name, content in contents.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _zipped(contents: Mapping[str, bytes]) -> bytes:
    """The files as a zip, stored: what compression gives depends on the library behind it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return target.getvalue()


def _metadata(evidence: Evidence, contents: Mapping[str, bytes]) -> dict[str, Any]:
    """The RO-Crate 1.1 metadata, after the profile Process Run Crate 0.5."""
    from rocrate.rocrate import ROCrate

    provenance = evidence.provenance
    assert provenance is not None  # `layout.encode` has refused its absence
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms["sha256"] = _SHA256_TERM
    results = _add_files(crate, contents)
    root = crate.root_dataset
    root["name"] = evidence.question
    root["description"] = evidence.answer
    root["datePublished"] = _moment(provenance.ended)
    root["license"] = _add(
        crate,
        _LICENCE,
        "CreativeWork",
        name="Copyright Not Evaluated",
        description="Ask the agent of the run how the evidence may be used.",
    )
    root["conformsTo"] = _add(
        crate, _PROFILE, "CreativeWork", name="Process Run Crate", version="0.5"
    )
    root["mentions"] = [_add_run(crate, provenance, evidence.question, results)]
    metadata: dict[str, Any] = crate.metadata.generate()
    return metadata


def _add_files(crate: ROCrate, contents: Mapping[str, bytes]) -> list[Any]:
    from rocrate.model.file import File

    entities = []
    for path in sorted(contents):
        content = contents[path]
        described = {
            "name": path,
            "encodingFormat": _MEDIA_TYPES[Path(path).suffix],
            "contentSize": str(len(content)),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        entities.append(crate.add(File(crate, dest_path=path, properties=described)))
    # Lists the digest of the metadata too, so its own digest cannot stand in the metadata.
    listing = {"name": layout.MANIFEST, "encodingFormat": _MEDIA_TYPES[".txt"]}
    crate.add(File(crate, dest_path=layout.MANIFEST, properties=listing))
    return entities


def _add_run(crate: ROCrate, provenance: Provenance, question: str, results: list[Any]) -> Any:
    software = [
        _add(crate, f"#software-{_quoted(name)}", "SoftwareApplication", name=name, version=version)
        for name, version in provenance.versions.items()
    ]
    kit = _add(
        crate,
        f"#kit-{_quoted(provenance.kit)}",
        "SoftwareApplication",
        name=f"evidesk kit {provenance.kit}",
        softwareVersion=provenance.versions.get("evidesk", "unknown"),
        softwareRequirements=software,
    )
    settings = {f"#parameter-{_quoted(k)}": (k, v) for k, v in provenance.parameters.items()}
    settings["#random-state"] = ("random_state", provenance.random_state)
    settings["#commit"] = ("commit", provenance.commit)
    values = [
        _add(crate, identifier, "PropertyValue", name=name, value=_scalar(value))
        for identifier, (name, value) in settings.items()
        if value is not None
    ]
    return _add(
        crate,
        "#run",
        "CreateAction",
        name=f"Run of the kit {provenance.kit}",
        description=question,
        instrument=kit,
        object=_add_inputs(crate, provenance.inputs) + values,
        result=results,
        startTime=_moment(provenance.started),
        endTime=_moment(provenance.ended),
        agent=_add(crate, "#agent", "Person", name=provenance.agent),
    )


def _add_inputs(crate: ROCrate, inputs: tuple[Input, ...]) -> list[Any]:
    """Entities for files that are elsewhere, named by their content (RFC 6920)."""
    from rocrate.model.file import File

    by_digest: dict[str, list[Input]] = {}
    for file in inputs:
        by_digest.setdefault(file.sha256, []).append(file)
    entities = []
    for digest, same in by_digest.items():
        name = base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip("=")
        described = {
            "name": ", ".join(file.name for file in same),
            "contentSize": str(same[0].size),
            "sha256": digest,
        }
        entities.append(crate.add(File(crate, f"ni:///sha-256;{name}", properties=described)))
    return entities


def _add(crate: ROCrate, identifier: str, kind: str, **properties: Any) -> Any:
    from rocrate.model.contextentity import ContextEntity

    entity = ContextEntity(crate, identifier, properties={"@type": kind, **properties})
    return crate.add(entity)


def _scalar(value: Any) -> Any:
    """The value as JSON-LD can hold it: text and numbers as they are, all else as JSON text."""
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return value if plain else json.dumps(value, ensure_ascii=False)


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _moment(moment: datetime) -> str:
    # The profile knows seconds and milliseconds; evidence.json keeps the microseconds.
    return moment.isoformat(timespec="milliseconds")
