"""Signing in and out, tokens, and the network's page."""

from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from evidesk.desk.people import actions, queries, rules
from evidesk.desk.people.forms import TokenForm
from evidesk.desk.people.models import Member, Person, Unit
from evidesk.desk.people.queries import person_of


def next_page(request: HttpRequest) -> str:
    """Where to go after signing in: a page of ours, or the first page."""
    wanted = request.POST.get("next", request.GET.get("next", ""))
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return wanted
    return "/"


@require_safe
def sign_in(request: HttpRequest) -> HttpResponse:
    allowed = rules.may_use_personas(request)
    return render(
        request,
        "people/sign_in.html",
        {
            "personas": queries.personas() if allowed else [],
            "reason": allowed.reason,
            "next": next_page(request),
        },
    )


@require_POST
def sign_in_as(request: HttpRequest) -> HttpResponse:
    rules.require(rules.may_use_personas(request))
    person = get_object_or_404(queries.personas(), subject=request.POST.get("persona", ""))
    login(request, person)
    return redirect(next_page(request))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("/")


@login_required
@never_cache
def tokens(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    form = TokenForm(request.POST or None)
    new = None
    if request.method == "POST" and form.is_valid():
        _, new = actions.create_token(person, form.cleaned_data["name"])
        form = TokenForm()
    return render(
        request,
        "people/tokens.html",
        {"form": form, "new": new, "tokens": person.tokens.all()},
    )


@login_required
@require_POST
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    actions.revoke_token(person_of(request), token_id)
    messages.success(request, "The token is revoked; nothing can use it any more.")
    return redirect("tokens")


@require_safe
def network(request: HttpRequest) -> HttpResponse:
    units = (
        Unit.objects.filter(retired_at=None)
        .select_related("host")
        .prefetch_related("fields", Prefetch("members", Member.objects.select_related("person")))
    )
    person = request.user if isinstance(request.user, Person) else None
    return render(
        request,
        "people/network.html",
        {
            "units": units,
            "sees_members": bool(person and rules.may_see_profile(person)),
            "may_edit": bool(person and rules.may_edit_network(person)),
        },
    )
