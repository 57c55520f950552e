"""Writing a backup of everything the desk has, while it is in use."""

import os
import tarfile
import tempfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from django.apps import apps
from django.db import DatabaseError
from django.utils import timezone

from evidesk import __version__
from evidesk.desk.operations.archive import MANIFEST, Manifest, digest_of, file_name
from evidesk.desk.operations.databases import OperationFailed, Snapshot, snapshot
from evidesk.desk.runs.models import StoredEvidence
from evidesk.desk.vouchers.models import Attachment, stored_path
from evidesk.desk.vouchers.storage import flush
from evidesk.desk.watches.models import Batch, BatchState

#: Models whose column `sha256` names a file that the desk keeps, in rows of which this holds.
KEEPS_FILES = {
    Attachment: "erased_at IS NULL",
    StoredEvidence: "true",
    Batch: f"state = '{BatchState.WAITING.value}'",
}


def back_up(target: Path, *, overwrite: bool = False) -> Manifest:
    """Write a backup to the file `target`, which is there whole or not at all.

    The database is copied as of one moment; files are stored before the rows that speak of them
    and never changed, so that those of that moment are all there.

    Raises
    ------
    OperationFailed : there is no backup now; the message says why.
    """
    if target.exists() and not overwrite:
        raise OperationFailed(f"{target} exists. Choose another name, or give --overwrite.")
    try:
        with tempfile.TemporaryDirectory(
            dir=target.absolute().parent, prefix=".evidesk-backup-"
        ) as folder:
            partial = Path(folder) / "backup.tar"
            with snapshot(Path(folder)) as taken:
                manifest = _write(partial, taken)
            partial.replace(target)
            flush(target.absolute().parent)
    except (OSError, DatabaseError) as fault:
        raise OperationFailed(f"The backup could not be written: {fault}") from None
    return manifest


def _write(partial: Path, taken: Snapshot) -> Manifest:
    partial.touch(mode=0o600)  # before there is anything to read in it
    with partial.open("wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
        with taken.dump.open("rb") as dump:
            dump_sha256, dump_size = digest_of(dump)
        archive.add(taken.dump, taken.dump.name)
        files, damaged = _add_files(archive, _kept_files(taken))
        manifest = Manifest(
            evidesk=__version__,
            made_at=timezone.now().isoformat(timespec="seconds"),
            vendor="sqlite" if taken.dump.suffix == ".sqlite3" else "postgresql",
            dump_sha256=dump_sha256,
            dump_size=dump_size,
            migrations=sorted(
                list(row) for row in taken.ask("SELECT app, name FROM django_migrations")
            ),
            rows=_count(taken),
            files=files,
            damaged=damaged,
        )
        document = manifest.to_json()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(document)
        archive.addfile(info, BytesIO(document))
        archive.close()  # writes the end
        file.flush()
        os.fsync(file.fileno())
    return manifest


def _kept_files(taken: Snapshot) -> list[str]:
    """The SHA-256 of every file that a row of the snapshot speaks of."""
    tables = (
        f'SELECT sha256 FROM "{model._meta.db_table}" WHERE {condition}'  # noqa: S608 - our own
        for model, condition in KEEPS_FILES.items()
    )
    return [sha256 for (sha256,) in taken.ask(" UNION ".join(tables) + " ORDER BY 1")]


def _count(taken: Snapshot) -> dict[str, int]:
    tables = sorted(model._meta.db_table for model in apps.get_models(include_auto_created=True))
    return {
        table: int(taken.ask(f'SELECT count(*) FROM "{table}"')[0][0])  # noqa: S608
        for table in tables
    }


def _add_files(archive: tarfile.TarFile, wanted: Iterable[str]) -> tuple[dict[str, int], list[str]]:
    """Add the files; returns the sizes of those that are good, and those that are not."""
    files: dict[str, int] = {}
    damaged = []
    for sha256 in wanted:
        try:
            with stored_path(sha256).open("rb") as file:
                found, size = digest_of(file)
                if found != sha256:
                    damaged.append(sha256)
                    continue
                file.seek(0)
                info = tarfile.TarInfo(file_name(sha256))
                info.size = size
                archive.addfile(info, file)
            files[sha256] = size
        except FileNotFoundError:
            damaged.append(sha256)
    return files, damaged
