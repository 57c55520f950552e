"""The chain of what was done. The database itself refuses to change or delete an entry.

An entry holds no personal data: of the actor a random identifier, of texts a salted digest. Who and
what they were stands in other tables, where it can be erased without breaking the chain.
"""

import hashlib
import json
from typing import Any

from django.db import models
from django.db.models import Q

#: What stands before the first entry.
GENESIS = "0" * 64


class Entry(models.Model):
    """One link of the chain: what was done by whom to what."""

    number = models.PositiveBigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=36, blank=True, help_text="The person's uid, if anybody's.")
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=120, help_text="Such as voucher:V-2026-0001.")
    facts = models.JSONField(default=dict)
    seal = models.CharField(max_length=64, blank=True, help_text="Digest of what is sealed.")
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["number"]
        verbose_name_plural = "entries"
        indexes = [
            models.Index(fields=["subject", "number"], name="audit_by_subject"),
            models.Index(fields=["actor", "number"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.action} {self.subject}"

    def expected_digest(self) -> str:
        """SHA-256 of the entry's content and of the entry before it, as canonical JSON."""
        content = {
            "number": self.number,
            "at": self.at.isoformat(),
            "actor": self.actor,
            "action": self.action,
            "subject": self.subject,
            "facts": self.facts,
            "seal": self.seal,
            "previous": self.previous,
        }
        return hashlib.sha256(canonical(content)).hexdigest()


class Sealed(models.Model):
    """What an entry says in words, and whatever else of it is personal. It can be erased."""

    entry = models.OneToOneField(Entry, models.PROTECT, primary_key=True, related_name="sealed")
    salt = models.CharField(max_length=64)
    content = models.JSONField()

    def __str__(self) -> str:
        return f"what entry {self.entry_id} seals"

    def digest(self) -> str:
        """SHA-256 of salt and content; without the salt a short text could be guessed from it."""
        return hashlib.sha256(canonical([self.salt, self.content])).hexdigest()


class Head(models.Model):
    """The last link; one row, locked while a link is added."""

    only = models.BooleanField(primary_key=True, default=True)
    number = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, default=GENESIS)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(only=True), name="one_head")]

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


def canonical(value: Any) -> bytes:
    """One way to write it: keys sorted, no spaces, UTF-8."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()
