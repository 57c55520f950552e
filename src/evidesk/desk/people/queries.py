"""Reads about people that more than one page needs."""

from django.db.models import QuerySet
from django.http import HttpRequest

from evidesk.desk.people.models import Person, Role

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
