"""Who may do what: every rule answers allowed, or why not."""

from dataclasses import dataclass
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.translation import gettext as _

from evidesk.desk.people.models import Person, Role, Row, Scope, Token, Unit


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
        return refuse(_("Open the desk in a browser first and agree to what it keeps of you."))
    return ALLOWED


def may_use(token: Token, needed: Scope) -> Answer:
    """Whether the token's scope reaches as far as what is asked of it."""
    scopes = Scope.values
    if scopes.index(token.scope) < scopes.index(needed):
        return refuse(
            _("This token's scope is “%(scope)s”; this needs “%(needed)s”. Make another token.")
            % {"scope": token.scope, "needed": needed.value}
        )
    return ALLOWED


def may_use_personas(request: HttpRequest) -> Answer:
    """Persona buttons exist only in a demo, and only for somebody sitting at the machine."""
    if not settings.DEMO:
        return refuse(_("Personas exist only in the demo (EVIDESK_DEMO=1)."))
    if any(name in request.META for name in ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED")):
        return refuse(_("The demo is not meant to stand behind a proxy."))
    host = split_domain_port(request.get_host())[0].strip("[]")
    if not (is_loopback(request.META["REMOTE_ADDR"]) and is_loopback(host)):
        return refuse(_("Personas work only on the machine that the demo runs on."))
    return ALLOWED


def is_loopback(address: str) -> bool:
    """Whether the address or name is this machine itself."""
    if address == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def may_edit_network(by: Person) -> Answer:
    """Units, hosts, fields, kinds, questions, skills and tags are the office's."""
    if not by.has_role(Role.OFFICE):
        return refuse(_("Only the office can edit the network."))
    return ALLOWED


def may_retire(by: Person, row: Row) -> Answer:
    """Everything but the hub, which takes whoever has no unit near."""
    if isinstance(row, Unit) and row.is_hub:
        return refuse(_("This is the hub. Make another unit the hub first."))
    return may_edit_network(by)


def may_make_hub(by: Person, unit: Unit) -> Answer:
    """Any unit that is not retired."""
    if unit.is_retired:
        return refuse(_("A retired unit cannot be the hub."))
    return may_edit_network(by)


def leads(by: Person, person: Person) -> bool:
    """Whether the one leads a unit that the other is a member of."""
    return any(by.has_role(Role.LEAD, unit_id=unit_id) for unit_id in person.unit_ids)


def may_edit_profile(by: Person, person: Person) -> Answer:
    """Skills, absences and conflicts of interest: oneself, the leads of one's units, the office."""
    if not person.is_member:
        return refuse(_("Only members of the network have skills and hours here."))
    if by != person and not leads(by, person) and not by.has_role(Role.OFFICE):
        return refuse(_("Only the member, a lead of their unit or the office can change this."))
    return ALLOWED


def may_set_hours(by: Person, person: Person) -> Answer:
    """How much time a member has for vouchers is decided by the unit's leads and the office."""
    if not leads(by, person) and not by.has_role(Role.OFFICE):
        return refuse(_("Only a lead of the unit or the office can change the hours."))
    return may_edit_profile(by, person)


def may_see_profile(by: Person) -> Answer:
    """Members see each other's skills and free hours."""
    return ALLOWED if by.is_member else refuse(_("Only members of the network see this."))
