"""`evidesk desk restore FILE`: make the desk what it was."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from evidesk.desk.operations.databases import OperationFailed
from evidesk.desk.operations.restore import restore


class Command(BaseCommand):
    """Bring a backup back, all of it or nothing."""

    help = (
        "Make the desk what it was when the backup was made. Everything is verified first; if "
        "anything fails, nothing has changed. A desk that is in use is replaced only with "
        "--overwrite."
    )
    requires_system_checks: list[str] = []  # there may be no tables yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--overwrite", action="store_true", help="Replace everything that is in this desk."
        )

    def handle(self, *args: Any, file: Path, overwrite: bool, **options: Any) -> None:
        try:
            found = restore(file, overwrite=overwrite)
        except OperationFailed as fault:
            raise CommandError(str(fault)) from None
        self.stdout.write(
            f"The desk is as it was at {found.made_at}: {sum(found.rows.values())} rows in "
            f"{len(found.rows)} tables and {len(found.files)} files."
        )
        if found.damaged:
            self.stderr.write(
                f"{len(found.damaged)} files that rows speak of were missing or damaged already "
                "when the backup was made:\n" + "\n".join(found.damaged)
            )
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("It was made by an older evidesk. Run now: evidesk desk migrate")
