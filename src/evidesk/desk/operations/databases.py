"""Copying the whole database out, and back in, as one snapshot."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

Rows = list[tuple[Any, ...]]
#: What a dump is called in a backup.
DUMPS = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}


class OperationFailed(Exception):
    """A backup or restore could not be done; the message says why and what to do."""


@dataclass(frozen=True)
class Snapshot:
    """The database as it was at one moment: the dump, and a way to ask it in SQL."""

    dump: Path
    ask: Callable[[str], Rows]


@contextmanager
def snapshot(folder: Path) -> Iterator[Snapshot]:
    """Dump the desk's database into the folder while others go on writing.

    Raises
    ------
    OperationFailed : PostgreSQL's programs are missing, or one of them failed.
    """
    take = _sqlite_snapshot if connection.vendor == "sqlite" else _postgresql_snapshot
    with take(folder / DUMPS[connection.vendor]) as taken:
        yield taken


def load(dump: Path) -> None:
    """Replace all that is in the desk's database by the dump, in one transaction.

    Raises
    ------
    OperationFailed : it was not replaced; the database is as it was.
    """
    (_load_sqlite if connection.vendor == "sqlite" else _load_postgresql)(dump)


# SQLite: its own backup interface, which copies page by page and sees no half transaction


@contextmanager
def _sqlite_snapshot(dump: Path) -> Iterator[Snapshot]:
    name = str(connection.settings_dict["NAME"])
    with closing(sqlite3.connect(name)) as live, closing(sqlite3.connect(dump)) as copy:
        live.backup(copy)
        _check_sqlite(copy)

        def ask(sql: str) -> Rows:
            return copy.execute(sql).fetchall()

        yield Snapshot(dump, ask)


def _load_sqlite(dump: Path) -> None:
    connection.close()
    target = Path(str(connection.settings_dict["NAME"]))
    with closing(sqlite3.connect(dump)) as copy:
        _check_sqlite(copy)
        # Into the file itself: SQLite makes one transaction of it, also for those who have it open.
        with closing(sqlite3.connect(target, timeout=20)) as live:
            copy.backup(live)


def _check_sqlite(database: sqlite3.Connection) -> None:
    try:
        (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as fault:
        found = str(fault)
    if found != "ok":
        raise OperationFailed(f"The database is damaged: {found}.")


# PostgreSQL: pg_dump and pg_restore


@contextmanager
def _postgresql_snapshot(dump: Path) -> Iterator[Snapshot]:
    program = _program("pg_dump")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            (name,) = cursor.fetchone()
            _call(
                other,
                [program, "--format=custom", "--no-owner", "--no-privileges"],
                [f"--snapshot={name}", f"--file={dump}"],
            )

            def ask(sql: str) -> Rows:
                cursor.execute(sql)
                return list(cursor.fetchall())

            yield Snapshot(dump, ask)
    finally:
        other.close()


def _load_postgresql(dump: Path) -> None:
    psql, pg_restore = _program("psql"), _program("pg_restore")
    script = dump.with_suffix(".sql")
    written = subprocess.run(
        [pg_restore, "--no-owner", "--no-privileges", f"--file={script}", str(dump)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if written.returncode:
        raise OperationFailed(f"The dump cannot be read. {written.stderr.strip()}")
    connection.close()
    empty = files(__package__).joinpath("empty.sql")
    _call(
        connection,
        [psql, "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"],
        [f"--file={empty}", f"--file={script}", "--output=/dev/null"],
    )


def _call(database: BaseDatabaseWrapper, command: list[str], options: list[str]) -> None:
    """Run one of PostgreSQL's programs on the database."""
    from psycopg.conninfo import make_conninfo

    known = database.settings_dict
    address = make_conninfo(
        dbname=known["NAME"],
        user=known["USER"] or None,
        host=known["HOST"] or None,
        port=known["PORT"] or None,
        # What the address of the database says beside; the rest of OPTIONS is Django's.
        **{
            name: value
            for name, value in known["OPTIONS"].items()
            if name not in ("isolation_level", "pool", "server_side_binding", "assume_role")
        },
    )
    # In the environment, for everybody can see the arguments of a process.
    secret = {"PGPASSWORD": known["PASSWORD"]} if known["PASSWORD"] else {}
    done = subprocess.run(
        [*command, f"--dbname={address}", *options],
        env=os.environ | secret, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        name = Path(command[0]).name
        raise OperationFailed(f"{name} failed, and nothing was changed. {done.stderr.strip()}")


def _program(name: str) -> str:
    """The newest of that name; Debian keeps some off the PATH."""
    if found := shutil.which(name):
        return found
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not newest:
        raise OperationFailed(
            f"{name} is missing. Install PostgreSQL's client programs, at least as new as the "
            "server (Debian's package `postgresql-client`)."
        )
    return str(newest[-1])
