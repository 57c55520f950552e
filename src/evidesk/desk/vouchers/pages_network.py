"""The office's pages about the network's rows and the document's questions."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from evidesk.desk.people import catalogue as actions
from evidesk.desk.people import rules
from evidesk.desk.people.models import Unit
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import Conflict, Refused, require
from evidesk.desk.vouchers import versions
from evidesk.desk.vouchers.catalogues import CATALOGUES, Catalogue, told
from evidesk.desk.vouchers.forms_network import AgreementForm, QuestionFormSet
from evidesk.desk.vouchers.models import AgreementText, Questionnaire


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
        based_on = request.POST.get("based_on", "")
        try:
            new = versions.publish_questions(
                by, formset.asked(), based_on=int(based_on) if based_on.isdecimal() else 0
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
