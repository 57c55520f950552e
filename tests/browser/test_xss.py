"""Hostile texts in every text that the desk keeps, on every page that shows them: nothing runs.

The texts are written into the columns themselves, past every form, for names come from log-ins,
file names from uploads, replies from mail, and evidence from anywhere. A new column is filled too,
unless it is named in `KEPT`. SQLite keeps texts of any length, so that each column holds them all.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.db import IntegrityError, models, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from markdown_it import MarkdownIt
from playwright.sync_api import BrowserContext, Error, Page, Route, sync_playwright
from pytest_django.live_server_helper import LiveServer

from evidesk.desk.hooks.actions import ping
from evidesk.desk.hooks.models import Delivery
from evidesk.desk.middleware import RATES
from evidesk.desk.people import catalogue
from evidesk.desk.people.models import Person
from evidesk.desk.runs.models import Run, RunFile
from evidesk.desk.templatetags import evidesk as filters
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import Booking
from evidesk.desk.watches.models import Batch, Watch
from evidesk.evidence import printable
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.payloads import PAYLOADS
from tests.desk.authorization import PAGES
from tests.desk.authorization_scene import PLACES, STARTS_ON, Scene
from tests.evidence.samples import an_evidence

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]

#: Columns that no text of a person reaches: what the desk itself computes, looks up or signs.
KEPT = {
    *("audit.Entry", "audit.Sealed", "audit.Head", "people.Session", "people.RateWindow"),
    *("rest.Once", "lists.Words", "notices.Calendar", "workers.Worker", "notices.Digest"),
    *("people.Person.password", "people.Person.issuer", "people.Person.consented_to"),
    *("people.Unit.slug", "people.Token.digest", "vouchers.Kind.slug"),
    *("vouchers.Voucher.reference", "vouchers.Event.kind", "vouchers.Attachment.sha256"),
    *("vouchers.Inquiry.key", "runs.Run.kit", "runs.StoredEvidence.sha256"),
    *("notices.Notice.kind", "notices.Reply.digest", "hooks.Hook.events", "hooks.Hook.salt"),
    *("hooks.Delivery.event", "watches.Batch.sha256", "watches.WatchState.figure"),
}
#: What is left of the worst name when a file is taken.
HOSTILE_NAME = "\"><img src=x onerror=__xss('name')>' autofocus onfocus='__xss(1)"
#: Values of JSON that name something.
_KEYS = {"key", "name", "verdict", "kind", "kit", "type", "figure", "table"}
#: Who looks at a page that several may see.
VIEWERS = ("office", "author", "consultant", "lead", "colleague", "nobody")
STATES = ("active", "draft", "submitted", "offered", "reported", "closed")

TRIPWIRE = """
window.__fired = [];
for (const name of ['alert', 'confirm', 'prompt']) window[name] = () => window.__xss(name);
document.addEventListener('securitypolicyviolation', ({violatedDirective, blockedURI}) =>
  window.__fired.push(`policy: ${violatedDirective} ${blockedURI}`));
