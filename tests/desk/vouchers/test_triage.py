"""Triage: clocks that run and stand still, the inbox, offers, hand-over, similar vouchers."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from evidesk.desk.people import staffing
from evidesk.desk.people.calendar import add_working_days
from evidesk.desk.people.models import Person, Skill, Unit
from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.vouchers import actions, clock, jobs, queries, rules, similar, triage, work
from evidesk.desk.vouchers.models import Kind, State, Voucher
from tests.desk.conftest import signed_in
from tests.desk.network import (
    STARTS_ON,
    WHO,
    Network,
    a_draft,
    fresh,
    voucher_in,
)

BERLIN = ZoneInfo("Europe/Berlin")


def today() -> date:
    return timezone.localdate()


def in_days(unit: Unit, days: int) -> date:
    return add_working_days(today(), days, unit.state)


# Clocks


def test_a_submission_starts_the_clocks_by_the_units_targets(network: Network) -> None:
    Unit.objects.filter(slug="spoke").update(respond_days=3, decide_days=7)
    voucher = voucher_in(State.SUBMITTED, network)
    unit = voucher.unit
    assert (voucher.respond_by, voucher.decide_by) == (in_days(unit, 3), in_days(unit, 7))
    assert voucher.responded_at is None


def test_the_clock_stands_still_while_the_scientist_has_it(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    unit = voucher.unit
    Voucher.objects.update(decide_by=in_days(unit, 4))
    voucher = fresh(voucher)
    actions.send_back(voucher, network.lead, "How many?")
    assert (voucher.decide_by, voucher.days_left) == (None, 4)
    assert voucher.responded_at is not None
    actions.submit(voucher, network.author)
    assert (voucher.decide_by, voucher.days_left) == (in_days(unit, 4), None)


def test_what_was_overdue_is_overdue_again_when_it_comes_back(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    start = in_days(voucher.unit, 0)
    Voucher.objects.update(decide_by=add_working_days(start, -3, voucher.unit.state))
    voucher = fresh(voucher)
    actions.send_back(voucher, network.lead, "How many?")
    assert voucher.days_left <= -3
    actions.submit(voucher, network.author)
    due = clock.due_of(voucher, today())
    assert (due.what, due.level) == ("decision", "overdue")
    assert due.overdue >= 3


def test_an_offer_has_an_end_of_its_own_and_the_decision_begins_anew(network: Network) -> None:
    voucher = voucher_in(State.OFFERED, network)
    unit = voucher.unit
    assert (voucher.decide_by, voucher.offered_until) == (None, in_days(unit, 5))
    actions.turn_down(voucher, network.consultant, "On holiday.")
    assert (voucher.decide_by, voucher.offered_until) == (in_days(unit, 5), None)


@pytest.mark.parametrize("who", ["author", "lead"])
def test_the_first_word_of_the_team_is_the_first_response(network: Network, who: str) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    actions.write(voucher, network[who], "Hello")
    assert (fresh(voucher).responded_at is not None) == (who == "lead")
    first = fresh(voucher).responded_at
    actions.write(fresh(voucher), network["office"], "Me too")
    assert (fresh(voucher).responded_at == first) == (who == "lead")


@pytest.mark.parametrize("state", State)
def test_a_clock_runs_exactly_where_somebody_has_to_decide(network: Network, state: State) -> None:
    due = clock.due_of(voucher_in(state, network), today())
    runs = {State.SUBMITTED: "response", State.OFFERED: "offer", State.RETURNED: "paused"}
    assert (due and due.what) == runs.get(state)


@pytest.mark.parametrize(
    ("days", "level", "overdue"),
    [(-2, "overdue", 2), (0, "soon", 0), (1, "soon", 0), (2, "fine", 0)],
)
def test_how_urgent_it_is_is_said_in_words_and_colour(days: int, level: str, overdue: int) -> None:
    due = clock.Due("decision", date(2026, 11, 24), days)
    assert (due.level, due.overdue) == (level, overdue)
    assert clock.Due("paused", None, 3).level == "paused"


def test_clocks_count_the_days_of_the_units_state(network: Network) -> None:
    voucher = a_draft(network)
    voucher.unit.state, voucher.unit.respond_days = "SN", 1
    before = datetime(2026, 11, 17, 10, tzinfo=BERLIN)  # the day before a holiday in Saxony
    assert clock.moved(voucher, "submit", State.SUBMITTED, before)["respond_by"] == date(
        2026, 11, 19
    )
    voucher.unit.state = "BY"
    assert clock.moved(voucher, "submit", State.SUBMITTED, before)["respond_by"] == date(
        2026, 11, 18
    )


def test_work_that_was_never_timed_waits_without_a_clock(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    Voucher.objects.update(respond_by=None, decide_by=None)
    assert clock.due_of(fresh(voucher), today()) is None
    actions.send_back(fresh(voucher), network.lead, "How many?")
    assert fresh(voucher).days_left == 0


# Offers that expire


def expired(network: Network) -> Voucher:
    voucher = voucher_in(State.OFFERED, network)
    Voucher.objects.update(offered_until=today() - timedelta(days=1))
    return fresh(voucher)


def test_the_desk_ends_an_offer_that_nobody_answered(network: Network) -> None:
    voucher = expired(network)
    holds = voucher_in(State.OFFERED, network)
    assert jobs.end_expired_offers() == 1
    voucher = fresh(voucher)
    assert (voucher.state, voucher.offered_to) == (State.SUBMITTED, None)
    assert voucher.decide_by == in_days(voucher.unit, 5)
    event = voucher.events.last()
    assert (event.kind, event.actor) == ("expire", None)
    assert fresh(holds).state == State.OFFERED
    html = signed_in(network.lead).get(f"/vouchers/{voucher.reference}/").content.decode()
    assert "The desk</strong> ended the offer, which nobody answered" in html
    assert jobs.end_expired_offers() == 0


def test_an_offer_holds_through_its_last_day(network: Network) -> None:
    voucher = voucher_in(State.OFFERED, network)
    Voucher.objects.update(offered_until=today())
    with pytest.raises(Refused, match="still holds"):
        actions.expire(fresh(voucher))
    Voucher.objects.update(offered_until=None)
    with pytest.raises(Refused, match="still holds"):
        actions.expire(fresh(voucher))


def test_no_person_ends_an_offer_as_the_desk(network: Network) -> None:
    voucher = expired(network)
    for who in WHO:
        with pytest.raises(Refused, match="Only the desk itself"):
            actions.transition(voucher, "expire", network[who], facts={"today": today()})
    with pytest.raises(Refused, match="Only a lead of the unit or the office"):
        actions.transition(voucher, "take-back", None)


def test_an_answer_at_the_same_moment_stays(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    voucher = expired(network)

    def too_late(seen: Voucher) -> None:
        actions.accept(fresh(seen), network.consultant, STARTS_ON, 10)
        expire(seen)

    expire = actions.expire
    monkeypatch.setattr(actions, "expire", too_late)
    assert jobs.end_expired_offers() == 0
    assert fresh(voucher).state == State.ACTIVE


# Hand-over


def test_a_voucher_goes_to_another_unit_with_its_thread_and_both_see_it(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    actions.write(voucher, network.lead, "Let me ask the hub.")
    decide_by = voucher.decide_by
    actions.hand_over(voucher, network.lead, network.hub, "They know the method.")
    assert (voucher.unit, voucher.state) == (network.hub, State.SUBMITTED)
    assert voucher.decide_by == decide_by, "the scientist waits no longer for it"
    for who in ("lead", "colleague", "lead_elsewhere", "outsider"):
        assert rules.may_see(network[who], voucher), who
        assert voucher in queries.visible_to(network[who]), who
    assert not rules.may_see(network["stranger"], voucher)
    html = signed_in(network.lead).get(f"/vouchers/{voucher.reference}/").content.decode()
    assert "handed it over to Hub" in html
    assert "Let me ask the hub." in html
    with pytest.raises(Refused, match="Only a lead of the unit"):
        actions.offer(voucher, network.lead, network.consultant)
    actions.offer(voucher, network.lead_elsewhere, network.consultant)
    assert queries.visible_to(network["lead"]).count() == 1, "once, however it is seen"


def test_a_voucher_goes_only_to_another_unit_that_takes_vouchers(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    with pytest.raises(Refused, match="with this unit already"):
        actions.hand_over(voucher, network.lead, network.spoke, "Hm.")
    Unit.objects.filter(slug="hub").update(retired_at=timezone.now())
    with pytest.raises(Refused, match="takes no vouchers any more"):
        actions.hand_over(voucher, network.lead, Unit.objects.get(slug="hub"), "Hm.")
    address = f"/vouchers/{voucher.reference}/do/hand-over/"
    lead = signed_in(network.lead)
    sent = {"unit": network.hub.pk, "text": "Hm."}
    assert b"Select a valid choice" in lead.post(address, sent).content
    Unit.objects.update(retired_at=None)
    lead.post(address, sent)
    assert fresh(voucher).unit == network.hub


# The inbox


def test_the_inbox_lists_what_is_due_first(network: Network) -> None:
    names = ["overdue", "soon", "later", "offered", "returned"]
    states = [State.SUBMITTED] * 3 + [State.OFFERED, State.RETURNED]
    vouchers = {n: voucher_in(s, network, title=n) for n, s in zip(names, states, strict=True)}
    actions.write(vouchers["later"], network.lead, "Hello")
    days = {"overdue": -1, "soon": 1, "later": 4}
    for name, number in days.items():
        column = "decide_by" if name == "later" else "respond_by"
        due = today() + timedelta(days=number)
        Voucher.objects.filter(title=name).update(**{column: due})
    Voucher.objects.filter(title="offered").update(offered_until=today() + timedelta(days=2))
    assert [v.title for v in triage.inbox(network["lead"])] == [
        "overdue", "soon", "offered", "later", "returned"
    ]  # fmt: skip
    html = signed_in(network.lead).get("/inbox/").content.decode()
    assert "overdue since" in html
    assert "Clock stands still" in html
    assert "offered to Cyra Consultant" in html


def test_an_inbox_is_a_units_and_the_office_has_all(network: Network) -> None:
    ours = voucher_in(State.SUBMITTED, network)
    theirs = voucher_in(State.SUBMITTED, network)
    Voucher.objects.filter(pk=theirs.pk).update(unit=network.hub)
    for state in State:
        if state not in (State.SUBMITTED, State.OFFERED, State.RETURNED):
            voucher_in(state, network)
    assert list(triage.inbox(network["lead"])) == [ours]
    assert set(triage.inbox(network["office"])) == {ours, theirs}
    assert list(triage.inbox(network["office"], network.hub)) == [theirs]
    assert not triage.inbox(network["lead"], network.hub).exists()
    assert not triage.inbox(network["consultant"]).exists()
    office = signed_in(network.office)
    assert [v for v, _ in office.get("/inbox/?unit=hub").context["rows"]] == [theirs]
    assert len(office.get("/inbox/?unit=%00&page=x").context["rows"]) == 2
    Voucher.objects.update(author=network.lead)
    assert not triage.inbox(network["lead"]).exists(), "nobody decides on their own"
    assert b"Nothing waits for a decision" in signed_in(network.lead).get("/inbox/").content


# Who fits


@pytest.fixture
def skilled(network: Network) -> Network:
    """Two consultants with time, one of whom knows about trust."""
    office = network["office"]
    for who, skill in (("colleague", "Denoising"), ("consultant", "Trustworthy ML")):
        staffing.set_hours(network[who], office, Decimal(10))
        staffing.set_skills(network[who], office, Skill.objects.filter(name=skill))
    return network


@pytest.mark.parametrize("n", [1, 3])
def test_inbox_proposals_and_offer_ask_equally_often(
    skilled: Network, n: int, django_assert_num_queries: Any
) -> None:
    for _ in range(n):
        voucher = voucher_in(State.SUBMITTED, skilled)
        for state in (State.ACTIVE, State.OFFERED, State.RETURNED):
            voucher_in(state, skilled)
    staffing.set_hours(skilled["consultant"], skilled["office"], Decimal(39))
    similar.library()
    lead = signed_in(skilled.lead)
    with django_assert_num_queries(7):
        lead.get("/inbox/")
    with django_assert_num_queries(17):
        lead.get("/inbox/proposals/")
    with django_assert_num_queries(24):
        lead.get(reverse("offer", args=[voucher.reference]))


def best(network: Network, voucher: Voucher, who: str = "lead") -> list[tuple[str, bool]]:
    seen = queries.voucher_for(network[who], voucher.reference)
    return [(m.candidate.name, m.score > 0) for m in triage.ranking(network[who], seen)]


def test_who_knows_the_topic_and_has_time_comes_first(skilled: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, skilled)
    ranked = best(skilled, voucher)
    assert ranked[0] == ("Cyra Consultant", True)
    assert len(ranked) == 5, "every consultant and lead"
    html = signed_in(skilled.lead).get(reverse("offer", args=[voucher.reference])).content.decode()
    assert "skill “Trustworthy ML”" in html
    assert "(trust" in html
    assert "no conflict of interest is known" in html
    staffing.set_hours(skilled["consultant"], skilled["office"], Decimal(0))
    assert ("Cyra Consultant", False) in best(skilled, voucher)


def test_past_work_counts_and_is_named_to_those_who_may_see_it(skilled: Network) -> None:
    office = skilled["office"]
    staffing.set_skills(skilled["consultant"], office, [])
    past = voucher_in(State.ACTIVE, skilled, title="Trust in spring")
    voucher = voucher_in(State.SUBMITTED, skilled, title="Trust in autumn")
    ranked = triage.ranking(skilled["lead"], voucher)
    assert ranked[0].candidate.past.name == f"{past.reference} Trust in spring"
    assert ranked[0].candidate.past.similarity > 0.5
    Voucher.objects.update(unit=skilled.hub)
    Voucher.objects.filter(pk=voucher.pk).update(unit=skilled.spoke)
    ranked = triage.ranking(skilled["lead"], fresh(voucher))
    assert ranked[0].candidate.past.name == "a voucher that you may not see"
    assert ranked[0].candidate.past.words == ()
    assert ranked[0].candidate.past.similarity > 0.5


def test_open_offers_take_time_too(skilled: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, skilled)
    team = triage.Team(skilled["lead"])
    person = next(p for p in team.people if p == skilled.consultant)
    free = team.free_hours(person)
    offered = voucher_in(State.OFFERED, skilled)
    team = triage.Team(skilled["lead"])
    assert team.free_hours(person) == free - 16
    assert team.free_hours(person, voucher) == free - 16
    assert team.free_hours(person, offered) == free, "not the offer of this very voucher"


def test_a_conflict_of_interest_is_told_and_ends_the_score(skilled: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, skilled)
    staffing.declare_conflict(skilled["consultant"], skilled["consultant"], skilled.author)
    assert best(skilled, voucher)[-1] == ("Cyra Consultant", False)
    html = signed_in(skilled.lead).get(reverse("offer", args=[voucher.reference])).content.decode()
    assert "A conflict of interest with the scientist is declared." in html
    Unit.objects.update(home_conflict=True)
    ranked = triage.ranking(
        skilled["lead"], queries.voucher_for(skilled["lead"], voucher.reference)
    )
    assert all("scientist's own centre" in m.candidate.conflicts[-1] for m in ranked)
    Person.objects.exclude(pk=skilled.author.pk).update(home="")
    Voucher.objects.update(author=skilled.colleague)
    ranked = triage.ranking(skilled["office"], fresh(voucher))
    own = next(m for m in ranked if m.candidate.key == skilled.colleague.pk)
    assert own.candidate.conflicts == ("It is their own voucher.",)
    assert own.score == 0


def test_the_lead_decides_whatever_the_numbers_say(skilled: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, skilled)
    lead, address = signed_in(skilled.lead), reverse("offer", args=[voucher.reference])
    chosen = lead.get(f"{address}?consultant={skilled.outsider.pk}").content.decode()
    assert f'value="{skilled.outsider.pk}" selected' in chosen
    assert lead.get(f"{address}?consultant=%00x").status_code == 200
    assert b"Select a valid choice" in lead.post(address, {"consultant": "9" * 30}).content
    html = lead.post(address, {"consultant": skilled.outsider.pk}, follow=True).content.decode()
    assert "is offered to Otto Outsider." in html
    html = lead.get(address, follow=True).content.decode()
    assert "this is possible only from" in html


def test_who_was_asked_before_is_remembered(skilled: Network) -> None:
    voucher = voucher_in(State.OFFERED, skilled)
    actions.turn_down(voucher, skilled.consultant, "On holiday.")
    actions.offer(voucher, skilled.lead, skilled.outsider)
    actions.take_back(voucher, skilled.lead)
    actions.offer(voucher, skilled.lead, skilled.colleague)
    Voucher.objects.update(offered_until=today() - timedelta(days=1))
    jobs.end_expired_offers()
    html = signed_in(skilled.lead).get(reverse("offer", args=[voucher.reference])).content.decode()
    assert "Has turned this voucher down before." in html
    assert "the offer was taken back" in html
    assert "Did not answer an offer of this voucher." in html
    voucher.events.filter(kind="offer").update(data={})
    assert triage.turned_down(voucher) == {}, "from before the desk kept whom"


def test_an_offer_that_is_too_late_keeps_the_note(skilled: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, skilled)
    Person.objects.filter(pk=skilled.consultant.pk).update(is_active=True)
    lead, address = signed_in(skilled.lead), reverse("offer", args=[voucher.reference])
    offer = actions.offer

    def too_late(*args: Any) -> None:
        raise Conflict("Somebody was faster.")

    actions.offer = too_late
    try:
        sent = {"consultant": skilled.consultant.pk, "text": "For you?"}
        html = lead.post(address, sent).content.decode()
    finally:
        actions.offer = offer
    assert "Somebody was faster." in html
    assert "For you?" in html


def test_a_full_inbox_gets_a_proposal_that_is_confirmed_row_by_row(skilled: Network) -> None:
    one, two = (voucher_in(State.SUBMITTED, skilled, title=f"Trust {n}") for n in (1, 2))
    lead = signed_in(skilled.lead)
    html = lead.get("/inbox/proposals/").content.decode()
    assert "Offer to Cyra Consultant" in html
    rows = lead.get("/inbox/proposals/").context["rows"]
    assert {voucher for voucher, _ in rows} == {one, two}
    assert all(match is not None for _, match in rows)
    assert fresh(one).state == fresh(two).state == State.SUBMITTED, "nothing happens by itself"
    voucher, match = rows[0]
    sent = {"consultant": match.candidate.key, "next": "proposals"}
    response = lead.post(reverse("offer", args=[voucher.reference]), sent)
    assert response.url == "/inbox/proposals/"
    assert fresh(voucher).offered_to_id == match.candidate.key
    assert len(lead.get("/inbox/proposals/").context["rows"]) == 1


def test_without_hours_nobody_is_proposed(network: Network) -> None:
    voucher_in(State.SUBMITTED, network)
    lead = signed_in(network.lead)
    assert b"Nobody with free hours" in lead.get("/inbox/proposals/").content
    Voucher.objects.update(unit=network.hub)
    assert b"No voucher waits for a consultant" in lead.get("/inbox/proposals/").content


# Similar vouchers


def published(network: Network, title: str, summary: str) -> Voucher:
    voucher = voucher_in(State.CLOSED, network, title=title)
    Voucher.objects.filter(pk=voucher.pk).update(author=network.stranger)
    voucher = fresh(voucher)
    work.set_visibility(voucher, network.stranger, "public-summary", summary)
    return voucher


def test_a_scientist_sees_public_summaries_that_are_like_the_draft(network: Network) -> None:
    published(network, "Counting cells", "How wrong are counts under a microscope?")
    trusted = published(network, "Which networks to trust", "Two of three networks were right.")
    secret = voucher_in(State.CLOSED, network, title="Which networks to trust in secret")
    Voucher.objects.filter(pk=secret.pk).update(author=network.stranger)
    draft = a_draft(network)
    author, address = signed_in(network.author), f"/vouchers/{draft.reference}/similar/"
    fragment = author.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "Two of three networks were right." in fragment
    assert "in secret" not in fragment
    assert "<html" not in fragment
    assert "microscope" not in fragment
    assert "Two of three networks" in author.get(address).content.decode()
    edit = author.get(f"/vouchers/{draft.reference}/edit/").content.decode()
    assert f'hx-get="{address}"' in edit
    work.set_visibility(trusted, network.stranger, "private", trusted.summary)
    assert b"Nothing like it has been made public yet" in author.get(address).content


def test_a_public_summary_is_for_everybody_and_a_private_one_for_nobody(network: Network) -> None:
    voucher = published(network, "Which networks to trust", "Two of three networks were right.")
    anybody = signed_in(None)
    html = anybody.get("/summaries/").content.decode()
    assert "Two of three networks were right." in html
    assert voucher.author.name not in html
    assert anybody.get(f"/vouchers/{voucher.reference}/").status_code == 302
    work.set_visibility(voucher, network.stranger, "network", voucher.summary)
    assert b"Nobody has made a summary public yet" in anybody.get("/summaries/").content


def test_a_lead_sees_similar_vouchers_as_far_as_they_may(network: Network) -> None:
    seen = voucher_in(State.ACTIVE, network, title="Trust in spring")
    hidden = voucher_in(State.ACTIVE, network, title="Trust in secret")
    Voucher.objects.filter(pk=hidden.pk).update(unit=network.hub)
    voucher = voucher_in(State.SUBMITTED, network)
    assert [v for v, _ in similar.for_team(network["lead"], voucher)] == [seen]
    assert {v for v, _ in similar.for_team(network["office"], voucher)} == {seen, hidden}


def test_texts_are_read_again_only_when_one_has_changed(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    first = similar.library()
    actions.write(voucher, network.lead, "Hello")
    a_draft(network)
    assert similar.library() is first
    voucher_in(State.SUBMITTED, network)
    second = similar.library()
    assert second is not first
    assert len(second.documents) == 2
    Skill.objects.filter(name="Denoising").update(words="new")
    assert similar.library() is not second


def test_kinds_say_how_many_hours_they_take(network: Network) -> None:
    assert set(Kind.objects.values_list("hours", flat=True)) == {16}
