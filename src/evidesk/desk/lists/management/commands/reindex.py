"""``evidesk desk reindex``: write the full text index anew."""

from typing import Any

from django.core.management.base import BaseCommand

from evidesk.desk.lists.actions import reindex


class Command(BaseCommand):
    """Write the index of every voucher anew; the desk may go on meanwhile."""

    help = "Write the full text index of every voucher anew, for instance after a restore."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{reindex()} vouchers can be found.")
