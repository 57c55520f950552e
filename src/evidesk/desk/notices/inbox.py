"""The desk's mailbox: answers by e-mail become messages; what does not is shown to the office.

Nothing is deleted from the mailbox. A mail is marked as seen there once the database knows what
became of it; a crash in between is no harm, for a mail with a known Message-ID is not taken twice.
"""

import hashlib
import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import IntegrityError
from django.db import transaction as database
from django.utils import timezone, translation
from django.utils.translation import gettext_noop

from evidesk.desk.audit import actions as audit
from evidesk.desk.mail_settings import Server
from evidesk.desk.notices import actions, rules
from evidesk.desk.notices.addresses import BadAddress, read_reply_address
from evidesk.desk.notices.letters import one_line
from evidesk.desk.notices.models import Reply, ReplyState
from evidesk.desk.notices.replies import Incoming, Unreadable, read
from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.vouchers import actions as voucher_actions
from evidesk.desk.vouchers.models import Voucher

#: A mail larger than this is not read at all, in bytes.
LARGEST = 25 * 2**20
#: Characters of a message, as on the page.
LONGEST_MESSAGE = 20_000
#: Answers that one person may send by mail within an hour; more look like two programs that talk.
MOST_AN_HOUR = 20
#: Mails of one pass.
MOST_MAILS = 200
_TIMEOUT = 30.0


class Letter(Protocol):
    """A mail in a mailbox."""

    @property
    def size(self) -> int: ...

    def content(self) -> bytes: ...

    def seen(self) -> None: ...


class NoMailbox(Exception):
    """The mailbox cannot be read; the message says why."""


# What becomes of a mail


def take_replies() -> int:
    """Read the new mails of the mailbox; returns how many there were.

    Raises
    ------
    NoMailbox : it is not there, or does not let us in.
    """
    place = settings.MAIL.inbox
    if place is None or not rules.replies_are_taken():
        return 0
    count = 0
    with mailbox(place) as letters:
        for letter in letters:
            try:
                if letter.size > LARGEST:
                    take_too_large(letter)
                else:
                    take(letter.content())
                letter.seen()
            except FileNotFoundError:  # another worker has just moved it
                continue
            count += 1
            if count >= MOST_MAILS:
                break
    return count


def take_too_large(letter: Letter) -> None:
    """A mail that is not even read."""
    name = f"too-large-{timezone.now().isoformat()}"
    reason = f"It has {letter.size // 2**20} MB; {LARGEST // 2**20} MB are read."
    Reply.objects.create(message_id=name, digest="", state=ReplyState.REFUSED, reason=reason)


def take(raw: bytes) -> Reply | None:
    """Make a message of the mail, or keep why not (in English); None if the mail is known."""
    with translation.override("en"):
        return _take(raw)


def _take(raw: bytes) -> Reply | None:
    digest = hashlib.sha256(raw).hexdigest()
    try:
        mail = read(raw)
    except Unreadable as fault:
        mail, fault_text = _nothing(digest), str(fault)
    except Exception as fault:  # whatever it is, the other mails are read and this one is shown
        mail, fault_text = _nothing(digest), f"It cannot be read ({type(fault).__name__})."
    else:
        fault_text = ""
    name = mail.message_id or f"<{digest}>"
    known = Reply.objects.filter(message_id=name).first()
    if known is not None:
        if known.digest == digest or known.state == ReplyState.TAKEN:
            return None
        name = f"{name[:230]}#{digest}"  # another mail under the same name
        if Reply.objects.filter(message_id=name).exists():
            return None
    try:
        return _settle(mail, name, digest, fault_text)
    except IntegrityError:  # another worker reads the same mailbox
        return None


def _nothing(digest: str) -> Incoming:
    return Incoming(f"<{digest}>", "", "", "", "", (), "")


class _NotTaken(Exception):
    """The mail does not become a message; the message says why."""


@database.atomic
def _settle(mail: Incoming, name: str, digest: str, fault: str) -> Reply:
    reply = Reply(
        message_id=name,
        digest=digest,
        sender=one_line(mail.sender, 254),
        subject=mail.subject,
    )
    try:
        if fault:
            raise _NotTaken(fault)
        reply.voucher, reply.person = _addressed(mail)
        _check(mail, reply.person)
        with database.atomic():
            reply.event = voucher_actions.write(
                reply.voucher, reply.person, _message(mail), via="e-mail"
            )
    except (_NotTaken, BadAddress, Refused, Conflict) as refusal:
        reply.state, reply.reason, reply.text = ReplyState.REFUSED, str(refusal), mail.text[:50_000]
        reply.save()
        audit.append("reply.refused", None, f"reply:{reply.pk}")
        if reply.person is not None and reply.voucher is not None and not mail.automatic:
            actions.tell("reply-refused", [reply.person], voucher=reply.voucher, text=reply.reason)
        return reply
    reply.state = ReplyState.TAKEN
    reply.save()
    return reply


def _addressed(mail: Incoming) -> tuple[Voucher, Person]:
    voucher_id, person_id = read_reply_address(mail.recipients, timezone.localdate())
    voucher = Voucher.objects.filter(pk=voucher_id).first()
    person = Person.objects.filter(pk=person_id, is_active=True).first()
    if voucher is None or person is None:
        raise BadAddress(gettext_noop("The voucher or the person is not there any more."))
    return voucher, person


