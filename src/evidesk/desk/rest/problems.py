"""What goes wrong, as one shape of JSON: `{"detail": "...", "errors": {"field": ["..."]}}`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext
from ninja import Field, NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from evidesk.desk.people.rules import Conflict, Refused

Errors = Mapping[str, Sequence[str]]


class Problem(Schema):
    """Why something was refused, and what to do about it."""

    detail: str
    errors: dict[str, list[str]] = Field({}, description="By field, where fields are to blame.")


class Invalid(Exception):
    """What was sent does not fit; `errors` says why, by field."""

    def __init__(self, errors: Errors) -> None:
        super().__init__("; ".join(f"{field}: {' '.join(why)}" for field, why in errors.items()))
        self.errors = errors


class PreconditionFailed(Exception):
    """The caller's condition (`If-Match`) does not hold; the message tells what to do."""


def problem(status: int, detail: str, errors: Errors | None = None) -> HttpResponse:
    """The answer that says what is wrong."""
    content: dict[str, object] = {"detail": detail}
    if errors:
        content["errors"] = {field: list(why) for field, why in errors.items()}
    return JsonResponse(content, status=status)


def _unauthorized(*_: Any) -> HttpResponse:
    answer = problem(401, gettext("Send a valid token: make one on the page “Your tokens”."))
    answer["WWW-Authenticate"] = "Bearer"
    return answer


def _invalid(_: HttpRequest, fault: Any) -> HttpResponse:
    errors: dict[str, list[str]] = {}
    for one in fault.errors:
        # ("query", "limit") or ("body", "facts", "days"): the parameter's own name tells nothing.
        where = [str(part) for part in one["loc"][1:]]
        if one["loc"][0] in ("body", "form") and len(where) > 1:
            where = where[1:]
        errors.setdefault(".".join(where) or "body", []).append(one["msg"])
    return _unfit(errors)


def _misfit(_: HttpRequest, fault: Any) -> HttpResponse:
    return _unfit(fault.errors)


def _http_error(_: HttpRequest, fault: Any) -> HttpResponse:
    return problem(fault.status_code, str(fault))


def _unfit(errors: Errors) -> HttpResponse:
    return problem(422, gettext("What was sent does not fit: see “errors”."), errors)


def explain_in(api: NinjaAPI) -> None:
    """Make the API tell of every fault in the one shape."""
    for kind, status in _STATUS.items():
        api.add_exception_handler(kind, _teller(status))
    api.add_exception_handler(AuthenticationError, _unauthorized)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(Invalid, _misfit)
    api.add_exception_handler(HttpError, _http_error)
    api.add_exception_handler(
        Http404, lambda *_: problem(404, gettext("There is nothing here that you may see."))
    )


#: Faults whose message tells all.
_STATUS: dict[type[Exception], int] = {
    Refused: 403,
    Conflict: 409,
    PreconditionFailed: 412,
    BadRequest: 400,
    MultiPartParserError: 400,
    SuspiciousOperation: 400,
}


def _teller(status: int) -> Callable[[HttpRequest, Any], HttpResponse]:
    return lambda _, fault: problem(status, str(fault))
