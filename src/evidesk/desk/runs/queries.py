"""Reads about runs and their files that more than one place needs."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from evidesk.desk.people.models import Person
from evidesk.desk.runs.models import Run, StoredEvidence
from evidesk.desk.vouchers.models import Attachment
from evidesk.desk.vouchers.queries import visible_to
from evidesk.evidence import Evidence, EvidenceError, Input
from evidesk.kits import Kit, silent
from evidesk.kits.arrays import names_in
from evidesk.kits.table import TableFile


def run_for(person: Person, run_id: int) -> Run:
    """The run; 404 if there is none or its voucher is not the person's to see."""
    rows = Run.objects.select_related("voucher__unit", "attachment", "started_by", "evidence")
    return get_object_or_404(rows.filter(voucher__in=visible_to(person)), pk=run_id)


def stored_for(person: Person, evidence_id: int) -> StoredEvidence:
    """The evidence; 404 if there is none or its voucher is not the person's to see."""
    rows = StoredEvidence.objects.select_related("voucher", "added_by", "run")
    return get_object_or_404(rows.filter(voucher__in=visible_to(person)), pk=evidence_id)


def others_of(attachment: Attachment) -> QuerySet[Attachment]:
    """The voucher's other files, for a kit that reads several; the latest first."""
    others = Attachment.objects.filter(voucher=attachment.voucher_id, erased_at=None)
    return others.exclude(pk=attachment.pk).order_by("-pk")


def names_of(kit: Kit, files: Mapping[str, Sequence[Attachment]]) -> dict[str, Any]:
    """The files' names as the kit's parameters take them: one, or a list."""
    many = kit.parameters.takes_many
    return {
        name: [one.name for one in given] if many(name) else given[0].name
        for name, given in files.items()
    }


class Stored(Protocol):
    """A file that somebody gave, with the name that they gave it."""

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> Path: ...


@contextmanager
def under_its_name(attachment: Stored) -> Iterator[Path]:
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
            _(
                "The stored crate is not the one that was received. Tell the office: it has to be "
                "brought back from a backup."
            )
        )
    return _parsed(path, stored.sha256)


@lru_cache(maxsize=2)
def _parsed(path: Path, sha256: str) -> Evidence:
    """What the crate with these bytes says: kept, for a page of many figures asks for each."""
    return Evidence.read(path)


def columns_of(attachment: Attachment, kit: Kit | None = None) -> list[str]:
    """The names of the columns, and of arrays for a kit that reads some; raises
    :class:`~evidesk.kits.KitError` if it is no such file.
    """
    with under_its_name(attachment) as path:
        if kit is not None and kit.arrays:
            return names_in(path)
        with TableFile(path, silent, head_only=True) as table:
            return table.columns
