"""Limits: time, agreement, continuing, who may see it, and hours that there are."""

import threading
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from evidesk.desk.audit.queries import history
from evidesk.desk.people import staffing
from evidesk.desk.people.calendar import monday_of
from evidesk.desk.people.models import Member
from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.vouchers import actions, effort, queries, rules, versions, work
from evidesk.desk.vouchers.models import (
    AgreementText,
    Booking,
    Kind,
    Questionnaire,
    State,
    Visibility,
    Voucher,
)
from tests.desk.conftest import signed_in
from tests.desk.network import (
    STARTS_ON,
    WHO,
    Network,
    a_draft,
    a_network,
    fresh,
    voucher_in,
)

# Time


def test_an_extension_needs_a_reason_and_stays_within_the_limit_of_its_kind(
    network: Network,
) -> None:
    voucher, by = voucher_in(State.ACTIVE, network), network.consultant
    with pytest.raises(Refused, match="Exploration takes 1 to 14 days, not 15"):
        actions.extend(voucher, by, 15, "The data came late.")
    with pytest.raises(Refused, match="planned for 10 days already"):
        actions.extend(voucher, by, 10, "The data came late.")
    with pytest.raises(Refused, match="Please write the reason"):
        actions.extend(voucher, by, 14, "  ")
    actions.extend(voucher, by, 14, "The data came late.")
    event = voucher.events.last()
    assert (event.kind, event.text, event.data["days"]) == ("extend", "The data came late.", 14)
    entry = history(f"voucher:{voucher.reference}").first()
    assert (entry.action, entry.facts["days"]) == ("voucher.extend", 14)


def test_a_plan_may_move_and_shrink_but_not_grow(network: Network) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    with pytest.raises(Refused, match="is an extension, which needs a reason"):
        actions.plan(voucher, network.consultant, STARTS_ON, 11)
    actions.plan(voucher, network.consultant, STARTS_ON + timedelta(days=3), 10)
    actions.plan(voucher, network.consultant, STARTS_ON, 5)
    assert voucher.days == 5


# Agreement


def test_both_agree_to_the_same_text_and_when_is_kept(network: Network) -> None:
    first = AgreementText.objects.get()
    voucher = voucher_in(State.SUBMITTED, network)
    assert (voucher.agreement, voucher.credit) == (first, "acknowledgement")
    assert timezone.now() - voucher.author_agreed_at < timedelta(minutes=1)
    versions.publish_agreement(network["office"], "Everything is different.", based_on=1)
    actions.offer(voucher, network.lead, network.consultant)
    assert voucher.consultant_agreed_at is None
    actions.accept(voucher, network.consultant, STARTS_ON, 10)
    assert voucher.agreement == first, "the consultant agrees to what the scientist agreed to"
    assert voucher.author_agreed_at < voucher.consultant_agreed_at
    told = {e.kind: e.data for e in voucher.events.all()}
    assert told["submit"]["agreement"] == told["accept"]["agreement"] == 1
    assert told["accept"]["credit"] == "acknowledgement"


def test_who_submits_again_agrees_again_to_the_text_of_then(network: Network) -> None:
    voucher = voucher_in(State.RETURNED, network)
    versions.publish_agreement(network["office"], "Everything is different.", based_on=1)
    actions.submit(voucher, network.author)
    assert voucher.agreement.version == 2


def test_nobody_accepts_what_the_scientist_has_not_agreed_to(network: Network) -> None:
    voucher = voucher_in(State.OFFERED, network)
    Voucher.objects.update(agreement=None, author_agreed_at=None)
    with pytest.raises(Refused, match="has not agreed yet"):
        actions.accept(fresh(voucher), network.consultant, STARTS_ON, 10)


