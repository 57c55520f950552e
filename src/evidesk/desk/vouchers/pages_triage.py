"""Triage: the inbox, who could take a voucher, proposals for a whole inbox, similar vouchers."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from evidesk.desk.people.models import Person
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import Conflict, Refused, require
from evidesk.desk.vouchers import actions, rules, similar, triage
from evidesk.desk.vouchers.clock import due_of
from evidesk.desk.vouchers.forms import OfferForm
from evidesk.desk.vouchers.models import Voucher
from evidesk.desk.vouchers.queries import public_summaries, voucher_for
from evidesk.desk.vouchers.workflow import BY_ACTION

PAGE_SIZE = 50
#: How many candidates are shown at once; the others are a click away.
BEST = 5


@login_required
@require_safe
@never_cache
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits in the person's units, what is due first on top."""
    person = person_of(request)
    require(rules.may_triage(person))
    units = list(triage.led_units(person).filter(retired_at=None))
    unit = next((one for one in units if one.slug == request.GET.get("unit")), None)
    page = Paginator(triage.inbox(person, unit), PAGE_SIZE).get_page(request.GET.get("page"))
    today = timezone.localdate()
    context = {
        "page": page,
        "rows": [(voucher, due_of(voucher, today)) for voucher in page],
        "units": units,
        "unit": unit,
        "filters": f"unit={unit.slug}" if unit else "",
    }
    return render(request, "vouchers/inbox.html", context)


@login_required
def offer(request: HttpRequest, reference: str) -> HttpResponse:
    """Offer the voucher to somebody; who fits, and why, is above the form."""
    person = person_of(request)
    voucher = voucher_for(person, reference)
    answer = rules.may(person, "offer", voucher)
    if not answer:
        messages.error(request, answer.reason)
        return redirect("voucher", reference)
    form = OfferForm(request.POST if request.method == "POST" else None, voucher=voucher)
    if form.is_bound and form.is_valid():
        typed = form.cleaned_data
        try:
            actions.offer(voucher, person, typed["consultant"], typed["text"])
        except (Refused, Conflict) as fault:
            form.add_error(None, str(fault))
        else:
            done = _("%(reference)s is offered to %(name)s.")
            messages.success(request, done % {"reference": reference, "name": typed["consultant"]})
            if request.POST.get("next") == "proposals":
                return redirect("proposals")
            return redirect("voucher", reference)
    if not form.is_bound:
        form.initial["consultant"] = request.GET.get("consultant", "")
    return render(request, "vouchers/offer.html", _offer_context(person, voucher, form))


def _offer_context(person: Person, voucher: Voucher, form: OfferForm) -> dict[str, Any]:
    ranked = triage.ranked(person, voucher)
    return {
        "voucher": voucher,
        "form": form,
        "step": BY_ACTION["offer"],
        "best": ranked[:BEST],
        "others": ranked[BEST:],
        "weeks": triage.WEEKS,
        "similar": similar.for_team(person, voucher),
    }


@login_required
@require_safe
@never_cache
def proposals(request: HttpRequest) -> HttpResponse:
    """An assignment for all that waits; each row is the lead's to confirm."""
    person = person_of(request)
    require(rules.may_triage(person))
    rows, left_out = triage.proposals_for_inbox(person)
    total = sum(match.score for _voucher, match in rows if match)
    context = {
        "rows": rows,
        "total": total,
        "weeks": triage.WEEKS,
        "left_out": left_out,
    }
    return render(request, "vouchers/proposals.html", context)


@login_required
@require_safe
@never_cache
def similar_past(request: HttpRequest, reference: str) -> HttpResponse:
    """Public summaries that are like the draft; htmx puts them beside it while it is written."""
    person = person_of(request)
    voucher = voucher_for(person, reference)
    require(rules.may_edit(person, voucher))
    template = "_similar.html" if request.htmx else "similar.html"  # type: ignore[attr-defined]
    context = {"voucher": voucher, "similar": similar.for_scientist(voucher)}
    return render(request, f"vouchers/{template}", context)


@require_safe
def summaries(request: HttpRequest) -> HttpResponse:
    """What others asked and what came out, as far as they made it public."""
    page = Paginator(public_summaries(), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "vouchers/summaries.html", {"page": page})