def _check(mail: Incoming, person: Person) -> None:
    if mail.automatic:
        raise _NotTaken(mail.automatic)
    if mail.sender.lower() != person.email.lower():
        raise _NotTaken(
            f"It came from {one_line(mail.sender) or '?'}, but the address that it was sent to was "
            f"given to {person.email}. Answer from that address, or on the voucher's page."
        )
    if not mail.text:
        raise _NotTaken(gettext_noop("There is no text in it that is not quoted."))
    if len(mail.text) > LONGEST_MESSAGE:
        raise _NotTaken(
            f"It has more than {LONGEST_MESSAGE} characters. "
            "Attach long texts as a file on the page."
        )
    recent = timezone.now() - timedelta(hours=1)
    if person.replies.filter(at__gte=recent).count() >= MOST_AN_HOUR:
        raise _NotTaken(
            f"More than {MOST_AN_HOUR} mails came within an hour. Write on the voucher's page."
        )


def _message(mail: Incoming) -> str:
    """The text, with a note about what was attached: files come in through the page only."""
    if not mail.attachments:
        return mail.text
    names = ", ".join(name.replace("`", "'") for name in mail.attachments[:10])
    note = f"*Not taken over from the e-mail:* `{names}`. *Files can be uploaded on this page.*"
    return f"{mail.text}\n\n{note}"


# Mailboxes


@contextmanager
def mailbox(place: Server | Path) -> Iterator[Iterator[Letter]]:
    """The new mails of a Maildir or an IMAP server.

    Raises
    ------
    NoMailbox : it is not there, or does not let us in.
    """
    if isinstance(place, Path):
        yield _maildir(place)
        return
    try:
        imap = _log_in(place)
    except (imaplib.IMAP4.error, OSError) as fault:
        raise NoMailbox(f"{place.host}:{place.port} cannot be used: {fault}") from None
    try:
        yield _imap(imap)
    except (imaplib.IMAP4.error, OSError) as fault:
        raise NoMailbox(f"{place.host}:{place.port} answered: {fault}") from None
    finally:
        try:
            imap.logout()
        except (imaplib.IMAP4.error, OSError):
            imap.shutdown()


@dataclass(frozen=True)
class _File:
    path: Path
    size: int

    def content(self) -> bytes:
        return self.path.read_bytes()

    def seen(self) -> None:
        """From `new/` to `cur/` with the flag for seen, as every reader of Maildirs does it."""
        self.path.rename(self.path.parents[1] / "cur" / f"{self.path.name.split(':')[0]}:2,S")


def _maildir(folder: Path) -> Iterator[Letter]:
    if not (folder / "new").is_dir() or not (folder / "cur").is_dir():
        raise NoMailbox(f"{folder} is no Maildir: it has no folders new and cur.")
    for path in sorted((folder / "new").iterdir()):
        if path.is_file() and not path.name.startswith("."):
            yield _File(path, path.stat().st_size)


def _log_in(server: Server) -> imaplib.IMAP4:
    if server.scheme == "imaps":
        context = ssl.create_default_context()
        imap: imaplib.IMAP4 = imaplib.IMAP4_SSL(
            server.host, server.port, ssl_context=context, timeout=_TIMEOUT
        )
    else:
        imap = imaplib.IMAP4(server.host, server.port, timeout=_TIMEOUT)
    try:
        imap.login(server.user, server.password)
        folder = (server.folder or "INBOX").replace("\\", "\\\\").replace('"', '\\"')
        status, said = imap.select(f'"{folder}"')
        if status != "OK":
            raise imaplib.IMAP4.error(f"there is no folder {folder} ({said!r})")
    except BaseException:
        imap.shutdown()
        raise
    return imap


@dataclass(frozen=True)
class _Remote:
    imap: imaplib.IMAP4
    uid: str
    size: int

    def content(self) -> bytes:
        _status, parts = self.imap.uid("fetch", self.uid, "(BODY.PEEK[])")
        for part in parts:
            if isinstance(part, tuple):
                return bytes(part[1])
        raise imaplib.IMAP4.error(f"no content for mail {self.uid}")

    def seen(self) -> None:
        self.imap.uid("store", self.uid, "+FLAGS.SILENT", r"(\Seen)")


def _imap(imap: imaplib.IMAP4) -> Iterator[Letter]:
    _status, found = imap.uid("search", "UNSEEN")
    for uid in (found[0] or b"").decode().split():
        _status, answer = imap.uid("fetch", uid, "(RFC822.SIZE)")
        size = re.search(rb"RFC822\.SIZE (\d+)", b" ".join(_flat(answer)))
        if size is not None:  # otherwise somebody has removed it in the meantime
            yield _Remote(imap, uid, int(size[1]))


def _flat(answer: list[object]) -> Iterator[bytes]:
    for part in answer:
        if isinstance(part, bytes):
            yield part
        elif isinstance(part, tuple):
            yield from (piece for piece in part if isinstance(piece, bytes))
