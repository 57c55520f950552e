"""Handing one message to the mail server, and what its answer means.

Only what the server says of this recipient or this message is final; everything else (a server that
is away, refuses the log-in or the sender) is somebody's to mend, and the mail waits for that.
"""

import smtplib
import ssl
from types import TracebackType
from typing import Self

from evidesk.desk.mail_settings import Server

#: Seconds that the server may take for each answer.
PATIENCE = 20.0


class NotSent(Exception):
    """The mail is not sent; the message is what the server said."""


class RefusedForGood(NotSent):
    """The server will never take this mail (5xx for the recipient or the message)."""


class TryLater(NotSent):
    """The server did not take this mail now."""


class Unreachable(NotSent):
    """There is no server to talk to, so no other mail will go either."""


class Connection:
    """A connection to the mail server, opened at the first message."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._quit()

    def send(self, sender: str, recipient: str, message: bytes) -> str:
        """Hand the message over; returns the server's words when it has taken it.

        Raises
        ------
        RefusedForGood, TryLater, Unreachable : see there.
        """
        smtp = self._open()
        try:
            return self._hand_over(smtp, sender, recipient, message)
        except (smtplib.SMTPException, OSError) as fault:
            self._drop()
            raise TryLater(f"The connection broke ({_words(fault)})") from None
        except NotSent:
            self._reset()
            raise

    def _hand_over(self, smtp: smtplib.SMTP, sender: str, recipient: str, message: bytes) -> str:
        code, said = smtp.mail(sender)
        if code != 250:
            raise TryLater(f"The sender {sender} is refused: {code} {_text(said)}")
        code, said = smtp.rcpt(recipient)
        if code not in (250, 251):
            raise _refusal(code, said)
        try:
            code, said = smtp.data(message)
        except smtplib.SMTPDataError as fault:  # refused before a byte of it was sent
            raise _refusal(fault.smtp_code, fault.smtp_error) from None
        if code != 250:
            raise _refusal(code, said)
        return f"{code} {_text(said)}"

    def _open(self) -> smtplib.SMTP:
        if self._smtp is None:
            try:
                self._smtp = _connect(self.server)
            except (smtplib.SMTPException, OSError, UnicodeError) as fault:
                place = f"{self.server.host}:{self.server.port}"
                raise Unreachable(f"{place} cannot be used: {_words(fault)}") from None
        return self._smtp

    def _reset(self) -> None:
        """Ready for the next message, if the server still talks to us."""
        assert self._smtp is not None
        try:
            self._smtp.rset()
        except (smtplib.SMTPException, OSError):
            self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None

    def _quit(self) -> None:
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (smtplib.SMTPException, OSError):
                self._drop()
        self._smtp = None


def _connect(server: Server) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.scheme == "smtps":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=PATIENCE, context=context
        )
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=PATIENCE)
    try:
        smtp.ehlo_or_helo_if_needed()
        if server.scheme == "smtp" and smtp.has_extn("starttls"):
            smtp.starttls(context=context)
            smtp.ehlo()
        elif server.scheme == "smtp" and server.user and not server.is_local:
            raise smtplib.SMTPException(
                "it offers no encryption, so the password is not sent. Use smtps://."
            )
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _refusal(code: int, said: bytes | str) -> NotSent:
    kind = RefusedForGood if 500 <= code < 600 else TryLater
    return kind(f"{code} {_text(said)}")


def _text(said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:500]


def _words(fault: Exception) -> str:
    if isinstance(fault, smtplib.SMTPResponseException):
        return f"{fault.smtp_code} {_text(fault.smtp_error)}"
    return _text(str(fault)) or type(fault).__name__
