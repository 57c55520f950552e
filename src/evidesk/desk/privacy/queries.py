"""What the desk holds about somebody."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet

from evidesk.desk.people.models import Person, Profile
from evidesk.desk.runs.models import StoredEvidence
from evidesk.desk.vouchers.models import ENDS, Attachment, Event, State, Voucher


def open_vouchers(person: Person) -> QuerySet[Voucher]:
    """The vouchers under way that have a part for the person."""
    part = Q(author=person) | Q(offered_to=person) | Q(consultant=person)
    return Voucher.objects.filter(part).exclude(state__in=[State.DRAFT, *ENDS])


def files_of(person: Person) -> QuerySet[Attachment]:
    """The files that the person gave, and those of the person's own vouchers."""
    return (
        Attachment.objects.filter(Q(uploader=person) | Q(voucher__author=person), erased_at=None)
        .select_related("voucher", "uploader")
        .distinct()
    )


def evidence_for(person: Person) -> QuerySet[StoredEvidence]:
    """The evidence on the person's own vouchers."""
    return StoredEvidence.objects.filter(voucher__author=person).select_related("voucher")


def data_of(person: Person) -> dict[str, Any]:
    """All that the desk knows of the person, as JSON."""
    vouchers = Voucher.objects.filter(author=person).select_related("kind", "unit", "questionnaire")
    elsewhere = Event.objects.filter(actor=person).exclude(voucher__author=person)
    return {
        "person": {
            "name": person.name,
            "email": person.email,
            "home": person.home,
            "language": person.language,
            "issuer": person.issuer,
            "subject": person.subject,
            "consented_to": person.consented_to,
            "consented_at": _time(person.consented_at),
            "last_sign_in": _time(person.last_login),
        },
        "memberships": [
            {"unit": member.unit.name, "role": member.role}
            for member in person.memberships.select_related("unit")
        ],
        "profile": _profile(person),
        "tokens": [
            {"name": token.name, "scope": token.scope, "created_at": _time(token.created_at)}
            for token in person.tokens.all()
        ],
        "views": [
            {"name": view.name, "query": view.query, "created_at": _time(view.created_at)}
            for view in person.views.all()
        ],
        "preferences": dict(person.preferences.values_list("topic", "way")),
        "notices": [
            {"at": _time(notice.at), "what": notice.sentence, "read_at": _time(notice.read_at)}
            for notice in person.notices.select_related("actor")
        ],
        "mails": [
            {"at": _time(at), "subject": subject, "text": text}
            for at, subject, text in person.mails.values_list("created_at", "subject", "text")
        ],
        "sessions": [
            {
                "device": session.device,
                "signed_in_at": _time(session.signed_in_at),
                "last_used_at": _time(session.last_used_at),
            }
            for session in person.sessions.all()
        ],
        "webhooks": [
            {"url": hook.url, "events": hook.events, "created_at": _time(hook.created_at)}
            for hook in person.hooks.all()
        ],
        "inquiries": [
            {
                "subject": inquiry.subject,
                "text": inquiry.text,
                "email": inquiry.email,
                "created_at": _time(inquiry.created_at),
                "answer": inquiry.answer,
            }
            for inquiry in person.inquiries.all()
        ],
        "vouchers": [
            {
                "reference": voucher.reference,
                "title": voucher.title,
                "kind": voucher.kind.slug if voucher.kind else None,
                "unit": voucher.unit.slug,
                "state": voucher.state,
                "created_at": _time(voucher.created_at),
                "document": voucher.answered(),
                "report": voucher.report,
                "rating": voucher.rating,
                "feedback": voucher.feedback,
                "credit": voucher.credit,
                "agreed_at": _time(voucher.author_agreed_at),
                "visibility": voucher.visibility,
                "summary": voucher.summary,
                "timeline": _events(voucher.events.select_related("actor")),
            }
            for voucher in vouchers.prefetch_related("events__actor")
        ],
        "written_elsewhere": _events(elsewhere.select_related("actor", "voucher")),
    }


def _profile(person: Person) -> dict[str, Any]:
    """What a member brings."""
    profile = Profile.objects.filter(person=person).first()
    return {
        "weekly_hours": str(profile.weekly_hours) if profile else None,
        "skills": [skill.name for skill in profile.skills.all()] if profile else [],
        "absences": [
            [one.first_day.isoformat(), one.last_day.isoformat(), one.reason]
            for one in person.absences.all()
        ],
        "conflicts_of_interest": [
            one.scientist.name for one in person.conflicts.select_related("scientist")
        ],
        "booked_hours": [
            [one.voucher.reference, one.week.isoformat(), str(one.hours)]
            for one in person.bookings.select_related("voucher")
        ],
    }


def _events(events: Iterable[Event]) -> list[dict[str, Any]]:
    return [
        {
            "voucher": event.voucher.reference,
            "at": _time(event.at),
            "by": event.actor.name if event.actor else None,
            "what": event.kind,
            "text": event.text,
        }
        for event in events
    ]


def _time(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
