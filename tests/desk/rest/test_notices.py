"""Notices, and how to be told, over the API."""

from typing import Any

import pytest
from django.test import Client

from evidesk.desk.audit.models import Entry
from evidesk.desk.notices import actions as notices
from evidesk.desk.notices import queries
from evidesk.desk.notices.forms import WaysForm
from evidesk.desk.notices.kinds import ALWAYS, WAYS, Topic, Way
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import State
from tests.desk.conftest import signed_in
from tests.desk.network import Network, voucher_in
from tests.desk.rest.test_oneself import ask, queries_of
from tests.desk.test_api import with_token

CHOSEN = {
    "turn": "daily",
    "progress": "never",
    "message": "now",
    "work": "daily",
    "inquiry": "now",
    "waiting": "never",
}


def a_program(network: Network, who: str) -> Client:
    """Somebody's program; its token's own notice is gone."""
    client = with_token(network, who)
    network[who].notices.all().delete()
    return client


def unread(network: Network, who: str) -> int:
    return network[who].notices.filter(read_at=None).count()


# What one was told


def test_notices_are_read_in_pages_and_stay_unread(network: Network) -> None:
    program = a_program(network, "lead")
    vouchers = [voucher_in(State.SUBMITTED, network) for _ in range(3)]
    page = ask(program, "get", "notices/?limit=2")
    rest = ask(program, "get", f"notices/?cursor={page['next']}")
    found = page["items"] + rest["items"]
    assert [one["voucher"] for one in found] == [one.reference for one in vouchers[::-1]]
    assert rest["next"] is None
    first = found[0]
    assert first["sentence"] == "Ada Author submitted the voucher"
    assert (first["kind"], first["said"], first["inquiry"]) == ("submit", "", None)
    assert first["read_at"] is None
    assert unread(network, "lead") == 3


def test_a_notice_names_its_inquiry_or_tells_of_the_account(network: Network) -> None:
    asked = actions.inquire(subject="Hi there", text="x", email="a@b.org", person=None)
    program = with_token(network, "lead")  # which is told, too
    notices.tell("reply-refused", [network["lead"]], text="Who is this?")
    refused, token, inquiry = ask(program, "get", "notices/")["items"]
    assert (inquiry["inquiry"], inquiry["said"]) == (asked.key, "Hi there")
    assert inquiry["sentence"] == "Somebody asks"
    assert (token["kind"], token["said"], token["voucher"]) == ("token-created", "laptop", None)
    assert (refused["kind"], refused["said"]) == ("reply-refused", "Who is this?")


def test_a_sentence_is_in_the_callers_language(network: Network) -> None:
    client = a_program(network, "office")
    voucher_in(State.SUBMITTED, network)
    answer = client.get("/api/notices/?limit=1", headers={"Accept-Language": "de"}).json()
    assert "eingereicht" in answer["items"][0]["sentence"]


def test_a_notice_tells_nothing_of_what_one_does_not_see_any_more(network: Network) -> None:
    program = a_program(network, "consultant")
    voucher = voucher_in(State.OFFERED, network, title="A secret title")
    actions.take_back(voucher, network.lead)
    found = ask(program, "get", "notices/")
    assert "A secret title" not in str(found)
    assert found["items"][0]["sentence"] == "Lena Lead took the offer back"
    assert found["items"][0]["voucher"] == voucher.reference


def test_some_or_all_are_marked_and_only_ones_own(network: Network) -> None:
    program = a_program(network, "lead")
    for _ in range(4):
        voucher_in(State.SUBMITTED, network)
    numbers = [one["id"] for one in ask(program, "get", "notices/?unread=true")["items"]]
    foreign = network.office.notices.values_list("pk", flat=True)
    assert ask(program, "post", "notices/read/", {"ids": numbers[:2]}) == {"read": 2}
    assert ask(program, "post", "notices/read/", {"ids": numbers[:2]}) == {"read": 0}
    assert ask(program, "post", "notices/read/", {"ids": [*foreign]}) == {"read": 0}
    assert ask(program, "post", "notices/read/", {"ids": []}) == {"read": 0}
    found = ask(program, "get", "notices/?unread=true")["items"]
    assert [one["id"] for one in found] == numbers[2:]
    assert len(ask(program, "get", "notices/")["items"]) == 4
    assert ask(program, "post", "notices/read/", {}) == {"read": 2}
    assert ask(program, "get", "notices/?unread=true")["items"] == []
    assert unread(network, "office") == 4