def test_the_pages_do_not_begin_without_a_tick(network: Network) -> None:
    voucher = a_draft(network)
    author, address = signed_in(network.author), f"/vouchers/{voucher.reference}/edit/"
    form = author.get(address).context["form"]
    sent = {f.name: f.value() for f in form if f.value() not in (None, False)} | {"submit": "1"}
    sent["credit"] = "co-authorship"
    html = author.post(address, sent).content.decode()
    assert "Please tick the box" in html
    assert (fresh(voucher).state, fresh(voucher).credit) == (State.DRAFT, "co-authorship")
    author.post(address, sent | {"agrees": "on"})
    assert fresh(voucher).state == State.SUBMITTED
    actions.offer(fresh(voucher), network.lead, network.consultant)
    step = f"/vouchers/{voucher.reference}/do/accept/"
    consultant = signed_in(network.consultant)
    html = consultant.get(step).content.decode()
    assert "Chosen by the scientist: Co-authorship" in html
    assert "free of charge" in html
    plan = {"starts_on": "2026-03-02", "days": 10}
    assert b"This field is required" in consultant.post(step, plan).content
    assert fresh(voucher).state == State.OFFERED
    consultant.post(step, plan | {"agrees": "on"})
    assert fresh(voucher).state == State.ACTIVE
    html = consultant.get(f"/vouchers/{voucher.reference}/").content.decode()
    assert "agreed by the scientist on" in html
    assert ", by the consultant on" in html


def test_the_office_changes_the_agreement_in_versions(network: Network) -> None:
    office, address = signed_in(network.office), "/network/edit/agreement/"
    html = office.post(address, {"text": "Free.", "based_on": 1}, follow=True).content.decode()
    assert "Version 2 is what is agreed to now." in html
    assert "<ins>Free.</ins>" in html
    assert b"meantime" in office.post(address, {"text": "Not free.", "based_on": 1}).content
    assert b"required" in office.post(address, {"text": "", "based_on": "x"}).content
    office.post(address, {"text": "Free.", "based_on": 2})
    assert AgreementText.objects.count() == 2
    assert str(AgreementText.objects.first()) == "version 2"
    anybody = signed_in(None)
    assert b"Free." in anybody.get("/agreement/2/").content
    assert b"free of charge" in anybody.get("/agreement/1/").content
    assert anybody.get("/agreement/3/").status_code == 404
    with pytest.raises(Refused, match="Only the office"):
        versions.publish_agreement(network["lead"], "Ours.", based_on=2)


# Who may see it


@pytest.mark.parametrize("who", WHO)
def test_the_author_opens_a_voucher_to_the_network(network: Network, who: str) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    someone = network[who]
    saw = rules.may_see(someone, voucher)
    if who != "author":
        with pytest.raises(Refused, match="Only the scientist who asks"):
            work.set_visibility(voucher, someone, "network", "")
    work.set_visibility(voucher, network.author, "network", "")
    assert rules.may_see(someone, voucher) == (saw or someone.is_member)
    assert (voucher in queries.visible_to(someone)) == (saw or someone.is_member)
    work.set_visibility(voucher, network.author, "private", "")
    assert rules.may_see(someone, voucher) == saw
    assert (voucher in queries.visible_to(someone)) == saw


