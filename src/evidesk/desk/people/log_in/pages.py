"""Signing in through the provider, one's own sessions, and the table of groups."""

import logging

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from evidesk.desk.people import sessions
from evidesk.desk.people.destination import next_page
from evidesk.desk.people.log_in import actions, flow, provider, rules
from evidesk.desk.people.log_in.faults import LogInFailed
from evidesk.desk.people.log_in.forms import GroupForm
from evidesk.desk.people.models import GroupRole
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import Conflict, require

logger = logging.getLogger(__name__)


def _provider() -> provider.Provider:
    found = provider.configured()
    if found is None:
        raise Http404
    return found


@require_GET
@never_cache
def begin(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider. A link of another site only leads to the sign-in page."""
    there = _provider()
    then = next_page(request)
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return redirect("sign-in")
    try:
        return redirect(flow.begin(request, there, then=then, step_up="step-up" in request.GET))
    except LogInFailed as fault:
        return _explain(request, fault)


@require_GET
@never_cache
def done(request: HttpRequest) -> HttpResponse:
    """The browser comes back from the provider."""
    there = _provider()
    try:
        arrival = flow.finish(request, there)
        signed_in = actions.sign_in(arrival.claims, settings.OIDC_HOMES)
    except LogInFailed as fault:
        return _explain(request, fault)
    login(request, signed_in.person)
    request.session[flow.END_SESSION] = arrival.end_session
    if signed_in.withheld:
        return render(
            request,
            "people/log_in_withheld.html",
            {"signed_in": signed_in, "then": arrival.then, "contact": settings.CONTACT},
        )
    return redirect(arrival.then)


def _explain(request: HttpRequest, fault: LogInFailed) -> HttpResponse:
    logger.warning("A log-in ended: %r", str(fault))
    return render(
        request,
        "people/log_in_failed.html",
        {"fault": fault, "contact": settings.CONTACT},
        status=fault.status,
    )


# One's own sessions


@login_required
@never_cache
@require_safe
def own_sessions(request: HttpRequest) -> HttpResponse:
    found = list(sessions.of(person_of(request)))
    this = next((one for one in found if one.pk == request.session.session_key), None)
    return render(request, "people/sessions.html", {"sessions": found, "this": this})


@login_required
@require_POST
def end_session(request: HttpRequest, public_id: str) -> HttpResponse:
    if not actions.end_session(person_of(request), public_id):
        raise Conflict(_("This session has ended already."))
    messages.success(request, _("The session is ended; that browser is signed out."))
    return redirect("own-sessions")


@login_required
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    ended = actions.end_other_sessions(person_of(request), request.session.session_key)
    messages.success(
        request, ngettext("%d session is ended.", "%d sessions are ended.", ended) % ended
    )
    return redirect("own-sessions")


# Groups and their roles, for the office


@login_required
@never_cache
def groups(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    require(rules.may_edit_groups(person))
    form = GroupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            actions.add_group(person, values["group"], values["unit"], values["role"])
        except Conflict as conflict:
            form.add_error("group", str(conflict))
        else:
            messages.success(request, _("Whoever is in the group has the role at the next log-in."))
            return redirect("groups")
    rows = GroupRole.objects.select_related("unit")
    return render(
        request,
        "people/groups.html",
        {"form": form, "rows": rows, "authority": settings.OIDC_GROUP_AUTHORITY},
        status=200 if form.is_valid() or request.method != "POST" else 422,
    )


@login_required
@require_POST
def remove_group(request: HttpRequest, row_id: int) -> HttpResponse:
    actions.remove_group(person_of(request), row_id)
    messages.success(request, _("The group gives this role no more."))
    return redirect("groups")
