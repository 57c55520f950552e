"""A person's calendar: the planned work and the deadlines of their vouchers (RFC 5545)."""

from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from icalendar import Calendar, Event, vDuration

from evidesk import __version__
from evidesk.desk.notices.letters import address_of, in_their_language, one_line
from evidesk.desk.notices.queries import planned_for
from evidesk.desk.people.models import Person
from evidesk.desk.vouchers.models import State, Voucher


def calendar_of(person: Person) -> bytes:
    """The calendar as it goes over the wire, in the person's language; the same bytes as long as
    nothing has changed.

    Every event lasts whole days, so it has no time zone; its end is the day after its last
    (3.6.1). DTSTAMP is when the plan was last changed and SEQUENCE how often (3.8.7): reading the
    calendar twice shows no change where there is none.
    """
    with in_their_language(person):
        return _calendar_of(person)


def _calendar_of(person: Person) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", f"-//evidesk//desk {__version__}//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", _("Vouchers of %(name)s") % {"name": one_line(person.name)})
    # Two names for one thing: the standard's (RFC 7986) and the one that more programs read.
    calendar.add("refresh-interval", vDuration(timedelta(hours=6)), {"value": "DURATION"})
    calendar.add("x-published-ttl", vDuration(timedelta(hours=6)))
    for voucher in planned_for(person):
        calendar.add_component(_work(voucher))
        if voucher.state == State.ACTIVE:
            calendar.add_component(_deadline(voucher))
    return bytes(calendar.to_ical())


def _work(voucher: Voucher) -> Event:
    assert voucher.starts_on is not None  # it is planned
    event = _event(voucher, "work", one_line(str(voucher)))
    event.add("dtstart", voucher.starts_on)
    event.add("dtend", _day_after(voucher))
    consultant = voucher.consultant.name if voucher.consultant else ""
    event.add(
        "description",
        _("%(kind)s for %(author)s, by %(consultant)s")
        % {"kind": voucher.kind, "author": voucher.author, "consultant": consultant},
    )
    return event


def _deadline(voucher: Voucher) -> Event:
    event = _event(
        voucher, "deadline", _("Report due: %(voucher)s") % {"voucher": one_line(str(voucher))}
    )
    event.add("dtstart", voucher.ends_on)
    event.add("dtend", _day_after(voucher))
    return event


def _day_after(voucher: Voucher) -> object:
    assert voucher.ends_on is not None  # it is planned
    return voucher.ends_on + timedelta(days=1)


def _event(voucher: Voucher, what: str, summary: str) -> Event:
    event = Event()
    domain = settings.MAIL.domain or "evidesk"
    revised_at = voucher.revised_at  # type: ignore[attr-defined]
    event.add("uid", f"{voucher.reference}-{what}@{domain}")
    event.add("dtstamp", revised_at)
    event.add("last-modified", revised_at)
    event.add("sequence", max(voucher.revisions - 1, 0))  # type: ignore[attr-defined]
    event.add("summary", summary)
    event.add("transp", "TRANSPARENT")  # nobody is unavailable for whole days
    event.add("url", address_of(reverse("voucher", args=[voucher.reference])))
    return event
