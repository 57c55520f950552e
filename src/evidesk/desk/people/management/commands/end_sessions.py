"""``evidesk desk end-sessions``: sign everybody out, or one person, at once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from evidesk.desk.people.log_in import actions
from evidesk.desk.people.management.commands._who import add_person, find_person


class Command(BaseCommand):
    """End sessions, from the next click on."""

    help = "Sign everybody out at once, or one person."

    def add_arguments(self, parser: CommandParser) -> None:
        add_person(parser, "--person", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        person = find_person(options["person"]) if options["person"] else None
        ended = actions.end_all_sessions(person)
        self.stdout.write(f"{ended} sessions ended.")
