"""`evidesk desk end_expired_offers`: for whatever runs once a day."""

from typing import Any

from django.core.management.base import BaseCommand

from evidesk.desk.vouchers.jobs import end_expired_offers


class Command(BaseCommand):
    """End the offers that nobody has answered in time."""

    help = "End the offers that nobody has answered in time; safe to run at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"offers ended: {end_expired_offers()}")
