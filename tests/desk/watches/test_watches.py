"""Watches: who begins them, how the worker takes batches once, alarms, and what is refused."""

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from evidesk.desk.notices.models import Mail, Notice
from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.privacy import actions as privacy
from evidesk.desk.privacy import retention
from evidesk.desk.vouchers.models import Attachment, State, Voucher
from evidesk.desk.watches import actions, jobs, steps
from evidesk.desk.watches.models import Batch, BatchState, Watch, WatchState
from evidesk.desk.workers.actions import SILENCE
from evidesk.desk.workers.signals import beat
from evidesk.kits import KitError
from evidesk.kits.watch import kit
from tests.desk.network import WHO, Network, an_attachment, upload, voucher_in
from tests.desk.watches.conftest import closed, give, rows, work


def kept_state(watch: Watch) -> Any:
    return json.loads(gzip.decompress(WatchState.objects.get(watch=watch).state))


# Beginning


@pytest.mark.parametrize("who", WHO)
def test_only_the_scientist_and_the_consultant_begin_watches(
    network: Network, voucher: Voucher, reference: Attachment, who: str
) -> None:
    def begin() -> Watch:
        return actions.begin_watch(
            voucher, network[who], name="Leaks", reference=reference, parameters={"level": 0.9}
        )

    if who in ("author", "consultant"):
        watch = begin()
        assert (watch.state, watch.level, str(watch)) == (
            "starting", 0.9, f"Leaks ({voucher.reference})"
        )  # fmt: skip
        event = voucher.events.last()
        assert (event.kind, event.data) == ("watch", {"watch": watch.pk, "name": "Leaks"})
    else:
        with pytest.raises(Refused, match="Only the voucher's scientist and its consultant"):
            begin()
        assert not Watch.objects.exists()


@pytest.mark.parametrize("state", [State.REPORTED, State.CLOSED])
def test_a_watch_is_begun_also_when_the_work_is_over(
    network: Network, voucher: Voucher, begin: Callable[..., Watch], state: State
) -> None:
    closed(voucher, network)
    watch = work(begin())
    give(watch, network.consultant, rows(30, seed=1))
    assert work(watch).rows == 30


def test_no_watch_before_somebody_works_on_the_voucher(network: Network, media: Any) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    file = an_attachment(voucher, network)
    with pytest.raises(Refused, match="once a consultant works"):
        actions.begin_watch(voucher, network.author, name="x", reference=file, parameters={})


def test_a_watch_compares_with_a_file_of_its_voucher_by_the_kits_parameters(
    network: Network, voucher: Voucher, begin: Callable[..., Watch]
) -> None:
    foreign = an_attachment(voucher_in(State.ACTIVE, network), network)
    with pytest.raises(Refused, match="belongs to another voucher"):
        actions.begin_watch(voucher, network.author, name="x", reference=foreign, parameters={})
    with pytest.raises(KitError, match="level: Write a number between 0 and 1"):
        begin(level=2)
    # A path on the desk's machine is no parameter.
    watch = begin(state="/etc/passwd", current=["/etc/passwd"])
    assert not {"state", "current", "reference"} & watch.parameters.keys()
    assert Watch.objects.count() == 1


def test_the_worker_begins_a_watch(watch: Watch) -> None:
    assert (watch.state, watch.taken, watch.rows, watch.reference_left) == ("watching", 0, 0, 320)
    assert watch.worked_on_at is None
    assert WatchState.objects.get(watch=watch).figure == ""


def test_a_reference_that_cannot_be_watched_says_why(network: Network, voucher: Voucher) -> None:
    file = an_attachment(voucher, network, rows(19))
    begun = actions.begin_watch(voucher, network.author, name="x", reference=file, parameters={})
    watch = work(begun)
    assert (watch.state, watch.fault) == (
        "failed", "The reference needs 20 rows or more, got 19."
    )  # fmt: skip
    with pytest.raises(Refused, match="could not begin"):
        give(watch, network.author, rows(3))
    with pytest.raises(Refused, match="could not begin"):
        actions.resume_watch(watch, network.author)
    assert steps.claim_step(watch.pk) is None


# Batches


