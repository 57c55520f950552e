"""What holds for all pages: headers, refusals that are explained, limits. Who may do what is in
`test_authorization.py`."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from evidesk.desk.hooks.actions import add_hook
from evidesk.desk.hooks.models import EVENTS
from evidesk.desk.middleware import ExplainRefusal
from evidesk.desk.notices import actions as notices
from evidesk.desk.notices.addresses import unsubscribe_token
from evidesk.desk.notices.models import Mail
from evidesk.desk.people.actions import create_token
from evidesk.desk.people.rules import Conflict
from evidesk.desk.runs.models import Run, StoredEvidence
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import Attachment, State, Voucher
from evidesk.desk.watches.actions import begin_watch
from tests.desk.conftest import signed_in
from tests.desk.network import Network, a_run, an_attachment, some_evidence, voucher_in

OF_WATCH = ("watch", "watch-status", "watch-path", "add-batch", "stop-watch", "resume-watch")


class Scene:
    """An active voucher with one of everything."""

    def __init__(self, network: Network, crate: Path) -> None:
        self.voucher: Voucher = voucher_in(State.ACTIVE, network)
        self.member = network.consultant
        self.attachment: Attachment = an_attachment(self.voucher, network)
        self.run: Run = a_run(self.voucher, network, self.attachment)
        self.evidence: StoredEvidence = some_evidence(self.voucher, network, crate)
        self.inquiry = actions.inquire(
            subject="Hi", text="Hello", email="a@example.org", person=network.author
        )
        self.token, _ = create_token(network.author, "laptop")
        self.mail = Mail.objects.filter(voucher=self.voucher).latest("pk")
        self.calendar = notices.new_calendar(network.author)
        self.unsubscribe = unsubscribe_token(str(network.author.uid), "message")
        self.watch = begin_watch(
            self.voucher, network.author, name="Leaks", reference=self.attachment, parameters={}
        )
        self.hook = add_hook(network.author, url="https://example.org/", events=EVENTS)

    def address(self, name: str) -> str:
        reference = self.voucher.reference
        given: dict[str, list[Any]] = {
            "inquiry": [self.inquiry.key],
            "member": [self.member.uid],
            "catalogue": ["units"],
            "agreement": [1],
            "add-row": ["units"],
            "edit-row": ["units", self.voucher.unit_id],
            "retire-row": ["units", self.voucher.unit_id],
            "attachment": [reference, self.attachment.pk],
            "step": [reference, "withdraw"],
            "revoke-token": [self.token.pk],
            "office-rows": ["closure"],
            "report-of-year": [timezone.localdate().year],
            "report-of-year-pdf": [timezone.localdate().year],
            "end-session": ["somebody"],
            "view": [1],
            "export-vouchers": ["csv"],
            "remove-group": [1],
            "hook": [self.hook.pk],
            "ping-hook": [self.hook.pk],
            "switch-hook": [self.hook.pk],
            "remove-hook": [self.hook.pk],
            "choose-kit": [reference, self.attachment.pk],
            "start-run": [reference, self.attachment.pk, "accuracy"],
            "run": [self.run.pk],
            "run-status": [self.run.pk],
            "cancel-run": [self.run.pk],
            "go-on-run": [self.run.pk],
            "evidence": [self.evidence.pk],
            "figure": [self.evidence.pk, "bars"],
            "download-evidence": [self.evidence.pk],
            "begin-watch": [reference, self.attachment.pk],
            **{key: [self.watch.pk] for key in OF_WATCH},
            "unsubscribe": [self.unsubscribe],
            "calendar": [self.calendar],
            "mail": [self.mail.pk],
            "retry-mail": [self.mail.pk],
            "cancel-mail": [self.mail.pk],
            "dismiss-reply": [1],
        }
        of_voucher = {"voucher", "edit-voucher", "write", "attach", "report"}
        of_voucher |= {"similar", "offer", "tags", "visibility", "effort", "follow-up", "watches"}
        return reverse(name, args=given.get(name, [reference] if name in of_voucher else []))


@pytest.fixture
def scene(network: Network, crate: Path) -> Scene:
    return Scene(network, crate)


def names(patterns: list[Any]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver) and pattern.namespace is None:
            yield from names(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            assert pattern.name
            yield pattern.name


def test_who_is_not_signed_in_is_led_to_the_page_afterwards(scene: Scene) -> None:
    address = scene.address("voucher")
    response = signed_in(None).get(address)
    assert response.status_code == 302
    assert response.headers["Location"] == f"/sign-in/?next={address}"


@pytest.mark.parametrize(
    "address",
    [
        "/vouchers/V-2026-9999/",
        "/vouchers/V-2026-9999/files/1/",
        "/vouchers/%00/",
        "/vouchers/..%2f..%2fetc/",
        "/runs/99999999999999999999999999/",
        "/evidence/99999999999999999999999999/figures/x.svg",
        "/inquiries/nokey/",
        "/admin/",
        "/nothing/",
    ],
)
def test_an_address_of_nothing_is_a_friendly_404(network: Network, address: str) -> None:
    response = signed_in(network.office).get(address)
    assert response.status_code == 404
    assert b"There is nothing here" in response.content


def test_what_is_not_of_the_voucher_is_not_found_below_it(network: Network, scene: Scene) -> None:
    other = voucher_in(State.ACTIVE, network)
    client = signed_in(network.consultant)
    for address in (
        reverse("attachment", args=[other.reference, scene.attachment.pk]),
        reverse("start-run", args=[other.reference, scene.attachment.pk, "accuracy"]),
        reverse("start-run", args=[scene.voucher.reference, scene.attachment.pk, "unknown"]),
        reverse("step", args=[other.reference, "explode"]),
        reverse("step", args=[other.reference, "report"]),
        reverse("figure", args=[scene.evidence.pk, "unknown"]),
        reverse("figure", args=[scene.evidence.pk, "bars"]).replace("bars", "..%2fbars"),
    ):
        assert client.get(address).status_code == 404, address


def test_pages_carry_the_headers_that_protect_them(network: Network, scene: Scene) -> None:
    response = signed_in(network.author).get(scene.address("voucher"))
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    found = re.search(r"script-src 'nonce-([^']+)'(;|$)", policy)
    assert found is not None
    page = response.content.decode()
    assert page.count("<script") == 2
    assert page.count(f'nonce="{found[1]}"') == 3
    assert f"style-src 'nonce-{found[1]}'" in policy
    assert "unsafe" not in policy
    again = signed_in(network.author).get(scene.address("voucher"))["Content-Security-Policy"]
    assert found[1] not in again
    assert response["Permissions-Policy"].startswith("camera=()")
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"


def test_no_page_has_inline_scripts_or_styles(network: Network, scene: Scene) -> None:
    for name in names(get_resolver().url_patterns):
        response = signed_in(network.consultant).get(scene.address(name))
        if response.status_code == 200 and response["Content-Type"].startswith("text/html"):
            html = response.content.decode()
            assert html.count("<script") == html.count("<script src=") <= 2, name
            assert " style=" not in html, name
            assert "<style" not in html, name


def test_forms_without_their_csrf_token_are_turned_away(network: Network, scene: Scene) -> None:
    client = signed_in(network.author, enforce_csrf_checks=True)
    posts: dict[str, Callable[[], Any]] = {
        name: lambda name=name: client.post(scene.address(name), {"text": "x"})
        for name in ("talk", "new-voucher", "write", "attach", "step", "sign-in-as", "sign-out")
    }
    for name, post in posts.items():
        response = post()
        assert response.status_code == 403, name
        assert b"Please try again" in response.content


def test_who_is_signed_out_meanwhile_gets_back_what_they_typed(
    network: Network, scene: Scene
) -> None:
    visitor = signed_in(None)
    response = visitor.post(scene.address("write"), {"text": "A long message, lost no more."})
    assert response.status_code == 401
    assert b"You are signed out" in response.content
    assert b"A long message, lost no more." in response.content
    htmx = {"HX-Request": "true"}
    html = visitor.post(scene.address("edit-voucher"), {"title": "x"}, headers=htmx)
    assert b"You are signed out, so nothing is saved." in html.content
    assert b"<html" not in html.content


def test_a_form_that_is_too_old_gives_back_what_was_typed(network: Network, scene: Scene) -> None:
    client = signed_in(network.author, enforce_csrf_checks=True)
    html = client.post(scene.address("write"), {"text": "Typed for an hour."}).content.decode()
    assert "Please try again" in html
    assert "Typed for an hour." in html


def test_an_address_for_forms_says_so_to_who_only_looks(network: Network, scene: Scene) -> None:
    response = signed_in(network.author).get(scene.address("write"))
    assert response.status_code == 405
    assert b"only takes what a form sends" in response.content


def test_a_body_over_the_limit_is_turned_away_before_anybody_reads_it(
    network: Network, scene: Scene, settings: Any
) -> None:
    settings.MAX_UPLOAD_BYTES = 2**20

    class Unread:
        def read(self, *_: Any) -> bytes:
            raise AssertionError("read")

        readline = read

    def post(path: str, length: str) -> Any:
        return signed_in(network.author).generic(
            "POST", path, content_type="multipart/form-data; boundary=x",
            CONTENT_LENGTH=length, **{"wsgi.input": Unread()},
        )  # fmt: skip

    response = post(scene.address("attach"), str(2**21 + 1))
    assert response.status_code == 413
    assert b"Files up to 1 MB can be uploaded" in response.content
    assert post(scene.address("write"), str(2**20 + 1)).status_code == 413, "it takes no files"
    assert post("/talk/", str(2**20 + 1)).status_code == 413
    response = post(f"/api/vouchers/{scene.voucher.reference}/evidence/", str(2**21 + 1))
    assert response.status_code == 413
    assert "Files up to 1 MB" in response.json()["detail"]
    assert signed_in(None).get("/health/", CONTENT_LENGTH="many").status_code == 200


def test_the_desk_answers_as_a_wsgi_application(db: None) -> None:
    from evidesk.desk.wsgi import application

    environ: dict[str, Any] = {"HTTP_HOST": "localhost", "PATH_INFO": "/health/"}
    setup_testing_defaults(environ)
    told: list[str] = []
    body = application(environ, lambda status, headers: told.append(status))
    assert (told, b"".join(body)) == (["200 OK"], b"ok")


def test_a_conflict_that_no_page_explains_is_explained_all_the_same() -> None:
    explain = ExplainRefusal(lambda request: HttpResponse())
    conflict = Conflict("Somebody was faster.")
    response = explain.process_exception(RequestFactory().get("/"), conflict)
    assert response.status_code == 409
    assert b"Somebody was faster." in response.content
    assert explain.process_exception(RequestFactory().get("/"), ValueError()) is None
