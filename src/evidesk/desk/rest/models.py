"""What was done under an idempotency key, for a day."""

from django.db import models
from django.utils import timezone

from evidesk.desk.people.models import Person


class Once(models.Model):
    """A request that shall be done once. Without a status it is still being worked on."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="SHA-256 of method, address and body.")
    begun_at = models.DateTimeField(default=timezone.now)
    status = models.PositiveSmallIntegerField(null=True)
    content = models.TextField(blank=True, help_text="The answer, JSON.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "key"], name="once_per_person_and_key")
        ]
        indexes = [models.Index(fields=["begun_at"], name="once_by_time")]

    def __str__(self) -> str:
        return f"{self.key} of {self.person}"