@pytest.mark.parametrize(
    "body",
    [
        {"ids": "all"},
        {"ids": 1},
        {"ids": ["\0"]},
        {"ids": [0]},
        {"ids": [-1]},
        {"ids": [2**63]},
        {"ids": [1.5]},
        {"ids": [None]},
        {"ids": [1] * 1001},
        {"notice": 1},
        [1],
    ],
)
def test_what_names_no_notices_marks_none(network: Network, body: Any) -> None:
    voucher_in(State.SUBMITTED, network)
    ask(with_token(network, "lead"), "post", "notices/read/", body, 422)
    assert unread(network, "lead") == 2, "of the voucher, and of the token"


def test_a_wrong_filter_is_told(network: Network) -> None:
    answer = ask(with_token(network, "lead"), "get", "notices/?unread=perhaps", status=422)
    assert list(answer["errors"]) == ["unread"]


@pytest.mark.parametrize("many", [1, 20])
def test_the_list_asks_equally_often_for_one_and_for_twenty(network: Network, many: int) -> None:
    for _ in range(many):
        voucher_in(State.SUBMITTED, network)
        actions.inquire(subject="Hi", text="x", email="a@b.org", person=network["author"])
    assert queries_of(with_token(network, "lead"), "notices/") == 4, "rate, token, its use, rows"


# How to be told


def test_ways_are_chosen_as_on_the_page(network: Network) -> None:
    program = with_token(network, "author")
    before = ask(program, "get", "me/mail/")
    assert before == {
        "address": network.author.email,
        "is_written": True,
        "ways": {**dict.fromkeys(CHOSEN, "now"), "work": "daily", "waiting": "daily"},
        "always": ["security"],
        "calendar": None,
    }
    after = ask(program, "put", "me/mail/", CHOSEN)
    assert after == {**before, "ways": CHOSEN} == ask(program, "get", "me/mail/")
    assert queries.preferences_of(network["author"])[Topic.TURN] == Way.DAILY
    entry = Entry.objects.filter(action="notices.chosen").get()
    assert entry.facts["progress"] == ["now", "never"]
    ask(program, "put", "me/mail/", CHOSEN)
    assert Entry.objects.filter(action="notices.chosen").count() == 1, "nothing was changed"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"turn": "by pigeon"}, "turn"),
        ({"turn": "no\0w"}, "turn"),
        ({"turn": "now" * 5000}, "turn"),
        ({"turn": 1}, "turn"),
        ({"turn": None}, "turn"),
        ({"waiting": "now"}, "waiting"),
        ({"security": "never"}, "security"),
        ({"what": "calendar"}, "what"),
    ],
)
def test_a_way_that_is_none_changes_nothing(
    network: Network, change: dict[str, Any], field: str
) -> None:
    program = with_token(network, "author")
    answer = ask(program, "put", "me/mail/", {**CHOSEN, **change}, 422)
    assert list(answer["errors"]) == [field]
    assert not network.author.preferences.exists()


def test_every_topic_is_named(network: Network) -> None:
    without = {key: way for key, way in CHOSEN.items() if key != "work"}
    answer = ask(with_token(network, "author"), "put", "me/mail/", without, 422)
    assert list(answer["errors"]) == ["work"]


def test_the_form_has_each_topic_that_leaves_a_choice() -> None:
    assert [*WaysForm.base_fields] == [topic for topic in WAYS if topic not in ALWAYS]


def test_the_calendars_address_is_ended_but_neither_shown_nor_made(network: Network) -> None:
    program = with_token(network, "author")
    secret = notices.new_calendar(network.author)
    told = ask(program, "get", "me/mail/")
    assert secret not in str(told)
    assert told["calendar"].keys() == {"created_at", "read_at"}
    assert signed_in(None).get(f"/calendar/{secret}.ics").status_code == 200
    assert ask(program, "get", "me/mail/")["calendar"]["read_at"]
    ask(program, "post", "me/calendar/", {}, 405)
    ask(with_token(network, "stranger"), "delete", "me/calendar/", status=204)
    assert ask(program, "get", "me/mail/")["calendar"]
    for _ in range(2):
        ask(program, "delete", "me/calendar/", status=204)
    assert signed_in(None).get(f"/calendar/{secret}.ics").status_code == 404
    assert ask(program, "get", "me/mail/")["calendar"] is None
