"""What happens to every request: a cap on its body, and refusals that are explained."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evidesk.desk.people.limits import Limit, address_of, spend
from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import Conflict, Refused, has_consented
from evidesk.evidence import EvidenceError

Handler = Callable[[HttpRequest], HttpResponse]

#: The views that take files, by the name of their address.
_TAKES_FILES = {"attach", "push", "add-batch"}
#: How often one address may send to these, by the names of the addresses; "api" for all of it.
RATES = {
    "talk": Limit(10, 3600),
    "sign-in-as": Limit(600, 600),
    "log-in": Limit(300, 600),
    "log-in-done": Limit(300, 600),
    "push": Limit(120, 600),
    "attach": Limit(120, 600),
    "write": Limit(120, 600),
    "api": Limit(1200, 60),
}
#: Of these every request counts, not only what is sent by a form.
_COUNTED_ALWAYS = {"api", "log-in", "log-in-done"}
#: What can be done before one has agreed to the privacy page, by the names of the addresses.
_WITHOUT_CONSENT = {
    *("consent", "privacy", "sign-in", "sign-in-as", "sign-out", "health"),
    *("log-in", "log-in-done", "signed-out", "set-language"),
}
#: What pages are asked by.
_METHODS = ("GET", "HEAD", "POST")
#: What a form may weigh without a file, or beside it.
_FORM_BYTES = 2**20


class _Middleware:
    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


class RefuseMethods(_Middleware):
    """Pages are looked at and forms are sent; whatever else is asked of them is no look, either.

    The API's operations say themselves what they take.
    """

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if request.method in _METHODS or request.path.startswith("/api/"):
            return None
        return HttpResponseNotAllowed(_METHODS)


class LimitBody(_Middleware):
    """Turn large bodies away before anything reads them; files are taken at two addresses only."""

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        assert match is not None  # there is a view
        limit = _FORM_BYTES
        if match.url_name in _TAKES_FILES:
            limit += settings.MAX_UPLOAD_BYTES
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        if length <= limit:
            return None
        return explain(
            request,
            413,
            _("That is too large"),
            _(
                "Files up to %(size)d MB can be uploaded, on a voucher's page. Leave larger ones "
                "where they are, run the kit there, and bring its evidence here with "
                "`evidesk push`."
            )
            % {"size": settings.MAX_UPLOAD_BYTES // 2**20},
        )


class OtherHeaders(_Middleware):
    """Headers that no library of ours sets: what pages may ask of the browser, and who embeds."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault(
            "Permissions-Policy",
            "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
        )
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class LimitRate(_Middleware):
    """Turn away whoever tries too often, and say when to come back."""

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        assert match is not None  # there is a view
        name = "api" if request.path.startswith("/api/") else str(match.url_name)
        if name not in RATES or (name not in _COUNTED_ALWAYS and request.method != "POST"):
            return None
        wait = spend(name, address_of(request), RATES[name])
        if not wait:
            return None
        minutes = -(-wait // 60)
        answer = explain(
            request,
            429,
            _("That was too often"),
            ngettext(
                "Please try again in %(minutes)d minute. If you need to send more, tell the "
                "office.",
                "Please try again in %(minutes)d minutes. If you need to send more, tell the "
                "office.",
                minutes,
            )
            % {"minutes": minutes},
        )
        answer.headers["Retry-After"] = str(wait)
        return answer


class RefuseNull(_Middleware):
    """No address and no session holds the character NUL, and PostgreSQL refuses to look for it."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""):
            del request.COOKIES[settings.SESSION_COOKIE_NAME]
        return super().__call__(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if "\0" in request.path:
            raise Http404
        return None


class ExplainRefusal(_Middleware):
    """Tell a person why something was refused, where a page has not done so itself."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        wants_sign_in = response.headers.get("Location", "").startswith(str(settings.LOGIN_URL))
        if wants_sign_in and request.htmx:  # type: ignore[attr-defined]
            # A redirect would put the whole sign-in page into a corner of this one.
            return render(request, "people/_signed_out.html")
        if wants_sign_in and request.method == "POST":
            # After a redirect the text would be gone.
            return explain(
                request,
                401,
                _("You are signed out"),
                _("What you sent was not taken. Sign in, and send it once more."),
            )
        if request.path.startswith("/api/"):
            return _as_json(response)
        if response.status_code == 405:
            return explain(
                request,
                405,
                _("Nothing to see here"),
                _("This address only takes what a form sends."),
            )
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Refused):
            return explain(request, 403, _("That is not possible"), str(exception))
        if isinstance(exception, Conflict):
            return explain(request, 409, _("Something changed in the meantime"), str(exception))
        if isinstance(exception, DataError):
            return explain(
                request,
                400,
                _("That cannot be kept"),
                _(
                    "Something in it is longer or larger than the desk can keep, or holds the "
                    "character NUL, which no text has. Change it and send it once more."
                ),
            )
        if isinstance(exception, EvidenceError):
            return explain(
                request, 500, _("This evidence cannot be trusted any more"), str(exception)
            )
        return None


class AskForConsent(_Middleware):
    """Whoever is signed in agrees to the privacy page before anything else is done or shown."""

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        assert match is not None  # there is a view
        if not isinstance(request.user, Person) or match.url_name in _WITHOUT_CONSENT:
            return None
        if has_consented(request.user):
            return None
        if request.method == "POST":
            return explain(request, 403, _("Not yet"), has_consented(request.user).reason)
        return redirect(f"{reverse('consent')}?{urlencode({'next': request.get_full_path()})}")


def _as_json(response: HttpResponse) -> HttpResponse:
    """What Django itself answers below /api/, in the API's one shape."""
    told = {
        404: _("There is no such address."),
        405: _("This address does not take this method."),
    }
    why = told.get(response.status_code)
    if why is None or response.headers.get("Content-Type", "").startswith("application/json"):
        return response
    answer = JsonResponse({"detail": why}, status=response.status_code)
    if "Allow" in response:
        answer["Allow"] = response["Allow"]
    return answer


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that is too old, or comes from elsewhere."""
    return explain(
        request,
        403,
        _("Please try again"),
        _(
            "This form was too old, or cookies are switched off. What you sent was not taken: load "
            "the page again and send it once more."
        ),
    )


def explain(request: HttpRequest, status: int, title: str, reason: str) -> HttpResponse:
    """Say why, and give back what was typed, so that nothing is lost."""
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": reason}, status=status)
    typed = []
    if status != 413:  # a body that is too large is not read
        values = request.POST.items()
        typed = [str(text) for name, text in values if name != "csrfmiddlewaretoken" and text]
    return render(
        request, "problem.html", {"title": title, "reason": reason, "typed": typed}, status=status
    )
