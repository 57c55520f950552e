"""`evidesk demo` and `evidesk desk`: a desk of one's own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from evidesk.cli.common import Fault, check_folder, no_os_error


def _need_desk() -> None:
    from importlib.util import find_spec

    if find_spec("django") is None:
        raise Fault("The desk is not installed. Install it with: pip install 'evidesk[desk]'")


@click.command()
@click.option("--fresh", is_flag=True, help="Throw the demo's data away and start anew.")
@click.option("--port", default=8000, show_default=True, help="Port on 127.0.0.1; 0 for any.")
@click.option(
    "--data", type=click.Path(path_type=Path),
    help="Folder for the demo's data. Default: evidesk/demo where your programs keep theirs.",
)  # fmt: skip
def demo(fresh: bool, port: int, data: Path | None) -> None:
    """Start the desk with demo data and its worker; Ctrl-C ends both."""
    _need_desk()
    from evidesk.desk.demo.serve import CannotServe, serve

    folder = (data or _data_home()).absolute()
    with no_os_error(f"{folder} cannot be used (--data)"):
        check_folder(folder, "--data")
        try:
            sys.exit(serve(folder, port=port, fresh=fresh))
        except CannotServe as fault:
            raise Fault(str(fault)) from None


def _data_home() -> Path:
    try:
        home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    except RuntimeError:
        raise Fault("There is no home folder; say with --data where to keep the data.") from None
    return Path(home) / "evidesk" / "demo"


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def desk(arguments: tuple[str, ...]) -> None:
    """Manage a desk: migrate, check, db-worker, verify-audit, ... (Django's commands)."""
    _need_desk()
    # Commands are modules, whose names have no dashes; people write them with.
    if arguments and not arguments[0].startswith("-"):
        arguments = (arguments[0].replace("-", "_"), *arguments[1:])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evidesk.desk.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(["evidesk desk", *arguments])
    except ImproperlyConfigured as fault:
        raise Fault(str(fault)) from None
