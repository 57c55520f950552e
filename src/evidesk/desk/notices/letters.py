"""What mails say, and how they are written on the wire."""

import unicodedata
from collections.abc import Sequence
from contextlib import AbstractContextManager
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from evidesk.desk.notices import rules
from evidesk.desk.notices.addresses import DIGEST, reply_address, unsubscribe_token
from evidesk.desk.notices.kinds import WAYS, Topic, Way
from evidesk.desk.notices.models import Mail, MailState, Notice
from evidesk.desk.people.languages import language_of
from evidesk.desk.people.models import Person
from evidesk.desk.vouchers.models import Inquiry, Voucher

#: Characters of what somebody wrote that a mail quotes; the page has it all.
LONGEST_QUOTE = 4_000
LONGEST_SUBJECT = 200
#: What stands before and after the line above which a reply is written; `replies.py` looks for it.
FENCE = "=-=-="
#: Override and embed the direction of text: they can make a sentence look like another one.
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class CannotWrite(Exception):
    """No mail can be made of it; the message says why. Trying again does not help."""


def one_line(text: str, longest: int = LONGEST_SUBJECT) -> str:
    """The text for a header: no line breaks, controls, directions or unpaired surrogates, and no
    encoded words: Python's `email` would decode them, with the line breaks that they may hold.
    """
    kept = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character)[0] != "C"
    )
    line = " ".join(kept.split()).replace("=?", "= ?")
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def paragraphs(text: str) -> str:
    """The text for a body: line breaks and tabs stay, other controls and directions do not."""
    return "".join(
        character
        for character in text.replace("\r\n", "\n").replace("\r", "\n")
        if character in "\n\t"
        or (unicodedata.category(character) not in ("Cc", "Cs") and character not in _DIRECTIONS)
    )


def address_of(path: str) -> str:
    """The whole address of a page."""
    return f"{settings.MAIL.base_url}{path}"


def place_of(notice: Notice) -> str:
    """The path of the page that a notice tells of."""
    if notice.inquiry is not None:
        return reverse("inquiry", args=[notice.inquiry.key])
    if notice.voucher is None:
        return reverse("tokens" if notice.kind == "token-created" else "notice-preferences")
    path = reverse("voucher", args=[notice.voucher.reference])
    if notice.event is None:
        return path
    # The page gives the report an anchor of its own.
    anchor = "report" if notice.event.kind == "report" else f"event-{notice.event.pk}"
    return f"{path}#{anchor}"


def in_their_language(person: Person | None) -> AbstractContextManager[None]:
    """Within it the desk speaks the person's language; its own to somebody without an account."""
    return translation.override(language_of(person) if person else settings.LANGUAGE_CODE)


def of_notice(notice: Notice, topic: Topic) -> Mail:
    """The mail that tells a person of a notice, in their language, not yet saved."""
    with in_their_language(notice.person):
        return _of_notice(notice, topic)


def _of_notice(notice: Notice, topic: Topic) -> Mail:
    thing = notice.voucher or notice.inquiry
    takes_replies = notice.event is not None and rules.replies_are_taken()
    return _mail(
        "mail",
        person=notice.person,
        address=notice.person.email,
        topic=topic,
        subject=_subject(thing),
        voucher=notice.voucher,
        inquiry=notice.inquiry,
        notice=notice,
        takes_replies=takes_replies,
        context={
            "notice": notice,
            "quote": _quote(notice),
            "place": place_of(notice),
            "thing": _name(thing),
        },
    )


def of_answer(inquiry: Inquiry) -> Mail:
    """The mail that brings its answer to an inquiry written without an account."""
    with in_their_language(None):
        return _of_answer(inquiry)


def _of_answer(inquiry: Inquiry) -> Mail:
    notice = Notice(kind="inquiry-answered", actor=inquiry.answered_by, inquiry=inquiry)
    return _mail(
        "mail",
        person=None,
        address=inquiry.email,
        topic=Topic.INQUIRY,
        subject=_subject(inquiry),
        inquiry=inquiry,
        context={
            "notice": notice,
            "quote": _quote(notice),
            "place": place_of(notice),
            "thing": _name(inquiry),
        },
    )


def of_day(
    person: Person,
    notices: Sequence[Notice],
    waiting: Sequence[tuple[Voucher, Any]],
    due: Sequence[Voucher],
) -> Mail:
    """The daily digest, in the person's language, not yet saved."""
    with in_their_language(person):
        return _of_day(person, notices, waiting, due)


def _of_day(
    person: Person,
    notices: Sequence[Notice],
    waiting: Sequence[tuple[Voucher, Any]],
    due: Sequence[Voucher],
) -> Mail:
    return _mail(
        "digest",
        person=person,
        address=person.email,
        topic=Topic.WAITING,
        subject=_("Your day at the desk"),
        context={
            "notices": [
                (notice, _name(notice.voucher or notice.inquiry), address_of(place_of(notice)))
                for notice in notices
            ],
            "waiting": [(step, _name(voucher), _page_of(voucher)) for voucher, step in waiting],
            "due": [(voucher.ends_on, _name(voucher), _page_of(voucher)) for voucher in due],
        },
    )


