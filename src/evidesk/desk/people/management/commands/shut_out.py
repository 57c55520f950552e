"""``evidesk desk shut-out``: refuse one person from the next click on, or let them in again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from evidesk.desk.people.log_in import actions
from evidesk.desk.people.management.commands._who import add_person, find_person


class Command(BaseCommand):
    """Shut one person out: sessions, tokens and log-ins."""

    help = (
        "Refuse one person's sessions, tokens and log-ins from now on; --undo lets them in again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_person(parser, "person")
        parser.add_argument("--undo", action="store_true", help="Let the person in again.")

    def handle(self, *args: Any, **options: Any) -> None:
        person = find_person(options["person"])
        actions.set_active(person, options["undo"])
        done = "may sign in again" if options["undo"] else "is shut out"
        self.stdout.write(f"{person} ({person.uid}) {done}.")
