"""A desk that sends mail, and a real mail server of ours that takes or refuses it."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope

from evidesk.desk.mail_settings import MailSettings, Server
from evidesk.desk.notices import smtp

BASE = "https://desk.example.org"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mail_of(port: int = 1, inbox: Any = None) -> MailSettings:
    """Settings of a desk with a mail server at that port; port 1 refuses every connection."""
    server = Server("smtp", "127.0.0.1", port)
    return MailSettings(BASE, "evidesk", "desk@example.org", server, inbox)


@pytest.fixture
def mailing(settings: Any) -> None:
    """The desk writes mail and could send it."""
    settings.DEMO = False
    settings.MAIL = mail_of()


@pytest.fixture
def maildir(settings: Any, mailing: None, tmp_path: Path) -> Path:
    """The desk takes replies from this Maildir."""
    folder = tmp_path / "Maildir"
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    settings.MAIL = mail_of(inbox=folder)
    return folder


class Sink:
    """A mail server that does as it is told, and remembers what it took.

    `says` maps a recipient, "MAIL" or "DATA" to what is answered; "hang" waits, "drop" breaks the
    connection in the middle of the message, "taken then drop" after taking it.
    """

    def __init__(self) -> None:
        self.taken: list[tuple[list[str], bytes]] = []
        self.says: dict[str, str] = {}
        self.connections = 0
        self.asked = threading.Event()
        self.port = free_port()

    @property
    def messages(self) -> list[EmailMessage]:
        return [
            message_from_bytes(content, policy=policy.default)  # type: ignore[misc]
            for _, content in self.taken
        ]

    async def handle_MAIL(self, server: SMTP, *args: Any) -> str:  # noqa: N802
        envelope: Envelope = args[1]
        if answer := self.says.get("MAIL"):
            return answer
        envelope.mail_from = args[2]
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, *args: Any) -> str:  # noqa: N802
        envelope: Envelope = args[1]
        address: str = args[2]
        if answer := self.says.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.asked.set()
        says = self.says.get("DATA", "")
        if says == "hang":
            await asyncio.sleep(60)
        if says == "drop":
            server.transport.abort()
            return "250 never heard"
        if says and not says.startswith("taken"):
            return says
        self.taken.append((list(envelope.rcpt_tos), bytes(envelope.content or b"")))
        if says == "taken then drop":
            server.transport.abort()
        return "250 2.0.0 taken as 4711"


class _Controller(Controller):
    def factory(self) -> SMTP:
        self.handler.connections += 1
        return super().factory()


@pytest.fixture
def sink(settings: Any, mailing: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    """The desk's mail server; it is waited for a second at most."""
    sink = Sink()
    controller = _Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    sink.connections = 0  # the controller tries itself
    settings.MAIL = mail_of(sink.port)
    monkeypatch.setattr(smtp, "PATIENCE", 1.0)
    yield sink
    controller.stop(no_assert=True)
