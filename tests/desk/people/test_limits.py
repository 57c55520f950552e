"""Whoever tries too often is told when to come back, and nobody else is."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone

from evidesk.desk import middleware
from evidesk.desk.people.limits import Limit, address_of, forget_old, spend
from evidesk.desk.people.models import RateWindow
from evidesk.desk.vouchers.models import Inquiry
from tests.desk.conftest import signed_in
from tests.desk.network import Network

THREE = Limit(3, 600)
INQUIRY = {"subject": "Hello", "text": "May I ask?", "email": "a@example.org"}


def test_so_many_tries_are_allowed_and_then_one_waits(db: None) -> None:
    assert [spend("talk", "1.2.3.4", THREE) for _ in range(3)] == [0, 0, 0]
    assert 590 <= spend("talk", "1.2.3.4", THREE) <= 600
    assert spend("talk", "1.2.3.5", THREE) == 0
    assert spend("api", "1.2.3.4", THREE) == 0


def test_after_the_window_one_may_try_again(db: None) -> None:
    for _ in range(4):
        spend("talk", "1.2.3.4", THREE)
    RateWindow.objects.update(begun_at=timezone.now() - timedelta(seconds=601))
    assert spend("talk", "1.2.3.4", THREE) == 0
    assert RateWindow.objects.get().count == 1


def test_addresses_are_not_kept_and_old_windows_go(db: None) -> None:
    spend("talk", "1.2.3.4", THREE)
    window = RateWindow.objects.get()
    assert "1.2.3.4" not in window.key
    assert str(window).startswith("1 since ")
    assert forget_old() == 0
    RateWindow.objects.update(begun_at=timezone.now() - timedelta(days=2))
    assert forget_old() == 1


@pytest.mark.parametrize(
    ("demo", "forwarded", "address"),
    [
        (False, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (False, None, "127.0.0.1"),
        (True, "6.6.6.6", "127.0.0.1"),
    ],
)
def test_only_what_our_proxy_wrote_tells_the_address(
    settings: Any, demo: bool, forwarded: str | None, address: str
) -> None:
    settings.DEMO = demo
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    assert address_of(RequestFactory().get("/", **headers)) == address  # type: ignore[arg-type]


def test_too_many_inquiries_are_refused_with_the_text_given_back(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(middleware.RATES, "talk", THREE)
    client = signed_in(None)
    for _ in range(3):
        assert client.post("/talk/", INQUIRY).status_code == 302
    refused = client.post("/talk/", INQUIRY)
    assert refused.status_code == 429
    assert 590 <= int(refused["Retry-After"]) <= 600
    page = refused.content.decode()
    assert "try again in 10 minutes" in page
    assert "May I ask?" in page
    assert Inquiry.objects.count() == 3
    assert client.get("/talk/").status_code == 200


def test_the_api_says_so_in_json(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(middleware.RATES, "api", Limit(1, 30))
    client = signed_in(None)
    assert client.get("/api/vouchers/").status_code == 401
    refused = client.get("/api/vouchers/")
    assert refused.status_code == 429
    assert "try again in 1 minute." in refused.json()["detail"]
