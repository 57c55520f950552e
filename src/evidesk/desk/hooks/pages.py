"""The page of one's hooks, and of one hook with its log."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from evidesk.desk.hooks import actions
from evidesk.desk.hooks.forms import HookForm
from evidesk.desk.hooks.models import Hook
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import Refused

LOG_ROWS = 50


@login_required
@never_cache
def hooks(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    form = HookForm(person, request.POST or None)
    new = None
    if request.method == "POST" and form.is_valid():
        try:
            new = actions.add_hook(person, **form.cleaned_data)
        except Refused as fault:
            form.add_error(None, str(fault))
        else:
            form = HookForm(person)
    return render(
        request,
        "hooks/hooks.html",
        {"form": form, "new": new, "hooks": person.hooks.select_related("unit")},
    )


def _hook_for(request: HttpRequest, hook_id: int) -> Hook:
    return get_object_or_404(person_of(request).hooks.select_related("unit"), pk=hook_id)


@login_required
@require_safe
def hook(request: HttpRequest, hook_id: int) -> HttpResponse:
    found = _hook_for(request, hook_id)
    return render(
        request, "hooks/hook.html", {"hook": found, "deliveries": found.deliveries.all()[:LOG_ROWS]}
    )


@login_required
@require_POST
def ping(request: HttpRequest, hook_id: int) -> HttpResponse:
    try:
        actions.ping(_hook_for(request, hook_id), person_of(request))
    except Refused as fault:
        messages.error(request, str(fault))
    else:
        messages.success(request, _("A test is on its way. Load the page again to see it go."))
    return redirect("hook", hook_id)


@login_required
@require_POST
def switch(request: HttpRequest, hook_id: int) -> HttpResponse:
    """On if it is off, off if it is on."""
    found, person = _hook_for(request, hook_id), person_of(request)
    if found.disabled_at is None:
        actions.switch_off(found, person)
        messages.success(request, _("The hook is off; it is told nothing."))
    else:
        actions.switch_on(found, person)
        messages.success(request, _("The hook is on."))
    return redirect("hook", hook_id)


@login_required
@require_POST
def remove(request: HttpRequest, hook_id: int) -> HttpResponse:
    actions.remove_hook(_hook_for(request, hook_id), person_of(request))
    messages.success(request, _("The hook is removed."))
    return redirect("hooks")
