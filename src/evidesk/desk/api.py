"""The desk over HTTP and JSON: what the pages do, for programs with a personal token.

Only this module joins the apps' routers; the rules and actions are the same as the pages'.
"""

from csp.constants import SELF
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.security import HttpBearer

from evidesk import __version__
from evidesk.desk.people.actions import person_of_token
from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import Conflict, Refused, has_consented, require
from evidesk.desk.runs.api import router as runs
from evidesk.desk.vouchers.api import router as vouchers


class TokenAuth(HttpBearer):
    """`Authorization: Bearer evidesk_...`, from the page “Your tokens”."""

    def authenticate(self, request: HttpRequest, token: str) -> Person | None:
        person = person_of_token(token)
        if person is not None:
            require(has_consented(person))
            request.user = person
        return person


api = NinjaAPI(
    title="evidesk",
    version=__version__,
    description="Vouchers and evidence for programs. Make a token on the page “Your tokens” and "
    "send it as `Authorization: Bearer ...`.",
    auth=TokenAuth(),
    docs_url="docs/",
    # Its page is the library's, whose scripts know no nonce.
    docs_decorator=csp_replace({"script-src": [SELF], "style-src": [SELF]}),
)
api.add_router("", vouchers)
api.add_router("", runs)


@api.exception_handler(Refused)
def refused(request: HttpRequest, fault: Refused) -> HttpResponse:
    return api.create_response(request, {"detail": str(fault)}, status=403)


@api.exception_handler(Conflict)
def conflict(request: HttpRequest, fault: Conflict) -> HttpResponse:
    return api.create_response(request, {"detail": str(fault)}, status=409)