def test_a_public_summary_says_something(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    with pytest.raises(Refused, match="write the summary"):
        work.set_visibility(voucher, network.author, "public-summary", " ")
    work.set_visibility(voucher, network.author, "public-summary", "What came out.")
    assert (voucher.visibility, voucher.summary) == ("public-summary", "What came out.")
    events = voucher.events.count()
    work.set_visibility(voucher, network.author, "public-summary", "What came out.")
    assert voucher.events.count() == events, "nothing changed, so nothing is told"
    entry = history(f"voucher:{voucher.reference}").first()
    assert entry.facts == {"visibility": "public-summary"}
    assert entry.sealed.content == {"summary": "What came out."}


def test_a_draft_is_nobodys_business_and_is_complete_with_its_summary(network: Network) -> None:
    voucher = a_draft(network)
    with pytest.raises(Refused, match="nobody else can see it"):
        work.set_visibility(voucher, network.author, "network", "")
    Voucher.objects.update(visibility=Visibility.SUMMARY)
    assert not rules.may_see(network["lead_elsewhere"], fresh(voucher))
    with pytest.raises(Refused, match="Please fill in first: Public summary"):
        actions.submit(fresh(voucher), network.author)


def test_whoever_closes_decides_who_may_see_it(network: Network) -> None:
    voucher = voucher_in(State.REPORTED, network)
    author, address = signed_in(network.author), f"/vouchers/{voucher.reference}/do/close/"
    html = author.post(address, {"visibility": "public-summary", "summary": ""}).content.decode()
    assert "write the summary" in html
    assert fresh(voucher).state == State.REPORTED, "both or nothing"
    author.post(address, {"visibility": "public-summary", "summary": "It works.", "rating": 4})
    voucher = fresh(voucher)
    assert (voucher.state, voucher.visibility, voucher.rating) == ("closed", "public-summary", 4)
    page = f"/vouchers/{voucher.reference}/visibility/"
    author.post(page, {"visibility": "private", "summary": "It works."})
    assert fresh(voucher).visibility == "private", "and can change it later"
    assert b"Select a valid choice" in author.post(page, {"visibility": "all"}).content


# Continuing


def an_exploration_of(network: Network, state: State = State.REPORTED) -> Voucher:
    return voucher_in(state, network)


def test_an_implementation_continues_an_exploration_and_each_leads_to_the_other(
    network: Network,
) -> None:
    voucher = an_exploration_of(network)
    author = signed_in(network.author)
    page = f"/vouchers/{voucher.reference}/"
    assert "Start an Implementation" in author.get(page).content.decode()
    response = author.post(f"{page}follow-up/")
    new = Voucher.objects.latest("pk")
    assert response.url == f"/vouchers/{new.reference}/edit/"
    assert (new.follows, new.kind.slug) == (voucher, "implementation")
    assert (new.title, new.answers, new.unit) == (voucher.title, voucher.answers, voucher.unit)
    assert new.reference in author.get(page).content.decode()
    assert voucher.reference in author.get(f"/vouchers/{new.reference}/").content.decode()
    lead = signed_in(network.lead).get(page).content.decode()
    assert new.reference not in lead, "it is a draft, and its author's secret"
    actions.submit(fresh(new), network.author)
    assert new.reference in signed_in(network.lead).get(page).content.decode()


def test_a_second_click_does_not_begin_a_second_one(network: Network) -> None:
    voucher = an_exploration_of(network)
    new = work.follow_up(voucher, network.author)
    with pytest.raises(Refused, match=f"{new.reference} continues it already"):
        work.follow_up(voucher, network.author)
    actions.withdraw(new, network.author)
    assert work.follow_up(voucher, network.author) != new


def test_answers_to_questions_that_are_asked_no_more_are_not_taken_over(network: Network) -> None:
    voucher = an_exploration_of(network)
    questions = Questionnaire.objects.get().questions[1:]
    versions.publish_questions(network["office"], questions, based_on=1)
    new = work.follow_up(voucher, network.author)
    assert set(new.answers) == {"audience", "context", "data"}
    assert new.questionnaire.version == 2


@pytest.mark.parametrize("who", WHO)
def test_only_its_scientist_continues_a_voucher(network: Network, who: str) -> None:
    voucher = an_exploration_of(network)
    if who == "author":
        assert rules.may_follow_up(network[who], voucher)
        return
    with pytest.raises(Refused, match="Only the scientist who asked"):
        work.follow_up(voucher, network[who])


def test_what_has_no_report_or_no_kind_to_follow_is_not_continued(network: Network) -> None:
    with pytest.raises(Refused, match="when there is a report"):
        work.follow_up(voucher_in(State.ACTIVE, network), network.author)
    voucher = an_exploration_of(network, State.CLOSED)
    Voucher.objects.update(kind=Kind.objects.get(slug="implementation"))
    with pytest.raises(Refused, match="not continued by another"):
        work.follow_up(voucher, network.author)


# Hours

WEEK = date(2026, 3, 2)
NEXT = date(2026, 3, 9)


def staffed(network: Network, hours: int = 10) -> Voucher:
    """Active work of a consultant who has so many hours a week, planned for March."""
    staffing.set_hours(network["consultant"], network["office"], Decimal(hours))
    return voucher_in(State.ACTIVE, network)


def test_hours_are_booked_changed_and_freed(network: Network) -> None:
    voucher, by = staffed(network), network["consultant"]
    effort.book(voucher, by, WEEK, Decimal(4))
    effort.book(voucher, by, WEEK, Decimal("6.5"))
    booking = Booking.objects.get()
    assert (booking.hours, booking.reason) == (Decimal("6.5"), "")
    assert str(booking) == f"{voucher.reference}: 6.5 h in the week of 2026-03-02"
    effort.book(voucher, by, WEEK, Decimal("6.5"))
    effort.book(voucher, by, WEEK, Decimal(0))
    assert not Booking.objects.exists()
    told = [e.facts for e in history(f"voucher:{voucher.reference}") if "week" in e.facts]
    assert [one["hours"] for one in told] == [["6.5", "0"], ["4.0", "6.5"], ["0", "4"]]
    assert not any(one["overbooked"] for one in told)


def test_more_than_there_is_needs_a_reason_that_is_kept(network: Network) -> None:
    voucher, other = staffed(network), voucher_in(State.ACTIVE, network)
    by = network["consultant"]
    effort.book(other, by, WEEK, Decimal(7))
    with pytest.raises(Refused, match=r"Cyra Consultant has 3\.0 h free in that week, not 4"):
        effort.book(voucher, by, WEEK, Decimal(4))
    assert Booking.objects.count() == 1
    effort.book(voucher, by, WEEK, Decimal(4), "The beamtime is in this week.")
    booking = Booking.objects.get(voucher=voucher)
    assert booking.reason == "The beamtime is in this week."
    entry = history(f"voucher:{voucher.reference}").first()
    assert entry.facts == {"week": "2026-03-02", "hours": ["0", "4"], "overbooked": True}
    assert entry.sealed.content["reason"] == "The beamtime is in this week."
    effort.book(voucher, by, WEEK, Decimal("3.5"))
    assert Booking.objects.get(voucher=voucher).hours == Decimal("3.5"), "less is always possible"


def test_absences_and_holidays_leave_less_to_book(network: Network) -> None:
    voucher, by = staffed(network), network["consultant"]
    staffing.add_absence(by, by, WEEK, WEEK + timedelta(days=3))
    with pytest.raises(Refused, match=r"has 2\.0 h free"):
        effort.book(voucher, by, WEEK, Decimal(3))
    effort.book(voucher, by, NEXT, Decimal(10))


@pytest.mark.parametrize("who", WHO)
def test_the_consultant_books_and_whoever_triages(network: Network, who: str) -> None:
    voucher = staffed(network)
    if who in ("consultant", "lead", "office"):
        effort.book(voucher, network[who], WEEK, Decimal(4))
        assert Booking.objects.get().person == network.consultant
        return
    with pytest.raises(Refused, match="Only the voucher's team sees its hours"):
        effort.book(voucher, network[who], WEEK, Decimal(4))


@pytest.mark.parametrize(
    ("week", "hours", "told"),
    [
        (date(2026, 2, 23), "1", "a week of the planned time"),
        (date(2026, 3, 3), "1", "a week of the planned time"),
        (WEEK, "-1", "Book 0 to 60"),
        (WEEK, "60.1", "Book 0 to 60"),
    ],
)
def test_what_makes_no_sense_is_not_booked(
    network: Network, week: date, hours: str, told: str
) -> None:
    with pytest.raises(Refused, match=told):
        effort.book(staffed(network), network["consultant"], week, Decimal(hours), "Because.")


def test_work_that_takes_longer_is_booked_until_today_and_not_ahead(network: Network) -> None:
    voucher = staffed(network)
    weeks = effort.bookable(voucher)
    assert (weeks[0], weeks[-1]) == (WEEK, monday_of(timezone.localdate()))
    actions.plan(voucher, network.consultant, timezone.localdate(), 5)
    assert len(effort.bookable(voucher)) <= 2


def test_hours_are_booked_only_while_there_is_work(network: Network) -> None:
    with pytest.raises(Refused, match="from the start of the work until it is closed"):
        effort.book(voucher_in(State.CLOSED, network), network["consultant"], WEEK, Decimal(1))
    withdrawn = voucher_in(State.SUBMITTED, network)
    assert "nobody yet whose hours" in rules.may_see_effort(network["lead"], withdrawn).reason


def test_hours_of_work_that_ended_early_are_free_again(network: Network) -> None:
    voucher, by = staffed(network), network["consultant"]
    today = timezone.localdate()
    actions.plan(voucher, network.consultant, today, 10)
    this, following = effort.weeks_from(today, 2)
    effort.book(voucher, by, this, Decimal(2), "Short week.")
    effort.book(voucher, by, following, Decimal(2), "Short week.")
    actions.withdraw(voucher, network.author)
    from evidesk.desk.people.queries import members

    person = members().get(pk=by.pk)
    weeks = effort.weeks_of([person], [this, following])[person.pk]
    assert [week.booked for week in weeks] == [2, 0]


def test_hours_of_who_has_left_cannot_be_booked(network: Network) -> None:
    voucher = staffed(network)
    Member.objects.filter(person=network.consultant).delete()
    with pytest.raises(Refused, match="not a member of the network any more"):
        effort.book(voucher, network["lead"], WEEK, Decimal(1))
    assert signed_in(network.lead).get(reverse("effort", args=[voucher.reference])).status_code == (
        200
    )


def test_the_page_shows_the_weeks_and_takes_hours(network: Network) -> None:
    voucher = staffed(network)
    client, address = signed_in(network.consultant), reverse("effort", args=[voucher.reference])
    client.post(address, {"week": "2026-03-02", "hours": "6"})
    html = client.get(f"{address}?week=2026-03-02").content.decode()
    assert 'value="6.0"' in html
    html = client.post(address, {"week": "2026-03-02", "hours": "11"}).content.decode()
    assert "has 10.0 h free in that week" in html
    client.post(address, {"week": "2026-03-02", "hours": "11", "reason": "Beamtime."})
    html = client.get(address).content.decode()
    assert "overbooked" in html
    assert "Beamtime." in html
    for bad in (
        {"week": "2026-03-03", "hours": "1"}, {"week": "x", "hours": "1"}, {"hours": "many"},
        {"week": "2026-03-02", "hours": "1e9"}, {"week": "2026-03-02", "hours": "NaN"},
    ):  # fmt: skip
        assert client.post(address, bad).status_code == 200
    assert client.get(f"{address}?week=%00").status_code == 200
    assert Booking.objects.get().hours == 11
    assert "11 h booked" in client.get(f"/vouchers/{voucher.reference}/").content.decode()
    actions.withdraw(fresh(voucher), network.author)
    html = client.get(address).content.decode()
    assert "until it is closed" in html


@pytest.mark.parametrize("n", [1, 3])
def test_the_page_asks_equally_often_whatever_is_booked(
    network: Network, n: int, django_assert_num_queries: Any
) -> None:
    voucher = staffed(network)
    for number in range(n):
        effort.book(voucher, network["consultant"], WEEK + timedelta(weeks=number), Decimal(2))
    client = signed_in(network.consultant)
    with django_assert_num_queries(11):
        client.get(reverse("effort", args=[voucher.reference]))


def test_of_two_who_book_the_same_hours_at_once_one_is_refused(file_database: None) -> None:
    network = a_network()
    vouchers = [staffed(network), voucher_in(State.ACTIVE, network)]
    both_have_looked = threading.Barrier(2)
    outcomes: list[str] = []

    def act(voucher: Voucher) -> None:
        try:
            by = network["consultant"]
            assert rules.may_book(by, voucher)
            both_have_looked.wait(10)
            effort.book(voucher, by, WEEK, Decimal(6))
            outcomes.append("booked")
        except (Refused, Conflict):
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=[fresh(voucher)]) for voucher in vouchers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["booked", "refused"]
    assert Booking.objects.get().hours == 6
