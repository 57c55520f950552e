"""What a log-in changes: the person, and the places that their groups give them."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from evidesk.desk.audit import actions as audit
from evidesk.desk.people import sessions
from evidesk.desk.people.log_in import queries, rules
from evidesk.desk.people.log_in.claims import Claims
from evidesk.desk.people.log_in.entitlements import Entitlement
from evidesk.desk.people.log_in.faults import LogInFailed
from evidesk.desk.people.models import GroupRole, Member, Person, Role, Source, Unit
from evidesk.desk.people.rules import Conflict, require

_HOME_LENGTH = 80


class NotAdmitted(LogInFailed):
    """The provider no longer tells, or never told, what lets somebody in."""


@dataclass(frozen=True)
class SignedIn:
    """Who has signed in, and which roles they were not given, each with the reason.

    `step_up` is true where signing in again with a second factor would help.
    """

    person: Person
    withheld: tuple[str, ...]
    step_up: bool


def sign_in(claims: Claims, homes: dict[str, str]) -> SignedIn:
    """Know the person by issuer and subject; renew what the provider says of them, and their roles.

    Parameters
    ----------
    claims : what the provider tells.
    homes : names of the home organisations by their domain.

    Raises
    ------
    LogInFailed : a rule is against it. Nobody is added; whoever was let in by groups that they
        have left loses the places that these gave.
    """
    try:
        with transaction.atomic():
            granted = queries.granted(claims)
            _check_may_enter(claims, granted)
            person, _new = Person.objects.select_for_update().get_or_create(
                issuer=claims.issuer,
                subject=claims.subject,
                defaults={"name": claims.name, "email": claims.email},
            )
            _check_may_sign_in(person, claims)
            done = _renew(person, claims, granted, homes)
            audit.append("person.signed-in", person.uid, f"person:{person.uid}")
    except LogInFailed as fault:
        _note_refusal(fault, claims)
        raise
    return done


def _check_may_enter(claims: Claims, granted: list[GroupRole]) -> None:
    allowed = rules.may_enter(claims, granted)
    if not allowed:
        raise NotAdmitted(
            "the person is neither staff nor in a group of ours",
            status=403,
            title=_("This desk is not open to you yet"),
            reason=allowed.reason,
        )


def _check_may_sign_in(person: Person, claims: Claims) -> None:
    allowed = rules.may_sign_in(person)
    if not allowed:
        raise LogInFailed(
            "the person is shut out of this desk",
            status=403,
            title=_("You cannot sign in"),
            reason=allowed.reason,
        )
    by_hand = person.memberships.filter(source=Source.HAND, role=Role.OFFICE)
    if not rules.may_hold(Role.OFFICE, claims) and by_hand.exists():
        raise LogInFailed(
            "a place in the office that was made by hand needs a second factor",
            status=403,
            title=_("Please use your second factor"),
            reason=_(
                "You have a place in the office, so signing in needs a second factor, such as a "
                "code from an app or a security key."
            ),
            step_up=True,
        )


@transaction.atomic
def _note_refusal(fault: LogInFailed, claims: Claims) -> None:
    """Note it. Somebody who was admitted before and no longer is also loses what groups gave."""
    person = Person.objects.filter(issuer=claims.issuer, subject=claims.subject).first()
    if person is not None and isinstance(fault, NotAdmitted):
        _place(person, set())
        end_all_sessions(person)
    subject = f"person:{person.uid}" if person else "person:unknown"
    audit.append("person.refused", None, subject, {"why": str(fault)})


def _renew(
    person: Person, claims: Claims, granted: list[GroupRole], homes: dict[str, str]
) -> SignedIn:
    person.name, person.email = claims.name, claims.email
    person.home = homes.get(claims.domain, claims.domain)[:_HOME_LENGTH]
    person.save(update_fields=["name", "email", "home"])
    wanted: set[tuple[int, str]] = set()
    withheld: list[str] = []
    step_up = False
    for row in granted:
        allowed = rules.may_hold(row.role, claims)
        if allowed:
            wanted.add((row.unit_id, row.role))
        else:
            step_up |= row.role == Role.OFFICE
            role = _("%(role)s in %(unit)s") % {"role": row.get_role_display(), "unit": row.unit}
            withheld.append(f"{role}: {allowed.reason}")
    _place(person, wanted)
    return SignedIn(person, tuple(dict.fromkeys(withheld)), step_up)


def _place(person: Person, wanted: set[tuple[int, str]]) -> None:
    """Give exactly the wanted places, beside those made by hand."""
    places = {(place.unit_id, place.role): place for place in person.memberships.all()}
    units = dict(Unit.objects.values_list("pk", "slug"))
    for unit_id, role in sorted(wanted - places.keys()):
        Member.objects.create(person=person, unit_id=unit_id, role=role, source=Source.LOG_IN)
        _note_place("member.added", person, units[unit_id], role)
    for key, place in places.items():
        if place.source == Source.LOG_IN and key not in wanted:
            place.delete()
            _note_place("member.removed", person, units[key[0]], key[1])


def _note_place(action: str, person: Person, unit: str, role: str) -> None:
    facts = {"unit": unit, "role": role, "source": Source.LOG_IN.value}
    audit.append(action, None, f"person:{person.uid}", facts)


# The table of groups


@transaction.atomic
def add_group(by: Person | None, group: Entitlement, unit: Unit, role: str) -> GroupRole:
    """Give whoever is in the group the role, from their next log-in on.

    `by` is None where it is done on the server itself.

    Raises
    ------
    Refused : `by` is not in the office.
    Conflict : the row is there already.
    """
    if by is not None:
        require(rules.may_edit_groups(by))
    row, new = GroupRole.objects.get_or_create(
        group=group.group, group_role=group.role, unit=unit, role=role
    )
    if not new:
        raise Conflict(_("This group gives this role already."))
    _note_group("group.added", by, row)
    return row


@transaction.atomic
def remove_group(by: Person, row_id: int) -> None:
    """Stop giving the role; whoever has it by the group loses it at once.

    Raises
    ------
    Refused : `by` is not in the office, or would lose their own place there.
    Conflict : the row is gone already.
    """
    require(rules.may_edit_groups(by))
    row = GroupRole.objects.select_related("unit").filter(pk=row_id).first()
    if row is None:
        raise Conflict(_("This row has been removed already."))
    row.delete()
    _note_group("group.removed", by, row)
    others = GroupRole.objects.filter(unit=row.unit, role=row.role)
    if others.exists():
        return  # which of them gave it to whom is found at their next log-in
    places = Member.objects.filter(unit=row.unit, role=row.role, source=Source.LOG_IN)
    if row.role == Role.OFFICE and places.filter(person=by).exists():
        raise Conflict(
            _("This row is what gives you your own place in the office. Add another one first.")
        )
    for place in places.select_related("person"):
        place.delete()
        _note_place("member.removed", place.person, row.unit.slug, row.role)


def _note_group(action: str, by: Person | None, row: GroupRole) -> None:
    facts = {"group": row.written, "unit": row.unit.slug, "role": row.role}
    audit.append(action, by.uid if by else None, f"unit:{row.unit.slug}", facts)


# Ending sessions


@transaction.atomic
def end_session(person: Person, public_id: str) -> bool:
    """End one of the person's own sessions; returns whether there was one."""
    for session in sessions.of(person):
        if session.public_id == public_id:
            session.delete()
            audit.append("session.ended", person.uid, f"person:{person.uid}")
            return True
    return False


@transaction.atomic
def end_other_sessions(person: Person, key: str | None) -> int:
    """End all of the person's sessions but the one with the key; returns how many."""
    ended = sessions.end(sessions.of(person).exclude(pk=key))
    audit.append("session.ended", person.uid, f"person:{person.uid}", {"ended": ended})
    return ended


@transaction.atomic
def end_all_sessions(person: Person | None) -> int:
    """End everybody's sessions, or all of one person's, from the server itself."""
    ended = sessions.end(sessions.of(person))
    subject = f"person:{person.uid}" if person else "desk"
    audit.append("session.ended", None, subject, {"ended": ended})
    return ended


@transaction.atomic
def set_active(person: Person, active: bool) -> None:
    """Shut somebody out of the desk, or let them in again. It holds from the next click on."""
    Person.objects.filter(pk=person.pk).update(is_active=active)
    audit.append("person.let-in" if active else "person.shut-out", None, f"person:{person.uid}")
    if not active:
        end_all_sessions(person)
