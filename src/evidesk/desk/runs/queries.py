"""Reads about runs and their files that more than one place needs."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evidesk.desk.runs.models import StoredEvidence
from evidesk.desk.vouchers.models import Attachment
from evidesk.evidence import Evidence, EvidenceError, Input
from evidesk.kits import silent
from evidesk.kits.table import TableFile


@contextmanager
def under_its_name(attachment: Attachment) -> Iterator[Path]:
    """The attachment's file under its own name, which kits go by and evidence cites, instead of
    the digest that it is stored under.
    """
    with tempfile.TemporaryDirectory(prefix="evidesk-file-") as folder:
        path = Path(folder) / attachment.name
        path.symlink_to(attachment.path)
        yield path


def read_stored(stored: StoredEvidence) -> Evidence:
    """The evidence, if it is still, byte for byte, what came.

    Raises
    ------
    EvidenceError : it was changed since; the message does not tell where it lies.
    """
    path = stored.path
    if not path.is_file() or Input.of(path).sha256 != stored.sha256:
        raise EvidenceError(
            "The stored crate is not the one that was received. Tell the office: it has to be "
            "brought back from a backup."
        )
    return Evidence.read(path)


def columns_of(attachment: Attachment) -> list[str]:
    """The names of the columns; raises :class:`~evidesk.kits.KitError` if it is no table."""
    with under_its_name(attachment) as path, TableFile(path, silent, head_only=True) as table:
        return table.columns
