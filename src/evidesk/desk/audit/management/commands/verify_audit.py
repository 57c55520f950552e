"""``evidesk desk verify-audit``: is the chain of what was done whole?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evidesk.desk.audit.queries import verify


class Command(BaseCommand):
    """Recompute the chain; fail if it is broken."""

    help = (
        "Recompute the audit chain from its first entry. Prints the chain's head; keep it "
        "elsewhere, and give it as --head to find out later whether the chain still holds it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--head", default="", help="A head printed earlier: NUMBER:DIGEST.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = verify(options["head"])
        if found.problems:
            raise CommandError("The audit chain is broken.\n" + "\n".join(found.problems))
        erased = f", {found.erased} texts erased" if found.erased else ""
        self.stdout.write(f"The audit chain is whole: {found.entries} entries{erased}.")
        self.stdout.write(f"head {found.head}")
