"""What holds in the database: facts of a state, one transaction, and only one who wins."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import Conflict
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import Event, Inquiry, Kind, State, Voucher
from tests.desk.network import (
    WHO,
    Network,
    a_draft,
    a_network,
    fresh,
    voucher_in,
)

# What the database itself refuses

NOW = timezone.now()
IMPOSSIBLE: list[tuple[str, State, dict[str, Any]]] = [
    ("state_is_known", State.SUBMITTED, {"state": "lost"}),
    ("offered_means_to_somebody", State.OFFERED, {"offered_to": None}),
    ("offered_means_to_somebody", State.SUBMITTED, {"offered_to": "lead"}),
    ("work_has_consultant_and_plan", State.ACTIVE, {"consultant": None}),
    ("work_has_consultant_and_plan", State.ACTIVE, {"starts_on": None}),
    ("work_has_consultant_and_plan", State.ACTIVE, {"days": None}),
    ("work_has_consultant_and_plan", State.ACTIVE, {"days": 0}),
    ("work_has_consultant_and_plan", State.SUBMITTED, {"consultant": "lead"}),
    ("work_has_consultant_and_plan", State.SUBMITTED, {"days": 3}),
    ("submitted_has_date_and_kind", State.DRAFT, {"submitted_at": NOW}),
    ("submitted_has_date_and_kind", State.SUBMITTED, {"submitted_at": None}),
    ("submitted_has_date_and_kind", State.ACTIVE, {"kind": None}),
    ("ended_has_date", State.CLOSED, {"ended_at": None}),
    ("ended_has_date", State.ACTIVE, {"ended_at": NOW}),
    ("reported_has_report", State.REPORTED, {"report": ""}),
    ("reported_has_report", State.ACTIVE, {"report": "Early."}),
    ("agreed_to_a_text", State.ACTIVE, {"author_agreed_at": None}),
    ("agreed_to_a_text", State.SUBMITTED, {"agreement": None}),
    ("agreed_to_a_text", State.DRAFT, {"author_agreed_at": NOW}),
    ("work_is_agreed_by_both", State.ACTIVE, {"agreement": None, "author_agreed_at": None}),
    ("work_is_agreed_by_both", State.ACTIVE, {"consultant_agreed_at": None}),
    ("work_is_agreed_by_both", State.CLOSED, {"consultant_agreed_at": None}),
    ("public_has_summary", State.SUBMITTED, {"visibility": "public-summary"}),
    ("credit_and_visibility_are_known", State.DRAFT, {"credit": "fame"}),
    ("credit_and_visibility_are_known", State.DRAFT, {"visibility": "everything"}),
    ("clock_stands_still_only_when_returned", State.SUBMITTED, {"days_left": 3}),
    ("only_an_offer_expires", State.SUBMITTED, {"offered_until": NOW.date()}),
    ("rating_is_one_to_five_at_the_end", State.CLOSED, {"rating": 6}),
    ("rating_is_one_to_five_at_the_end", State.CLOSED, {"rating": 0}),
    ("rating_is_one_to_five_at_the_end", State.REPORTED, {"rating": 3}),
]


@pytest.mark.parametrize(("constraint", "state", "columns"), IMPOSSIBLE)
def test_the_database_refuses_states_without_their_facts(
    network: Network, constraint: str, state: State, columns: dict[str, Any]
) -> None:
    voucher = voucher_in(state, network)
    columns = {name: network[value] if value in WHO else value for name, value in columns.items()}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Voucher.objects.filter(pk=voucher.pk).update(**columns)


def test_every_constraint_of_a_voucher_is_tried() -> None:
    assert {name for name, _, _ in IMPOSSIBLE} == {c.name for c in Voucher._meta.constraints}


def test_an_answer_has_an_author_and_a_date_and_a_voucher_has_a_person(network: Network) -> None:
    inquiry = actions.inquire(subject="Hi", text="Hello", email="a@example.org", person=None)
    rows = Inquiry.objects.filter(pk=inquiry.pk)
    with pytest.raises(IntegrityError, match="answered_by_somebody"), transaction.atomic():
        rows.update(answer="Yes")
    with pytest.raises(IntegrityError, match="answered_by_somebody"), transaction.atomic():
        rows.update(answered_by=network.lead)
    with pytest.raises(IntegrityError, match="inquiry_with_voucher"), transaction.atomic():
        rows.update(voucher=a_draft(network))


def test_a_kind_has_limits_that_make_sense(db: None) -> None:
    with pytest.raises(IntegrityError, match="kind_limits_make_sense"), transaction.atomic():
        Kind.objects.update(max_days=0)


# One transaction, and nobody moves a voucher that has moved


def test_a_step_on_a_stale_page_is_a_conflict_and_leaves_no_event(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    stale = fresh(voucher)
    actions.decline(voucher, network.lead, "Not ours.")
    events = Event.objects.count()
    with pytest.raises(Conflict, match="has changed in the meantime"):
        actions.offer(stale, network.office, network.consultant)
    assert fresh(voucher).state == State.DECLINED
    assert Event.objects.count() == events


def test_a_document_that_changed_after_it_was_checked_is_not_submitted(network: Network) -> None:
    voucher = a_draft(network)
    seen = fresh(voucher)
    actions.save_draft(
        voucher,
        network.author,
        revision=1,
        title="",
        kind=None,
        unit=network.spoke,
        answers={},
    )
    with pytest.raises(Conflict):
        actions.submit(seen, network.author)
    assert fresh(voucher).state == State.DRAFT


def test_if_the_event_cannot_be_written_the_state_stays(network: Network) -> None:
    voucher = voucher_in(State.DRAFT, network)
    with pytest.raises(TypeError):
        actions.transition(
            voucher,
            "submit",
            network.author,
            changes={"submitted_at": timezone.now()},
            fact=object(),  # no JSON
        )
    assert fresh(voucher).state == State.DRAFT
    assert [event.kind for event in voucher.events.all()] == ["started"]


def test_of_two_who_act_at_once_one_wins_and_the_other_is_told(file_database: None) -> None:
    network = a_network()
    voucher = voucher_in(State.SUBMITTED, network)
    both_have_looked = threading.Barrier(2)
    outcomes: list[str] = []

    def act(who: str, action: Callable[[Voucher, Person], None]) -> None:
        try:
            seen, someone = fresh(voucher), network[who]
            assert someone.roles
            both_have_looked.wait(10)
            action(seen, someone)
            outcomes.append(seen.state)
        except Conflict:
            outcomes.append("conflict")
        finally:
            connection.close()

    threads = [
        threading.Thread(target=act, args=args)
        for args in (
            ("lead", lambda v, p: actions.offer(v, p, network.consultant)),
            ("office", lambda v, p: actions.decline(v, p, "Not ours.")),
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    after = fresh(voucher)
    assert sorted(outcomes) == sorted(["conflict", after.state])
    assert [e.kind for e in after.events.all()] == [
        "started",
        "submit",
        "offer" if after.state == State.OFFERED else "decline",
    ]


def test_numbers_are_handed_out_once_even_to_many_at_once(file_database: None) -> None:
    network = a_network()

    def start() -> None:
        for _ in range(5):
            actions.start_voucher(network.author)
        connection.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    year = timezone.localdate().year
    references = sorted(Voucher.objects.values_list("reference", flat=True))
    assert references == [f"V-{year}-{number:04d}" for number in range(1, 21)]
