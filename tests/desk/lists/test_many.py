"""A step for many vouchers: each by its own action and rule."""

from typing import Any

import pytest

from evidesk.desk.lists.many import MOST, STEPS_FOR_MANY
from evidesk.desk.lists.many import take as take_step
from evidesk.desk.people.rules import Refused
from evidesk.desk.vouchers.models import State, Voucher
from tests.desk.conftest import signed_in
from tests.desk.network import Network, fresh, voucher_in


@pytest.fixture
def some(network: Network) -> list[Voucher]:
    return [voucher_in(state, network) for state in (State.OFFERED, State.OFFERED, State.ACTIVE)]


def chosen(action: str, vouchers: list[Voucher], **more: str) -> dict[str, Any]:
    return {"action": action, "voucher": [v.reference for v in vouchers], **more}


def states(vouchers: list[Voucher]) -> list[str]:
    return [fresh(voucher).state for voucher in vouchers]


def test_before_anything_happens_the_page_says_what_would(
    network: Network, some: list[Voucher]
) -> None:
    page = signed_in(network.lead).get("/vouchers/many/", chosen("take-back", some))
    html = page.content.decode()
    assert "This will be done for 2 vouchers of 3." in html
    assert "It will be “Waiting for triage”." in html
    assert f"{some[2].reference} is “In progress”; this is possible only from" in html
    assert states(some) == ["offered", "offered", "active"]


def test_each_takes_the_step_by_its_own_rule_and_the_page_says_which(
    network: Network, some: list[Voucher]
) -> None:
    lead = signed_in(network.lead)
    sent = chosen("take-back", some, text="Too long.", back="state=offered")
    response = lead.post("/vouchers/many/", sent)
    assert response.url == "/vouchers/many/done/"
    assert states(some) == ["submitted", "submitted", "active"]
    assert some[0].events.latest("pk").text == "Too long."
    html = lead.get(response.url).content.decode()
    assert "Done for 2 vouchers of 3." in html
    assert "possible only from" in html
    assert "/vouchers/?state=offered" in html
    # To look again does nothing again; without a step there is nothing to look at.
    assert lead.get(response.url).status_code == 200
    assert signed_in(network.office).get("/vouchers/many/done/").url == "/vouchers/"


@pytest.mark.parametrize(
    ("action", "state", "facts", "after"),
    [
        ("message", State.ACTIVE, {"text": "We meet on Monday."}, State.ACTIVE),
        ("take-back", State.OFFERED, {}, State.SUBMITTED),
        ("close-without-feedback", State.REPORTED, {}, State.CLOSED),
        ("decline", State.SUBMITTED, {"text": "Not ours."}, State.DECLINED),
        ("hand-over", State.SUBMITTED, {"text": "Yours.", "unit": "HUB"}, State.SUBMITTED),
    ],
)
@pytest.mark.parametrize("who", ["lead", "office"])
def test_every_step_for_many(
    network: Network, who: str, action: str, state: State, facts: dict[str, str], after: State
) -> None:
    vouchers = [voucher_in(state, network) for _ in range(2)]
    client = signed_in(network[who])
    facts = {k: str(network.hub.pk) if v == "HUB" else v for k, v in facts.items()}
    assert client.get("/vouchers/many/", chosen(action, vouchers)).status_code == 200
    client.post("/vouchers/many/", chosen(action, vouchers, **facts))
    assert states(vouchers) == [after, after]
    assert {v.events.latest("pk").actor for v in vouchers} == {network[who]}


def test_what_is_missing_is_asked_for_and_nothing_happens(
    network: Network, some: list[Voucher]
) -> None:
    response = signed_in(network.lead).post("/vouchers/many/", chosen("message", some))
    assert response.status_code == 422
    assert "This field is required" in response.content.decode()
    assert all(v.events.latest("pk").kind != "message" for v in some)


def test_a_step_that_none_can_take_has_no_button(network: Network, some: list[Voucher]) -> None:
    page = signed_in(network.lead).get("/vouchers/many/", chosen("close-without-feedback", some))
    html = page.content.decode()
    assert "This is possible for none of the chosen vouchers." in html
    assert ">Close without feedback</button>" not in html


@pytest.mark.parametrize("who", ["author", "stranger", "colleague", "consultant", "outsider"])
def test_others_take_no_step_for_many(network: Network, some: list[Voucher], who: str) -> None:
    client = signed_in(network[who])
    assert client.get("/vouchers/many/", chosen("take-back", some)).status_code == 403
    assert client.post("/vouchers/many/", chosen("take-back", some)).status_code == 403
    assert states(some) == ["offered", "offered", "active"]
    with pytest.raises(Refused, match="Only the leads and the office"):
        take_step(STEPS_FOR_MANY["take-back"], network[who], some, {"text": ""})


def test_of_vouchers_that_one_may_not_see_nothing_is_told(
    network: Network, some: list[Voucher]
) -> None:
    client = signed_in(network.lead_elsewhere)
    for sent in (chosen("take-back", some), chosen("take-back", [])):
        for response in (client.get("/vouchers/many/", sent), client.post("/vouchers/many/", sent)):
            assert response.url == "/vouchers/?state="
    assert b"at least one voucher" in client.get("/vouchers/?state=").content
    assert states(some) == ["offered", "offered", "active"]


@pytest.mark.parametrize("action", ["", "submit", "offer", "delete", "__class__", "take-back\x00"])
def test_an_unknown_step_is_none(network: Network, some: list[Voucher], action: str) -> None:
    response = signed_in(network.lead).post("/vouchers/many/", chosen(action, some))
    assert response.status_code == 302
    assert states(some) == ["offered", "offered", "active"]


def test_too_many_and_nonsense_are_refused(network: Network, some: list[Voucher]) -> None:
    lead = signed_in(network.lead)
    references = [f"V-{number}" for number in range(MOST + 1)]
    response = lead.get("/vouchers/many/", {"action": "message", "voucher": references})
    assert response.status_code == 403
    assert "At most 100 vouchers at once; these are 101." in response.content.decode()
    strange = ["\x00", "' OR 1=1 --", "<b>", "😀" * 50, some[0].reference, some[0].reference]
    page = lead.get("/vouchers/many/", {"action": "message", "voucher": strange})
    assert page.status_code == 200
    assert len(page.context["answers"]) == 1
    back = {**chosen("message", []), "back": "//evil.example/?a=1&b=<x>"}
    assert lead.get("/vouchers/many/", back).url.startswith("/vouchers/?")


def test_a_page_can_be_chosen_as_a_whole_without_scripts(
    network: Network, some: list[Voucher]
) -> None:
    lead = signed_in(network.lead)
    assert lead.get("/vouchers/").content.count(b" checked>") == 0
    assert lead.get("/vouchers/?select=all").content.count(b" checked>") == 3
