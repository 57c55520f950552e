"""What workers tell of themselves, and how the jobs of one that died are taken over."""

import os
import socket
from datetime import timedelta
from typing import Any

from django.db import transaction as database
from django.db.models.functions import Now
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from evidesk.desk.workers.models import Worker

#: A worker that gave no sign of life for so long is dead; it gives one every few seconds.
SILENCE = timedelta(seconds=60)
#: A job that has taken so many workers with it is not given to another one.
MOST_TRIES = 3


def check_in(name: str) -> None:
    """Sign of life of the worker of that name, which is this process."""
    if not Worker.objects.filter(name=name).update(seen_alive_at=Now()):
        Worker.objects.create(name=name, host=socket.gethostname()[:255], pid=os.getpid())


def check_out(name: str) -> None:
    """The worker ends."""
    Worker.objects.filter(name=name).delete()


def take_over_lost_jobs() -> int:
    """Put the jobs of dead workers back into the queue; returns how many.

    Every job must bear that: it is begun again, and if it had taken effect already it must notice.
    One that has lost its worker `MOST_TRIES` times has failed.
    """
    # First the jobs: a worker checks in before it takes one, so the owner of each is known by now.
    running = list(DBTaskResult.objects.running().only("started_at", "worker_ids"))
    Worker.objects.filter(seen_alive_at__lt=Now() - SILENCE).delete()
    alive = set(Worker.objects.values_list("name", flat=True))
    return sum(_take_over(job) for job in running if job.worker_ids[-1] not in alive)


def _take_over(job: "DBTaskResult[Any, Any]") -> int:
    # Only if it is still this attempt that runs: of two workers that see it one wins.
    same = DBTaskResult.objects.filter(
        pk=job.pk, status=TaskResultStatus.RUNNING, started_at=job.started_at
    )
    with database.atomic():
        if len(job.worker_ids) < MOST_TRIES:
            return same.update(status=TaskResultStatus.READY, started_at=None)
        return same.update(
            status=TaskResultStatus.FAILED,
            finished_at=timezone.now(),
            exception_class_path=f"{WorkersLost.__module__}.{WorkersLost.__qualname__}",
            traceback=f"{MOST_TRIES} workers died while they did this job.",
        )


class WorkersLost(Exception):
    """Every worker that took the job has died."""
