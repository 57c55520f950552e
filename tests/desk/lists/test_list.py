"""Lists: filters, pages, and whose vouchers they show."""

import re
from typing import Any

import pytest

from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import Counter, State, Voucher
from evidesk.desk.vouchers.pages import PAGE_SIZE
from tests.desk.conftest import signed_in
from tests.desk.network import Network, a_draft, voucher_in


def shown(network: Network, who: str, address: str = "/vouchers/") -> set[str]:
    """Titles of the vouchers that the list shows."""
    response = signed_in(network[who]).get(address)
    assert response.status_code == 200
    return {row.voucher.title for row in response.context["rows"]}


@pytest.fixture
def some(network: Network) -> dict[State, Voucher]:
    return {state: voucher_in(state, network, title=f"It is {state}") for state in State}


def titles(*states: State) -> set[str]:
    return {f"It is {state}" for state in states}


@pytest.mark.parametrize(
    ("who", "query", "states"),
    [
        ("author", "", tuple(State)),
        ("lead", "", tuple(state for state in State if state != State.DRAFT)),
        ("stranger", "", ()),
        ("lead", "state=active", (State.ACTIVE,)),
        ("lead", "state=draft", ()),
        ("lead", "unit=hub", ()),
        ("lead", "unit=spoke&state=closed", (State.CLOSED,)),
        ("lead", "whose=waiting", (State.SUBMITTED,)),
        ("author", "whose=waiting", (State.DRAFT, State.RETURNED, State.REPORTED)),
        ("consultant", "whose=waiting", (State.OFFERED, State.ACTIVE)),
        ("consultant", "whose=mine", (State.OFFERED, State.ACTIVE, State.REPORTED, State.CLOSED)),
        ("lead", "whose=mine", ()),
        ("author", "q=IS+DECL", (State.DECLINED,)),
        ("author", "q=%25", ()),
        ("author", "q=%27+OR+1%3D1+--", ()),
        ("lead", "q=ada+author&state=offered", (State.OFFERED,)),
    ],
)
def test_filters_are_in_the_address(
    network: Network, some: Any, who: str, query: str, states: tuple[State, ...]
) -> None:
    assert shown(network, who, f"/vouchers/?{query}") == titles(*states)


def test_a_voucher_is_found_by_its_reference(network: Network, some: Any) -> None:
    reference = some[State.ACTIVE].reference
    assert shown(network, "author", f"/vouchers/?q={reference}") == titles(State.ACTIVE)


@pytest.mark.parametrize(
    "query",
    [
        "state=lost",
        "unit=nowhere",
        "whose=theirs",
        "q=%00",
        "q=" + "x" * 201,
        "page=x",
        "kind=nothing",
        "consultant=me",
        "since=soon",
        "until=0001-01-01",
        "sort=price",
        "dated=never",
    ],
)
def test_a_filter_that_makes_no_sense_is_no_error(network: Network, some: Any, query: str) -> None:
    assert shown(network, "author", f"/vouchers/?{query}") == titles(*State)


def test_an_empty_list_says_what_to_do(network: Network) -> None:
    stranger = signed_in(network.stranger)
    assert b"There is no voucher yet that you are part of" in stranger.get("/vouchers/").content
    assert b"No voucher fits" in stranger.get("/vouchers/?state=active").content
    assert b"You have no voucher yet" in stranger.get("/").content
    assert b"You have not asked anything yet" in stranger.get("/inquiries/").content
    assert b"Nobody has asked yet" in signed_in(network.lead).get("/inquiries/").content


def test_long_lists_have_pages_that_keep_the_filter(network: Network) -> None:
    for number in range(PAGE_SIZE + 1):
        a_draft(network, title=f"{number:02d}")
    author = signed_in(network.author)
    first = author.get("/vouchers/?state=draft").content.decode()
    assert "Page 1 of 2, 26 in all" in first
    assert '"?state=draft&amp;page=2" rel="next"' in first
    assert shown(network, "author", "/vouchers/?state=draft&page=2") == {"00"}
    assert shown(network, "author", "/vouchers/?page=99999999999999999999") == {"00"}
    second = author.get("/vouchers/?page=2&state=draft").content.decode()
    assert len(re.findall(r'href="[^"]*page=', second)) == 1
    assert 'rel="prev"' in second


def test_the_home_page_puts_first_what_waits_for_one(network: Network, some: Any) -> None:
    context = signed_in(network.author).get("/").context
    assert {v.title for v, _ in context["waiting"]} == titles(
        State.DRAFT, State.RETURNED, State.REPORTED
    )
    assert not {v.pk for v, _ in context["waiting"]} & {v.pk for v, _ in context["recent"]}
    assert all(step is not None for _, step in context["waiting"])
    assert all(step is None for _, step in context["recent"])


def test_a_voucher_page_shows_its_state_its_next_step_and_nothing_for_others(
    network: Network, some: dict[State, Voucher]
) -> None:
    for state, voucher in some.items():
        html = signed_in(network.author).get(f"/vouchers/{voucher.reference}/").content.decode()
        assert str(state.label) in html
        assert ("Your turn" in html) == (state in (State.DRAFT, State.RETURNED, State.REPORTED)), (
            state
        )
    active = some[State.ACTIVE].reference
    consultant = signed_in(network.consultant).get(f"/vouchers/{active}/").content.decode()
    assert f"evidesk push DIR --voucher {active}" in consultant
    assert "overdue" in consultant
    colleague = signed_in(network.colleague).get(f"/vouchers/{active}/").content.decode()
    assert "Your message" not in colleague


def test_rows_say_what_they_are(network: Network, some: dict[State, Voucher]) -> None:
    active = some[State.ACTIVE]
    assert str(active) == f"{active.reference} It is active"
    assert str(active.kind) == "Exploration"
    assert str(active.questionnaire) == "version 1"
    assert str(active.events.first()) == f"{active.reference}: started"
    assert active.is_overdue
    draft = some[State.DRAFT]
    assert (draft.ends_on, draft.is_overdue) == (None, False)
    draft.title = ""
    assert (draft.shown_title, str(draft)) == ("Untitled draft", draft.reference)
    assert str(Counter.objects.get()) == f"{active.created_at.year}: {len(State)}"
    inquiry = actions.inquire(subject="Hi", text="Hello", email="a@example.org", person=None)
    assert str(inquiry) == "Hi"
