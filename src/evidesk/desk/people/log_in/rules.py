"""Who may sign in, and what it takes to be given a role: every rule answers allowed, or why not."""

from collections.abc import Iterable

from django.conf import settings
from django.utils.translation import gettext as _

from evidesk.desk.people.log_in.centres import EVERYBODY
from evidesk.desk.people.log_in.claims import Claims
from evidesk.desk.people.log_in.entitlements import Entitlement
from evidesk.desk.people.log_in.faults import write_to
from evidesk.desk.people.models import GroupRole, Person, Role
from evidesk.desk.people.rules import ALLOWED, Answer, refuse


def may_enter(claims: Claims, granted: Iterable[GroupRole]) -> Answer:
    """Staff of the network's homes, members of its virtual organisations, and of its own groups."""
    homes = settings.OIDC_HOMES
    if EVERYBODY in homes or claims.staff_of & homes.keys() or any(granted):
        return ALLOWED
    if any(is_in(claims.groups, group) for group in settings.OIDC_REQUIRED_GROUPS):
        return ALLOWED
    contact = settings.CONTACT or _("the network's office")
    return refuse(
        _(
            "This desk is for staff of the network's centres and for members of its projects, and "
            "%(name)s does not tell us that you are one of them. That can be a mistake of ours: "
            "write a line to %(contact)s, and say at which institute you work and what you would "
            "like to do. You can also talk to us without signing in."
        )
        % {"name": settings.OIDC_NAME, "contact": contact}
    )


def may_sign_in(person: Person) -> Answer:
    """Whether the desk itself has shut the person out."""
    if person.is_active:
        return ALLOWED
    return refuse(f"{_('Your account on this desk is closed.')} {write_to()}".strip())


def may_hold(role: str, claims: Claims) -> Answer:
    """Whether the person is known well enough for the role."""
    if role == Role.OFFICE:
        if not settings.OIDC_MFA or claims.acr in settings.OIDC_MFA:
            return ALLOWED
        return refuse(_("the office needs a log-in with a second factor"))
    if not settings.OIDC_ASSURANCE or claims.assurance & settings.OIDC_ASSURANCE:
        return ALLOWED
    return refuse(
        _(
            "consultants and leads need an identity that their institute has checked (assurance "
            "profile Cappuccino)"
        )
    )


def may_edit_groups(person: Person) -> Answer:
    """The table of groups is the office's."""
    if person.has_role(Role.OFFICE):
        return ALLOWED
    return refuse(_("Groups and their roles are the office's to edit."))


def is_in(groups: frozenset[Entitlement], wanted: Entitlement) -> bool:
    """Whether one of the groups is exactly the wanted one; any role in it will do if none is
    wanted."""
    if wanted.role:
        return wanted in groups
    return any(one.group == wanted.group for one in groups)
