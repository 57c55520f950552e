"""The privacy page, consent, one's own data, and what the retention rules would do."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from evidesk.desk.people import actions as people_actions
from evidesk.desk.people.destination import next_page
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import PRIVACY_VERSION, Refused, has_consented, require
from evidesk.desk.privacy import actions, rules
from evidesk.desk.privacy.forms import EraseForm
from evidesk.desk.privacy.retention import RULES, dry_run


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "privacy/privacy.html",
        {"rules": RULES, "contact": settings.CONTACT, "privacy_version": PRIVACY_VERSION},
    )


@login_required
@never_cache
def consent(request: HttpRequest) -> HttpResponse:
    """What somebody agrees to before anything else, at the first sign-in and when it changes."""
    person = person_of(request)
    if request.method == "POST":
        people_actions.consent(person, request.POST.get("version", ""))
        return redirect(next_page(request))
    return render(
        request,
        "privacy/consent.html",
        {
            "privacy_version": PRIVACY_VERSION,
            "next": next_page(request),
            "is_new": not person.consented_to,
            "has_consented": has_consented(person),
        },
    )


@login_required
@never_cache
def my_data(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    form = EraseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.erase_person(person, person)
        except Refused as fault:
            form.add_error(None, str(fault))
        else:
            logout(request)
            messages.success(request, _("You are erased, and signed out. Good-bye!"))
            return redirect("home")
    return render(
        request,
        "privacy/my_data.html",
        {"form": form, "may_erase": rules.may_erase(person)},
    )


@login_required
@require_POST
def export(request: HttpRequest) -> FileResponse:
    name = f"evidesk-my-data-{timezone.localdate().isoformat()}.zip"
    return FileResponse(actions.export(person_of(request)), as_attachment=True, filename=name)


@login_required
@require_safe
def retention(request: HttpRequest) -> HttpResponse:
    """A dry run, for the office."""
    require(rules.may_see_retention(person_of(request)))
    return render(request, "privacy/retention.html", {"due": dry_run()})
