"""Reads about notices, mail and digests."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from evidesk.desk.notices.kinds import WAYS, Audience, Row, Topic, Way
from evidesk.desk.notices.models import (
    UNSENT,
    Mail,
    MailState,
    Notice,
    Preference,
    Reply,
    ReplyState,
)
from evidesk.desk.people.models import Person, Role
from evidesk.desk.vouchers.models import ENDS, OPEN, State, Voucher
from evidesk.desk.vouchers.queries import visible_to, waiting_for
from evidesk.desk.vouchers.workflow import Part

#: How long closed work stays in the calendar, in days.
KEPT_IN_CALENDAR = 365
#: How far the digest looks ahead.
LOOKS_AHEAD = timedelta(days=7)


# Who is told


def told(row: Row, before: Voucher, after: Voucher) -> list[Person]:
    """The people whom a row of the table tells of a voucher's event: those with the part before
    the step and those with it after.
    """
    parts = set(row.told)
    if after.consultant_id is None:
        parts.update(row.meanwhile)
    people: dict[int, Person] = {}
    for voucher in (before, after):
        for part, person in (
            (Part.AUTHOR, voucher.author),
            (Part.OFFERED, voucher.offered_to),
            (Part.CONSULTANT, voucher.consultant),
        ):
            if part in parts and person is not None and person.is_active:
                people[person.pk] = person
    if Part.TRIAGE in parts and after.submitted_at is not None:
        people |= {person.pk: person for person in triage_of(after)}
    return list(people.values())


def triage_of(voucher: Voucher) -> QuerySet[Person]:
    """The leads of the voucher's unit and the office, but for its author."""
    lead = Q(memberships__role=Role.LEAD, memberships__unit=voucher.unit_id)
    office = Q(memberships__role=Role.OFFICE)
    return (
        Person.objects.filter(lead | office, is_active=True)
        .exclude(pk=voucher.author_id)
        .distinct()
    )


def audience(who: Audience) -> QuerySet[Person]:
    """Those who are told of every inquiry."""
    assert who == Audience.ANSWERING
    return Person.objects.filter(
        is_active=True, memberships__role__in=[Role.LEAD, Role.OFFICE]
    ).distinct()


def ways(people: Iterable[Person], topic: Topic) -> dict[int, Way]:
    """How each of the people wants to be told of the topic."""
    chosen = dict(
        Preference.objects.filter(person__in=list(people), topic=topic).values_list(
            "person_id", "way"
        )
    )
    return {
        person.pk: Way(chosen[person.pk])
        if chosen.get(person.pk) in WAYS[topic]
        else WAYS[topic][0]
        for person in people
    }


def preferences_of(person: Person) -> dict[Topic, Way]:
    """How the person wants to be told of each topic."""
    chosen = dict(person.preferences.values_list("topic", "way"))
    return {
        topic: Way(chosen[topic]) if chosen.get(topic) in possible else possible[0]
        for topic, possible in WAYS.items()
    }


# The page of notices


def unread_of(request: HttpRequest) -> int:
    """How many notices the person of the request has not read; asked once a request."""
    known = getattr(request, "_unread_notices", None)
    if known is None:
        user = getattr(request, "user", None)
        known = 0
        if user is not None and user.is_authenticated:
            known = user.notices.filter(read_at=None).count()
        request._unread_notices = known  # type: ignore[attr-defined]
    return int(known)


def notices_for(person: Person, *, unread: bool = False) -> QuerySet[Notice]:
    """The person's notices, the last first, with all that a row shows."""
    found = person.notices.select_related("actor", "voucher", "event", "inquiry")
    return found.filter(read_at=None) if unread else found


def grouped(person: Person, notices: Iterable[Notice]) -> list[tuple[Voucher | None, list[Notice]]]:
    """The notices voucher by voucher, in the order in which each voucher comes first.

    A voucher that the person does not see any more, such as one whose offer was taken back, comes
    without its title: that may have changed since.
    """
    groups: dict[int | None, list[Notice]] = {}
    for notice in notices:
        groups.setdefault(notice.voucher_id, []).append(notice)
    visible = set(
        visible_to(person).filter(pk__in=[pk for pk in groups if pk]).values_list("pk", flat=True)
    )
    result = []
    for pk, members in groups.items():
        voucher = members[0].voucher
        if voucher is not None and pk not in visible:
            voucher.title, voucher.is_hidden = "", True  # type: ignore[attr-defined]
        result.append((voucher, members))
    return result


# The daily digest


def may_get_digest() -> QuerySet[Person]:
    """People for whom there could be something in a digest."""
    working = Q(memberships__isnull=False)
    asking = Q(vouchers__state__in=OPEN)
    return (
        Person.objects.filter(working | asking | Q(notices__in_digest=True), is_active=True)
        .distinct()
        .order_by("pk")
    )


def waiting_in_digest(person: Person) -> QuerySet[Voucher]:
    """What waits for the person. Drafts do not count: they are nobody's business yet."""
    return waiting_for(person).exclude(state=State.DRAFT).select_related("kind", "unit", "author")


def due(person: Person, today: date) -> list[Voucher]:
    """Active vouchers of the person that end within seven days, or should have."""
    active = Voucher.objects.filter(
        Q(author=person) | Q(consultant=person), state=State.ACTIVE, starts_on__isnull=False
    ).order_by("starts_on", "pk")
    last = today + LOOKS_AHEAD
    return [one for one in active if one.ends_on is not None and one.ends_on <= last]


# Mail


def mail_for_office(state: str = "") -> QuerySet[Mail]:
    """The outbox, the last first; without the texts."""
    mails = Mail.objects.select_related("person", "voucher").defer("text", "html")
    return mails.filter(state=state) if state else mails


def mail_counts() -> dict[str, int]:
    """How many mails there are in each state."""
    return dict(Mail.objects.order_by().values_list("state").annotate(Count("pk")))


def settled_mail(before: datetime) -> QuerySet[Mail]:
    """Mails that were written before, and went or never will."""
    return Mail.objects.filter(created_at__lt=before).exclude(state__in=UNSENT)


def due_mail() -> int | None:
    """The mail that has waited longest, if any is due."""
    return (
        Mail.objects.filter(state=MailState.QUEUED, due_at__lte=timezone.now())
        .order_by("due_at", "pk")
        .values_list("pk", flat=True)
        .first()
    )


def replies_for_office(state: str = ReplyState.REFUSED) -> QuerySet[Reply]:
    """Mails that came and were not taken, the last first."""
    return Reply.objects.filter(state=state).select_related("person", "voucher")


# The calendar


def planned_for(person: Person) -> QuerySet[Voucher]:
    """Vouchers with planned dates that the person has a part in, or leads the unit of.

    `revised_at` is when the plan was last changed, `revisions` how often after it was first made.
    """
    led = [unit for unit, role in person.roles if role == Role.LEAD]
    recent = timezone.now() - timedelta(days=KEPT_IN_CALENDAR)
    plans = Q(events__kind__in=["accept", "plan", "extend"])
    return (
        Voucher.objects.filter(
            Q(author=person) | Q(consultant=person) | Q(unit__in=led), starts_on__isnull=False
        )
        .exclude(state=State.WITHDRAWN)
        .filter(~Q(state__in=ENDS) | Q(ended_at__gte=recent))
        .annotate(
            revised_at=Max("events__at", filter=plans), revisions=Count("events", filter=plans)
        )
        .select_related("kind", "unit", "author", "consultant")
        .order_by("starts_on", "pk")
    )
