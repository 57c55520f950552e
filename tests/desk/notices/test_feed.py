"""The calendar: right by the standard, read with another parser, and secret."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from icalendar import Calendar as Parsed

from evidesk.desk.audit.models import Entry
from evidesk.desk.notices import actions as notices
from evidesk.desk.notices.feed import calendar_of
from evidesk.desk.notices.models import Calendar
from evidesk.desk.people.models import Person
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import State, Voucher
from tests.desk.conftest import signed_in
from tests.desk.network import STARTS_ON, Network, fresh, voucher_in


def events(person: Person) -> dict[str, Any]:
    """The calendar's events by what their names begin with."""
    parsed = Parsed.from_ical(calendar_of(Person.objects.get(pk=person.pk)))
    return {str(one["uid"]).partition("@")[0]: one for one in parsed.walk("VEVENT")}


def test_planned_work_and_its_deadline_last_whole_days(network: Network) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    found = events(network.consultant)
    assert set(found) == {f"{voucher.reference}-work", f"{voucher.reference}-deadline"}
    work, deadline = found[f"{voucher.reference}-work"], found[f"{voucher.reference}-deadline"]
    assert work["dtstart"].dt == STARTS_ON == date(2026, 3, 2)
    assert work["dtend"].dt == date(2026, 3, 12), "the day after the last of ten"
    assert (deadline["dtstart"].dt, deadline["dtend"].dt) == (date(2026, 3, 11), date(2026, 3, 12))
    assert type(work["dtstart"].dt) is date
    assert work["dtstart"].params["VALUE"] == "DATE"
    assert str(deadline["summary"]) == f"Report due: {voucher.reference} Trust"
    assert work["transp"] == "TRANSPARENT"
    assert str(work["url"]).endswith(f"/vouchers/{voucher.reference}/")
    assert work["dtstamp"].dt == voucher.events.get(kind="accept").at.replace(microsecond=0)
    assert work["sequence"] == 0


def test_a_new_plan_has_a_new_sequence_and_a_message_changes_nothing(network: Network) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    before = calendar_of(network.author)
    actions.write(voucher, network.author, "Hello")
    assert calendar_of(network.author) == before
    actions.plan(fresh(voucher), network.consultant, STARTS_ON + timedelta(days=7), 9)
    work = events(network.author)[f"{voucher.reference}-work"]
    assert work["sequence"] == 1
    assert work["dtend"].dt == date(2026, 3, 18)
    actions.extend(fresh(voucher), network.consultant, 14, "The data came late.")
    work = events(network.author)[f"{voucher.reference}-work"]
    assert work["sequence"] == 2
    assert work["dtend"].dt == date(2026, 3, 23)


@pytest.mark.parametrize(
    "title",
    ["a, b; c\\d: \"e\"", "line\nBEGIN:VEVENT\nEND:VEVENT", "\r\nEND:VCALENDAR", "ä" * 120,
     "\u202egro"],
)  # fmt: skip
def test_a_hostile_title_stays_a_title(network: Network, title: str) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    Voucher.objects.filter(pk=voucher.pk).update(title=title[:120])
    raw = calendar_of(network.author)
    assert raw.count(b"\r\nBEGIN:VEVENT") == raw.count(b"\r\nEND:VEVENT") == 2
    assert all(len(line) <= 75 for line in raw.split(b"\r\n")), "folded"
    shown = " ".join(title.replace("\u202e", "").split())
    summary = events(network.author)[f"{voucher.reference}-work"]["summary"]
    assert str(summary) == f"{voucher.reference} {shown}"


def test_whose_calendar_has_which_vouchers(network: Network) -> None:
    active = voucher_in(State.ACTIVE, network)
    voucher_in(State.SUBMITTED, network)
    voucher_in(State.WITHDRAWN, network)
    closed, old = (voucher_in(State.CLOSED, network) for _ in range(2))
    Voucher.objects.filter(pk=old.pk).update(ended_at=timezone.now() - timedelta(days=366))
    expected = {f"{active.reference}-work", f"{active.reference}-deadline",
                f"{closed.reference}-work"}  # fmt: skip
    for who in ("author", "consultant", "lead"):
        assert set(events(network[who])) == expected, who
    for who in ("stranger", "colleague", "lead_elsewhere", "office"):
        assert events(network[who]) == {}, who


@pytest.mark.parametrize("n", [1, 3])
def test_one_query_for_all(network: Network, n: int) -> None:
    for _ in range(n):
        voucher_in(State.ACTIVE, network)
    person = Person.objects.get(pk=network.lead.pk)
    with CaptureQueriesContext(connection) as captured:
        calendar_of(person)
    assert len(captured) == 2  # the roles, and the vouchers


# The secret address


def test_the_address_is_shown_once_and_opens_the_calendar_without_signing_in(
    network: Network,
) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    author = signed_in(network.author)
    html = author.post("/me/mail/", {"what": "calendar"}).content.decode()
    address = html.partition("<pre>http://localhost")[2].partition("</pre>")[0]
    assert address.startswith("/calendar/")
    assert address not in author.get("/me/mail/").content.decode()
    assert address.rpartition("/")[2].removesuffix(".ics") not in str(
        Calendar.objects.values_list()
    )
    response = signed_in(None).get(address)
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert voucher.reference.encode() in response.content
    assert "last read" in author.get("/me/mail/").content.decode()
    again = signed_in(None).get(address, headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    actions.plan(fresh(voucher), network.consultant, STARTS_ON, 3)
    assert (
        signed_in(None).get(address, headers={"If-None-Match": response["ETag"]}).status_code == 200
    )


def test_a_new_address_ends_the_old_one_and_it_can_be_ended(network: Network) -> None:
    first = notices.new_calendar(network.author)
    second = notices.new_calendar(network.author)
    nobody = signed_in(None)
    assert nobody.get(f"/calendar/{first}.ics").status_code == 404
    assert nobody.get(f"/calendar/{second}.ics").status_code == 200
    author = signed_in(network.author)
    author.post("/me/mail/", {"what": "end-calendar"})
    assert nobody.get(f"/calendar/{second}.ics").status_code == 404
    notices.end_calendar(network.author)
    done = Entry.objects.filter(action__startswith="calendar").values_list("action", flat=True)
    assert list(done) == ["calendar.created", "calendar.created", "calendar.ended"]


def test_whoever_left_has_no_calendar(network: Network) -> None:
    secret = notices.new_calendar(network.author)
    Person.objects.filter(pk=network.author.pk).update(is_active=False)
    assert signed_in(None).get(f"/calendar/{secret}.ics").status_code == 404
    assert signed_in(None).get("/calendar/x.ics").status_code == 404
