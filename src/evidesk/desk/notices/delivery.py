"""Sending what is in the outbox.

A mail is sent by whoever claims it: a conditional update from "waiting" to "being sent" with a
lease, so that of any number of senders one wins. Whether it went is written down right after the
server has taken it. Between those two moments a crash cannot be told from a mail that was not
taken: then, once the lease has run out, it is sent again, under the same Message-ID, by which
mail servers and readers recognise the second copy. Nothing else sends a mail twice.
"""

import random
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop

from evidesk.desk.notices import queries, rules
from evidesk.desk.notices.letters import CannotWrite, as_message, envelope_address
from evidesk.desk.notices.models import Mail, MailState
from evidesk.desk.notices.smtp import Connection, NotSent, RefusedForGood, Unreachable

#: How long a sender may take: more than all answers that it could wait for together.
LEASE = timedelta(minutes=10)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
#: How long a mail is tried (RFC 5321, 4.5.4.1 asks for at least four to five days).
GIVE_UP_AFTER = timedelta(days=5)
#: Connections that break in a row, after which a pass ends: the server is not well.
MOST_FAILURES = 3
#: Mails of one pass, so that other jobs get their turn.
MOST_MAILS = 500


def deliver() -> int:
    """Send what is due; returns how many mails went."""
    if not rules.mail_is_sent():
        return 0
    end_lost_leases()
    sent = failures = 0
    assert settings.MAIL.smtp is not None  # mail is sent
    with Connection(settings.MAIL.smtp) as connection:
        for _ in range(MOST_MAILS):
            mail = claim()
            if mail is None:
                break
            try:
                answer = _send(mail, connection)
            except Unreachable as fault:
                postpone(mail, str(fault))
                break
            except RefusedForGood as fault:
                finish(mail, MailState.FAILED, str(fault))
            except CannotWrite as fault:
                finish(mail, MailState.FAILED, str(fault))
            except NotSent as fault:
                postpone(mail, str(fault))
                failures += 1
                if failures >= MOST_FAILURES:
                    break
                continue
            else:
                sent += finish(mail, MailState.SENT, answer)
            failures = 0
    return sent


def _send(mail: Mail, connection: Connection) -> str:
    if mail.person is not None and not mail.person.is_active:
        raise RefusedForGood(gettext_noop("The person has left the desk."))
    content = as_message(mail).as_bytes()
    return connection.send(settings.MAIL.address, envelope_address(mail.address), content)


def claim() -> Mail | None:
    """Take a mail that is due, so that nobody else sends it; None if there is none."""
    while (pk := queries.due_mail()) is not None:
        now = timezone.now()
        lease = uuid.uuid4()
        claimed = Mail.objects.filter(pk=pk, state=MailState.QUEUED, due_at__lte=now).update(
            state=MailState.SENDING,
            lease=lease,
            lease_until=now + LEASE,
            attempts=F("attempts") + 1,
        )
        if claimed:
            return Mail.objects.select_related("person", "voucher").get(pk=pk)
    return None


def finish(mail: Mail, state: MailState, answer: str) -> bool:
    """The mail went, or never will; false if the lease had run out."""
    now = timezone.now()
    return bool(
        Mail.objects.filter(pk=mail.pk, state=MailState.SENDING, lease=mail.lease).update(
            state=state,
            lease=None,
            lease_until=None,
            sent_at=now if state == MailState.SENT else None,
            last_answer=answer,
        )
    )


def postpone(mail: Mail, answer: str) -> None:
    """Try again later, or give up after days."""
    now = timezone.now()
    if now - mail.queued_at > GIVE_UP_AFTER:
        finish(mail, MailState.FAILED, answer)
        return
    Mail.objects.filter(pk=mail.pk, state=MailState.SENDING, lease=mail.lease).update(
        state=MailState.QUEUED,
        lease=None,
        lease_until=None,
        due_at=next_attempt(mail.attempts, now),
        last_answer=answer,
    )


def next_attempt(attempts: int, now: datetime) -> datetime:
    """A minute after the first attempt, doubling up to six hours, each up to a half more or less,
    so that what failed together does not come back together.
    """
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempts - 1, 20))
    jitter: float = random.uniform(0.5, 1.5)  # noqa: S311 - no secret
    return now + pause * jitter


def end_lost_leases() -> int:
    """Mails whose sender has vanished wait again; returns how many there were."""
    now = timezone.now()
    return Mail.objects.filter(state=MailState.SENDING, lease_until__lt=now).update(
        state=MailState.QUEUED,
        lease=None,
        lease_until=None,
        due_at=now,
        last_answer=gettext_noop("The worker stopped while it sent this mail."),
    )
