"""What happens around every operation: media types, idempotency keys, ETags."""

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from ninja.operation import Operation

from evidesk.desk.people.models import Token
from evidesk.desk.people.rules import Refused
from evidesk.desk.rest.actions import do_once
from evidesk.desk.rest.problems import PreconditionFailed, problem

Run = Callable[..., HttpResponseBase]

#: Printable ASCII, as it goes into a header.
KEY = "^[!-~]{1,200}$"
_MEDIA = {"body": "application/json", "form": "multipart/form-data", "file": "multipart/form-data"}


def gate(run: Run) -> Run:
    """A decorator of `Operation.run`, for `api.add_decorator(gate, mode="view")`."""
    operation: Operation = run.__self__  # type: ignore[attr-defined]

    @wraps(run)
    def gated(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if request.method == "GET":
            return _if_changed(request, run(request, **kwargs))
        token = _token(operation, request)
        if token is None:
            return run(request, **kwargs)  # which says why it is refused
        expected = {_MEDIA[m.__ninja_param_source__] for m in operation.models if _has_body(m)}
        if expected and request.content_type not in expected:
            return problem(415, _("Send it as %(type)s.") % {"type": expected.pop()})
        key = request.headers.get("Idempotency-Key")
        if key is None or request.method != "POST":
            return run(request, **kwargs)
        if not re.fullmatch(KEY, key):
            why = _("At most 200 characters of printable ASCII without blanks.")
            return problem(422, why, {"Idempotency-Key": [why]})

        def act() -> HttpResponse:
            answer = run(request, **kwargs)
            assert isinstance(answer, HttpResponse)  # nothing that is posted streams back
            return answer

        try:
            return do_once(request, token.person, key, act)
        except Exception as fault:
            return operation.api.on_exception(request, fault)

    return gated


def _has_body(model: Any) -> bool:
    return model.__ninja_param_source__ in _MEDIA


def _token(operation: Operation, request: HttpRequest) -> Token | None:
    """Who calls, if they may; the operation itself asks again, which costs nothing then."""
    for authenticate in operation.auth_callbacks:
        try:
            found = authenticate(request)
        except Refused:
            return None
        if isinstance(found, Token):
            return found
    return None


def _if_changed(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The answer with its ETag; an empty 304 if the caller has it already."""
    if response.status_code != 200:
        return response
    if not response.has_header("ETag") and isinstance(response, HttpResponse):
        response["ETag"] = etag(hashlib.sha256(response.content).hexdigest()[:32])
    # A cache may keep it for its owner, and asks each time whether it still holds.
    response.headers.setdefault("Cache-Control", "private, no-cache")
    patch_vary_headers(response, ("Authorization",))
    found = get_conditional_response(
        request,
        etag=response.headers.get("ETag"),
        response=response,  # type: ignore[arg-type]
    )
    assert found is not None  # there is a response
    return found


def etag(text: str) -> str:
    """A strong entity tag."""
    return f'"{text}"'


def require_match(request: HttpRequest, current: str) -> None:
    """Raise :class:`PreconditionFailed` unless the caller's `If-Match`, if any, names `current`."""
    wanted = request.headers.get("If-Match")
    if wanted is None:
        return
    tags = parse_etags(wanted)
    if "*" not in tags and current not in tags:
        raise PreconditionFailed(
            _("It has changed since you read it. Read it again, and change what it says now.")
        )
