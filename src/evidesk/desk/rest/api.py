"""The API itself, without its operations: who calls, what goes wrong, and how it is described."""

from collections.abc import Callable
from typing import Any

from csp.constants import SELF
from csp.decorators import csp_replace
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from evidesk import __version__
from evidesk.desk.people.models import Scope
from evidesk.desk.rest.bearer import TokenAuth
from evidesk.desk.rest.gate import KEY, gate
from evidesk.desk.rest.problems import Problem, explain_in

View = Callable[..., HttpResponseBase]

_DESCRIPTION = """\
Vouchers and evidence for programs: the same actions and rules as on the pages.

Make a token on the page “Your tokens” and send it as `Authorization: Bearer ...`. Its scope is
`read`, `evidence` (read, and push evidence) or `write`; each operation names the one it needs.
Whatever goes wrong is told as `{"detail": "...", "errors": {"field": ["..."]}}`.
"""
_WHY = {
    400: "The body cannot be read.",
    401: "There is no valid token.",
    403: "A rule, or the token's scope, does not allow it; `detail` says which.",
    404: "There is nothing of this name that you may see.",
    409: "It has changed, or is being done, in the meantime.",
    412: "It is no longer what `If-Match` says.",
    413: "The body is too large.",
    415: "The body is of another media type.",
    422: "What was sent does not fit; `errors` says where.",
    429: "That was too often; `Retry-After` says how long to wait.",
}
_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "pattern": KEY},
    "description": "A text of your choice. Whatever is sent again with it within a day is not done "
    "again: the first answer is given again.",
}
_IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "schema": {"type": "string"},
    "description": "The `ETag` of an earlier answer: if that still holds, the answer is 304.",
}


class DeskAPI(NinjaAPI):
    """An API whose description tells of what happens around each operation, too."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        schema["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        for path, methods in schema["paths"].items():
            for method, operation in methods.items():
                _complete(path, method, operation)
        return schema


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add to an operation's description what the gate does."""
    faults = {429}
    parameters = operation.setdefault("parameters", [])
    if "security" in operation:
        scope = Scope.READ if method == "get" else Scope.WRITE
        operation.setdefault("x-scope", scope.value)
        operation["security"] = [{TokenAuth.__name__: [operation["x-scope"]]}]
        faults |= {401, 403}
    if "{" in path or "requestBody" in operation:  # either can name things
        faults.add(404)
    if parameters or "requestBody" in operation:
        faults.add(422)
    if method == "get":
        parameters.append(_IF_NONE_MATCH)
        operation["responses"][304] = {"description": "It is as it was."}
        operation["responses"][200].setdefault("headers", {})["ETag"] = {
            "schema": {"type": "string"}
        }
    else:
        faults |= {409, 422}
        if method == "post":
            parameters.append(_KEY)
    if "requestBody" in operation:
        faults |= {400, 413, 415}
    if any(one["name"] == "If-Match" for one in parameters):
        faults.add(412)
    for status in sorted(faults):
        operation["responses"][status] = {
            "description": _WHY[status],
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }


def _to_be_read(view: View) -> View:
    """For the description's page, which is the library's: its scripts know no nonce."""
    shown: View = csp_replace({"script-src": [SELF], "style-src": [SELF]})(view)
    return require_safe(shown)


def new_api() -> DeskAPI:
    """The desk's API, to which `desk/api.py` adds the apps' routers."""
    api = DeskAPI(
        title="evidesk",
        version=__version__,
        description=_DESCRIPTION,
        auth=TokenAuth(),
        docs_url="docs/",
        docs_decorator=_to_be_read,
    )
    api.add_decorator(gate, mode="view")
    explain_in(api)
    return api
