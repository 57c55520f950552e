"""A worker's signs of life, from a thread beside its work."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from evidesk.desk.workers import actions, signals

#: Seconds from one sign of life to the next.
BEAT = 10.0

_log = logging.getLogger(__name__)


@contextmanager
def beating(name: str) -> Iterator[None]:
    """While the block runs, this process is known as a living worker."""
    beat_once(name)
    stop = threading.Event()

    def beat() -> None:
        try:
            while not stop.wait(BEAT):
                beat_once(name)
        finally:
            connection.close()  # this thread's own

    thread = threading.Thread(target=beat, name="heart", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        actions.check_out(name)


def beat_once(name: str) -> None:
    """Check in, look after what dead workers left, and let later apps do their regular duties."""
    try:
        actions.check_in(name)
        actions.take_over_lost_jobs()
        for receiver, outcome in signals.beat.send_robust(None):
            if isinstance(outcome, Exception):
                _log.error("%r failed", receiver, exc_info=outcome)
    except Exception:
        # A database that is away for a moment must not silence the worker for good.
        _log.exception("This worker could not give its sign of life")
        connection.close()
