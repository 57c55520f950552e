"""Answers by e-mail: what becomes a message, what the office is shown, and nothing is lost."""

import imaplib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from evidesk.desk.mail_settings import Server
from evidesk.desk.notices import inbox
from evidesk.desk.notices.addresses import GOOD_FOR, reply_address
from evidesk.desk.notices.inbox import NoMailbox, take, take_replies
from evidesk.desk.notices.models import Mail, Notice, Reply, ReplyState
from evidesk.desk.people.models import Person
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import Event, State, Voucher
from tests.desk.network import Network, voucher_in
from tests.desk.notices.conftest import free_port, mail_of

pytestmark = pytest.mark.usefixtures("maildir")


@pytest.fixture
def voucher(network: Network) -> Voucher:
    return voucher_in(State.ACTIVE, network)


def answer(voucher: Voucher, person: Person, text: str = "Yes.", **headers: str) -> EmailMessage:
    """What the person's mail program makes of pressing Reply."""
    message = EmailMessage()
    for name, value in {
        "From": f"{person.name} <{person.email.upper()}>",
        "To": f"evidesk <{reply_address(voucher.pk, person.pk, timezone.localdate())}>",
        "Subject": f"Re: [{voucher.reference}] Trust",
        "Message-ID": f"<{Reply.objects.count()}.{len(text)}@home>",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }.items():
        message[name] = value
    message.set_content(text)
    return message


def put(maildir: Path, message: EmailMessage | bytes, name: str = "1.mail") -> None:
    raw = message if isinstance(message, bytes) else message.as_bytes()
    (maildir / "new" / name).write_bytes(raw)


def messages(voucher: Voucher) -> list[str]:
    return list(voucher.events.filter(kind="message").values_list("text", flat=True))


# What becomes a message


def test_an_answer_becomes_a_message_and_tells_the_others(
    network: Network, voucher: Voucher, maildir: Path
) -> None:
    actions.write(voucher, network.consultant, "Is that all?")
    told = Mail.objects.latest("pk")
    assert told.takes_replies
    text = "Yes, all.\n\nAm 24.11.26 schrieb evidesk:\n" + "\n".join(
        f"> {line}" for line in told.text.splitlines()
    )
    put(maildir, answer(voucher, network.author, text))
    assert take_replies() == 1
    event = voucher.events.latest("pk")
    assert (event.kind, event.actor, event.text) == ("message", network.author, "Yes, all.")
    assert event.data == {"via": "e-mail"}
    reply = Reply.objects.get()
    assert (reply.state, reply.event, reply.text) == (ReplyState.TAKEN, event, "")
    assert Notice.objects.filter(person=network.consultant, event=event).exists()
    assert not list((maildir / "new").iterdir())
    assert [one.name for one in (maildir / "cur").iterdir()] == ["1.mail:2,S"]
    assert take_replies() == 0


def test_attachments_stay_in_the_mailbox_with_a_note(network: Network, voucher: Voucher) -> None:
    message = answer(voucher, network.author)
    message.add_attachment(b"a", maintype="text", subtype="csv", filename="my`data.csv")
    take(message.as_bytes())
    assert messages(voucher) == [
        "Yes.\n\n*Not taken over from the e-mail:* `my'data.csv`. "
        "*Files can be uploaded on this page.*"
    ]
    assert not voucher.attachments.exists()


def test_the_same_mail_is_taken_once(network: Network, voucher: Voucher, maildir: Path) -> None:
    message = answer(voucher, network.author)
    put(maildir, message, "1")
    put(maildir, message, "2")
    assert take_replies() == 2
    message["X-Hop"] = "delivered by another way, and hence with other bytes"
    assert take(message.as_bytes()) is None
    assert messages(voucher) == ["Yes."]


