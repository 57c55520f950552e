"""`evidesk kits` and `evidesk run`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidesk.cli.common import Fault, check_folder, no_os_error, print_evidence, progress_bar

if TYPE_CHECKING:
    from evidesk.kits import Kit


@click.command()
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


@click.group(cls=KitGroup, subcommand_metavar="KIT FILE [OPTIONS]")
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
        with progress_bar(quiet) as progress:
            evidence = execute(
                kit,
                parameters,
                agent=agent,
                progress=progress,
                scheduler=scheduler,
                checkpoint=checkpoint,
            )
        with no_os_error(f"{out} cannot be written"):
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
    print_evidence(evidence)
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
        with no_os_error(f"{out} cannot be looked at"):
            check_target(out, overwrite=overwrite)
            check_folder(out.absolute().parent, "--out")
    except EvidenceError as fault:
        raise Fault(f"{fault} (--out, --overwrite)") from None
