"""The strict check of an ID token: Authlib's, and what it leaves to the one who calls it.

Checked are signature, algorithm, key, issuer, audience, authorized party, times, nonce, and the
access token's hash where one is told (OpenID Connect Core 1.0, section 3.1.3.7).
"""

import math
import re
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry, extract_compact

from evidesk.desk.people.log_in.claims import MAX_SUBJECT
from evidesk.desk.people.log_in.faults import Distrusted

#: What is taken, with the kind of key it needs. Neither `none` nor anything with a shared secret.
ALGORITHMS = {"RS256": "RSA", "ES256": "EC"}
#: How far the provider's clock and ours may differ, in seconds.
LEEWAY = 60
#: How old a token may be that was made for us just now, in seconds.
MAX_AGE = 600
_MAX_CHARACTERS = 20_000
_RSA_BITS = 2048
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7e]+", re.ASCII)

Key = RSAKey | ECKey
#: Finds the provider's key by `kid` and type.
Keys = Callable[[str | None, str], dict[str, Any] | None]


def check(
    token: Any,
    *,
    keys: Keys,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str,
    now: float | None = None,
) -> dict[str, Any]:
    """The token's claims, every one of which holds.

    Parameters
    ----------
    token : as the token endpoint gave it.
    keys : finds the key, as JWK, of a `kid` (None if the header has none) and a type of key.
    issuer, client_id, nonce, access_token : whose, for whom, for which log-in, and with what it
        must be.
    now : seconds since 1970; the time of day if left out.

    Raises
    ------
    Distrusted : anything does not hold.
    """
    if not isinstance(token, str) or len(token) > _MAX_CHARACTERS:
        raise Distrusted("there is no ID token, or an enormous one")
    if not _COMPACT.fullmatch(token):
        raise Distrusted("the ID token is no signed token in compact form")
    now = time.time() if now is None else now
    try:
        header, claims = _verify(token, keys)
        verified = CodeIDToken(
            claims,
            header,
            {"iss": {"essential": True, "value": issuer}},
            {"nonce": nonce, "client_id": client_id, "access_token": access_token},
        )
        _check_types(claims)
        verified.validate(now=int(now), leeway=LEEWAY)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as fault:
        raise Distrusted(f"the ID token: {type(fault).__name__}: {fault}") from fault
    _check_binding(claims, issuer=issuer, client_id=client_id, nonce=nonce, now=now)
    return claims


def _verify(token: str, keys: Keys) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, if the signature is by one of the provider's own keys.

    The key comes from the provider's set alone; what the header says of keys (`jwk`, `jku`, `x5u`)
    is not looked at.
    """
    registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
    header = extract_compact(token.encode()).headers()
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise Distrusted("the ID token is not signed with RS256 or ES256")
    if "crit" in header:
        raise Distrusted("the ID token wants something critical that nobody has agreed on")
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise Distrusted("the ID token's kid is no text")
    found = keys(kid, ALGORITHMS[algorithm])
    if found is None:
        raise Distrusted("the ID token is signed with a key that is not the provider's")
    verified = jwt.decode(token, _public_key(found, algorithm), registry=registry)
    return dict(verified.header), dict(verified.claims)


def _public_key(jwk: Mapping[str, Any], algorithm: str) -> Key:
    """The key, if it is one to sign with, public, and strong enough."""
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm:
        raise Distrusted("the ID token's key is for something else")
    if algorithm == "ES256":
        if jwk.get("crv") != "P-256":
            raise Distrusted("the ID token's key is on another curve")
        return ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # a short key is refused, not warned of
        key = RSAKey.import_key({name: jwk[name] for name in ("kty", "n", "e")})
    if key.public_key.key_size < _RSA_BITS:
        raise Distrusted(f"the ID token's key has fewer than {_RSA_BITS} bits")
    return key


def _check_types(claims: Mapping[str, Any]) -> None:
    """What Authlib would otherwise compare, or trip over."""
    for name in ("exp", "iat", "nbf", "auth_time"):
        value = claims.get(name, 0)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            raise Distrusted(f"the ID token's {name} is no time")
    for name in ("iss", "sub", "nonce", "azp", "at_hash"):
        if not isinstance(claims.get(name, ""), str):
            raise Distrusted(f"the ID token's {name} is no text")


def _check_binding(
    claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: float
) -> None:
    """What Authlib does not check, or checks only if it is there.

    An audience beside us is refused even where an `azp` names us: nobody else is to get tokens
    that also open this desk (section 3.1.3.7, item 3).
    """
    audience = claims["aud"]
    if claims["iss"] != issuer:
        raise Distrusted("the ID token is another issuer's")
    if audience not in (client_id, [client_id]):
        raise Distrusted("the ID token is for another audience")
    if claims.get("azp", client_id) != client_id:
        raise Distrusted("the ID token was given to another party")
    if not now - MAX_AGE <= claims["iat"] <= now + LEEWAY:
        raise Distrusted("the ID token was not made just now")
    if claims["exp"] <= now - LEEWAY or claims.get("nbf", now) > now + LEEWAY:
        raise Distrusted("the ID token is not valid now")
    if claims["nonce"] != nonce:
        raise Distrusted("the ID token is for another log-in")
    subject = claims["sub"]
    if len(subject) > MAX_SUBJECT or not _PRINTABLE.fullmatch(subject):
        raise Distrusted(f"the subject is no text of 1 to {MAX_SUBJECT} visible ASCII characters")
