"""The desk speaks the language that its reader has chosen, or that the browser asks for."""

from datetime import date
from decimal import Decimal

import pytest
from django import forms
from django.conf import settings
from django.test import Client
from django.utils import timezone, translation
from django.utils.formats import date_format, number_format

from evidesk.desk.audit.models import Entry
from evidesk.desk.people import languages
from evidesk.desk.people.actions import create_token
from evidesk.desk.people.models import Person, Scope
from evidesk.desk.people.rules import has_consented
from evidesk.desk.privacy.actions import erase_person
from evidesk.desk.privacy.queries import data_of
from tests.desk.conftest import signed_in
from tests.desk.network import Network

GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de-AT,de;q=0.9,en;q=0.5"}


def language_of(browser: Client, address: str = "/privacy/", **headers: str) -> str:
    answer = browser.get(address, **headers)
    assert f'<html lang="{answer["Content-Language"]}">' in answer.content.decode()
    assert {"Accept-Language", "Cookie"} <= set(answer["Vary"].split(", "))
    return str(answer["Content-Language"])


def choose(browser: Client, language: str, then: str = "/privacy/?a=b") -> str:
    answer = browser.post("/language/", {"language": language, "next": then})
    assert answer.status_code == 302
    return str(answer["Location"])


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ({}, "en"),
        ({"HTTP_ACCEPT_LANGUAGE": "fr"}, "en"),
        ({"HTTP_ACCEPT_LANGUAGE": "\0;q=xx,,,"}, "en"),
        ({"HTTP_ACCEPT_LANGUAGE": "en-GB,de;q=0.5"}, "en"),
        (GERMAN, "de"),
    ],
)
def test_a_visitor_reads_what_the_browser_asks_for(
    asked: dict[str, str], spoken: str, network: Network
) -> None:
    assert language_of(signed_in(None), **asked) == spoken


def test_the_switch_leads_back_to_the_page_and_holds(network: Network) -> None:
    visitor = signed_in(None)
    page = visitor.get("/privacy/?a=b").content.decode()
    assert '<input type="hidden" name="next" value="/privacy/?a=b">' in page
    assert 'value="de" lang="de">Deutsch</button>' in page
    assert 'value="en" lang="en" aria-current="true">English</button>' in page
    assert choose(visitor, "de") == "/privacy/?a=b"
    assert language_of(visitor) == "de"
    assert choose(visitor, "en") == "/privacy/?a=b"
    assert language_of(visitor, **GERMAN) == "en"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_the_switch_leads_to_no_other_site(elsewhere: str, network: Network) -> None:
    assert choose(signed_in(None), "de", elsewhere) == "/"


@pytest.mark.parametrize("unknown", ["", "tlh", "fr", "de\0", "../../etc", "d" * 1000])
def test_a_language_that_the_desk_does_not_speak_changes_nothing(
    unknown: str, network: Network
) -> None:
    browser = signed_in(network.author)
    choose(browser, unknown)
    assert language_of(browser) == "en"
    assert network["author"].language == ""


def test_a_choice_is_kept_with_whoever_is_signed_in_and_outlives_the_session(
    network: Network,
) -> None:
    browser = signed_in(network.author)
    choose(browser, "de")
    choose(browser, "de")
    assert network["author"].language == "de"
    assert Entry.objects.filter(action="person.language-chosen").count() == 1
    assert language_of(signed_in(network["author"])) == "de"  # another browser of theirs
    browser.post("/sign-out/")
    assert language_of(browser) == "de"
    assert browser.cookies[settings.LANGUAGE_COOKIE_NAME]["samesite"] == "Lax"


def test_the_own_choice_comes_before_the_cookie_and_the_browser(network: Network) -> None:
    Person.objects.filter(pk=network.author.pk).update(language="en")
    browser = signed_in(network["author"])
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    assert language_of(browser, **GERMAN) == "en"


def test_what_was_chosen_before_signing_in_is_kept_unless_there_is_a_choice(
    network: Network,
) -> None:
    browser = signed_in(None)
    choose(browser, "de")
    browser.post("/sign-in/as/", {"persona": network.author.subject})
    assert network["author"].language == "de"
    choose(browser, "en")
    browser.post("/sign-out/")
    choose(browser, "de")
    browser.post("/sign-in/as/", {"persona": network.author.subject})
    assert network["author"].language == "en"


def test_the_language_can_be_chosen_before_agreeing_to_the_privacy_page(network: Network) -> None:
    network.author.consented_to = ""
    network.author.save()
    assert not has_consented(network.author)
    browser = signed_in(network.author)
    assert choose(browser, "de") == "/privacy/?a=b"
    assert network["author"].language == "de"


def test_whoever_is_written_to_is_written_to_in_their_language(network: Network) -> None:
    assert languages.language_of(network.author) == "en"
    network.author.language = "de"
    assert languages.language_of(network.author) == "de"
    network.author.language = "xx"  # which the desk has spoken once, perhaps
    assert languages.language_of(network.author) == "en"


def test_the_choice_is_part_of_ones_data_and_is_erased_with_it(network: Network) -> None:
    choose(signed_in(network.stranger), "de")
    person = network["stranger"]
    assert data_of(person)["person"]["language"] == "de"
    erase_person(person, None)
    assert network["stranger"].language == ""


def test_the_api_tells_the_choice_and_follows_the_callers_header(network: Network) -> None:
    Person.objects.filter(pk=network.author.pk).update(language="de")
    _token, text = create_token(network.author, "a program", scope=Scope.READ)
    program = Client(HTTP_HOST="localhost", headers={"Authorization": f"Bearer {text}"})
    plain = program.get("/api/me/")
    german = program.get("/api/me/", **GERMAN)
    assert plain.json()["language"] == "de"
    assert (plain["Content-Language"], german["Content-Language"]) == ("en", "de")
    assert {"Accept-Language", "Authorization"} <= set(german["Vary"].split(", "))


def test_dates_and_numbers_are_written_as_each_language_does() -> None:
    moment = timezone.make_aware(timezone.datetime(2026, 11, 25, 14, 5))
    written = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            written[code] = [
                date_format(moment, "DATETIME_FORMAT"),
                date_format(moment, "DATE_FORMAT"),
                date_format(moment, "SHORT_DATETIME_FORMAT"),
                number_format(1234.5, force_grouping=True),
            ]
    assert written == {
        "en": ["25 November 2026, 14:05", "25 November 2026", "25 Nov 2026, 14:05", "1,234.5"],
        "de": ["25. November 2026, 14:05", "25. November 2026", "25.11.2026, 14:05", "1.234,5"],
    }


def test_a_form_takes_and_shows_what_browsers_send_in_every_language() -> None:
    class Plan(forms.Form):
        first_day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))
        at = forms.DateTimeField(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
        hours = forms.DecimalField()

    kept = {"first_day": date(2026, 3, 2), "hours": Decimal("19.5")}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            shown = Plan(initial=kept).as_p()
            assert 'value="2026-03-02"' in shown
            assert 'value="19.5"' in shown
            form = Plan({"first_day": "2026-03-02", "at": "2026-03-02T09:30", "hours": "19.5"})
            assert form.is_valid()
            assert form.cleaned_data["first_day"] == kept["first_day"]
            assert form.cleaned_data["hours"] == kept["hours"]
    with translation.override("de"):
        written = Plan({"first_day": "2.3.2026", "at": "2.3.2026 9:30", "hours": "19.5"})
        assert written.is_valid()
        assert written.cleaned_data["first_day"] == kept["first_day"]
        assert not Plan({"first_day": "3/2/2026", "at": "", "hours": "x"}).is_valid()
