"""Reads about people that more than one page needs."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from evidesk.desk.people.calendar import WEEK, days_at_work
from evidesk.desk.people.models import Absence, ConflictOfInterest, Member, Person, Role

#: The issuer of people who exist only in the demo.
DEMO_ISSUER = "demo"


def person_of(request: HttpRequest) -> Person:
    """The person who is signed in; for pages and calls that nobody else reaches."""
    assert isinstance(request.user, Person)
    return request.user


def personas() -> QuerySet[Person]:
    """The demo's people that a visitor can be signed in as."""
    return (
        Person.objects.filter(issuer=DEMO_ISSUER, is_active=True, persona__isnull=False)
        .select_related("persona")
        .prefetch_related("memberships__unit")
        .order_by("persona__pk")
    )


def possible_consultants() -> QuerySet[Person]:
    """Members to whom a voucher can be offered."""
    return (
        Person.objects.filter(is_active=True, memberships__role__in=[Role.CONSULTANT, Role.LEAD])
        .distinct()
        .prefetch_related("memberships__unit")
    )


def members() -> QuerySet[Person]:
    """People with a place in the network, with what their capacity follows from."""
    return (
        Person.objects.filter(is_active=True, memberships__isnull=False)
        .distinct()
        .select_related("profile")
        .prefetch_related(
            "absences",
            "profile__skills",
            Prefetch("memberships", Member.objects.select_related("unit")),
        )
    )


def absences_ahead(person: Person) -> QuerySet[Absence]:
    """The member's absences that are not over."""
    return person.absences.filter(last_day__gte=timezone.localdate())


def conflicts_of(person: Person) -> QuerySet[ConflictOfInterest]:
    """The member's conflicts of interest, with their scientists."""
    return person.conflicts.select_related("scientist")


def capacity(person: Person, mondays: Iterable[date]) -> dict[date, Decimal]:
    """Hours that a member (from `members`) has for vouchers in each week: the weekly hours, less
    a fifth for each public holiday of the first unit's state and each day of absence.
    """
    profile = getattr(person, "profile", None)
    weekly = profile.weekly_hours if profile else Decimal(0)
    state = next((place.unit.state for place in person.memberships.all()), "")
    away = [(one.first_day, one.last_day) for one in person.absences.all()]
    return {
        monday: (weekly * days_at_work(monday, state, away) / WEEK).quantize(Decimal("0.1"))
        for monday in mondays
    }
