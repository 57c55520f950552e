"""The voucher's way: who may take which step from where, and what holds in the database."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from evidesk.desk.people.models import Person, Unit
from evidesk.desk.people.rules import Refused
from evidesk.desk.runs import actions as run_actions
from evidesk.desk.vouchers import actions, queries, rules, workflow
from evidesk.desk.vouchers.models import ENDS, Kind, State, Voucher
from evidesk.desk.vouchers.workflow import BY_ACTION, NEXT_STEP, TRANSITIONS, WAITING, Part
from tests.desk.network import (
    ANSWERS,
    STARTS_ON,
    WHO,
    Network,
    a_draft,
    fresh,
    person,
    voucher_in,
)

DO: dict[str, Callable[[Voucher, Person, Network], Any]] = {
    "submit": lambda v, p, n: actions.submit(v, p),
    "return": lambda v, p, n: actions.send_back(v, p, "How many?"),
    "decline": lambda v, p, n: actions.decline(v, p, "Not ours."),
    "offer": lambda v, p, n: actions.offer(v, p, n.consultant, "Please"),
    "hand-over": lambda v, p, n: actions.hand_over(v, p, n.hub, "Closer to them."),
    "expire": lambda v, p, n: actions.transition(v, "expire", p),
    "take-back": lambda v, p, n: actions.take_back(v, p),
    "turn-down": lambda v, p, n: actions.turn_down(v, p, "On holiday."),
    "accept": lambda v, p, n: actions.accept(v, p, STARTS_ON, 10),
    "plan": lambda v, p, n: actions.plan(v, p, STARTS_ON, 9),
    "extend": lambda v, p, n: actions.extend(v, p, 12, "More data."),
    "report": lambda v, p, n: run_actions.report(v, p, "It works."),
    "close": lambda v, p, n: actions.close(v, p),
    "close-without-feedback": lambda v, p, n: actions.close_without_feedback(v, p),
    "withdraw": lambda v, p, n: actions.withdraw(v, p),
}


def part_of(who: str, state: State) -> Part | None:
    """The part that each of the network's people plays for the voucher."""
    if who == "consultant":
        return {
            State.OFFERED: Part.OFFERED,
            State.ACTIVE: Part.CONSULTANT,
            State.REPORTED: Part.CONSULTANT,
            State.CLOSED: Part.CONSULTANT,
        }.get(state)
    return {"author": Part.AUTHOR, "lead": Part.TRIAGE, "office": Part.TRIAGE}.get(who)


def may_see(who: str, state: State) -> bool:
    if part_of(who, state) in (Part.AUTHOR, Part.OFFERED, Part.CONSULTANT):
        return True
    return who in ("colleague", "lead", "office") and state != State.DRAFT


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("state", State)
def test_each_step_is_possible_exactly_for_whom_and_from_where_the_table_says(
    network: Network, state: State, who: str
) -> None:
    voucher = voucher_in(state, network)
    events = voucher.events.count()
    assert set(DO) == set(BY_ACTION)
    for action, row in BY_ACTION.items():
        someone, seen = network[who], fresh(voucher)
        if state not in row.sources:
            reason = f"{voucher.reference} is “{state.label}”; this is possible only from"
        elif part_of(who, state) not in row.who:
            reason = "Only .* can do this"
        else:
            with transaction.atomic():
                DO[action](seen, someone, network)
                event = seen.events.last()
                assert seen.state == fresh(voucher).state == row.target
                assert (event.kind, event.actor) == (action, someone)
                assert event.data["state"] == row.target
                assert (seen.ended_at is not None) == (row.target in ENDS)
                transaction.set_rollback(True)
            continue
        with pytest.raises(Refused, match=reason):
            DO[action](seen, someone, network)
        assert fresh(voucher).state == state
    assert voucher.events.count() == events


