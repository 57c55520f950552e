"""`evidesk desk backup FILE`: everything the desk has, in one file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evidesk.desk.operations.backup import back_up
from evidesk.desk.operations.databases import OperationFailed


class Command(BaseCommand):
    """Write a backup; the desk can stay in use."""

    help = (
        "Write everything the desk has into one file: the database as of one moment, uploaded "
        "files and evidence, and a manifest of their digests. The desk can stay in use. Settings "
        "and the secret key are not in it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="Such as desk-2026-03-02.tar.")
        parser.add_argument("--overwrite", action="store_true", help="Replace a file of that name.")

    def handle(self, *args: Any, file: Path, overwrite: bool, **options: Any) -> None:
        try:
            made = back_up(file, overwrite=overwrite)
        except OperationFailed as fault:
            raise CommandError(str(fault)) from None
        size = file.stat().st_size / 2**20
        self.stdout.write(
            f"{file}: {size:.1f} MB, with {sum(made.rows.values())} rows in {len(made.rows)} "
            f"tables and {len(made.files)} files."
        )
        if made.damaged:
            raise CommandError(
                f"The backup is written, but {len(made.damaged)} files that rows speak of were "
                "missing or damaged before, and are not in it:\n" + "\n".join(made.damaged)
            )
