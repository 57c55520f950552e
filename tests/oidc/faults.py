"""What a provider, or somebody between it and the desk, can do wrong: one thing at a time.

Each fault changes a provider that is right otherwise. None may end with somebody signed in. Here
are those of the ID token; `faults_elsewhere.py` adds the others.
"""

import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.oidc.provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    Provider,
    b64,
    ec_key,
    rsa_key,
    signed,
)

Fault = Callable[[Provider], None]
FAULTS: dict[str, Fault] = {}


def fault(title: str) -> Callable[[Fault], Fault]:
    def add(act: Fault) -> Fault:
        assert title not in FAULTS
        FAULTS[title] = act
        return act

    return add


def changed(**changes: Any) -> Callable[[Any], Any]:
    """The object with some members changed; those that are None are left out."""

    def change(found: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in (found | changes).items() if value is not None}

    return change


def each(part: str, kinds: dict[str, dict[str, Any]]) -> None:
    """Faults that change members of what one hook of the provider gives."""
    for title, changes in kinds.items():
        fault(title)(lambda one, changes=changes: setattr(one, part, changed(**changes)))


# The ID token's claims

now = int(time.time())
each(
    "claims",
    {
        "audience: another": {"aud": "another"},
        "audience: another, though azp is us": {"aud": "another", "azp": CLIENT_ID},
        "audience: others beside us": {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID},
        "audience: none": {"aud": None},
        "audience: an empty list": {"aud": []},
        "audience: we are part of its name": {"aud": CLIENT_ID + "2"},
        "audience: an object": {"aud": {CLIENT_ID: True}},
        "authorized party: another": {"azp": "another"},
        "authorized party: a list": {"azp": [CLIENT_ID]},
        "issuer: another": {"iss": "https://evil.example"},
        "issuer: none": {"iss": None},
        "issuer: a list": {"iss": ["https://evil.example"]},
        "nonce: none": {"nonce": None},
        "nonce: empty": {"nonce": ""},
        "nonce: another": {"nonce": "another"},
        "nonce: true": {"nonce": True},
        "nonce: declared unsupported": {"nonce": None, "nonce_supported": False},
        "exp: passed": {"exp": now - 3600},
        "exp: none": {"exp": None},
        "exp: text": {"exp": str(now + 3600)},
        "exp: true": {"exp": True},
        "exp: infinite": {"exp": float("inf")},
        "iat: hours ago": {"iat": now - 7200},
        "iat: in an hour": {"iat": now + 3600},
        "iat: none": {"iat": None},
        "iat: a list": {"iat": [now]},
        "nbf: in an hour": {"nbf": now + 3600},
        "auth_time: text": {"auth_time": "now"},
        "subject: none": {"sub": None},
        "subject: empty": {"sub": ""},
        "subject: a number": {"sub": 1},
        "subject: 10 kB": {"sub": "s" * 10_000},
        "subject: with an end of line": {"sub": "one\ntwo"},
        "subject: not ASCII": {"sub": "é"},
        "at_hash: another": {"at_hash": b64(b"0" * 16)},
        "at_hash: a number": {"at_hash": 1},
        "at_hash: a list": {"at_hash": ["x"]},
        "acr: a list": {"acr": ["https://refeds.org/profile/mfa"]},
        "acr: another than in userinfo": {"acr": "https://refeds.org/profile/sfa"},
    },
)


@fault("issuer: with a slash at its end")
def _(one: Provider) -> None:
    one.claims = changed(iss=one.issuer + "/")


@fault("nonce: an earlier log-in's")
def _(one: Provider) -> None:
    one.claims = changed(nonce="n" * 43)
    one.nonces.append("n" * 43)


@fault("claims: a list")
def _(one: Provider) -> None:
    one.claims = lambda claims: [claims]


@fault("claims: NaN")
def _(one: Provider) -> None:
    one.claims = changed(exp=float("nan"))


# Signature, algorithm and key


def pem(one: Provider) -> bytes:
    return one.key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def unsigned(header: dict[str, Any], claims: Any, algorithm: str) -> str:
    head = json.dumps(header | {"alg": algorithm}).encode()
    return f"{b64(head)}.{b64(json.dumps(claims).encode())}."


