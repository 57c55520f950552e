"""Runs: who starts them on what, how the worker does them, and how they end."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from evidesk.desk.people.rules import Refused
from evidesk.desk.runs import actions
from evidesk.desk.runs.jobs import execute_run
from evidesk.desk.runs.models import Run, RunState
from evidesk.desk.vouchers import actions as voucher_actions
from evidesk.desk.vouchers.models import Attachment, State, Voucher
from evidesk.evidence import Evidence
from evidesk.kits import KitError
from tests.desk.conftest import signed_in
from tests.desk.network import (
    TABLE,
    WHO,
    Network,
    a_run,
    an_attachment,
    upload,
    voucher_in,
)


def work(run: Run) -> Run:
    """Let the worker do the run."""
    execute_run.call(run_id=run.pk)
    return Run.objects.get(pk=run.pk)


def stored(voucher: Voucher) -> int:
    return voucher.evidence.count()


# Starting


@pytest.mark.parametrize("who", WHO)
def test_only_the_vouchers_consultant_starts_runs(
    network: Network, voucher: Voucher, file: Attachment, who: str
) -> None:
    def start() -> Run:
        return actions.start_run(
            voucher,
            network[who],
            kit="accuracy",
            attachment=file,
            parameters={"truth": "truth", "prediction": ["model"]},
        )

    if who == "consultant":
        run = start()
        assert run.state == RunState.QUEUED
        assert run.parameters == {
            "truth": "truth", "prediction": ["model"], "fold": None, "group": None, "level": 0.95,
            "method": "wilson",
        }  # fmt: skip
        event = voucher.events.last()
        assert (event.kind, event.data) == ("run", {"run": run.pk, "kit": "accuracy"})
    else:
        with pytest.raises(Refused, match="Only the voucher's consultant"):
            start()
        assert not Run.objects.exists()


@pytest.mark.parametrize("state", [State.REPORTED, State.CLOSED])
def test_runs_start_only_while_the_work_is_in_progress(network: Network, state: State) -> None:
    voucher = voucher_in(state, network)
    with pytest.raises(Refused, match="only while the work is in progress"):
        actions.start_run(
            voucher, network.consultant, kit="accuracy", attachment=Attachment(), parameters={}
        )


def test_a_run_is_on_a_file_of_its_voucher_with_parameters_of_its_kit(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    other = an_attachment(voucher_in(State.ACTIVE, network), network)
    with pytest.raises(Refused, match="belongs to another voucher"):
        a_run(voucher, network, other)
    with pytest.raises(KitError, match="level: Write a number between 0 and 1"):
        a_run(voucher, network, file, level=2)
    with pytest.raises(KitError, match="There is no kit 'none'"):
        actions.start_run(voucher, network.consultant, kit="none", attachment=file, parameters={})
    assert not Run.objects.exists()


def test_a_kit_reads_several_files_of_its_voucher(
    network: Network, voucher: Voucher, file: Attachment, trial: Callable[[str], Run]
) -> None:
    other = upload(b"a\n1\n2\n", "other.csv")
    second = voucher_actions.attach(voucher, network.author, other)

    def start(**more: Any) -> Run:
        options = {"kit": "pair", "attachment": file, "parameters": {}, **more}
        return actions.start_run(voucher, network.consultant, **options)

    run = start(files={"second": [second]})
    assert run.parameters == {}
    [further] = run.further_files.all()
    assert str(further).startswith("second: other.csv")
    run = work(run)
    assert (run.state, run.fault) == (RunState.SUCCEEDED, "")
    evidence = voucher.evidence.get()
    assert evidence.answer == "9 and 3 lines."
    provenance = Evidence.read(evidence.path).provenance
    assert [one.name for one in provenance.inputs] == ["table.csv", "other.csv"]
    assert b"other.csv" in signed_in(network.author).get(f"/runs/{run.pk}/").content

    foreign = an_attachment(voucher_in(State.ACTIVE, network), network)
    with pytest.raises(Refused, match="belongs to another voucher"):
        start(files={"second": [foreign]})
    with pytest.raises(KitError, match="its files are first, second, third"):
        start(files={"second": [second], "more": [second]})
    # A path on the desk's machine is no file of the voucher.
    with pytest.raises(KitError, match="each is one of the voucher"):
        start(parameters={"second": "/etc/passwd"})
    with pytest.raises(KitError, match="second: Field required"):
        start()
    assert Run.objects.count() == 1


# The worker


def test_a_run_leaves_evidence_that_names_its_file_and_its_person(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    run = work(a_run(voucher, network, file))
    assert (run.state, run.percent, run.fault) == (RunState.SUCCEEDED, 100, "")
    assert run.seconds > 0
    evidence = voucher.evidence.get()
    assert evidence.run == run
    assert "right in 6 of 8 cases" in evidence.answer
    provenance = Evidence.read(evidence.path).provenance
    assert [(one.name, one.sha256) for one in provenance.inputs] == [("table.csv", file.sha256)]
    assert provenance.parameters["table"] == "table.csv"
    assert provenance.agent == network.consultant.name
    event = voucher.events.last()
    assert (event.kind, event.actor) == ("evidence", network.consultant)
    assert event.data == {"evidence": evidence.pk, "answer": evidence.answer}
    assert str(run) == f"accuracy for {voucher.reference}"


def test_a_file_with_any_name_can_be_run_on(network: Network, voucher: Voucher) -> None:
    name = "../'; DROP TABLE * [größe]* 测试" + "测" * 300 + ".csv"
    file = voucher_actions.attach(voucher, network.author, upload(TABLE, name))
    run = work(a_run(voucher, network, file))
    assert run.fault == ""
    provenance = Evidence.read(voucher.evidence.get().path).provenance
    assert provenance.inputs[0].name == file.name


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        (b"a,b\n1,2\n", "table.csv has no column 'truth'"),
        (b"truth,model\n", "no"),
        (b"truth,model\na\n", "table.csv"),
        (b"\xff\xfe\xff", "table.csv"),
    ],
)
def test_a_run_on_data_that_do_not_fit_says_what_is_wrong(
    network: Network, voucher: Voucher, table: bytes, fault: str
) -> None:
    run = work(a_run(voucher, network, an_attachment(voucher, network, table)))
    assert run.state == RunState.FAILED
    assert fault in run.fault
    assert "Traceback" not in run.fault
    assert stored(voucher) == 0
    html = signed_in(network.consultant).get(f"/runs/{run.pk}/").content.decode()
    assert "It did not work" in html
    assert "Try again" in html


def test_a_fault_of_the_kits_is_shown_with_details(
    network: Network, voucher: Voucher, trial: Any
) -> None:
    run = work(trial("fail"))
    assert run.state == RunState.FAILED
    assert "fault of evidesk's" in run.fault
    assert "ZeroDivisionError" in run.details


def test_a_waiting_run_is_cancelled_at_once_and_never_done(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    run = a_run(voucher, network, file)
    actions.cancel_run(run, network.consultant)
    run.refresh_from_db()
    assert (run.state, run.started_at, run.seconds) == (RunState.CANCELLED, None, None)
    assert work(run).state == RunState.CANCELLED
    assert stored(voucher) == 0


def test_two_workers_do_a_run_once(network: Network, voucher: Voucher, file: Attachment) -> None:
    run = a_run(voucher, network, file)
    assert actions.claim_run(run.pk)
    assert not actions.claim_run(run.pk)
    assert work(run).state == RunState.RUNNING, "the second leaves it to the first"


def during_the_run(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Do something when the worker first tells how the run goes."""
    note, done = actions.note_progress, []

    def noting(run_id: int, **columns: Any) -> bool:
        if not done:
            done.append(True)
            act()
        return note(run_id, **columns)

    monkeypatch.setattr(actions, "note_progress", noting)


