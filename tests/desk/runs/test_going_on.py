"""Runs that were cut off: what they leave, who goes on from it, and when it goes."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.privacy.actions import erase_files
from evidesk.desk.runs import actions
from evidesk.desk.runs.apps import end_what_is_lost
from evidesk.desk.runs.jobs import execute_run
from evidesk.desk.runs.models import Run, RunState
from evidesk.desk.vouchers import actions as voucher_actions
from evidesk.desk.vouchers.models import Attachment, Voucher
from tests.desk.conftest import signed_in
from tests.desk.network import WHO, Network, a_run
from tests.desk.rest.program import Program

Start = Callable[[str], Run]
Work = Callable[[Run], Run]


@pytest.fixture
def start(network: Network, voucher: Voucher, file: Attachment, trial: Any) -> Start:
    """Starts runs of a kit that notes how far it is."""

    def started(do: str) -> Run:
        return actions.start_run(
            voucher, network.consultant, kit="patient", attachment=file, parameters={"do": do}
        )

    return started


@pytest.fixture
def root(media: Path, settings: Any) -> Path:
    return Path(settings.CHECKPOINT_ROOT)


@pytest.fixture
def work(db: Any, django_capture_on_commit_callbacks: Any) -> Work:
    """Lets the worker do a run."""

    def done(run: Run) -> Run:
        with django_capture_on_commit_callbacks(execute=True):
            execute_run.call(run_id=run.pk)
        return Run.objects.get(pk=run.pk)

    return done


def folders(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir()) if root.exists() else []


@pytest.fixture
def cut(start: Start, work: Work) -> Run:
    """A run whose process was killed in the middle."""
    run = work(start("be killed"))
    assert (run.state, run.can_go_on) == (RunState.FAILED, True)
    return run


def test_a_run_that_was_killed_is_gone_on_with(
    network: Network, voucher: Voucher, cut: Run, work: Work, root: Path
) -> None:
    consultant = signed_in(network.consultant)
    html = consultant.get(f"/runs/{cut.pk}/").content.decode()
    assert "Go on where it stopped" in html
    assert "Begin anew" in html
    assert "kept for 14 days" in html
    assert "Try again" not in html
    response = consultant.post(f"/runs/{cut.pk}/go-on/")
    following = Run.objects.latest("pk")
    assert response["Location"] == f"/runs/{following.pk}/"
    assert following.pk != cut.pk
    assert (following.state, following.parameters) == (RunState.QUEUED, {"do": "be killed"})
    cut.refresh_from_db()
    assert (cut.checkpoint, cut.can_go_on) == ("", False)
    assert folders(root) == [following.checkpoint]
    event = voucher.events.last()
    assert (event.kind, event.data) == ("run", {"run": following.pk, "kit": "patient"})
    following = work(following)
    assert (following.state, following.fault) == (RunState.SUCCEEDED, "")
    assert voucher.evidence.get().answer == "Half of them, in two goes."
    assert (following.checkpoint, folders(root)) == ("", [])


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_what_a_worker_leaves_that_was_stopped_is_kept(
    start: Start, root: Path, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    run, note = start("sleep"), actions.note_progress

    def stop(run_id: int, **columns: Any) -> bool:
        if columns["message"] == "Counting":
            raise end
        return note(run_id, **columns)

    monkeypatch.setattr(actions, "note_progress", stop)
    with pytest.raises(end):
        execute_run.call(run_id=run.pk)
    assert Run.objects.get(pk=run.pk).can_go_on
    assert len(folders(root)) == 1


def test_what_a_cancelled_run_leaves_is_kept(
    network: Network, start: Start, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, note = start("sleep"), actions.note_progress

    def cancel(run_id: int, **columns: Any) -> bool:
        if columns["message"] == "Counting":
            actions.cancel_run(Run.objects.get(pk=run_id), network.consultant)
        return note(run_id, **columns)

    monkeypatch.setattr(actions, "note_progress", cancel)
    run = work(run)
    assert (run.state, run.can_go_on) == (RunState.CANCELLED, True)
    html = signed_in(network.consultant).get(f"/runs/{run.pk}/").content.decode()
    assert "Go on where it stopped" in html


@pytest.mark.parametrize("do", ["end", "complain", "fail"])
def test_a_run_that_came_to_its_end_leaves_nothing(
    network: Network, start: Start, work: Work, root: Path, do: str
) -> None:
    run = work(start(do))
    assert not run.is_under_way
    assert (run.checkpoint, run.can_go_on, folders(root)) == ("", False, [])
    consultant = signed_in(network.consultant)
    assert "Go on where" not in consultant.get(f"/runs/{run.pk}/").content.decode()
    response = consultant.post(f"/runs/{run.pk}/go-on/", follow=True)
    assert "has left nothing to go on from" in response.content.decode()
    assert Run.objects.count() == 1


def test_a_run_that_was_lost_with_its_worker_is_gone_on_with(
    network: Network, start: Start
) -> None:
    run = start("end")
    actions.claim_run(run.pk)
    run.refresh_from_db()
    assert run.checkpoint_folder is not None
    run.checkpoint_folder.mkdir(parents=True)
    for name in ("run.json", "noted"):
        (run.checkpoint_folder / name).write_text("{}")
    assert not run.can_go_on, "while it runs"
    with pytest.raises(Refused, match="nothing to go on from"):
        actions.go_on(run, network.consultant)
    Run.objects.update(seen_alive_at=timezone.now() - actions.SILENCE - timedelta(seconds=1))
    actions.end_lost_runs()
    run.refresh_from_db()
    assert (run.state, run.can_go_on) == (RunState.FAILED, True)


def test_of_two_who_go_on_one_does(network: Network, cut: Run) -> None:
    seen = Run.objects.get(pk=cut.pk)
    actions.go_on(cut, network.consultant)
    with pytest.raises(Conflict, match="Another run goes on"):
        actions.go_on(seen, network.consultant)
    assert Run.objects.count() == 2


@pytest.mark.parametrize("who", WHO)
def test_only_the_consultant_goes_on_while_there_is_work(
    network: Network, voucher: Voucher, cut: Run, who: str
) -> None:
    if who != "consultant":
        with pytest.raises(Refused, match="Only the voucher's consultant"):
            actions.go_on(cut, network[who])
        return
    voucher_actions.withdraw(voucher, network.author)
    cut.refresh_from_db()
    with pytest.raises(Refused, match="only while the work is in progress"):
        actions.go_on(Run.objects.get(pk=cut.pk), network[who])
    assert Run.objects.count() == 1


def test_a_checkpoint_of_another_version_is_no_beginning(
    network: Network, cut: Run, work: Work, root: Path
) -> None:
    assert cut.checkpoint_folder is not None
    note = cut.checkpoint_folder / "run.json"
    note.write_text(note.read_text().replace('"evidesk": "', '"evidesk": "0.'))
    run = work(actions.go_on(cut, network.consultant))
    assert (run.state, "differs in versions (evidesk)" in run.fault) == (RunState.FAILED, True)
    assert str(root) not in run.fault, "where things lie is nobody's business"
    assert (run.can_go_on, folders(root)) == (False, [])


# When it goes


def test_a_checkpoint_goes_with_the_data_that_it_was_learnt_from(
    file: Attachment, cut: Run, root: Path, django_capture_on_commit_callbacks: Any
) -> None:
    assert len(folders(root)) == 1
    with django_capture_on_commit_callbacks(execute=True):
        erase_files([file])
    assert folders(root) == []
    assert not Run.objects.get(pk=cut.pk).can_go_on


def test_a_checkpoint_goes_with_the_work(
    network: Network, voucher: Voucher, cut: Run, root: Path
) -> None:
    end_what_is_lost()
    assert len(folders(root)) == 1
    voucher_actions.withdraw(voucher, network.author)
    end_what_is_lost()
    assert folders(root) == []


def test_a_checkpoint_goes_after_a_time(cut: Run, start: Start, root: Path) -> None:
    waiting = start("end")
    Run.objects.filter(pk=cut.pk).update(
        ended_at=timezone.now() - actions.CHECKPOINT_KEPT - timedelta(seconds=1)
    )
    (root / "that-nobody-names").mkdir()
    for _ in range(2):  # the second time there is nothing to remove
        end_what_is_lost()
        assert folders(root) == []
    waiting.refresh_from_db()
    assert waiting.checkpoint, "what may still be noted keeps its place"


def test_a_kit_that_notes_nothing_has_no_folder(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    run = a_run(voucher, network, file)
    assert (run.checkpoint, run.checkpoint_folder, run.can_go_on) == ("", None, False)


def test_a_program_goes_on_too(network: Network, cut: Run) -> None:
    consultant = Program(network, "consultant")
    assert consultant.get(f"runs/{cut.pk}/")["can_go_on"]
    following = consultant.post(f"runs/{cut.pk}/go-on/", {}, 201)
    assert (following["state"], following["can_go_on"]) == ("queued", False)
    assert not consultant.get(f"runs/{cut.pk}/")["can_go_on"]
    refused = consultant.post(f"runs/{cut.pk}/go-on/", {}, 403)
    assert "nothing to go on from" in refused["detail"]
