"""Faults of userinfo, of the addresses that are asked, and of what the browser brings back."""

import gzip
from collections.abc import Callable
from typing import Any

from tests.oidc.faults import FAULTS, Fault, changed, each, fault
from tests.oidc.provider import Provider, Talk

# Userinfo

LONE = "\ud83d"
each(
    "userinfo",
    {
        "userinfo: of somebody else": {"sub": "another"},
        "userinfo: without a subject": {"sub": None},
        "userinfo: the subject in capitals": {"sub": "6F1C2F4E-7C1F-4C57-9D1B-2F7D1D0F3C55"},
        "userinfo: a subject in a list": {"sub": ["6f1c2f4e-7c1f-4c57-9d1b-2f7d1d0f3c55"]},
        "entitlements: one text": {"entitlements": "urn:geant:helmholtz.de:group:A#login"},
        "entitlements: a number": {"entitlements": 7},
        "entitlements: an object": {"entitlements": {"urn:geant:helmholtz.de:group:A": 1}},
        "entitlements: a number among them": {"entitlements": ["a", 7]},
        "entitlements: a list among them": {"entitlements": [["a"]]},
        "entitlements: one of 40 kB": {
            "entitlements": [
                "urn:geant:helmholtz.de:group:" + ":".join(["a"] * 20_000) + "#login.helmholtz.de"
            ]
        },
        "entitlements: 2,001": {"entitlements": ["a"] * 2001},
        "entitlements: a million": {"entitlements": ["a"] * 1_000_000},
        "entitlements: half a character": {"entitlements": [LONE]},
        "eduperson_entitlement: one text": {"eduperson_entitlement": "a"},
        "assurance: an object": {"eduperson_assurance": {"a": "b"}},
        "assurance: one text": {"eduperson_assurance": "cappuccino"},
        "acr: a list in userinfo": {"acr": ["https://refeds.org/profile/mfa"]},
        "affiliation: a number": {"voperson_external_affiliation": 1},
        "home: a list": {"org_domain": ["kit.edu"]},
        "name: an object": {"name": {"first": "Elif"}},
        "name: half a character": {"name": LONE},
        "name: an end of text": {"name": "Elif\0"},
        "name: 10 kB": {"name": "E" * 10_000},
        "e-mail: a list": {"email": ["elif.demir@kit.edu"]},
        "e-mail: no address": {"email": "elif"},
        "e-mail: a second header": {"email": "elif@kit.edu\nBcc: everybody@kit.edu"},
        "e-mail: too long": {"email": "e@" + ".".join(["a" * 60] * 10) + ".de"},
        "not staff: a student": {"voperson_external_affiliation": ["student@kit.edu"]},
        "not staff: of somewhere else": {"voperson_external_affiliation": ["staff@evil.example"]},
        "not staff: of a name like ours": {
            "voperson_external_affiliation": ["staff@kit.edu.evil.example", "staff@evilkit.edu"]
        },
        "not staff: affiliation at the provider": {
            "voperson_external_affiliation": None,
            "eduperson_scoped_affiliation": ["employee@kit.edu"],
        },
        "not staff: nothing is told": {
            "voperson_external_affiliation": None,
            "entitlements": None,
            "eduperson_entitlement": None,
        },
    },
)


@fault("userinfo: a list")
def _(one: Provider) -> None:
    one.userinfo = lambda found: [found]


@fault("userinfo: null")
def _(one: Provider) -> None:
    one.userinfo = lambda found: None


# What an address of the provider does in place of its answer


def html(talk: Talk) -> None:
    talk.send(b"<!doctype html><title>Maintenance</title>", kind="text/html")


def status(code: int) -> Callable[[Talk], None]:
    return lambda talk: talk.json({"error": "server_error"}, code)


def nothing(talk: Talk) -> None:
    talk.send(b"")


def huge(talk: Talk) -> None:
    talk.send(b'{"x": "' + b"x" * 3_000_000 + b'"}')


