"""`evidesk show`, `verify`: evidence that is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evidesk.cli.common import Fault, print_evidence

if TYPE_CHECKING:
    from evidesk.evidence import Evidence


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def show(path: Path) -> None:
    """Print evidence, a folder or zip, after verifying it."""
    print_evidence(_read(path))


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def verify(path: Path) -> None:
    """Check that evidence is complete and unchanged; exit with 1 if not."""
    evidence = _read(path)
    assert evidence.provenance is not None  # evidence cannot be read without
    inputs = len(evidence.provenance.inputs)
    click.echo(f"{path}: intact. Every digest fits; made from {inputs} input file(s).")


def _read(path: Path) -> Evidence:
    from evidesk.evidence import Evidence, EvidenceError

    try:
        return Evidence.read(path)
    except EvidenceError as fault:
        raise Fault(f"{path}: {fault}") from None
