"""Workers give signs of life; the jobs and runs of one that was killed do not wait for ever."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command, get_commands
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from evidesk.desk.runs import actions as run_actions
from evidesk.desk.runs.apps import end_what_is_lost
from evidesk.desk.runs.models import Run, RunState
from evidesk.desk.vouchers.models import State
from evidesk.desk.workers import actions, heart, signals
from evidesk.desk.workers.models import Worker
from tests.desk.network import Network, a_network, a_run, an_attachment, voucher_in

LONG_AGO = timedelta(seconds=61)


def a_job(*workers: str, run: int = 0, status: str = TaskResultStatus.RUNNING) -> DBTaskResult:
    """A job that the workers, one after the other, have taken."""
    return DBTaskResult.objects.create(
        status=status,
        started_at=timezone.now(),
        args_kwargs={"args": [], "kwargs": {"run_id": run}},
        task_path="evidesk.desk.runs.jobs.execute_run",
        worker_ids=list(workers),
        backend_name="default",
        run_after=timezone.now(),
    )


def silence(name: str) -> None:
    Worker.objects.filter(name=name).update(seen_alive_at=Now() - LONG_AGO)


def test_a_worker_checks_in_again_and_again_and_out_once(db: None) -> None:
    actions.check_in("one")
    (worker,) = Worker.objects.all()
    silence("one")
    actions.check_in("one")
    seen = Worker.objects.get()
    assert (seen.pk, seen.pid, str(seen)) == (
        worker.pk,
        worker.pid,
        f"{seen.host}, process {seen.pid}",
    )
    assert timezone.now() - seen.seen_alive_at < timedelta(seconds=30)
    actions.check_out("one")
    assert not Worker.objects.exists()


def test_the_job_of_a_worker_that_lives_is_left_to_it(db: None) -> None:
    actions.check_in("one")
    job = a_job("one")
    assert actions.take_over_lost_jobs() == 0
    job.refresh_from_db()
    assert job.status == TaskResultStatus.RUNNING


@pytest.mark.parametrize("known", [True, False])
def test_the_job_of_a_dead_worker_goes_back_into_the_queue_once(db: None, known: bool) -> None:
    if known:
        actions.check_in("dead")
        silence("dead")
    job, done = a_job("dead"), a_job("dead", status=TaskResultStatus.SUCCESSFUL)
    assert actions.take_over_lost_jobs() == 1
    assert actions.take_over_lost_jobs() == 0
    job.refresh_from_db()
    done.refresh_from_db()
    assert (job.status, job.started_at) == (TaskResultStatus.READY, None)
    assert done.status == TaskResultStatus.SUCCESSFUL
    assert not Worker.objects.exists()


def test_a_job_that_kills_every_worker_is_given_up(db: None) -> None:
    job = a_job("first", "second", "third")
    assert actions.take_over_lost_jobs() == 1
    job.refresh_from_db()
    assert job.status == TaskResultStatus.FAILED
    assert job.finished_at is not None
    assert "3 workers died" in job.traceback
    assert job.exception_class_path == "evidesk.desk.workers.actions.WorkersLost"


def test_a_job_that_another_worker_took_over_first_is_left_alone(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = a_job("dead")
    job.worker_ids = ["dead", "other"]  # as somebody saw it before
    DBTaskResult.objects.filter(pk=job.pk).update(started_at=timezone.now() + LONG_AGO)
    assert actions._take_over(job) == 0


# Runs


@pytest.fixture
def run(network: Network, media: Any) -> Run:
    voucher = voucher_in(State.ACTIVE, network)
    return a_run(voucher, network, an_attachment(voucher, network))


def test_every_beat_ends_the_runs_of_dead_workers_and_tells_the_timeline(run: Run) -> None:
    assert run_actions.claim_run(run.pk)
    heart.beat_once("one")
    run.refresh_from_db()
    assert run.state == RunState.RUNNING
    Run.objects.update(seen_alive_at=Now() - LONG_AGO)
    heart.beat_once("one")
    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert "The worker stopped in the middle of this run" in run.fault
    event = run.voucher.events.last()
    assert (event.kind, event.data["run"]) == ("run-failed", run.pk)
    assert not run_actions.note_progress(run.pk, done=0.5)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (TaskResultStatus.READY, RunState.QUEUED),
        (TaskResultStatus.RUNNING, RunState.QUEUED),
        (TaskResultStatus.FAILED, RunState.FAILED),
        (None, RunState.FAILED),
    ],
)
def test_a_run_waits_only_while_there_is_a_job_for_it(
    run: Run, status: str | None, state: RunState
) -> None:
    a_job("one", run=run.pk + 1)
    if status is not None:
        a_job("one", run=run.pk, status=status)
    end_what_is_lost()
    run.refresh_from_db()
    assert run.state == RunState.QUEUED, "it is young"
    Run.objects.update(created_at=timezone.now() - LONG_AGO)
    end_what_is_lost()
    run.refresh_from_db()
    assert run.state == state
    assert ("could not begin" in run.fault) == (state == RunState.FAILED)


def test_a_run_that_is_cancelled_while_its_result_is_kept_leaves_nothing(
    file_database: None, media: Any, crate: Any
) -> None:
    """The worker's update waits for the row that the cancelling transaction holds."""
    network = a_network()
    voucher = voucher_in(State.ACTIVE, network)
    run = a_run(voucher, network, an_attachment(voucher, network))
    run_actions.claim_run(run.pk)
    kept: list[Any] = []
    may_commit = threading.Event()

    def keep() -> None:
        try:
            may_commit.set()
            kept.append(run_actions.keep_result(Run.objects.get(pk=run.pk), crate))
        finally:
            connection.close()

    from django.db import transaction

    worker = threading.Thread(target=keep)
    with transaction.atomic():
        run_actions.cancel_run(Run.objects.get(pk=run.pk), network.consultant)
        worker.start()
        may_commit.wait(10)
        worker.join(1.0)  # by now it waits for us
    worker.join(30)
    assert kept == [None]
    assert voucher.evidence.count() == 0


