"""A member's page: units, skills, hours and absences."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms as django_forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from evidesk.desk.people import queries as people
from evidesk.desk.people import rules, staffing
from evidesk.desk.people.models import Person
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import Conflict, Refused, require
from evidesk.desk.vouchers import effort
from evidesk.desk.vouchers import forms_network as forms


@login_required
@never_cache
def member(request: HttpRequest, uid: UUID) -> HttpResponse:
    """What a member brings; those who may change it find the forms below."""
    by = person_of(request)
    require(rules.may_see_profile(by))
    person = get_object_or_404(people.members(), uid=uid)
    what = request.POST.get("what", "") if request.method == "POST" else ""
    bound = _forms(person, by, what, request.POST)
    if what in bound and bound[what].is_valid():
        try:
            DO[what](person, by, bound[what].cleaned_data)
        except (Refused, Conflict) as fault:
            bound[what].add_error(None, str(fault))
        else:
            messages.success(request, _("Saved."))
            return redirect("member", uid)
    elif what.startswith("remove-"):
        _remove(person, by, what, request.POST.get("row", ""))
        messages.success(request, _("Removed."))
        return redirect("member", uid)
    sees_absences = bool(rules.may_edit_profile(by, person))
    return render(
        request,
        "network/member.html",
        {
            "person": person,
            "is_own": by == person,
            "forms": bound,
            "weeks": effort.weeks_ahead(person),
            "sees_absences": sees_absences,
            "absences": people.absences_ahead(person) if sees_absences else [],
            "conflicts": people.conflicts_of(person) if sees_absences else [],
        },
    )


def _forms(person: Person, by: Person, what: str, data: Any) -> dict[str, django_forms.Form]:
    """The forms that the visitor may use; the one that was sent with what was typed."""

    def sent(name: str) -> Any:
        return data if name == what else None

    profile = staffing.profile_of(person)
    found: dict[str, django_forms.Form] = {}
    if rules.may_edit_profile(by, person):
        skills = profile.skills.all() if profile.pk else []
        found["skills"] = forms.SkillsForm(sent("skills"), chosen=skills)
        found["absence"] = forms.AbsenceForm(sent("absence"), is_own=by == person)
        found["conflict"] = forms.ConflictForm(sent("conflict"))
    if rules.may_set_hours(by, person):
        hours = {"hours": number_format(f"{profile.weekly_hours:g}")}
        found["hours"] = forms.HoursForm(sent("hours"), initial=hours)
    return found


#: What each form does.
DO: dict[str, Callable[[Person, Person, dict[str, Any]], object]] = {
    "hours": lambda person, by, typed: staffing.set_hours(person, by, typed["hours"]),
    "skills": lambda person, by, typed: staffing.set_skills(person, by, typed["skills"]),
    "absence": lambda person, by, typed: staffing.add_absence(person, by, **typed),
    "conflict": lambda person, by, typed: staffing.declare_conflict(person, by, typed["scientist"]),
}


def _remove(person: Person, by: Person, what: str, row: str) -> None:
    pk = int(row) if row.isdecimal() and len(row) < 18 else 0
    if what == "remove-absence":
        staffing.remove_absence(get_object_or_404(person.absences, pk=pk), by)
    else:
        staffing.withdraw_conflict(get_object_or_404(person.conflicts, pk=pk), by)


@login_required
@require_safe
def my_page(request: HttpRequest) -> HttpResponse:
    """One's own page in the network."""
    by = person_of(request)
    require(rules.may_see_profile(by))
    return redirect("member", by.uid)
