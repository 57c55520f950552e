"""Everything that people do with inquiries and vouchers; the only code here that writes.

Each function checks the rule, changes rows by a conditional update and records the event, all in
one transaction: either everything of it happened, or nothing.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction as database
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from evidesk.desk.audit import actions as audit
from evidesk.desk.people.models import Field, Person, Unit
from evidesk.desk.people.rules import Conflict, Refused, require
from evidesk.desk.vouchers import clock, rules, signals
from evidesk.desk.vouchers.models import (
    ENDS,
    AgreementText,
    Attachment,
    Counter,
    Event,
    EventKind,
    Inquiry,
    Kind,
    Questionnaire,
    Voucher,
    event_data,
)
from evidesk.desk.vouchers.uploads import Upload, take_in
from evidesk.desk.vouchers.workflow import BY_ACTION

#: Facts of an event that are no personal data, and hence stand openly in the audit chain.
PLAIN = frozenset(
    {"state", "starts_on", "days", "rating", "attachment", "run", "kit", "evidence", "via"}
) | {"agreement", "credit", "visibility", "watch", "row"}


def record(voucher: Voucher, kind: str, actor: Person | None, text: str = "", **data: Any) -> Event:
    """Add to the voucher's timeline and mark the voucher as changed. Call it within the
    transaction that does what the event tells: if the voucher is no longer in the state for which
    the rule was asked, :class:`Conflict` ends that transaction.
    """
    at = _change(voucher)
    return _event(voucher, at, kind, actor, text, **data)


def _change(voucher: Voucher, *still: Q, **columns: Any) -> datetime:
    """Change the voucher's row if it is as it was when the rule was asked (`still` may demand
    more) and return when; raises :class:`Conflict` if not.
    """
    now = timezone.now()
    rows = Voucher.objects.filter(*still, pk=voucher.pk, state=voucher.state)
    if not rows.update(changed_at=now, **columns):
        raise Conflict(
            _("%(reference)s has changed in the meantime. Load the page again to see how.")
            % {"reference": voucher.reference}
        )
    return now


def _event(
    voucher: Voucher,
    at: datetime,
    kind: str,
    actor: Person | None,
    text: str,
    sealed: Mapping[str, Any] | None = None,
    **data: Any,
) -> Event:
    event = Event.objects.create(
        voucher=voucher, at=at, actor=actor, kind=kind, text=text, data=event_data(**data)
    )
    told = {name: value for name, value in event.data.items() if name not in PLAIN}
    audit.append(
        f"voucher.{kind}",
        actor.uid if actor else None,
        f"voucher:{voucher.reference}",
        {name: value for name, value in event.data.items() if name in PLAIN},
        sealed=event_data(**{**told, **(sealed or {}), "text": text}),
    )
    signals.recorded.send(Event, event=event)
    return event


# Inquiries


@database.atomic
def inquire(*, subject: str, text: str, email: str, person: Person | None) -> Inquiry:
    """Say hello. Nobody needs to sign in for it."""
    inquiry = Inquiry.objects.create(subject=subject, text=text, email=email, person=person)
    audit.append(
        "inquiry.asked",
        person.uid if person else None,
        f"inquiry:{inquiry.pk}",
        sealed={"subject": subject, "text": text, "email": email},
    )
    signals.inquired.send(Inquiry, inquiry=inquiry)
    return inquiry


@database.atomic
def answer_inquiry(inquiry: Inquiry, by: Person, answer: str) -> None:
    """Answer an inquiry, once."""
    require(rules.may_answer(by))
    answered = Inquiry.objects.filter(pk=inquiry.pk, answer="").update(
        answer=answer, answered_by=by, answered_at=timezone.now()
    )
    if not answered:
        raise Conflict(_("Somebody has answered this inquiry in the meantime."))
    inquiry.refresh_from_db()
    audit.append("inquiry.answered", by.uid, f"inquiry:{inquiry.pk}", sealed={"answer": answer})
    signals.inquiry_answered.send(Inquiry, inquiry=inquiry)


# Drafts


def _next_reference() -> str:
    """The year's next voucher number; needs a transaction, for it locks the year's row."""
    year = timezone.localdate().year
    Counter.objects.get_or_create(year=year)
    counter = Counter.objects.select_for_update().get(year=year)
    counter.last += 1
    counter.save(update_fields=["last"])
    return f"V-{year}-{counter.last:04d}"


def _unit_near(person: Person) -> Unit:
    """The unit at the person's home centre, or else the hub."""
    return Unit.objects.filter(
        host__name__iexact=person.home, retired_at=None
    ).first() or Unit.objects.get(is_hub=True)


