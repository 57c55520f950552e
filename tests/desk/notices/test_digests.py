"""The daily digest: once a day, with news, about what the person still sees."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from evidesk.desk.notices import actions as notices
from evidesk.desk.notices import digests
from evidesk.desk.notices.digests import write_digest, write_digests
from evidesk.desk.notices.kinds import Topic, Way
from evidesk.desk.notices.models import Digest, DigestDay, Mail
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import State, Voucher
from tests.desk.network import Network, a_draft, a_network, fresh, voucher_in

pytestmark = pytest.mark.usefixtures("mailing")


@pytest.fixture(autouse=True)
def from_midnight(settings: Any) -> None:
    settings.DIGEST_HOUR = 0


def digest_of(person: Any) -> str:
    return str(Mail.objects.filter(person=person, digest__isnull=False).latest("pk").text)


def tomorrow() -> Any:
    return timezone.localdate() + timedelta(days=1)


def test_a_digest_tells_what_is_new_what_waits_and_what_is_due(network: Network) -> None:
    notices.choose_ways(network.author, {Topic.MESSAGE: Way.DAILY})
    active = voucher_in(State.ACTIVE, network, title="Trust")
    Voucher.objects.filter(pk=active.pk).update(starts_on=timezone.localdate(), days=3)
    actions.write(fresh(active), network.consultant, "Are these all?")
    voucher_in(State.REPORTED, network, title="Reported one")
    a_draft(network, "A draft of mine")
    assert write_digest(network["author"], timezone.localdate())
    text = digest_of(network.author)
    assert "DUE IN THE NEXT SEVEN DAYS" in text
    assert "Give feedback and close: V-" in text
    assert "Reported one" in text
    assert "Cyra Consultant wrote: V-" in text
    assert "#event-" in text
    assert "A draft of mine" not in text, "a draft is nobody's business yet, not even the office's"
    assert not network.author.notices.filter(in_digest=True).exists()


def test_what_is_told_once_is_no_news_the_next_day(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    today = timezone.localdate()
    assert write_digest(network["lead"], today)
    assert not write_digest(network["lead"], tomorrow()), "it still waits, and that is known"
    actions.decline(voucher, network.office, "No.")
    voucher_in(State.SUBMITTED, network)
    assert write_digest(network["lead"], tomorrow())


def test_an_empty_digest_is_not_written(network: Network) -> None:
    assert not write_digest(network["stranger"], timezone.localdate())
    assert write_digests() == 0
    assert not Mail.objects.exists()


def test_one_digest_a_day_and_the_day_is_done_once(network: Network) -> None:
    voucher_in(State.SUBMITTED, network)
    assert write_digests() == 2
    assert write_digests() == 0
    voucher_in(State.SUBMITTED, network)
    assert write_digests() == 0, "what comes later waits for tomorrow"
    assert not write_digest(network["lead"], timezone.localdate()), "the database sees to it"
    assert Digest.objects.filter(person=network.lead).count() == 1
    assert Mail.objects.filter(digest__isnull=False).count() == 2


def test_a_day_that_was_interrupted_is_finished(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    voucher_in(State.SUBMITTED, network)
    really = digests.write_digest

    def interrupted(person: Any, day: Any) -> bool:
        if person == network.office:
            raise KeyboardInterrupt
        return really(person, day)

    monkeypatch.setattr(digests, "write_digest", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_digests()
    monkeypatch.undo()
    assert DigestDay.objects.get().done_at is None
    write_digests()
    assert set(Digest.objects.values_list("person", flat=True)) == {
        network.lead.pk, network.office.pk,
    }  # fmt: skip


def test_two_workers_write_one_digest_each_person(file_database: None) -> None:
    network = a_network()
    for _ in range(3):
        voucher_in(State.SUBMITTED, network)
    together = threading.Barrier(2)

    def work() -> None:
        together.wait(10)
        try:
            write_digests()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Digest.objects.count() == Mail.objects.filter(digest__isnull=False).count() == 2


def test_before_its_hour_and_without_mail_there_is_none(
    network: Network, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    voucher_in(State.SUBMITTED, network)
    settings.DIGEST_HOUR = 7
    six = timezone.make_aware(datetime(2026, 11, 24, 6, 59))  # noqa: DTZ001 - made aware
    monkeypatch.setattr(digests.timezone, "localtime", lambda: six)
    assert write_digests() == 0
    monkeypatch.setattr(digests.timezone, "localtime", lambda: six + timedelta(minutes=1))
    assert write_digests() == 2
    DigestDay.objects.all().delete()
    settings.MAIL = type(settings.MAIL)("", "", "", None, None)
    assert write_digests() == 0


def test_whoever_wants_no_digest_gets_none(network: Network) -> None:
    voucher_in(State.SUBMITTED, network)
    notices.choose_ways(network.lead, {Topic.WAITING: Way.NEVER})
    assert not write_digest(network["lead"], timezone.localdate())


def test_a_voucher_that_is_not_theirs_any_more_is_left_out(network: Network) -> None:
    notices.choose_ways(network.consultant, {Topic.TURN: Way.DAILY, Topic.WAITING: Way.NEVER})
    voucher = voucher_in(State.OFFERED, network)
    actions.take_back(voucher, network.lead)
    network.consultant.memberships.all().delete()
    assert not write_digest(network["consultant"], timezone.localdate())
    assert not network.consultant.notices.filter(in_digest=True).exists(), "nor tomorrow"


def test_without_mail_nothing_gathers_for_a_digest(network: Network, settings: Any) -> None:
    settings.MAIL = type(settings.MAIL)("", "", "", None, None)
    notices.choose_ways(network.lead, {Topic.TURN: Way.DAILY})
    voucher_in(State.SUBMITTED, network)
    assert network.lead.notices.count() == 1
    assert not network.lead.notices.filter(in_digest=True).exists()
    assert not Mail.objects.exists()
