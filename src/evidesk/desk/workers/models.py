"""Workers that live."""

from django.db import models
from django.db.models.functions import Now


class Worker(models.Model):
    """A worker process. Its row goes when it ends, or when it is silent for too long.

    Times are the database's own, so that machines whose clocks differ agree on who is silent.
    """

    name = models.CharField(max_length=64, unique=True)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField(db_default=Now())
    seen_alive_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["started_at", "pk"]

    def __str__(self) -> str:
        return f"{self.host}, process {self.pid}"
