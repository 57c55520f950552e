"""Reads about runs and their files that more than one place needs."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evidesk.desk.vouchers.models import Attachment
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


def columns_of(attachment: Attachment) -> list[str]:
    """The names of the columns; raises :class:`~evidesk.kits.KitError` if it is no table."""
    with under_its_name(attachment) as path, TableFile(path, silent) as table:
        return table.columns
