"""The desk over HTTP and JSON, with a personal token."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from evidesk.desk.people.actions import create_token
from evidesk.desk.people.models import Scope, Token
from evidesk.desk.runs.models import StoredEvidence
from evidesk.desk.vouchers.models import State, Voucher
from tests.desk.conftest import signed_in
from tests.desk.network import ANSWERS, WHO, Network, voucher_in
from tests.desk.runs.test_evidence import bomb, changed
from tests.desk.vouchers.test_workflow import may_see


def with_token(network: Network, who: str, scope: str = Scope.WRITE) -> Client:
    """A program of that person's. It has no cookies, and CSRF is checked as always."""
    _, token = create_token(network[who], "laptop", scope=scope)
    return signed_in(None, enforce_csrf_checks=True, HTTP_AUTHORIZATION=f"Bearer {token}")


def push(client: Client, voucher: Voucher, crate: Path) -> Any:
    file = SimpleUploadedFile("evidence.zip", crate.read_bytes(), "application/zip")
    return client.post(f"/api/vouchers/{voucher.reference}/evidence/", {"crate": file})


@pytest.fixture
def voucher(network: Network, media: Path) -> Voucher:
    return voucher_in(State.ACTIVE, network)


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer evidesk_wrong", "Basic YTpi", "Bearer \xff", "evidesk"],
)
def test_without_a_valid_token_there_is_nothing(voucher: Voucher, header: str | None) -> None:
    client = Client() if header is None else Client(HTTP_AUTHORIZATION=header)
    address = f"/api/vouchers/{voucher.reference}/"
    for path in ("/api/vouchers/", address, f"{address}evidence/"):
        response = client.get(path)
        assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
        assert "Send a valid token" in response.json()["detail"]
    assert client.post(f"{address}evidence/").status_code == 401


def test_a_session_is_no_token(network: Network, voucher: Voucher) -> None:
    assert signed_in(network.consultant).get("/api/vouchers/").status_code == 401


def test_an_expired_or_revoked_token_is_none(network: Network, voucher: Voucher) -> None:
    client = with_token(network, "author")
    assert client.get("/api/vouchers/").status_code == 200
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get("/api/vouchers/").status_code == 401
    Token.objects.all().delete()
    assert client.get("/api/vouchers/").status_code == 401


@pytest.mark.parametrize("who", WHO)
def test_people_get_the_vouchers_that_they_may_see(network: Network, who: str) -> None:
    vouchers = {state: voucher_in(state, network) for state in State}
    client = with_token(network, who)
    found = client.get("/api/vouchers/").json()
    expected = {v.reference for state, v in vouchers.items() if may_see(who, state)}
    assert {one["reference"] for one in found["items"]} == expected
    assert found["next"] is None
    for voucher in vouchers.values():
        for path in ("", "evidence/"):
            status = client.get(f"/api/vouchers/{voucher.reference}/{path}").status_code
            assert status == (200 if voucher.reference in expected else 404)


def test_a_voucher_with_its_document(network: Network, voucher: Voucher) -> None:
    found = with_token(network, "author").get(f"/api/vouchers/{voucher.reference}/").json()
    for moment in ("created_at", "changed_at", "submitted_at"):
        assert found.pop(moment)
    assert found == {
        "reference": voucher.reference,
        "title": "Trust",
        "state": "active",
        "kind": "exploration",
        "unit": "spoke",
        "author": "Ada Author",
        "consultant": "Cyra Consultant",
        "offered_to": None,
        "answers": ANSWERS,
        "ended_at": None,
        "starts_on": "2026-03-02",
        "ends_on": "2026-03-11",
        "days": 10,
        "report": "",
        "rating": None,
        "feedback": "",
        "visibility": "private",
        "summary": "",
        "credit": "acknowledgement",
        "tags": [],
        "possible": ["withdraw"],
    }


def test_evidence_is_pushed_and_listed(network: Network, voucher: Voucher, crate: Path) -> None:
    client = with_token(network, "consultant")
    response = push(client, voucher, crate)
    assert response.status_code == 201
    stored = StoredEvidence.objects.get()
    told = {**response.json()}
    assert told.pop("added_at")
    assert told == {
        "id": stored.pk,
        "kit": "accuracy",
        "question": stored.question,
        "answer": stored.answer,
        "sha256": stored.sha256,
        "size": crate.stat().st_size,
        "url": f"http://localhost/evidence/{stored.pk}/",
    }
    address = f"/api/vouchers/{voucher.reference}/evidence/"
    assert with_token(network, "author").get(address).json()["items"] == [response.json()]
    again = push(client, voucher, crate)
    assert again.status_code == 409
    assert again.json() == {"detail": "This voucher has exactly this evidence already."}


def test_a_hostile_crate_is_refused_with_the_reason(
    network: Network, voucher: Voucher, crate: Path, tmp_path: Path
) -> None:
    client = with_token(network, "consultant")
    for hostile, reason in (
        (bomb(tmp_path), "unpacks to more than"),
        (changed(crate, tmp_path), "evidence.json was changed"),
    ):
        response = push(client, voucher, hostile)
        assert response.status_code == 403
        assert reason in response.json()["detail"]
    address = f"/api/vouchers/{voucher.reference}/evidence/"
    assert client.post(address).status_code == 422
    assert not StoredEvidence.objects.exists()


def test_only_the_consultant_pushes(network: Network, voucher: Voucher, crate: Path) -> None:
    for who, status in (("author", 403), ("lead", 403), ("stranger", 404), ("outsider", 404)):
        assert push(with_token(network, who), voucher, crate).status_code == status
    assert not StoredEvidence.objects.exists()


def test_the_kits_are_told_to_everybody_with_their_schema(db: None) -> None:
    kits = {kit["name"]: kit for kit in Client().get("/api/kits/").json()}
    assert list(kits) == [
        "accuracy", "bumphunt", "classification", "compare", "rank", "regression", "shift",
        "surrogate", "watch",
    ]  # fmt: skip
    properties = kits["accuracy"]["parameters"]["properties"]
    assert {"table", "truth", "prediction"} <= properties.keys()


def test_the_api_describes_itself(db: None) -> None:
    document = Client().get("/api/openapi.json").json()
    assert document["info"]["title"] == "evidesk"
    assert len(document["paths"]) > 25
    operation = document["paths"]["/api/vouchers/{reference}/evidence/"]["post"]
    assert set(operation["responses"]) == {
        *("201", "400", "401", "403", "404", "409", "413", "415", "422", "429"),
    }
    assert operation["x-scope"] == "evidence"
    headers = {one["name"] for one in operation["parameters"] if one["in"] == "header"}
    assert headers == {"Idempotency-Key"}
    page = Client().get("/api/docs/")
    assert page.status_code == 200
    html = page.content.decode()
    assert "evidesk" in html
    assert "https://" not in html.replace("https://evidesk", ""), "it loads nothing from elsewhere"
