"""Whom to tell of what, and what was told."""

import secrets
import uuid
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from evidesk.desk.people.models import Person, Unit
from evidesk.desk.vouchers.models import EventKind, Voucher
from evidesk.desk.vouchers.workflow import TRANSITIONS

#: What can happen, and how a page calls it.
EVENTS: dict[str, Any] = {
    **{f"voucher.{step.action}": step.label for step in TRANSITIONS},
    **{f"voucher.{kind.value}": kind.label for kind in EventKind},
}
#: What only somebody who tries a hook out sends.
PING = "ping"


def new_salt() -> str:
    """Makes the secret of each hook another one."""
    return secrets.token_hex(16)


class Hook(models.Model):
    """An address that is told of events: those of the owner's own vouchers, or of a unit's.

    Its secret is made from the desk's own and a salt, so that a copy of the database alone signs
    nothing.
    """

    owner = models.ForeignKey(Person, models.CASCADE, related_name="hooks")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="hooks")
    url = models.CharField(max_length=500)
    events = models.JSONField(help_text="Keys of EVENTS.")
    salt = models.CharField(max_length=32, default=new_salt, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    succeeded_at = models.DateTimeField(null=True, help_text="When it last took something.")
    disabled_at = models.DateTimeField(null=True)
    disabled_because = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(disabled_at__isnull=True, disabled_because="")
                | (Q(disabled_at__isnull=False) & ~Q(disabled_because="")),
                name="hook_disabled_has_reason",
            )
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def secret(self) -> str:
        """What its deliveries are signed with."""
        key = salted_hmac("evidesk.desk.hooks", self.salt, algorithm="sha256").hexdigest()
        return f"whsec_{key}"


class DeliveryState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Failed")


class Delivery(models.Model):
    """One event for one hook: what is sent, and how that went the last time."""

    hook = models.ForeignKey(Hook, models.CASCADE, related_name="deliveries")
    voucher = models.ForeignKey(Voucher, models.CASCADE, null=True, related_name="+")
    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    event = models.CharField(max_length=60)
    payload = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now, help_text="Not before.")
    ended_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="The last answer's.")
    fault = models.CharField(max_length=300, blank=True, help_text="Why not, the last time.")

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "deliveries"
        indexes = [models.Index(fields=["state", "next_at"], name="delivery_by_time")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state=DeliveryState.WAITING, ended_at__isnull=True)
                | Q(
                    state__in=[DeliveryState.DELIVERED, DeliveryState.FAILED],
                    ended_at__isnull=False,
                ),
                name="delivery_ended_has_date",
            )
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.hook_id}"
