"""The command line. Imports are inside the commands, so that `evidesk --help` is instant."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from evidesk.client import Desk
    from evidesk.kits import Kit, Progress


class Fault(click.ClickException):
    """Something the user can mend; shown without a traceback."""

    def show(self, file: Any = None) -> None:
        from evidesk.evidence import printable

        # It can quote a file's name or a server's answer, which must not command the terminal.
        click.secho(f"evidesk: {printable(self.message)}", fg="red", err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="evidesk")
def main() -> None:
    """From a scientist's question to an answer with an error bar that is right."""


# Kits


@main.command()
@click.option("--json", "as_json", is_flag=True, help="With each kit's JSON schema.")
def kits(as_json: bool) -> None:
    """List the kits that are installed."""
    from evidesk import kits

    found = kits.installed()
    if as_json:
        schemas = {name: kit.parameters.model_json_schema() for name, kit in found.items()}
        click.echo(json.dumps(schemas, indent=2))
        return
    for name, kit in found.items():
        click.echo(f"{name:14} {kit.title}\n{'':14} {kit.question}\n{'':14} {kit.usage}")
    click.echo("\nAll options of one: evidesk run KIT --help")


class KitGroup(click.Group):
    """One command for each kit, with options made from its parameters."""

    def list_commands(self, context: click.Context) -> list[str]:
        from importlib.metadata import entry_points

        return sorted(entry_points(group="evidesk.kits").names)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        from evidesk import kits

        if name not in self.list_commands(context):
            return None
        return _kit_command(kits.load(name))

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.list_commands(context) and not args[0].startswith("-"):
            known = ", ".join(self.list_commands(context))
            raise Fault(f"There is no kit {args[0]!r}. Installed: {known}.")
        return super().resolve_command(context, args)


@main.group(cls=KitGroup, subcommand_metavar="KIT FILE [OPTIONS]")
def run() -> None:
    """Run a kit on a file and keep its evidence."""


def _kit_command(kit: Kit) -> click.Command:
    """The command `evidesk run KIT`, made from the kit's parameters."""
    model = kit.parameters
    # A single file that may be left out is an option: after several files its place is not clear.
    places = [
        name
        for name in model.file_fields()
        if model.model_fields[name].is_required() or model.takes_many(name)
    ]
    called = {name: name.upper() if len(places) > 1 else "FILE" for name in places}
    params: list[click.Parameter] = [
        click.Argument(
            [name],
            type=click.Path(path_type=Path),
            required=model.model_fields[name].is_required(),
            nargs=-1 if model.takes_many(name) else 1,
            metavar=f"[{called[name]} ...]" if model.takes_many(name) else called[name],
        )
        for name in places
    ]
    for name, info in model.model_fields.items():
        if name not in places:
            params.append(_option(name, info, model.placeholder_of(name)))
    if kit.partitioned:
        params.append(
            click.Option(
                ["--scheduler"],
                metavar="tcp://HOST:PORT",
                help="A Dask scheduler whose workers share the work: one Parquet file of a folder "
                "each, or some networks of an ensemble.",
            )
        )
    if kit.resumes:
        params.append(
            click.Option(
                ["--checkpoint"],
                type=click.Path(path_type=Path),
                metavar="FOLDER",
                help="A folder to note in how far it is: if it is cut off, the same command goes "
                "on from there. Removed when the evidence is written.",
            )
        )
    params += [
        click.Option(
            ["--out"],
            type=click.Path(path_type=Path),
            help="Folder, or file ending in .zip, for the evidence. Default: KIT-evidence.",
        ),
        click.Option(["--overwrite"], is_flag=True, help="Replace evidence that is there."),
        click.Option(["--agent"], default=_user, help="Who runs it. Default: your user name."),
        click.Option(["--quiet", "-q"], is_flag=True, help="Only the path of the evidence."),
    ]

    def callback(
        out: Path | None,
        overwrite: bool,
        agent: str,
        quiet: bool,
        scheduler: str | None = None,
        checkpoint: Path | None = None,
        **values: Any,
    ) -> None:
        given = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value not in (None, ())
        }
        target = out or Path(f"{kit.name}-evidence")
        _run_kit(kit, given, target, overwrite, agent, quiet, scheduler, checkpoint)

    # Click's arguments have no help of their own.
    told = [
        ". ".join(filter(None, (f"{called[name]}: {info.title or name}", info.description)))
        for name, info in model.model_fields.items()
        if name in places
    ]
    help_text = "\n\n".join([kit.question, *told])
    return click.Command(kit.name, params=params, callback=callback, help=help_text)