@database.atomic
def start_voucher(
    author: Person, inquiry: Inquiry | None = None, *, begun: Mapping[str, Any] | None = None
) -> Voucher:
    """A new draft, empty or begun with what the inquiry says, or with the columns `begun`."""
    if inquiry is not None:
        require(rules.may_start_from(author, inquiry))
    questionnaire = Questionnaire.objects.latest("version")
    first = questionnaire.questions[0]["key"]
    columns: dict[str, Any] = {"unit": _unit_near(author), **(begun or {})}
    if inquiry is not None:
        columns |= {"title": inquiry.subject, "answers": {first: inquiry.text}}
    voucher = Voucher.objects.create(
        reference=_next_reference(), author=author, questionnaire=questionnaire, **columns
    )
    if inquiry is not None:
        taken = Inquiry.objects.filter(pk=inquiry.pk, voucher=None).update(
            voucher=voucher, person=author
        )
        if not taken:
            raise Conflict(_("This inquiry has become a voucher already."))
    record(voucher, EventKind.STARTED, author)
    return voucher


@database.atomic
def save_draft(
    voucher: Voucher,
    by: Person,
    *,
    revision: int,
    title: str,
    kind: Kind | None,
    unit: Unit,
    answers: Mapping[str, str],
    field: Field | None = None,
    credit: str | None = None,
    visibility: str | None = None,
    summary: str | None = None,
    window: str = "",
) -> None:
    """Keep what was typed; `credit`, `visibility` and `summary` stay as they are for None.

    `revision` is the one that the window's text was based on when it was opened: if another
    `window` has saved since, nothing is overwritten and :class:`Conflict` is raised.
    """
    require(rules.may_edit(by, voucher))
    if kind is None and voucher.submitted_at is not None:
        raise Refused(_("Choose a kind; only a first draft can be without."))
    chosen = {"credit": credit, "visibility": visibility, "summary": summary}
    current = Q(revision=revision)
    if window:
        current |= Q(window=window)
    saved = Voucher.objects.filter(current, pk=voucher.pk, state=voucher.state).update(
        title=title,
        kind=kind,
        unit=unit,
        field=field,
        answers=dict(answers),
        **{name: text for name, text in chosen.items() if text is not None},
        revision=F("revision") + 1,
        window=window,
        changed_at=timezone.now(),
    )
    if not saved:
        raise Conflict(
            _(
                "This voucher was changed in another window. Your text is still here: copy what "
                "you need, then load the page again."
            )
        )
    signals.draft_saved.send(Voucher, voucher=voucher)


# The workflow


def transition(
    voucher: Voucher,
    action: str,
    by: Person | None,
    *,
    text: str = "",
    facts: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
    sealed: Mapping[str, Any] | None = None,
    **data: Any,
) -> None:
    """The one function that moves a voucher.

    Checks who and from where (the rules) and the table's guards (on `facts` and `text`), then
    changes the row only if it is still in the state that was checked, and records the event.
    `changes` are the columns that go with the new state; `data` goes into the event; the audit
    chain seals `changes` and what else is `sealed`. On success `voucher` is as in the database.
    """
    require(rules.may(by, action, voucher))
    row = BY_ACTION[action]
    for guard in row.guards:
        require(guard.check(voucher, {"text": text, **(facts or {})}))
    now = timezone.now()
    columns = {
        "state": row.target,
        **clock.moved(voucher, action, row.target, now),
        **(changes or {}),
    }
    sealed = {**(sealed or {}), **{name: str(value) for name, value in (changes or {}).items()}}
    if row.target in ENDS:
        columns["ended_at"] = now
    with database.atomic():
        at = _change(voucher, Q(revision=voucher.revision), **columns)
        _event(voucher, at, action, by, text, sealed, state=row.target, **data)
    voucher.refresh_from_db()


def submit(voucher: Voucher, by: Person) -> None:
    """Hand the document in, for the first time or after questions.

    Whoever submits agrees to the latest text about the network's work and to the chosen credit.
    """
    now = timezone.now()
    agreement = AgreementText.objects.latest("version")
    transition(
        voucher,
        "submit",
        by,
        changes={
            "submitted_at": voucher.submitted_at or now,
            "agreement": agreement,
            "author_agreed_at": now,
        },
        sealed={"title": voucher.title, "answers": voucher.answers},
        agreement=agreement.version,
        credit=voucher.credit,
    )


def send_back(voucher: Voucher, by: Person, questions: str) -> None:
    """Ask the scientist something before anybody can work on it."""
    transition(voucher, "return", by, text=questions)


