"""Working days, by hand and against counting."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidesk.desk.people import calendar
from evidesk.desk.people.models import FederalState

days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
states = st.sampled_from(["", *FederalState.values])


@pytest.mark.parametrize(
    ("day", "state", "works"),
    [
        (date(2026, 10, 3), "", False),  # unity
        (date(2026, 6, 4), "BY", False),  # Corpus Christi is a holiday in Bavaria ...
        (date(2026, 6, 4), "SN", True),  # ... and not in Dresden
        (date(2026, 11, 18), "SN", False),  # Repentance and Prayer
        (date(2026, 11, 18), "BY", True),
        (date(2026, 11, 21), "", False),  # a Saturday
        (date(2026, 11, 24), "", True),
    ],
)
def test_each_state_has_its_own_holidays(day: date, state: str, works: bool) -> None:
    assert calendar.is_working_day(day, state) == works


@pytest.mark.parametrize(
    ("day", "number", "state", "then"),
    [
        (date(2026, 11, 24), 0, "SN", date(2026, 11, 24)),
        (date(2026, 11, 24), 2, "SN", date(2026, 11, 26)),
        (date(2026, 11, 27), 1, "SN", date(2026, 11, 30)),  # over a weekend
        (date(2026, 11, 28), 1, "SN", date(2026, 12, 1)),  # from a Saturday, as from Monday
        (date(2026, 11, 17), 1, "SN", date(2026, 11, 19)),  # over a holiday
        (date(2026, 12, 23), 3, "SN", date(2026, 12, 29)),  # over Christmas on a Friday
        (date(2026, 11, 30), -1, "SN", date(2026, 11, 27)),
    ],
)
def test_working_days_are_added_over_weekends_and_holidays(
    day: date, number: int, state: str, then: date
) -> None:
    assert calendar.add_working_days(day, number, state) == then


@given(days, st.integers(0, 60), states)
def test_adding_and_counting_agree(day: date, number: int, state: str) -> None:
    start = calendar.add_working_days(day, 0, state)
    due = calendar.add_working_days(day, number, state)
    assert calendar.is_working_day(due, state)
    assert calendar.working_days_until(start, due, state) == number
    assert calendar.working_days_until(due, start, state) == -number
    assert calendar.working_days(start, due, state) == number + 1
    assert calendar.add_working_days(due, -number, state) == start


@given(days, states)
def test_a_week_has_as_many_days_of_work_as_nobody_is_away(day: date, state: str) -> None:
    monday = calendar.monday_of(day)
    assert monday.weekday() == 0
    assert 0 <= (day - monday).days < 7
    friday = monday + timedelta(days=4)
    all_days = calendar.days_at_work(monday, state, [])
    assert all_days == calendar.working_days(monday, friday, state)
    assert calendar.days_at_work(monday, state, [(monday, friday)]) == 0
    assert calendar.days_at_work(monday, state, [(friday, friday), (friday, friday)]) == (
        all_days - calendar.is_working_day(friday, state)
    )
