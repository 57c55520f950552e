"""Contents of files that nothing refers to any more."""

from django.db import transaction as database

from evidesk.desk.runs.models import StoredEvidence
from evidesk.desk.vouchers.models import Attachment, stored_path
from evidesk.desk.watches.models import Batch, BatchState


def drop_content(sha256: str) -> None:
    """Remove the content once the transaction holds, unless something still refers to it."""

    def drop() -> None:
        holders = (
            Attachment.objects.filter(sha256=sha256),
            StoredEvidence.objects.filter(sha256=sha256),
            Batch.objects.filter(sha256=sha256, state=BatchState.WAITING),
        )
        if not any(rows.exists() for rows in holders):
            stored_path(sha256).unlink(missing_ok=True)

    database.on_commit(drop)
