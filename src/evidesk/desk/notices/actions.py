"""Telling people, and what they and the office do about it; the only code here that writes.

Sending is in `delivery.py`, the digest in `digests.py`, and what comes back in `inbox.py`; they
write through the functions of this module too.
"""

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import transaction as database
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from evidesk.desk.audit import actions as audit
from evidesk.desk.notices import letters, queries, rules
from evidesk.desk.notices.kinds import BY_KIND, WAYS, Audience, Topic, Way
from evidesk.desk.notices.models import (
    UNSENT,
    Calendar,
    Mail,
    MailState,
    Notice,
    Preference,
    Reply,
    ReplyState,
)
from evidesk.desk.people.models import Person, Token
from evidesk.desk.people.rules import Conflict, require
from evidesk.desk.vouchers.models import Event, Inquiry, Voucher

# Telling. Each is called within the transaction of what it tells.


def tell_of_event(event: Event) -> None:
    """Tell the people of a voucher what has just happened to it."""
    row = BY_KIND.get(event.kind)
    if row is None or row.topic is None:
        return
    after = Voucher.objects.select_related("author", "offered_to", "consultant").get(
        pk=event.voucher_id
    )
    # In memory the event's voucher is still as it was before the step.
    people = queries.told(row, event.voucher, after)
    tell(row.kind, people, actor=event.actor, voucher=after, event=event)


def tell_of_inquiry(inquiry: Inquiry) -> None:
    """Tell those who answer inquiries that there is one."""
    people = queries.audience(Audience.ANSWERING)
    tell("inquired", people, actor=inquiry.person, inquiry=inquiry)


def tell_of_answer(inquiry: Inquiry) -> None:
    """Tell whoever asked. Without an account there is only the address that they gave."""
    if inquiry.person is not None:
        tell("inquiry-answered", [inquiry.person], actor=inquiry.answered_by, inquiry=inquiry)
    elif inquiry.email and rules.mail_is_written():
        _post([letters.of_answer(inquiry)])


def tell_of_token(token: Token) -> None:
    """Tell the owner of a new access token, in case it was not them who made it."""
    tell("token-created", [token.person], text=token.name)


def tell(
    kind: str,
    people: Iterable[Person],
    *,
    actor: Person | None = None,
    voucher: Voucher | None = None,
    event: Event | None = None,
    inquiry: Inquiry | None = None,
    text: str = "",
) -> list[Notice]:
    """Write a notice for each of the people but the actor, and mail for those who want it now."""
    topic = BY_KIND[kind].topic
    assert topic is not None  # rows without one tell nobody
    people = [person for person in people if person.is_active and person != actor]
    if not people:
        return []
    ways = queries.ways(people, topic)
    written = rules.mail_is_written()
    notices = Notice.objects.bulk_create(
        Notice(
            person=person,
            kind=kind,
            actor=actor,
            voucher=voucher,
            event=event,
            inquiry=inquiry,
            text=text,
            in_digest=written and ways[person.pk] == Way.DAILY,
        )
        for person in people
    )
    if written:
        now = [notice for notice in notices if ways[notice.person_id] == Way.NOW]
        _post([letters.of_notice(notice, topic) for notice in now])
    return notices


def _post(mails: Sequence[Mail]) -> None:
    """Put mails into the outbox, and wake the worker once this transaction is done."""
    from evidesk.desk.notices.jobs import send_mail

    Mail.objects.bulk_create(mails)
    if mails and rules.mail_is_sent():
        send_mail.enqueue()


# What people do


def mark_read(
    person: Person, *, ids: Collection[int] | None = None, reference: str | None = None
) -> int:
    """Mark as read these notices, those of one voucher, or all; returns how many were not."""
    unread = person.notices.filter(read_at=None)
    if ids is not None:
        unread = unread.filter(pk__in=ids)
    if reference is not None:
        unread = unread.filter(voucher__reference=reference)
    return unread.update(read_at=timezone.now())


@database.atomic
def choose_ways(person: Person, chosen: Mapping[Topic, Way]) -> None:
    """Keep how the person wants to be told; raises `Refused` for what a topic does not offer."""
    for topic, way in chosen.items():
        require(rules.may_choose(topic, way))
    before = queries.preferences_of(person)
    changed = {topic: way for topic, way in chosen.items() if before[topic] != way}
    for topic, way in changed.items():
        Preference.objects.update_or_create(person=person, topic=topic, defaults={"way": way})
    if changed:
        facts = {topic.value: [before[topic].value, way.value] for topic, way in changed.items()}
        audit.append("notices.chosen", person.uid, f"person:{person.uid}", facts)


