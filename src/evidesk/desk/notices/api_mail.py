"""The desk's mail over HTTP, for the office: what goes, and what came and was not taken."""

from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema, Status
from ninja.pagination import paginate

from evidesk.desk.notices import actions, queries, rules
from evidesk.desk.notices.forms import OutboxForm
from evidesk.desk.notices.letters import shown_headers
from evidesk.desk.notices.models import Mail, MailState, Reply, ReplyState
from evidesk.desk.people.models import Person
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require
from evidesk.desk.rest.forms import checked
from evidesk.desk.rest.paging import Pages

router = Router(tags=["mail"])


def _office(request: HttpRequest) -> Person:
    person = person_of(request)
    require(rules.may_see_mail(person))
    return person


class MailOut(Schema):
    """A mail; `last_answer` is what the mail server said last."""

    id: int
    state: str
    person: str | None
    address: str
    topic: str
    voucher: str | None
    subject: str
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    attempts: int
    last_answer: str

    @staticmethod
    def resolve_person(mail: Mail) -> str | None:
        return mail.person.name if mail.person else None

    @staticmethod
    def resolve_voucher(mail: Mail) -> str | None:
        return mail.voucher.reference if mail.voucher else None


class WholeMailOut(MailOut):
    """A mail as it goes, or went, and what you could do about it now."""

    headers: dict[str, str] = Field(description="But for what is only the person's.")
    text: str
    possible: list[str] = Field(description="`retry`, `cancel`.")

    @staticmethod
    def resolve_headers(mail: Mail) -> dict[str, str]:
        return dict(shown_headers(mail))


class OutboxOf(Schema):
    """What the outbox shows."""

    state: str = Field("", pattern=f"^({'|'.join(MailState.values)})?$")


@router.get("mail/", response=list[MailOut], summary="The desk's outbox")
@paginate(Pages)
def outbox(request: HttpRequest, wanted: Query[OutboxOf]) -> QuerySet[Mail]:
    """For the office."""
    _office(request)
    return queries.mail_for_office(checked(OutboxForm(wanted.model_dump()))["state"])


def _mail(mail_id: int) -> Mail:
    return get_object_or_404(Mail.objects.select_related("person", "voucher"), pk=mail_id)


def _whole(by: Person, mail_id: int) -> Mail:
    mail = _mail(mail_id)
    may = {"retry": rules.may_retry(by, mail), "cancel": rules.may_cancel(by, mail)}
    mail.possible = [action for action, allowed in may.items() if allowed]  # type: ignore[attr-defined]
    return mail


@router.get("mail/{int:mail_id}/", response=WholeMailOut, summary="A mail with its text")
def mail(request: HttpRequest, mail_id: int) -> Mail:
    """For the office."""
    return _whole(_office(request), mail_id)


@router.post("mail/{int:mail_id}/retry/", response=WholeMailOut, summary="Try a mail now")
def retry_mail(request: HttpRequest, mail_id: int) -> Mail:
    """For the office: a mail that waits, was given up or cancelled."""
    office = _office(request)
    actions.retry(_mail(mail_id), office)
    return _whole(office, mail_id)


@router.post("mail/{int:mail_id}/cancel/", response=WholeMailOut, summary="Do not send a mail")
def cancel_mail(request: HttpRequest, mail_id: int) -> Mail:
    """For the office: a mail that waits."""
    office = _office(request)
    actions.cancel(_mail(mail_id), office)
    return _whole(office, mail_id)


class ReplyOut(Schema):
    """A mail that came and did not become a message; `reason` says why."""

    id: int
    at: datetime
    sender: str
    subject: str
    text: str
    reason: str
    person: str | None
    voucher: str | None

    @staticmethod
    def resolve_person(reply: Reply) -> str | None:
        return reply.person.name if reply.person else None

    @staticmethod
    def resolve_voucher(reply: Reply) -> str | None:
        return reply.voucher.reference if reply.voucher else None


@router.get("mail/replies/", response=list[ReplyOut], summary="Replies that were not taken")
@paginate(Pages)
def replies(request: HttpRequest) -> QuerySet[Reply]:
    """For the office: those that nobody has dealt with."""
    _office(request)
    return queries.replies_for_office()


@router.post(
    "mail/replies/{int:reply_id}/dismiss/",
    response={204: None},
    summary="Say that a reply was dealt with",
)
def dismiss_reply(request: HttpRequest, reply_id: int) -> Status[None]:
    """For the office. It is off the list then; the mailbox still has the mail."""
    office = _office(request)
    actions.dismiss(get_object_or_404(Reply, pk=reply_id, state=ReplyState.REFUSED), office)
    return Status(204, None)
