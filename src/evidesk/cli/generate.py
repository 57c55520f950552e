"""`evidesk generate`: data to learn with."""

from __future__ import annotations

import os
from pathlib import Path

import click

from evidesk.cli.common import Fault, check_folder, no_os_error, progress_bar


@click.group()
def generate() -> None:
    """Generate data to learn with."""


@generate.command()
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="FILE",
    help="The file for the events, ending in .npz or .parquet.",
)  # fmt: skip
@click.option(
    "--background", type=click.IntRange(min=0), default=20_000, show_default=True,
    help="Events to generate; about 38 % pass the cuts.",
)  # fmt: skip
@click.option(
    "--signal", type=click.IntRange(min=0), default=100, show_default=True,
    help="Events to generate; about 86 % pass the cuts.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True,
    help="The same one makes the same events.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@click.option("--quiet", "-q", is_flag=True, help="Only the path of the file.")
def dijets(
    out: Path, background: int, signal: int, seed: int, overwrite: bool, quiet: bool
) -> None:
    """Collisions with two jets, some of a resonance.

    Proton-proton collisions at 13 TeV by Pythia: background of QCD, label 0, and a resonance of
    3.5 TeV, label 1. About 3 ms for each event.
    """
    from evidesk.generate import MissingExtra, generate_dijets
    from evidesk.generate.writing import check_suffix, write

    try:
        check_suffix(out)
        with no_os_error(f"{out} cannot be looked at"):
            check_folder(out.absolute().parent, "--out")
            if out.is_dir() or (out.exists() and not overwrite):
                raise Fault(f"{out} is there already. Choose another --out, or --overwrite.")
        with progress_bar(quiet) as progress:
            made = generate_dijets(background, signal, seed=seed, progress=progress)
        with no_os_error(f"{out} cannot be written"):
            write(made, out)
    except (ValueError, MissingExtra) as fault:
        raise Fault(str(fault)) from None
    except KeyboardInterrupt:
        raise Fault("Cancelled; nothing was written.") from None
    if not quiet:
        click.echo(f"{made}\nTo cite: Pythia 8.3, arXiv:2203.11601; FastJet, arXiv:1111.6097")
    click.echo(os.fsencode(out) if quiet else f"Events: {click.format_filename(out)}")