def unsubscribe(person: Person, topics: Sequence[Topic] | None) -> None:
    """No mail about the topics any more; None stands for all that the daily digest tells."""
    if topics is None:
        daily = queries.preferences_of(person).items()
        topics = [topic for topic, way in daily if way == Way.DAILY]
    choose_ways(person, {topic: Way.NEVER for topic in topics if Way.NEVER in WAYS[topic]})


@database.atomic
def new_calendar(person: Person) -> str:
    """A new secret for the person's calendar address; the old one ends. It is not kept."""
    text = secrets.token_urlsafe(32)
    Calendar.objects.update_or_create(
        person=person,
        defaults={
            "digest": Token.digest_of(text),
            "created_at": timezone.now(),
            "read_at": None,
        },
    )
    audit.append("calendar.created", person.uid, f"person:{person.uid}")
    tell("calendar-created", [person])
    return text


@database.atomic
def end_calendar(person: Person) -> None:
    """Make the person's calendar address useless."""
    ended, _ = Calendar.objects.filter(person=person).delete()
    if ended:
        audit.append("calendar.ended", person.uid, f"person:{person.uid}")


def person_of_calendar(text: str) -> Person | None:
    """Whose calendar the secret opens, if anybody's; notes when it was read."""
    calendar = (
        Calendar.objects.select_related("person")
        .filter(digest=Token.digest_of(text), person__is_active=True)
        .first()
    )
    if calendar is None:
        return None
    Calendar.objects.filter(pk=calendar.pk).update(read_at=timezone.now())
    return calendar.person


# Erasing: what the desk holds twice is erased with what it was made from


def forget_person(person: Person) -> None:
    """Erase all that was told to the person, and mails that quote or name them."""
    told = Q(person=person) | Q(notice__actor=person) | Q(text__contains=person.name)
    Mail.objects.filter(told | Q(address__iexact=person.email)).delete()
    Reply.objects.filter(Q(person=person) | Q(sender__iexact=person.email)).delete()
    person.notices.all().delete()
    person.preferences.all().delete()
    Calendar.objects.filter(person=person).delete()


def forget_inquiry(inquiry: Inquiry) -> None:
    """Erase the mails that told of an inquiry."""
    inquiry.mails.all().delete()


def forget_mail(mail: Mail) -> None:
    """Erase a mail whose time has come."""
    Mail.objects.filter(pk=mail.pk).exclude(state__in=UNSENT).delete()


# What the office does


@database.atomic
def retry(mail: Mail, by: Person) -> None:
    """Try a mail now."""
    require(rules.may_retry(by, mail))
    now = timezone.now()
    changed = Mail.objects.filter(pk=mail.pk, state=mail.state).update(
        state=MailState.QUEUED, queued_at=now, due_at=now, attempts=0
    )
    _must_have_changed(changed)
    audit.append("mail.retried", by.uid, f"mail:{mail.pk}")
    from evidesk.desk.notices.jobs import send_mail

    send_mail.enqueue()


@database.atomic
def cancel(mail: Mail, by: Person) -> None:
    """Do not send a mail that waits."""
    require(rules.may_cancel(by, mail))
    changed = Mail.objects.filter(pk=mail.pk, state=MailState.QUEUED).update(
        state=MailState.CANCELLED
    )
    _must_have_changed(changed)
    audit.append("mail.cancelled", by.uid, f"mail:{mail.pk}")


@database.atomic
def dismiss(reply: Reply, by: Person) -> None:
    """The office has dealt with a mail that was not taken; its text is not needed any more."""
    require(rules.may_see_mail(by))
    changed = Reply.objects.filter(pk=reply.pk, state=ReplyState.REFUSED).update(
        state=ReplyState.DISMISSED, text=""
    )
    _must_have_changed(changed)
    audit.append("reply.dismissed", by.uid, f"reply:{reply.pk}")


def _must_have_changed(rows: int) -> None:
    if not rows:
        raise Conflict(
            gettext("Somebody or the worker was faster. Load the page again to see how it is.")
        )
