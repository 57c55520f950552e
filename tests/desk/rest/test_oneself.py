"""One's sessions, tokens, language and hooks over the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evidesk.desk.audit.models import Entry
from evidesk.desk.hooks.actions import add_hook
from evidesk.desk.hooks.models import EVENTS, Hook
from evidesk.desk.people.actions import create_token
from evidesk.desk.people.models import Scope, Session, Token
from tests.desk.conftest import signed_in
from tests.desk.network import Network
from tests.desk.test_api import with_token


def ask(client: Client, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    """Ask the API, expect a status, and return what the answer says."""
    options = {} if body is None else {"data": body, "content_type": "application/json"}
    answer = getattr(client, method)(f"/api/{path}", **options)
    assert answer.status_code == status, answer.content
    return answer.json() if answer.content else None


def queries_of(client: Client, path: str) -> int:
    """How often the database is asked for the answer, if it is not the first."""
    ask(client, "get", path)
    with CaptureQueriesContext(connection) as captured:
        ask(client, "get", path)
    return len(captured)


# Sessions


def test_one_ends_one_session_or_all(network: Network) -> None:
    browsers = [signed_in(network.author, HTTP_USER_AGENT="Firefox/1 Linux") for _ in range(3)]
    stranger = signed_in(network.stranger)
    program = with_token(network, "author")
    found = ask(program, "get", "me/sessions/")
    assert len(found) == 3
    assert found[0].keys() == {"public_id", "device", "signed_in_at", "last_used_at"}
    key = browsers[0].session.session_key
    assert key
    assert key not in str(found)
    ask(program, "delete", f"me/sessions/{Session.objects.get(pk=key).public_id}/", status=204)
    assert browsers[0].get("/vouchers/").status_code == 302
    assert browsers[1].get("/vouchers/").status_code == 200
    assert ask(program, "delete", "me/sessions/") == {"ended": 2}
    assert ask(program, "get", "me/sessions/") == []
    assert ask(program, "delete", "me/sessions/") == {"ended": 0}
    assert stranger.get("/vouchers/").status_code == 200
    facts = [entry.facts for entry in Entry.objects.filter(action="session.ended")]
    assert {"ended": 2} in facts


def test_anothers_session_is_like_none(network: Network) -> None:
    browser = signed_in(network.stranger)
    foreign = Session.objects.get().public_id
    for name in (foreign, "0" * 20, "%00", "x" * 3000):
        ask(with_token(network, "author"), "delete", f"me/sessions/{name}/", status=404)
    assert browser.get("/vouchers/").status_code == 200


def test_a_session_that_has_ended_is_not_listed(network: Network) -> None:
    signed_in(network.author)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert ask(with_token(network, "author"), "get", "me/sessions/") == []


# Tokens


def test_tokens_are_listed_without_their_text_and_revoked(network: Network) -> None:
    old, text = create_token(network.author, "cluster", scope=Scope.EVIDENCE)
    program = with_token(network, "author")
    found = ask(program, "get", "me/tokens/")
    assert [one["name"] for one in found] == ["laptop", "cluster"]
    assert found[1].keys() == {"id", "name", "scope", "created_at", "expires_at", "last_used_at"}
    assert (found[1]["scope"], found[1]["last_used_at"]) == ("evidence", None)
    assert found[0]["last_used_at"]
    assert text not in str(found)
    assert old.digest not in str(found)
    ask(program, "delete", f"me/tokens/{old.pk}/", status=204)
    ask(program, "delete", f"me/tokens/{old.pk}/", status=404)
    assert Entry.objects.filter(action="token.revoked").count() == 1


def test_the_token_that_is_sent_can_be_revoked(network: Network) -> None:
    program = with_token(network, "author")
    ask(program, "delete", f"me/tokens/{Token.objects.get().pk}/", status=204)
    ask(program, "get", "me/tokens/", status=401)


def test_anothers_token_is_like_none_and_stays(network: Network) -> None:
    foreign, _ = create_token(network.stranger, "x")
    program = with_token(network, "author")
    for number in (foreign.pk, 10**6, 10**30):
        ask(program, "delete", f"me/tokens/{number}/", status=404)
    assert Token.objects.filter(pk=foreign.pk).exists()


def test_tokens_are_made_on_their_page_only(network: Network) -> None:
    made = {"name": "x", "scope": "read", "days": 30}
    ask(with_token(network, "author"), "post", "me/tokens/", made, 405)
    assert Token.objects.count() == 1


# Language


def test_the_language_is_kept(network: Network) -> None:
    program = with_token(network, "author")
    assert ask(program, "put", "me/language/", {"language": "de"}) == {"language": "de"}
    assert ask(program, "get", "me/")["language"] == "de"
    assert 'lang="de"' in signed_in(network["author"]).get("/vouchers/").content.decode()
    before = Entry.objects.count()
    ask(program, "put", "me/language/", {"language": "de"})
    assert Entry.objects.count() == before, "nothing was changed"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"language": ""},
        {"language": "tlh"},
        {"language": "d\0e"},
        {"language": "de" * 1000},
        {"language": 5},
        {"language": None},
        {"language": ["de"]},
        {"language": "de", "next": "/"},
        ["de"],
    ],
)
def test_a_language_that_the_desk_does_not_speak_is_refused(network: Network, body: Any) -> None:
    answer = ask(with_token(network, "author"), "put", "me/language/", body, 422)
    assert answer["errors"]
    assert network["author"].language == ""


# Hooks


def a_hook(network: Network, who: str = "author") -> Hook:
    return add_hook(network[who], url="https://hook.example.org/", events=EVENTS)


def test_a_hook_is_tried_switched_and_removed(network: Network) -> None:
    at = f"hooks/{a_hook(network).pk}/"
    program = with_token(network, "author")
    sent = ask(program, "post", f"{at}ping/", status=201)
    assert (sent["event"], sent["state"]) == ("ping", "waiting")
    for _ in range(2):  # it says what shall be, and so can be said again
        off = ask(program, "post", f"{at}switch/", {"on": False})
        assert (bool(off["disabled_at"]), off["disabled_because"]) == (True, "You switched it off.")
    refused = ask(program, "post", f"{at}ping/", status=403)
    assert refused["detail"] == "The hook is switched off. Switch it on first."
    on = ask(program, "post", f"{at}switch/", {"on": True})
    assert (on["disabled_at"], on["disabled_because"]) == (None, "")
    ask(program, "delete", at, status=204)
    ask(program, "delete", at, status=404)
    actions = Entry.objects.filter(action__startswith="hook.").order_by("number")
    assert [one.action for one in actions] == ["hook.added", "hook.off", "hook.on", "hook.removed"]


def test_anothers_hook_is_like_none_and_stays(network: Network) -> None:
    at = f"hooks/{a_hook(network, 'stranger').pk}/"
    program = with_token(network, "author")
    ask(program, "post", f"{at}ping/", status=404)
    ask(program, "post", f"{at}switch/", {"on": False}, 404)
    ask(program, "delete", at, status=404)
    ask(program, "delete", "hooks/99999999999999999999/", status=404)
    assert Hook.objects.get().disabled_at is None


@pytest.mark.parametrize("body", [{}, {"on": "perhaps"}, {"on": None}, {"on": True, "x": 1}, []])
def test_a_switch_is_on_or_off(network: Network, body: Any) -> None:
    hook = a_hook(network)
    ask(with_token(network, "author"), "post", f"hooks/{hook.pk}/switch/", body, 422)
    assert Hook.objects.get().disabled_at is None


def test_a_token_that_only_reads_changes_nothing(network: Network) -> None:
    hook = a_hook(network)
    token, _ = create_token(network.author, "x")
    reader = with_token(network, "author", Scope.READ)
    for method, path in (
        ("delete", "me/sessions/"),
        ("delete", "me/sessions/x/"),
        ("delete", f"me/tokens/{token.pk}/"),
        ("put", "me/language/"),
        ("put", "me/mail/"),
        ("delete", "me/calendar/"),
        ("post", "notices/read/"),
        ("delete", f"hooks/{hook.pk}/"),
        ("post", f"hooks/{hook.pk}/switch/"),
    ):
        ask(reader, method, path, {}, status=403)


def test_the_lists_ask_equally_often_for_one_row_and_for_many(network: Network) -> None:
    program = with_token(network, "author")
    counts: dict[str, set[int]] = {"me/sessions/": set(), "me/tokens/": set(), "hooks/": set()}
    for more in (1, 7):
        for _ in range(more):
            signed_in(network.author)
            create_token(network.author, "x")
            a_hook(network)
        for path, found in counts.items():
            found.add(queries_of(program, path))
    assert all(len(found) == 1 for found in counts.values()), counts
