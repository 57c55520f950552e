"""What the settings about mail mean, and what is wrong with them. Knows nothing of Django's models,
for the settings import it.
"""

from dataclasses import dataclass, field
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

#: Characters of the address before the @ that leave room for what a reply's address carries
#: (`notices/addresses.py`); the whole part before the @ may have 64 (RFC 5321, 4.5.3.1.1).
LONGEST_LOCAL_PART = 24
_PORTS = {"smtp": 25, "smtps": 465, "imap": 143, "imaps": 993}


@dataclass(frozen=True)
class Server:
    """A server of mail; the password is not printed with it."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    folder: str = ""

    @property
    def is_local(self) -> bool:
        """Whether what is said to it stays on this machine."""
        return self.host in ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class MailSettings:
    """How mail is sent and read. `smtp` is None if none is sent, `inbox` if none is read."""

    base_url: str
    sender: str
    address: str
    smtp: Server | None
    inbox: Server | Path | None

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def mail_settings(
    *, demo: bool, base_url: str, smtp_url: str, mail_from: str, inbox_url: str
) -> MailSettings:
    """The checked settings; each parameter is the text of its environment variable.

    Raises
    ------
    ImproperlyConfigured : naming the variable, without any password.
    """
    if demo:
        # Its mail is only looked at, but has to look right.
        base_url = base_url or "http://127.0.0.1:8000"
        mail_from = mail_from or "evidesk <desk@evidesk.example.org>"
    url = urlsplit(base_url)
    if base_url and (url.scheme not in ("http", "https") or not url.netloc or url.query):
        raise ImproperlyConfigured(
            "EVIDESK_BASE_URL must be the desk's address as people type it, such as "
            f"https://desk.example.org, but is {base_url!r}."
        )
    smtp = _server("EVIDESK_SMTP_URL", smtp_url, "smtp", "smtps") if smtp_url else None
    if smtp and not (base_url and mail_from):
        raise ImproperlyConfigured(
            "Mail needs EVIDESK_MAIL_FROM (its sender) and EVIDESK_BASE_URL (for its links) "
            "beside EVIDESK_SMTP_URL."
        )
    sender, address = _sender(mail_from) if mail_from else ("", "")
    inbox = _inbox(inbox_url) if inbox_url else None
    if inbox and len(address.partition("@")[0]) > LONGEST_LOCAL_PART:
        raise ImproperlyConfigured(
            f"EVIDESK_MAIL_FROM has more than {LONGEST_LOCAL_PART} characters before the @, which "
            "leaves no room for the addresses that replies go to."
        )
    if inbox and not address:
        raise ImproperlyConfigured(
            "EVIDESK_INBOX_URL needs EVIDESK_MAIL_FROM: replies go to that mailbox."
        )
    return MailSettings(base_url.rstrip("/"), sender, address, smtp, inbox)


def _sender(text: str) -> tuple[str, str]:
    """Name and address from `evidesk <desk@example.org>`."""
    name, address = parseaddr(text)
    try:
        checked = Address(name, addr_spec=address)
        good = bool(checked.username and "." in checked.domain and address.isascii())
    except (ValueError, IndexError):
        good = False
    if not good or not text.isprintable():
        raise ImproperlyConfigured(
            f"EVIDESK_MAIL_FROM must be like evidesk <desk@example.org>, but is {text!r}."
        )
    return name or "evidesk", address


def _server(name: str, text: str, plain: str, secure: str) -> Server:
    wrong = ImproperlyConfigured(
        f"{name} must be like {plain}://user:password@mail.example.org:{_PORTS[plain]} or "
        f"{secure}://... (special characters in the password as %40 and so on)."
    )
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise wrong from None
    if url.scheme not in (plain, secure) or not url.hostname or url.query or url.fragment:
        raise wrong
    return Server(
        url.scheme,
        url.hostname,
        port or _PORTS[url.scheme],
        unquote(url.username or ""),
        unquote(url.password or ""),
        unquote(url.path.strip("/")),
    )


def _inbox(text: str) -> Server | Path:
    if text.startswith("maildir://"):
        path = Path(unquote(text.removeprefix("maildir://")))
        if not path.is_absolute():
            raise ImproperlyConfigured(
                f"EVIDESK_INBOX_URL must name the whole path, as maildir:///var/mail/desk, but is "
                f"{text!r}."
            )
        return path
    server = _server("EVIDESK_INBOX_URL", text, "imap", "imaps")
    if server.scheme == "imap" and not server.is_local:
        raise ImproperlyConfigured(
            "EVIDESK_INBOX_URL: over the network use imaps://, which keeps the password secret."
        )
    return server
