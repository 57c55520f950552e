"""Tags, who may see a voucher, hours and the voucher that continues one, over HTTP."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evidesk.desk.audit.models import Entry
from evidesk.desk.people import staffing
from evidesk.desk.vouchers import effort
from evidesk.desk.vouchers.models import Booking, State, Tag, Voucher
from tests.desk.network import STARTS_ON, Network, a_draft, fresh, voucher_in
from tests.desk.rest.test_operations import Program
from tests.desk.test_api import with_token

WEEK = {"week": "2026-03-02", "hours": 4}


def put(network: Network, who: str, path: str, body: Any, status: int = 200) -> Any:
    answer = with_token(network, who).put(f"/api/{path}", body, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()


def at(voucher: Voucher, rest: str) -> str:
    return f"vouchers/{voucher.reference}/{rest}/"


# Tags


def test_the_team_tags_a_voucher_by_name(network: Network, voucher: Voucher) -> None:
    for name in ("Owls", "Bats"):
        Tag.objects.create(name=name)
    lead = Program(network, "lead")
    assert lead.get(at(voucher, "tags")) == {"tags": [], "possible": ["Bats", "Owls"]}
    for _ in range(2):
        told = put(network, "consultant", at(voucher, "tags"), {"tags": ["Owls"]})
    assert told == {"tags": ["Owls"], "possible": ["Bats", "Owls"]}
    assert Program(network, "author").get(f"vouchers/{voucher.reference}/")["tags"] == ["Owls"]
    assert Entry.objects.filter(action="voucher.tags").count() == 1
    assert put(network, "lead", at(voucher, "tags"), {})["tags"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tags": ["Newts"]}, "tags"),
        ({"tags": ["Owls", "Newts"]}, "tags"),
        ({"tags": ["Retired"]}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"tags": "Owls"}, "tags"),
        ({"tags": ["Ow\0ls"]}, "tags.0"),
        ({"tags": ["x" * 101]}, "tags.0"),
        ({"tags": [5]}, "tags.0"),
        ({"tags": ["Owls"] * 1001}, "tags"),
        ({"tags": ["Owls"], "force": True}, "force"),
    ],
)
def test_tags_that_there_are_not_are_told(
    network: Network, voucher: Voucher, body: dict[str, Any], field: str
) -> None:
    Tag.objects.create(name="Owls")
    Tag.objects.create(name="Retired", retired_at=timezone.now())
    wrong = put(network, "lead", at(voucher, "tags"), body, 422)
    assert list(wrong["errors"]) == [field]
    assert not voucher.tags.exists()


def test_others_do_not_tag(network: Network, voucher: Voucher) -> None:
    for who, status in (("author", 403), ("stranger", 404), ("lead_elsewhere", 404)):
        Program(network, who).get(at(voucher, "tags"), status)
        put(network, who, at(voucher, "tags"), {"tags": []}, status)


# Who may see it


def test_the_author_decides_who_may_see_it(network: Network, voucher: Voucher) -> None:
    public = {"visibility": "public-summary", "summary": "We trust it."}
    told = put(network, "author", at(voucher, "visibility"), public)
    assert (told["visibility"], told["summary"]) == ("public-summary", "We trust it.")
    assert fresh(voucher).visibility == "public-summary"
    without = put(network, "author", at(voucher, "visibility"), {**public, "summary": " "}, 403)
    assert without["detail"] == "Please write the summary that everybody may read."
    for who, status in (("lead", 403), ("stranger", 404)):
        put(network, who, at(voucher, "visibility"), {"visibility": "private"}, status)
    draft = a_draft(network)
    put(network, "author", at(draft, "visibility"), {"visibility": "network"}, 403)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "visibility"),
        ({"visibility": "secret"}, "visibility"),
        ({"visibility": ["private"]}, "visibility"),
        ({"visibility": "network", "summary": "a\0b"}, "summary"),
        ({"visibility": "network", "summary": "x" * 5000}, "summary"),
        ({"visibility": "network", "state": "closed"}, "state"),
    ],
)
def test_a_visibility_that_there_is_not_is_told(
    network: Network, voucher: Voucher, body: dict[str, Any], field: str
) -> None:
    wrong = put(network, "author", at(voucher, "visibility"), body, 422)
    assert list(wrong["errors"]) == [field]


# Hours


def test_hours_are_booked_by_week(network: Network, voucher: Voucher) -> None:
    staffing.set_hours(network["consultant"], network["office"], Decimal(10))
    consultant = Program(network, "consultant")
    told = consultant.post(at(voucher, "effort"), {**WEEK, "hours": 6.5})
    assert told["total"] == 6.5
    first = told["weeks"][0]
    assert first == {
        "monday": "2026-03-02", "available": 10.0, "booked": 6.5, "here": 6.5, "elsewhere": 0.0,
        "free": 3.5, "reason": "",
    }  # fmt: skip
    other = voucher_in(State.ACTIVE, network)
    seen = Program(network, "lead").get(at(other, "effort"))["weeks"][0]
    assert (seen["here"], seen["elsewhere"]) == (0.0, 6.5)
    too_much = consultant.post(at(other, "effort"), WEEK, 403)
    assert "has 3.5 h free in that week" in too_much["detail"]
    told = consultant.post(at(other, "effort"), {**WEEK, "reason": "The beamtime."})
    assert (told["weeks"][0]["free"], told["weeks"][0]["reason"]) == (-0.5, "The beamtime.")
    assert consultant.post(at(voucher, "effort"), {**WEEK, "hours": 0})["total"] == 0
    assert Booking.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"week": "2026-03-03"}, "week"),
        ({"week": "1999-03-01"}, "week"),
        ({"week": "soon"}, "week"),
        ({"week": ""}, "week"),
        ({"hours": -1}, "hours"),
        ({"hours": 61}, "hours"),
        ({"hours": 1.25}, "hours"),
        ({"hours": "many"}, "hours"),
        ({"hours": None}, "hours"),
        ({"reason": "x" * 301}, "reason"),
        ({"reason": "a\0b"}, "reason"),
        ({"person": 1}, "person"),
    ],
)
def test_hours_that_there_are_not_are_told(
    network: Network, voucher: Voucher, changes: dict[str, Any], field: str
) -> None:
    body = {**WEEK, "reason": "It has to be.", **changes}
    wrong = Program(network, "consultant").post(at(voucher, "effort"), body, 422)
    assert list(wrong["errors"]) == [field]
    assert not Booking.objects.exists()


def test_hours_are_the_teams(network: Network, voucher: Voucher) -> None:
    for who, status in (("author", 403), ("stranger", 404), ("lead_elsewhere", 404)):
        Program(network, who).get(at(voucher, "effort"), status)
        Program(network, who).post(at(voucher, "effort"), WEEK, status)
    submitted = voucher_in(State.SUBMITTED, network)
    Program(network, "lead").get(at(submitted, "effort"), 403)
    closed = voucher_in(State.CLOSED, network)
    assert Program(network, "consultant").get(at(closed, "effort"))["total"] == 0
    Program(network, "consultant").post(at(closed, "effort"), WEEK, 403)


def test_hours_take_the_same_questions_for_any_number_of_bookings(
    network: Network, voucher: Voucher
) -> None:
    client = with_token(network, "consultant")
    asked = []
    for bookings in (1, 10):
        for number in range(bookings):
            one = voucher if bookings == 1 else voucher_in(State.ACTIVE, network)
            week = STARTS_ON + timedelta(weeks=number % 2)
            effort.book(one, network["consultant"], week, Decimal(1), "Because.")
        client.get(f"/api/{at(voucher, 'effort')}")
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/api/{at(voucher, 'effort')}").status_code == 200
        asked.append(len(captured))
    assert asked[0] == asked[1]


# What continues it


def test_a_reported_voucher_is_continued_once(network: Network) -> None:
    voucher = voucher_in(State.REPORTED, network)
    author = Program(network, "author")
    new = author.post(at(voucher, "follow-up"), status=201)
    assert (new["state"], new["kind"], new["title"]) == ("draft", "implementation", "Trust")
    again = author.post(at(voucher, "follow-up"), status=403)
    assert again["detail"] == f"{new['reference']} continues it already."
    Program(network, "lead").post(at(voucher, "follow-up"), status=403)
    Program(network, "stranger").post(at(voucher, "follow-up"), status=404)
    assert Voucher.objects.get(reference=new["reference"]).follows == voucher
