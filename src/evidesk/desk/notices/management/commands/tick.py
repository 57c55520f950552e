"""`evidesk desk tick`: what is done again and again."""

import signal
import threading
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections

from evidesk.desk.notices.jobs import tick


class Command(BaseCommand):
    help = (
        "Send mail that is due, write the daily digest, read replies, and end runs whose worker "
        "has vanished. Call it every minute (a systemd timer, cron), or let it call itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--every", type=float, metavar="SECONDS",
            help="Go on and do it again after so many seconds, until told to stop.",
        )  # fmt: skip

    def handle(self, *args: Any, every: float | None, verbosity: int, **options: Any) -> None:
        if every is not None and not 1 <= every <= 86_400:
            raise CommandError("--every takes 1 to 86400 seconds.")
        ended = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:
            ended.set()

        if every is not None:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, end)
        while True:
            done, failed = tick()
            if verbosity > 1 or (verbosity and any(done.values())):
                self.stdout.write("; ".join(f"{name}: {count}" for name, count in done.items()))
                self.stdout.flush()  # whoever watches a pipe sees it now
            if every is None:
                if failed:
                    raise CommandError(" ".join(failed))
                return
            close_old_connections()
            if ended.wait(every):
                return
