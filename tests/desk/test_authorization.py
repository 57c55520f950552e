"""Who may do what: every address x method x person x state and visibility of the voucher.

Each combination of `authorization.py` is really requested, with data that would be taken, in a
transaction that is undone. The addresses come from the resolver, the operations from the API.
"""

import logging
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from evidesk.desk.api import api
from evidesk.desk.lists.many import STEPS_FOR_MANY
from evidesk.desk.mail_settings import Server
from evidesk.desk.middleware import RATES
from evidesk.desk.people.actions import create_token, revoke_token
from evidesk.desk.people.models import Scope
from evidesk.desk.people.rules import ALLOWED
from evidesk.desk.vouchers import rules as voucher_rules
from tests.desk.authorization import (
    API,
    OF_VOUCHER,
    PAGES,
    WITH_EVIDENCE_TOKEN,
    WITHOUT_CONSENT,
    Line,
    Serves,
    sees,
)
from tests.desk.authorization_scene import INNER, OTHER, PLACES, TITLE, Case, Scene
from tests.evidence.samples import an_evidence

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
#: States with visibilities: all of the three that the author chooses it in, then the other states.
SCENES = [
    *((state, seen) for state in ("draft", "submitted", "closed")
      for seen in ("private", "network", "public-summary")),
    *((state, "private") for state in ("offered", "active", "reported")),
    ("active", "network"),
]  # fmt: skip
#: What does not hang on the voucher is asked for here.
MAIN = ("active", "private")
if connection.vendor == "postgresql":
    # The rules are the same there; that their queries are, one scene shows.
    SCENES = [MAIN]
BY_BROWSERS, SAFE = ("GET", "HEAD", "POST"), ("GET", "HEAD")
_OPERATIONS = {line.name for line in API}
#: Kept of whoever comes by, whatever they may do: not what a rule protects.
_BOOKKEEPING = {"people_session", "people_ratewindow"}


# What is written


class Writes:
    """Notes that rows were changed while it is open; the work of telling is then worth it."""

    def __init__(self) -> None:
        self.tables: set[str] = set()

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        found = re.match(r'(INSERT INTO|UPDATE|DELETE FROM) "?(\w+)', sql)
        # How many were inserted is not known before they are fetched.
        if found and (found[1] == "INSERT INTO" or context["cursor"].rowcount):
            self.tables.add(found[2])
        if sql.startswith('UPDATE "people_token" SET "last_used_at"'):
            self.tables.discard("people_token")
        self.tables -= _BOOKKEEPING
        return result


def fingerprint() -> str:
    """A digest of every row of every table."""
    digest = sha256()
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        if table in _BOOKKEEPING or not model._meta.managed:
            continue
        columns = [one.attname for one in model._meta.concrete_fields]
        columns = [one for one in columns if (table, one) != ("people_token", "last_used_at")]
        rows = model._base_manager.order_by("pk").values_list(*columns)
        digest.update(repr((table, list(rows))).encode())
    return digest.hexdigest()


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# Asking


