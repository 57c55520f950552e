"""The figures: what each counts, and that they say what they cannot know."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from evidesk.desk.office import cases, queries, wording
from evidesk.desk.office.periods import Period, Quarter, day_number
from evidesk.desk.office.statistics import Statistics, median, statistics
from evidesk.desk.people.models import Unit
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import Inquiry, Kind, State
from tests.desk.network import Network, a_draft, voucher_in
from tests.desk.office.past import a_voucher, ago, tell

ALL = Period.parse("all")


def figures(period: Period | None = None, units: list[Unit] | None = None) -> Statistics:
    period = period or ALL
    assert period is not None
    return statistics(
        queries.voucher_table(units),
        queries.inquiry_table(),
        units or list(Unit.objects.all()),
        list(Kind.objects.all()),
        period,
        queries.today(),
    )


def cases_now(slug: str) -> cases.Cases:
    """In the order of the vouchers; the database has none."""
    found = cases.FIGURES[slug].cases(queries.voucher_table(None), queries.today())
    return found.where(np.argsort(found.rows.pk))


def test_the_first_contact_is_the_first_word_of_somebody_else(network: Network) -> None:
    a_voucher(network, 10, contacted=7.5)
    a_voucher(network, 4)
    waited = cases_now("first-contact")
    assert list(waited.value) == pytest.approx([2.5, 4.0])
    assert list(waited.happened) == [True, False]


def test_what_happened_before_the_submission_is_no_contact(network: Network) -> None:
    voucher = a_voucher(network, 5)
    tell(voucher, network.lead, "message", 5.5)
    tell(voucher, None, "message", 4)
    assert not cases_now("first-contact").happened.any()


def test_a_step_of_the_network_is_a_contact_too(network: Network) -> None:
    voucher_in(State.OFFERED, network)
    assert list(cases_now("first-contact").happened) == [True]


def test_who_withdraws_before_a_word_has_waited_until_then(network: Network) -> None:
    a_voucher(network, 10, state=State.WITHDRAWN, ended=7)
    waited = cases_now("first-contact")
    assert (list(waited.value), list(waited.happened)) == ([3.0], [False])


def test_closure_is_any_end_and_open_vouchers_go_on(network: Network) -> None:
    a_voucher(network, 30, state=State.CLOSED, started=20, reported=12, ended=10)
    a_voucher(network, 30, state=State.DECLINED, ended=28)
    a_voucher(network, 30, state=State.WITHDRAWN, ended=25)
    a_voucher(network, 30, state=State.RETURNED)
    found = cases_now("closure")
    assert list(found.value) == [20, 2, 5, 30]
    assert list(found.happened) == [True, True, True, False]


def test_acceptance_counts_decisions(network: Network) -> None:
    a_voucher(network, 30, state=State.ACTIVE, started=20)
    a_voucher(network, 30, state=State.CLOSED, started=20, reported=12, ended=10)
    a_voucher(network, 30, state=State.DECLINED, ended=28)
    a_voucher(network, 30, state=State.WITHDRAWN, ended=28)
    a_voucher(network, 30, state=State.OFFERED)
    found = figures().whole.acceptance
    assert found is not None
    assert (found.n, found.value, found.method) == (3, 2 / 3, "wilson")


def test_satisfaction_counts_ratings_from_4_of_5(network: Network) -> None:
    for rating in (5, 4, 3, None):
        a_voucher(network, 30, state=State.CLOSED, started=20, reported=12, ended=10, rating=rating)
    found = figures().whole.satisfaction
    assert found is not None
    assert (found.n, found.value) == (3, 2 / 3)


def test_effort_counts_calendar_days_with_both_ends(network: Network) -> None:
    a_voucher(
        network, 40, state=State.CLOSED, started=20, reported=20, ended=10, days=7, booked=(8, 2.5)
    )
    a_voucher(network, 40, state=State.ACTIVE, started=5, days=10)
    a_voucher(network, 40, state=State.ACTIVE, started=-5, days=10)
    found = cases_now("effort")
    assert list(found.happened) == [True, False]
    assert found.value[0] == 1
    assert found.value[1] in (5, 6)
    (effort,) = figures().efforts
    assert (effort.n, effort.planned_total, effort.planned.value) == (2, 17, 7)
    assert (effort.booked_total, effort.n_booked) == (10.5, 1)


def test_drafts_and_drafts_that_were_withdrawn_are_not_there(network: Network) -> None:
    a_draft(network)
    actions.withdraw(a_draft(network), network.author)
    assert len(queries.voucher_table(None)) == 0
    found = figures()
    assert found.whole.n == 0
    assert found.whole.first_contact is found.whole.acceptance is found.inquiries is None
    assert found.efforts == ()


def test_the_times_of_the_database_are_those_of_python(network: Network) -> None:
    voucher = a_voucher(network, 3, contacted=1)
    table = queries.voucher_table([network.spoke])
    assert table.submitted[0] * 86_400 == pytest.approx(voucher.submitted_at.timestamp(), abs=1e-2)  # type: ignore[union-attr]
    assert np.isnan(table.ended[0])
    assert table.pk[0] == voucher.pk
    assert table.is_in(State.SUBMITTED).all()


def test_each_unit_has_its_own_figures(network: Network) -> None:
    a_voucher(network, 10, contacted=8)
    a_voucher(network, 10, contacted=4, unit=network.hub)
    found = figures()
    assert {group.unit.slug: group.n for group in found.units if group.unit} == {
        "hub": 1,
        "spoke": 1,
    }
    assert found.whole.n == 2
    alone = figures(units=[network.spoke])
    assert (alone.whole.unit, alone.units) == (network.spoke, ())
    assert alone.whole.first_contact is not None
    middle = median(alone.whole.first_contact)
    assert middle is not None
    assert middle.value == 2.0


def test_inquiries_wait_for_their_answer_or_until_they_are_vouchers(network: Network) -> None:
    for answered, becomes in ((True, False), (False, False), (False, True)):
        inquiry = actions.inquire(subject="Hi", text="?", email="a@b.org", person=network.author)
        if answered:
            actions.answer_inquiry(inquiry, network.lead, "Yes.")
            Inquiry.objects.filter(pk=inquiry.pk).update(answered_at=ago(4))
        if becomes:
            voucher = actions.start_voucher(network.author, inquiry)
            type(voucher).objects.filter(pk=voucher.pk).update(created_at=ago(2))
        Inquiry.objects.filter(pk=inquiry.pk).update(created_at=ago(5))
    table = queries.inquiry_table()
    table = table.where(np.argsort(table.pk))
    waited, happened = cases.inquiry_waits(table, queries.today())
    assert list(waited) == pytest.approx([1.0, 5.0, 3.0])
    assert list(happened) == [True, False, False]
    curve = figures().inquiries
    assert curve is not None
    assert curve.n == 3


# Quarters and the forecast


def steady(network: Network, per_quarter: int, quarters: int) -> None:
    for quarter in range(quarters):
        for i in range(per_quarter):
            a_voucher(network, 91 * quarter + 5 + 80 * i / per_quarter)


def test_a_steady_load_is_forecast(network: Network) -> None:
    steady(network, 6, 12)
    load = figures().whole.load
    assert load.forecast is not None
    assert load.following == Quarter.of(timezone.localdate()).shifted(1)
    assert 2 <= load.forecast.next_count.low < 6 < load.forecast.next_count.high <= 14
    assert load.forecast.exposures[-1] < 1
    assert len(load.forecast.counts) == 8
    assert sum(load.counts) >= 60
    assert wording.warning(load) == ""


def test_a_young_network_has_no_forecast_and_says_so(network: Network) -> None:
    for days in (3, 2, 1):
        a_voucher(network, days)
    load = figures().whole.load
    assert load.forecast is None
    assert len(load.quarters) == 4
    assert wording.next_quarter(load).basis == (
        "3 vouchers so far: too short a history for a forecast."
    )


def test_a_load_in_bursts_is_warned_of(network: Network) -> None:
    for quarter in range(1, 9):
        for _ in range(1 if quarter % 2 else 25):
            a_voucher(network, 91 * quarter)
    assert "differ by more than chance" in wording.warning(figures().whole.load)


def test_a_year_that_is_over_has_its_four_quarters_and_no_forecast(network: Network) -> None:
    last = timezone.localdate().year - 1
    a_voucher(network, queries.today() - day_number(date(last, 5, 5)))
    load = figures(Period.parse(str(last))).whole.load
    assert [quarter.slug for quarter in load.quarters] == [f"{last}-{i}" for i in (1, 2, 3, 4)]
    assert load.counts == (0, 1, 0, 0)
    assert (load.is_over, load.forecast) == (True, None)
    assert wording.next_quarter(load).basis == "1 voucher"


def test_quarters_follow_each_other() -> None:
    assert Quarter.of(date(2026, 12, 31)).shifted(1) == Quarter(2027, 1)
    assert Quarter(2026, 1).shifted(-1) == Quarter(2025, 4)
    assert Quarter(2026, 2).first_day == date(2026, 4, 1)
    assert Quarter(2026, 1).end == Quarter(2026, 2).begin
    assert str(Quarter(2026, 3)) == "Q3 2026"
    assert Quarter.parse("2026-3") == Quarter(2026, 3)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-5", "x-1", "1999-1", "99999-1", "²-1", "2026-3-1"]
)
def test_what_is_no_quarter_is_none(text: str) -> None:
    assert Quarter.parse(text) is None


@pytest.mark.parametrize("text", ["", "none", "-1", "1999", "99999", "²", "２０２６"])
def test_what_is_no_period_is_none(text: str) -> None:
    assert Period.parse(text) is None


def test_periods_are_half_open() -> None:
    year = Period.parse("2025")
    assert year is not None
    assert year.end - year.begin == 365
    twelve = Period.parse("12-months")
    assert twelve is not None
    assert 364 <= queries.today() - twelve.begin <= 370


# Words


def test_a_median_that_is_not_reached_says_so(network: Network) -> None:
    a_voucher(network, 10, contacted=8)
    for _ in range(3):
        a_voucher(network, 5)
    shown = wording.waiting(figures().whole.closure)
    assert (shown.value, shown.basis) == ("", "Not reached: 0 of 4 so far.")
    assert wording.waiting(None).basis == wording.share(None).basis == "None yet."
    curve = figures().whole.closure
    assert curve is not None
    assert wording.describe_curve(curve) == shown.basis


def test_numbers_of_days_have_tenths_where_they_matter(network: Network) -> None:
    for days in (1.0, 1.2, 1.4, 12.0, 13.3, 1.1, 1.3, 1.6, 2.0):
        a_voucher(network, 20, contacted=20 - days)
    shown = wording.waiting(figures().whole.first_contact, top=5)
    assert (shown.value, shown.interval) == ("1.4 days", "1.1 to 12")
    assert "m-4 -4l4 4l-4 4" in shown.picture  # the whisker leaves the scale
    a_voucher(network, 30, state=State.DECLINED, ended=29, kind="implementation")
    one: Any = wording.waiting(figures(units=[network.spoke]).whole.closure)
    assert one.basis == "1 of 10 so far" or one.value == ""