def test_a_crash_before_it_is_marked_as_seen_does_no_harm(
    network: Network, voucher: Voucher, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(maildir, answer(voucher, network.author))
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            take_replies()
    assert list((maildir / "new").iterdir())
    take_replies()
    assert messages(voucher) == ["Yes."]
    assert not list((maildir / "new").iterdir())


# What does not


def refused(raw: bytes | EmailMessage) -> Reply:
    reply = take(raw if isinstance(raw, bytes) else raw.as_bytes())
    assert reply is not None
    assert reply.state == ReplyState.REFUSED
    assert not Event.objects.filter(kind="message").exists()
    return reply


def test_an_answer_from_elsewhere_is_shown_to_its_owner_and_the_office(
    network: Network, voucher: Voucher
) -> None:
    message = answer(voucher, network.author, "I am Ada, really.", From="mallory@example.org")
    reply = refused(message)
    assert "It came from mallory@example.org" in reply.reason
    assert reply.text == "I am Ada, really."
    notice = Notice.objects.latest("pk")
    assert (notice.person, notice.kind) == (network.author, "reply-refused")
    mail = Mail.objects.latest("pk")
    assert "mallory@example.org" in mail.text
    assert not mail.takes_replies, "nothing that could go round in circles"


@pytest.mark.parametrize(
    ("text", "headers", "why"),
    [
        ("> only quoted", {}, "no text in it"),
        ("x" * 20_001, {}, "more than 20000 characters"),
        ("I am away.", {"Auto_Submitted": "auto-replied"}, "by a program"),
        ("Yes.", {"To": "desk@example.org"}, "belongs to a voucher"),
        ("Yes.", {"To": "desk+1.1.g36.aaaaaaaaaaaaaaaa@example.org"}, "given out"),
    ],
)
def test_why_it_is_not_taken(
    network: Network, voucher: Voucher, text: str, headers: dict[str, str], why: str
) -> None:
    assert why in refused(answer(voucher, network.author, text, **headers)).reason


def test_a_program_that_answers_is_answered_by_nobody(network: Network, voucher: Voucher) -> None:
    before = Notice.objects.count(), Mail.objects.count()
    refused(answer(voucher, network.author, "Away.", Auto_Submitted="auto-replied"))
    assert (Notice.objects.count(), Mail.objects.count()) == before


def test_an_old_address_takes_nothing(network: Network, voucher: Voucher) -> None:
    old = reply_address(
        voucher.pk, network.author.pk, timezone.localdate() - GOOD_FOR - timedelta(days=1)
    )
    assert "120 days only" in refused(answer(voucher, network.author, To=old)).reason


def test_the_rules_hold_for_mail_too(network: Network, voucher: Voucher) -> None:
    other = refused(answer(voucher, network.colleague))
    assert other.reason == "Only the people of this voucher can write here."
    actions.withdraw(voucher, network.author)
    assert "is over" in refused(answer(voucher, network.author)).reason


def test_whoever_has_left_cannot_write(network: Network, voucher: Voucher) -> None:
    message = answer(voucher, network.author)
    Person.objects.filter(pk=network.author.pk).update(is_active=False)
    assert "not there any more" in refused(message).reason


def test_two_programs_that_talk_to_each_other_are_stopped(
    network: Network, voucher: Voucher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MOST_AN_HOUR", 3)
    for number in range(5):
        take(answer(voucher, network.author, f"{number}" * (number + 1)).as_bytes())
    assert len(messages(voucher)) == 3
    assert "within an hour" in Reply.objects.filter(state=ReplyState.REFUSED)[0].reason


def test_another_mail_under_a_known_name_is_not_lost(network: Network, voucher: Voucher) -> None:
    refused(answer(voucher, network.author, "> quoted", Message_ID="<same@home>"))
    second = answer(voucher, network.author, "Real words.", Message_ID="<same@home>")
    take(second.as_bytes())
    take(second.as_bytes())
    assert messages(voucher) == ["Real words."]
    assert Reply.objects.count() == 2


def test_a_mail_without_a_name_is_known_by_its_content(network: Network, voucher: Voucher) -> None:
    message = answer(voucher, network.author)
    del message["Message-ID"]
    take(message.as_bytes())
    assert take(message.as_bytes()) is None
    assert messages(voucher) == ["Yes."]


def test_what_cannot_be_read_is_kept_and_the_others_are_read(
    network: Network, voucher: Voucher, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(maildir, b"X: " + b"x" * 300_000 + b"\n\nYes.", "1")
    put(maildir, b"From: poison", "2")
    put(maildir, answer(voucher, network.author), "3")
    (maildir / "new" / ".hidden").write_text("no mail")
    really = inbox.read

    def read(raw: bytes) -> Any:
        if b"poison" in raw:
            raise ZeroDivisionError
        return really(raw)

    monkeypatch.setattr(inbox, "read", read)
    assert take_replies() == 3
    reasons = Reply.objects.filter(state=ReplyState.REFUSED).values_list("reason", flat=True)
    assert sorted(reasons) == [
        "It cannot be read (ZeroDivisionError).",
        "Its headers are longer than any mail program writes.",
    ]
    assert messages(voucher) == ["Yes."]


def test_what_is_too_large_is_not_even_read(
    maildir: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "LARGEST", 2**20)
    put(maildir, b"x" * (2**20 + 1))
    assert take_replies() == 1
    assert Reply.objects.get().reason == "It has 1 MB; 1 MB are read."


def test_a_worker_that_was_faster_is_no_fault(
    network: Network, voucher: Voucher, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(maildir, answer(voucher, network.author), "1")
    put(maildir, answer(voucher, network.author, "Two."), "2")
    really = Path.read_bytes

    def gone(path: Path) -> bytes:
        if path.name == "1":
            raise FileNotFoundError
        return really(path)

    monkeypatch.setattr(Path, "read_bytes", gone)
    assert take_replies() == 1

    def too_late(*_: Any) -> None:
        raise IntegrityError

    monkeypatch.setattr(inbox, "_settle", too_late)
    assert take(answer(voucher, network.author, "Three.").as_bytes()) is None


def test_a_pass_leaves_the_rest_to_the_next(
    maildir: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MOST_MAILS", 2)
    for number in range(3):
        put(maildir, b"From: a@b.org\n\n%d" % number, str(number))
    assert [take_replies(), take_replies(), take_replies()] == [2, 1, 0]


def test_without_a_mailbox_nothing_is_read(settings: Any, network: Network) -> None:
    settings.MAIL = mail_of()
    assert take_replies() == 0


def test_a_folder_that_is_no_maildir_is_named(settings: Any, tmp_path: Path) -> None:
    settings.MAIL = mail_of(inbox=tmp_path / "nowhere")
    with pytest.raises(NoMailbox, match="nowhere is no Maildir"):
        take_replies()


# A real IMAP server


@pytest.fixture(scope="module")
def imap() -> Iterator[Server]:
    """pymap with a mailbox in memory."""
    port = free_port()
    server = subprocess.Popen(
        [
            sys.executable, "-c", "from pymap.main import main; main()",
            "--host", "127.0.0.1", "--port", str(port), "--no-tls",
            "dict", "--demo-user", "desk", "--demo-password", "p@ss word",
        ],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    place = Server("imap", "127.0.0.1", port, "desk", "p@ss word")
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                imaplib.IMAP4(place.host, place.port).shutdown()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield place
    finally:
        server.terminate()
        server.wait(10)


def deliver(place: Server, message: EmailMessage) -> None:
    client = imaplib.IMAP4(place.host, place.port)
    client.login(place.user, place.password)
    client.append("INBOX", "", imaplib.Time2Internaldate(time.time()), message.as_bytes())
    client.logout()


def test_an_imap_mailbox_is_read_and_nothing_is_deleted(
    network: Network, voucher: Voucher, imap: Server, settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings.MAIL = mail_of(inbox=imap)
    deliver(imap, answer(voucher, network.author, "From far away."))
    deliver(imap, answer(voucher, network.stranger, "May I?"))
    assert take_replies() == 2
    assert messages(voucher) == ["From far away."]
    assert take_replies() == 0, "they are seen"
    client = imaplib.IMAP4(imap.host, imap.port)
    client.login(imap.user, imap.password)
    assert client.select("INBOX")[1] == [b"2"]
    client.logout()
    monkeypatch.setattr(inbox, "LARGEST", 10)
    deliver(imap, answer(voucher, network.author, "Long."))
    assert take_replies() == 1
    assert "are read" in Reply.objects.latest("pk").reason


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"password": "wrong"}, "cannot be used"),
        ({"folder": 'No "such" folder'}, "there is no folder"),
        ({"port": 1}, "cannot be used"),
        ({"scheme": "imaps"}, "cannot be used"),
    ],
)
def test_a_mailbox_that_does_not_open_is_told(
    imap: Server, settings: Any, change: dict[str, Any], why: str
) -> None:
    settings.MAIL = mail_of(inbox=replace(imap, **change))
    with pytest.raises(NoMailbox, match=why) as fault:
        take_replies()
    assert "p@ss" not in str(fault.value)


def test_a_mail_that_vanishes_in_the_meantime_ends_the_pass_with_a_reason(
    imap: Server, settings: Any, network: Network, voucher: Voucher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings.MAIL = mail_of(inbox=imap)
    deliver(imap, answer(voucher, network.author, "Here."))
    really = imaplib.IMAP4.uid

    def without_content(client: Any, command: str, *arguments: str) -> Any:
        if "(BODY.PEEK[])" in arguments:
            return "OK", [None]
        return really(client, command, *arguments)

    monkeypatch.setattr(imaplib.IMAP4, "uid", without_content)
    with pytest.raises(NoMailbox, match="no content for mail"):
        take_replies()
    monkeypatch.undo()
