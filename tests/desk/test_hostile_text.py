"""What no database column holds is turned away kindly, on SQLite and on PostgreSQL."""

from pathlib import Path

import pytest
from django.conf import settings
from django.db import DataError, transaction
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import reverse

from evidesk.desk.middleware import ExplainRefusal
from evidesk.desk.vouchers.models import Voucher
from tests.desk.authorization import PAGES
from tests.desk.authorization_scene import Scene
from tests.desk.conftest import signed_in
from tests.desk.network import Network


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/vouchers/new/", {"inquiry": "\0"}),
        ("/sign-in/as/", {"persona": "auth\0r"}),
        ("/talk/", {"subject": "\0", "text": "Hi", "email": "a@example.org"}),
        ("/me/tokens/", {"name": "lap\0top"}),
    ],
)
def test_a_form_with_the_character_nul_is_answered_and_changes_nothing(
    network: Network, path: str, data: dict[str, str]
) -> None:
    response = signed_in(network.author).post(path, data)
    assert response.status_code in (200, 400, 404)
    assert not Voucher.objects.exists()


@pytest.mark.parametrize("path", ["/vouchers/?q=%00&page=%00", "/sign-in/?next=%00", "/?%00=%00"])
def test_a_query_with_the_character_nul_is_answered(network: Network, path: str) -> None:
    assert signed_in(network.author).get(path).status_code in (200, 302)


@pytest.mark.parametrize("path", ["/inquiries/%00/", "/vouchers/V-%00/edit/", "/kits/%00"])
def test_nothing_is_found_under_an_address_with_nul(network: Network, path: str) -> None:
    assert signed_in(network.author).get(path).status_code == 404


def test_a_session_cookie_with_nul_is_nobodys(network: Network) -> None:
    client = signed_in(None)
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32 + "\0"
    response = client.get("/vouchers/")
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/sign-in/")


def test_what_a_column_cannot_hold_is_explained_and_given_back(db: None) -> None:
    request = RequestFactory().post("/talk/", {"text": "My long text"})
    response = ExplainRefusal(lambda _: HttpResponse()).process_exception(request, DataError())
    assert response is not None
    assert response.status_code == 400
    assert b"That cannot be kept" in response.content
    assert b"My long text" in response.content


def test_nul_in_any_field_of_any_form_or_query_is_no_fault_of_the_desk(
    db: None, media: Path, crates: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidesk.desk.middleware.RATES", {})
    scene = Scene("active", "network", *crates[:2])
    scene.session_id = "\0"
    clients = {who: signed_in(scene.people[who]) for who in ("author", "consultant", "office")}
    for client in clients.values():
        client.raise_request_exception = False
    names = ("q", "page", "next", "unit", "kind", "state", "sort", "week", "consultant", "period")
    for line in PAGES:
        for method, serves in line.serves.items():
            who = next((one for one in clients if serves.allows(scene.case(one))), "author")
            data = serves.data(scene) if callable(serves.data) else serves.data
            hostile = {
                name: f"{value}\0" if isinstance(value, str) else value
                for name, value in data.items()
            }
            with transaction.atomic():
                address = reverse(line.name, args=line.args(scene))
                if method == "POST":
                    response = clients[who].post(address, hostile)
                else:
                    response = clients[who].get(address, dict.fromkeys(names, "a\0"))
                assert response.status_code < 500, (who, method, line.name)
                transaction.set_rollback(True)
