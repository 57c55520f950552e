"""`evidesk push` against the desk; over a real socket it is tried in the browser tests."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest
import requests
from django.test import Client

from evidesk import client
from evidesk.desk.people.actions import create_token
from evidesk.desk.people.models import Person
from evidesk.desk.vouchers.models import State
from evidesk.evidence import EvidenceError
from tests.desk.network import Network, a_network, voucher_in
from tests.evidence.samples import an_evidence

pytestmark = pytest.mark.django_db

Push = Callable[..., dict[str, Any]]


@pytest.fixture
def network() -> Network:
    return a_network()


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    return an_evidence().write(tmp_path / "evidence")


def to_the_desk(url: str, **request: Any) -> requests.Response:
    """`requests.post`, but what it would send over the wire goes to the desk's application."""
    if "127.0.0.1:9/" in url:
        raise requests.ConnectionError
    wire = requests.Request("POST", url, files=request["files"], auth=request["auth"])
    sent = wire.prepare()
    answer = Client().generic(
        "POST",
        str(sent.path_url),
        cast("bytes", sent.body),
        content_type=sent.headers["Content-Type"],
        headers={"Authorization": sent.headers["Authorization"]},
    )
    response = requests.Response()
    response.status_code, response._content = answer.status_code, answer.content
    return response


@pytest.fixture
def push(crate: Path, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Push:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr(requests, "post", to_the_desk)

    def do(person: Person, voucher: str, **changes: Any) -> dict[str, Any]:
        _, token = create_token(person, "test")
        return client.push(
            crate, voucher=voucher, **{"desk": "http://testserver", "token": token, **changes}
        )

    return do


def test_a_folder_arrives_as_evidence_of_the_voucher(push: Push, network: Network) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    told = push(network.consultant, voucher.reference)
    stored = voucher.evidence.get()
    assert told["sha256"] == stored.sha256
    assert told["url"].endswith(f"/evidence/{stored.pk}/")
    assert stored.added_by == network.consultant


@pytest.mark.parametrize(
    ("who", "state", "changes", "told"),
    [
        ("consultant", State.ACTIVE, {"token": "evidesk_wrong"}, "does not know this token"),
        ("outsider", State.ACTIVE, {}, "no voucher"),
        ("consultant", State.REPORTED, {}, "only while the work is in progress"),
        ("author", State.ACTIVE, {}, "Only the voucher's consultant"),
    ],
)
def test_a_refusal_says_why_and_keeps_nothing(
    push: Push, network: Network, who: str, state: State, changes: dict[str, str], told: str
) -> None:
    voucher = voucher_in(state, network)
    with pytest.raises(client.DeskError, match=told):
        push(network[who], voucher.reference, **changes)
    assert not voucher.evidence.exists()


def test_the_same_evidence_is_taken_once(push: Push, network: Network) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    push(network.consultant, voucher.reference)
    with pytest.raises(client.DeskError, match="exactly this evidence already"):
        push(network.consultant, voucher.reference)


def test_a_changed_crate_is_not_even_sent(push: Push, network: Network, crate: Path) -> None:
    (crate / "evidence.json").write_text("{}")
    with pytest.raises(EvidenceError, match=r"evidence\.json"):
        push(network.consultant, "V-2026-0001", desk="http://127.0.0.1:9")


def test_an_address_without_a_desk_is_told(push: Push, network: Network) -> None:
    with pytest.raises(client.DeskError, match="does not answer"):
        push(network.consultant, "V-2026-0001", desk="http://127.0.0.1:9")


def test_an_address_without_its_scheme_is_told(push: Push, network: Network) -> None:
    with pytest.raises(client.DeskError, match="must begin with https://"):
        push(network.consultant, "V-2026-0001", desk="desk.example.org")


@pytest.mark.parametrize("token", ["evidesk_…", "evidesk_a\n", "evidesk_a b", ""])
def test_a_token_with_characters_that_no_token_has_is_told(
    push: Push, network: Network, token: str
) -> None:
    with pytest.raises(client.DeskError, match="no token"):
        push(network.consultant, "V-2026-0001", token=token)


@pytest.mark.parametrize(
    ("status", "content", "told"),
    [
        (502, "<h1>Bad gateway</h1>", "status 502"),
        (201, "<h1>Welcome to our guest network</h1>", "status 201"),
        (201, '"thanks"', "status 201"),
        (201, "{}", "status 201"),
        (413, '{"detail": "At most 500 MB."}', r"^The desk did not .*: At most 500 MB\.$"),
        (413, "<h1>Too large</h1>", "status 413"),
        (422, '{"detail": [{"msg": "no"}]}', "no"),
    ],
)
def test_whatever_answers_is_told_of(
    crate: Path, monkeypatch: pytest.MonkeyPatch, status: int, content: str, told: str
) -> None:
    def answer(*_: object, **__: object) -> requests.Response:
        response = requests.Response()
        response.status_code, response._content = status, content.encode()
        return response

    monkeypatch.setattr(requests, "post", answer)
    with pytest.raises(client.DeskError, match=told):
        client.push(crate, voucher="V-2026-0001", desk="https://desk.example.org", token="t")


@pytest.mark.parametrize(
    ("desk", "location", "told"),
    [
        (
            "http://desk.example.org",
            "https://desk.example.org/api/vouchers/V-2026-0001/evidence/",
            "use https://desk.example.org$",
        ),
        ("https://desk.example.org", "https://sso.example.org/", "sends on to another address"),
        ("http://desk.example.org", "/login/", "sends on to another address"),
    ],
)
def test_a_desk_that_sends_elsewhere_is_not_followed(
    crate: Path, monkeypatch: pytest.MonkeyPatch, desk: str, location: str, told: str
) -> None:
    def moved(url: str, **request: Any) -> requests.Response:
        assert not request["allow_redirects"]
        response = requests.Response()
        response.status_code, response.headers["Location"] = 301, location
        return response

    monkeypatch.setattr(requests, "post", moved)
    with pytest.raises(client.DeskError, match=told):
        client.push(crate, voucher="V-2026-0001", desk=desk, token="t")


def test_a_voucher_is_one_part_of_the_address(crate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def unknown(url: str, **_: object) -> requests.Response:
        asked.append(url)
        response = requests.Response()
        response.status_code, response._content = 404, b""
        return response

    monkeypatch.setattr(requests, "post", unknown)
    with pytest.raises(client.DeskError, match="has no voucher"):
        client.push(crate, voucher="../ü?x=/#", desk="https://desk.example.org/", token="t")
    assert asked == ["https://desk.example.org/api/vouchers/..%2F%C3%BC%3Fx%3D%2F%23/evidence/"]


def test_the_token_is_sent_although_netrc_knows_a_password(
    crate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    sent: list[str] = []

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(self.headers["Authorization"])
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(301)
            self.send_header("Location", "https://elsewhere.example.org/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Desk)
    thread = Thread(target=server.handle_request)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    with pytest.raises(client.DeskError, match=r"use https://elsewhere\.example\.org$"):
        client.push(crate, voucher="V-2026-0001", desk=address, token="evidesk_abc")
    thread.join()
    server.server_close()
    assert sent == ["Bearer evidesk_abc"]
