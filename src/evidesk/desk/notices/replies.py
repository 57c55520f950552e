"""Reading what came by mail: who, to which voucher, and what they themselves wrote.

Everything here has to bear whatever anybody sends: parts nested a thousand deep, unknown and false
charsets, null bytes, headers of any kind and length. What cannot be read raises `Unreadable`.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from html.parser import HTMLParser

from django.conf import settings
from django.utils.translation import gettext_noop

from evidesk.desk.notices.letters import FENCE, one_line, paragraphs

#: Bytes of headers, parts, and bytes of text that are looked at.
MOST_HEADERS = 256 * 1024
MOST_PARTS = 200
MOST_TEXT = 512 * 1024
#: What programs that answer by themselves put into their mails (RFC 3834 and its forerunners).
_AUTOMATIC = ("X-Autoreply", "X-Autorespond", "List-Id")
_DAEMONS = re.compile(r"(mailer-daemon|postmaster|no-?reply|bounces?)\b", re.IGNORECASE)
_RECIPIENTS = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")


class Unreadable(Exception):
    """The mail cannot be read; the message says why."""


@dataclass(frozen=True)
class Incoming:
    """What a mail says of itself, and its text without quotes and signature.

    `automatic` says why it was not written by a person; empty if it was.
    """

    message_id: str
    sender: str
    recipients: str
    subject: str
    text: str
    attachments: tuple[str, ...]
    automatic: str


def read(raw: bytes) -> Incoming:
    """Read a mail.

    Raises
    ------
    Unreadable : its headers or its parts are too many.
    """
    end_of_headers = re.search(rb"\r?\n\r?\n", raw)
    if (end_of_headers.start() if end_of_headers else len(raw)) > MOST_HEADERS:
        raise Unreadable(gettext_noop("Its headers are longer than any mail program writes."))
    try:
        # The older policy leaves headers as they are; the newer one parses them, and can fail.
        message = message_from_bytes(raw, policy=policy.compat32)
        return _incoming(message)
    except RecursionError:
        raise Unreadable(gettext_noop("Something in it is nested too deeply.")) from None


def _incoming(message: Message) -> Incoming:
    parts = _parts(message)
    text, attachments = _content(parts)
    senders = message.get_all("From", [])
    return Incoming(
        message_id=_header(message, "Message-ID", 250),
        sender=parseaddr(str(senders[0])[:1_000])[1][:254] if len(senders) == 1 else "",
        recipients=" ".join(
            str(value) for name in _RECIPIENTS for value in message.get_all(name, [])
        ),
        subject=_header(message, "Subject", 250),
        text=own_words(text),
        attachments=tuple(attachments),
        automatic=_automatic(message),
    )


def _parts(message: Message) -> list[Message]:
    parts: list[Message] = []
    for part in message.walk():
        if len(parts) >= MOST_PARTS:
            raise Unreadable(gettext_noop("It has more parts than any letter needs."))
        parts.append(part)
    return parts


def _header(message: Message, name: str, longest: int) -> str:
    value = str(message.get(name, ""))[:4_000]
    with suppress(Exception):  # whatever an encoded word can be wrong in, it is shown as it came
        value = str(make_header(decode_header(value)))
    return one_line(value, longest)


def _automatic(message: Message) -> str:
    """Why a program wrote it, in words for the office."""
    if str(message.get("Auto-Submitted", "no")).strip().lower() != "no":
        return gettext_noop("It was sent by a program (Auto-Submitted).")
    if str(message.get("Precedence", "")).strip().lower() in ("bulk", "junk", "list", "auto_reply"):
        return gettext_noop("It was sent in bulk (Precedence).")
    for name in _AUTOMATIC:
        if name in message:
            return f"It was sent by a program ({name})."
    if settings.MAIL.address in str(message.get("X-Loop", "")):
        return gettext_noop("It is one of the desk's own mails that came back (X-Loop).")
    if str(message.get("Return-Path", "")).strip() == "<>":
        return gettext_noop("It is a bounce (it has no sender).")
    if message.get_content_type() in ("multipart/report", "message/delivery-status"):
        return gettext_noop("It is a bounce or a receipt.")
    if _DAEMONS.match(parseaddr(str(message.get("From", "")))[1]):
        return gettext_noop("It was sent by a mail server.")
    return ""


# The text


def _content(parts: list[Message]) -> tuple[str, list[str]]:
    """The text and the names of real attachments."""
    plain = html = None
    attachments = []
    for part in parts:
        kind = part.get_content_type()
        if part.is_multipart() or kind.startswith("multipart/"):
            continue
        name = part.get_filename()
        inline = str(part.get("Content-Disposition", "")).strip().lower()[:10] != "attachment"
        if kind == "text/plain" and inline and not name:
            plain = _decoded(part) if plain is None else plain
        elif kind == "text/html" and inline and not name:
            html = _decoded(part) if html is None else html
        elif not _is_furniture(part, kind, inline):
            attachments.append(one_line(str(name or kind), 100))
    if plain is not None and plain.strip():
        return plain, attachments
    return (html_to_text(html) if html else ""), attachments


def _is_furniture(part: Message, kind: str, inline: bool) -> bool:
    """Pictures in a signature, and what signs the mail: nobody means to send these."""
    return (inline and kind.startswith("image/") and "Content-ID" in part) or kind in (
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
        "application/pgp-signature",
        "application/pgp-keys",
        "text/vcard",
        "text/x-vcard",
        "application/ms-tnef",
    )


def _decoded(part: Message) -> str:
    try:
        payload = part.get_payload(decode=True)
    except Exception:  # a transfer encoding that is none
        payload = None
    content = (payload if isinstance(payload, bytes) else b"")[:MOST_TEXT]
    try:
        return paragraphs(content.decode(_charset(part), errors="replace"))
    except (LookupError, ValueError, UnicodeError):  # no such charset, or one of no text
        return paragraphs(content.decode("utf-8", errors="replace"))


def _charset(part: Message) -> str:
    charset = part.get_content_charset("utf-8")
    return "utf-8" if charset in ("us-ascii", "ascii") else charset


class _Words(HTMLParser):
    """The words of a page, without what is quoted and what nobody sees."""

    _VOID = {
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source",
        "track", "wbr",
    }  # fmt: skip
    _LINES = {
        "p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol",
        "pre", "hr",
    }  # fmt: skip
    _SKIPPED = {"script", "style", "head", "title", "blockquote", "template"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._skipping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = dict(attrs).get("class") or ""
        if tag not in self._VOID and (
            self._skipping or tag in self._SKIPPED or "gmail_quote" in classes
        ):
            self._skipping.append(tag)
        elif tag in self._LINES:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._skipping:
            while self._skipping.pop() != tag:
                pass
        elif tag in ("p", "div", "tr") and not self._skipping:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.words.append(re.sub(r"\s+", " ", data))


def html_to_text(html: str) -> str:
    """The words of an HTML mail that its writer wrote."""
    parser = _Words()
    with suppress(Exception):  # a declaration that is none; what came before it counts
        parser.feed(html)
        parser.close()
    lines = [line.strip() for line in "".join(parser.words).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


_FENCED = re.compile(rf"^[>\s]*{FENCE} .{{1,200}} {FENCE}\s*$")
_FORWARDED = re.compile(
    r"^[>\s]*(-{2,} ?(Original Message|Ursprüngliche Nachricht|Original-Nachricht|"
    r"Weitergeleitete Nachricht|Forwarded message) ?-{2,}|_{20,})\s*$",
    re.IGNORECASE,
)
_OUTLOOK = re.compile(r"^\s*\*?(From|Von):\*? .{1,300}$", re.IGNORECASE)
_OUTLOOK_NEXT = re.compile(r"^\s*\*?(Sent|Gesendet|Date|Datum|To|An|Subject|Betreff):\*? ", re.I)
_WROTE = re.compile(
    r"(\b(wrote|schrieb|writes)\b.{0,200}|\ba écrit ?|\bescribió ?):\s*$", re.IGNORECASE
)


def own_words(text: str) -> str:
    """What the writer wrote themselves.

    What they answer to is cut off where it stands before or after their words, and their signature
    with it. Quotes between their words stay, for the words answer to them.
    """
    lines = [line.rstrip() for line in text.splitlines()]
    lines = _until_signature(_until_forwarded(lines))
    start, end = 0, len(lines)
    while end > start and (not lines[end - 1] or _is_quote(lines[end - 1])):
        end -= 1
    quoted_after = end < len(lines) or len(lines) < text.count("\n")
    end = _without_attribution(lines, end) if quoted_after else end
    if not any(_is_quote(line) for line in lines[_first_block(lines, end) : end]):
        start = _first_block(lines, end)
    return "\n".join(lines[start:end]).strip()


def _is_quote(line: str) -> bool:
    return line.lstrip().startswith(">")


def _until_forwarded(lines: list[str]) -> list[str]:
    """The lines before the original mail, if it is not quoted line by line."""
    words = [number for number, line in enumerate(lines) if line.strip() and not _is_quote(line)]
    last_words = words[-1] if words else -1
    for number, line in enumerate(lines):
        if _FENCED.match(line) and not (_is_quote(line) and number < last_words):
            return lines[:number]
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if _FORWARDED.match(line) or (_OUTLOOK.match(line) and _OUTLOOK_NEXT.match(following)):
            return lines[:number]
    return lines


def _until_signature(lines: list[str]) -> list[str]:
    """The lines before `-- ` (RFC 3676, 4.3), which mail programs put before a signature."""
    for number, line in enumerate(lines):
        if line == "--" and any(before.strip() for before in lines[:number]):
            return lines[:number]
    return lines


def _without_attribution(lines: list[str], end: int) -> int:
    """Where the words end before `On Monday, Ada wrote:`, which may be broken into three lines."""
    while end and not lines[end - 1]:
        end -= 1
    if end and _WROTE.search(lines[end - 1]):
        for first in range(end - 1, max(end - 4, -1), -1):
            if re.match(r"\s*(On|Am|Le|El|Il) ", lines[first]):
                return first
        return end - 1
    return end


def _first_block(lines: list[str], end: int) -> int:
    """Where the words begin after a quote that stands before all of them."""
    number = 0
    while number < end and not lines[number]:
        number += 1
    first = number
    while number < end and (not lines[number] or _WROTE.search(lines[number])):
        number += 1
    if number == end or not _is_quote(lines[number]):
        return first
    while number < end and (not lines[number] or _is_quote(lines[number])):
        number += 1
    return number
