"""Sessions end after an hour without use, after half a day, and when somebody ends them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from evidesk.desk.audit.models import Entry
from evidesk.desk.people import sessions
from evidesk.desk.people.actions import create_token, use_token
from evidesk.desk.people.models import Person, Session
from evidesk.desk.privacy.actions import erase_person
from evidesk.desk.privacy.queries import data_of
from tests.desk.conftest import signed_in
from tests.desk.network import Network

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the desk's time on."""
    start, passed = timezone.now(), [timedelta(0)]

    def now() -> datetime:
        return start + passed[0]

    def wait(**duration: float) -> None:
        passed[0] += timedelta(**duration)

    monkeypatch.setattr(timezone, "now", now)
    return wait


def is_in(browser: Client) -> bool:
    return browser.get("/vouchers/").status_code == 200


def sign_in(agent: str = FIREFOX) -> Client:
    """The author, as a persona, in a browser of that name."""
    browser = signed_in(None, HTTP_USER_AGENT=agent)
    browser.post("/sign-in/as/", {"persona": "ada.author"})
    return browser


def test_a_session_lives_while_it_is_used_and_at_most_twelve_hours(
    network: Network, clock: Any
) -> None:
    browser = sign_in()
    for _ in range(14):
        clock(minutes=50)
        assert is_in(browser)
    clock(minutes=50)
    assert not is_in(browser), "12.5 hours after signing in"


def test_a_session_ends_after_an_hour_without_use(network: Network, clock: Any) -> None:
    browser = sign_in()
    clock(minutes=59)
    assert is_in(browser)
    clock(minutes=61)
    assert not is_in(browser)


def test_writing_to_a_session_does_not_lengthen_it_beyond_its_end(
    network: Network, clock: Any
) -> None:
    browser = sign_in()
    for _ in range(15):
        clock(minutes=47)
        session = browser.session
        session["note"] = "x"
        session.save()
    row = Session.objects.get(person=network.author)
    assert row.expire_date == row.signed_in_at + sessions.LONGEST


def test_use_is_noted_once_a_minute_so_that_a_page_costs_no_write(
    network: Network, clock: Any, django_assert_num_queries: Any
) -> None:
    browser = sign_in()
    is_in(browser)
    row = Session.objects.get(person=network.author)
    clock(seconds=59)
    is_in(browser)
    assert Session.objects.get(pk=row.pk).last_used_at == row.last_used_at
    clock(seconds=2)
    is_in(browser)
    assert Session.objects.get(pk=row.pk).last_used_at > row.last_used_at


def test_one_sees_ones_own_sessions_and_ends_them(network: Network) -> None:
    laptop, phone, stranger = sign_in(), sign_in(SAFARI), signed_in(network.stranger)
    html = laptop.get("/me/sessions/").content.decode()
    assert "Firefox, Linux" in html
    assert "Safari, iPhone" in html
    assert html.count(">this one<") == 1
    keys = Session.objects.values_list("session_key", flat=True)
    assert not any(key in html for key in keys), "who reads the page must not get in by it"
    theirs = Session.objects.get(device="Safari, iPhone")
    assert str(theirs) == "Safari, iPhone of Ada Author"
    assert stranger.post(f"/me/sessions/{theirs.public_id}/end/").status_code == 409
    assert is_in(phone)
    response = laptop.post(f"/me/sessions/{theirs.public_id}/end/", follow=True)
    assert b"that browser is signed out" in response.content
    assert not is_in(phone)
    assert is_in(laptop)
    assert is_in(stranger)
    assert laptop.post("/me/sessions/nonsense/end/").status_code == 409
    assert Entry.objects.filter(action="session.ended").count() == 1


def test_one_ends_all_other_sessions_at_once(network: Network) -> None:
    laptop, phone, tablet, stranger = sign_in(), sign_in(), sign_in(), signed_in(network.stranger)
    html = laptop.post("/me/sessions/end-others/", follow=True).content.decode()
    assert "2 sessions are ended." in html
    assert [is_in(one) for one in (laptop, phone, tablet, stranger)] == [True, False, False, True]
    assert b"End all but this one" not in laptop.get("/me/sessions/").content


def test_a_session_that_was_ended_meanwhile_does_not_come_back(network: Network) -> None:
    browser = sign_in()
    session = browser.session
    session.get("x")  # loaded
    Session.objects.all().delete()
    session["x"] = 1
    with pytest.raises(UpdateError):
        session.save()
    assert not is_in(browser)


@pytest.mark.parametrize("n", [1, 3])
def test_the_page_asks_the_database_equally_often(
    network: Network, n: int, django_assert_num_queries: Any
) -> None:
    browsers = [sign_in() for _ in range(n)]
    with django_assert_num_queries(5):
        assert browsers[0].get("/me/sessions/").status_code == 200


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (FIREFOX, "Firefox, Linux"),
        (SAFARI, "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("curl/8.0", ""),
        ("", ""),
        ("<script>" * 10_000, ""),
    ],
)
def test_a_browser_is_known_again_by_little(agent: str, device: str) -> None:
    assert sessions.device_of(agent) == device


def test_sessions_are_in_ones_export_and_go_when_one_is_erased(network: Network) -> None:
    browser = sign_in()
    [told] = data_of(network.author)["sessions"]
    assert told["device"] == "Firefox, Linux"
    erase_person(network["author"], None)
    assert not Session.objects.filter(person=network.author).exists()
    assert not is_in(browser)


# The kill switch


def test_everybody_or_one_person_is_signed_out_on_the_server(network: Network, capsys: Any) -> None:
    ada, sam, lena = sign_in(), signed_in(network.stranger), signed_in(network.lead)
    call_command("end_sessions", person="ada.author@example.org")
    assert [is_in(one) for one in (ada, sam, lena)] == [False, True, True]
    call_command("end_sessions", person=str(network.stranger.uid))
    assert [is_in(one) for one in (sam, lena)] == [False, True]
    call_command("end_sessions")
    assert not is_in(lena)
    assert capsys.readouterr().out.count("1 sessions ended.") == 3


def test_whoever_is_shut_out_is_out_at_once_with_tokens_too(network: Network, capsys: Any) -> None:
    browser = sign_in()
    _, token = create_token(network.author, "laptop")
    call_command("shut_out", "ada.author@example.org")
    assert "Ada Author" in capsys.readouterr().out
    assert not is_in(browser)
    assert use_token(token) is None
    call_command("shut_out", str(network.author.uid), undo=True)
    assert "may sign in again" in capsys.readouterr().out
    used = use_token(token)
    assert used is not None
    assert used.person == network.author
    assert is_in(sign_in())
    actions = Entry.objects.filter(action__startswith="person.").values_list("action", flat=True)
    assert list(actions) == ["person.shut-out", "person.let-in"]


def test_a_command_needs_to_know_whom_it_is_about(network: Network) -> None:
    with pytest.raises(CommandError, match="Nobody has the e-mail address or uid 'x'"):
        call_command("end_sessions", person="x")
    Person.objects.filter(pk=network.stranger.pk).update(email=network.author.email)
    with pytest.raises(CommandError, match="name one by the uid") as fault:
        call_command("shut_out", network.author.email.upper())
    assert str(network.author.uid) in str(fault.value)
    assert not Person.objects.filter(is_active=False).exists()
