"""Who may do what: every rule answers allowed, or why not."""

from dataclasses import dataclass
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port

from evidesk.desk.people.models import Person


@dataclass(frozen=True)
class Answer:
    """What a rule says: true if allowed; otherwise `reason` is a sentence for the person."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


ALLOWED = Answer(True)


def refuse(reason: str) -> Answer:
    """The answer no, with the reason a person is told."""
    return Answer(False, reason)


class Refused(Exception):
    """Somebody tried what a rule does not allow; the message tells them why."""


class Conflict(Exception):
    """The thing changed under somebody's hands; the message tells them what to do."""


def require(answer: Answer) -> None:
    """Go on if allowed; raise :class:`Refused` with the reason otherwise."""
    if not answer:
        raise Refused(answer.reason)


#: The version of the privacy page; who agreed to another one is asked again.
PRIVACY_VERSION = "2026-11"


def has_consented(person: Person) -> Answer:
    """Before anything else, everybody agrees to what the desk keeps of them."""
    if person.consented_to != PRIVACY_VERSION:
        return refuse("Open the desk in a browser first and agree to what it keeps of you.")
    return ALLOWED


def may_use_personas(request: HttpRequest) -> Answer:
    """Persona buttons exist only in a demo, and only for somebody sitting at the machine."""
    if not settings.DEMO:
        return refuse("Personas exist only in the demo (EVIDESK_DEMO=1).")
    if any(name in request.META for name in ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED")):
        return refuse("The demo is not meant to stand behind a proxy.")
    host = split_domain_port(request.get_host())[0].strip("[]")
    if not (is_loopback(request.META["REMOTE_ADDR"]) and is_loopback(host)):
        return refuse("Personas work only on the machine that the demo runs on.")
    return ALLOWED


def is_loopback(address: str) -> bool:
    """Whether the address or name is this machine itself."""
    if address == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
