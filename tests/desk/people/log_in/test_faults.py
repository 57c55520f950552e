"""A provider that is wrong in one thing: nobody is signed in, nothing breaks, nobody waits long."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from evidesk.desk.people.log_in import flow, transport
from evidesk.desk.people.models import Member, Person, Role
from tests.desk.conftest import signed_in
from tests.desk.people.log_in.conftest import give
from tests.oidc.browser import at_the_provider, log_in, start, who
from tests.oidc.faults import FAULTS, Fault, changed
from tests.oidc.faults_elsewhere import SLOW, hang
from tests.oidc.provider import CLIENT_ID, GROUP, Provider, ec_key, rsa_key, signed

#: What a log-in may end with, when it does not end well.
REFUSALS = {403, 502, 503}


def is_refused(client: Any, response: Any) -> None:
    assert response.status_code in REFUSALS
    assert who(client) is None
    assert not Person.objects.exists()
    assert "log_in_failed" in response.templates[0].name
    assert client.get("/vouchers/").status_code == 302


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_one_fault_and_nobody_is_signed_in(provider: Provider, fault: Fault) -> None:
    fault(provider)
    browser = signed_in(None)
    is_refused(browser, log_in(browser))


@pytest.mark.parametrize("fault", SLOW.values(), ids=SLOW)
def test_the_desk_tires_of_a_slow_provider(
    provider: Provider, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "PATIENCE", 1.0)
    fault(provider)
    browser = signed_in(None)
    response = log_in(browser)
    # The provider would have gone on for half a minute.
    assert not provider.gave_up
    assert response.status_code == 503
    is_refused(browser, response)
    asked = len(provider.asked)
    assert log_in(signed_in(None)).status_code == 503
    assert len(provider.asked) == asked, "a provider that is silent is left alone for a while"


def test_there_are_many_faults_and_no_page_waits_longer_than_six_seconds() -> None:
    assert len(FAULTS) + len(SLOW) >= 60
    assert transport.PATIENCE + flow.AFTERWARDS <= 6


def test_without_its_secret_the_desk_is_nobody_to_the_provider(
    provider: Provider, settings: Any
) -> None:
    settings.OIDC_CLIENT_SECRET = ""
    browser = signed_in(None)
    is_refused(browser, log_in(browser))


def test_nobody_waits_long_for_a_token_to_be_revoked(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "AFTERWARDS", 0.3)
    provider.instead["/revoke"] = hang
    assert log_in(signed_in(None)).status_code == 302
    assert not provider.gave_up
    assert log_in(signed_in(None)).status_code == 302, "the provider is not silent otherwise"


# Faults that need two browsers, or two tries


def test_the_same_answer_does_not_sign_in_twice(provider: Provider) -> None:
    browser = signed_in(None)
    back = at_the_provider(start(browser))
    assert browser.get(back).status_code == 302
    browser.post("/sign-out/")
    response = browser.get(back)
    assert response.status_code == 403
    assert b"Please sign in again" in response.content
    assert who(browser) is None


def test_an_answer_is_worth_nothing_in_another_browser(provider: Provider) -> None:
    attacker, victim = signed_in(None), signed_in(None)
    start(victim)
    back = at_the_provider(start(attacker))
    is_refused(victim, victim.get(back))


def test_another_browsers_code_does_not_fit_to_ones_own_state(provider: Provider) -> None:
    """Code injection: the code was made for another verifier and another nonce."""
    attacker, victim = signed_in(None), signed_in(None)
    code = at_the_provider(start(victim)).partition("code=")[2].partition("&")[0]
    state = at_the_provider(start(attacker)).partition("state=")[2].partition("&")[0]
    is_refused(attacker, attacker.get(f"/sign-in/done/?code={code}&state={state}"))


def test_an_earlier_log_ins_id_token_is_not_taken_again(provider: Provider) -> None:
    kept: list[Any] = []

    def sign(header: Any, claims: Any) -> Any:
        kept.append(signed(header, claims, provider.key))
        return kept[0]

    provider.sign = sign
    provider.claims = changed(at_hash=None)
    first, second = signed_in(None), signed_in(None)
    assert log_in(first).status_code == 302
    assert log_in(second).status_code == 502
    assert who(second) is None


def test_a_log_in_that_took_too_long_is_begun_anew(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = signed_in(None)
    back = at_the_provider(start(browser))
    later = time.time() + flow.AWAY + 1
    monkeypatch.setattr(flow.time, "time", lambda: later)
    is_refused(browser, browser.get(back))


def test_a_provider_that_is_not_there_does_not_take_the_desk_with_it(
    provider: Provider, settings: Any
) -> None:
    provider.server.server_close()
    browser = signed_in(None)
    response = log_in(browser)
    assert response.status_code == 503
    html = response.content.decode()
    assert "Helmholtz AAI does not answer" in html
    assert "Try again in a few minutes" in html
    for address in ("/", "/kits/", "/network/", "/talk/", "/sign-in/", "/health/"):
        assert browser.get(address).status_code == 200


def test_nobodys_error_makes_the_desk_think_that_the_provider_is_silent(provider: Provider) -> None:
    provider.back = changed(code=None, error="server_error")
    assert log_in(signed_in(None)).status_code == 503
    provider.back = changed()
    assert log_in(signed_in(None)).status_code == 302


# What is ugly, and harmless

TURNED = "Elif \u202eremeD\u202c\x07  \u2066(office)\u2069\u200f"


def test_a_name_can_neither_turn_the_text_around_it_nor_command_a_terminal(
    provider: Provider,
) -> None:
    provider.userinfo = changed(name=TURNED)
    browser = signed_in(None)
    assert log_in(browser).status_code == 302
    assert who(browser).name == "Elif remeD (office)"


def test_the_e_mail_address_of_somebody_else_opens_nothing_of_theirs(
    provider: Provider, network: Any
) -> None:
    provider.userinfo = changed(email=network.office.email)
    browser = signed_in(None)
    log_in(browser)
    person = who(browser)
    assert person != network.office
    assert not person.is_member


def test_an_address_that_is_not_verified_is_not_kept(provider: Provider) -> None:
    provider.userinfo = changed(email_verified=False)
    browser = signed_in(None)
    log_in(browser)
    assert who(browser).email == ""


@pytest.mark.parametrize(
    "written",
    [
        "urn:geant:helmholtz.de:group:office#evil.example",
        "urn:geant:helmholtz.de:group:office",
        "urn:geant:evil.example:group:office#login.helmholtz.de",
        "urn:geant:helmholtz.de.evil:group:office#login.helmholtz.de",
        "urn:geant:helmholtz.de:group:office:sub#login.helmholtz.de",
        "urn:geant:helmholtz.de:group:Office#login.helmholtz.de",
        "urn:geant:helmholtz.de:group:office #login.helmholtz.de",
        "urn:geant:helmholtz.de:group:office#login.helmholtz.de#evil.example",
        "urn:geant:helmholtz.de:group:office#login.helmholtz.de.evil.example",
        "xurn:geant:helmholtz.de:group:office#login.helmholtz.de",
        "urn:geant:helmholtz.de:group:x%23y:office#login.helmholtz.de",
        "urn:geant:helmholtz.de:group:x%3Aoffice#login.helmholtz.de",
    ],
)
def test_only_exactly_our_group_gives_a_role(
    provider: Provider, network: Any, written: str
) -> None:
    give("office", network.hub, Role.OFFICE)
    provider.userinfo = changed(entitlements=[written])
    browser = signed_in(None)
    log_in(browser)
    assert not who(browser).is_member


@pytest.mark.parametrize("acr", [None, "", "mfa", "https://refeds.org/profile/mfa ", "REFEDS"])
def test_who_does_not_show_a_second_factor_is_not_the_office(
    provider: Provider, network: Any, acr: str | None
) -> None:
    give("office", network.hub, Role.OFFICE)
    provider.userinfo = changed(entitlements=[GROUP.format("office")], acr=acr)
    browser = signed_in(None)
    response = log_in(browser)
    assert response.status_code == 200
    assert b"the office needs a log-in with a second factor" in response.content
    assert not Member.objects.filter(person=who(browser)).exists()


# Controls: all of these are right, and must sign in


def elliptic(one: Provider) -> None:
    one.key, one.algorithm = ec_key("elliptic"), "ES256"


def alone(one: Provider) -> None:
    one.keys = [one.key]
    one.header = changed(kid=None)


def promised(one: Provider) -> None:
    one.discovery = changed(authorization_response_iss_parameter_supported=True)
    one.back = changed(iss=one.issuer)


RIGHT: dict[str, Callable[[Provider], Any]] = {
    "as it is": lambda one: None,
    "an elliptic key": elliptic,
    "a lone key without a kid": alone,
    "the audience in a list": lambda one: setattr(one, "claims", changed(aud=[CLIENT_ID])),
    "an authorized party": lambda one: setattr(one, "claims", changed(azp=CLIENT_ID)),
    "no at_hash": lambda one: setattr(one, "claims", changed(at_hash=None)),
    "a clock that is half a minute off": lambda one: setattr(
        one, "claims", changed(iat=int(time.time()) + 30, nbf=int(time.time()) + 30)
    ),
    "a promised iss": promised,
    "the secret in the form": lambda one: setattr(
        one,
        "discovery",
        changed(token_endpoint_auth_methods_supported=["client_secret_post"]),
    ),
    "no revocation": lambda one: setattr(one, "discovery", changed(revocation_endpoint=None)),
    "revocation that fails": lambda one: one.instead.update({"/revoke": no_revocation}),
    "a certificate's digest in the header": lambda one: setattr(
        one, "header", changed(x5t="c2hhMQ")
    ),
    "one affiliation, not in a list": lambda one: setattr(
        one, "userinfo", changed(voperson_external_affiliation="employee@kit.edu")
    ),
    "a name from right to left": lambda one: setattr(one, "userinfo", changed(name="شیرین")),
}


def no_revocation(talk: Any) -> None:
    talk.json({"error": "unsupported_token_type"}, 400)


@pytest.mark.parametrize("right", RIGHT.values(), ids=RIGHT)
def test_what_is_right_signs_in(provider: Provider, right: Callable[[Provider], Any]) -> None:
    right(provider)
    browser = signed_in(None)
    assert log_in(browser).status_code == 302
    assert who(browser).subject == provider.person()["sub"]


def test_a_new_key_is_found_though_the_old_ones_are_kept(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evidesk.desk.people.log_in import provider as providers

    there = providers.configured()
    clock = [0.0]
    there._clock = lambda: clock[0]
    for _ in range(2):
        assert log_in(signed_in(None)).status_code == 302
    assert provider.asked.count("/jwks") == 1
    assert provider.asked.count("/.well-known/openid-configuration") == 1
    provider.key = rsa_key("rotated")
    provider.keys = [provider.key]
    assert log_in(signed_in(None)).status_code == 502, "the keys were asked for just now"
    assert provider.asked.count("/jwks") == 1
    clock[0] += providers.KEYS_ANEW + 1
    assert log_in(signed_in(None)).status_code == 302
    assert provider.asked.count("/jwks") == 2
    clock[0] += providers.KEPT + 1
    assert log_in(signed_in(None)).status_code == 302
    assert provider.asked.count("/jwks") == 3, "a key that is withdrawn goes after an hour"
    assert provider.asked.count("/.well-known/openid-configuration") == 2