class Desk:
    """The scene with everybody signed in, and whatever is wrong with its answers."""

    def __init__(self, state: str, visibility: str, crates: list[Path], settings: Any) -> None:
        self.scene = Scene(state, visibility, *crates)
        self.settings = settings
        self.faults: list[str] = []
        self.requests = 0
        self.cookies: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        for name, person in self.scene.people.items():
            client = Client(HTTP_HOST="localhost")
            client.force_login(person)
            self.cookies[name] = client.cookies[django_settings.SESSION_COOKIE_NAME].value
            _, self.tokens[name] = create_token(person, "matrix", scope=Scope.WRITE)
        self.scene.session_id = self.scene.people["author"].sessions.get().public_id
        # One for all: to make a client loads all middleware.
        self.client = Client(HTTP_HOST="localhost", raise_request_exception=False)
        self.before = fingerprint()

    def ask(
        self,
        who: str,
        line: Line,
        method: str,
        serves: Serves,
        expected: int,
        *,
        token: str | None = None,
        must_write: bool | None = False,
    ) -> None:
        """Ask, and note what is not as it should be."""
        scene, case = self.scene, self.scene.case(who)
        is_api = line.name in _OPERATIONS
        data = serves.data(scene) if callable(serves.data) else serves.data
        query = serves.query(scene) if callable(serves.query) else serves.query
        client = self.client
        client.cookies.clear()
        headers = {}
        if is_api:
            if token is None:
                token = self.tokens.get(who, "")
            headers = {"Authorization": f"Bearer {token}"} if token else {}
        elif who in self.cookies:
            client.cookies[django_settings.SESSION_COOKIE_NAME] = self.cookies[who]
        options: dict[str, Any] = {"headers": headers}
        if query:
            options["query_params"] = query
        if method in ("POST", "PUT", "PATCH"):
            has_file = any(hasattr(one, "read") for one in data.values())
            options["data"] = data
            if is_api and not has_file:
                options["content_type"] = "application/json"
            elif method != "POST":
                options.update(data=b"", content_type="application/octet-stream")
        writes = Writes()
        address = self.address(line)
        with undone(), self.mailing(serves):
            files = self.files()
            with connection.execute_wrapper(writes):
                response = getattr(client, method.lower())(address, **options)
                content = contents_of(response)
            changed = bool(writes.tables) and fingerprint() != self.before
            changed |= expected >= 300 and not changed and self.files() != files
        self.requests += 1
        told = f"{who}: {method} {line.name} {dict(query) or ''} of {case.state}/{case.visibility}"
        if response.status_code != expected:
            self.faults.append(f"{told} -> {response.status_code}, not {expected}")
        elif must_write is not None and changed != must_write:
            change = f"changed {sorted(writes.tables)}" if changed else "changed nothing"
            self.faults.append(f"{told} -> {response.status_code} {change}")
        if method in ("GET", "POST"):
            self.look_for_leaks(told, case, line, serves, response, content)

    def look_for_leaks(
        self, told: str, case: Case, line: Line, serves: Serves, response: Any, content: bytes
    ) -> None:
        """Nothing of a voucher in any answer to whoever may not see it."""
        status, query = response.status_code, response.request["QUERY_STRING"]
        address = response.request["PATH_INFO"]
        is_reader = case.who not in ("nobody", "ended", "newcomer")
        sees_it = is_reader and sees(case)
        shows = serves.shows is not None and serves.shows(case) and status == 200
        shows &= is_reader or (not serves.signed_in and case.who != "newcomer")
        if serves.shows is not None and shows != (TITLE.encode() in content):
            self.faults.append(f"{told} {'hides' if shows else 'shows'} the title")
        # A calendar's secret opens the author's; what a lead was told remains theirs.
        is_theirs = "export" in line.name and case.who == "left"
        if sees_it or shows or is_theirs or line.name == "calendar":
            pass
        else:
            words = {word for word in (INNER, TITLE, self.scene.reference) if word not in query}
            # Notices that somebody was sent keep the reference, and what is sent is sent back.
            steps = (f"vouchers/many/{one}/" for one in STEPS_FOR_MANY)
            sends_back = ("notices", "notices/", "many", *steps)
            if self.scene.reference in address or line.name in sends_back:
                words.discard(self.scene.reference)
            if any(word.encode() in content for word in words):
                self.faults.append(f"{told} tells of the voucher")
        sees_other = is_reader and any(unit == "hub" for unit, _ in PLACES[case.who] or ())
        if not sees_other and OTHER.encode() in content:
            self.faults.append(f"{told} tells of the other voucher")

    def address(self, line: Line) -> str:
        if line.name not in _OPERATIONS:
            return reverse(line.name, args=line.args(self.scene))
        args = iter(line.args(self.scene))
        return "/api/" + re.sub(r"\{[^}]+\}", lambda _: str(next(args)), line.name)

    def files(self) -> int:
        return sum(1 for _ in Path(self.settings.MEDIA_ROOT).rglob("*"))

    @contextmanager
    def mailing(self, serves: Serves) -> Iterator[None]:
        if not serves.in_desk_that_mails:
            yield
            return
        self.settings.DEMO = False
        self.settings.MAIL = replace(self.settings.MAIL, smtp=Server("smtp", "127.0.0.1", 1))
        yield
        self.settings.DEMO = True


def contents_of(response: Any) -> bytes:
    """What is sent, and what is packed in it."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    if content[:2] == b"PK":
        with zipfile.ZipFile(BytesIO(content)) as packed:
            content += b"".join(packed.read(name) for name in packed.namelist())
    return bytes(content)


def shown_as(case: Case) -> Case:
    """Whoever is shut out is nobody."""
    return replace(case, who="nobody") if case.who == "ended" else case


def page_status(line: Line, method: str, serves: Serves, case: Case) -> int:
    """The answer to a page's request, after what holds for every page."""
    is_form = method == "POST"
    if case.who in ("nobody", "ended"):
        if serves.signed_in:
            return 401 if is_form else 302
        case = shown_as(case)
    elif case.who == "newcomer" and line.name not in WITHOUT_CONSENT:
        return 403 if is_form else 302
    return serves.status(case)


