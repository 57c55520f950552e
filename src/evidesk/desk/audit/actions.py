"""Adding to the chain, and erasing what it seals."""

import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from evidesk.desk.audit.models import Entry, Head, Sealed


def append(
    action: str,
    actor: UUID | None,
    subject: str,
    facts: Mapping[str, Any] | None = None,
    *,
    sealed: Mapping[str, Any] | None = None,
) -> Entry:
    """Add what was done to the chain; call it within the transaction that does it.

    Parameters
    ----------
    action : what was done, such as ``voucher.submit``.
    actor : the ``uid`` of the person who did it; None for the desk itself.
    subject : what it was done to, such as ``voucher:V-2026-0001``.
    facts : what is no personal data, as JSON: states, dates, counts.
    sealed : texts, names and what else is personal, as JSON. The chain holds only a salted digest
        of it, so that it can be erased.

    Raises
    ------
    RuntimeError : there is no transaction: the deed could happen without its entry.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("An audit entry is written in the transaction of what it tells of.")
    head = Head.objects.select_for_update().get()
    entry = Entry(
        number=head.number + 1,
        at=timezone.now(),
        actor=str(actor or ""),
        action=action,
        subject=subject,
        facts=dict(facts or {}),
        previous=head.digest,
    )
    secret = None
    if sealed:
        secret = Sealed(entry=entry, salt=secrets.token_hex(32), content=dict(sealed))
        entry.seal = secret.digest()
    entry.digest = entry.expected_digest()
    entry.save(force_insert=True)
    if secret is not None:
        secret.save(force_insert=True)
    Head.objects.update(number=entry.number, digest=entry.digest)
    return entry


def erase_sealed(actor: UUID, name: str) -> int:
    """Erase what entries by or about the person seal, and those that say ``to`` whom by this name;
    returns how many. The chain stays whole.
    """
    about = Q(entry__actor=str(actor)) | Q(entry__subject=f"person:{actor}")
    return Sealed.objects.filter(about | Q(content__to=name)).delete()[0]
