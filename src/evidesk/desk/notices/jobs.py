"""Background work: sending mail when there is some, and all that is done again and again."""

import logging
from collections.abc import Callable

from django_tasks import task

from evidesk.desk.notices.delivery import deliver
from evidesk.desk.notices.digests import write_digests
from evidesk.desk.notices.inbox import take_replies
from evidesk.desk.runs.actions import end_lost_runs
from evidesk.desk.vouchers.jobs import end_expired_offers

logger = logging.getLogger(__name__)

#: What `evidesk desk tick` does, in this order. Each is safe to do at any time, by any number.
PERIODIC: tuple[tuple[str, Callable[[], int]], ...] = (
    ("runs ended that were lost", end_lost_runs),
    ("offers ended that nobody answered", end_expired_offers),
    ("replies read", take_replies),
    ("digests written", write_digests),
    ("mails sent", deliver),
)


@task(priority=50)
def send_mail() -> None:
    """Send what is due; before any run that waits, because it is quick."""
    deliver()


def tick() -> tuple[dict[str, int], list[str]]:
    """Do once all that is done again and again.

    Returns
    -------
    done : how much of each.
    failed : what went wrong, a sentence each; the others were done all the same.
    """
    done: dict[str, int] = {}
    failed = []
    for name, work in PERIODIC:
        try:
            done[name] = work()
        except Exception as fault:
            logger.exception("%s: failed", name)
            failed.append(f"{name}: {fault}")
    return done, failed
