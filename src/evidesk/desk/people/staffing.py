"""What members bring: hours, skills, absences, conflicts of interest.

Like an app's actions: rule, change and audit entry in one transaction. All of it is about a person,
so the audit chain holds it sealed.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from evidesk.desk.audit import actions as audit
from evidesk.desk.people import rules
from evidesk.desk.people.models import (
    FULL_TIME_HOURS,
    Absence,
    ConflictOfInterest,
    Person,
    Profile,
    Skill,
)
from evidesk.desk.people.rules import Conflict, Refused, require


def profile_of(person: Person) -> Profile:
    """The person's profile; an empty one until somebody fills it in."""
    return Profile.objects.filter(person=person).first() or Profile(person_id=person.pk)


def _locked_profile(person: Person) -> Profile:
    Profile.objects.get_or_create(person=person)
    return Profile.objects.select_for_update().get(person=person)


def _audit(what: str, by: Person, person: Person, **sealed: Any) -> None:
    audit.append(f"member.{what}", by.uid, f"person:{person.uid}", sealed=sealed)


@transaction.atomic
def set_hours(person: Person, by: Person, hours: Decimal) -> None:
    """How many hours a week the member works on vouchers."""
    require(rules.may_set_hours(by, person))
    if not 0 <= hours <= FULL_TIME_HOURS:
        raise Refused(_("A week has 0 to %(hours)d hours of work.") % {"hours": FULL_TIME_HOURS})
    profile = _locked_profile(person)
    if profile.weekly_hours != hours:
        _audit("hours", by, person, weekly_hours=[str(profile.weekly_hours), str(hours)])
        Profile.objects.filter(pk=profile.pk).update(weekly_hours=hours)


@transaction.atomic
def set_skills(person: Person, by: Person, skills: Iterable[Skill]) -> None:
    """What the member can do, from the network's list."""
    require(rules.may_edit_profile(by, person))
    profile = _locked_profile(person)
    before = sorted(skill.name for skill in profile.skills.all())
    profile.skills.set(skills)
    after = sorted(skill.name for skill in profile.skills.all())
    if before != after:
        _audit("skills", by, person, skills=[before, after])


@transaction.atomic
def add_absence(
    person: Person, by: Person, first_day: date, last_day: date, reason: str = ""
) -> Absence:
    """Days without work on vouchers. A reason is the member's own to give, and to read."""
    require(rules.may_edit_profile(by, person))
    if last_day < first_day:
        raise Refused(_("The last day is before the first."))
    if reason and by != person:
        raise Refused(_("Only the member may give a reason for an absence."))
    absence = Absence.objects.create(
        person=person, first_day=first_day, last_day=last_day, reason=reason
    )
    _audit("absence-added", by, person, absence=_days(absence))
    return absence


@transaction.atomic
def remove_absence(absence: Absence, by: Person) -> None:
    """They are there after all."""
    require(rules.may_edit_profile(by, absence.person))
    days = _days(absence)
    if not Absence.objects.filter(pk=absence.pk).delete()[0]:
        raise Conflict(_("This absence is removed already."))
    _audit("absence-removed", by, absence.person, absence=days)


def _days(absence: Absence) -> list[str]:
    return [absence.first_day.isoformat(), absence.last_day.isoformat()]


@transaction.atomic
def declare_conflict(person: Person, by: Person, scientist: Person) -> ConflictOfInterest:
    """The member should not be this scientist's consultant."""
    require(rules.may_edit_profile(by, person))
    if person == scientist:
        raise Refused(_("Nobody is offered their own voucher anyway."))
    conflict, is_new = ConflictOfInterest.objects.get_or_create(person=person, scientist=scientist)
    if is_new:
        _audit("conflict-declared", by, person, scientist=str(scientist.uid))
    return conflict


@transaction.atomic
def withdraw_conflict(conflict: ConflictOfInterest, by: Person) -> None:
    """The conflict of interest is over."""
    require(rules.may_edit_profile(by, conflict.person))
    if not ConflictOfInterest.objects.filter(pk=conflict.pk).delete()[0]:
        raise Conflict(_("This conflict of interest is withdrawn already."))
    _audit("conflict-withdrawn", by, conflict.person, scientist=str(conflict.scientist.uid))
