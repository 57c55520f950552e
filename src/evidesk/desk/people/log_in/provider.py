"""The provider: what it says about itself, and its keys; both are kept for a while.

They are kept in this process alone. If the provider has just been silent, it is not asked again for
some seconds: otherwise everybody who tries to sign in would hold one of the desk's threads.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings

from evidesk.desk.people.log_in.faults import Distrusted, Unreachable
from evidesk.desk.people.log_in.id_token import ALGORITHMS
from evidesk.desk.people.log_in.transport import Deadline, equip, get_json
from evidesk.desk.people.rules import is_loopback

#: How long what the provider says about itself, and its keys, are kept, in seconds.
KEPT = 3600
#: Unknown keys make the keys be asked for anew, at most this often, in seconds.
KEYS_ANEW = 30
#: How long a silent provider is left alone, in seconds.
REST = 10
_MAX_KEYS = 100
_NEEDED = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
#: How we can show the provider who we are.
_KNOWN_AS = {"client_secret_basic", "client_secret_post", "none"}
_OPTIONAL = ("end_session_endpoint", "revocation_endpoint")


class Provider:
    """An OpenID Connect provider, by its issuer."""

    def __init__(self, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self._clock = clock
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None
        self._silent_until = -float("inf")

    def metadata(self, deadline: Deadline) -> dict[str, Any]:
        """What the provider says about itself (OpenID Connect Discovery 1.0), checked.

        Raises
        ------
        Unreachable, Distrusted : it does not answer, or not as a provider that we can use.
        """
        if self._metadata is None or self._clock() - self._metadata[0] > KEPT:
            url = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
            found = self._ask(url, deadline)
            check_metadata(found, self.issuer)
            self._metadata = (self._clock(), found)
        return self._metadata[1]

    def key(self, kid: str | None, kty: str, deadline: Deadline) -> dict[str, Any] | None:
        """The provider's key with the `kid`; without one, its only key of the type.

        A `kid` that is not known may be new: the keys are then asked for once more.
        """
        uri = self.metadata(deadline)["jwks_uri"]
        for anew in (KEPT, KEYS_ANEW):
            if self._keys is None or self._clock() - self._keys[0] > anew:
                self._keys = (self._clock(), _usable(self._ask(uri, deadline)))
            fitting = [
                key
                for key in self._keys[1]
                if key.get("kty") == kty and kid in (None, key.get("kid"))
            ]
            if len(fitting) == 1:
                return fitting[0]
        return None

    def heard(self, answered: bool) -> None:
        """Note whether the provider answers, or has just been silent."""
        self._silent_until = -float("inf") if answered else self._clock() + REST

    def check_rest(self) -> None:
        """Leave a provider alone that has just been silent.

        Raises
        ------
        Unreachable : at once.
        """
        if self._clock() < self._silent_until:
            raise Unreachable("the provider has just been silent; it is not asked yet")

    def _ask(self, url: str, deadline: Deadline) -> dict[str, Any]:
        with requests.Session() as session:
            return get_json(equip(session, deadline, url), url)


@lru_cache(maxsize=1)
def of(issuer: str) -> Provider:
    """The provider with the issuer, of which there is one."""
    return Provider(issuer)


def configured() -> Provider | None:
    """The provider of the settings, if there is one."""
    return of(settings.OIDC_ISSUER) if settings.OIDC_ISSUER else None


def check_metadata(found: dict[str, Any], issuer: str) -> None:
    """Raise :class:`Distrusted` unless the provider is who it should be, and can what we need."""
    if found.get("issuer") != issuer:
        raise Distrusted(f"the provider calls itself {found.get('issuer')!r}, not {issuer!r}")
    for name in (*_NEEDED, *_OPTIONAL):
        if name not in found and name in _OPTIONAL:
            continue
        if fault := address_fault(found.get(name), local=_is_local(issuer)):
            raise Distrusted(f"the provider's {name} {fault}")
    for name, needed in (
        ("response_types_supported", {"code"}),
        ("id_token_signing_alg_values_supported", set(ALGORITHMS)),
        ("code_challenge_methods_supported", {"S256"}),
        ("token_endpoint_auth_methods_supported", _KNOWN_AS),
    ):
        offered = found.get(name, list(needed))
        if not isinstance(offered, list) or not any(one in needed for one in map(str, offered)):
            raise Distrusted(f"the provider's {name} has none of {', '.join(sorted(needed))}")


def _is_local(issuer: str) -> bool:
    return is_loopback(urlsplit(issuer).hostname or "")


def address_fault(url: Any, *, local: bool) -> str:
    """What is wrong with an address of the provider's; nothing if it is empty.

    Only a provider on this machine (`local`) may speak plain HTTP, and only it may name this
    machine.
    """
    if not isinstance(url, str) or len(url) > 2000 or not url.isascii() or not url.isprintable():
        return "is no address"
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "is no address"
    if parts.scheme != "https" and not (local and parts.scheme == "http" and is_loopback(host)):
        return "does not begin with https://"
    if not host or " " in url or parts.username is not None or parts.fragment:
        return "is no plain address"
    if is_loopback(host) and not local:
        return "names this machine itself"
    return ""


def _usable(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The keys of a JWK set that could be somebody's to sign with."""
    keys = found.get("keys")
    if not isinstance(keys, list) or len(keys) > _MAX_KEYS:
        raise Distrusted("the provider's keys are no list of keys")
    return [key for key in keys if isinstance(key, dict) and key.get("use", "sig") == "sig"]
