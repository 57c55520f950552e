"""`evidesk desk check`: what is wrong with the configuration, and what to do about it."""

from typing import Any

from django.core.management.commands import check

from evidesk.desk.operations import live_checks


class Command(check.Command):
    """Django's own checks, and those of a desk as it runs."""

    help = "Look for what is wrong with the configuration, database, workers and disk."

    def handle(self, *args: Any, **options: Any) -> None:
        live_checks.register()
        super().handle(*args, **options)
