"""Running kits, receiving evidence, and the report that rests on it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import chain
from math import isfinite
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction as database
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import Conflict, Refused, require
from evidesk.desk.runs import rules
from evidesk.desk.runs.models import (
    UNDER_WAY,
    Citation,
    Run,
    RunFile,
    RunState,
    StoredEvidence,
)
from evidesk.desk.runs.queries import names_of
from evidesk.desk.vouchers import actions as voucher_actions
from evidesk.desk.vouchers.models import Attachment, EventKind, State, Voucher
from evidesk.desk.vouchers.storage import keep
from evidesk.desk.workers.actions import SILENCE
from evidesk.evidence import Evidence, EvidenceError, printable
from evidesk.kits import KitError, load
from evidesk.kits.execution import parse

#: Rows of a table that a page shows; the crate holds them all.
ROWS_SHOWN = 40
#: So long after a run was cut off one can go on from it.
CHECKPOINT_KEPT = timedelta(days=14)


def start_run(
    voucher: Voucher,
    by: Person,
    *,
    kit: str,
    attachment: Attachment,
    parameters: dict[str, Any],
    files: Mapping[str, Sequence[Attachment]] | None = None,
) -> Run:
    """Queue a run of the kit on a file of the voucher; `files` are further ones, by parameter.

    Raises :class:`evidesk.kits.KitError` if the parameters are not the kit's.
    """
    require(rules.may_add_evidence(by, voucher))
    further = dict(files or {})
    if any(one.voucher_id != voucher.pk for one in (attachment, *chain(*further.values()))):
        raise Refused(_("That file belongs to another voucher."))
    chosen = load(kit)
    fields = chosen.parameters.file_fields()
    if not further.keys() <= set(fields[1:]) or parameters.keys() & set(fields):
        raise KitError(f"{kit}: its files are {', '.join(fields)}, and each is one of the voucher.")
    # Names stand in for the files, whose place only the worker decides.
    named = names_of(chosen, {fields[0]: [attachment], **further})
    checked = parse(chosen, {**parameters, **named})
    plain = checked.model_dump(mode="json", exclude=set(fields))
    run = Run(
        voucher=voucher,
        kit=kit,
        attachment=attachment,
        parameters=plain,
        started_by=by,
        checkpoint=uuid4().hex if chosen.resumes else "",
    )
    files_given = [(name, one) for name, given in further.items() for one in given]
    with database.atomic():
        _enqueue(run, files_given)
    return run


def go_on(run: Run, by: Person) -> Run:
    """Queue a run that goes on from where this one was cut off."""
    require(rules.may_go_on(by, run))
    files_given = [(one.parameter, one.attachment) for one in run.further_files.all()]
    following = Run(
        voucher=run.voucher,
        kit=run.kit,
        attachment=run.attachment,
        parameters=run.parameters,
        started_by=by,
        checkpoint=run.checkpoint,
    )
    with database.atomic():
        # A checkpoint is one run's at any time, so of two who go on one wins.
        if not Run.objects.filter(pk=run.pk, checkpoint=run.checkpoint).update(checkpoint=""):
            raise Conflict(_("Another run goes on from this one already."))
        _enqueue(following, files_given)
    return following


def _enqueue(run: Run, further: Iterable[tuple[str, Attachment]]) -> None:
    from evidesk.desk.runs.jobs import execute_run

    run.save()
    RunFile.objects.bulk_create(
        RunFile(run=run, parameter=name, attachment=one) for name, one in further
    )
    voucher_actions.record(run.voucher, EventKind.RUN, run.started_by, run=run.pk, kit=run.kit)
    execute_run.enqueue(run_id=run.pk)


def cancel_run(run: Run, by: Person) -> None:
    """Ask for a run to end. A waiting one ends at once, a running one within a second."""
    require(rules.may_cancel(by, run))
    waiting = Run.objects.filter(pk=run.pk, state=RunState.QUEUED)
    running = Run.objects.filter(pk=run.pk, state=RunState.RUNNING, cancel_requested=False)
    with database.atomic():
        if waiting.update(
            state=RunState.CANCELLED, ended_at=timezone.now(), cancel_requested=True
        ) or running.update(cancel_requested=True):
            _tell(run, EventKind.RUN_CANCELLED, by)


def _tell(run: Run, kind: EventKind, actor: Person) -> None:
    """Note on the timeline how a run ended, unless its voucher has ended before."""
    # Locked, so that it does not move between this look and the record.
    voucher = Voucher.objects.select_for_update().get(pk=run.voucher_id)
    if voucher.state == State.ACTIVE:
        voucher_actions.record(voucher, kind, actor, run=run.pk, kit=run.kit)


# What the worker tells of a run. Each is a conditional update: a run that is over stays over.


def claim_run(run_id: int) -> bool:
    """Take a waiting run; false if somebody cancelled it or another worker has it."""
    return bool(
        Run.objects.filter(pk=run_id, state=RunState.QUEUED).update(
            state=RunState.RUNNING,
            started_at=timezone.now(),
            seen_alive_at=Now(),
            message=gettext_noop("Starting"),
        )
    )


def note_progress(run_id: int, **columns: Any) -> bool:
    """Sign of life of a running run; true if it should go on."""
    return bool(_wanted(run_id).update(seen_alive_at=Now(), **columns))


def _wanted(run_id: int) -> QuerySet[Run]:
    """The run, if it is running and its evidence can still be added to the voucher."""
    return Run.objects.filter(
        pk=run_id,
        state=RunState.RUNNING,
        cancel_requested=False,
        # Not `voucher__state`: Django would put every condition into a subquery, and PostgreSQL
        # does not ask that again after it has waited for somebody who changed the run.
        voucher__in=Voucher.objects.filter(state=State.ACTIVE),
    )


def end_run(
    run_id: int, state: RunState, *, fault: str = "", details: str = "", cut_off: bool = True
) -> None:
    """The run is over without evidence; unless it was cut off, another try would end the same."""
    runs = Run.objects.filter(pk=run_id, state=RunState.RUNNING)
    with database.atomic():
        if _end(runs, state, fault, details) and not cut_off:
            forget_checkpoints(Run.objects.filter(pk=run_id))


def _end(runs: QuerySet[Run], state: RunState, fault: str = "", details: str = "") -> bool:
    """End the one run that the conditions find, if they do, and tell so if it has failed."""
    with database.atomic():
        run = runs.select_for_update(of=("self",)).select_related("started_by").first()
        if run is None:
            return False
        Run.objects.filter(pk=run.pk).update(
            state=state,
            ended_at=timezone.now(),
            # What a kit's libraries say in their last moment can hold anything.
            fault=printable(fault),
            details=printable(details),
            message="",
            seconds_left=None,
        )
        if state == RunState.FAILED:
            _tell(run, EventKind.RUN_FAILED, run.started_by)
        return True


def keep_result(run: Run, crate: Path) -> StoredEvidence | None:
    """The run is over and left evidence; None if it was cancelled at the last moment."""
    evidence = Evidence.read(crate)
    with database.atomic():
        ended = _wanted(run.pk).update(
            state=RunState.SUCCEEDED,
            ended_at=timezone.now(),
            done=1.0,
            message="",
            seconds_left=None,
        )
        if not ended:
            return None
        forget_checkpoints(Run.objects.filter(pk=run.pk))
        return _store(run.voucher, run.started_by, evidence, crate, run)


def end_lost_runs() -> int:
    """Runs whose worker has vanished are over; returns how many there were."""
    lost = Run.objects.filter(state=RunState.RUNNING, seen_alive_at__lt=Now() - SILENCE)
    fault = gettext_noop(
        "The worker stopped in the middle of this run. Nothing is lost: run it again."
    )
    return sum(_end(lost.filter(pk=pk), RunState.FAILED, fault) for pk in _keys(lost))


def end_forgotten_runs() -> int:
    """Runs that wait although no job for them is left are over; returns how many there were."""
    waiting = Run.objects.filter(state=RunState.QUEUED, created_at__lt=Now() - SILENCE)
    jobs = DBTaskResult.objects.filter(
        status__in=[TaskResultStatus.READY, TaskResultStatus.RUNNING]
    )
    fault = gettext_noop("The worker could not begin this run. Nothing is lost: run it again.")
    return sum(
        _end(waiting.filter(pk=pk), RunState.FAILED, fault)
        for pk in _keys(waiting)
        if not jobs.filter(args_kwargs__kwargs__run_id=pk).exists()
    )


# Checkpoints


def forget_checkpoints(runs: QuerySet[Run]) -> None:
    """Nobody goes on from these runs."""
    with database.atomic():
        if runs.exclude(checkpoint="").update(checkpoint=""):
            database.on_commit(remove_forgotten_checkpoints)


def forget_old_checkpoints() -> None:
    """Nobody goes on from runs that ended long ago, or whose voucher is not worked on any more."""
    over = Run.objects.exclude(state__in=UNDER_WAY)
    forget_checkpoints(
        over.filter(
            ~Q(voucher__in=Voucher.objects.filter(state=State.ACTIVE))
            | Q(ended_at__lt=timezone.now() - CHECKPOINT_KEPT)
        )
    )


def remove_forgotten_checkpoints() -> None:
    """Remove the folders of checkpoints that no run names."""
    root = Path(settings.CHECKPOINT_ROOT)
    # First the folders: the run that a folder is made for names it before.
    there = {path.name for path in root.iterdir()} if root.is_dir() else set()
    if there:
        named = Run.objects.exclude(checkpoint="").values_list("checkpoint", flat=True)
        for name in there - set(named):
            rmtree(root / name, ignore_errors=True)


def _keys(runs: QuerySet[Run]) -> list[int]:
    return list(runs.order_by("pk").values_list("pk", flat=True))


# Evidence


def receive_evidence(voucher: Voucher, by: Person, crate: Path) -> StoredEvidence:
    """Keep a crate that was made elsewhere, after every digest in it has been verified.

    Raises :class:`Refused` with the reason if the crate is not what it should be.
    """
    require(rules.may_add_evidence(by, voucher))
    try:
        evidence = Evidence.read(crate)
    except EvidenceError as fault:
        raise Refused(_("The crate is refused: %(fault)s.") % {"fault": fault}) from None
    with database.atomic():
        return _store(voucher, by, evidence, crate, None)


def _store(
    voucher: Voucher, by: Person, evidence: Evidence, crate: Path, run: Run | None
) -> StoredEvidence:
    assert evidence.provenance is not None  # `Evidence.read` accepts none without
    with crate.open("rb") as file:
        sha256, size = keep(iter(lambda: file.read(2**20), b""))
    stored, is_new = StoredEvidence.objects.get_or_create(
        voucher=voucher,
        sha256=sha256,
        defaults={
            "run": run,
            "added_by": by,
            "kit": evidence.provenance.kit,
            "question": evidence.question,
            "answer": evidence.answer,
            "shown": _shown(evidence),
            "size": size,
        },
    )
    if not is_new:
        raise Conflict(_("This voucher has exactly this evidence already."))
    voucher_actions.record(
        voucher, EventKind.EVIDENCE, by, evidence=stored.pk, answer=evidence.answer
    )
    return stored


def _shown(evidence: Evidence) -> dict[str, Any]:
    """What a voucher's page shows of the evidence."""
    return {
        "findings": [
            {"sentence": one.sentence, "estimate": str(one.estimate), "verdict": one.verdict.value}
            for one in evidence.findings
        ],
        "figures": [
            {"name": one.name, "title": one.title, "alt": one.alt} for one in evidence.figures
        ],
        "tables": [
            {
                "title": one.title,
                "columns": [
                    {"title": column.title or column.name, "kind": column.kind}
                    for column in one.columns
                ],
                "rows": [[_plain(cell) for cell in row] for row in one.rows[:ROWS_SHOWN]],
                "hidden": max(0, len(one.rows) - ROWS_SHOWN),
            }
            for one in evidence.tables
        ],
        "warnings": list(evidence.warnings),
    }


def _plain(cell: Any) -> Any:
    """The cell as JSON knows it, which has no infinity."""
    return str(cell) if isinstance(cell, float) and not isfinite(cell) else cell


def report(
    voucher: Voucher, by: Person, text: str, evidence: Iterable[StoredEvidence] = ()
) -> None:
    """The consultant hands in the report (Markdown), resting on chosen evidence."""
    chosen = list(evidence)
    if any(one.voucher_id != voucher.pk for one in chosen):
        raise Refused(_("A report can rest only on this voucher's own evidence."))
    with database.atomic():
        # While the row is locked no run can start, so none slips in after this look.
        Voucher.objects.select_for_update().get(pk=voucher.pk)
        if voucher.runs.filter(state__in=UNDER_WAY).exists():
            raise Refused(_("A run is still under way. Wait for it, or cancel it first."))
        voucher_actions.transition(
            voucher, "report", by, facts={"report": text}, changes={"report": text}
        )
        Citation.objects.bulk_create(Citation(evidence=one) for one in chosen)