@pytest.mark.isolated
def test_the_worker_takes_and_refuses_batches_in_a_process_of_its_own(
    network: Network, watch: Watch
) -> None:
    give(watch, network.author, b"a,c\n1,2\n", "bad.csv")
    give(watch, network.author, rows(30, seed=1))
    watch = work(watch)
    assert [(one.state, one.fault[:8]) for one in watch.batches.all()] == [
        ("refused", "bad.csv "), ("taken", "")
    ]  # fmt: skip


def test_batches_are_taken_in_their_order_as_the_kit_takes_them(
    network: Network, watch: Watch, tmp_path: Any
) -> None:
    contents = [rows(40 + i, seed=i) for i in range(3)]
    for i, content in enumerate(contents):
        give(watch, network.author, content, f"day{i}.csv")
    watch = work(watch)
    assert [(one.number, one.name, one.first_row, one.rows) for one in watch.batches.all()] == [
        (1, "day0.csv", 1, 40), (2, "day1.csv", 41, 41), (3, "day2.csv", 82, 42)
    ]  # fmt: skip
    assert (watch.taken, watch.rows) == (3, 123)
    assert watch.batches.last().last_row == 123
    # One by one in the desk, and in one go by the kit: the very same state.
    paths = []
    for i, content in enumerate([watch.reference.path.read_bytes(), *contents]):
        paths.append(tmp_path / (f"day{i - 1}.csv" if i else "train.csv"))
        paths[-1].write_bytes(content)
    whole = kit.run(kit.parameters(reference=paths[0], current=paths[1:]), lambda *_: None)
    assert json.loads(whole.files[0].text) == kept_state(watch)
    assert WatchState.objects.get(watch=watch).figure == whole.figures[0].svg
    assert watch.log10_e == pytest.approx(watch.batches.last().log10_e)


def test_a_batchs_file_is_gone_when_it_is_taken(network: Network, watch: Watch) -> None:
    batch = give(watch, network.author, rows(30, seed=1))
    assert batch.path.is_file()
    with captured():
        work(watch)
    assert not batch.path.is_file()
    # The same content is also a file of the voucher: that stays.
    kept = give(watch, network.author, watch.reference.path.read_bytes())
    with captured():
        work(watch)
    assert kept.path.is_file()


def captured() -> Any:
    from django.test import TestCase

    return TestCase.captureOnCommitCallbacks(execute=True)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a,c\n1,2\n", "monday.csv has no column 'b'"),
        (
            b"a,b\nlow,2\n",
            "Column a of monday.csv holds text, and in the reference it holds",
        ),
        (b"a,b\n", "monday.csv has no rows"),
        (b"\xff\xfe\xff", "monday.csv"),
        (b"a,b\ninf,1\n", "infinite"),
    ],
)
def test_a_bad_batch_is_refused_and_changes_nothing(
    network: Network, watch: Watch, content: bytes, fault: str
) -> None:
    give(watch, network.author, rows(30, seed=1), "good.csv")
    watch = work(watch)
    before, where = kept_state(watch), (watch.log_e, watch.rows, watch.taken)
    give(watch, network.author, content)
    watch = work(watch)
    batch = watch.batches.last()
    assert (batch.state, batch.number, fault in batch.fault) == (BatchState.REFUSED, None, True)
    assert "Traceback" not in batch.fault
    assert kept_state(watch) == before
    assert (watch.log_e, watch.rows, watch.taken) == where
    # A mended one, or even the same content, can be given then.
    give(watch, network.author, rows(20, seed=2), "mended.csv")
    give(watch, network.author, content)
    assert work(watch).taken == 2


def test_an_empty_or_too_large_file_is_no_batch(
    network: Network, watch: Watch, settings: Any
) -> None:
    with pytest.raises(Refused, match="The file is empty"):
        give(watch, network.author, b"")
    settings.MAX_UPLOAD_BYTES = 10
    with pytest.raises(Refused, match="larger than"):
        give(watch, network.author, rows(3))
    assert not Batch.objects.exists()


def test_the_same_batch_is_not_taken_twice(network: Network, watch: Watch) -> None:
    give(watch, network.author, rows(30, seed=1))
    with pytest.raises(Conflict, match="exactly this batch already"):
        give(watch, network.consultant, rows(30, seed=1), "tuesday.csv")
    watch = work(watch)
    with pytest.raises(Conflict, match="exactly this batch already"):
        give(watch, network.author, rows(30, seed=1))
    assert watch.taken == 1


