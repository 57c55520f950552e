"""An OpenID Connect provider that does everything right, until it is told to do one thing wrong."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "evidesk", "a secret of the tests"
SUBJECT = "6f1c2f4e-7c1f-4c57-9d1b-2f7d1d0f3c55"
GROUP = "urn:geant:helmholtz.de:group:{}#login.helmholtz.de"
MFA = "https://refeds.org/profile/mfa"
CAPPUCCINO = "https://refeds.org/assurance/profile/cappuccino"

Handler = Callable[["Talk"], None]


@cache
def rsa_key(kid: str, bits: int = 2048) -> RSAKey:
    return RSAKey.generate_key(bits, {"kid": kid, "use": "sig"}, private=True)


@cache
def ec_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"}, private=True)


def same(value: Any) -> Any:
    return value


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: dict[str, Any], claims: Any, key: RSAKey | ECKey | OctKey) -> str:
    """A token in compact form, with whatever header and algorithm."""
    registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, registry=registry)


class Provider:
    """Listens on a free port of 127.0.0.1. What it is to do otherwise is set on it:

    `discovery`, `jwks`, `claims`, `header`, `token`, `userinfo` and `back` change what is answered;
    `sign` makes the ID token; `instead` holds, by path, what is done in place of an answer.
    """

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Talk)
        self.server.daemon_threads = True
        self.server.provider = self  # type: ignore[attr-defined]
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.key: RSAKey | ECKey = rsa_key("first")
        self.keys: list[Any] = [self.key, ec_key("elliptic")]
        self.algorithm = "RS256"
        self.discovery: Callable[[Any], Any] = same
        self.jwks: Callable[[Any], Any] = same
        self.claims: Callable[[Any], Any] = same
        self.header: Callable[[Any], Any] = same
        self.token: Callable[[Any], Any] = same
        self.userinfo: Callable[[Any], Any] = same
        self.back: Callable[[dict[str, str]], Any] = same
        self.sign: Callable[[dict[str, Any], Any], Any] = lambda header, claims: signed(
            header, claims, self.key
        )
        self.instead: dict[str, Handler] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.nonces: list[str] = []
        self.asked: list[str] = []
        self.revoked: list[str] = []
        self.sent_away: dict[str, str] = {}
        self.release = threading.Event()
        self.gave_up = False
        self.mistakes: list[Exception] = []
        self._access: dict[str, str] = {}

    def __enter__(self) -> "Provider":
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()

    # What is told when nothing is wrong

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "revocation_endpoint": f"{self.issuer}/revoke",
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            "code_challenge_methods_supported": ["plain", "S256"],
        }

    def public_keys(self) -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def id_claims(self, nonce: str) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": self.issuer,
            "sub": SUBJECT,
            "aud": CLIENT_ID,
            "exp": now + 3600,
            "iat": now,
            "nonce": nonce,
        }

    def person(self) -> dict[str, Any]:
        """As the Helmholtz AAI describes somebody of KIT, in userinfo only."""
        return {
            "sub": SUBJECT,
            "name": "Elif Demir",
            "given_name": "Elif",
            "family_name": "Demir",
            "preferred_username": "edemir",
            "email": "elif.demir@kit.edu",
            "email_verified": True,
            "org_domain": "kit.edu",
            "voperson_id": SUBJECT.replace("-", "") + "@login.helmholtz.de",
            "voperson_external_affiliation": ["employee@kit.edu", "member@kit.edu"],
            "eduperson_scoped_affiliation": ["member@login.helmholtz.de"],
            "eduperson_assurance": ["https://refeds.org/assurance/IAP/medium", CAPPUCCINO],
            "eduperson_entitlement": [GROUP.format("KIT"), "urn:mace:dir:entitlement:common-lib"],
            "entitlements": [GROUP.format("Helmholtz member")],
            "acr": MFA,
        }

    def id_token(self, nonce: str, access_token: str) -> Any:
        claims = self.id_claims(nonce)
        digest = hashlib.sha256(access_token.encode()).digest()
        claims["at_hash"] = b64(digest[:16])
        header = self.header({"alg": self.algorithm, "kid": self.key.kid, "typ": "JWT"})
        return self.sign(header, self.claims(claims))


class Talk(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Any

    @property
    def provider(self) -> Provider:
        return self.server.provider

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self._answer(dict(parse_qsl(body)))

    def _answer(self, form: dict[str, str]) -> None:
        parts = urlsplit(self.path)
        self.provider.asked.append(parts.path)
        act = self.provider.instead.get(parts.path)
        try:
            if act is not None:
                act(self)
            elif parts.path == "/.well-known/openid-configuration":
                self.json(self.provider.discovery(self.provider.metadata()))
            elif parts.path == "/jwks":
                self.json(self.provider.jwks(self.provider.public_keys()))
            elif parts.path == "/authorize":
                self._authorize(dict(parse_qsl(parts.query)))
            elif parts.path == "/token":
                self._token(form)
            elif parts.path == "/userinfo":
                self._userinfo()
            elif parts.path == "/revoke":
                self.provider.revoked.append(form["token"])
                self.send(b"", kind="text/plain")
            else:
                self.send(b"nothing here", 404, "text/plain")
        except OSError:  # the desk has hung up
            self.close_connection = True
        except Exception as mistake:  # ours, not one of the faults
            self.provider.mistakes.append(mistake)
            raise

    def send(self, body: bytes, status: int = 200, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def json(self, value: Any, status: int = 200) -> None:
        self.send(json.dumps(value).encode(), status)

    def redirect(self, where: str) -> None:
        self.send_response(302)
        self.send_header("Location", where)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _authorize(self, query: dict[str, str]) -> None:
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.provider.sent_away = query
        self.provider.codes[code] = query
        self.provider.nonces.append(query["nonce"])
        back = self.provider.back({"code": code, "state": query["state"]})
        self.redirect(f"{query['redirect_uri']}?{urlencode(back, doseq=True)}")

    def _token(self, form: dict[str, str]) -> None:
        query = self.provider.codes.pop(form.get("code", ""), None)  # a code is good once
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        knows_secret = self.headers.get("Authorization") == f"Basic {basic}" or (
            form.get("client_secret") == CLIENT_SECRET
        )
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            query is None
            or not knows_secret
            or challenge != query["code_challenge"]
            or form["redirect_uri"] != query["redirect_uri"]
        ):
            self.json({"error": "invalid_grant"}, 400)
            return
        access_token = secrets.token_urlsafe(24)
        self.provider._access[access_token] = query["scope"]
        answer = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": self.provider.id_token(query["nonce"], access_token),
        }
        self.json(self.provider.token(answer))

    def _userinfo(self) -> None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.provider._access:
            self.json({"error": "invalid_token"}, 401)
            return
        self.json(self.provider.userinfo(self.provider.person()))
