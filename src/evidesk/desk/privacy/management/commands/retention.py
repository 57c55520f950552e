"""``evidesk desk retention``: what goes by itself after a time."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from evidesk.desk.privacy.retention import RULES, apply


class Command(BaseCommand):
    """Show what the retention rules would erase, or erase it."""

    help = (
        "Show what the retention rules (EVIDESK_RETAIN_*) would erase now. With --apply it is "
        "erased; run that once a day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="Erase it.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["apply"]:
            for name, count in apply().items():
                self.stdout.write(f"{name}: {count} erased")
            return
        for rule in RULES:
            rows = rule.due()
            if rows is None:
                self.stdout.write(f"{rule.name}: kept for ever")
                continue
            self.stdout.write(f"{rule.name}: {rows.count()} due, older than {rule.days} days")
            for row in rows[:10]:
                self.stdout.write(f"  {row}")
        self.stdout.write("Nothing was erased. With --apply it is.")
