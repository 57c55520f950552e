"""The command line: commands import what they need, so that `evidesk --help` is instant."""

import click

from evidesk.cli import client, desk, evidence, generate, kits


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="evidesk")
def main() -> None:
    """From a scientist's question to an answer with an error bar that is right."""


for _command in (
    kits.kits,
    kits.run,
    generate.generate,
    evidence.show,
    evidence.verify,
    client.push,
    client.batch,
    desk.demo,
    desk.desk,
):
    main.add_command(_command)
