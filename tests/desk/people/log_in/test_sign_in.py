"""Who gets in by what the provider tells, and with which roles."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from evidesk.desk.audit.models import Entry
from evidesk.desk.people import actions
from evidesk.desk.people.models import Member, Person, Role, Source
from evidesk.desk.people.rules import PRIVACY_VERSION
from tests.desk.conftest import signed_in
from tests.desk.network import Network
from tests.desk.people.log_in.conftest import give
from tests.oidc.browser import log_in, start, who
from tests.oidc.faults import changed
from tests.oidc.provider import CLIENT_ID, GROUP, MFA, SUBJECT, Provider

CONSULTANTS = GROUP.format("HAI:Consultants")
OFFICE = GROUP.format("HAI:Office")


def tells(provider: Provider, *written: str, **claims: Any) -> None:
    provider.userinfo = changed(entitlements=list(written), **claims)


def arrive(provider: Provider) -> Person:
    """Sign in, in a new browser."""
    browser = signed_in(None)
    log_in(browser)
    person = who(browser)
    assert person is not None
    return person


def places(person: Person) -> set[tuple[str, str, str]]:
    return set(person.memberships.values_list("unit__slug", "role", "source"))


def audited(action: str) -> int:
    return Entry.objects.filter(action=action).count()


# The way there


def test_the_browser_goes_to_the_provider_with_state_nonce_and_a_challenge(
    provider: Provider,
) -> None:
    browser = signed_in(None)
    html = browser.get("/sign-in/?next=/vouchers/").content.decode()
    assert 'href="/sign-in/go/?next=/vouchers/"' in html
    log_in(browser)
    asked = provider.sent_away
    assert asked["client_id"] == CLIENT_ID
    assert asked["redirect_uri"] == "http://localhost/sign-in/done/"
    assert asked["code_challenge_method"] == "S256"
    assert asked["response_type"] == "code"
    assert asked["scope"].startswith("openid profile email entitlements")
    assert len(asked["state"]) == len(asked["nonce"]) == len(asked["code_challenge"]) == 43
    log_in(signed_in(None))
    for name in ("state", "nonce", "code_challenge"):
        assert provider.sent_away[name] != asked[name]


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [("/vouchers/?q=x", "/vouchers/?q=x"), ("https://evil.example/", "/"), ("//evil.example", "/")],
)
def test_one_comes_to_the_page_that_was_wanted(
    provider: Provider, wanted: str, reached: str
) -> None:
    assert log_in(signed_in(None), f"/sign-in/go/?next={wanted}").url == reached


def test_another_site_cannot_start_a_log_in(provider: Provider) -> None:
    response = signed_in(None).get("/sign-in/go/", headers={"Sec-Fetch-Site": "cross-site"})
    assert response.url == "/sign-in/"
    assert not provider.asked


def test_tabs_do_not_disturb_each_other_and_the_oldest_of_many_is_forgotten(
    provider: Provider,
) -> None:
    from tests.oidc.browser import at_the_provider

    browser = signed_in(None)
    backs = [at_the_provider(start(browser)) for _ in range(6)]
    assert len(browser.session["log_in"]) == 5
    assert browser.get(backs[0]).status_code == 403
    assert browser.get(backs[3]).status_code == 302


def test_no_token_is_kept_and_the_access_token_is_given_back(provider: Provider) -> None:
    browser = signed_in(None)
    log_in(browser)
    kept = str(dict(browser.session))
    assert len(provider.revoked) == 1
    assert provider.revoked[0] not in kept
    assert "ey" + "J" not in kept, "no JWT"
    assert set(browser.session.keys()) == {
        "_auth_user_id", "_auth_user_backend", "_auth_user_hash",
        "signed_in_at", "device", "end_session_endpoint", "log_in",
    }  # fmt: skip
    assert browser.session["log_in"] == {}


def test_without_a_provider_there_is_nothing_to_go_to(network: Network) -> None:
    for path in ("/sign-in/go/", "/sign-in/done/?code=x&state=y"):
        assert signed_in(None).get(path).status_code == 404


def test_one_agrees_to_the_privacy_page_first_and_comes_to_the_page_that_was_wanted(
    provider: Provider,
) -> None:
    browser = signed_in(None)
    assert log_in(browser, "/sign-in/go/?next=/vouchers/").url == "/vouchers/"
    assert browser.get("/vouchers/").url == f"{reverse('consent')}?next=%2Fvouchers%2F"


# Who one is


def test_somebody_is_known_by_issuer_and_subject(provider: Provider) -> None:
    person = arrive(provider)
    assert (person.issuer, person.subject) == (provider.issuer, SUBJECT)
    assert (person.name, person.email, person.home) == ("Elif Demir", "elif.demir@kit.edu", "KIT")
    tells(provider, name="Elif Kaya", email="elif.kaya@hzdr.de", org_domain="hzdr.de")
    again = arrive(provider)
    assert again == person
    assert (again.name, again.email, again.home) == ("Elif Kaya", "elif.kaya@hzdr.de", "HZDR")
    assert audited("person.signed-in") == 2


@pytest.mark.parametrize(
    ("claims", "name", "home"),
    [
        ({"name": None}, "Elif Demir", "KIT"),
        ({"name": None, "given_name": None, "family_name": None}, "edemir", "KIT"),
        (dict.fromkeys(("name", "given_name", "family_name", "preferred_username")),
         "elif.demir", "KIT"),
        (dict.fromkeys(("name", "given_name", "family_name", "preferred_username", "email")),
         "?", "KIT"),
        ({"org_domain": None}, "Elif Demir", "KIT"),
        ({"org_domain": "uni.example"}, "Elif Demir", "uni.example"),
    ],
)  # fmt: skip
def test_what_is_not_told_is_made_up_for(
    provider: Provider, claims: dict[str, Any], name: str, home: str
) -> None:
    provider.userinfo = changed(**claims)
    person = arrive(provider)
    assert (person.name, person.home) == (name, home)


# Who gets in


def test_whoever_is_not_told_to_be_ours_is_told_whom_to_write_to(provider: Provider) -> None:
    tells(provider, voperson_external_affiliation=["student@kit.edu"])
    browser = signed_in(None)
    response = log_in(browser)
    html = response.content.decode()
    assert response.status_code == 403
    assert "This desk is not open to you yet" in html
    assert 'href="mailto:office@example.org"' in html
    assert 'href="/talk/"' in html
    assert not Person.objects.exists()
    assert Entry.objects.get(action="person.refused").subject == "person:unknown"


def test_members_of_a_virtual_organisation_get_in_without_being_staff(
    provider: Provider, settings: Any
) -> None:
    from evidesk.desk.people.log_in.entitlements import Entitlement

    settings.OIDC_REQUIRED_GROUPS = [Entitlement("Helmholtz member"), Entitlement("VO", "member")]
    outside = {"voperson_external_affiliation": None, "org_domain": "uni.example"}
    tells(provider, GROUP.format("Helmholtz member"), **outside)
    assert log_in(signed_in(None)).status_code == 302
    tells(provider, GROUP.format("VO"), **outside)
    assert log_in(signed_in(None)).status_code == 403, "in the group, but not in the role"
    tells(provider, GROUP.format("VO:role=member"), **outside)
    assert log_in(signed_in(None)).status_code == 302


def test_a_desk_can_be_open_to_everybody_whom_the_provider_knows(
    provider: Provider, settings: Any
) -> None:
    settings.OIDC_HOMES = {"*": ""}
    tells(provider, voperson_external_affiliation=None)
    assert arrive(provider).home == "kit.edu"


def test_whoever_is_shut_out_stays_out(provider: Provider) -> None:
    person = arrive(provider)
    Person.objects.update(is_active=False)
    response = log_in(signed_in(None))
    assert response.status_code == 403
    assert b"Your account on this desk is closed. If you think" in response.content
    assert Entry.objects.get(action="person.refused").subject == f"person:{person.uid}"


def test_a_contact_is_named_only_if_there_is_one(provider: Provider, settings: Any) -> None:
    arrive(provider)
    Person.objects.update(is_active=False)
    settings.CONTACT = ""
    html = log_in(signed_in(None)).content.decode()
    assert "is closed." in html
    assert "write to" not in html


# Roles


def test_groups_give_roles_and_leaving_them_takes_these_away(
    provider: Provider, network: Network
) -> None:
    give("HAI:Consultants", network.hub, Role.CONSULTANT)
    give("HAI:Consultants:role=lead", network.spoke, Role.LEAD)
    tells(provider, CONSULTANTS)
    person = arrive(provider)
    assert places(person) == {("hub", "consultant", "log_in")}
    tells(provider, GROUP.format("HAI:Consultants:role=lead"))
    arrive(provider)
    assert places(person) == {("hub", "consultant", "log_in"), ("spoke", "lead", "log_in")}
    tells(provider)
    arrive(provider)
    assert places(person) == set()
    assert audited("member.added") == 2
    assert audited("member.removed") == 2


def test_the_older_claim_counts_as_well(provider: Provider, network: Network) -> None:
    give("HAI:Consultants", network.hub, Role.CONSULTANT)
    tells(provider, eduperson_entitlement=[CONSULTANTS])
    assert arrive(provider).is_member


def test_places_made_by_hand_are_kept(provider: Provider, network: Network) -> None:
    give("HAI:Consultants", network.hub, Role.CONSULTANT)
    person = arrive(provider)
    Member.objects.create(person=person, unit=network.hub, role=Role.CONSULTANT)
    Member.objects.create(person=person, unit=network.spoke, role=Role.LEAD)
    by_hand = {("hub", "consultant", "hand"), ("spoke", "lead", "hand")}
    for written in ([CONSULTANTS], []):
        tells(provider, *written)
        arrive(provider)
        assert places(person) == by_hand


def test_whoever_is_no_longer_ours_loses_what_groups_gave(
    provider: Provider, network: Network
) -> None:
    give("HAI:Consultants", network.hub, Role.CONSULTANT)
    tells(provider, CONSULTANTS)
    browser = signed_in(None)
    log_in(browser)
    person = who(browser)
    Member.objects.create(person=person, unit=network.spoke, role=Role.LEAD)
    tells(provider, voperson_external_affiliation=None)
    assert log_in(signed_in(None)).status_code == 403
    assert places(person) == {("spoke", "lead", "hand")}
    assert browser.get("/vouchers/").status_code == 302, "their sessions are ended"


@pytest.mark.parametrize("role", [Role.CONSULTANT, Role.LEAD])
def test_consultants_and_leads_need_cappuccino(
    provider: Provider, network: Network, role: Role
) -> None:
    give("HAI:Consultants", network.hub, role)
    tells(provider, CONSULTANTS, eduperson_assurance=["https://refeds.org/assurance/IAP/medium"])
    browser = signed_in(None)
    response = log_in(browser, "/sign-in/go/?next=/kits/")
    html = response.content.decode()
    assert response.status_code == 200
    assert f"{role.label} in Hub: consultants and leads need an identity" in html
    assert 'href="/kits/"' in html
    assert "second factor" not in html
    assert not who(browser).is_member
    actions.consent(who(browser), PRIVACY_VERSION)
    assert browser.get("/vouchers/").status_code == 200, "as a scientist"


def test_the_office_needs_a_second_factor_and_can_sign_in_again_with_it(
    provider: Provider, network: Network
) -> None:
    give("HAI:Office", network.hub, Role.OFFICE)
    give("HAI:Consultants", network.hub, Role.CONSULTANT)
    tells(provider, OFFICE, CONSULTANTS, acr=None)
    browser = signed_in(None)
    html = log_in(browser).content.decode()
    assert "Office in Hub: the office needs a log-in with a second factor" in html
    assert 'href="/sign-in/go/?step-up&amp;next=/"' in html
    assert places(who(browser)) == {("hub", "consultant", "log_in")}
    assert "acr_values" not in provider.sent_away
    tells(provider, OFFICE, CONSULTANTS, acr=None)
    provider.claims = changed(acr=MFA)  # some providers tell it in the ID token
    assert log_in(browser, "/sign-in/go/?step-up").status_code == 302
    assert provider.sent_away["acr_values"] == MFA
    assert len(places(who(browser))) == 2


def test_a_place_in_the_office_made_by_hand_needs_a_second_factor_too(
    provider: Provider, network: Network
) -> None:
    person = arrive(provider)
    Member.objects.create(person=person, unit=network.hub, role=Role.OFFICE, source=Source.HAND)
    tells(provider, acr=None)
    browser = signed_in(None)
    response = log_in(browser)
    assert response.status_code == 403
    assert b'href="/sign-in/go/?step-up"' in response.content
    assert who(browser) is None
    tells(provider)
    assert arrive(provider) == person


def test_a_desk_may_ask_for_less(provider: Provider, network: Network, settings: Any) -> None:
    settings.OIDC_MFA = []
    settings.OIDC_ASSURANCE = frozenset()
    give("HAI:Office", network.hub, Role.OFFICE)
    give("HAI:Consultants", network.hub, Role.CONSULTANT)
    tells(provider, OFFICE, CONSULTANTS, acr=None, eduperson_assurance=None)
    assert len(places(arrive(provider))) == 2
    start(signed_in(None), "/sign-in/go/?step-up")


# Signing out


def sign_out(browser: Client) -> str:
    assert browser.post("/sign-out/").url == "/signed-out/"
    assert who(browser) is None
    return browser.get("/signed-out/").content.decode()


def test_signing_out_ends_the_session_here_and_leads_to_the_providers(provider: Provider) -> None:
    provider.discovery = changed(end_session_endpoint=f"{provider.issuer}/end")
    browser = signed_in(None)
    log_in(browser)
    html = sign_out(browser)
    assert f"{provider.issuer}/end?client_id={CLIENT_ID}&amp;post_logout_redirect_uri=" in html
    assert browser.get("/vouchers/").status_code == 302


def test_a_provider_without_a_way_out_is_mentioned(provider: Provider) -> None:
    browser = signed_in(None)
    log_in(browser)
    html = sign_out(browser)
    assert "close all windows of the browser" in html
    assert "You may still be signed in at Helmholtz AAI" in html


def test_the_page_after_signing_out_is_only_for_those_who_did(network: Network) -> None:
    assert signed_in(None).get("/signed-out/").url == "/"
    assert signed_in(network.author).get("/signed-out/").url == "/"
