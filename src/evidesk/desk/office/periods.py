"""Spans of time: the period that a page tells of, and quarters."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone
from django.utils.translation import gettext as _

#: The first year that a report can be asked for; no network is older.
FIRST_YEAR = 2000


def day_number(day: date) -> float:
    """The day's first moment here, in days since 1970 (UTC)."""
    start = timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001 - made aware
    return start.timestamp() / 86_400


@dataclass(frozen=True, order=True)
class Quarter:
    """Three months of a calendar year, counted from 1."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> "Quarter":
        return cls(day.year, (day.month + 2) // 3)

    @classmethod
    def parse(cls, text: str) -> "Quarter | None":
        """From ``2026-3``; None if it is none."""
        year, _sign, number = text.partition("-")
        if not (year.isascii() and year.isdecimal() and number in ("1", "2", "3", "4")):
            return None
        found = cls(int(year), int(number))
        return found if FIRST_YEAR <= found.year <= timezone.localdate().year + 1 else None

    def shifted(self, quarters: int) -> "Quarter":
        """So many quarters later; earlier if negative."""
        total = self.year * 4 + self.number - 1 + quarters
        return Quarter(total // 4, total % 4 + 1)

    @property
    def first_day(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def begin(self) -> float:
        """Its first moment, in days since 1970."""
        return day_number(self.first_day)

    @property
    def end(self) -> float:
        """The first moment after it."""
        return self.shifted(1).begin

    @property
    def slug(self) -> str:
        return f"{self.year}-{self.number}"

    def __str__(self) -> str:
        return _("Q%(number)d %(year)d") % {"number": self.number, "year": self.year}


@dataclass(frozen=True)
class Period:
    """When the vouchers were submitted that a page tells of: from `begin`, before `end`."""

    slug: str
    name: str
    begin: float
    end: float

    @classmethod
    def parse(cls, slug: str) -> "Period | None":
        """From ``all``, ``12-months`` or a year; None if it is none."""
        today = timezone.localdate()
        infinity = float("inf")
        if slug == "all":
            return cls(slug, _("All years"), -infinity, infinity)
        if slug == "12-months":
            # The last of February has no anniversary in most years.
            a_year_ago = today.replace(year=today.year - 1, day=min(today.day, 28))
            return cls(slug, _("The last 12 months"), day_number(a_year_ago), infinity)
        if slug.isascii() and slug.isdecimal() and FIRST_YEAR <= int(slug) <= today.year:
            year = int(slug)
            return cls(slug, slug, day_number(date(year, 1, 1)), day_number(date(year + 1, 1, 1)))
        return None
