"""Pages about a voucher beside its document and conversation."""

from collections.abc import Callable
from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import Conflict, Refused, require
from evidesk.desk.vouchers import rules, work
from evidesk.desk.vouchers.forms_work import TagsForm
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
