"""Signing in and out, tokens, and the network's page."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import set_language as remember_language

from evidesk.desk.people import actions, languages, queries, rules
from evidesk.desk.people.destination import next_page
from evidesk.desk.people.forms import TokenForm
from evidesk.desk.people.log_in import rules as log_in
from evidesk.desk.people.log_in.flow import END_SESSION, sign_out_there
from evidesk.desk.people.models import Member, Person, Unit
from evidesk.desk.people.queries import person_of


@require_safe
def sign_in(request: HttpRequest) -> HttpResponse:
    allowed = rules.may_use_personas(request)
    return render(
        request,
        "people/sign_in.html",
        {
            "personas": queries.personas() if allowed else [],
            "reason": allowed.reason,
            "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
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
    """End the session here; the page that follows tells of the session at the provider."""
    there = request.session.get(END_SESSION)
    logout(request)
    if there is None:  # a persona of the demo
        return redirect("/")
    request.session[END_SESSION] = there
    return redirect("signed-out")


@require_safe
@never_cache
def signed_out(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated or END_SESSION not in request.session:
        return redirect("/")
    context = {"provider": settings.OIDC_NAME, "there": sign_out_there(request)}
    return render(request, "people/signed_out.html", context)


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Read on in another language: kept with whoever is signed in, and in a cookie."""
    chosen = request.POST.get("language", "")
    if isinstance(request.user, Person) and languages.is_known(chosen):
        actions.choose_language(request.user, chosen)
    return remember_language(request)


@login_required
@never_cache
def tokens(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    form = TokenForm(request.POST or None)
    new = None
    if request.method == "POST" and form.is_valid():
        _token, new = actions.create_token(person, **form.cleaned_data)
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
    messages.success(request, _("The token is revoked; nothing can use it any more."))
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
            "may_edit_groups": bool(person and log_in.may_edit_groups(person)),
        },
    )