def decline(voucher: Voucher, by: Person, reason: str) -> None:
    """Say no, and why."""
    transition(voucher, "decline", by, text=reason)


def offer(voucher: Voucher, by: Person, consultant: Person, note: str = "") -> None:
    """Ask a consultant to take it."""
    transition(
        voucher,
        "offer",
        by,
        text=note,
        facts={"consultant": consultant},
        changes={"offered_to": consultant},
        to=consultant.name,
        person=consultant.pk,
    )


def take_back(voucher: Voucher, by: Person, reason: str = "") -> None:
    """End an offer that waits too long or was wrong."""
    transition(voucher, "take-back", by, text=reason, changes={"offered_to": None})


def expire(voucher: Voucher) -> None:
    """The desk ends an offer that nobody has answered in time; the decision's clock starts anew."""
    facts = {"today": timezone.localdate()}
    transition(voucher, "expire", None, facts=facts, changes={"offered_to": None})


@database.atomic
def hand_over(voucher: Voucher, by: Person, unit: Unit, reason: str) -> None:
    """Another unit fits better. The conversation goes with it, and both units read on."""
    former = voucher.unit
    transition(
        voucher,
        "hand-over",
        by,
        text=reason,
        facts={"unit": unit},
        changes={"unit": unit},
        to=unit.name,
    )
    voucher.former_units.add(former)


def turn_down(voucher: Voucher, by: Person, reason: str) -> None:
    """The consultant cannot take it."""
    transition(voucher, "turn-down", by, text=reason, changes={"offered_to": None})


def accept(voucher: Voucher, by: Person, starts_on: date, days: int) -> None:
    """The consultant takes it, agrees to what the scientist has agreed to, and plans the work."""
    transition(
        voucher,
        "accept",
        by,
        facts={"days": days},
        changes={
            "offered_to": None,
            "consultant": by,
            "starts_on": starts_on,
            "days": days,
            "consultant_agreed_at": timezone.now(),
        },
        starts_on=starts_on.isoformat(),
        days=days,
        agreement=voucher.agreement and voucher.agreement.version,
        credit=voucher.credit,
    )


def plan(voucher: Voucher, by: Person, starts_on: date, days: int) -> None:
    """Move the planned dates of active work, or shorten it."""
    transition(
        voucher,
        "plan",
        by,
        facts={"days": days},
        changes={"starts_on": starts_on, "days": days},
        starts_on=starts_on.isoformat(),
        days=days,
    )


def extend(voucher: Voucher, by: Person, days: int, reason: str) -> None:
    """Give active work more time, as long as its kind allows."""
    transition(
        voucher,
        "extend",
        by,
        text=reason,
        facts={"days": days},
        changes={"days": days},
        starts_on=voucher.starts_on and voucher.starts_on.isoformat(),
        days=days,
    )


def close(voucher: Voucher, by: Person, *, rating: int | None = None, feedback: str = "") -> None:
    """The end of the good way: the scientist says how it was."""
    transition(
        voucher,
        "close",
        by,
        text=feedback,
        changes={"rating": rating, "feedback": feedback},
        rating=rating,
    )


def close_without_feedback(voucher: Voucher, by: Person) -> None:
    """The scientist has the report and does not say how it was."""
    transition(voucher, "close-without-feedback", by)


def withdraw(voucher: Voucher, by: Person, reason: str = "") -> None:
    """The scientist does not need it any more."""
    transition(voucher, "withdraw", by, text=reason, changes={"offered_to": None})


# Conversation


@database.atomic
def write(voucher: Voucher, by: Person, text: str, *, via: str = "") -> Event:
    """Add a message (Markdown) to the conversation; `via` says how it came, if not by the page."""
    require(rules.may_write(by, voucher))
    answers = by.pk != voucher.author_id and voucher.responded_at is None
    columns = {"responded_at": timezone.now()} if answers else {}
    return _event(voucher, _change(voucher, **columns), EventKind.MESSAGE, by, text, via=via)


def attach(voucher: Voucher, by: Person, upload: Upload) -> Attachment:
    """Keep a file with the voucher: hashed, stored under its hash, named harmlessly."""
    require(rules.may_write(by, voucher))
    name, sha256, size = take_in(upload)
    with database.atomic():
        attachment = Attachment.objects.create(
            voucher=voucher,
            uploader=by,
            name=name,
            size=size,
            sha256=sha256,
        )
        record(voucher, EventKind.FILE, by, attachment=attachment.pk, name=attachment.name)
    return attachment
