"""Watches and their batches. The database itself refuses to take a batch twice."""

import math
from pathlib import Path

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evidesk.desk.people.models import Person
from evidesk.desk.vouchers.models import Attachment, Voucher, stored_path

_LN_10 = math.log(10)


class Watch(models.Model):
    """Whether a stream still looks like a file of the voucher, batch by batch.

    It begins in the worker; from then on `taken` counts the batches, and the columns below it tell
    where the watch stood after the last of them. What the next batch needs is its `WatchState`.
    """

    voucher = models.ForeignKey(Voucher, models.CASCADE, related_name="watches")
    name = models.CharField(max_length=80)
    reference = models.ForeignKey(Attachment, models.PROTECT, related_name="watches")
    parameters = models.JSONField(help_text="Of the kit, without its files.")
    begun_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    begun_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    stopped_at = models.DateTimeField(null=True)
    fault = models.TextField(blank=True, help_text="Why it could not begin.")
    worked_on_at = models.DateTimeField(null=True, help_text="A worker's last sign of life.")
    tries = models.PositiveSmallIntegerField(default=0, help_text="To begin it.")

    is_begun = models.BooleanField(default=False)
    taken = models.PositiveIntegerField(default=0)
    rows = models.PositiveBigIntegerField(default=0)
    log_e = models.FloatField(default=0.0, help_text="Natural logarithm of the e-value.")
    p_value = models.FloatField(default=1.0, help_text="Any-time valid.")
    reference_left = models.PositiveBigIntegerField(default=0)
    warnings = models.JSONField(default=list)
    alarm = models.PositiveBigIntegerField(null=True, help_text="The row that raised it.")
    alarm_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-begun_at", "-pk"]
        verbose_name_plural = "watches"
        constraints = [
            models.CheckConstraint(
                condition=Q(alarm__isnull=True, alarm_at__isnull=True)
                | Q(alarm__isnull=False, alarm_at__isnull=False),
                name="watch_alarm_has_time",
            ),
            models.CheckConstraint(
                condition=Q(fault="") | Q(is_begun=False, stopped_at__isnull=False),
                name="watch_with_fault_is_stopped",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.voucher.reference})"

    @property
    def state(self) -> str:
        """One word: starting, watching, alarm, stopped or failed."""
        if self.fault:
            return "failed"
        if self.stopped_at is not None:
            return "stopped"
        if not self.is_begun:
            return "starting"
        return "watching" if self.alarm is None else "alarm"

    @property
    def state_label(self) -> str:
        """The state for people."""
        return str(STATE_LABELS[self.state])

    @property
    def level(self) -> float:
        return float(self.parameters["level"])

    @property
    def threshold(self) -> float:
        """The e-value from which on there is an alarm."""
        return float(f"{1 / (1 - self.level):.6g}")

    @property
    def log10_e(self) -> float:
        return self.log_e / _LN_10


STATE_LABELS = {
    "starting": _("Waiting for the worker"),
    "watching": _("Watching"),
    "alarm": _("Alarm"),
    "stopped": _("Stopped"),
    "failed": _("Could not begin"),
}


class WatchState(models.Model):
    """What the next batch is compared with, beside its watch, whose list needs none of it."""

    watch = models.OneToOneField(
        Watch, models.CASCADE, primary_key=True, related_name="saved_state"
    )
    state = models.BinaryField(help_text="JSON, gzipped. It holds rows of the reference.")
    figure = models.TextField(blank=True, help_text="SVG of the e-value's path.")
    alt = models.TextField(blank=True, help_text="What the figure shows.")

    def __str__(self) -> str:
        return f"state of {self.watch}"


class BatchState(models.TextChoices):
    WAITING = "waiting", _("Waiting for the worker")
    TAKEN = "taken", _("Taken")
    REFUSED = "refused", _("Refused")


class Batch(models.Model):
    """The next rows of a watch's stream. Its file is kept only until it is taken or refused."""

    watch = models.ForeignKey(Watch, models.CASCADE, related_name="batches")
    uploader = models.ForeignKey(Person, models.PROTECT, related_name="+")
    name = models.CharField(max_length=150)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    uploaded_at = models.DateTimeField(default=timezone.now)

    state = models.CharField(max_length=20, choices=BatchState, default=BatchState.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    fault = models.TextField(blank=True)
    number = models.PositiveIntegerField(null=True, help_text="Among those that were taken.")
    first_row = models.PositiveBigIntegerField(null=True)
    rows = models.PositiveBigIntegerField(null=True)
    log_e = models.FloatField(null=True, help_text="After it, as the watch's.")
    p_value = models.FloatField(null=True)
    alarm = models.PositiveBigIntegerField(null=True, help_text="The row that raised it.")

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "batches"
        constraints = [
            models.UniqueConstraint(
                fields=["watch", "sha256"],
                condition=~Q(state=BatchState.REFUSED),
                name="batch_once_per_watch",
            ),
            models.UniqueConstraint(fields=["watch", "number"], name="batch_numbers_differ"),
            models.CheckConstraint(
                condition=Q(state=BatchState.WAITING, ended_at__isnull=True, number__isnull=True)
                | Q(state=BatchState.REFUSED, ended_at__isnull=False, number__isnull=True)
                | Q(
                    state=BatchState.TAKEN,
                    ended_at__isnull=False,
                    number__isnull=False,
                    rows__isnull=False,
                    log_e__isnull=False,
                ),
                name="batch_has_the_facts_of_its_state",
            ),
            models.CheckConstraint(
                condition=(Q(state=BatchState.REFUSED) & ~Q(fault=""))
                | (~Q(state=BatchState.REFUSED) & Q(fault="")),
                name="batch_refused_has_fault",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        return stored_path(self.sha256)

    @property
    def log10_e(self) -> float | None:
        return None if self.log_e is None else self.log_e / _LN_10

    @property
    def last_row(self) -> int | None:
        """Of the stream."""
        if self.first_row is None or self.rows is None:
            return None
        return self.first_row + self.rows - 1
