"""Hours: what consultants have, what is booked, and booking.

Like an app's actions and queries: rule, lock, change and audit entry in one transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _

from evidesk.desk.audit import actions as audit
from evidesk.desk.people.calendar import monday_of
from evidesk.desk.people.models import Person, Profile
from evidesk.desk.people.queries import capacity, members
from evidesk.desk.people.rules import Refused, require
from evidesk.desk.vouchers import rules
from evidesk.desk.vouchers.models import Booking, State, Voucher

_WEEK = timedelta(weeks=1)
#: The most that can be booked of one person for one voucher in a week, override or not.
MOST_HOURS = Decimal(60)
#: Weeks ahead that are shown of a member.
WEEKS_AHEAD = 8


@dataclass(frozen=True)
class Week:
    """A consultant's week, in hours: what they have, and what of it is booked."""

    monday: date
    available: Decimal
    booked: Decimal

    @property
    def free(self) -> Decimal:
        """What is left; negative if more is booked than there is."""
        return self.available - self.booked


def weeks_from(first: date, number: int) -> list[date]:
    """The Mondays of so many weeks, from the one of the day `first`."""
    return [monday_of(first) + _WEEK * count for count in range(number)]


def weeks_of(people: Iterable[Person], mondays: Sequence[date]) -> dict[int, list[Week]]:
    """Each person's weeks (people from `queries.members`), by the person's id; one query.

    Hours of work that ended before its time count only for weeks that have begun.
    """
    people = list(people)
    counted = Q(voucher__state__in=[State.ACTIVE, State.REPORTED]) | Q(
        week__lte=timezone.localdate()
    )
    booked = {
        (person, week): hours
        for person, week, hours in Booking.objects.filter(
            counted, person__in=people, week__in=mondays
        )
        .values_list("person", "week")
        .annotate(Sum("hours"))
        .order_by()
    }
    return {
        person.pk: [
            Week(monday, hours, booked.get((person.pk, monday), Decimal(0)))
            for monday, hours in capacity(person, mondays).items()
        ]
        for person in people
    }


def weeks_ahead(person: Person) -> list[Week]:
    """The next weeks of a member (from `queries.members`), the running one first."""
    return weeks_of([person], weeks_from(timezone.localdate(), WEEKS_AHEAD))[person.pk]


def bookable(voucher: Voucher) -> list[date]:
    """The weeks that hours can be booked for: the planned ones, and until now if it took longer."""
    assert voucher.starts_on is not None  # a CHECK constraint for staffed work
    assert voucher.ends_on is not None
    first, last = monday_of(voucher.starts_on), monday_of(voucher.ends_on)
    last = max(last, monday_of(timezone.localdate())) if voucher.is_overdue else last
    return [first + _WEEK * count for count in range((last - first).days // 7 + 1)]


@dataclass(frozen=True)
class Row:
    """A week of a voucher's consultant: `here` are the hours booked for it, `elsewhere` others."""

    week: Week
    here: Decimal
    reason: str
    is_now: bool

    @property
    def elsewhere(self) -> Decimal:
        return self.week.booked - self.here


@dataclass(frozen=True)
class Effort:
    """Hours for a voucher: `mondays` can be booked; without a consultant who is a member there
    are no `rows`.
    """

    mondays: list[date]
    rows: list[Row]
    bookings: dict[date, Booking]

    @property
    def total(self) -> Decimal:
        return sum((one.hours for one in self.bookings.values()), Decimal(0))

    def booked(self, monday: date) -> Decimal:
        """Hours that are booked for the voucher in this week."""
        return self.bookings[monday].hours if monday in self.bookings else Decimal(0)


def effort_of(voucher: Voucher) -> Effort:
    """The weeks of the voucher's consultant, and what is booked of them."""
    mondays = bookable(voucher)
    bookings = {one.week: one for one in voucher.bookings.all()}
    effort = Effort(mondays, [], bookings)
    person = members().filter(consulted_vouchers=voucher).first()
    this_week = monday_of(timezone.localdate())
    for week in weeks_of([person], mondays)[person.pk] if person else []:
        monday = week.monday
        reason = bookings[monday].reason if monday in bookings else ""
        effort.rows.append(Row(week, effort.booked(monday), reason, monday == this_week))
    return effort


@transaction.atomic
def book(voucher: Voucher, by: Person, week: date, hours: Decimal, reason: str = "") -> None:
    """Set aside hours of the voucher's consultant in a week; 0 frees them.

    More than the consultant has free is refused, unless a reason is given; that is kept with the
    booking and in the audit chain. What reduces an overbooking needs none.
    """
    require(rules.may_book(by, voucher))
    if week not in bookable(voucher):
        raise Refused(_("Choose a week of the planned time."))
    if not 0 <= hours <= MOST_HOURS:
        raise Refused(_("Book 0 to %(most)d hours.") % {"most": MOST_HOURS})
    assert voucher.consultant_id is not None  # the rule has asked
    # Whoever books the same person's hours waits here, so that two cannot take the same ones.
    Profile.objects.get_or_create(person_id=voucher.consultant_id)
    Profile.objects.select_for_update().get(person_id=voucher.consultant_id)
    person = members().filter(pk=voucher.consultant_id).first()
    if person is None:
        raise Refused(_("The consultant is not a member of the network any more."))
    mine = Booking.objects.filter(voucher=voucher, person=person, week=week)
    before = sum((booking.hours for booking in mine), Decimal(0))
    if hours == before:
        return
    free = weeks_of([person], [week])[person.pk][0].free + before
    is_over = hours > max(free, before)
    if is_over and not reason.strip():
        raise Refused(
            _(
                "%(person)s has %(free)s h free in that week, not %(hours)s. Book less, or give "
                "the reason why it has to be more."
            )
            % {
                "person": person,
                "free": localize(max(free, Decimal(0))),
                "hours": localize(hours),
            }
        )
    mine.delete()
    if hours:
        Booking.objects.create(
            voucher=voucher, person=person, week=week, hours=hours,
            reason=reason.strip() if is_over else "",
        )  # fmt: skip
    audit.append(
        "voucher.effort",
        by.uid,
        f"voucher:{voucher.reference}",
        {"week": week.isoformat(), "hours": [str(before), str(hours)], "overbooked": is_over},
        sealed={"consultant": str(person.uid), "reason": reason} if is_over else None,
    )
