"""``evidesk desk map-group``: whose group gives which role; for a desk's first office."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from evidesk.desk.people.log_in import actions
from evidesk.desk.people.log_in.forms import read_group
from evidesk.desk.people.models import Role, Unit
from evidesk.desk.people.rules import Conflict


class Command(BaseCommand):
    """Add a row to the table of groups, as the office does on its page."""

    help = "Give whoever is in the group the role in the unit, from their next log-in on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("group", help="Such as HIFIS:Consulting:role=lead, or an entitlement.")
        parser.add_argument("unit", help="The unit's short name, such as hub.")
        parser.add_argument("role", choices=Role.values)

    def handle(self, *args: Any, **options: Any) -> None:
        unit = Unit.objects.filter(slug=options["unit"]).first()
        if unit is None:
            known = ", ".join(Unit.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no unit {options['unit']!r}. Units: {known}.")
        try:
            row = actions.add_group(None, read_group(options["group"]), unit, options["role"])
        except (ValidationError, Conflict) as fault:
            raise CommandError(" ".join(getattr(fault, "messages", [str(fault)]))) from None
        self.stdout.write(f"{row}.")
