"""Where evidence comes from: inputs, parameters, seed, versions, times, who."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evidesk.evidence.checks import LONGEST_NAME, check_name, check_text

__all__ = ["Input", "Provenance"]

_LARGEST_SIZE = 2**63 - 1  # what file systems can count to
_DEEPEST = 50  # lists and objects in one another; Python's JSON ends at some hundreds
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Input:
    """A file that a run read; the file itself stays where it is.

    Parameters
    ----------
    name:
        The file's name without its folder.
    sha256:
        64 lower-case hexadecimal digits.
    size:
        In bytes.

    Raises
    ------
    ValueError
        If the name is empty, the digest is none, or the size is negative.
    """

    name: str
    sha256: str
    size: int

    def __post_init__(self) -> None:
        check_name("an input's name", self.name)
        if not isinstance(self.sha256, str) or not _SHA256.match(self.sha256):
            raise ValueError(f"the sha256 of {self.name!r} is no digest: {self.sha256!r}")
        if not isinstance(self.size, int) or isinstance(self.size, bool) or self.size < 0:
            raise ValueError(f"the size of {self.name!r} must be bytes, got {self.size!r}")
        if self.size > _LARGEST_SIZE:
            raise ValueError(f"the size of {self.name!r} must be at most {_LARGEST_SIZE} bytes")

    @classmethod
    def of(cls, path: str | Path) -> Input:
        """The record of the file at the path, read as a stream.

        Raises
        ------
        OSError
            If the file cannot be read.
        """
        path = Path(path)
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            return cls(name=path.name, sha256=digest, size=stream.tell())


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a result came to be, complete enough to repeat it.

    Parameters
    ----------
    kit:
        The kit's name.
    parameters:
        The kit's parameters, as JSON values.
    inputs:
        The files that were read.
    random_state:
        The seed, or None where nothing was random.
    versions:
        Versions of what ran, by distribution name; ``"python"`` for the interpreter.
    started, ended:
        Aware datetimes; kept in UTC.
    agent:
        The name of the person who ran it.
    commit:
        The commit of evidesk's own source, where it ran from a checkout.

    Raises
    ------
    ValueError
        If a time is naive, the end precedes the start, or a parameter is no JSON value.
    """

    kit: str
    parameters: Mapping[str, Any]
    inputs: tuple[Input, ...]
    random_state: int | None
    versions: Mapping[str, str]
    started: datetime
    ended: datetime
    agent: str
    commit: str | None = None

    def __post_init__(self) -> None:
        check_name("kit", self.kit)
        check_name("agent", self.agent)
        if self.commit is not None:
            check_name("commit", self.commit)
        if self.random_state is not None and (
            not isinstance(self.random_state, int) or isinstance(self.random_state, bool)
        ):
            raise ValueError(f"random_state must be an integer or None, got {self.random_state!r}")
        for name in ("started", "ended"):
            object.__setattr__(self, name, _utc(name, getattr(self, name)))
        if self.ended < self.started:
            raise ValueError(f"ended {self.ended} is before started {self.started}")
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "parameters", _json_mapping("parameters", self.parameters))
        object.__setattr__(self, "versions", _json_mapping("versions", self.versions))
        for name, version in self.versions.items():
            check_name("the name of a package", name)
            check_text(f"the version of {name!r}", version, longest=LONGEST_NAME)

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values; times in ISO 8601, UTC."""
        return {
            "kit": self.kit,
            "parameters": dict(self.parameters),
            "inputs": [
                {"name": file.name, "sha256": file.sha256, "size": file.size}
                for file in self.inputs
            ],
            "random_state": self.random_state,
            "versions": dict(self.versions),
            "started": self.started.isoformat(),
            "ended": self.ended.isoformat(),
            "agent": self.agent,
            "commit": self.commit,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Provenance:
        """The provenance that `to_json` wrote.

        Raises
        ------
        ValueError
            If a field is missing, unknown or invalid.
        """
        values = dict(document)
        try:
            values["inputs"] = tuple(Input(**file) for file in values["inputs"])
            for name in ("started", "ended"):
                values[name] = datetime.fromisoformat(values[name])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a provenance: {error}") from error


def _utc(name: str, moment: object) -> datetime:
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ValueError(f"{name} must be a datetime with a time zone, got {moment!r}")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{name} is no moment that UTC can tell: {moment}") from error


def _json_mapping(name: str, values: object) -> dict[str, Any]:
    """A copy in JSON's own types, keys sorted: equal provenance is written in equal bytes."""
    if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
        raise ValueError(f"{name} must map names to values, got {values!r}")
    _check_values(name, dict(values))
    try:
        text = json.dumps(dict(values), sort_keys=True, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be JSON values: {error}") from error
    copy: dict[str, Any] = json.loads(text)
    return copy


def _check_values(name: str, value: object, depth: int = 0) -> None:
    """Raise ValueError if a text in the value is not printable, or lies too deep."""
    if depth > _DEEPEST:
        raise ValueError(f"{name} must not hold more than {_DEEPEST} values in one another")
    if isinstance(value, str):
        check_text(name, value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check_values(name, key, depth + 1)
            _check_values(name, item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_values(name, item, depth + 1)
