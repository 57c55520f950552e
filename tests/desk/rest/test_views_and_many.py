"""Kept views, steps for many vouchers, and exports over HTTP."""

import csv
from io import BytesIO, StringIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidesk.desk.audit.models import Entry
from evidesk.desk.lists.actions import save_view
from evidesk.desk.lists.many import MOST, STEPS_FOR_MANY
from evidesk.desk.lists.models import SavedView
from evidesk.desk.vouchers.models import State, Voucher
from tests.desk.network import Network, a_draft, fresh, voucher_in
from tests.desk.rest.test_beside import put
from tests.desk.rest.test_operations import Program
from tests.desk.test_api import with_token

VIEW = {"name": "Mine", "query": "sort=title&state=active&page=7&nonsense=1"}

# Kept views


def test_a_view_is_kept_changed_and_forgotten(network: Network) -> None:
    lead = Program(network, "lead")
    kept = lead.post("views/", {**VIEW, "unit": "spoke"}, 201)
    assert kept == {
        "id": SavedView.objects.get().pk,
        "name": "Mine",
        "query": "state=active&sort=title",
        "unit": "spoke",
        "is_default": False,
        "owner": "Lena Lead",
    }
    assert Program(network, "colleague").get("views/")["items"] == [kept]
    assert Program(network, "author").get("views/")["items"] == []
    at = f"views/{kept['id']}/"
    changed = put(network, "lead", at, {"name": "Ours", "is_default": True})
    assert changed == {**kept, "name": "Ours", "unit": None, "is_default": True}
    assert lead.get("views/")["items"] == [changed]
    put(network, "colleague", at, {"name": "Theirs"}, 404)
    assert with_token(network, "colleague").delete(f"/api/{at}").status_code == 404
    gone = with_token(network, "lead").delete(f"/api/{at}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert with_token(network, "lead").delete(f"/api/{at}").status_code == 404
    actions = Entry.objects.filter(action__startswith="view.").order_by("number")
    assert [one.action for one in actions] == ["view.saved", "view.changed", "view.deleted"]


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"query": "state=lost"}, 422, "query.state"),
        ({"query": "q=%00"}, 422, "query.q"),
        ({"query": "unit=%00"}, 422, "query.unit"),
        ({"query": "since=2026-02-02&until=2026-02-01"}, 422, "query.until"),
        ({"query": "state=active\0"}, 422, "query"),
        ({"query": "q=" + "x" * 2000}, 422, "query"),
        ({"query": "&" * 1500}, 400, None),
        ({"query": {"state": "active"}}, 422, "query"),
        ({"name": " "}, 422, "name"),
        ({"name": "x" * 61}, 422, "name"),
        ({"name": "a\0b"}, 422, "name"),
        ({"name": None}, 422, "name"),
        ({"unit": "nowhere"}, 404, None),
        ({"unit": "a\0b"}, 422, "unit"),
        ({"unit": "hub"}, 403, None),
        ({"is_default": "no"}, 422, "is_default"),
        ({"is_default": 0}, 422, "is_default"),
        ({"owner": "Somebody"}, 422, "owner"),
    ],
)
def test_a_view_that_makes_no_sense_is_not_kept(
    network: Network, changes: dict[str, Any], status: int, field: str | None
) -> None:
    told = Program(network, "lead").post("views/", {**VIEW, **changes}, status)
    assert list(told.get("errors", {})) == ([field] if field else [])
    assert not SavedView.objects.exists()


def test_a_view_is_shared_by_those_who_lead_and_named_once(network: Network) -> None:
    why = Program(network, "colleague").post("views/", {**VIEW, "unit": "spoke"}, 403)
    assert why["detail"].startswith("Only leads and the office of")
    kept = Program(network, "lead").post("views/", VIEW, 201)
    again = Program(network, "lead").post("views/", VIEW, 403)
    assert again["detail"].startswith("You have a view “Mine” already")
    other = Program(network, "lead").post("views/", {"name": "All"}, 201)
    put(network, "lead", f"views/{other['id']}/", {"name": "Mine"}, 403)
    put(network, "lead", f"views/{kept['id']}/", {"name": "Mine", "query": "state=closed"}, 422)