def test_a_running_run_is_cancelled(
    network: Network, voucher: Voucher, trial: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trial("sleep")
    consultant = signed_in(network.consultant)
    during_the_run(monkeypatch, lambda: consultant.post(f"/runs/{run.pk}/cancel/"))
    run = work(run)
    assert (run.state, run.cancel_requested, run.fault) == (RunState.CANCELLED, True, "")
    assert run.ended_at is not None
    assert stored(voucher) == 0
    assert "Run it again" in consultant.get(f"/runs/{run.pk}/").content.decode()


def test_a_run_ends_with_the_work_that_it_was_for(
    network: Network, voucher: Voucher, trial: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trial("sleep")
    seen = Voucher.objects.get(pk=voucher.pk)
    during_the_run(monkeypatch, lambda: voucher_actions.withdraw(seen, network.author))
    assert work(run).state == RunState.CANCELLED
    assert stored(voucher) == 0


def test_a_run_that_is_cancelled_at_the_last_moment_leaves_nothing(
    network: Network, voucher: Voucher, file: Attachment, crate: Path
) -> None:
    run = a_run(voucher, network, file)
    actions.claim_run(run.pk)
    actions.cancel_run(Run.objects.get(pk=run.pk), network.consultant)
    assert actions.keep_result(run, crate) is None
    assert stored(voucher) == 0


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, MemoryError])
def test_a_run_whose_worker_is_stopped_has_failed(
    network: Network, voucher: Voucher, trial: Any, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    def stop() -> None:
        raise end

    run = trial("sleep")
    during_the_run(monkeypatch, stop)
    with pytest.raises(end):
        execute_run.call(run_id=run.pk)
    run.refresh_from_db()
    assert run.state == RunState.FAILED
    stopped = "The worker was stopped" in run.fault
    assert stopped == (end is not MemoryError)
    assert stopped != ("fault of evidesk's" in run.fault)


def test_a_run_whose_kit_is_not_installed_any_more_has_failed(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    run = a_run(voucher, network, file)
    Run.objects.update(kit="gone")
    run = work(run)
    assert (run.state, "There is no kit 'gone'" in run.fault) == (RunState.FAILED, True)


def test_a_run_whose_file_is_lost_has_failed(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    run = a_run(voucher, network, file)
    file.path.unlink()
    run = work(run)
    assert (run.state, "table.csv" in run.fault) == (RunState.FAILED, True)


def test_limits_of_the_settings_hold(
    network: Network, voucher: Voucher, trial: Any, settings: Any
) -> None:
    settings.RUN_SECONDS = 1.2
    run = work(trial("sleep"))
    assert run.state == RunState.FAILED
    assert "took longer than 0.02 minutes" in run.fault
    settings.RUN_SECONDS = 60
    settings.RUN_MEMORY_BYTES = 512 * 2**20
    run = work(trial("eat"))
    assert run.state == RunState.FAILED
    assert "needed more memory than its limit of 512 MB" in run.fault


def test_a_run_whose_worker_is_silent_is_lost(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    run, waiting = a_run(voucher, network, file), a_run(voucher, network, file)
    actions.claim_run(run.pk)
    assert actions.end_lost_runs() == 0
    Run.objects.filter(pk=run.pk).update(
        seen_alive_at=timezone.now() - actions.SILENCE - timedelta(seconds=1)
    )
    html = signed_in(network.consultant).get(f"/runs/{run.pk}/").content.decode()
    assert "The worker stopped in the middle of this run" in html
    run.refresh_from_db()
    waiting.refresh_from_db()
    assert (run.state, waiting.state) == (RunState.FAILED, RunState.QUEUED)
    assert not actions.note_progress(run.pk, done=0.5), "it does not come back to life"
    actions.end_run(run.pk, RunState.CANCELLED)
    run.refresh_from_db()
    assert run.state == RunState.FAILED


# Cancelling, and what the database refuses


def test_only_the_consultant_cancels_and_only_what_is_under_way(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    run = a_run(voucher, network, file)
    with pytest.raises(Refused, match="Only the voucher's consultant can cancel"):
        actions.cancel_run(run, network.author)
    response = signed_in(network.author).post(f"/runs/{run.pk}/cancel/", follow=True)
    assert "Only the voucher&#x27;s consultant can cancel" in response.content.decode()
    actions.cancel_run(run, network.consultant)
    run.refresh_from_db()
    with pytest.raises(Refused, match="This run is over"):
        actions.cancel_run(run, network.consultant)


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("run_state_is_known", {"state": "lost", "ended_at": timezone.now()}),
        ("run_ended_has_date", {"state": "cancelled"}),
        ("run_ended_has_date", {"ended_at": timezone.now()}),
        ("run_failed_has_fault", {"state": "failed", "ended_at": timezone.now()}),
        ("run_failed_has_fault", {"fault": "Oh"}),
    ],
)
def test_the_database_refuses_runs_without_their_facts(
    network: Network, voucher: Voucher, file: Attachment, constraint: str, columns: dict[str, Any]
) -> None:
    a_run(voucher, network, file)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Run.objects.update(**columns)


def test_the_timeline_tells_of_runs_that_were_cancelled_or_failed(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    cancelled = a_run(voucher, network, file)
    actions.cancel_run(cancelled, network.consultant)
    failed = a_run(voucher, network, file)
    actions.claim_run(failed.pk)
    actions.end_run(failed.pk, RunState.FAILED, fault="No such column.")
    actions.end_run(failed.pk, RunState.FAILED, fault="Told twice.")
    assert [
        (event.kind, event.data["run"]) for event in voucher.events.filter(kind__startswith="run-")
    ] == [("run-cancelled", cancelled.pk), ("run-failed", failed.pk)]
    html = signed_in(network.author).get(f"/vouchers/{voucher.reference}/").content.decode()
    assert "cancelled a run of the kit" in html


def test_a_running_run_is_asked_to_end_once(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    run = a_run(voucher, network, file)
    actions.claim_run(run.pk)
    for _ in range(2):
        actions.cancel_run(Run.objects.get(pk=run.pk), network.consultant)
    assert voucher.events.filter(kind="run-cancelled").count() == 1


def test_a_run_that_ends_after_its_voucher_leaves_the_timeline_alone(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    run = a_run(voucher, network, file)
    actions.claim_run(run.pk)
    voucher_actions.withdraw(voucher, network.author)
    count = voucher.events.count()
    actions.end_run(run.pk, RunState.FAILED, fault="The worker was stopped.")
    assert voucher.events.count() == count
