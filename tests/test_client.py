"""The client and `evidesk push` against the desk; over a real socket in the browser tests."""

import io
import re
import time
from collections.abc import Callable
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest
import requests
from click.testing import CliRunner
from django.test import Client

from evidesk import client
from evidesk.cli import main
from evidesk.desk.people.actions import create_token
from evidesk.desk.people.models import Person
from evidesk.desk.vouchers.models import State, Tag
from evidesk.evidence import Evidence, EvidenceError
from tests.desk.network import ANSWERS, TABLE, Network, a_network, an_attachment, voucher_in
from tests.evidence.samples import an_evidence

pytestmark = pytest.mark.django_db

Push = Callable[..., dict[str, Any]]


@pytest.fixture
def network() -> Network:
    return a_network()


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    return an_evidence().write(tmp_path / "evidence")


def to_the_desk(
    session: requests.Session, method: str, url: str, **request: Any
) -> requests.Response:
    """A session's `request`, but what would go over the wire goes to the desk's application."""
    if "127.0.0.1:9/" in url:
        raise requests.ConnectionError
    given = {name: request.get(name) for name in ("files", "json", "params", "headers")}
    sent = session.prepare_request(requests.Request(method, url, **given))
    answer: Any = Client(HTTP_HOST="localhost").generic(
        method,
        str(sent.path_url),
        cast("bytes", sent.body or b""),
        content_type=sent.headers.get("Content-Type", ""),
        headers={k: v for k, v in sent.headers.items() if k.lower() not in ("host", "cookie")},
    )
    response = requests.Response()
    response.status_code = answer.status_code
    response.headers.update(answer.headers)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    response.raw = io.BytesIO(content)
    return response


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits; how long they would have is told."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