def endless(talk: Talk) -> None:
    talk.send_response(200)
    talk.end_headers()
    try:
        while not talk.provider.release.is_set():
            talk.wfile.write(b" " * 65536)
    finally:
        talk.close_connection = True


def inflating(talk: Talk) -> None:
    body = gzip.compress(b" " * 50_000_000)
    talk.send_response(200)
    talk.send_header("Content-Encoding", "gzip")
    talk.send_header("Content-Length", str(len(body)))
    talk.end_headers()
    talk.wfile.write(body)


def deep(talk: Talk) -> None:
    talk.send(b"[" * 200_000)


def long_number(talk: Talk) -> None:
    talk.send(b'{"exp": ' + b"9" * 10_000 + b"}")


def cut(talk: Talk) -> None:
    talk.send_response(200)
    talk.send_header("Content-Length", "1000")
    talk.end_headers()
    talk.wfile.write(b'{"access_token":')
    talk.close_connection = True


def hung_up(talk: Talk) -> None:
    talk.connection.close()
    raise ConnectionError


def no_http(talk: Talk) -> None:
    talk.wfile.write(b"220 mail.example ESMTP\r\n")
    talk.close_connection = True


def many_headers(talk: Talk) -> None:
    talk.send_response(200)
    for number in range(5000):
        talk.send_header(f"X-{number}", "x")
    talk.end_headers()
    talk.close_connection = True


def redirect(talk: Talk) -> None:
    talk.redirect(f"{talk.provider.issuer}/elsewhere")


def _wait(talk: Talk, send: bytes) -> None:
    """Send it again and again until the desk hangs up; note it if the desk never does."""
    for _ in range(300):
        if talk.provider.release.wait(0.1):
            raise ConnectionError
        if send:
            talk.wfile.write(send)
            talk.wfile.flush()
    talk.provider.gave_up = True


def hang(talk: Talk) -> None:
    _wait(talk, b"")


def drip(talk: Talk) -> None:
    talk.send_response(200)
    talk.send_header("Content-Length", "100000")
    talk.end_headers()
    _wait(talk, b" ")


def drip_headers(talk: Talk) -> None:
    talk.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _wait(talk, b"x")


DISCOVERY = "/.well-known/openid-configuration"
WAITS = {"hangs": hang, "drips": drip, "drips its headers": drip_headers}
ANSWERS = {
    "says 500": status(500),
    "says 503": status(503),
    "says 400": status(400),
    "says 204": status(204),
    "answers HTML": html,
    "answers nothing": nothing,
    "answers 3 MB": huge,
    "never ends": endless,
    "answers what inflates to 50 MB": inflating,
    "answers 200,000 brackets": deep,
    "answers a number of 10,000 digits": long_number,
    "breaks off": cut,
    "hangs up": hung_up,
    "speaks no HTTP": no_http,
    "sends 5,000 headers": many_headers,
    "redirects": redirect,
}
#: Of these the desk must tire; they are tried with less patience, for the tests' sake.
SLOW: dict[str, Fault] = {}
for name, path in {
    "discovery": DISCOVERY,
    "token endpoint": "/token",
    "userinfo": "/userinfo",
    "keys": "/jwks",
}.items():
    for what, act in (WAITS | ANSWERS).items():
        where = SLOW if act in (hang, drip, drip_headers) else FAULTS
        where[f"{name} {what}"] = lambda one, path=path, act=act: one.instead.update({path: act})

# What the token endpoint answers

each(
    "token",
    {
        "token: no ID token": {"id_token": None},
        "token: the ID token is a number": {"id_token": 1},
        "token: the ID token is a list": {"id_token": ["a.b.c"]},
        "token: no access token": {"access_token": None},
        "token: the access token is a list": {"access_token": ["a"]},
        "token: the access token has an end of line": {"access_token": "a\r\nX-Evil: 1"},
        "token: the access token is another": {"access_token": "another"},
        "token: not bearer": {"token_type": "mac"},
        "token: of no type": {"token_type": None},
        "token: expires in a text": {"expires_in": "soon"},
        "token: expires in an object": {"expires_in": {"in": 1}},
        "token: an error beside it": {"error": "invalid_grant"},
    },
)


