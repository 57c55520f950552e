"""Who calls: the one place where a token and what it may be used for are checked."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from evidesk.desk.people.actions import use_token
from evidesk.desk.people.models import Scope, Token
from evidesk.desk.people.rules import has_consented, may_use, require

_READS = ("GET", "HEAD", "OPTIONS")


class TokenAuth(HttpBearer):
    """`Authorization: Bearer evidesk_...`, from the page “Your tokens”.

    Reading needs the scope `read`, anything else `write`, unless an operation `needs` another.
    """

    def __init__(self, needs: Scope | None = None) -> None:
        super().__init__()
        self.needs = needs

    def authenticate(self, request: HttpRequest, token: str) -> Token | None:
        """The token, if it is valid; raises :class:`Refused` if it does not reach so far."""
        found = getattr(request, "auth", None)
        if not isinstance(found, Token):  # a request with a key is looked at before it is run
            found = use_token(token)
        if found is None:
            return None
        require(has_consented(found.person))
        by_method = Scope.READ if request.method in _READS else Scope.WRITE
        require(may_use(found, self.needs or by_method))
        request.user = found.person
        request.auth = found  # type: ignore[attr-defined]
        return found


#: For what an evidence token may do beside reading: `@router.post(..., auth=EVIDENCE)`; its
#: `openapi_extra` says so, too.
EVIDENCE = TokenAuth(Scope.EVIDENCE)
