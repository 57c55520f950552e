"""What commands have in common."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from evidesk.evidence import Evidence
    from evidesk.kits import Progress


class Fault(click.ClickException):
    """Something the user can mend; shown without a traceback."""

    def show(self, file: Any = None) -> None:
        from evidesk.evidence import printable

        # It can quote a file's name or a server's answer, which must not command the terminal.
        click.secho(f"evidesk: {printable(self.message)}", fg="red", err=True)


def check_folder(folder: Path, option: str) -> None:
    """Raise Fault unless files can be put into the folder; it need not be there yet."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise Fault(f"Nothing can be written in {there}. Choose another {option}.")


@contextmanager
def no_os_error(what: str) -> Iterator[None]:
    """Faults for what the system refuses: no room, no permission, too long a name."""
    try:
        yield
    except OSError as fault:
        raise Fault(f"{what}: {fault.strerror or fault}.") from None


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """A bar on a terminal; nothing in a pipe."""
    from evidesk.kits import Remaining, silent, words

    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    remaining = Remaining()

    class Left(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(words(remaining.seconds))

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        Left(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("Starting", total=1.0)

        def progress(done: float, message: str) -> None:
            remaining.note(done)
            bar.update(task, completed=done, description=message)

        yield progress


def print_evidence(evidence: Evidence) -> None:
    from rich.console import Console

    from evidesk.evidence.terminal import render

    Console().print(render(evidence))
