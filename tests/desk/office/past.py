"""Vouchers with a past: rows as they would be after what people did on given days."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from evidesk.desk.vouchers.models import (
    AgreementText,
    Booking,
    Event,
    Kind,
    Questionnaire,
    State,
    Voucher,
)
from tests.desk.network import Network

_number = iter(range(1, 10**6))


def a_voucher(
    network: Network,
    submitted: float,
    *,
    state: State = State.SUBMITTED,
    contacted: float | None = None,
    ended: float | None = None,
    started: float | None = None,
    reported: float | None = None,
    days: int = 10,
    rating: int | None = None,
    booked: tuple[float, ...] = (),
    kind: str = "exploration",
    unit: Any = None,
) -> Voucher:
    """Submitted so many days ago; the other moments likewise."""
    staffed = state in (State.ACTIVE, State.REPORTED, State.CLOSED)
    voucher = Voucher.objects.create(
        reference=f"V-2026-{next(_number):04d}",
        title="Trust",
        kind=Kind.objects.get(slug=kind),
        unit=unit or network.spoke,
        author=network.author,
        questionnaire=Questionnaire.objects.latest("version"),
        state=state,
        created_at=ago(submitted + 1),
        submitted_at=ago(submitted),
        ended_at=None if ended is None else ago(ended),
        consultant=network.consultant if staffed else None,
        offered_to=network.consultant if state == State.OFFERED else None,
        starts_on=timezone.localdate(ago(started or 0)) if staffed else None,
        days=days if staffed else None,
        agreement=AgreementText.objects.latest("version"),
        author_agreed_at=ago(submitted),
        consultant_agreed_at=ago(submitted) if staffed else None,
        report="It works." if state in (State.REPORTED, State.CLOSED) else "",
        rating=rating,
    )
    # What the author does is no contact, and what came before the submission neither.
    tell(voucher, network.author, "started", submitted + 1)
    tell(voucher, network.author, "submit", submitted)
    tell(voucher, network.author, "message", submitted - 0.01)
    if contacted is not None:
        tell(voucher, network.lead, "message", contacted)
        tell(voucher, network.lead, "message", max(contacted - 1, 0))
    if reported is not None:
        tell(voucher, network.consultant, "report", reported)
    for week, hours in enumerate(booked):
        Booking.objects.create(
            voucher=voucher,
            person=network.consultant,
            week=timezone.localdate(ago(7 * week)),
            hours=hours,
        )
    return voucher


def ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def tell(voucher: Voucher, actor: Any, kind: str, days_ago: float) -> None:
    Event.objects.create(voucher=voucher, actor=actor, kind=kind, at=ago(days_ago))
