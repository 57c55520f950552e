"""The office's pages about the network's rows and the document's questions."""

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django import forms as django_forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from evidesk.desk.audit.models import Entry
from evidesk.desk.audit.queries import history
from evidesk.desk.people import catalogue as actions
from evidesk.desk.people import rules
from evidesk.desk.people.models import Field, Host, Person, Row, Skill, Unit
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import Conflict, Refused, require
from evidesk.desk.vouchers import versions
from evidesk.desk.vouchers.forms_network import AgreementForm, QuestionFormSet, RowForm
from evidesk.desk.vouchers.models import AgreementText, Kind, Questionnaire, Tag

#: How many entries of its history a row's page shows.
HISTORY_SHOWN = 50


@dataclass(frozen=True)
class Catalogue:
    """Rows of one sort that the office edits; `purpose` says what they are for."""

    model: type[Row]
    title: Any
    new: Any
    purpose: Any
    columns: tuple[str, ...]
    fields: tuple[str, ...]

    def form(self, *, new: bool) -> type[RowForm]:
        """The form of one row, made from the model. A short name stays: addresses hold it."""
        widgets: dict[str, type[django_forms.Widget] | django_forms.Widget] = {
            many.name: django_forms.CheckboxSelectMultiple for many in self.model._meta.many_to_many
        }
        made = django_forms.modelform_factory(
            self.model,
            form=RowForm,
            fields=[name for name in self.fields if new or name != "slug"],
            widgets=widgets,
        )
        return cast("type[RowForm]", made)


CATALOGUES: dict[str, Catalogue] = {
    "units": Catalogue(
        Unit,
        gettext_lazy("Units"),
        gettext_lazy("New unit"),
        gettext_lazy("The hub and its spokes: teams, their place and their targets."),
        ("host", "city"),
        (
            *("name", "slug", "host", "city", "state", "focus", "fields"),
            *("respond_days", "decide_days", "offer_days", "home_conflict"),
        ),
    ),
    "hosts": Catalogue(
        Host,
        gettext_lazy("Hosts"),
        gettext_lazy("New host"),
        gettext_lazy("The centres that units sit at."),
        ("full_name",),
        ("name", "full_name"),
    ),
    "fields": Catalogue(
        Field,
        gettext_lazy("Fields of research"),
        gettext_lazy("New field"),
        gettext_lazy("What science a unit serves, and a voucher belongs to."),
        (),
        ("name",),
    ),
    "kinds": Catalogue(
        Kind,
        gettext_lazy("Kinds of voucher"),
        gettext_lazy("New kind"),
        gettext_lazy("What can be asked for, and how long it may take."),
        ("min_days", "max_days"),
        ("name", "slug", "purpose", "min_days", "max_days", "hours", "follow_up", "position"),
    ),
    "skills": Catalogue(
        Skill,
        gettext_lazy("Skills"),
        gettext_lazy("New skill"),
        gettext_lazy("What members can do; their words match vouchers with consultants."),
        ("words",),
        ("name", "words"),
    ),
    "tags": Catalogue(
        Tag,
        gettext_lazy("Tags"),
        gettext_lazy("New tag"),
        gettext_lazy("Words that teams mark vouchers with."),
        (),
        ("name",),
    ),
}


def _catalogue(request: HttpRequest, what: str) -> Catalogue:
    require(rules.may_edit_network(person_of(request)))
    if what not in CATALOGUES:
        raise Http404
    return CATALOGUES[what]


@login_required
@require_safe
def catalogues(request: HttpRequest) -> HttpResponse:
    """Everything that the office can edit."""
    require(rules.may_edit_network(person_of(request)))
    counted = [
        (what, one, one.model._default_manager.filter(retired_at=None).count())
        for what, one in CATALOGUES.items()
    ]
    latest = Questionnaire.objects.latest("version")
    context = {
        "catalogues": counted,
        "latest": latest,
        "agreement": AgreementText.objects.latest("version"),
    }
    return render(request, "network/catalogues.html", context)


@login_required
@require_safe
def catalogue(request: HttpRequest, what: str) -> HttpResponse:
    """The rows of one sort, those in use first."""
    one = _catalogue(request, what)
    related = [c for c in one.columns if one.model._meta.get_field(c).is_relation]
    rows = list(one.model._default_manager.select_related(*related))
    names = [one.model._meta.get_field(c).verbose_name for c in one.columns]  # type: ignore[union-attr]
    table = [(row, [getattr(row, c) for c in one.columns]) for row in rows]
    table.sort(key=lambda line: line[0].is_retired)  # stable: the model's order within
    context = {"what": what, "catalogue": one, "names": names, "table": table}
    return render(request, "network/catalogue.html", context)


@login_required
def add_row(request: HttpRequest, what: str) -> HttpResponse:
    one = _catalogue(request, what)
    form = one.form(new=True)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        row = form.save(commit=False)
        try:
            actions.add(row, person_of(request), form.many())
        except (Refused, Conflict) as fault:
            form.add_error(None, str(fault))
        else:
            messages.success(request, _("“%(row)s” is added.") % {"row": row})
            return redirect("catalogue", what)
    return render(request, "network/row.html", {"what": what, "catalogue": one, "form": form})


