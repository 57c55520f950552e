"""The daily digest: what is new, what waits, and what is due, in one mail a day.

A digest without news is not written. News are notices of topics that the person wants daily, and
vouchers that wait or fall due and did not at the last digest: nobody is reminded of the same thing
every morning, but it stands in the mail whenever there is one.
"""

from datetime import date

from django.conf import settings
from django.db import IntegrityError
from django.db import transaction as database
from django.utils import timezone

from evidesk.desk.notices import letters, queries, rules
from evidesk.desk.notices.kinds import Topic, Way
from evidesk.desk.notices.models import Digest, DigestDay
from evidesk.desk.people.models import Person
from evidesk.desk.vouchers.rules import next_step


def write_digests() -> int:
    """Write today's digests if it is time and nobody has; returns how many there are.

    What is interrupted is finished by the next call: a person's digest is one transaction, and the
    day is done only after the last.
    """
    now = timezone.localtime()
    if not rules.mail_is_written() or now.hour < settings.DIGEST_HOUR:
        return 0
    day, _ = DigestDay.objects.get_or_create(day=now.date())
    if day.done_at is not None:
        return 0
    written = sum(write_digest(person, day.day) for person in queries.may_get_digest())
    DigestDay.objects.filter(pk=day.pk, done_at=None).update(done_at=timezone.now())
    return written


def write_digest(person: Person, day: date) -> bool:
    """Write the person's digest of the day, once and only if it has news."""
    notices = list(queries.notices_for(person).filter(in_digest=True))
    waiting, due = [], []
    if queries.preferences_of(person)[Topic.WAITING] == Way.DAILY:
        waiting = list(queries.waiting_in_digest(person))
        due = queries.due(person, day)
    listed = [f"waiting:{one.pk}:{one.state}" for one in waiting]
    listed += [f"due:{one.pk}:{one.ends_on}" for one in due]
    last = person.digests.first()
    if not notices and not set(listed).difference(last.listed if last else []):
        return False
    shown = [
        notice
        for voucher, members in queries.grouped(person, notices)
        for notice in members
        if not getattr(voucher, "is_hidden", False)
    ]
    try:
        with database.atomic():
            person.notices.filter(pk__in=[notice.pk for notice in notices]).update(in_digest=False)
            if not (shown or waiting or due):
                return False
            steps = [
                (voucher, step.label if step else "")
                for voucher in waiting
                for step in [next_step(person, voucher)]
            ]
            mail = letters.of_day(person, shown, steps, due)
            mail.save()
            Digest.objects.create(person=person, day=day, mail=mail, listed=listed)
    except IntegrityError:  # another worker was faster
        return False
    return True
