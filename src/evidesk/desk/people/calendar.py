"""Working days: Monday to Friday without the public holidays of a German state.

Pure functions on dates. A state is a code such as ``SN``, or ``""`` for the holidays that all of
Germany has. Holidays come from the library `holidays`.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache

import holidays

_DAY = timedelta(days=1)
#: Working days of a week without holidays.
WEEK = 5


@cache
def _holidays(state: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("DE", subdiv=state or None, years=year))


def is_working_day(day: date, state: str = "") -> bool:
    """Whether offices of that state are open."""
    return day.weekday() < WEEK and day not in _holidays(state, day.year)


def add_working_days(day: date, number: int, state: str = "") -> date:
    """The working day that is `number` working days after `day`; before it, if negative.

    With 0 it is `day` itself, or the next working day if `day` is none. What arrives on a day off
    thus counts from the first working day after.
    """
    step = _DAY if number >= 0 else -_DAY
    while not is_working_day(day, state):
        day += _DAY
    for _ in range(abs(number)):
        day += step
        while not is_working_day(day, state):
            day += step
    return day


def working_days(first: date, last: date, state: str = "") -> int:
    """How many working days there are from `first` to `last`, both included; 0 if none."""
    return sum(is_working_day(day, state) for day in _days(first, last))


def working_days_until(today: date, due: date, state: str = "") -> int:
    """Working days left from `today` until `due`: 0 on the day itself, negative when it is over."""
    if due >= today:
        return working_days(today + _DAY, due, state)
    return -working_days(due + _DAY, today, state)


def monday_of(day: date) -> date:
    """The Monday of the day's ISO week."""
    return day - timedelta(days=day.weekday())


def days_at_work(monday: date, state: str, absences: Iterable[tuple[date, date]]) -> int:
    """Days of the week on which somebody works: no holiday, and within no absence."""
    away = list(absences)
    return sum(
        is_working_day(day, state) and not any(first <= day <= last for first, last in away)
        for day in _days(monday, monday + 4 * _DAY)
    )


def _days(first: date, last: date) -> Iterable[date]:
    return (first + number * _DAY for number in range((last - first).days + 1))
