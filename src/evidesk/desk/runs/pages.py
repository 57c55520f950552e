"""Pages for running kits, for evidence, and for the report that rests on it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from evidesk import kits
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.runs import actions, rules
from evidesk.desk.runs.forms import KitForm, ReportForm
from evidesk.desk.runs.models import StoredEvidence
from evidesk.desk.runs.queries import columns_of, others_of, read_stored, run_for, stored_for
from evidesk.desk.vouchers import rules as voucher_rules
from evidesk.desk.vouchers.queries import voucher_for
from evidesk.desk.vouchers.workflow import BY_ACTION


@require_safe
def kit_list(request: HttpRequest) -> HttpResponse:
    # The fields apart from their model: a template would call the class.
    found = [(kit, kit.parameters.model_fields.values()) for kit in kits.installed().values()]
    return render(request, "runs/kits.html", {"kits": found})


@login_required
@require_safe
def choose_kit(request: HttpRequest, reference: str, attachment_id: int) -> HttpResponse:
    """Which kit to run on a file."""
    voucher = voucher_for(person_of(request), reference)
    attachment = get_object_or_404(voucher.attachments, pk=attachment_id, erased_at=None)
    return render(
        request,
        "runs/choose.html",
        {"voucher": voucher, "attachment": attachment, "kits": kits.installed().values()},
    )


@login_required
def start(request: HttpRequest, reference: str, attachment_id: int, kit: str) -> HttpResponse:
    """The form of a kit's parameters for one file of the voucher."""
    person = person_of(request)
    voucher = voucher_for(person, reference)
    attachment = get_object_or_404(voucher.attachments, pk=attachment_id, erased_at=None)
    try:
        chosen = kits.load(kit)
    except kits.KitError:
        raise Http404 from None
    answer = rules.may_add_evidence(person, voucher)
    if not answer:
        raise Refused(answer.reason)
    try:
        columns = columns_of(attachment, chosen)
    except kits.KitError as fault:
        messages.error(request, str(fault))
        return redirect(reverse("voucher", args=[reference]) + "#files")
    form = KitForm(chosen, columns, others_of(attachment), request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            run = actions.start_run(
                voucher,
                person,
                kit=kit,
                attachment=attachment,
                parameters=form.values,
                files=form.further_files,
            )
        except (Refused, Conflict, kits.KitError) as fault:
            form.add_error(None, str(fault))
        else:
            return redirect("run", run.pk)
    return render(
        request,
        "runs/start.html",
        {"voucher": voucher, "attachment": attachment, "kit": chosen, "form": form},
    )


@login_required
@require_safe
def run(request: HttpRequest, run_id: int) -> HttpResponse:
    """A run's page; its status renews itself while it is under way."""
    actions.end_lost_runs()
    found = run_for(person_of(request), run_id)
    return render(
        request,
        "runs/run.html",
        {
            "run": found,
            "voucher": found.voucher,
            "may_cancel": rules.may_cancel(person_of(request), found),
            "may_go_on": rules.may_go_on(person_of(request), found),
            "kept_days": actions.CHECKPOINT_KEPT.days,
        },
    )


@login_required
@require_safe
@never_cache
def run_status(request: HttpRequest, run_id: int) -> HttpResponse:
    """How far a run is, for its page; once it is over, the page is loaded again."""
    actions.end_lost_runs()
    found = run_for(person_of(request), run_id)
    response = render(request, "runs/_status.html", {"run": found, "voucher": found.voucher})
    if not found.is_under_way:
        response["HX-Refresh"] = "true"
    return response


@login_required
@require_POST
def cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    try:
        actions.cancel_run(run_for(person_of(request), run_id), person_of(request))
    except Refused as fault:
        messages.error(request, str(fault))
    return redirect("run", run_id)


@login_required
@require_POST
def go_on(request: HttpRequest, run_id: int) -> HttpResponse:
    """Go on from where a run was cut off."""
    person = person_of(request)
    try:
        following = actions.go_on(run_for(person, run_id), person)
    except (Refused, Conflict) as fault:
        messages.error(request, str(fault))
        return redirect("run", run_id)
    return redirect("run", following.pk)


@login_required
@require_safe
def evidence(request: HttpRequest, evidence_id: int) -> HttpResponse:
    """Everything that the evidence says; its digests are verified each time it is shown."""
    stored = stored_for(person_of(request), evidence_id)
    document = read_stored(stored)
    return render(request, "runs/evidence.html", {"stored": stored, "document": document})


@login_required
@require_safe
def figure(request: HttpRequest, evidence_id: int, name: str) -> HttpResponse:
    """A figure of the evidence. A crate can come from anywhere, so its SVG may do nothing."""
    document = read_stored(stored_for(person_of(request), evidence_id))
    for one in document.figures:
        if one.name == name:
            response = drawing(one.svg)
            # It never changes, but only some may see it.
            response["Cache-Control"] = "private, max-age=31536000, immutable"
            return response
    raise Http404


def drawing(svg: str) -> HttpResponse:
    """An SVG that can do nothing but be looked at."""
    response = HttpResponse(svg, content_type="image/svg+xml")
    response["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    )
    return response


@login_required
@require_safe
def download(request: HttpRequest, evidence_id: int) -> FileResponse:
    stored = stored_for(person_of(request), evidence_id)
    read_stored(stored)
    return FileResponse(
        stored.path.open("rb"),
        as_attachment=True,
        filename=stored.file_name,
        content_type="application/zip",
    )


@login_required
def report(request: HttpRequest, reference: str) -> HttpResponse:
    """The consultant's report, resting on chosen evidence."""
    person = person_of(request)
    voucher = voucher_for(person, reference)
    answer = voucher_rules.may(person, "report", voucher)
    if not answer:
        messages.error(request, answer.reason)
        return redirect("voucher", reference)
    form = ReportForm(StoredEvidence.objects.filter(voucher=voucher), request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            actions.report(voucher, person, data["text"], data.get("evidence", ()))
        except (Refused, Conflict) as fault:
            form.add_error(None, str(fault))
        else:
            done = _("%(reference)s: the scientist has your report now.")
            messages.success(request, done % {"reference": reference})
            return redirect("voucher", reference)
    return render(
        request,
        "vouchers/step.html",
        {"voucher": voucher, "form": form, "step": BY_ACTION["report"]},
    )
