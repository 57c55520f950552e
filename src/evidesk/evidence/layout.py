"""The files of a crate: their names, the document among them, and the manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files as package_files
from itertools import islice
from typing import Any, TypeVar

from evidesk.evidence.document import Evidence, Finding, Verdict
from evidesk.evidence.errors import EvidenceError
from evidesk.evidence.estimate import Estimate
from evidesk.evidence.figure import Figure
from evidesk.evidence.file import File
from evidesk.evidence.provenance import Provenance
from evidesk.evidence.table import Column, Table

__all__ = ["check_size", "decode", "encode", "manifest", "payload", "schema"]

DOCUMENT = "evidence.json"
MANIFEST = "manifest-sha256.txt"
METADATA = "ro-crate-metadata.json"
REPORT = "report.html"

# What `read` accepts and `write` keeps to: enough for any evidence that a person can read.
MAX_FILES = 2_000
MAX_BYTES = 64 * 2**20
MAX_DOCUMENT_BYTES = 4 * 2**20  # a small document can make a large object
MAX_CELLS = 1_000_000
MAX_TAGS = 2_000_000

_VERSION = 1
_T = TypeVar("_T")


@cache
def _schema_text() -> str:
    return (package_files("evidesk.evidence") / "evidence-1.schema.json").read_text("utf-8")


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of ``evidence.json``, version 1."""
    document: dict[str, Any] = json.loads(_schema_text())
    return document


def json_bytes(document: Any) -> bytes:
    """The document as indented UTF-8 JSON that ends with a line feed."""
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def manifest(files: Mapping[str, bytes]) -> bytes:
    """One line ``sha256  path`` for each file, sorted by path (as BagIt, RFC 8493, section 2.1.3).

    Parameters
    ----------
    files:
        Contents by path, without the manifest itself.
    """
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    return "".join(f"{digests[path]}  {path}\n" for path in sorted(digests)).encode()


def payload(evidence: Evidence) -> dict[str, bytes]:
    """The contents of the tables', figures' and further files by path."""
    files = {_rows("tables", table): table.to_csv() for table in evidence.tables}
    for figure in evidence.figures:
        files[_image(figure)] = figure.svg
        files[_rows("figures", figure)] = figure.data.to_csv()
    files |= {_place(file): file.text for file in evidence.files}
    return {path: text.encode() for path, text in files.items()}


def check_size(files: Mapping[str, bytes]) -> None:
    """Raise EvidenceError if the files are too many, or could exhaust whoever reads them.

    Cells are counted by their commas and line ends, and tags by their first character, before
    anything is made of them.
    """
    rows = [content for path, content in files.items() if path.endswith(".csv")]
    images = [content for path, content in files.items() if path.endswith(".svg")]
    sizes = {
        "files": (len(files), MAX_FILES),
        "bytes": (sum(map(len, files.values())), MAX_BYTES),
        f"bytes of {DOCUMENT}": (len(files.get(DOCUMENT, b"")), MAX_DOCUMENT_BYTES),
        "cells of tables": (sum(r.count(b",") + r.count(b"\n") for r in rows), MAX_CELLS),
        "tags of images": (sum(image.count(b"<") for image in images), MAX_TAGS),
    }
    for name, (size, most) in sizes.items():
        if size > most:
            raise EvidenceError(
                f"the evidence has {size} {name}, and at most {most} are possible: "
                "put less into tables and figures"
            )


def encode(evidence: Evidence) -> dict[str, Any]:
    """The document ``evidence.json``, checked against its schema.

    Raises
    ------
    EvidenceError
        If the evidence has no provenance.
    """
    if evidence.provenance is None:
        raise EvidenceError(
            f"{DOCUMENT} cannot be written without provenance: say where the evidence comes from "
            "with dataclasses.replace(evidence, provenance=Provenance(...))"
        )
    document = {
        "$schema": schema()["$id"],
        "version": _VERSION,
        "question": evidence.question,
        "answer": evidence.answer,
        "findings": [
            {
                "sentence": finding.sentence,
                "verdict": str(finding.verdict),
                "estimate": finding.estimate.to_json(),
            }
            for finding in evidence.findings
        ],
        "warnings": list(evidence.warnings),
        "tables": [_table(table, _rows("tables", table)) for table in evidence.tables],
        "figures": [
            {
                "name": figure.name,
                "title": figure.title,
                "alt": figure.alt,
                "image": _image(figure),
                "data": _table(figure.data, _rows("figures", figure)),
            }
            for figure in evidence.figures
        ],
        "provenance": evidence.provenance.to_json(),
    }
    if evidence.files:
        document["files"] = [
            {"name": file.name, "title": file.title, "content": _place(file)}
            for file in evidence.files
        ]
    _validate(document)
    return document