@login_required
def edit_row(request: HttpRequest, what: str, pk: int) -> HttpResponse:
    """Change a row; its history is below."""
    one = _catalogue(request, what)
    row = get_object_or_404(one.model._default_manager, pk=pk)
    subject = actions.subject_of(row)
    seen = {"seen": actions.version_of(row)}
    form = one.form(new=False)(request.POST or None, instance=row, initial=seen)
    if request.method == "POST" and form.is_valid():
        changed = form.save(commit=False)
        try:
            actions.change(
                changed, person_of(request), seen=form.cleaned_data["seen"], many=form.many()
            )
        except (Refused, Conflict) as fault:
            form.add_error(None, str(fault))
        else:
            messages.success(request, _("“%(row)s” is changed.") % {"row": changed})
            return redirect("catalogue", what)
    return render(
        request,
        "network/row.html",
        {
            "what": what,
            "catalogue": one,
            "row": row,
            "form": form,
            "may_make_hub": isinstance(row, Unit) and not row.is_hub and not row.is_retired,
            "history": told(subject, one.model),
        },
    )


@login_required
@require_POST
def retire_row(request: HttpRequest, what: str, pk: int) -> HttpResponse:
    """Retire a row, or bring it back: `how` says which."""
    one, by = _catalogue(request, what), person_of(request)
    row = get_object_or_404(one.model._default_manager, pk=pk)
    how = request.POST.get("how")
    if how == "back":
        actions.bring_back(row, by)
        messages.success(request, _("“%(row)s” is back.") % {"row": row})
    elif how == "hub" and isinstance(row, Unit):
        actions.make_hub(row, by)
        messages.success(request, _("“%(row)s” is the hub now.") % {"row": row})
    else:
        actions.retire(row, by)
        messages.success(request, _("“%(row)s” is retired.") % {"row": row})
    return redirect("edit-row", what, pk)


@login_required
def questions(request: HttpRequest) -> HttpResponse:
    """The document's questions; saving makes a new version."""
    by = person_of(request)
    require(rules.may_edit_network(by))
    latest = Questionnaire.objects.latest("version")
    formset = QuestionFormSet(request.POST or None, initial=latest.questions)
    fault = ""
    if request.method == "POST" and formset.is_valid():
        given = [form.cleaned_data for form in formset if form.cleaned_data.get("prompt")]
        based_on = request.POST.get("based_on", "")
        try:
            new = versions.publish_questions(
                by, given, based_on=int(based_on) if based_on.isdecimal() else 0
            )
        except (Refused, Conflict) as refusal:
            fault = str(refusal)
        else:
            messages.success(request, _("Version %(v)d is what is asked now.") % {"v": new.version})
            return redirect("questions")
    context = {
        "formset": formset,
        "latest": latest,
        "fault": fault,
        "history": told(versions.QUESTIONS_SUBJECT),
    }
    return render(request, "network/questions.html", context)


@login_required
def edit_agreement(request: HttpRequest) -> HttpResponse:
    """What both sides agree to; saving makes a new version."""
    by = person_of(request)
    require(rules.may_edit_network(by))
    latest = AgreementText.objects.latest("version")
    initial = {"text": latest.text, "based_on": latest.version}
    form = AgreementForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            new = versions.publish_agreement(by, **form.cleaned_data)
        except (Refused, Conflict) as fault:
            form.add_error(None, str(fault))
        else:
            done = _("Version %(v)d is what is agreed to now.") % {"v": new.version}
            messages.success(request, done)
            return redirect("edit-agreement")
    history = told(versions.AGREEMENT_SUBJECT)
    context = {"form": form, "latest": latest, "history": history}
    return render(request, "network/edit_agreement.html", context)


@require_safe
def agreement(request: HttpRequest, version: int) -> HttpResponse:
    """A version of what scientists and consultants agree to, for everybody."""
    found = get_object_or_404(AgreementText, version=version)
    return render(request, "network/agreement.html", {"agreement": found})


#: What an entry of the audit chain tells, to follow its actor's name.
DONE = {
    "added": gettext_lazy("added it"),
    "changed": gettext_lazy("changed it"),
    "retired": gettext_lazy("retired it"),
    "brought-back": gettext_lazy("brought it back"),
    "made-hub": gettext_lazy("made it the hub"),
    "published": gettext_lazy("published a new version"),
}


def told(subject: str, model: type[Row] | None = None) -> list[dict[str, Any]]:
    """The audit entries of a subject, the last first, with names and what has changed in words."""
    entries = list(history(subject)[:HISTORY_SHOWN])
    named = {
        str(uid): name
        for uid, name in Person.objects.filter(
            uid__in={UUID(entry.actor) for entry in entries if entry.actor}
        ).values_list("uid", "name")
    }
    return [
        {
            "at": entry.at,
            "who": named.get(entry.actor, ""),
            "what": DONE.get(what := entry.action.split(".", 1)[-1], what),
            "changes": _changes(entry, model),
        }
        for entry in entries
    ]


def _changes(entry: Entry, model: type[Row] | None) -> list[tuple[str, str, str]]:
    """(field, before, after) of what an entry tells."""
    return [
        (_named(name, model), _plain(pair[0]), _plain(pair[1]))
        for name, pair in entry.facts.items()
        if isinstance(pair, list) and len(pair) == 2
    ]


def _named(field: str, model: type[Row] | None) -> str:
    """What a form calls a field."""
    others = {"questions": _("Questions"), "text": _("Text"), "hub": _("Hub")}
    if model is None or field in others:
        return others.get(field, field)
    return str(model._meta.get_field(field).verbose_name)  # type: ignore[union-attr]


def _plain(value: Any) -> str:
    """A value as a person writes it."""
    if isinstance(value, list):
        return "; ".join(one["prompt"] if isinstance(one, dict) else str(one) for one in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "" if value is None else str(value)