def _option(name: str, info: Any, placeholder: str) -> click.Option:
    """One parameter of a kit as an option; pydantic checks the value, click only its shape."""
    from typing import Literal, get_args, get_origin

    from pydantic_core import PydanticUndefined

    from evidesk.kits import option_of, unwrap

    inner, is_list, _ = unwrap(info.annotation)
    choices = get_args(inner) if get_origin(inner) is Literal else ()
    help_text = info.description or info.title or ""
    if is_list:
        help_text += " Give it once for each."
    if (default := info.get_default()) not in (None, [], PydanticUndefined):
        # Only told: what is not given is left to the model.
        help_text += f"  [default: {default}]"
    common = {"required": info.is_required(), "default": None, "help": help_text}
    if inner is bool:
        return click.Option([f"{option_of(name)}/{option_of(f'no_{name}')}", name], **common)
    return click.Option(
        [option_of(name), name],
        multiple=is_list,
        type=click.Choice(choices) if choices else str,
        metavar=None if choices else placeholder,
        **common,
    )


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _run_kit(
    kit: Kit,
    values: dict[str, Any],
    out: Path,
    overwrite: bool,
    agent: str,
    quiet: bool,
    scheduler: str | None,
    checkpoint: Path | None,
) -> None:
    from evidesk.evidence import EvidenceError
    from evidesk.kits import Cancelled, KitError
    from evidesk.kits.checkpoint import holds_some, remove
    from evidesk.kits.execution import execute, parse

    _check_before_work(out, overwrite, agent)
    if checkpoint is not None and out.resolve().is_relative_to(checkpoint.resolve()):
        raise Fault(f"{out} would be removed with the checkpoint. Choose another --out.")
    try:
        parameters = parse(kit, values)
        with _progress(quiet) as progress:
            evidence = execute(
                kit,
                parameters,
                agent=agent,
                progress=progress,
                scheduler=scheduler,
                checkpoint=checkpoint,
            )
        with _no_os_error(f"{out} cannot be written"):
            evidence.write(out, overwrite=overwrite)
    except (KitError, EvidenceError) as fault:
        raise Fault(str(fault)) from None
    except (Cancelled, KeyboardInterrupt):
        if checkpoint is not None and holds_some(checkpoint):
            raise Fault(
                f"Cancelled; no evidence was written. The same command goes on from {checkpoint}."
            ) from None
        raise Fault("Cancelled; nothing was written.") from None
    if checkpoint is not None:
        remove(checkpoint)
    if quiet:
        click.echo(os.fsencode(out))  # the very bytes, for the program behind the pipe
        return
    _print(evidence)
    shown = click.format_filename(out)
    click.echo(f"Evidence: {shown}" + ("" if out.is_file() else f"  (open {shown}/report.html)"))


def _check_before_work(out: Path, overwrite: bool, agent: str) -> None:
    """Refuse now what would make the work be for nothing at its end."""
    from evidesk.evidence import EvidenceError
    from evidesk.evidence.checks import check_name
    from evidesk.evidence.crate import check_target

    try:
        check_name("--agent", agent)
    except ValueError:
        raise Fault("--agent needs the name of whoever runs it.") from None
    if out.name in ("", ".."):
        raise Fault(f"{out} is no name for new evidence. Choose another --out.")
    try:
        with _no_os_error(f"{out} cannot be looked at"):
            check_target(out, overwrite=overwrite)
            _check_folder(out.absolute().parent, "--out")
    except EvidenceError as fault:
        raise Fault(f"{fault} (--out, --overwrite)") from None


def _check_folder(folder: Path, option: str) -> None:
    """Raise Fault unless files can be put into the folder; it need not be there yet."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise Fault(f"Nothing can be written in {there}. Choose another {option}.")


@contextmanager
def _no_os_error(what: str) -> Iterator[None]:
    """Faults for what the system refuses: no room, no permission, too long a name."""
    try:
        yield
    except OSError as fault:
        raise Fault(f"{what}: {fault.strerror or fault}.") from None


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress]:
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


# Data to learn with


@main.group()
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
        with _no_os_error(f"{out} cannot be looked at"):
            _check_folder(out.absolute().parent, "--out")
            if out.is_dir() or (out.exists() and not overwrite):
                raise Fault(f"{out} is there already. Choose another --out, or --overwrite.")
        with _progress(quiet) as progress:
            made = generate_dijets(background, signal, seed=seed, progress=progress)
        with _no_os_error(f"{out} cannot be written"):
            write(made, out)
    except (ValueError, MissingExtra) as fault:
        raise Fault(str(fault)) from None
    except KeyboardInterrupt:
        raise Fault("Cancelled; nothing was written.") from None
    if not quiet:
        click.echo(f"{made}\nTo cite: Pythia 8.3, arXiv:2203.11601; FastJet, arXiv:1111.6097")
    click.echo(os.fsencode(out) if quiet else f"Events: {click.format_filename(out)}")


# Evidence


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
def show(path: Path) -> None:
    """Print evidence, a folder or zip, after verifying it."""
    _print(_read(path))


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
def verify(path: Path) -> None:
    """Check that evidence is complete and unchanged; exit with 1 if not."""
    evidence = _read(path)
    assert evidence.provenance is not None  # evidence cannot be read without
    inputs = len(evidence.provenance.inputs)
    click.echo(f"{path}: intact. Every digest fits; made from {inputs} input file(s).")


def _read(path: Path) -> Any:
    from evidesk.evidence import Evidence, EvidenceError

    try:
        return Evidence.read(path)
    except EvidenceError as fault:
        raise Fault(f"{path}: {fault}") from None


def _print(evidence: Any) -> None:
    from rich.console import Console

    from evidesk.evidence.terminal import render

    Console().print(render(evidence))


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


@main.command()
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


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--watch", "number", type=int, required=True,
    help="The watch's number, which is in the address of its page.",
)  # fmt: skip
@_on_a_desk
def batch(path: Path, number: int, desk: str, token: str | None) -> None:
    """Give a watch on a desk its next batch, a table."""
    with _spoken_to(desk, token) as spoken_to, _no_os_error(f"{path} cannot be read"):
        spoken_to.add_batch(number, path)
        watch = spoken_to.watch(number)
    click.echo(f"Watch {number} ({watch['name']}) has {path.name} now; waiting: {watch['waiting']}")


# The desk


def _need_desk() -> None:
    from importlib.util import find_spec

    if find_spec("django") is None:
        raise Fault("The desk is not installed. Install it with: pip install 'evidesk[desk]'")


@main.command()
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
    with _no_os_error(f"{folder} cannot be used (--data)"):
        _check_folder(folder, "--data")
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


@main.command(
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
