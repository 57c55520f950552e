"""What the worker does with watches: each step is one transaction, which happens once or not at
all, however many workers try it and whenever one of them is killed.
"""

import gzip
from dataclasses import dataclass

from django.db import transaction as database
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_noop
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from evidesk.desk.vouchers import actions as voucher_actions
from evidesk.desk.vouchers.models import EventKind, Voucher
from evidesk.desk.watches.content import drop_content
from evidesk.desk.watches.models import Batch, BatchState, Watch, WatchState
from evidesk.desk.workers.actions import MOST_TRIES, SILENCE
from evidesk.evidence import Evidence, printable
from evidesk.kits.watch_state import Batch as TakenBatch
from evidesk.kits.watch_state import read_saved

_WORKERS_LOST = gettext_noop(
    "The worker stopped in the middle of this, several times. Nothing was taken. Please try again, "
    "perhaps with fewer rows at once."
)


@dataclass(frozen=True)
class Step:
    """What is to be done next with a watch: to begin it, or to take a batch.

    `taken` is how many batches the watch had when the step was claimed: only on that state does
    its result hold.
    """

    watch: Watch
    batch: Batch | None
    taken: int


def claim_step(watch_id: int) -> Step | None:
    """The next step, for this worker alone; None if there is none, or another worker is at it."""
    if not has_work(watch_id):
        return None
    free = Q(worked_on_at=None) | Q(worked_on_at__lt=Now() - SILENCE)
    if not Watch.objects.filter(free, pk=watch_id, stopped_at=None).update(worked_on_at=Now()):
        return None
    watch = Watch.objects.select_related("voucher", "reference", "begun_by").get(pk=watch_id)
    if not watch.is_begun:
        step = Step(watch, None, 0)
        Watch.objects.filter(pk=watch_id).update(tries=F("tries") + 1)
        tries = watch.tries
    else:
        batch = _waiting(watch_id).first()
        if batch is None:
            release(watch_id)
            return None
        step = Step(watch, batch, watch.taken)
        Batch.objects.filter(pk=batch.pk).update(tries=F("tries") + 1)
        tries = batch.tries
    if tries >= MOST_TRIES:
        refuse(step, _WORKERS_LOST)
        release(watch_id)
        return claim_step(watch_id)
    return step


def has_work(watch_id: int) -> bool:
    """Whether the watch is to begin, or a batch waits for it."""
    watch = Watch.objects.filter(pk=watch_id, stopped_at=None).only("is_begun").first()
    return watch is not None and (not watch.is_begun or _waiting(watch_id).exists())


def _waiting(watch_id: int) -> QuerySet[Batch]:
    return Batch.objects.filter(watch=watch_id, state=BatchState.WAITING).order_by("pk")


def note_life(step: Step) -> bool:
    """Sign of life of the worker at the step; false if the watch has stopped or gone on since."""
    return bool(_same(step).update(worked_on_at=Now()))


def _same(step: Step) -> QuerySet[Watch]:
    """The watch, if it is still as it was when the step was claimed."""
    return Watch.objects.filter(
        pk=step.watch.pk,
        stopped_at=None,
        is_begun=step.batch is not None,
        taken=step.taken,
    )


def release(watch_id: int) -> None:
    """Another worker may take the next step."""
    Watch.objects.filter(pk=watch_id).update(worked_on_at=None)


def keep(step: Step, evidence: Evidence) -> bool:
    """Keep what the kit has found; false if somebody else did the step, or the watch stopped."""
    [state] = evidence.files
    saved = read_saved(state.text)
    figure = next(iter(evidence.figures), None)
    columns = {"reference_left": saved.reference_left, "warnings": list(evidence.warnings)}
    last = saved.batches[-1] if step.batch is not None else None
    if last is not None:
        columns |= {
            "taken": step.taken + 1,
            "rows": last.first_row + last.rows - 1,
            "log_e": last.log_wealth,
            "p_value": last.p_value,
        }
        if last.alarm is not None:
            columns |= {"alarm": last.alarm, "alarm_at": timezone.now()}
    with database.atomic():
        if not _same(step).update(is_begun=True, changed_at=timezone.now(), **columns):
            return False
        if step.batch is not None and last is not None:
            taken = _take(step.batch, step.taken + 1, last)
            if not taken:  # refused since, for its reference was erased
                database.set_rollback(True)
                return False
        WatchState.objects.update_or_create(
            watch=step.watch,
            defaults={
                "state": gzip.compress(state.text.encode(), mtime=0),
                "figure": figure.svg if figure else "",
                "alt": figure.alt if figure else "",
            },
        )
        if last is not None and last.alarm is not None:
            _raise_alarm(step.watch, last.alarm)
    return True


def _take(batch: Batch, number: int, told: TakenBatch) -> bool:
    waiting = Batch.objects.filter(pk=batch.pk, state=BatchState.WAITING)
    drop_content(batch.sha256)
    return bool(
        waiting.update(
            state=BatchState.TAKEN,
            ended_at=timezone.now(),
            number=number,
            first_row=told.first_row,
            rows=told.rows,
            log_e=told.log_wealth,
            p_value=told.p_value,
            alarm=told.alarm,
        )
    )


def _raise_alarm(watch: Watch, row: int) -> None:
    """Tell the voucher's people, once: a watch has one first row beyond the line."""
    voucher = Voucher.objects.select_for_update().get(pk=watch.voucher_id)
    voucher_actions.record(
        voucher, EventKind.WATCH_ALARM, None, watch=watch.pk, name=watch.name, row=row
    )


def refuse(step: Step, fault: str) -> None:
    """The step cannot be done; the watch's state stays as it was."""
    now, told = timezone.now(), printable(fault)
    with database.atomic():
        if step.batch is None:
            _same(step).update(fault=told, stopped_at=now, changed_at=now)
            return
        waiting = Batch.objects.filter(pk=step.batch.pk, state=BatchState.WAITING)
        if waiting.update(state=BatchState.REFUSED, ended_at=now, fault=told):
            drop_content(step.batch.sha256)


def wake() -> int:
    """Give a job to each watch that has something to do, and nobody at it; returns how many."""
    from evidesk.desk.watches.jobs import work_on_watch

    idle = Q(worked_on_at=None) | Q(worked_on_at__lt=Now() - SILENCE)
    late = Q(is_begun=False, begun_at__lt=Now() - SILENCE) | Q(
        batches__state=BatchState.WAITING, batches__uploaded_at__lt=Now() - SILENCE
    )
    jobs = DBTaskResult.objects.filter(
        status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING]
    )
    found = Watch.objects.filter(idle & late, stopped_at=None).distinct()
    woken = 0
    for pk in list(found.order_by("pk").values_list("pk", flat=True)):
        if not jobs.filter(args_kwargs__kwargs__watch_id=pk).exists():
            work_on_watch.enqueue(watch_id=pk)
            woken += 1
    return woken
