"""A log-in from the desk to the provider and back.

What the way back needs (state, nonce, code verifier, where to go) is in the browser's session and
nowhere else, for ten minutes, and is used once. Tokens are kept nowhere.
"""

import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from authlib.common.security import generate_token
from authlib.common.urls import add_params_to_uri
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from evidesk.desk.people.log_in import claims as reading
from evidesk.desk.people.log_in import id_token
from evidesk.desk.people.log_in.claims import Claims
from evidesk.desk.people.log_in.faults import (
    Distrusted,
    Interrupted,
    LogInFailed,
    Silent,
    Unreachable,
)
from evidesk.desk.people.log_in.provider import Provider
from evidesk.desk.people.log_in.transport import Deadline, equip, get_json, read_json

logger = logging.getLogger(__name__)

#: How long somebody may take at the provider, in seconds.
AWAY = 600
#: How long the provider may take to revoke the token afterwards, in seconds.
AFTERWARDS = 1.0
#: How many log-ins may be under way in one browser; the oldest is forgotten.
_TABS = 5
_PENDING = "log_in"
#: Where a session keeps the provider's address for signing out there too; empty if it has none.
END_SESSION = "end_session_endpoint"
#: Bearer tokens are visible ASCII (RFC 6750, section 2.1).
_TOKEN = re.compile(r"[\x21-\x7e]{1,20000}", re.ASCII)


@dataclass(frozen=True)
class Arrival:
    """Somebody comes back from the provider: who it is, and where they wanted to go.

    `end_session` is the provider's address for signing out there; empty if it has none.
    """

    claims: Claims
    then: str
    end_session: str


def begin(request: HttpRequest, provider: Provider, *, then: str, step_up: bool) -> str:
    """Prepare a log-in; returns the provider's address to send the browser to.

    Raises
    ------
    LogInFailed : the provider cannot be used at the moment.
    """
    with _listening(provider):
        metadata = provider.metadata(Deadline())
    state, nonce, verifier = generate_token(43), generate_token(43), generate_token(64)
    extra = {"acr_values": " ".join(settings.OIDC_MFA)} if step_up and settings.OIDC_MFA else {}
    with _client(request, metadata) as client:
        url, _state = client.create_authorization_url(
            metadata["authorization_endpoint"],
            state=state,
            nonce=nonce,
            code_verifier=verifier,
            **extra,
        )
    pending = _pending(request)
    while len(pending) >= _TABS:
        pending.pop(next(iter(pending)))
    pending[state] = {"nonce": nonce, "verifier": verifier, "then": then, "at": time.time()}
    request.session[_PENDING] = pending
    return str(url)


def finish(request: HttpRequest, provider: Provider) -> Arrival:
    """Take the browser back.

    Raises
    ------
    LogInFailed : anything is not as it must be.
    """
    answer = _answer(request)
    kept = _take(request, answer.get("state", ""))
    if "error" in answer:
        raise _refused_there(answer["error"])
    if "code" not in answer:
        raise Distrusted("the browser brings neither a code nor an error")
    deadline = Deadline()
    with _listening(provider):
        metadata = provider.metadata(deadline)
        _check_issuer(answer, metadata, provider.issuer)
        with _client(request, metadata) as client:
            equip(client, deadline, metadata["token_endpoint"])
            access_token, token = _redeem(client, metadata, answer["code"], kept["verifier"])
            known = id_token.check(
                token,
                keys=lambda kid, kty: provider.key(kid, kty, deadline),
                issuer=provider.issuer,
                client_id=settings.OIDC_CLIENT_ID,
                nonce=kept["nonce"],
                access_token=access_token,
            )
            userinfo = get_json(
                client,
                metadata["userinfo_endpoint"],
                withhold_token=True,
                headers={"Authorization": f"Bearer {access_token}"},
            )
            found = reading.read(userinfo, known)
            _give_back(client, metadata, access_token)
    return Arrival(found, kept["then"], metadata.get("end_session_endpoint", ""))


@contextmanager
def _listening(provider: Provider) -> Iterator[None]:
    """Leave a silent provider alone; note whether it is silent now."""
    provider.check_rest()
    try:
        yield
    except Silent:
        provider.heard(False)
        raise
    provider.heard(True)