def test_not_too_many_wait(network: Network, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST_WAITING", 1)
    give(watch, network.author, rows(30, seed=1))
    with pytest.raises(Refused, match="1 batches wait already"):
        give(watch, network.author, rows(30, seed=2))


@pytest.mark.parametrize("who", WHO)
def test_only_they_give_batches_stop_and_go_on(network: Network, watch: Watch, who: str) -> None:
    may = who in ("author", "consultant")
    for act in (
        lambda: give(watch, network[who], rows(20, seed=1)),
        lambda: actions.stop_watch(Watch.objects.get(pk=watch.pk), network[who]),
        lambda: actions.resume_watch(Watch.objects.get(pk=watch.pk), network[who]),
    ):
        if may:
            act()
        else:
            with pytest.raises(Refused, match=r"Only the voucher's scientist|is not stopped"):
                act()


# The alarm


def test_an_alarm_tells_the_vouchers_people_once(
    network: Network, voucher: Voucher, watch: Watch
) -> None:
    closed(voucher, network)
    give(watch, network.author, rows(60, seed=1), "usual.csv")
    give(watch, network.author, rows(80, 1.2, seed=2), "shifted.csv")
    Notice.objects.all().delete()
    Mail.objects.all().delete()
    watch = work(watch)
    assert watch.state == "alarm"
    batch = watch.batches.get(alarm=watch.alarm)
    assert (batch.name, 60 < watch.alarm <= 140) == ("shifted.csv", True)
    [event] = voucher.events.filter(kind="watch-alarm")
    assert event.actor is None
    assert event.data == {"watch": watch.pk, "name": "The leak detector", "row": watch.alarm}
    told = Notice.objects.filter(kind="watch-alarm")
    assert {one.person for one in told} == {network.author, network.consultant}
    assert {mail.person for mail in Mail.objects.all()} == {network.author, network.consultant}
    # Further shifted batches tell nobody again.
    give(watch, network.author, rows(50, 1.2, seed=3), "more.csv")
    watch = work(watch)
    assert (watch.taken, watch.state) == (3, "alarm")
    assert voucher.events.filter(kind="watch-alarm").count() == 1
    assert told.count() == 2


# Stopping


def test_a_stopped_watch_takes_nothing_and_goes_on_where_it_was(
    network: Network, voucher: Voucher, watch: Watch
) -> None:
    give(watch, network.author, rows(30, seed=1), "first.csv")
    actions.stop_watch(watch, network.consultant)
    watch = work(watch)
    assert (watch.state, watch.taken) == ("stopped", 0)
    with pytest.raises(Refused, match="This watch is stopped"):
        give(watch, network.author, rows(30, seed=2))
    with pytest.raises(Refused, match="stopped already"):
        actions.stop_watch(watch, network.author)
    actions.resume_watch(watch, network.author)
    watch = work(watch)
    assert (watch.state, watch.taken) == ("watching", 1)
    with pytest.raises(Refused, match="is not stopped"):
        actions.resume_watch(watch, network.author)
    assert [e.kind for e in voucher.events.filter(kind__startswith="watch-")] == [
        "watch-stopped", "watch-resumed"
    ]  # fmt: skip


def test_whoever_is_late_lets_it_go_on_once(network: Network, watch: Watch) -> None:
    actions.stop_watch(watch, network.author)
    seen = [Watch.objects.get(pk=watch.pk) for _ in range(2)]
    for one in seen:
        actions.resume_watch(one, network.author)
    assert watch.voucher.events.filter(kind="watch-resumed").count() == 1


def test_a_watch_stopped_in_the_meantime_takes_no_batch(network: Network, watch: Watch) -> None:
    seen = Watch.objects.get(pk=watch.pk)
    actions.stop_watch(watch, network.author)
    with pytest.raises(Conflict, match="stopped in the meantime"):
        actions.add_batch(seen, network.author, upload(rows(30, seed=1)))
    # Whoever is late with stopping or going on does it once.
    actions.stop_watch(seen, network.author)
    assert watch.voucher.events.filter(kind="watch-stopped").count() == 1


def test_a_batch_whose_watch_stops_while_it_is_worked_on_waits(
    network: Network, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(watch, network.author, rows(30, seed=1))
    note = steps.note_life

    def stopping(step: steps.Step) -> bool:
        actions.stop_watch(Watch.objects.get(pk=watch.pk), network.author)
        return note(step)

    monkeypatch.setattr(steps, "note_life", stopping)
    watch = work(watch)
    assert (watch.taken, watch.batches.get().state) == (0, BatchState.WAITING)
    monkeypatch.undo()
    actions.resume_watch(watch, network.author)
    assert work(watch).taken == 1


# Two workers, and killed ones


def evidence_of(step: steps.Step, folder: Any) -> Any:
    folder.mkdir()
    return jobs._evidence(step, folder)


def test_two_workers_take_a_batch_once(network: Network, watch: Watch, tmp_path: Any) -> None:
    give(watch, network.author, rows(30, seed=1))
    step = steps.claim_step(watch.pk)
    assert steps.claim_step(watch.pk) is None, "the second leaves it to the first"
    # Even if both have done the work, one of them keeps it.
    first, second = (evidence_of(step, tmp_path / name) for name in "ab")
    assert steps.keep(step, first)
    assert not steps.keep(step, second)
    watch.refresh_from_db()
    assert (watch.taken, watch.rows) == (1, 30)
    assert len(kept_state(watch)["batches"]) == 1
    assert not steps.note_life(step)


def test_a_watch_begins_once(begin: Callable[..., Watch], tmp_path: Any) -> None:
    watch = begin()
    step = steps.claim_step(watch.pk)
    first, second = (evidence_of(step, tmp_path / name) for name in "ab")
    assert (steps.keep(step, first), steps.keep(step, second)) == (True, False)


def test_what_a_killed_worker_left_is_taken_by_another(network: Network, watch: Watch) -> None:
    give(watch, network.author, rows(30, seed=1))
    assert steps.claim_step(watch.pk)
    assert work(watch).taken == 0, "it may still live"
    Watch.objects.update(worked_on_at=timezone.now() - SILENCE - timedelta(seconds=1))
    watch = work(watch)
    assert (watch.taken, watch.batches.get().tries) == (1, 2)


def test_a_worker_that_is_told_to_stop_leaves_the_batch(
    network: Network, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(watch, network.author, rows(30, seed=1))

    def end(_step: Any) -> bool:
        raise SystemExit

    monkeypatch.setattr(steps, "note_life", end)
    with pytest.raises(SystemExit):
        jobs.work_on_watch.call(watch_id=watch.pk)
    monkeypatch.undo()
    watch.refresh_from_db()
    assert (watch.worked_on_at, watch.batches.get().state) == (None, BatchState.WAITING)
    assert work(watch).taken == 1


def test_a_batch_that_takes_its_workers_with_it_is_refused(network: Network, watch: Watch) -> None:
    give(watch, network.author, rows(30, seed=1))
    give(watch, network.author, rows(30, seed=2), "next.csv")
    Batch.objects.filter(name="monday.csv").update(tries=3)
    watch = work(watch)
    assert watch.taken == 1
    assert "The worker stopped in the middle of this" in watch.batches.first().fault


def test_a_watch_that_takes_its_workers_with_it_has_failed(begin: Callable[..., Watch]) -> None:
    watch = begin()
    Watch.objects.update(tries=3)
    assert work(watch).state == "failed"


def test_a_fault_of_the_desks_is_told_as_one(
    network: Network, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(watch, network.author, rows(30, seed=1))
    WatchState.objects.update(state=b"no gzip")
    with pytest.raises(gzip.BadGzipFile):
        jobs.work_on_watch.call(watch_id=watch.pk)
    assert "fault of evidesk's" in watch.batches.get().fault


def test_work_that_is_gone_since_the_first_look_is_left(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "has_work", lambda _: True)
    assert steps.claim_step(watch.pk) is None
    watch.refresh_from_db()
    assert watch.worked_on_at is None, "another worker may take the next step"


def test_a_batch_is_refused_once(network: Network, watch: Watch) -> None:
    give(watch, network.author, rows(30, seed=1))
    step = steps.claim_step(watch.pk)
    for fault in ("First.", "Second."):
        steps.refuse(step, fault)
    assert watch.batches.get().fault == "First."


def test_what_sleeps_is_woken(
    network: Network, watch: Watch, begin: Callable[..., Watch], settings: Any
) -> None:
    give(watch, network.author, rows(30, seed=1))
    new = begin()
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}
    beat.send(None)
    assert not DBTaskResult.objects.exists(), "they have only just come"
    long_ago = timezone.now() - SILENCE - timedelta(seconds=1)
    Batch.objects.update(uploaded_at=long_ago)
    Watch.objects.update(begun_at=long_ago)
    for _ in range(2):  # the second finds that they have a job
        beat.send(None)
        jobs_for = [one.args_kwargs["kwargs"]["watch_id"] for one in DBTaskResult.objects.all()]
        assert sorted(jobs_for) == [watch.pk, new.pk]


# Erasing


def test_an_erased_reference_takes_the_state_with_it(
    network: Network, watch: Watch, reference: Attachment
) -> None:
    give(watch, network.author, rows(30, seed=1))
    watch = work(watch)
    batch = give(watch, network.author, rows(30, seed=2))
    step = steps.claim_step(watch.pk)
    with captured():
        privacy.erase_files([reference])
    watch.refresh_from_db()
    batch.refresh_from_db()
    assert (watch.state, bytes(WatchState.objects.get().state)) == ("stopped", b"")
    assert (batch.state, batch.path.is_file()) == (BatchState.REFUSED, False)
    assert not steps.note_life(step)
    watch = Watch.objects.get(pk=watch.pk)
    with pytest.raises(Refused, match="compares with was erased"):
        actions.resume_watch(watch, network.author)
    assert watch.log_e != 0


def test_a_batch_refused_in_the_meantime_is_not_taken(
    network: Network, watch: Watch, tmp_path: Any
) -> None:
    batch = give(watch, network.author, rows(30, seed=1))
    step = steps.claim_step(watch.pk)
    evidence = evidence_of(step, tmp_path / "a")
    before = kept_state(watch)
    steps.refuse(step, "Somebody refused it.")
    assert not steps.keep(step, evidence)
    watch.refresh_from_db()
    batch.refresh_from_db()
    assert (watch.taken, batch.fault) == (0, "Somebody refused it.")
    assert kept_state(watch) == before


def test_the_reference_of_a_watch_in_use_is_kept(
    network: Network, voucher: Voucher, watch: Watch, settings: Any
) -> None:
    settings.RETAIN_FILE_DAYS = 30
    voucher = closed(voucher, network)
    Voucher.objects.update(ended_at=timezone.now() - timedelta(days=31))
    assert not retention._files(timezone.now() - timedelta(days=30)).exists()
    Watch.objects.update(changed_at=timezone.now() - timedelta(days=31))
    assert retention._files(timezone.now() - timedelta(days=30)).get() == watch.reference
    Watch.objects.update(changed_at=timezone.now())
    actions.stop_watch(Watch.objects.get(), network.author)
    assert retention._files(timezone.now() - timedelta(days=30)).exists()


def test_names_of_batches_go_with_their_uploader(network: Network, watch: Watch) -> None:
    give(watch, network.consultant, rows(30, seed=1), "ada.csv")
    work(watch)
    actions.forget_names(Batch.objects.filter(uploader=network.consultant), "erased file")
    assert str(Batch.objects.get()) == "erased file"


# What the database refuses


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("watch_alarm_has_time", {"alarm": 3}),
        ("watch_with_fault_is_stopped", {"fault": "Oh"}),
    ],
)
def test_the_database_refuses_watches_without_their_facts(
    watch: Watch, constraint: str, columns: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Watch.objects.update(**columns)


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("batch_has_the_facts_of_its_state", {"state": "lost"}),
        ("batch_has_the_facts_of_its_state", {"state": "taken", "ended_at": timezone.now()}),
        ("batch_refused_has_fault", {"state": "refused", "ended_at": timezone.now()}),
        ("batch_refused_has_fault", {"fault": "Oh"}),
    ],
)
def test_the_database_refuses_batches_without_their_facts(
    network: Network, watch: Watch, constraint: str, columns: dict[str, Any]
) -> None:
    give(watch, network.author, rows(30, seed=1))
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Batch.objects.update(**columns)
