"""What members bring to the network, over HTTP, with the forms of a member's page."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Body as InBody
from ninja import Field, Router, Schema
from ninja.pagination import paginate
from ninja.responses import Status

from evidesk.desk.people import queries, rules, staffing
from evidesk.desk.people.api import PlaceOut
from evidesk.desk.people.models import Absence, ConflictOfInterest, Person
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import Answer, require
from evidesk.desk.rest.forms import checked, data_of, schema_of
from evidesk.desk.rest.paging import Pages
from evidesk.desk.vouchers import effort
from evidesk.desk.vouchers import forms_network as forms

router = Router(tags=["members"])


class ProfileOut(Schema):
    """A member of the network, with what they bring."""

    id: int = Field(description="What an offer names its consultant by.")
    uid: UUID
    name: str
    places: list[PlaceOut]
    skills: list[str]
    weekly_hours: float = Field(description="Hours for vouchers in a week.")

    @staticmethod
    def resolve_places(person: Person) -> list[Any]:
        return list(person.memberships.all())

    @staticmethod
    def resolve_skills(person: Person) -> list[str]:
        return [skill.name for skill in person.profile.skills.all()] if _has(person) else []

    @staticmethod
    def resolve_weekly_hours(person: Person) -> float:
        return float(person.profile.weekly_hours) if _has(person) else 0.0


def _has(person: Person) -> bool:
    """Whether somebody has filled in the member's profile yet."""
    return hasattr(person, "profile")


class WeekAheadOut(Schema):
    """A member's week, in hours; `free` is negative where more is booked than there is."""

    monday: date
    available: float
    booked: float
    free: float


class AbsenceOut(Schema):
    """Days without work on vouchers; only oneself reads the reason."""

    id: int
    first_day: date
    last_day: date
    reason: str

    @staticmethod
    def resolve_reason(absence: Absence, context: Any) -> str:
        by = person_of(context["request"])
        return absence.reason if absence.person_id == by.pk else ""


class ConflictOut(Schema):
    """The member should not be this scientist's consultant."""

    id: int
    scientist: str
    declared_at: datetime

    @staticmethod
    def resolve_scientist(conflict: ConflictOfInterest) -> str:
        return conflict.scientist.name


class ProfileDetail(ProfileOut):
    """A member with the next weeks; absences and conflicts are null for who may not change them."""

    weeks: list[WeekAheadOut]
    absences: list[AbsenceOut] | None = Field(description="Those that are not over.")
    conflicts: list[ConflictOut] | None

    @staticmethod
    def resolve_weeks(person: Person) -> list[effort.Week]:
        return effort.weeks_ahead(person)

    @staticmethod
    def resolve_absences(person: Person, context: Any) -> list[Absence] | None:
        sees = rules.may_edit_profile(person_of(context["request"]), person)
        return list(queries.absences_ahead(person)) if sees else None

    @staticmethod
    def resolve_conflicts(person: Person, context: Any) -> list[ConflictOfInterest] | None:
        sees = rules.may_edit_profile(person_of(context["request"]), person)
        return list(queries.conflicts_of(person)) if sees else None


@router.get("members/", response=list[ProfileOut], summary="The members of the network")
@paginate(Pages)
def members(request: HttpRequest) -> Any:
    require(rules.may_see_profile(person_of(request)))
    return queries.members()


def _member(by: Person, uid: UUID, may: Callable[[Person, Person], Answer] | None = None) -> Person:
    """The member, for somebody who may see them, and may do that to them."""
    require(rules.may_see_profile(by))
    person = get_object_or_404(queries.members(), uid=uid)
    if may is not None:
        require(may(by, person))
    return person


@router.get("members/{uuid:uid}/", response=ProfileDetail, summary="A member")
def member(request: HttpRequest, uid: UUID) -> Person:
    return _member(person_of(request), uid)


HoursIn = schema_of(forms.HoursForm)
SkillsIn = schema_of(forms.SkillsForm)
AbsenceIn = schema_of(forms.AbsenceForm)
ConflictIn = schema_of(forms.ConflictForm)


@router.put(
    "members/{uuid:uid}/hours/", response=ProfileDetail, summary="Set a member's weekly hours"
)
def set_hours(
    request: HttpRequest,
    uid: UUID,
    hours: InBody[HoursIn],  # type: ignore[valid-type]
) -> Person:
    by = person_of(request)
    person = _member(by, uid, rules.may_set_hours)
    form = forms.HoursForm(hours.model_dump())  # type: ignore[attr-defined]
    staffing.set_hours(person, by, checked(form)["hours"])
    return _member(by, uid)


@router.put(
    "members/{uuid:uid}/skills/",
    response=ProfileDetail,
    summary="Set a member's skills, by their names",
)
def set_skills(
    request: HttpRequest,
    uid: UUID,
    skills: InBody[SkillsIn],  # type: ignore[valid-type]
) -> Person:
    by = person_of(request)
    person = _member(by, uid, rules.may_edit_profile)
    chosen = list(person.profile.skills.all()) if _has(person) else []
    form = forms.SkillsForm({}, chosen=chosen)
    data = data_of(form, skills.model_dump())  # type: ignore[attr-defined]
    form = forms.SkillsForm(data, chosen=chosen)
    staffing.set_skills(person, by, checked(form)["skills"])
    return _member(by, uid)


@router.post(
    "members/{uuid:uid}/absences/",
    response={201: AbsenceOut},
    summary="Add an absence; only oneself gives a reason",
)
def add_absence(
    request: HttpRequest,
    uid: UUID,
    absence: InBody[AbsenceIn],  # type: ignore[valid-type]
) -> Status[Absence]:
    by = person_of(request)
    person = _member(by, uid, rules.may_edit_profile)
    given = absence.model_dump()  # type: ignore[attr-defined]
    days = checked(forms.AbsenceForm(given, is_own=by == person))
    # A reason that somebody else gives is no field of the form; the action refuses it.
    added = staffing.add_absence(person, by, **{"reason": given["reason"], **days})
    return Status(201, added)


@router.delete(
    "members/{uuid:uid}/absences/{int:absence_id}/",
    response={204: None},
    summary="Remove an absence",
)
def remove_absence(request: HttpRequest, uid: UUID, absence_id: int) -> Status[None]:
    by = person_of(request)
    person = _member(by, uid, rules.may_edit_profile)
    staffing.remove_absence(get_object_or_404(person.absences, pk=absence_id), by)
    return Status(204, None)


@router.post(
    "members/{uuid:uid}/conflicts/",
    response={201: ConflictOut},
    summary="Declare a conflict of interest with a scientist",
)
def declare_conflict(
    request: HttpRequest,
    uid: UUID,
    conflict: InBody[ConflictIn],  # type: ignore[valid-type]
) -> Status[ConflictOfInterest]:
    by = person_of(request)
    person = _member(by, uid, rules.may_edit_profile)
    form = forms.ConflictForm(conflict.model_dump())  # type: ignore[attr-defined]
    declared = staffing.declare_conflict(person, by, checked(form)["scientist"])
    return Status(201, declared)


@router.delete(
    "members/{uuid:uid}/conflicts/{int:conflict_id}/",
    response={204: None},
    summary="Withdraw a conflict of interest",
)
def withdraw_conflict(request: HttpRequest, uid: UUID, conflict_id: int) -> Status[None]:
    by = person_of(request)
    person = _member(by, uid, rules.may_edit_profile)
    staffing.withdraw_conflict(get_object_or_404(person.conflicts, pk=conflict_id), by)
    return Status(204, None)
