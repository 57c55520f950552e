"""Whom a command is about."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.db.models import Q

from evidesk.desk.people.models import Person


def add_person(parser: CommandParser, name: str, **options: Any) -> None:
    """Add the argument that names somebody."""
    parser.add_argument(name, help="E-mail address, or the person's uid.", **options)


def find_person(text: str) -> Person:
    """Who has that e-mail address or uid.

    Raises
    ------
    CommandError : nobody has, or several have.
    """
    wanted = Q(email__iexact=text)
    with suppress(ValueError):
        wanted |= Q(uid=UUID(text))
    found = list(Person.objects.filter(wanted)[:10])
    if not found:
        raise CommandError(f"Nobody has the e-mail address or uid {text!r}.")
    if len(found) > 1:
        several = "\n".join(f"  {one.uid}  {one} ({one.issuer})" for one in found)
        raise CommandError(f"Several people have {text!r}; name one by the uid:\n{several}")
    return found[0]