def _client(request: HttpRequest, metadata: Mapping[str, Any]) -> Any:
    """Authlib's client, as the provider knows us."""
    offered = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    basic = "client_secret_basic" in offered or "client_secret_post" not in offered
    method = "client_secret_basic" if basic else "client_secret_post"
    if not settings.OIDC_CLIENT_SECRET:
        method = "none"
    return OAuth2Session(
        settings.OIDC_CLIENT_ID,
        settings.OIDC_CLIENT_SECRET or None,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        scope=settings.OIDC_SCOPES,
        redirect_uri=request.build_absolute_uri(reverse("log-in-done")),
        code_challenge_method="S256",
    )


def _pending(request: HttpRequest) -> dict[str, Any]:
    """The log-ins that this browser has begun and may still finish."""
    now = time.time()
    begun = request.session.get(_PENDING, {})
    return {state: one for state, one in begun.items() if now - one["at"] < AWAY}


def _answer(request: HttpRequest) -> dict[str, str]:
    """What the browser brings, each thing once (RFC 6749, section 3.1)."""
    if any(len(values) > 1 for _, values in request.GET.lists()):
        raise Interrupted("the browser brings something twice")
    return {name: str(value) for name, value in request.GET.items() if value}


def _take(request: HttpRequest, state: str) -> dict[str, Any]:
    """What was kept for the log-in with this state, which cannot be taken again."""
    pending = _pending(request)
    kept = pending.pop(state, None)
    if kept is None:
        raise Interrupted("the state is not one that this browser was sent away with")
    request.session[_PENDING] = pending
    request.session.save()  # at once, so that the same address cannot be used twice side by side
    return dict(kept)


def _check_issuer(answer: Mapping[str, str], metadata: Mapping[str, Any], issuer: str) -> None:
    """Refuse an answer that another provider gave (RFC 9207)."""
    promised = metadata.get("authorization_response_iss_parameter_supported") is True
    if answer.get("iss", "" if promised else issuer) != issuer:
        raise Distrusted("the answer is another provider's")


def _refused_there(error: str) -> LogInFailed:
    if error in ("temporarily_unavailable", "server_error"):
        return Unreachable(f"the provider answers {error!r}")
    if error == "access_denied":
        return LogInFailed(
            "the provider answers 'access_denied'",
            status=403,
            title=_("You were not signed in"),
            reason=_("%s says that the log-in was cancelled, or that you may not use this desk.")
            % settings.OIDC_NAME,
        )
    return Distrusted(f"the provider answers {error[:60]!r}")


def _redeem(client: Any, metadata: Mapping[str, Any], code: str, verifier: str) -> tuple[str, Any]:
    """Access token and ID token for the code."""

    def check(response: Any) -> Any:
        read_json(response)
        return response

    client.register_compliance_hook("access_token_response", check)
    try:
        found = client.fetch_token(
            metadata["token_endpoint"],
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            allow_redirects=False,
        )
    except (OAuthError, ValueError, TypeError, ArithmeticError) as fault:
        raise Distrusted(f"the code is not redeemed: {type(fault).__name__}") from fault
    token, kind = found.get("access_token"), found.get("token_type")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise Distrusted("the access token is no bearer token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise Distrusted("there is no access token")
    return token, found.get("id_token")


def _give_back(client: Any, metadata: Mapping[str, Any], access_token: str) -> None:
    """Have the access token revoked, if the provider offers that; it has served its purpose."""
    url = metadata.get("revocation_endpoint")
    if url is None:
        return
    equip(client, Deadline(AFTERWARDS), url)
    try:
        client.revoke_token(url, token=access_token, token_type_hint="access_token")  # noqa: S106
    except (LogInFailed, OAuthError, ValueError) as fault:
        logger.warning("The access token is left to expire: %s", fault)


def sign_out_there(request: HttpRequest) -> str:
    """The address at which this browser ends its session at the provider; empty if there is none.

    No ID token is kept that could go along (OpenID Connect RP-Initiated Logout 1.0, section 2), so
    the provider asks the person whether they want to sign out.
    """
    url = request.session.get(END_SESSION, "")
    if not url:
        return ""
    back = request.build_absolute_uri("/")
    there = {"client_id": settings.OIDC_CLIENT_ID, "post_logout_redirect_uri": back}
    return str(add_params_to_uri(url, there))
