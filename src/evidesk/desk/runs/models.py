"""Runs of kits, and the evidence that they or the consultants' own machines left."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evidesk.desk.people.models import Person
from evidesk.desk.vouchers.models import Attachment, Voucher, stored_path
from evidesk.kits.checkpoint import holds_some


class RunState(models.TextChoices):
    QUEUED = "queued", _("Waiting for the worker")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


UNDER_WAY = (RunState.QUEUED, RunState.RUNNING)


class Run(models.Model):
    """One execution of a kit by the desk's worker, on a file of the voucher."""

    voucher = models.ForeignKey(Voucher, models.CASCADE, related_name="runs")
    kit = models.CharField(max_length=60)
    attachment = models.ForeignKey(Attachment, models.PROTECT, related_name="runs")
    parameters = models.JSONField(help_text="Without its files.")
    started_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    state = models.CharField(max_length=20, choices=RunState, default=RunState.QUEUED)
    done = models.FloatField(default=0.0, help_text="Share of the work, in [0, 1].")
    message = models.CharField(max_length=200, blank=True)
    seconds_left = models.FloatField(
        null=True, help_text="Until it ends, roughly; empty while that cannot be told."
    )
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    seen_alive_at = models.DateTimeField(null=True, help_text="The worker's last sign of life.")
    cancel_requested = models.BooleanField(default=False)
    fault = models.TextField(blank=True)
    details = models.TextField(blank=True)
    checkpoint = models.CharField(
        max_length=32,
        blank=True,
        help_text="Name of the folder in which its kit notes how far it is, if it does.",
    )

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=RunState.values), name="run_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=UNDER_WAY, ended_at__isnull=True)
                | (~Q(state__in=UNDER_WAY) & Q(ended_at__isnull=False)),
                name="run_ended_has_date",
            ),
            models.CheckConstraint(
                condition=(Q(state=RunState.FAILED) & ~Q(fault=""))
                | (~Q(state=RunState.FAILED) & Q(fault="")),
                name="run_failed_has_fault",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kit} for {self.voucher.reference}"

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY

    @property
    def checkpoint_folder(self) -> Path | None:
        return Path(settings.CHECKPOINT_ROOT) / self.checkpoint if self.checkpoint else None

    @property
    def can_go_on(self) -> bool:
        """Whether it was cut off, and left something to go on from."""
        folder = self.checkpoint_folder
        return not self.is_under_way and folder is not None and holds_some(folder)

    @property
    def percent(self) -> int:
        return round(100 * self.done)

    @property
    def seconds(self) -> float | None:
        """How long it ran, or has run so far."""
        if self.started_at is None:
            return None
        return ((self.ended_at or timezone.now()) - self.started_at).total_seconds()


class RunFile(models.Model):
    """A further file of a run, for a kit that reads several; the first is the run's own.

    Several of one parameter are in their order.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="further_files")
    parameter = models.CharField(max_length=60)
    attachment = models.ForeignKey(Attachment, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "parameter", "attachment"], name="run_file_once_per_parameter"
            )
        ]

    def __str__(self) -> str:
        return f"{self.parameter}: {self.attachment}"


class StoredEvidence(models.Model):
    """Evidence as it came, kept as the zipped crate. It is never changed again.

    `shown` is what a voucher's page shows of it, so that the page need not open the crate:
    {"findings", "figures", "tables", "warnings"}.
    """

    voucher = models.ForeignKey(Voucher, models.CASCADE, related_name="evidence")
    run = models.OneToOneField(Run, models.PROTECT, null=True, related_name="evidence")
    added_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)
    kit = models.CharField(max_length=60)
    question = models.TextField()
    answer = models.TextField()
    shown = models.JSONField()
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["added_at", "pk"]
        verbose_name_plural = "stored evidence"
        constraints = [
            models.UniqueConstraint(fields=["voucher", "sha256"], name="evidence_once_per_voucher")
        ]

    def __str__(self) -> str:
        return self.question

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("Evidence is never changed once it is stored.")
        super().save(*args, **kwargs)

    @property
    def path(self) -> Path:
        return stored_path(self.sha256)

    @property
    def file_name(self) -> str:
        return f"{self.voucher.reference}-evidence-{self.pk}.zip"


class Citation(models.Model):
    """The report rests on this evidence."""

    evidence = models.OneToOneField(StoredEvidence, models.CASCADE, related_name="citation")

    def __str__(self) -> str:
        return f"cited: {self.evidence}"
