"""The inbox, candidates, proposals, similar vouchers and public summaries over HTTP."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evidesk.desk.people import staffing
from evidesk.desk.people.models import ConflictOfInterest, Profile, Skill, Unit
from evidesk.desk.vouchers import actions, triage, work
from evidesk.desk.vouchers.models import Kind, State, Voucher
from tests.desk.network import ANSWERS, Network, a_draft, voucher_in
from tests.desk.rest.test_operations import Program
from tests.desk.test_api import with_token


def staffed(network: Network) -> None:
    """The hub's consultant has time and knows images."""
    staffing.set_hours(network["consultant"], network["office"], Decimal(10))
    skill = Skill.objects.create(name="Images", words="images networks predictions")
    Profile.objects.get(person=network.consultant).skills.add(skill)


def public(voucher: Voucher, network: Network, summary: str = "We trust it.") -> None:
    work.set_visibility(voucher, network.author, "public-summary", summary)


# The inbox


def test_what_is_due_first_is_on_top(network: Network) -> None:
    returned, offered, submitted = (
        voucher_in(state, network) for state in (State.RETURNED, State.OFFERED, State.SUBMITTED)
    )
    today = timezone.localdate()
    Voucher.objects.filter(pk=submitted.pk).update(respond_by=today - timedelta(days=14))
    voucher_in(State.ACTIVE, network)
    told = Program(network, "lead").get("inbox/")
    rows = told["items"]
    assert [row["reference"] for row in rows] == [
        one.reference for one in (submitted, offered, returned)
    ]
    assert [row["due"]["what"] for row in rows] == ["response", "offer", "paused"]
    assert rows[0]["due"]["days"] < 0
    assert (rows[1]["offered_to"], rows[2]["due"]["on"]) == ("Cyra Consultant", None)
    assert told["left_out"] == 0
    first = Program(network, "lead").get("inbox/?limit=1")
    assert (len(first["items"]), first["left_out"]) == (1, 2)


def test_an_inbox_is_of_the_units_that_one_looks_after(network: Network) -> None:
    voucher_in(State.SUBMITTED, network)
    office = Program(network, "office")
    assert len(office.get("inbox/?unit=spoke")["items"]) == 1
    assert (
        office.get("inbox/?unit=hub")["items"] == office.get("inbox/?unit=nowhere")["items"] == []
    )
    elsewhere = Program(network, "lead_elsewhere")
    assert elsewhere.get("inbox/")["items"] == elsewhere.get("inbox/?unit=spoke")["items"] == []
    for who in ("author", "consultant"):
        why = Program(network, who).get("inbox/", 403)
        assert why["detail"] == "The inbox is for the leads and the office."
        Program(network, who).get("inbox/proposals/", 403)


@pytest.mark.parametrize(
    "query", ["unit=a%00b", f"unit={'x' * 51}", "limit=0", "limit=1001", "limit=many"]
)
def test_an_inbox_that_makes_no_sense_is_told(network: Network, query: str) -> None:
    wrong = Program(network, "lead").get(f"inbox/?{query}", 422)
    assert list(wrong["errors"]) == [query.split("=")[0]]


# Who could take it


def test_each_candidates_factors_are_told(network: Network) -> None:
    staffed(network)
    ConflictOfInterest.objects.create(person=network.outsider, scientist=network.author)
    voucher = voucher_in(State.OFFERED, network)
    actions.turn_down(voucher, network.consultant, "No time.")
    rows = Program(network, "lead").get(f"vouchers/{voucher.reference}/candidates/")
    best, last = rows[0], rows[-1]
    assert (best["name"], best["place"], best["earlier"]) == ("Cyra Consultant", 1, "turn-down")
    assert best["id"] == network.consultant.pk
    assert best["score"] > 0
    assert best["score"] == pytest.approx(best["affinity"] * best["capacity"])
    assert (best["skill"]["name"], best["past"], best["conflicts"]) == ("Images", None, [])
    assert set(best["skill"]["words"]) <= {"images", "networks", "predictions"}
    assert best["free_hours"] > 0
    assert (last["name"], last["score"]) == ("Otto Outsider", 0)
    assert "conflict of interest" in last["conflicts"][0]
    offered = {"consultant": best["id"]}
    Program(network, "lead").post(f"vouchers/{voucher.reference}/steps/offer/", offered)


