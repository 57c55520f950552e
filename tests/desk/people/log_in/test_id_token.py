"""The ID token's check alone, against thousands of tokens that are almost right."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from evidesk.desk.people.log_in import id_token
from evidesk.desk.people.log_in.faults import Distrusted
from tests.oidc.provider import b64, ec_key, rsa_key, signed

ISSUER, CLIENT, NONCE = "https://login.example.org/oauth2", "evidesk", "n-0S6_WzA2Mj"
#: A moment that is the same for every process, by which tests have their names.
NOW = 1_795_500_000.0
KEYS = {"RS256": rsa_key("first"), "ES256": ec_key("elliptic")}
MUTANTS = 3000


def claims() -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "sub": "248289761001",
        "aud": CLIENT,
        "exp": int(NOW) + 3600,
        "iat": int(NOW),
        "nonce": NONCE,
        "acr": "https://refeds.org/profile/mfa",
    }


def key_of(kid: str | None, kty: str) -> dict[str, Any] | None:
    fitting = [
        key.as_dict(private=False)
        for key in KEYS.values()
        if key.key_type == kty and kid in (None, key.kid)
    ]
    return fitting[0] if len(fitting) == 1 else None


def check(token: Any) -> dict[str, Any]:
    return id_token.check(
        token,
        keys=key_of,
        issuer=ISSUER,
        client_id=CLIENT,
        nonce=NONCE,
        access_token="SlAV32hkKG",
        now=NOW,
    )


def good(algorithm: str) -> str:
    key = KEYS[algorithm]
    return signed({"alg": algorithm, "kid": key.kid}, claims(), key)


GOOD = {algorithm: good(algorithm) for algorithm in KEYS}
#: What a claim must not be, however well it is signed.
BAD: dict[str, list[Any]] = {
    "iss": [None, "", ISSUER + "/", ISSUER.upper(), "https://evil.example", [ISSUER], 1, {}, True],
    "aud": [None, "", "other", [CLIENT, "other"], [], {}, 0, [CLIENT, CLIENT], [[CLIENT]], True],
    "exp": [None, 0, -1, "soon", NOW - 61, [NOW + 60], {}, True, False, float("-inf"), 1e400],
    "iat": [None, 0, NOW - 601, NOW + 61, "now", [NOW], True, float("inf")],
    "nonce": [None, "", NONCE + "x", NONCE[:-1], NONCE.lower(), 0, [NONCE], True, {}],
    "sub": [None, "", 1, ["248289761001"], {}, " ", "a b", "s" * 256, "\0", "é", True],
    "azp": ["other", [CLIENT], 1, {}, True, CLIENT + " "],
    "nbf": [NOW + 61, "x", [], True, float("inf"), 1e300],
    "at_hash": ["x", 1, [], {}, True, "é"],
    "auth_time": ["x", [], True],
    "amr": ["mfa", 1, {"a": 1}],
}


def a_bit(chance: random.Random, token: str) -> str:
    """Another character somewhere."""
    at = chance.randrange(len(token))
    return token[:at] + chr(chance.randrange(33, 127)) + token[at + 1 :]


def a_cut(chance: random.Random, token: str) -> str:
    start = chance.randrange(len(token))
    return token[:start] + token[start + chance.randrange(1, 40) :]


def a_copy(chance: random.Random, token: str) -> str:
    start = chance.randrange(len(token))
    piece = token[start : start + chance.randrange(1, 40)]
    return token[:start] + piece + token[start:]


def a_swap(chance: random.Random, token: str) -> str:
    """Parts of both tokens."""
    other = GOOD[chance.choice(list(GOOD))].split(".")
    parts = [chance.choice(pair) for pair in zip(token.split("."), other, strict=True)]
    return ".".join(parts)


def a_header(chance: random.Random, token: str) -> str:
    """Another header over the same signature."""
    header: dict[str, Any] = {
        "alg": chance.choice(["RS256", "ES256", "none", "HS256", "PS256", "", None, 1, ["RS256"]]),
        "kid": chance.choice(["first", "elliptic", "other", None, 1, ["first"], "../first"]),
        chance.choice(["typ", "crit", "b64", "jku", "jwk", "x5c", "zip", "enc"]): chance.choice(
            ["JWT", ["b64"], False, {}, "https://evil.example"]
        ),
    }
    return f"{b64(json.dumps(header).encode())}.{token.partition('.')[2]}"


def a_body(chance: random.Random, token: str) -> str:
    """Other claims under the same signature."""
    head, _, signature = token.split(".")
    body = claims() | {chance.choice(["sub", "acr", "exp", "x"]): chance.choice(["me", 2**40, {}])}
    return f"{head}.{b64(json.dumps(body).encode())}.{signature}"


def a_claim(chance: random.Random, token: str) -> str:
    """One bad claim, signed with the provider's own key."""
    algorithm = chance.choice(list(KEYS))
    name = chance.choice(list(BAD))
    body = claims() | {name: chance.choice(BAD[name])}
    if body[name] is None:
        del body[name]
    key = KEYS[algorithm]
    return signed({"alg": algorithm, "kid": key.kid}, body, key)


def a_stranger(chance: random.Random, token: str) -> str:
    """Right in everything, but for the key."""
    algorithm = chance.choice(list(KEYS))
    key = rsa_key("foreign") if algorithm == "RS256" else ec_key("foreign")
    kid = chance.choice([KEYS[algorithm].kid, "foreign"])
    return signed({"alg": algorithm, "kid": kid}, claims(), key)


def junk(chance: random.Random, token: str) -> str:
    return ".".join(b64(chance.randbytes(chance.randrange(60))) for _ in range(3))


MUTATIONS: list[Callable[[random.Random, str], str]] = [
    a_bit, a_bit, a_bit, a_cut, a_copy, a_swap, a_header, a_body, a_claim, a_claim, a_stranger, junk
]  # fmt: skip


def accepted(n: int, seed: int) -> list[str]:
    """Those of n mutants that are taken; a mutant that came out as it was is none."""
    chance = random.Random(seed)
    taken = []
    for _ in range(n):
        token = GOOD[chance.choice(list(GOOD))]
        mutant = chance.choice(MUTATIONS)(chance, token)
        if mutant in GOOD.values():
            continue
        try:
            check(mutant)
        except Distrusted:
            continue
        taken.append(mutant)
    return taken


@pytest.mark.parametrize("algorithm", GOOD)
def test_a_token_that_is_right_is_taken(algorithm: str) -> None:
    assert check(GOOD[algorithm]) == claims()


def test_no_mutant_is_taken() -> None:
    assert accepted(MUTANTS, seed=20261124) == []


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_a_bad_claim_is_refused_however_well_it_is_signed(name: str, value: Any) -> None:
    body = {key: kept for key, kept in (claims() | {name: value}).items() if kept is not None}
    with pytest.raises(Distrusted):
        check(signed({"alg": "RS256", "kid": "first"}, body, KEYS["RS256"]))


@pytest.mark.parametrize("token", [None, b"a.b.c", 1, [], {}, "", ".", "..", "a.b.c", "\ud800"])
def test_what_is_no_token_is_none(token: Any) -> None:
    with pytest.raises(Distrusted):
        check(token)
