"""Pages about a voucher beside its document and conversation."""

from collections.abc import Callable
from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from evidesk.desk.people.calendar import monday_of
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import Conflict, Refused, require
from evidesk.desk.vouchers import effort as hours
from evidesk.desk.vouchers import rules, work
from evidesk.desk.vouchers.forms_work import BookingForm, TagsForm, VisibilityForm
from evidesk.desk.vouchers.models import Voucher
from evidesk.desk.vouchers.queries import voucher_for


@login_required
def tags(request: HttpRequest, reference: str) -> HttpResponse:
    by = person_of(request)
    voucher = voucher_for(by, reference)
    require(rules.may_tag(by, voucher))
    form = TagsForm(request.POST if request.method == "POST" else None, voucher=voucher)
    return _page(
        request,
        voucher,
        form,
        title=_("Tags"),
        act=lambda typed: work.set_tags(voucher, by, typed["tags"]),
    )


@login_required
def visibility(request: HttpRequest, reference: str) -> HttpResponse:
    by = person_of(request)
    voucher = voucher_for(by, reference)
    require(rules.may_set_visibility(by, voucher))
    now = {"visibility": voucher.visibility, "summary": voucher.summary}
    form = VisibilityForm(request.POST if request.method == "POST" else None, initial=now)
    return _page(
        request,
        voucher,
        form,
        title=_("Who may see it"),
        lead=_("Its people, its team and the office always can."),
        act=lambda typed: work.set_visibility(voucher, by, **typed),
    )


@login_required
@require_POST
def follow_up(request: HttpRequest, reference: str) -> HttpResponse:
    """Begin the voucher that continues this one."""
    by = person_of(request)
    new = work.follow_up(voucher_for(by, reference), by)
    return redirect("edit-voucher", new.reference)


@login_required
def effort(request: HttpRequest, reference: str) -> HttpResponse:
    """The consultant's weeks, and booking hours of them."""
    by = person_of(request)
    voucher = voucher_for(by, reference)
    require(rules.may_see_effort(by, voucher))
    found = hours.effort_of(voucher)
    mondays, this_week = found.mondays, monday_of(timezone.localdate())
    wanted = request.GET.get("week", "")
    chosen = next((m for m in mondays if m.isoformat() == wanted), None)
    chosen = chosen or next((m for m in mondays if m == this_week), mondays[0])
    may_book = rules.may_book(by, voucher)
    form = None
    if may_book:
        form = BookingForm(
            request.POST if request.method == "POST" else None,
            weeks=mondays, chosen=chosen.isoformat(), hours=found.booked(chosen),
        )  # fmt: skip
        if form.is_bound and form.is_valid():
            try:
                hours.book(voucher, by, **form.cleaned_data)
            except (Refused, Conflict) as fault:
                form.add_error(None, str(fault))
            else:
                messages.success(request, _("Booked."))
                return redirect("effort", reference)
    context = {
        "voucher": voucher,
        "rows": found.rows,
        "total": found.total,
        "form": form,
        "why_not": may_book.reason,
    }
    return render(request, "vouchers/effort.html", context)


def _page(
    request: HttpRequest,
    voucher: Voucher,
    form: django_forms.Form,
    *,
    title: str,
    act: Callable[[dict[str, Any]], object],
    lead: str = "",
) -> HttpResponse:
    """One form about a voucher; back to its page when it is done."""
    if form.is_bound and form.is_valid():
        try:
            act(form.cleaned_data)
        except (Refused, Conflict) as fault:
            form.add_error(None, str(fault))
        else:
            messages.success(request, _("Saved."))
            return redirect("voucher", voucher.reference)
    context = {"voucher": voucher, "form": form, "title": title, "lead": lead}
    return render(request, "vouchers/beside.html", context)