def decode(files: Mapping[str, bytes]) -> Evidence:
    """The evidence in a crate's files.

    Parameters
    ----------
    files:
        Contents by path, the digests already verified.

    Raises
    ------
    EvidenceError
        If a file is missing, superfluous, too large, or does not say what it must; the message
        names it.
    """
    check_size(files)
    document = _parsed(files)
    evidence = _valued(DOCUMENT, lambda: _evidence(document, files))
    known = {DOCUMENT, MANIFEST, METADATA, REPORT, *payload(evidence)}
    for path in sorted(known ^ files.keys()):
        trouble = "is missing" if path in known else f"belongs to nothing in {DOCUMENT}"
        raise EvidenceError(f"{path} {trouble}; ask for the evidence as evidesk wrote it")
    return evidence


def _parsed(files: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(_text(files, DOCUMENT))
        _validate(document)
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"{DOCUMENT} is not JSON that can be read: {error}") from error
    return document


def _validate(document: Any) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    # The first is enough, for a hostile document can have millions.
    error = best_match(islice(Draft202012Validator(schema()).iter_errors(document), 1))
    if error is None:
        return
    if error.validator in ("maxItems", "maxLength"):  # whose messages quote all of it
        complaint = f"at most {error.validator_value} are possible, got {len(error.instance)}"
    else:
        complaint = error.message[:300]
    raise EvidenceError(
        f"{DOCUMENT} does not follow its schema at {error.json_path[:300]}: {complaint}; "
        "read it with the evidesk that wrote it, or a newer one"
    )


def _evidence(document: Mapping[str, Any], files: Mapping[str, bytes]) -> Evidence:
    return Evidence(
        question=document["question"],
        answer=document["answer"],
        findings=tuple(
            Finding(
                finding["sentence"],
                Estimate.from_json(finding["estimate"]),
                Verdict(finding["verdict"]),
            )
            for finding in document["findings"]
        ),
        tables=tuple(_read_table(table, files) for table in document["tables"]),
        figures=tuple(
            Figure(
                name=figure["name"],
                title=figure["title"],
                svg=_text(files, figure["image"]),
                alt=figure["alt"],
                data=_read_table(figure["data"], files),
            )
            for figure in document["figures"]
        ),
        warnings=tuple(document["warnings"]),
        provenance=Provenance.from_json(document["provenance"]),
        files=tuple(
            File(file["name"], file["title"], _text(files, file["content"]))
            for file in document.get("files", ())
        ),
    )


def _read_table(table: Mapping[str, Any], files: Mapping[str, bytes]) -> Table:
    text = _text(files, table["rows"])
    columns = tuple(Column(**column) for column in table["columns"])
    return _valued(
        table["rows"],
        lambda: Table.from_csv(text, name=table["name"], title=table["title"], columns=columns),
    )


def _text(files: Mapping[str, bytes], path: str) -> str:
    if path not in files:
        raise EvidenceError(f"{path} is missing; ask for the evidence as evidesk wrote it")
    return _valued(path, files[path].decode)


def _valued(path: str, make: Callable[[], _T]) -> _T:
    """What ``make`` makes; its ValueError becomes an EvidenceError that names the file."""
    try:
        return make()
    except ValueError as error:
        raise EvidenceError(f"{path} cannot be read: {error}") from error


def _table(table: Table, rows: str) -> dict[str, Any]:
    return {
        "name": table.name,
        "title": table.title,
        "rows": rows,
        "columns": [
            {"name": c.name, "kind": c.kind, "title": c.title, "unit": c.unit}
            for c in table.columns
        ],
    }


def _rows(folder: str, named: Table | Figure) -> str:
    return f"{folder}/{named.name}.csv"


def _image(figure: Figure) -> str:
    return f"figures/{figure.name}.svg"


def _place(file: File) -> str:
    return f"files/{file.name}.json"
