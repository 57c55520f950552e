"""`evidesk push` and `evidesk batch`: what goes to a desk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evidesk.cli.common import Fault, no_os_error

if TYPE_CHECKING:
    from evidesk.client import Desk


_ON_A_DESK = (
    click.option(
        "--desk", envvar="EVIDESK_DESK", default="http://127.0.0.1:8000", show_default=True,
        help="The desk's address.",
    ),
    click.option(
        "--token", envvar="EVIDESK_TOKEN", help="A personal token; better kept in EVIDESK_TOKEN."
    ),
)  # fmt: skip


def _on_a_desk(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which desk, and who one is there."""
    for option in reversed(_ON_A_DESK):
        command = option(command)
    return command


@contextmanager
def _spoken_to(desk: str, token: str | None) -> Iterator[Desk]:
    """The desk; what it refuses is a fault."""
    from evidesk import client

    if not token:
        raise Fault("Set EVIDESK_TOKEN to a token from the desk's page “Your tokens”.")
    try:
        yield client.Desk(desk, token)
    except client.DeskError as fault:
        raise Fault(str(fault)) from None


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--voucher", required=True, help="The voucher's reference, such as V-2026-0001.")
@_on_a_desk
def push(path: Path, voucher: str, desk: str, token: str | None) -> None:
    """Send evidence, a folder or zip, to a voucher on a desk."""
    from evidesk.evidence import EvidenceError

    with _spoken_to(desk, token) as spoken_to:
        try:
            stored = spoken_to.push(voucher, path)
        except EvidenceError as fault:
            raise Fault(f"{path}: {fault}") from None
    click.echo(f"{voucher} has it now: {stored['url']}")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--watch", "number", type=int, required=True,
    help="The watch's number, which is in the address of its page.",
)  # fmt: skip
@_on_a_desk
def batch(path: Path, number: int, desk: str, token: str | None) -> None:
    """Give a watch on a desk its next batch, a table."""
    with _spoken_to(desk, token) as spoken_to, no_os_error(f"{path} cannot be read"):
        spoken_to.add_batch(number, path)
        watch = spoken_to.watch(number)
    click.echo(f"Watch {number} ({watch['name']}) has {path.name} now; waiting: {watch['waiting']}")