def test_views_take_the_same_questions_for_any_number(network: Network) -> None:
    client = with_token(network, "lead")
    asked = []
    for first, last in ((0, 1), (1, 9)):
        for number in range(first, last):
            save_view(network.lead, f"View {number}", "", unit=network.spoke)
        client.get("/api/views/")
        with CaptureQueriesContext(connection) as captured:
            assert len(client.get("/api/views/").json()["items"]) == last
        asked.append(len(captured))
    assert asked[0] == asked[1]


# Steps for many


@pytest.fixture
def some(network: Network) -> list[Voucher]:
    return [voucher_in(state, network) for state in (State.OFFERED, State.ACTIVE, State.OFFERED)]


def of(vouchers: list[Voucher]) -> list[str]:
    return [voucher.reference for voucher in vouchers]


def test_first_it_is_told_what_would_happen(network: Network, some: list[Voucher]) -> None:
    query = "&".join(f"voucher={one}" for one in of(some))
    rows = Program(network, "lead").get(f"vouchers/many/take-back/?{query}")
    assert [row["reference"] for row in rows] == of(some)
    assert [row["possible"] for row in rows] == [True, False, True]
    assert "this is possible only from" in rows[1]["reason"]
    assert [fresh(one).state for one in some] == ["offered", "active", "offered"]


def test_each_takes_the_step_by_its_own_rule(network: Network, some: list[Voucher]) -> None:
    body = {"vouchers": [*of(some), some[0].reference], "text": "Too long."}
    rows = Program(network, "lead").post("vouchers/many/take-back/", body)
    assert [(row["reference"], row["done"]) for row in rows] == [
        (some[0].reference, True),
        (some[1].reference, False),
        (some[2].reference, True),
    ]
    assert "this is possible only from" in rows[1]["reason"]
    assert [fresh(one).state for one in some] == ["submitted", "active", "submitted"]
    assert some[0].events.latest("pk").text == "Too long."


@pytest.mark.parametrize(
    ("action", "state", "facts", "after"),
    [
        ("message", State.ACTIVE, {"text": "We meet on Monday."}, State.ACTIVE),
        ("hand-over", State.SUBMITTED, {"unit": "hub", "text": "Theirs."}, State.SUBMITTED),
        ("take-back", State.OFFERED, {}, State.SUBMITTED),
        ("close-without-feedback", State.REPORTED, {}, State.CLOSED),
        ("decline", State.SUBMITTED, {"text": "Not ours."}, State.DECLINED),
    ],
)
def test_every_step_of_the_page_is_an_operation(
    network: Network, action: str, state: State, facts: dict[str, str], after: State
) -> None:
    assert action in STEPS_FOR_MANY
    voucher = voucher_in(state, network)
    body = {**facts, "vouchers": [voucher.reference]}
    rows = Program(network, "office").post(f"vouchers/many/{action}/", body)
    assert rows == [{"reference": voucher.reference, "done": True, "reason": ""}]
    assert fresh(voucher).state == after
    if action == "hand-over":
        assert fresh(voucher).unit == network.hub


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"vouchers": []}, "vouchers"),
        ({"vouchers": "V-2026-0001"}, "vouchers"),
        ({"vouchers": ["V-1999-9999"]}, "vouchers"),
        ({"vouchers": ["V\0"]}, "vouchers.0"),
        ({"vouchers": ["x" * 21]}, "vouchers.0"),
        ({"vouchers": [1]}, "vouchers.0"),
        ({"vouchers": [f"V-2026-{n:04d}" for n in range(MOST + 1)]}, "vouchers"),
        ({"unit": "nowhere"}, "unit"),
        ({"unit": "a\0b"}, "unit"),
        ({"text": ""}, "text"),
        ({"text": "x" * 20_001}, "text"),
        ({"dry_run": True}, "dry_run"),
    ],
)
def test_what_does_not_fit_is_done_for_none(
    network: Network, changes: dict[str, Any], field: str
) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    body = {"vouchers": [voucher.reference], "unit": "hub", "text": "Theirs.", **changes}
    wrong = Program(network, "lead").post("vouchers/many/hand-over/", body, 422)
    assert list(wrong["errors"]) == [field]
    assert fresh(voucher).unit == network.spoke