@fault("token: a list")
def _(one: Provider) -> None:
    one.token = lambda found: [found]


@fault("token: the code was used before")
def _(one: Provider) -> None:
    def back(answer: dict[str, str]) -> dict[str, str]:
        one.codes.clear()
        return answer

    one.back = back


# What the provider says about itself

each(
    "discovery",
    {
        "discovery: another issuer": {"issuer": "https://evil.example"},
        "discovery: no issuer": {"issuer": None},
        "discovery: no token endpoint": {"token_endpoint": None},
        "discovery: no userinfo": {"userinfo_endpoint": None},
        "discovery: no keys": {"jwks_uri": None},
        "discovery: a script to go to": {"authorization_endpoint": "javascript:alert(1)"},
        "discovery: plain HTTP to elsewhere": {"token_endpoint": "http://192.0.2.1/token"},
        "discovery: a file of keys": {"jwks_uri": "file:///etc/passwd"},
        "discovery: a list of endpoints": {"token_endpoint": ["https://a.example"]},
        "discovery: a password in the address": {"userinfo_endpoint": "https://a:b@c.example/"},
        "discovery: a port that is none": {"jwks_uri": "https://a.example:port/"},
        "discovery: an end of line": {"authorization_endpoint": "https://a.example/\r\nX: 1"},
        "discovery: no code flow": {"response_types_supported": ["token"]},
        "discovery: only shared secrets": {"id_token_signing_alg_values_supported": ["HS256"]},
        "discovery: only plain PKCE": {"code_challenge_methods_supported": ["plain"]},
        "discovery: algorithms as a number": {"id_token_signing_alg_values_supported": 1},
        "discovery: a number of ways to show who we are": {
            "token_endpoint_auth_methods_supported": 2
        },
        "discovery: only certificates to show who we are": {
            "token_endpoint_auth_methods_supported": ["tls_client_auth"]
        },
        "discovery: a script to end the session": {"end_session_endpoint": "javascript:alert(1)"},
    },
)


@fault("discovery: an issuer with a slash more")
def _(one: Provider) -> None:
    one.discovery = changed(issuer=one.issuer + "/")


# The provider's keys

for title, answer in {
    "keys: none": {"keys": []},
    "keys: an object": {"keys": {}},
    "keys: numbers": {"keys": [1, 2]},
    "keys: 10,000": {"keys": [{"kty": "RSA"}] * 10_000},
    "keys: not said": {},
}.items():
    fault(title)(lambda one, answer=answer: setattr(one, "jwks", lambda found: answer))

# What the browser brings back


def brings(title: str, **changes: Any) -> None:
    fault(title)(lambda one: setattr(one, "back", changed(**changes)))


brings("back: no state", state=None)
brings("back: a foreign state", state="foreign")
brings("back: an empty state", state="")
brings("back: no code", code=None)
brings("back: an empty code", code="")
brings("back: a code that is none", code="'; DROP TABLE")
brings("back: a code that no form can hold", code="\0\r\n%zz é")
brings("back: another provider's answer (iss)", iss="https://evil.example")
brings("back: access_denied", code=None, error="access_denied")
brings("back: server_error", code=None, error="server_error")
brings("back: an error of their own", code=None, error="<script>alert(1)</script>")
brings("back: code and error", error="access_denied")


@fault("back: the state twice")
def _(one: Provider) -> None:
    one.back = lambda answer: answer | {"state": [answer["state"], answer["state"]]}


@fault("back: no iss though it is promised")
def _(one: Provider) -> None:
    one.discovery = changed(authorization_response_iss_parameter_supported=True)