"""
#: What is in the page that people must not be able to put there.
LOOK = r"""() => {
  const found = [...window.__fired];
  const active = 'iframe,object,embed,base,math,foreignObject,animate,style,frame,xmp,marquee';
  for (const one of document.querySelectorAll(active)) found.push('element ' + one.outerHTML);
  for (const one of document.scripts)
    if (!one.src || new URL(one.src).origin !== location.origin)
      found.push('script ' + one.outerHTML);
  for (const one of document.querySelectorAll('*')) for (const {name, value} of one.attributes) {
    const address = value.replace(/[\u0000-\u0020]/g, '');
    if (/^on/i.test(name)) found.push(`handler ${name} on ${one.localName}`);
    if (/^(javascript|vbscript|data):/i.test(address) && !/^(value|content|title)$/.test(name)
        && !(one.localName === 'img' && /^data:image/.test(address))
        && !/^data-|^aria-|^alt$|^placeholder$/.test(name))
      found.push(`address ${name} of ${one.localName}`);
    if (name === 'style' && !one.closest('svg')) found.push(`style of ${one.localName}`);
    if (name === 'http-equiv') found.push('meta ' + value);
  }
  return found.map(text => text.slice(0, 150));
}"""


def corpus(order: int) -> str:
    """All payloads: forwards, backwards, or mixed, for one can hide those after it."""
    texts = list(PAYLOADS)
    if order == 1:
        texts.reverse()
    elif order:
        random.Random(order).shuffle(texts)
    return "\n\n".join(texts)


def poisoned(value: Any, text: str) -> Any:
    """JSON with the text in place of each of its texts."""
    if isinstance(value, str):
        return text
    if isinstance(value, list):
        return [poisoned(one, text) for one in value]
    if isinstance(value, dict):
        return {
            key: one if key in _KEYS and isinstance(one, str) else poisoned(one, text)
            for key, one in value.items()
        }
    return value


def text_columns() -> Iterator[tuple[type[models.Model], models.Field[Any, Any]]]:
    for model in apps.get_models():
        label = model._meta.label
        if not model.__module__.startswith("evidesk.") or label in KEPT:
            continue
        for column in model._meta.concrete_fields:
            is_text = isinstance(column, models.CharField | models.TextField | models.JSONField)
            if is_text and not column.choices and f"{label}.{column.name}" not in KEPT:
                yield model, column


def poison(text: str) -> set[str]:
    """Write the text into every text column; returns those that had a row to write it to."""
    reached = set()
    with transaction.atomic():
        for model, column in text_columns():
            for row in model._base_manager.all():
                value = getattr(row, column.name)
                if isinstance(column, models.JSONField):
                    new = poisoned(value, text)
                else:
                    new = f"{text}\n{row.pk}"  # for some are unique
                if (model._meta.model_name, column.name) == ("attachment", "name"):
                    new = f"{HOSTILE_NAME}{row.pk}.csv"  # a name that a file system takes
                # Not `save`, which would write the search index and more.
                found = model._base_manager.filter(pk=row.pk)
                # Some are empty as long as the row is in its state, and the database sees to it.
                with suppress(IntegrityError), transaction.atomic():
                    found.update(**{column.name: new})
                    reached.add(f"{model._meta.label}.{column.name}")
    return reached


@pytest.fixture
def server(
    file_database: None, media: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LiveServer]:
    if CHROMIUM is None:
        pytest.skip("Chromium is missing (Debian's package `chromium`)")
    for name in list(RATES):
        monkeypatch.delitem(RATES, name)
    server = LiveServer("127.0.0.1")
    yield server
    server.stop()


def _packed(texts: list[str], longest: int = 500) -> list[str]:
    """The texts, several in one: a page with a picture for each would take minutes to load."""
    packed = [""]
    for text in texts:
        if len(packed[-1]) + len(text) >= longest:
            packed.append("")
        packed[-1] += f"{text} "
    return [text for text in packed if text.strip()]


def hostile_crate(folder: Path) -> Path:
    """Evidence that says all that evidence may say; its images are checked when they are read."""
    texts = [printable(text) for text in PAYLOADS]
    short = [text for text in texts if len(text) <= 500 and text.strip()]
    plain = an_evidence()
    figure, table = plain.figures[0], plain.tables[0]
    rows = tuple((text, 1, 1.0, 1.0) for text in texts)
    hostile = replace(
        plain,
        question="\n".join(short)[:5000],
        answer="\n".join(reversed(short))[:5000],
        warnings=tuple(short),
        findings=tuple(replace(plain.findings[0], sentence=text) for text in short),
        figures=tuple(
            replace(figure, name=f"bars-{number}" if number else "bars", title=text, alt=text)
            for number, text in enumerate(_packed(short))
        ),
        tables=(replace(table, title=short[0], rows=rows),),
        provenance=replace(plain.provenance, agent=short[-1], parameters={short[1]: texts}),
    )
    return hostile.write(folder / "hostile.zip")


class Visit:
    """The addresses that are looked at, each by somebody, and what was found there."""

    def __init__(self, scene: Scene, address: str) -> None:
        self.scene, self.address = scene, address
        self.cookies: dict[str, str] = {}
        for name in VIEWERS:
            if person := scene.people.get(name):
                client = Client(HTTP_HOST="localhost")
                client.force_login(Person.objects.get(pk=person.pk))
                self.cookies[name] = client.cookies[django_settings.SESSION_COOKIE_NAME].value
        self.faults: list[str] = []
        self.opened = 0

    def pages(self, only_of_voucher: bool = False) -> list[tuple[str, str]]:
        """(who, path) of every page that answers with HTML, for everybody who sees it in a way of
        their own."""
        found = []
        for line in PAGES:
            serves = line.serves.get("GET")
            if serves is None or (only_of_voucher and not line.is_about_the_voucher):
                continue
            if line.name in ("figure", "many-done", "health"):
                continue
            path = reverse(line.name, args=line.args(self.scene))
            for who in VIEWERS[:3] if line.is_about_the_voucher else VIEWERS:
                is_in = PLACES[who] is not None or not serves.signed_in
                if is_in and serves.status(self.scene.case(who)) == 200:
                    found.append((who, path))
                    if not line.is_about_the_voucher:
                        break
        return list(dict.fromkeys(found))

    def sent(self, text: str) -> list[tuple[str, bytes]]:
        """What pages answer to forms that are full of the text."""
        answers = []
        client = Client(HTTP_HOST="localhost", raise_request_exception=False)
        for line in PAGES:
            serves = line.serves.get("POST")
            if serves is None or line.name in ("sign-out", "attach"):
                continue
            data = serves.data(self.scene) if callable(serves.data) else serves.data
            who = next((w for w in VIEWERS if serves.allows(self.scene.case(w))), "author")
            client.cookies.clear()
            if who in self.cookies:
                client.cookies[django_settings.SESSION_COOKIE_NAME] = self.cookies[who]
            hostile = dict.fromkeys(data, text) | {"text": text, "title": text, "next": text}
            with transaction.atomic():
                response = client.post(reverse(line.name, args=line.args(self.scene)), hostile)
                transaction.set_rollback(True)
            if response.status_code >= 500:
                self.faults.append(f"POST {line.name} -> {response.status_code}")
            if "text/html" in response.get("Content-Type", "") and not response.streaming:
                answers.append((f"/sent/{line.name}/", response.content))
        return answers

    @contextmanager
    def browser(self, **options: Any) -> Iterator[dict[str, Page]]:
        """A browser window for each of those who look."""
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            windows = {who: self._window(chromium.new_context(**options), who) for who in VIEWERS}
            yield windows
            chromium.close()

    def _window(self, context: BrowserContext, who: str) -> Page:
        if who in self.cookies:
            name = django_settings.SESSION_COOKIE_NAME
            context.add_cookies([{"name": name, "value": self.cookies[who], "url": self.address}])
        context.expose_function("__xss", lambda what=None: self.faults.append(f"ran {what}"))
        context.add_init_script(TRIPWIRE)
        context.route(lambda url: not url.startswith((self.address, "data:")), self._stop)
        page = context.new_page()
        page.on("dialog", lambda dialog: (self.faults.append("a dialog"), dialog.dismiss()))
        page.on("popup", lambda _: self.faults.append("a window was opened"))
        return page

    def _stop(self, route: Route) -> None:
        self.faults.append(f"{route.request.frame.url} fetched {route.request.url[:100]}")
        route.abort()

    def open(self, page: Page, path: str) -> None:
        self.opened += 1
        try:
            response = page.goto(f"{self.address}{path}")
            assert response is not None
            if response.status >= 500 or (response.status != 200 and "/sent/" not in path):
                self.faults.append(f"{path} -> {response.status}")
            self.faults += [f"{path}: {what}" for what in page.evaluate(LOOK)]
        except Error as fault:
            if "Download is starting" not in fault.message:  # a file, which no browser runs
                self.faults.append(f"{path}: {fault.message[:100]}")  # the page has led elsewhere


def fill_what_is_empty(scene: Scene) -> None:
    """Rows of the kinds that a voucher on the good way does not have."""
    author, now = scene.people["author"], timezone.now()
    hook = author.hooks.get()
    ping(hook, author)
    Delivery.objects.update(
        state="failed", ended_at=now, fault="Nobody answers.", payload={"text": "Hello"}
    )
    hook.pk, hook.disabled_at, hook.disabled_because = None, now, "It never answers."
    hook.save()
    Run.objects.filter(state="cancelled").update(state="failed", fault="No such column.")
    for run in Run.objects.all():
        RunFile.objects.create(run=run, parameter="current", attachment=run.attachment)
    watched = {"size": 1, "uploader": author, "name": "a.csv"}
    for watch in Watch.objects.all():
        Batch.objects.create(
            watch=watch, sha256="1" * 64, state="refused", ended_at=now, fault="No.", **watched
        )
        Batch.objects.create(
            watch=watch, sha256="2" * 64, state="taken", ended_at=now, number=1, first_row=1,
            rows=5, log_e=4.0, p_value=0.01, alarm=3, **watched,
        )  # fmt: skip
    first, second = Watch.objects.values_list("pk", flat=True)[:2] or (0, 0)
    Watch.objects.filter(pk=first).update(alarm=3, alarm_at=now, warnings=["Few rows."])
    Watch.objects.filter(pk=second).update(is_begun=False, stopped_at=now, fault="Too few rows.")
    if scene.voucher.consultant:
        Booking.objects.create(
            voucher=scene.voucher, person=scene.voucher.consultant, week=STARTS_ON, hours=1,
            reason="It has to be.",
        )  # fmt: skip
    answered = actions.inquire(subject="Hi", text="Hello", email="a@example.org", person=author)
    actions.answer_inquiry(answered, scene.people["lead"], "Yes.")


def answering(html: bytes) -> Callable[[Route], None]:
    return lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8")


def a_poisoned_scene(state: str, tmp_path: Path, text: str) -> Scene:
    crate = hostile_crate(tmp_path)
    scene = Scene(state, "public-summary", crate, crate)
    scene.session_id = "0"
    office = scene.people["office"]
    fill_what_is_empty(scene)
    seen = catalogue.version_of(scene.tag)
    scene.tag.name = text
    catalogue.change(scene.tag, office, seen=seen)  # its history is told in the audit chain
    return scene


def test_nearly_every_text_column_is_filled(server: LiveServer, tmp_path: Path) -> None:
    a_poisoned_scene("closed", tmp_path, corpus(0))
    reached = poison(corpus(0))
    wanted = {f"{model._meta.label}.{column.name}" for model, column in text_columns()}
    assert wanted - reached == set()
    assert len(PAYLOADS) == len(set(PAYLOADS)) >= 60


@pytest.mark.parametrize("state", STATES)
def test_no_text_of_anybody_becomes_active_on_any_page(
    server: LiveServer, tmp_path: Path, state: str
) -> None:
    text = corpus(0)
    scene = a_poisoned_scene(state, tmp_path, text)
    visit = Visit(scene, server.url)
    paths = visit.pages(only_of_voucher=state != "active")
    for order in range(3 if state == "active" else 1):
        poison(corpus(order))
        answers = visit.sent(corpus(order)) if order == 0 else []
        with visit.browser(bypass_csp=True) as windows:
            for who, path in paths:
                visit.open(windows[who], path)
            for path, html in answers:
                window = windows["author"]
                window.route(f"**{path}", answering(html))
                visit.open(window, path)
    assert not visit.faults, f"{visit.opened} pages:\n" + "\n".join(visit.faults[:40])


def test_no_page_breaks_its_own_content_security_policy(server: LiveServer, tmp_path: Path) -> None:
    scene = a_poisoned_scene("active", tmp_path, corpus(0))
    poison(corpus(0))
    visit = Visit(scene, server.url)
    with visit.browser() as windows:
        for who, path in visit.pages():
            visit.open(windows[who], path)
    assert not visit.faults, f"{visit.opened} pages:\n" + "\n".join(visit.faults[:40])


@pytest.fixture
def unknown_markdown() -> Iterator[None]:
    """No text was rendered before, and none stays rendered."""
    filters.markdown.cache_clear()
    yield
    filters.markdown.cache_clear()


@pytest.mark.usefixtures("unknown_markdown")
def test_markdown_that_is_not_cleaned_is_found(
    server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = a_poisoned_scene("active", tmp_path, corpus(0))
    poison(corpus(0))
    visit = Visit(scene, server.url)
    monkeypatch.setattr(filters, "_markdown", MarkdownIt("commonmark", {"html": True}))
    monkeypatch.setattr(filters.nh3, "clean", lambda html, **_: html)
    with visit.browser(bypass_csp=True) as windows:
        visit.open(windows["author"], reverse("voucher", args=[scene.reference]))
    told = "\n".join(visit.faults)
    assert "ran " in told
    assert "fetched http://xss.invalid" in told