def test_a_voucher_that_one_may_not_see_is_as_one_that_there_is_not(network: Network) -> None:
    seen, draft = voucher_in(State.SUBMITTED, network), a_draft(network)
    body = {"vouchers": of([seen, draft]), "text": "Not ours."}
    wrong = Program(network, "lead").post("vouchers/many/decline/", body, 422)
    told = [f"{draft.reference}: There is nothing here that you may see."]
    assert wrong["errors"] == {"vouchers": told}
    assert fresh(seen).state == State.SUBMITTED
    query = f"voucher={seen.reference}&voucher={draft.reference}"
    wrong = Program(network, "lead").get(f"vouchers/many/decline/?{query}", 422)
    assert wrong["errors"] == {"voucher": told}
    for who in ("author", "consultant"):
        why = Program(network, who).post("vouchers/many/decline/", body, 403)
        assert why["detail"].startswith("Only the leads and the office")
    Program(network, "lead").get("vouchers/many/decline/", 422)
    Program(network, "lead").get("vouchers/many/decline/?voucher=a%00b", 422)
    Program(network, "lead").get(f"vouchers/many/fly/?{query}", 404)


def test_a_look_takes_the_same_questions_for_any_number(network: Network) -> None:
    client = with_token(network, "lead")
    vouchers = [voucher_in(State.SUBMITTED, network) for _ in range(9)]
    asked = []
    for some in (vouchers[:1], vouchers):
        query = "&".join(f"voucher={one}" for one in of(some))
        client.get(f"/api/vouchers/many/decline/?{query}")
        with CaptureQueriesContext(connection) as captured:
            rows = client.get(f"/api/vouchers/many/decline/?{query}").json()
        assert len(rows) == len(some)
        asked.append(len(captured))
    assert asked[0] == asked[1]


def test_doing_it_takes_as_many_questions_more_as_vouchers(network: Network) -> None:
    client = with_token(network, "lead")
    client.get("/api/me/")  # opens the rate limit's window
    asked = []
    for number in (1, 2, 5):
        vouchers = [voucher_in(State.ACTIVE, network) for _ in range(number)]
        body = {"vouchers": of(vouchers), "text": "We meet on Monday."}
        with CaptureQueriesContext(connection) as captured:
            client.post("/api/vouchers/many/message/", body, content_type="application/json")
        asked.append(len(captured))
    assert asked[2] - asked[1] == 3 * (asked[1] - asked[0])


# Exports


def exports() -> list[tuple[Any, ...]]:
    entries = Entry.objects.filter(action="vouchers.exported").order_by("number")
    return [(one.facts["format"], one.facts["count"]) for one in entries]


def test_the_filtered_list_is_taken_away_as_a_file(network: Network) -> None:
    for state, title in ((State.ACTIVE, "Noise"), (State.ACTIVE, "=Jets"), (State.CLOSED, "Bats")):
        voucher_in(state, network, title)
    client = with_token(network, "lead")
    answer = client.get("/api/vouchers/export.csv?state=active&sort=title&bom=true")
    content = b"".join(answer.streaming_content)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(StringIO(content.decode("utf-8-sig"))))
    assert [row["title"] for row in rows] == ["'=Jets", "Noise"]
    assert answer["Content-Disposition"].endswith('.csv"')
    assert ("ETag" in answer, answer["Cache-Control"]) == (False, "private, no-cache")
    # Whatever the caller has, it is sent and noted once more.
    again = client.get("/api/vouchers/export.csv?q=bats", headers={"If-None-Match": "*"})
    assert b"Bats" in b"".join(again.streaming_content)
    table = client.get("/api/vouchers/export.xlsx?unit=nowhere")
    assert ZipFile(BytesIO(b"".join(table.streaming_content))).testzip() is None
    assert exports() == [("csv", 2), ("csv", 1), ("xlsx", 0)]
    nothing = with_token(network, "stranger").get("/api/vouchers/export.csv")
    assert len(b"".join(nothing.streaming_content).splitlines()) == 1


@pytest.mark.parametrize(
    "query", ["state=lost", "sort=luck", "unit=a%00b", "since=0001-01-01", "q=" + "a%20" * 90]
)
def test_a_file_of_what_makes_no_sense_is_not_made(network: Network, query: str) -> None:
    wrong = Program(network, "lead").get(f"vouchers/export.csv?{query}", 422)
    assert list(wrong["errors"]) == [query.split("=")[0]]
    assert not exports()