@pytest.mark.parametrize(
    ("who", "state", "action", "target"),
    [
        ("author", State.DRAFT, "submit", State.SUBMITTED),
        ("author", State.RETURNED, "submit", State.SUBMITTED),
        ("lead", State.SUBMITTED, "offer", State.OFFERED),
        ("office", State.SUBMITTED, "decline", State.DECLINED),
        ("lead", State.SUBMITTED, "return", State.RETURNED),
        ("lead", State.OFFERED, "take-back", State.SUBMITTED),
        ("consultant", State.OFFERED, "turn-down", State.SUBMITTED),
        ("consultant", State.OFFERED, "accept", State.ACTIVE),
        ("consultant", State.ACTIVE, "plan", State.ACTIVE),
        ("consultant", State.ACTIVE, "report", State.REPORTED),
        ("author", State.REPORTED, "close", State.CLOSED),
        ("office", State.REPORTED, "close-without-feedback", State.CLOSED),
        ("office", State.REPORTED, "close", None),
        ("author", State.REPORTED, "close-without-feedback", None),
        ("author", State.ACTIVE, "withdraw", State.WITHDRAWN),
        ("author", State.SUBMITTED, "offer", None),
        ("lead_elsewhere", State.SUBMITTED, "offer", None),
        ("colleague", State.OFFERED, "accept", None),
        ("lead", State.OFFERED, "accept", None),
        ("author", State.ACTIVE, "report", None),
        ("office", State.ACTIVE, "report", None),
        ("author", State.REPORTED, "withdraw", None),
        ("author", State.ACTIVE, "submit", None),
        ("consultant", State.REPORTED, "close", None),
        ("stranger", State.DRAFT, "submit", None),
        ("author", State.CLOSED, "close", None),
    ],
)
def test_the_table_is_the_one_that_was_agreed(
    network: Network, who: str, state: State, action: str, target: State | None
) -> None:
    voucher = voucher_in(state, network)
    if target is None:
        with pytest.raises(Refused):
            DO[action](voucher, network[who], network)
        assert fresh(voucher).state == state
    else:
        DO[action](voucher, network[who], network)
        assert fresh(voucher).state == target


def test_a_refusal_says_who_can_and_from_where(network: Network) -> None:
    voucher = voucher_in(State.OFFERED, network)
    with pytest.raises(Refused, match=r"^Only a lead of the unit or the office can do this\.$"):
        actions.take_back(voucher, network.author)
    with pytest.raises(Refused) as refusal:
        actions.submit(voucher, network.author)
    assert str(refusal.value) == (
        f"{voucher.reference} is “Offered to a consultant”; "
        "this is possible only from “Draft” or “Back with questions”."
    )


# Guards


def test_an_incomplete_voucher_is_not_submitted_and_the_refusal_lists_what_is_missing(
    network: Network,
) -> None:
    voucher = actions.start_voucher(network.author)
    with pytest.raises(Refused) as refusal:
        actions.submit(voucher, network.author)
    assert str(refusal.value) == (
        "Please fill in first: Kind; Title; What is it about?; Who is it for?; "
        "What is the context?; What data do you have?"
    )


@pytest.mark.parametrize("blank", ["", "  \n\t "])
@pytest.mark.parametrize(
    ("state", "who", "action", "what"),
    [
        (State.SUBMITTED, "lead", actions.send_back, "the questions"),
        (State.SUBMITTED, "lead", actions.decline, "the reason"),
        (State.OFFERED, "consultant", actions.turn_down, "the reason"),
        (State.ACTIVE, "consultant", run_actions.report, "the report"),
        (
            State.SUBMITTED,
            "lead",
            lambda v, p, t: actions.hand_over(v, p, Unit.objects.get(slug="hub"), t),
            "the reason",
        ),
        (State.ACTIVE, "consultant", lambda v, p, t: actions.extend(v, p, 12, t), "the reason"),
    ],
)
def test_what_has_to_be_said_cannot_be_blank(
    network: Network, state: State, who: str, action: Any, what: str, blank: str
) -> None:
    voucher = voucher_in(state, network)
    with pytest.raises(Refused, match=f"Please write {what}"):
        action(voucher, network[who], blank)
    assert fresh(voucher).state == state


def test_a_voucher_is_offered_only_to_an_active_consultant_or_lead_other_than_its_author(
    network: Network,
) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    gone = person("Gone", network.spoke, "consultant")
    Person.objects.filter(pk=gone.pk).update(is_active=False)
    gone.refresh_from_db()
    for somebody, reason in (
        (network.author, "Nobody can be their own consultant"),
        (network.stranger, "is not a consultant of the network"),
        (network.office, "is not a consultant of the network"),
        (gone, "is not a consultant of the network"),
    ):
        with pytest.raises(Refused, match=reason):
            actions.offer(voucher, network.lead, somebody)
    actions.offer(voucher, network.lead, network.lead)
    assert voucher.offered_to == network.lead


@pytest.mark.parametrize(
    ("kind", "days", "fits"),
    [
        ("exploration", 0, False),
        ("exploration", 1, True),
        ("exploration", 14, True),
        ("exploration", 15, False),
        ("exploration", -3, False),
        ("implementation", 14, False),
        ("implementation", 15, True),
        ("implementation", 184, True),
        ("implementation", 185, False),
    ],
)
def test_the_planned_length_is_within_the_limits_of_its_kind(
    network: Network, kind: str, days: int, fits: bool
) -> None:
    voucher = voucher_in(State.OFFERED, network)
    Voucher.objects.update(kind=Kind.objects.get(slug=kind))
    voucher = fresh(voucher)
    if fits:
        actions.accept(voucher, network.consultant, STARTS_ON, days)
        assert (voucher.ends_on - STARTS_ON).days == days - 1
    else:
        with pytest.raises(Refused, match=f"days, not {days}"):
            actions.accept(voucher, network.consultant, STARTS_ON, days)
        assert fresh(voucher).state == State.OFFERED