@pytest.fixture
def push(crate: Path, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Push:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr(requests.Session, "request", to_the_desk)

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

    monkeypatch.setattr(requests.Session, "request", answer)
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
    def moved(*_: object, **request: Any) -> requests.Response:
        assert not request["allow_redirects"]
        response = requests.Response()
        response.status_code, response.headers["Location"] = 301, location
        return response

    monkeypatch.setattr(requests.Session, "request", moved)
    with pytest.raises(client.DeskError, match=told):
        client.push(crate, voucher="V-2026-0001", desk=desk, token="t")


def test_a_voucher_is_one_part_of_the_address(crate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def unknown(_: object, method: str, url: str, **__: object) -> requests.Response:
        asked.append(url)
        response = requests.Response()
        response.status_code, response._content = 404, b""
        return response

    monkeypatch.setattr(requests.Session, "request", unknown)
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


# Everything else that the client can do


@pytest.fixture
def desk(network: Network, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes clients, each with the token of one of the network's people."""
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr(requests.Session, "request", to_the_desk)

    def of(who: str) -> client.Desk:
        _, token = create_token(network[who], "test", scope="write")
        return client.Desk("http://localhost/", token)

    return of


def test_a_voucher_goes_its_whole_way(desk: Any, network: Network, tmp_path: Path) -> None:
    author, lead, consultant = (desk(who) for who in ("author", "lead", "consultant"))
    assert author.me()["name"] == "Ada Author"
    inquiry = author.inquire("Trust", "Can we trust it?", "ada@example.org")
    assert lead.answer(inquiry["key"], "Start a voucher!")["status"] == "answered"
    assert author.inquiry(inquiry["key"])["answered_by"] == "Lena Lead"
    reference = author.start(inquiry["key"])["reference"]
    assert [one["voucher"] for one in author.inquiries()] == [reference]
    document = author.document(reference)
    document = author.change_document(
        reference,
        document["revision"],
        kind="exploration",
        unit="spoke",
        answers=ANSWERS,
        credit="acknowledgement",
        visibility="private",
    )
    assert [one["answer"] for one in document["questions"]] == list(ANSWERS.values())
    with pytest.raises(client.DeskError) as late:
        author.change_document(reference, 0, title="Late")
    assert late.value.status == 409
    assert author.step(reference, "submit", agrees=True)["state"] == "submitted"
    ids = {m["name"]: m["id"] for unit in lead.units() for m in unit["members"]}
    lead.step(reference, "offer", consultant=ids["Cyra Consultant"])
    with pytest.raises(client.DeskError, match="days: ") as wrong:
        consultant.step(reference, "accept", starts_on="2026-03-02", days="ten", agrees=True)
    assert (wrong.value.status, list(wrong.value.errors)) == (422, ["days"])
    consultant.step(reference, "accept", starts_on="2026-03-02", days=10, agrees=True)
    assert author.write(reference, "Here it is.")["text"] == "Here it is."
    Tag.objects.create(name="Owls")
    assert consultant.tags(reference) == []
    assert consultant.tags(reference, ["Owls"]) == ["Owls"] == author.voucher(reference)["tags"]
    with pytest.raises(client.DeskError, match=r"has 0\.0 h free"):
        consultant.book(reference, date(2026, 3, 2), 6)
    booked = consultant.book(reference, date(2026, 3, 2), 6, "The beamtime is in this week.")
    assert (booked["total"], booked["weeks"][0]["here"]) == (6, 6)
    assert lead.effort(reference) == booked
    assert consultant.book(reference, "2026-03-02", 0)["total"] == 0
    table = tmp_path / "table.csv"
    table.write_bytes(TABLE)
    file = author.attach(reference, table)
    copy = consultant.download_file(reference, file["id"], tmp_path / "copy.csv")
    assert copy.read_bytes() == TABLE
    assert [one["name"] for one in consultant.files(reference)] == ["table.csv"]
    assert "accuracy" in [kit["name"] for kit in consultant.kits()]
    run = consultant.start_run(
        reference, "accuracy", file["id"], truth="truth", prediction=["model"]
    )
    assert consultant.run(run["id"]) == next(consultant.runs(reference))
    assert consultant.cancel_run(run["id"])["state"] == "cancelled"
    stored = consultant.push(reference, an_evidence().write(tmp_path / "evidence"))
    assert [one["id"] for one in author.evidence(reference)] == [stored["id"]]
    assert author.evidence_detail(stored["id"])["findings"]
    crate = author.download_evidence(stored["id"], tmp_path / "evidence.zip")
    assert Evidence.read(crate).answer == stored["answer"]
    consultant.step(reference, "report", text="It works.", evidence=[stored["id"]])
    author.step(reference, "close", rating=5)
    assert author.voucher(reference)["rating"] == 5
    assert [one["kind"] for one in author.timeline(reference)][-2:] == ["report", "close"]
    assert author.export(tmp_path / "me.zip").stat().st_size > 0
    assert list(author.hooks()) == []
    with pytest.raises(client.DeskError, match="nothing here"):
        next(author.deliveries(1))
    assert not list(tmp_path.glob("*.part"))


def test_a_watch_takes_batches_until_it_is_stopped(
    desk: Any, network: Network, tmp_path: Path
) -> None:
    voucher = voucher_in(State.CLOSED, network)
    reference = an_attachment(voucher_in(State.ACTIVE, network), network)
    reference.voucher = voucher
    reference.save()
    author = desk("author")
    watch = author.begin_watch(voucher.reference, "Owls", reference.pk, level=0.99)
    assert (watch["state"], watch["parameters"]["level"]) == ("starting", 0.99)
    assert [one["id"] for one in author.watches(voucher.reference)] == [watch["id"]]
    monday = tmp_path / "monday.csv"
    monday.write_bytes(TABLE)
    batch = author.add_batch(watch["id"], monday)
    assert (batch["name"], batch["state"]) == ("monday.csv", "waiting")
    assert list(author.batches(watch["id"])) == [batch]
    with pytest.raises(client.DeskError, match="already") as twice:
        author.add_batch(watch["id"], monday)
    assert twice.value.status == 409
    assert author.stop_watch(watch["id"])["state"] == "stopped"
    with pytest.raises(client.DeskError, match="stopped"):
        author.add_batch(watch["id"], monday)
    assert author.resume_watch(watch["id"])["stopped_at"] is None
    assert author.watch(watch["id"])["waiting"] == 1


def test_the_command_line_gives_a_watch_a_batch(
    desk: Any, network: Network, tmp_path: Path
) -> None:
    reference = an_attachment(voucher_in(State.ACTIVE, network), network)
    watch = desk("author").begin_watch(reference.voucher.reference, "Owls", reference.pk)
    _, token = create_token(network.author, "batches")
    monday = tmp_path / "monday.csv"
    monday.write_bytes(TABLE)

    def give(path: Path) -> Any:
        options = ["--watch", str(watch["id"]), "--desk", "http://testserver", "--token", token]
        return CliRunner().invoke(main, ["batch", str(path), *options])

    assert give(monday).output == f"Watch {watch['id']} (Owls) has monday.csv now; waiting: 1\n"
    again = give(monday)
    assert again.exit_code == 1
    assert "already" in again.output
    missing = give(tmp_path / "tuesday.csv")
    assert missing.exit_code == 1
    assert "tuesday.csv cannot be read: No such file" in missing.output


def test_a_list_is_fetched_page_after_page(
    desk: Any, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [voucher_in(State.DRAFT, network).reference for _ in range(3)]
    asked: list[Any] = []

    def two_at_a_time(
        session: requests.Session, method: str, url: str, **request: Any
    ) -> requests.Response:
        asked.append(dict(request["params"]))
        return to_the_desk(
            session, method, url, **{**request, "params": {**request["params"], "limit": 2}}
        )

    author = desk("author")
    monkeypatch.setattr(requests.Session, "request", two_at_a_time)
    rows = author.vouchers(state="draft")
    assert asked == [], "nothing is fetched before somebody wants it"
    assert [row["reference"] for row in rows] == made[::-1]
    assert len(asked) == 2


class Flaky:
    """What comes over the wire, one after the other: a fault, a status, or the desk itself."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = list(outcomes)
        self.keys: list[str | None] = []

    def request(self, session: requests.Session, method: str, url: str, **request: Any) -> Any:
        self.keys.append(request["headers"].get("Idempotency-Key"))
        outcome = self.outcomes.pop(0)
        if outcome == "lost":  # the desk did it, and its answer never came
            to_the_desk(session, method, url, **request)
            raise requests.ConnectionError
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, int):
            response = requests.Response()
            response.status_code, response._content = outcome, b"busy"
            response.headers["Retry-After"] = "3"
            return response
        return to_the_desk(session, method, url, **request)


def over(flaky: Flaky, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        requests.Session, "request", lambda *args, **options: flaky.request(*args, **options)
    )


def test_what_failed_on_the_way_is_sent_again_and_happens_once(
    desk: Any, network: Network, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    author = desk("author")
    flaky = Flaky("lost", 503, requests.Timeout(), "desk")
    over(flaky, monkeypatch)
    event = author.write(voucher.reference, "Hello")
    assert [one.pk for one in voucher.events.filter(kind="message")] == [event["id"]]
    assert len(set(flaky.keys)) == 1
    assert flaky.keys[0]
    assert pauses == [0.5, 3.0, 8.0]


def test_another_message_has_another_key(
    desk: Any, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    author = desk("author")
    flaky = Flaky("desk", "desk", "desk")
    over(flaky, monkeypatch)
    author.write(voucher.reference, "Hello")
    author.write(voucher.reference, "Hello")
    author.voucher(voucher.reference)
    assert voucher.events.filter(kind="message").count() == 2
    assert (len(set(flaky.keys)), flaky.keys[2]) == (3, None)


def test_what_goes_on_failing_is_told(
    desk: Any, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    author = desk("author")
    over(Flaky(502, 502, 502, 502), monkeypatch)
    with pytest.raises(client.DeskError, match="status 502"):
        author.me()
    over(Flaky(*[requests.ConnectionError()] * 4), monkeypatch)
    with pytest.raises(client.DeskError, match="does not answer"):
        author.me()
    assert len(pauses) == 6


def test_a_download_that_breaks_off_leaves_nothing(
    desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        yield b"half"
        raise requests.ConnectionError

    author = desk("author")
    monkeypatch.setattr(requests.Response, "iter_content", broken)
    with pytest.raises(client.DeskError, match="broke off"):
        author.export(tmp_path / "me.zip")
    assert list(tmp_path.glob("me.zip*")) == []


@pytest.mark.parametrize(
    ("changes", "valid"),
    [
        ({}, True),
        ({"secret": "whsec_other"}, False),
        ({"body": b'{"a": 2}'}, False),
        ({"timestamp": "1"}, False),
        ({"timestamp": "soon"}, False),
        ({"timestamp": ""}, False),
        ({"signature": ""}, False),
        ({"signature": "v1=ä"}, False),
        ({"now": 1_800_000_301}, False),
        ({"now": 1_799_999_699}, False),
        ({"now": 1_800_000_299}, True),
    ],
)
def test_a_delivery_is_from_the_desk_only_if_all_of_it_fits(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], valid: bool
) -> None:
    from evidesk.desk.hooks.signing import signature

    sent = {
        "secret": "whsec_1",
        "body": b'{"a": 1}',
        "timestamp": "1800000000",
        "signature": signature("whsec_1", 1_800_000_000, b'{"a": 1}'),
        "now": 1_800_000_000,
        **changes,
    }
    monkeypatch.setattr(time, "time", lambda: sent["now"])
    headers = {
        "evidesk-timestamp": sent["timestamp"],
        "EVIDESK-SIGNATURE": sent["signature"],
    }
    assert client.is_from_desk(sent["secret"], headers, sent["body"]) is valid


def test_the_guides_examples_run(
    desk: Any, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    an_evidence().write(tmp_path / "accuracy-evidence")
    (tmp_path / "predictions.csv").write_bytes(TABLE)
    guide = (Path(__file__).parents[1] / "docs" / "api.md").read_text()
    examples = re.findall(r"^```py\n(.*?)^```", guide, re.M | re.S)
    assert len(examples) >= 3
    _, token = create_token(network["consultant"], "test", scope="write")
    monkeypatch.setenv("EVIDESK_TOKEN", token)
    monkeypatch.chdir(tmp_path)
    told = {"https://desk.example.org": "http://localhost", "V-2026-0001": voucher.reference}
    names: dict[str, Any] = {}
    for example in examples:
        for theirs, ours in told.items():
            example = example.replace(theirs, ours)
        exec(example, names)
    assert voucher.evidence.count() == 1