def with_secret(header: dict[str, Any], claims: Any, secret: bytes) -> str:
    """By hand: libraries refuse to take a public key for a secret, which is what is tried here."""
    body = (
        f"{b64(json.dumps(header | {'alg': 'HS256'}).encode())}.{b64(json.dumps(claims).encode())}"
    )
    return f"{body}.{b64(hmac.digest(secret, body.encode(), 'sha256'))}"


def b64_key(secret: bytes) -> Any:
    return {"kty": "oct", "k": b64(secret)}


@fault("signature: changed")
def _(one: Provider) -> None:
    def sign(header: Any, claims: Any) -> str:
        token = signed(header, claims, one.key)
        return token[:-20] + ("A" if token[-20] != "A" else "B") + token[-19:]

    one.sign = sign


@fault("signature: empty")
def _(one: Provider) -> None:
    one.sign = lambda header, claims: signed(header, claims, one.key).rpartition(".")[0] + "."


@fault("signature: cut off with its dot")
def _(one: Provider) -> None:
    one.sign = lambda header, claims: signed(header, claims, one.key).rpartition(".")[0]


@fault("signature: of another token")
def _(one: Provider) -> None:
    def sign(header: Any, claims: Any) -> str:
        theirs = signed(header, claims | {"sub": "another"}, one.key)
        ours = signed(header, claims, one.key)
        return f"{ours.rpartition('.')[0]}.{theirs.rpartition('.')[2]}"

    one.sign = sign


for algorithm in ("none", "None", "NONE", "", "nOnE"):

    @fault(f"algorithm: {algorithm or 'empty'}, unsigned")
    def _(one: Provider, algorithm: str = algorithm) -> None:
        one.sign = lambda header, claims: unsigned(header, claims, algorithm)


@fault("algorithm: none in a token that is signed")
def _(one: Provider) -> None:
    def sign(header: Any, claims: Any) -> str:
        good = signed(header, claims, one.key)
        return unsigned(header, claims, "none") + good.rpartition(".")[2]

    one.sign = sign


@fault("algorithm: HS256 with the public key as PEM")
def _(one: Provider) -> None:
    one.sign = lambda header, claims: with_secret(header, claims, pem(one))


@fault("algorithm: HS256 with the public key's modulus")
def _(one: Provider) -> None:
    modulus = one.key.as_dict(private=False)["n"].encode()
    one.sign = lambda header, claims: with_secret(header, claims, modulus)


@fault("algorithm: HS256 with our own secret")
def _(one: Provider) -> None:
    one.sign = lambda header, claims: with_secret(header, claims, CLIENT_SECRET.encode())


for algorithm in ("RS512", "PS256"):

    @fault(f"algorithm: {algorithm}, on which nobody agreed")
    def _(one: Provider, algorithm: str = algorithm) -> None:
        one.sign = lambda header, claims: signed(header | {"alg": algorithm}, claims, one.key)


@fault("algorithm: a list")
def _(one: Provider) -> None:
    def sign(header: Any, claims: Any) -> str:
        good = signed(header, claims, one.key)
        head = json.dumps(header | {"alg": ["RS256"]}).encode()
        return f"{b64(head)}.{good.partition('.')[2]}"

    one.sign = sign


@fault("algorithm: ES256 said of an RSA key")
def _(one: Provider) -> None:
    def sign(header: Any, claims: Any) -> str:
        good = signed(header, claims, one.key)
        head = json.dumps(header | {"alg": "ES256"}).encode()
        return f"{b64(head)}.{good.partition('.')[2]}"

    one.sign = sign


def foreign(one: Provider, **header: Any) -> None:
    """Sign with somebody else's key, and say so in the header in some way."""
    key = rsa_key("foreign")
    one.sign = lambda own, claims: signed(
        {name: value for name, value in (own | header).items() if value is not None}, claims, key
    )


fault("key: a foreign one under our kid")(lambda one: foreign(one))
fault("key: a foreign one, not in the set")(lambda one: foreign(one, kid="foreign"))
fault("key: a foreign one without a kid")(lambda one: foreign(one, kid=None))