def test_a_member_of_the_unit_who_asks_does_not_decide_on_their_own_voucher(
    network: Network,
) -> None:
    voucher = actions.start_voucher(network.lead)
    actions.save_draft(
        voucher,
        network.lead,
        revision=0,
        title="Mine",
        kind=Kind.objects.get(slug="exploration"),
        unit=network.spoke,
        answers=ANSWERS,
    )
    voucher = fresh(voucher)
    actions.submit(voucher, network.lead)
    assert rules.parts(network.lead, voucher) == {Part.AUTHOR}
    assert rules.next_step(network.lead, voucher) is None
    assert voucher not in queries.waiting_for(network.lead)
    with pytest.raises(Refused):
        actions.offer(voucher, network.lead, network.consultant)


def test_only_the_scientist_gives_feedback_and_a_lead_may_close_without(network: Network) -> None:
    voucher = voucher_in(State.REPORTED, network)
    with pytest.raises(Refused, match="Only the scientist who asks can do this"):
        actions.close(voucher, network.lead, rating=5)
    actions.close_without_feedback(voucher, network.lead)
    assert (voucher.rating, voucher.feedback, voucher.state) == (None, "", State.CLOSED)


def test_the_first_submission_keeps_its_date_when_it_is_submitted_again(network: Network) -> None:
    voucher = voucher_in(State.RETURNED, network)
    first = voucher.submitted_at
    actions.submit(voucher, network.author)
    assert voucher.submitted_at == first


# Seeing and waiting: the rules and the queries agree


@pytest.mark.parametrize("state", State)
def test_lists_show_what_one_may_see_and_what_waits_for_one(network: Network, state: State) -> None:
    voucher = voucher_in(state, network)
    for who in WHO:
        someone = network[who]
        assert rules.may_see(someone, voucher) == may_see(who, state), who
        assert (voucher in queries.visible_to(someone)) == may_see(who, state), who
        expected = NEXT_STEP.get((state, part_of(who, state)))
        step = rules.next_step(someone, voucher)
        assert (voucher in queries.waiting_for(someone)) == (step is not None), who
        assert (step and step.action) == (expected and expected[0]), who
        assert rules.hint(someone, voucher) == (expected[1] if expected else WAITING[state])


def test_a_draft_that_was_withdrawn_stays_its_authors_secret(network: Network) -> None:
    voucher = a_draft(network)
    actions.withdraw(voucher, network.author)
    for who in WHO:
        assert rules.may_see(network[who], voucher) == (who == "author")
        assert queries.visible_to(network[who]).exists() == (who == "author")


def test_whoever_turned_an_offer_down_does_not_see_the_voucher_any_more(network: Network) -> None:
    voucher = voucher_in(State.OFFERED, network)
    actions.turn_down(voucher, network.consultant, "On holiday.")
    assert not rules.may_see(network.consultant, voucher)
    assert not queries.visible_to(network["consultant"]).exists()


@pytest.mark.parametrize("state", State)
def test_what_is_possible_is_listed_in_the_order_of_the_table(
    network: Network, state: State
) -> None:
    voucher = voucher_in(state, network)
    for who in WHO:
        part = part_of(who, state)
        assert rules.possible(network[who], voucher) == [
            row for row in TRANSITIONS if state in row.sources and part in row.who
        ]


def test_every_next_step_is_one_that_its_part_can_take() -> None:
    for (state, part), (action, _) in NEXT_STEP.items():
        assert state in BY_ACTION[action].sources
        assert part in BY_ACTION[action].who
    assert set(WAITING) == set(State)


def test_the_docs_show_one_row_for_each_action() -> None:
    docs = Path(__file__).parents[3] / "docs"
    assert (docs / "tables" / "workflow.md").read_text(encoding="utf-8") == workflow.as_markdown()
    lines = workflow.as_markdown().splitlines()
    assert len(lines) == 2 + len(TRANSITIONS)
    assert lines[2] == (
        "| Submit | Draft, Back with questions | Waiting for triage | the scientist who asks "
        "| title, kind and every question are filled in |"
    )
    assert lines[8].endswith("| a lead of the unit or the office | - |")