@pytest.mark.parametrize("what", ["candidates", "similar"])
def test_candidates_are_for_whoever_can_offer(network: Network, what: str) -> None:
    submitted = voucher_in(State.SUBMITTED, network)
    for who, status in (("author", 403), ("colleague", 403), ("lead_elsewhere", 404)):
        Program(network, who).get(f"vouchers/{submitted.reference}/{what}/", status)
    active = voucher_in(State.ACTIVE, network)
    why = Program(network, "lead").get(f"vouchers/{active.reference}/{what}/", 403)
    assert "possible only from" in why["detail"]


def test_proposals_serve_all_best(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    staffed(network)
    waiting = [voucher_in(State.SUBMITTED, network) for _ in range(3)]
    voucher_in(State.OFFERED, network)
    told = Program(network, "lead").get("inbox/proposals/")
    assert [one["voucher"]["reference"] for one in told["items"]] == [v.reference for v in waiting]
    taken = [one["candidate"] for one in told["items"] if one["candidate"]]
    assert taken
    assert {one["name"] for one in taken} == {"Cyra Consultant"}
    assert None in [one["candidate"] for one in told["items"]], "there are not enough hours"
    assert told["total"] == pytest.approx(sum(one["score"] for one in taken))
    assert told["left_out"] == 0
    monkeypatch.setattr(triage, "BATCH", 2)
    told = Program(network, "lead").get("inbox/proposals/")
    assert (len(told["items"]), told["left_out"]) == (2, 1)
    assert Program(network, "lead_elsewhere").get("inbox/proposals/")["items"] == []


# What is like it


def test_a_scientist_is_shown_summaries_and_the_team_vouchers(network: Network) -> None:
    past = actions.start_voucher(network.stranger)
    kind = Kind.objects.get(slug="exploration")
    actions.save_draft(
        past, network.stranger, revision=0, title="Trust in networks", kind=kind,
        unit=network.spoke, answers=ANSWERS, visibility="public-summary",
        summary="Which networks we can trust, of three trained networks.",
    )  # fmt: skip
    past.refresh_from_db()
    actions.submit(past, network.stranger)
    draft = a_draft(network)
    found = Program(network, "author").get(f"vouchers/{draft.reference}/similar/")
    assert [one["public"]["title"] for one in found] == ["Trust in networks"]
    assert (found[0]["voucher"], "reference" in found[0]["public"]) == (None, False)
    actions.submit(draft, network.author)
    found = Program(network, "lead").get(f"vouchers/{draft.reference}/similar/")
    assert [one["voucher"]["reference"] for one in found] == [past.reference]
    assert 0 < found[0]["similarity"] <= 1


def test_summaries_are_everybodys(network: Network) -> None:
    public(voucher_in(State.CLOSED, network), network)
    voucher_in(State.CLOSED, network, "Private")
    withdrawn = voucher_in(State.SUBMITTED, network, "Gone")
    public(withdrawn, network)
    actions.withdraw(withdrawn, network.author)
    told = Client().get("/api/summaries/").json()
    assert told["items"] == [
        {
            "title": "Trust",
            "summary": "We trust it.",
            "kind": "exploration",
            "unit": "spoke",
            "state": "closed",
        }
    ]
    assert told["next"] is None


# Queries


@pytest.mark.parametrize(
    "ask",
    [
        lambda v: "inbox/",
        lambda v: "inbox/proposals/",
        lambda v: "summaries/",
        lambda v: f"vouchers/{v.reference}/candidates/",
        lambda v: f"vouchers/{v.reference}/similar/",
    ],
)
def test_many_take_no_more_questions_than_one(
    network: Network, ask: Callable[[Voucher], str]
) -> None:
    staffed(network)
    Unit.objects.update(home_conflict=True)
    client = with_token(network, "lead")
    voucher = voucher_in(State.SUBMITTED, network)
    asked = []
    for more in (1, 8):
        for _ in range(more):
            voucher_in(State.SUBMITTED, network)
            voucher_in(State.OFFERED, network)
            public(voucher_in(State.CLOSED, network), network)
        address = f"/api/{ask(voucher)}"
        assert client.get(address).status_code == 200
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        asked.append(len(captured))
    assert asked[0] == asked[1]
