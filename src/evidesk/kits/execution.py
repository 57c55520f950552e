"""Executing a kit: the work itself, and the provenance that makes its evidence traceable."""

import platform
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import evidesk
from evidesk.evidence import Evidence, Input, Provenance
from evidesk.kits.kit import Kit, KitError, Parameters, Progress, silent

#: Packages whose version can change a number.
_TELLING = ("duckdb", "matplotlib", "numpy", "pydantic", "scipy")


def parse(kit: Kit, values: dict[str, Any]) -> Parameters:
    """The kit's parameters from plain values; raises :class:`KitError` naming each bad one."""
    try:
        return kit.parameters.model_validate(values)
    except ValidationError as fault:
        lines = [
            f"{'.'.join(str(part) for part in error['loc']) or kit.name}: {error['msg']}"
            for error in fault.errors()
        ]
        raise KitError("\n".join(lines)) from None


def execute(
    kit: Kit, parameters: Parameters, *, agent: str, progress: Progress = silent
) -> Evidence:
    """Run the kit here and now, and return its evidence with provenance.

    Parameters
    ----------
    agent : the name of the person on whose behalf it runs.
    progress : told how far the run is.

    Raises
    ------
    KitError
        The input cannot be used, or a file cannot be read.
    Cancelled
        `progress` said so.
    """
    started = datetime.now(UTC)
    files = {name: getattr(parameters, name) for name in parameters.file_fields()}
    progress(0.0, "Hashing the input")
    inputs = tuple(_input(name, path) for name, path in files.items())
    evidence = kit.run(parameters, progress)
    plain = parameters.model_dump(mode="json")
    # Where a file lies differs from machine to machine; its name and digest do not.
    plain |= {name: path.name for name, path in files.items()}
    return replace(
        evidence,
        provenance=Provenance(
            kit=kit.name,
            parameters=plain,
            inputs=inputs,
            random_state=plain.get("random_state"),
            versions=versions(),
            started=started,
            ended=datetime.now(UTC),
            agent=agent,
            commit=_commit(),
        ),
    )


def _input(name: str, path: Path) -> Input:
    try:
        return Input.of(path)
    except IsADirectoryError:
        raise KitError(f"{name}: {path} is a folder; give a file.") from None
    except OSError as fault:
        raise KitError(f"{name}: cannot read {path}: {fault.strerror}.") from None


def versions() -> dict[str, str]:
    """Versions of evidesk, Python and the packages that a result depends on."""
    found = {"evidesk": evidesk.__version__, "python": platform.python_version()}
    for package in _TELLING:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # pragma: no cover - all are dependencies
            continue
    return found


def _commit() -> str | None:
    """The commit of evidesk's own source, where it runs from a checkout."""
    root = Path(evidesk.__file__).parents[2]
    if not (root / ".git").exists():
        return None
    try:
        git = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--verify", "--quiet", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:  # there is no git here
        return None
    return git.stdout.strip() or None
