"""Pages for watches and their batches."""

from django import forms as django_forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from evidesk import kits
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import Conflict, Refused, require
from evidesk.desk.runs.pages import drawing
from evidesk.desk.runs.queries import columns_of
from evidesk.desk.vouchers import rules as voucher_rules
from evidesk.desk.vouchers.queries import voucher_for
from evidesk.desk.watches import actions, queries, rules
from evidesk.desk.watches.forms import BatchForm, WatchForm
from evidesk.desk.watches.models import Watch

#: Batches that the page shows, the latest ones; the API has them all.
BATCHES_SHOWN = 60


@login_required
@require_safe
def watches(request: HttpRequest, reference: str) -> HttpResponse:
    """The voucher's watches, and the files that a new one can compare with."""
    person = person_of(request)
    voucher = voucher_for(person, reference)
    return render(
        request,
        "watches/watches.html",
        {
            "voucher": voucher,
            "watches": queries.watches_of(voucher),
            "attachments": voucher.attachments.filter(erased_at=None).select_related("uploader"),
            "may_watch": voucher_rules.may_watch(person, voucher),
            "may_write": voucher_rules.may_write(person, voucher),
        },
    )


@login_required
def begin(request: HttpRequest, reference: str, attachment_id: int) -> HttpResponse:
    """The form of a new watch that compares with one file of the voucher."""
    person = person_of(request)
    voucher = voucher_for(person, reference)
    attachment = get_object_or_404(voucher.attachments, pk=attachment_id, erased_at=None)
    require(voucher_rules.may_watch(person, voucher))
    try:
        columns = columns_of(attachment)
    except kits.KitError as fault:
        messages.error(request, str(fault))
        return redirect("watches", reference)
    form = WatchForm(columns, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            found = actions.begin_watch(
                voucher, person, name=form.name, reference=attachment, parameters=form.values
            )
        except (Refused, Conflict, kits.KitError) as fault:
            form.add_error(None, str(fault))
        else:
            return redirect("watch", found.pk)
    return render(
        request,
        "watches/begin.html",
        {"voucher": voucher, "attachment": attachment, "form": form},
    )


@login_required
@require_safe
def watch(request: HttpRequest, watch_id: int) -> HttpResponse:
    """Where a watch stands; while batches wait, the page renews itself."""
    return _watch_page(request, queries.watch_for(person_of(request), watch_id), BatchForm())


def _watch_page(
    request: HttpRequest, found: Watch, form: django_forms.Form, status: int = 200
) -> HttpResponse:
    person = person_of(request)
    latest = found.batches.select_related("uploader").order_by("-pk")
    return render(
        request,
        "watches/watch.html",
        {
            **_standing(found),
            "batches": latest[:BATCHES_SHOWN],
            "hidden": max(0, latest.count() - BATCHES_SHOWN),
            "alarm_batch": found.batches.filter(alarm__isnull=False).first(),
            "drawn": getattr(found, "saved_state", None),
            "form": form,
            "may_add": rules.may_add_batch(person, found),
            "may_stop": rules.may_stop(person, found),
            "may_resume": rules.may_resume(person, found),
        },
        status=status,
    )


def _standing(found: Watch) -> dict[str, object]:
    return {
        "watch": found,
        "voucher": found.voucher,
        "waiting": found.waiting,  # type: ignore[attr-defined]
        "is_busy": found.state == "starting" or (found.stopped_at is None and found.waiting > 0),  # type: ignore[attr-defined]
    }


@login_required
@require_safe
@never_cache
def status(request: HttpRequest, watch_id: int) -> HttpResponse:
    """What waits, for the watch's page; when nothing does any more, the page is loaded again."""
    standing = _standing(queries.watch_for(person_of(request), watch_id))
    response = render(request, "watches/_waiting.html", standing)
    if not standing["is_busy"]:
        response["HX-Refresh"] = "true"
    return response


@login_required
@require_POST
def add_batch(request: HttpRequest, watch_id: int) -> HttpResponse:
    found = queries.watch_for(person_of(request), watch_id)
    form = BatchForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            actions.add_batch(found, person_of(request), form.cleaned_data["file"])
        except (Refused, Conflict) as fault:
            form.add_error(None, str(fault))
        else:
            return redirect(reverse("watch", args=[watch_id]) + "#batches")
    return _watch_page(request, found, form, status=422)


@login_required
@require_safe
def figure(request: HttpRequest, watch_id: int) -> HttpResponse:
    """The e-value's path, as the kit drew it after the last batch."""
    found = queries.watch_for(person_of(request), watch_id)
    saved = getattr(found, "saved_state", None)
    if saved is None or not saved.figure:
        raise Http404
    return drawing(saved.figure)


@login_required
@require_POST
def stop(request: HttpRequest, watch_id: int) -> HttpResponse:
    try:
        person = person_of(request)
        actions.stop_watch(queries.watch_for(person, watch_id), person)
    except Refused as fault:
        messages.error(request, str(fault))
    return redirect("watch", watch_id)


@login_required
@require_POST
def resume(request: HttpRequest, watch_id: int) -> HttpResponse:
    try:
        person = person_of(request)
        actions.resume_watch(queries.watch_for(person, watch_id), person)
    except Refused as fault:
        messages.error(request, str(fault))
    return redirect("watch", watch_id)
