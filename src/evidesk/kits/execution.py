"""Executing a kit: the work itself, and the provenance that makes its evidence traceable."""

import platform
import subprocess
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import evidesk
from evidesk.evidence import Evidence, Provenance, printable
from evidesk.kits.checkpoint import prepare
from evidesk.kits.files import input_of
from evidesk.kits.kit import Kit, KitError, Parameters, Progress, complaints, silent
from evidesk.kits.partitions import on_dask

#: Packages whose version can change a number.
_TELLING = ("duckdb", "matplotlib", "numpy", "pydantic", "scikit-learn", "scipy", "torch")


def parse(kit: Kit, values: dict[str, Any]) -> Parameters:
    """The kit's parameters from plain values; raises :class:`KitError` naming each bad one."""
    try:
        return kit.parameters.model_validate(values)
    except ValidationError as fault:
        lines = [f"{field or kit.name}: {complaint}" for field, complaint in complaints(fault)]
        raise KitError("\n".join(lines)) from None


def execute(
    kit: Kit,
    parameters: Parameters,
    *,
    agent: str,
    progress: Progress = silent,
    scheduler: str | None = None,
    checkpoint: Path | None = None,
) -> Evidence:
    """Run the kit here and now, and return its evidence with provenance.

    Parameters
    ----------
    agent : the name of the person on whose behalf it runs.
    progress : told how far the run is.
    scheduler : address of a Dask scheduler whose workers are to count or train, for a kit that is
        `partitioned`; by default this process does.
    checkpoint : folder to note the run in, for a kit that `resumes`, and to go on from if it was
        cut off. Whoever keeps the evidence removes the folder.

    Raises
    ------
    KitError
        The input cannot be used, a file cannot be read, or the checkpoint is of another run.
    Cancelled
        `progress` said so.
    """
    started = datetime.now(UTC)
    files = parameters.given_files()
    plain = parameters.model_dump(mode="json")
    # Where a file lies differs from machine to machine; its name and digest do not.
    for name, paths in files.items():
        names = [path.name for path in paths]
        plain[name] = names if parameters.takes_many(name) else names[0]
    with on_dask(scheduler) if scheduler else nullcontext():
        progress(0.0, "Hashing the input")
        inputs = tuple(input_of(path) for paths in files.values() for path in paths)
        if kit.resumes:
            if checkpoint is not None:
                run = {
                    "kit": kit.name,
                    "data": [one.sha256 for one in inputs],
                    "parameters": plain,
                    "versions": versions(),
                }
                prepare(checkpoint, run, [path for paths in files.values() for path in paths])
            evidence = kit.run(parameters, progress, checkpoint)
        else:
            evidence = kit.run(parameters, progress)
    return replace(
        evidence,
        provenance=Provenance(
            kit=kit.name,
            parameters=_printable(plain),
            inputs=inputs,
            random_state=plain.get("random_state"),
            versions=versions(),
            started=started,
            ended=datetime.now(UTC),
            agent=agent,
            commit=_commit(),
        ),
    )


def _printable(value: Any) -> Any:
    """The JSON value with each text as evidence can hold it: names in a file can be anything."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, dict):
        return {printable(key): _printable(item) for key, item in value.items()}
    return value


def versions() -> dict[str, str]:
    """Versions of evidesk, Python and the packages that a result depends on."""
    found = {"evidesk": evidesk.__version__, "python": platform.python_version()}
    for package in _TELLING:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # PyTorch is an extra
            continue
    return found


def _commit() -> str | None:
    """The commit of evidesk's own source, where it runs from a checkout.

    It ends in ``-dirty``, as with ``git describe``, where the source is no longer that commit's.
    """
    root = Path(evidesk.__file__).parents[2]
    if not (root / ".git").exists():
        return None
    try:
        git = subprocess.run(
            [
                *("git", "--no-optional-locks", "-C", str(root)),
                *("status", "--porcelain=v2", "--branch", "--", "src"),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:  # there is no git here
        return None
    lines = git.stdout.splitlines()
    commit = next((line.split()[2] for line in lines if line.startswith("# branch.oid ")), None)
    if commit in (None, "(initial)"):  # git refused, or nothing is committed
        return None
    return f"{commit}-dirty" if any(not line.startswith("#") for line in lines) else commit