@fault("key: in the header (jwk)")
def _(one: Provider) -> None:
    key = ec_key("foreign")
    point = {name: key.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")}
    one.sign = lambda own, claims: signed({"alg": "ES256", "jwk": point}, claims, key)


fault("key: at an address in the header (jku)")(
    lambda one: foreign(one, kid="foreign", jku=f"{one.issuer}/evil-keys")
)
fault("key: a certificate's address in the header (x5u)")(
    lambda one: foreign(one, kid="foreign", x5u=f"{one.issuer}/evil.pem")
)
for kid in ("../../../../dev/null", "' OR 1=1 --", "first\0", " first", "FIRST", "k" * 400):
    fault(f"key: kid {kid[:12]!r}")(lambda one, kid=kid: foreign(one, kid=kid))


@fault("key: no kid though there are two keys")
def _(one: Provider) -> None:
    one.keys.append(rsa_key("second"))
    one.header = changed(kid=None)


@fault("key: two with the same kid")
def _(one: Provider) -> None:
    twin = rsa_key("twin").as_dict(private=False) | {"kid": one.key.kid}
    one.jwks = lambda found: {"keys": [twin, *found["keys"]]}


@fault("key: meant for encryption")
def _(one: Provider) -> None:
    one.jwks = lambda found: {"keys": [key | {"use": "enc"} for key in found["keys"]]}


@fault("key: meant for another algorithm")
def _(one: Provider) -> None:
    one.jwks = lambda found: {"keys": [key | {"alg": "RS512"} for key in found["keys"]]}


@fault("key: of 1024 bits")
def _(one: Provider) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one.key = rsa_key("short", 1024)
    one.keys = [one.key]


@fault("key: a shared secret in the set")
def _(one: Provider) -> None:
    one.jwks = lambda found: {"keys": [{**b64_key(b"s" * 32), "kid": one.key.kid}]}
    one.sign = lambda header, claims: with_secret(header, claims, b"s" * 32)


@fault("key: without its modulus")
def _(one: Provider) -> None:
    one.jwks = lambda found: {"keys": [{"kty": "RSA", "kid": one.key.kid}]}


@fault("key: its modulus is a number")
def _(one: Provider) -> None:
    one.jwks = lambda found: {"keys": [key | {"n": 17} for key in found["keys"]]}


@fault("header: crit")
def _(one: Provider) -> None:
    def sign(header: Any, claims: Any) -> str:
        good = signed(header, claims, one.key)
        head = json.dumps(header | {"crit": ["evil"], "evil": True}).encode()
        return f"{b64(head)}.{good.partition('.')[2]}"

    one.sign = sign


@fault("header: a kid that is a list")
def _(one: Provider) -> None:
    def sign(header: Any, claims: Any) -> str:
        good = signed(header, claims, one.key)
        head = json.dumps(header | {"kid": [one.key.kid]}).encode()
        return f"{b64(head)}.{good.partition('.')[2]}"

    one.sign = sign


@fault("header: a list")
def _(one: Provider) -> None:
    def sign(header: Any, claims: Any) -> str:
        return f"{b64(b'[]')}.{signed(header, claims, one.key).partition('.')[2]}"

    one.sign = sign


@fault("form: JSON with several signatures")
def _(one: Provider) -> None:
    def sign(header: Any, claims: Any) -> Any:
        head, body, signature = signed(header, claims, one.key).split(".")
        return {"payload": body, "signatures": [{"protected": head, "signature": signature}]}

    one.sign = sign


@fault("form: five parts, as if encrypted")
def _(one: Provider) -> None:
    one.sign = lambda header, claims: "e30.e30.e30.e30.e30"


@fault("form: an end of line behind it")
def _(one: Provider) -> None:
    one.sign = lambda header, claims: signed(header, claims, one.key) + "\n"


@fault("form: padded base64")
def _(one: Provider) -> None:
    one.sign = lambda header, claims: signed(header, claims, one.key) + "=="


@fault("form: empty")
def _(one: Provider) -> None:
    one.sign = lambda header, claims: ""


@fault("form: 200 kB")
def _(one: Provider) -> None:
    one.claims = changed(padding="x" * 200_000)
