"""What is wrong with the desk as it runs: database, migrations, workers, clock and disk.

Only `evidesk desk check` asks these; before other commands they would be in the way.
"""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Info, Warning
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from evidesk.desk.operations.checks import TAG, as_django_wants
from evidesk.desk.vouchers.models import Event
from evidesk.desk.workers.actions import SILENCE
from evidesk.desk.workers.models import Worker

_CLOCKS_DIFFER = timedelta(seconds=5)
#: Room for so many of the largest uploads, and for a database to breathe.
_UPLOADS, _ROOM = 4, 2 * 2**30


def register() -> None:
    """Have Django ask every check here."""
    for check in (database, disk):
        checks.register(as_django_wants(check), TAG)


def database() -> Iterator[CheckMessage]:
    """Can it be reached, is it the right one, and do the parts that share it work?"""
    try:
        connection.ensure_connection()
    except DatabaseError as fault:
        yield Error(
            f"The database cannot be reached: {str(fault).strip()}",
            hint="See that PostgreSQL runs, and that EVIDESK_DATABASE_URL has the right host, "
            "name, user and password."
            if connection.vendor == "postgresql"
            else "See that EVIDESK_DATA_DIR is the right folder and can be written.",
            id="evidesk.E011",
        )
        return
    yield from _sqlite() if connection.vendor == "sqlite" else _postgresql()
    pending = list(_migrations())
    yield from pending
    if not pending:
        yield from _workers()
        yield from _clock()


def _sqlite() -> Iterator[CheckMessage]:
    if (mode := _ask("PRAGMA journal_mode")) != "wal":
        yield Warning(
            f"SQLite works without its write-ahead log here (journal mode {mode}), so that readers "
            "and writers wait for each other.",
            hint="The file system does not offer what it needs. Put EVIDESK_DATA_DIR on a local "
            "disk.",
            id="evidesk.W012",
        )


def _postgresql() -> Iterator[CheckMessage]:
    if (encoding := _ask("SHOW server_encoding")) != "UTF8":
        yield Error(
            f"The database keeps text as {encoding}, which cannot hold every character.",
            hint="Make it anew: createdb --encoding=UTF8 --template=template0 evidesk",
            id="evidesk.E013",
        )
    if _ask("SHOW transaction_read_only") == "on":
        yield Error(
            "The database can only be read: it is a standby, or was set so.",
            hint="Let EVIDESK_DATABASE_URL name the primary server.",
            id="evidesk.E014",
        )


def _ask(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return str(cursor.fetchone()[0])


def _migrations() -> Iterator[CheckMessage]:
    executor = MigrationExecutor(connection)
    loader = executor.loader
    if plan := executor.migration_plan(loader.graph.leaf_nodes()):
        first = plan[0][0]
        yield Error(
            f"The database is older than this evidesk: {len(plan)} migrations wait, the first is "
            f"{first.app_label}.{first.name}.",
            hint="Back up, then run: evidesk desk migrate",
            id="evidesk.E015",
        )
    ours = {app for app, _ in loader.disk_migrations or {}}
    newer = [
        f"{app}.{name}"
        for app, name in loader.applied_migrations or {}
        if app in ours and (app, name) not in loader.graph.nodes
    ]
    if newer:
        yield Error(
            f"The database is newer than this evidesk, which does not know {newer[0]}.",
            hint="Install the newer version again, or restore the backup from before the upgrade.",
            id="evidesk.E016",
        )


def _workers() -> Iterator[CheckMessage]:
    now = timezone.now()
    if any(now - worker.seen_alive_at < SILENCE for worker in Worker.objects.all()):
        return
    hint = "Start one: evidesk desk db_worker"
    if waiting := DBTaskResult.objects.ready().count():
        yield Warning(
            f"No worker has given a sign of life, and {waiting} jobs wait: no kit is run and no "
            "mail is sent.",
            hint=hint,
            id="evidesk.W017",
        )
    else:
        yield Info("No worker is running; nothing waits for one now.", hint=hint, id="evidesk.I018")


def _clock() -> Iterator[CheckMessage]:
    hint = "Have the clock set by NTP: timedatectl set-ntp true"
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            difference = timezone.now() - cursor.fetchone()[0]
        if abs(difference) > _CLOCKS_DIFFER:
            yield Warning(
                f"This machine's clock and the database's differ by "
                f"{abs(difference).total_seconds():.0f} seconds.",
                hint=hint,
                id="evidesk.W019",
            )
    latest = Event.objects.order_by("-pk").values_list("at", flat=True).first()
    if latest is not None and latest > timezone.now() + _CLOCKS_DIFFER:
        yield Warning(
            f"The latest event is from the future ({latest:%Y-%m-%d %H:%M}): a clock is or was "
            "wrong.",
            hint=hint,
            id="evidesk.W020",
        )


def disk() -> Iterator[CheckMessage]:
    """Uploads, evidence and SQLite grow in the data folder."""
    folder = Path(settings.DATA_DIR)
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free
    if free < max(_ROOM, _UPLOADS * settings.MAX_UPLOAD_BYTES):
        yield Warning(
            f"The disk of the data folder is nearly full: {free / 2**30:.1f} GB are free, and one "
            f"upload can take {settings.MAX_UPLOAD_BYTES / 2**30:.1f} GB.",
            hint="Make room, or lower EVIDESK_MAX_UPLOAD_MB.",
            id="evidesk.W021",
        )
