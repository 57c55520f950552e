"""Who is told of what: the table is complete, and does as it says."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evidesk.desk.notices.kinds import BY_KIND, TABLE, WAYS, Topic, Way, as_markdown
from evidesk.desk.notices.models import Notice
from evidesk.desk.people.actions import create_token
from evidesk.desk.people.models import Person
from evidesk.desk.runs import actions as run_actions
from evidesk.desk.vouchers import actions, signals
from evidesk.desk.vouchers.models import Event, EventKind, State, Voucher
from evidesk.desk.vouchers.workflow import BY_ACTION
from tests.desk.network import Network, fresh, voucher_in


def told(network: Network, kind: str) -> set[str]:
    """Who was told last of the kind, by their names in the network."""
    people = {getattr(network, who).pk: who for who in vars(network) if who not in ("hub", "spoke")}
    latest = Notice.objects.filter(kind=kind).order_by("pk").last()
    if latest is None:
        return set()
    same = Notice.objects.filter(kind=kind, event=latest.event, inquiry=latest.inquiry)
    return {people[pk] for pk in same.values_list("person_id", flat=True)}


def test_every_event_and_every_action_is_in_the_table() -> None:
    assert {*BY_ACTION, *EventKind.values} <= set(BY_KIND)
    assert len(BY_KIND) == len(TABLE)


def test_every_topic_has_ways_and_the_account_is_always_told_at_once() -> None:
    assert set(WAYS) == set(Topic)
    assert WAYS[Topic.SECURITY] == (Way.NOW,)


def test_the_docs_table_names_every_row() -> None:
    lines = as_markdown().splitlines()
    assert len(lines) == len(TABLE) + 2
    assert any("somebody wrote" in line and "a lead of the unit" in line for line in lines)
    assert any("`token-created`" in line and "the person themselves" in line for line in lines)


def test_the_good_way_tells_whose_turn_it_is(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    assert told(network, "started") == set()
    assert told(network, "submit") == {"lead", "office"}
    actions.offer(voucher, network.lead, network.consultant)
    assert told(network, "offer") == {"consultant"}
    actions.accept(voucher, network.consultant, voucher.created_at.date(), 10)
    assert told(network, "accept") == {"author", "lead", "office"}
    actions.plan(voucher, network.consultant, voucher.created_at.date(), 9)
    assert told(network, "plan") == {"author"}
    actions.extend(voucher, network.consultant, 12, "More data.")
    assert told(network, "extend") == {"author"}
    run_actions.report(voucher, network.consultant, "It works.")
    assert told(network, "report") == {"author"}
    actions.close(fresh(voucher), network.author)
    assert told(network, "close") == {"consultant", "lead", "office"}


def test_the_other_ways(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    actions.send_back(voucher, network.lead, "How many?")
    assert told(network, "return") == {"author"}
    actions.submit(voucher, network.author)
    actions.offer(voucher, network.office, network.consultant)
    actions.turn_down(voucher, network.consultant, "On holiday.")
    assert told(network, "turn-down") == {"lead", "office"}
    actions.decline(voucher, network.lead, "Not ours.")
    assert told(network, "decline") == {"author"}


def test_the_new_unit_and_the_scientist_are_told_of_a_hand_over(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    actions.hand_over(voucher, network.lead, network.hub, "Closer to them.")
    assert {"author", "lead_elsewhere"} <= told(network, "hand-over")


def test_an_offer_that_ended_is_told_to_those_who_decide_and_to_who_had_it(
    network: Network,
) -> None:
    voucher = voucher_in(State.OFFERED, network)
    Voucher.objects.update(offered_until=timezone.localdate() - timedelta(days=1))
    actions.expire(fresh(voucher))
    assert told(network, "expire") == {"consultant", "lead", "office"}


def test_whoever_had_an_offer_is_told_that_it_is_gone(network: Network) -> None:
    voucher = voucher_in(State.OFFERED, network)
    actions.take_back(voucher, network.lead)
    assert told(network, "take-back") == {"consultant"}
    voucher = voucher_in(State.OFFERED, network)
    actions.withdraw(voucher, network.author)
    assert told(network, "withdraw") == {"consultant", "lead", "office"}
    assert not Notice.objects.filter(person=network.author, kind="withdraw").exists()


def test_a_draft_is_nobodys_business(network: Network) -> None:
    actions.withdraw(voucher_in(State.DRAFT, network), network.author)
    assert Notice.objects.count() == 0


def test_leads_and_office_hear_of_messages_until_a_consultant_works(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    actions.write(voucher, network.author, "One more thing.")
    assert told(network, "message") == {"lead", "office"}
    voucher = voucher_in(State.ACTIVE, network)
    actions.write(voucher, network.author, "Here they are.")
    assert told(network, "message") == {"consultant"}
    actions.write(voucher, network.lead, "May I?")
    assert told(network, "message") == {"author", "consultant"}


def test_people_who_have_left_are_not_told(network: Network) -> None:
    Person.objects.filter(pk__in=[network.lead.pk, network.consultant.pk]).update(is_active=False)
    voucher = voucher_in(State.ACTIVE, network)
    Notice.objects.all().delete()
    actions.write(voucher, network.author, "Anybody?")
    assert told(network, "message") == set()
    assert told(network, "submit") == set()


def test_an_inquiry_is_told_to_those_who_answer_and_its_answer_to_who_asked(
    network: Network,
) -> None:
    asked = actions.inquire(
        subject="Hi", text="Hello", email="a@example.org", person=network.author
    )
    assert told(network, "inquired") == {"lead", "lead_elsewhere", "office"}
    actions.answer_inquiry(asked, network.lead, "Yes.")
    assert told(network, "inquiry-answered") == {"author"}


def test_a_new_token_is_told_to_its_owner(network: Network) -> None:
    create_token(network.author, "laptop")
    notice = Notice.objects.get()
    assert (notice.person, notice.kind, notice.text) == (network.author, "token-created", "laptop")
    token = network.author.tokens.get()
    token.save()
    assert Notice.objects.count() == 1, "only a new one"


def test_what_the_table_does_not_know_tells_nobody(network: Network) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    before = Notice.objects.count()
    event = Event.objects.create(voucher=voucher, kind="moved-to-mars", actor=network.author)
    signals.recorded.send(Event, event=event)
    assert Notice.objects.count() == before


def test_a_listener_that_fails_ends_the_deed(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    voucher = voucher_in(State.SUBMITTED, network)

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr("evidesk.desk.notices.actions.tell", fail)
    with pytest.raises(RuntimeError):
        actions.decline(voucher, network.lead, "No.")
    assert Voucher.objects.get(pk=voucher.pk).state == State.SUBMITTED