def _page_of(voucher: Voucher) -> str:
    return address_of(reverse("voucher", args=[voucher.reference]))


def _name(thing: Voucher | Inquiry | None) -> str:
    return one_line(str(thing)) if thing else ""


def _quote(notice: Notice) -> str:
    """What was written. Evidence, reports and files never go by mail; the page shows them."""
    if notice.inquiry is not None:
        answered = notice.kind == "inquiry-answered"
        return notice.inquiry.answer if answered else notice.inquiry.text
    return notice.event.text if notice.event is not None else notice.said


def _subject(thing: Voucher | Inquiry | None) -> str:
    """Always the same for one voucher, so that every reader keeps its mails together."""
    if isinstance(thing, Voucher):
        return f"[{thing.reference}] {thing.shown_title}"
    if isinstance(thing, Inquiry):
        return f"[evidesk] {thing.subject}"
    return "[evidesk] " + _("Your account")


def _mail(template: str, *, context: dict[str, Any], **columns: Any) -> Mail:
    quote = paragraphs(context.pop("quote", ""))
    cut = len(quote) > LONGEST_QUOTE
    context |= {
        "quote": quote[:LONGEST_QUOTE].rstrip() + " …" if cut else quote,
        "fence": FENCE,
        "takes_replies": columns.get("takes_replies", False),
        "person": columns["person"],
    }
    if "place" in context:
        context["address"] = address_of(context["place"])
    if columns["person"] is not None:
        context["preferences"] = address_of(reverse("notice-preferences"))
    text = render_to_string(f"notices/{template}.txt", context)
    html = render_to_string(f"notices/{template}.html", context)
    columns["subject"] = one_line(columns["subject"])
    return Mail(
        state=MailState.QUEUED if rules.mail_is_sent() else MailState.SHOWN,
        text=paragraphs(text).strip() + "\n",
        html=html.strip() + "\n",
        **columns,
    )


def as_message(mail: Mail) -> EmailMessage:
    """The mail as it goes over the wire, the same bytes at each attempt.

    Raises
    ------
    CannotWrite : the address cannot be written into a header.
    """
    ours = settings.MAIL
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = Address(one_line(ours.sender), addr_spec=ours.address)
        message["To"] = Address(
            one_line(mail.person.name, 100) if mail.person else "",
            addr_spec=envelope_address(mail.address),
        )
    except (ValueError, IndexError, HeaderParseError):
        raise CannotWrite(_("“%(text)s” is no address.") % {"text": mail.address}) from None
    message["Subject"] = one_line(mail.subject)
    message["Date"] = format_datetime(timezone.localtime(mail.created_at))
    message["Message-ID"] = f"<{mail.message_id}@{ours.domain}>"
    if mail.voucher is not None:
        # Nobody has sent the mail of this name: it only holds the voucher's mails together.
        root = f"<{mail.voucher.reference}@{ours.domain}>"
        message["In-Reply-To"] = message["References"] = root
    message["Auto-Submitted"] = "auto-generated"
    message["X-Loop"] = ours.address
    if mail.takes_replies and mail.person is not None and mail.voucher is not None:
        written_on = timezone.localdate(mail.created_at)
        message["Reply-To"] = reply_address(mail.voucher.pk, mail.person.pk, written_on)
    if mail.person is not None and Way.NEVER in WAYS[Topic(mail.topic)]:
        topic = DIGEST if mail.topic == Topic.WAITING else mail.topic
        token = unsubscribe_token(str(mail.person.uid), topic)
        message["List-Unsubscribe"] = f"<{address_of(reverse('unsubscribe', args=[token]))}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    message.set_boundary(f"evidesk-{mail.message_id}")
    return message


def shown_headers(mail: Mail) -> list[tuple[str, str]]:
    """The mail's headers as the office sees them."""
    try:
        headers = as_message(mail).items()
    except CannotWrite as fault:
        headers = [("To", str(fault))]
    # Whoever has these two could answer or unsubscribe in the person's name.
    secret = {"Reply-To", "List-Unsubscribe"}
    return [
        (name, _("(only the person's)") if name in secret else str(value))
        for name, value in headers
        if not name.startswith(("Content-", "MIME-"))
    ]


def envelope_address(address: str) -> str:
    """The address as mail servers write it, with an international domain as ASCII.

    Raises
    ------
    CannotWrite : the part before the @ is not ASCII, or the domain is none.
    """
    local, at, domain = address.rpartition("@")
    try:
        written = f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        written = ""
    if not (local and at and domain and written.isascii() and written.isprintable()):
        raise CannotWrite(_("“%(text)s” is no address.") % {"text": address})
    if " " in written or len(written) > 254:
        raise CannotWrite(_("“%(text)s” is no address.") % {"text": address})
    return written