# The heart


def test_a_receiver_that_fails_is_logged_and_stops_no_other(
    db: None, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: Any) -> None:
        raise ZeroDivisionError

    signals.beat.connect(fail)
    try:
        heart.beat_once("one")
    finally:
        signals.beat.disconnect(fail)
    assert "failed" in caplog.text
    assert Worker.objects.exists()


def test_a_database_that_is_away_is_logged_and_asked_again(
    db: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []

    def fail(name: str) -> None:
        raise OSError("away")

    monkeypatch.setattr(
        heart, "connection", type("Gone", (), {"close": lambda: closed.append(True)})
    )
    with monkeypatch.context() as patch:
        patch.setattr(actions, "check_in", fail)
        heart.beat_once("one")
    assert "could not give its sign of life" in caplog.text
    assert closed == [True]
    heart.beat_once("one")
    assert Worker.objects.exists()


def test_the_worker_beats_while_it_works_and_checks_out_at_its_end(
    file_database: None, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}
    monkeypatch.setattr(heart, "BEAT", 0.05)
    beats: list[str] = []
    twice = threading.Event()

    def note(**_: Any) -> None:
        beats.append(Worker.objects.get().name)
        if len(beats) > 2:
            twice.set()

    signals.beat.connect(note)
    try:
        with heart.beating("one"):
            assert twice.wait(20)
        assert not Worker.objects.exists()
        call_command("db_worker", "--batch", "--no-startup-delay", worker_id="two", verbosity=0)
    finally:
        signals.beat.disconnect(note)
    assert set(beats) == {"one", "two"}
    assert not Worker.objects.exists()
    assert get_commands()["db_worker"] == "evidesk.desk.workers"
