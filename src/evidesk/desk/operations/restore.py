"""Bringing a desk back from a backup: all of it, or nothing changes."""

import os
import tempfile
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from evidesk.desk.operations.archive import Manifest, file_name, unpack
from evidesk.desk.operations.databases import OperationFailed, load
from evidesk.desk.people.models import Person
from evidesk.desk.vouchers.models import Inquiry, stored_path


def restore(backup: Path, *, overwrite: bool = False) -> Manifest:
    """Make the desk what it was when the backup was made.

    Everything is unpacked and verified first. Then the files are put in their places, where nobody
    sees them yet, and at last one transaction replaces the database.

    Raises
    ------
    OperationFailed : the desk is as it was; the message says why.
    """
    try:
        _check_may_replace(overwrite)
        root = Path(settings.MEDIA_ROOT)
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix="incoming-restore-") as folder:
            manifest = unpack(backup, Path(folder))
            _check_fits(manifest)
            placed: list[Path] = []
            try:
                _place_files(manifest, Path(folder), placed)
                os.sync()
                load(Path(folder) / manifest.dump_name)
            except BaseException:
                for path in placed:
                    path.unlink(missing_ok=True)
                raise
    except (OSError, DatabaseError) as fault:
        raise OperationFailed(f"Nothing was restored: {fault}") from None
    return manifest


def _check_may_replace(overwrite: bool) -> None:
    """Refuse to replace a desk that somebody uses."""
    tables = set(connection.introspection.table_names())
    used = any(
        model._meta.db_table in tables and model._default_manager.exists()
        for model in (Person, Inquiry)
    )
    if used and not overwrite:
        raise OperationFailed(
            "This desk is not empty: there are people or inquiries in it. Back it up, then give "
            "--overwrite to replace everything in it."
        )


def _check_fits(manifest: Manifest) -> None:
    """Refuse what this database or this version of evidesk cannot hold."""
    if manifest.vendor != connection.vendor:
        names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
        raise OperationFailed(
            f"The backup is of a desk on {names[manifest.vendor]}, and this one is on "
            f"{names[connection.vendor]}. Set EVIDESK_DATABASE_URL accordingly."
        )
    known = MigrationLoader(None).disk_migrations or {}
    unknown = [f"{app}.{name}" for app, name in manifest.migrations if (app, name) not in known]
    if unknown:
        raise OperationFailed(
            f"The backup was made by evidesk {manifest.evidesk}, which is newer than this one "
            f"(it knows {unknown[0]}). Install that version first."
        )


def _place_files(manifest: Manifest, folder: Path, placed: list[Path]) -> None:
    """Move the files to where they belong; `placed` gets those that were not there before."""
    for sha256 in manifest.files:
        path = stored_path(sha256)
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            placed.append(path)
        # A file that is there already is the same, or was damaged.
        (folder / file_name(sha256)).replace(path)
