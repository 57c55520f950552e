"""What happens to every request: a cap on its body, and refusals that are explained."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from evidesk.desk.people.rules import Conflict, Refused

Handler = Callable[[HttpRequest], HttpResponse]

#: What a form may weigh beside the file in it.
_FORM_BYTES = 2**20


def limit_body(get_response: Handler) -> Handler:
    """Turn bodies over the upload limit away before anything reads them."""

    def handle(request: HttpRequest) -> HttpResponse:
        limit = settings.MAX_UPLOAD_BYTES
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        if length > limit + _FORM_BYTES:
            return _explain(
                request,
                413,
                "That is too large",
                f"Files up to {limit // 2**20} MB can be uploaded. Leave larger ones where they "
                "are, run the kit there, and bring its evidence here with `evidesk push`.",
            )
        return get_response(request)

    return handle


class explain_refusal:  # noqa: N801 - a middleware, used like the function above
    """Show a person why something was refused, where a page has not done so itself."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        wants_sign_in = response.headers.get("Location", "").startswith(str(settings.LOGIN_URL))
        if request.htmx and wants_sign_in:  # type: ignore[attr-defined]
            # A redirect would put the whole sign-in page into a corner of this one.
            return render(request, "people/_signed_out.html")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Refused):
            return _explain(request, 403, "That is not possible", str(exception))
        if isinstance(exception, Conflict):
            return _explain(request, 409, "Something changed in the meantime", str(exception))
        return None


def _explain(request: HttpRequest, status: int, title: str, reason: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return HttpResponse(reason, status=status, content_type="text/plain; charset=utf-8")
    return render(request, "problem.html", {"title": title, "reason": reason}, status=status)