def api_status(serves: Serves, case: Case) -> int:
    if serves.signed_in and case.who in ("nobody", "ended"):
        return 401
    if serves.signed_in and case.who == "newcomer":
        return 403
    return serves.status(case)


def ask_everybody(desk: Desk, lines: list[Line]) -> None:
    is_main = (desk.scene.state, desk.scene.visibility) == MAIN
    # What is the same whatever the voucher is need not be asked for each.
    people = [who for who in PLACES if is_main or who not in ("ended", "newcomer")]
    for line in lines:
        for method, serves in line.serves.items():
            if method == "HEAD" and not is_main:
                continue
            for who in people:
                case = desk.scene.case(who)
                if line in API:
                    expected = api_status(serves, case)
                else:
                    expected = page_status(line, method, serves, case)
                is_turned_away = who in ("nobody", "ended", "newcomer") and (
                    serves.signed_in or (who == "newcomer" and line.name not in WITHOUT_CONSENT)
                )
                if who == "newcomer" and line.name in WITHOUT_CONSENT:
                    is_turned_away = False
                allowed = not is_turned_away and serves.allows(shown_as(case))
                must_write = serves.writes if allowed else False
                desk.ask(who, line, method, serves, expected, must_write=must_write)


@pytest.fixture(scope="module")
def crates(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One that the voucher has, and one that can be pushed."""
    folder = tmp_path_factory.mktemp("crates")
    return [
        an_evidence(later=timedelta(hours=hour)).write(folder / f"{hour}.zip") for hour in range(2)
    ]


Make = Callable[[str, str], Desk]


@pytest.fixture
def make(
    db: Any, media: Path, crates: list[Path], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Make:
    for name in list(RATES):
        monkeypatch.delitem(RATES, name)  # counting is tried elsewhere
    monkeypatch.setattr(logging.getLogger("django.request"), "disabled", True)  # thousands of lines
    return lambda state, visibility: Desk(state, visibility, crates, settings)


def told(desk: Desk) -> None:
    assert not desk.faults, "\n".join(
        [f"{len(desk.faults)} of {desk.requests} answers are wrong:", *desk.faults[:60]]
    )


# What is asked


def leaves(patterns: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(namespace and name, route) of every address."""
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from leaves(one.url_patterns, f"{prefix}{one.pattern}")
        else:
            assert isinstance(one, URLPattern)
            yield str(one.name), f"{prefix}{one.pattern}"


def test_every_address_has_a_line_and_every_line_an_address() -> None:
    found = list(leaves(get_resolver().url_patterns))
    pages = {name for name, route in found if not route.startswith("api/")}
    assert pages == {line.name for line in PAGES}
    routes = {
        re.sub(r"<(?:str:)?([^>]+)>", r"{\1}", route.removeprefix("api/")).replace("idstr:", "id:")
        for _, route in found if route.startswith("api/")
    }  # fmt: skip
    assert routes == {line.name for line in API}
    assert {line.name for line in PAGES + API} >= OF_VOUCHER


def test_every_operation_of_the_api_has_a_line() -> None:
    described = {
        (method.upper(), path.removeprefix("/api/"))
        for path, methods in api.get_openapi_schema(path_prefix="/api/")["paths"].items()
        for method in methods
    }
    listed = {(method, plain(line.name)) for line in API for method in line.serves}
    about = {(method, path) for method, path in listed if path in ("openapi.json", "docs/", "")}
    assert {(method, plain(path)) for method, path in described} == listed - about


def plain(path: str) -> str:
    return re.sub(r"\{\w+:", "{", path)


@pytest.mark.parametrize(("state", "visibility"), SCENES)
def test_pages_of_a_voucher_answer_everybody_as_they_should(
    make: Make, state: str, visibility: str
) -> None:
    desk = make(state, visibility)
    ask_everybody(desk, [line for line in PAGES if line.is_about_the_voucher])
    told(desk)


@pytest.mark.parametrize(("state", "visibility"), SCENES)
def test_the_api_answers_everybody_about_a_voucher_as_it_should(
    make: Make, state: str, visibility: str
) -> None:
    desk = make(state, visibility)
    ask_everybody(desk, [line for line in API if line.is_about_the_voucher])
    told(desk)


def test_everything_else_answers_everybody_as_it_should(make: Make) -> None:
    desk = make(*MAIN)
    ask_everybody(desk, [line for line in PAGES + API if not line.is_about_the_voucher])
    told(desk)


def test_a_method_that_is_not_served_is_405_for_everybody_and_changes_nothing(make: Make) -> None:
    desk = make(*MAIN)
    served: dict[tuple[bool, str], set[str]] = {}
    for line in PAGES + API:
        served.setdefault((line in API, line.name), set()).update(line.serves)
    first = {(line in API, line.name): line for line in reversed(PAGES + API)}
    for key, line in first.items():
        needs = any(one.signed_in for one in line.serves.values())
        for method in METHODS:
            if method in served[key]:
                continue
            for who in ("nobody", "stranger", "author", "office"):
                expected = 405
                if line == API[-1]:  # the API's root, where there is nothing
                    expected = 404
                elif who == "nobody" and needs and line in PAGES and method in BY_BROWSERS:
                    # Who is not signed in is told so before what an address takes.
                    expected = 401 if method == "POST" else 302
                desk.ask(who, line, method, Serves(writes=False), expected)
    told(desk)


def test_a_token_reaches_as_far_as_its_scope_and_lasts_as_long_as_it_should(make: Make) -> None:
    desk = make("active", "network")
    consultant = desk.scene.people["consultant"]
    _, reading = create_token(consultant, "reads", scope=Scope.READ)
    _, pushing = create_token(consultant, "pushes", scope=Scope.EVIDENCE)
    revoked, useless = create_token(consultant, "revoked", scope=Scope.WRITE)
    revoke_token(consultant, revoked.pk)
    desk.before = fingerprint()
    for line in API:
        for method, serves in line.serves.items():
            usual = serves.status(desk.scene.case("consultant"))
            writes = serves.writes if serves.allows(desk.scene.case("consultant")) else False
            pushes = (method, line.name) in WITH_EVIDENCE_TOKEN
            for token, reaches in (
                (reading, method in SAFE),
                (pushing, method in SAFE or pushes),
                (desk.tokens["consultant"], True),
            ):
                if reaches or not serves.signed_in:
                    desk.ask(
                        "consultant", line, method, serves, usual, token=token, must_write=writes
                    )
                else:
                    desk.ask("consultant", line, method, serves, 403, token=token)
            for token in (useless, desk.scene.expired_text, "evidesk_guessed", "\0"):
                expected = 401 if serves.signed_in else usual
                desk.ask("nobody", line, method, serves, expected, token=token)
    told(desk)


def test_a_session_without_a_token_opens_no_operation_of_the_api(make: Make) -> None:
    desk = make(*MAIN)
    for line in API:
        for method, serves in line.serves.items():
            if serves.signed_in:
                desk.ask("author", line, method, serves, 401, token="")
    told(desk)


def test_what_somebody_may_not_know_of_is_answered_like_what_is_not_there(make: Make) -> None:
    desk = make(*MAIN)
    for line in PAGES + API:
        if not line.args(desk.scene) or "inquir" in line.name:  # whoever knows its key may read it
            continue
        for method, serves in line.serves.items():
            for who in ("stranger", "outsider", "lead_elsewhere", "former"):
                case = desk.scene.case(who)
                knows = line.is_about_the_voucher and sees(case)
                if not knows and not serves.allows(case):
                    missing = replace(line, args=lambda scene, line=line: not_there(line, scene))
                    desk.ask(who, missing, method, serves, serves.status(case))
    told(desk)


def not_there(line: Line, scene: Scene) -> list[Any]:
    """The address's things, but for those that somebody has made."""
    known = {scene.reference: "V-1999-9999", scene.session_id: "0" * 20}
    return [
        10**9 if isinstance(one, int) and "report" not in line.name else known.get(one, one)
        for one in line.args(scene)
    ]


# That the matrix would find it


@pytest.mark.parametrize(
    ("place", "name", "lax"),
    [
        (voucher_rules, "may_see", lambda person, voucher: True),
        (voucher_rules, "may_write", lambda person, voucher: ALLOWED),
        (voucher_rules, "may_triage", lambda person: ALLOWED),
        (
            voucher_rules,
            "may_triage_unit",
            lambda person, unit_id: person.has_role("lead", "office"),
        ),
    ],
)
def test_the_matrix_finds_a_rule_that_is_too_lax(
    make: Make, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, lax: Any
) -> None:
    desk = make("submitted", "private")
    monkeypatch.setattr(place, name, lax)
    ask_everybody(
        desk,
        [line for line in PAGES if line.name in ("voucher", "write", "inbox", "vouchers", "tags")],
    )
    assert desk.faults
