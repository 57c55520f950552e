"""Signing in, roles, tokens, and what the database holds about people."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user
from django.db import IntegrityError, transaction
from django.test import RequestFactory
from django.utils import timezone

from evidesk.desk.people import actions, queries, rules
from evidesk.desk.people.backend import PersonBackend
from evidesk.desk.people.models import Member, Person, Persona, Role, Scope, Token, Unit
from tests.desk.conftest import signed_in
from tests.desk.network import Network, person

SIGN_IN_AS = "/sign-in/as/"
ADA = {"persona": "ada.author"}


def user_of(client: Any) -> Any:
    request = RequestFactory().get("/")
    request.session = client.session
    return get_user(request)


# Personas


def test_a_visitor_of_the_demo_becomes_a_persona_and_leaves_again(network: Network) -> None:
    visitor = signed_in(None)
    html = visitor.get("/sign-in/?next=/vouchers/").content.decode()
    assert "Ada Author" in html
    assert "Sam Stranger" not in html, "not everybody is a persona"
    assert visitor.post(SIGN_IN_AS, ADA | {"next": "/vouchers/"}).url == "/vouchers/"
    assert user_of(visitor) == network.author
    assert "Hello, Ada Author" in visitor.get("/").content.decode()
    assert visitor.post("/sign-out/").url == "/"
    assert not user_of(visitor).is_authenticated
    assert visitor.get("/vouchers/").status_code == 302


@pytest.mark.parametrize(
    "options",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": "::ffff:192.0.2.7"},
        {"REMOTE_ADDR": ""},
        {"HTTP_HOST": "desk.example.org"},
        {"HTTP_HOST": "localhost.example.org"},
        {"HTTP_HOST": "127.0.0.1.example.org"},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
    ],
)
def test_personas_are_only_for_whoever_sits_at_the_machine(
    network: Network, settings: Any, options: dict[str, str]
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    visitor = signed_in(None)
    at_the_machine = {"HTTP_HOST": "localhost"}
    assert visitor.get("/sign-in/", **at_the_machine).status_code == 200
    options = at_the_machine | options
    html = visitor.get("/sign-in/", **options).content.decode()
    assert "Ada Author" not in html
    assert "not set up on this desk yet" in html
    response = visitor.post(SIGN_IN_AS, ADA, **options)
    assert response.status_code == 403
    assert not user_of(visitor).is_authenticated


def test_without_the_demo_there_are_no_personas(network: Network, settings: Any) -> None:
    settings.DEMO = False
    visitor = signed_in(None)
    assert b"Personas exist only in the demo" in visitor.get("/sign-in/").content
    assert visitor.post(SIGN_IN_AS, ADA).status_code == 403
    assert not user_of(visitor).is_authenticated


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]", "[::1]:8000"]
)
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.8.9.10"])
def test_every_name_of_the_own_machine_will_do(network: Network, host: str, address: str) -> None:
    visitor = signed_in(None)
    response = visitor.post(SIGN_IN_AS, ADA, HTTP_HOST=host, REMOTE_ADDR=address)
    assert response.status_code == 302
    assert user_of(visitor) == network.author


@pytest.mark.parametrize("who", ["cyra.consultant", "nobody", "", "ada.author' OR 1=1 --"])
def test_only_personas_can_be_signed_in_as(network: Network, who: str) -> None:
    visitor = signed_in(None)
    assert visitor.post(SIGN_IN_AS, {"persona": who}).status_code == 404
    assert not user_of(visitor).is_authenticated


def test_a_person_of_another_issuer_is_never_a_persona(network: Network) -> None:
    Person.objects.filter(pk=network.author.pk).update(issuer="https://login.example.org")
    assert not queries.personas().exists()


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "http:///evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "\x00//evil.example",
        " //evil.example",
    ],
)
def test_signing_in_leads_nowhere_else(network: Network, wanted: str) -> None:
    visitor = signed_in(None)
    assert visitor.post(SIGN_IN_AS, ADA | {"next": wanted}).url == "/"
    html = visitor.get("/sign-in/", {"next": wanted}).content.decode()
    assert 'name="next" value="/"' in html


def test_the_session_is_new_after_signing_in_and_void_for_the_inactive(network: Network) -> None:
    visitor = signed_in(None)
    session = visitor.session
    session["planted"] = "by somebody"
    session.save()
    planted = visitor.cookies["sessionid"].value
    visitor.post(SIGN_IN_AS, ADA)
    cookie = visitor.cookies["sessionid"]
    assert cookie.value != planted
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    Person.objects.filter(pk=network.author.pk).update(is_active=False)
    assert visitor.get("/vouchers/").status_code == 302
    assert visitor.post(SIGN_IN_AS, ADA).status_code == 404
    assert PersonBackend().get_user(network.author.pk) is None


# Tokens


def whose(text: str) -> Person | None:
    """Whose valid token this is."""
    token = actions.use_token(text)
    return token.person if token else None


def test_a_token_is_shown_once_and_kept_as_a_digest(network: Network) -> None:
    author = signed_in(network.author)
    wanted = {"name": "login node", "scope": "read", "days": "30"}
    html = author.post("/me/tokens/", wanted).content.decode()
    token = Token.objects.get()
    assert token.scope == Scope.READ
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)
    text = html.split('id="new-token">')[1].split("<")[0]
    assert text.startswith("evidesk_")
    assert len(text) > 40
    assert token.digest == Token.digest_of(text)
    assert text not in author.get("/me/tokens/").content.decode()
    assert text not in str(Token.objects.values())
    assert str(token) == "login node of Ada Author"
    for wrong in ({"name": ""}, {"scope": "all"}, {"scope": ""}, {"days": "31"}, {"days": "x"}):
        assert b'class="errorlist"' in author.post("/me/tokens/", {**wanted, **wrong}).content
    assert Token.objects.count() == 1


def test_a_token_stands_for_its_person_until_it_expires_or_is_revoked(network: Network) -> None:
    token, text = actions.create_token(network.author, "laptop")
    assert whose(text) == network.author
    token.refresh_from_db()
    assert timezone.now() - token.last_used_at < timedelta(minutes=1)
    assert not token.is_expired
    assert whose(text + "x") is None
    assert whose("") is None
    assert whose(token.digest) is None
    Token.objects.update(expires_at=timezone.now())
    token.refresh_from_db()
    assert token.is_expired
    assert whose(text) is None
    assert b"expired" in signed_in(network.author).get("/me/tokens/").content


def test_the_token_of_somebody_who_left_is_void(network: Network) -> None:
    _, text = actions.create_token(network.author, "laptop")
    Person.objects.filter(pk=network.author.pk).update(is_active=False)
    assert whose(text) is None


def test_everybody_revokes_only_their_own_tokens(network: Network) -> None:
    token, text = actions.create_token(network.author, "laptop")
    path = f"/me/tokens/{token.pk}/revoke/"
    signed_in(network.stranger).post(path)
    assert whose(text) == network.author
    html = signed_in(network.author).post(path, follow=True).content.decode()
    assert "The token is revoked" in html
    assert whose(text) is None


# Roles and rows


def test_a_role_counts_in_its_unit_or_anywhere(network: Network) -> None:
    lead = network["lead"]
    assert lead.is_member
    assert lead.unit_ids == {network.spoke.pk}
    assert lead.has_role(Role.LEAD)
    assert lead.has_role(Role.LEAD, unit_id=network.spoke.pk)
    assert not lead.has_role(Role.LEAD, unit_id=network.hub.pk)
    assert not lead.has_role(Role.OFFICE, Role.CONSULTANT)
    assert not network["author"].is_member


def test_vouchers_are_offered_to_active_consultants_and_leads(network: Network) -> None:
    both = person("Bea Both", network.spoke, Role.LEAD)
    Member.objects.create(person=both, unit=network.hub, role=Role.CONSULTANT)
    Person.objects.filter(pk=network.outsider.pk).update(is_active=False)
    assert [p.name for p in queries.possible_consultants()] == [
        "Bea Both", "Cleo Colleague", "Cyra Consultant", "Lena Lead", "Lew Elsewhere"
    ]  # fmt: skip


def test_the_database_keeps_one_hub_one_place_and_one_person_per_subject(
    network: Network,
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Unit.objects.filter(pk=network.spoke.pk).update(is_hub=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Member.objects.create(person=network.lead, unit=network.spoke, role=Role.LEAD)
    with pytest.raises(IntegrityError, match="role_is_known"), transaction.atomic():
        Member.objects.update(role="king")
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.create(issuer="demo", subject="ada.author", name="Eve", email="e@x.org")
    other = Person.objects.create(
        issuer="https://login.example.org", subject="ada.author", name="Ada", email="a@x.org"
    )
    assert other.uid != network.author.uid


def test_the_network_lists_each_unit_with_its_people(network: Network) -> None:
    html = signed_in(None).get("/network/").content.decode()
    assert html.index("Hub") < html.index("Spoke")
    assert "Cleo Colleague" in html


def test_rows_say_who_they_are(network: Network) -> None:
    assert str(network.spoke) == "Spoke"
    assert str(network.lead.memberships.get()) == "Lena Lead, Lead in Spoke"
    assert str(Persona.objects.get()) == "Ada Author: asks"


def test_an_answer_is_as_true_as_it_is_allowed() -> None:
    assert rules.ALLOWED
    assert not rules.refuse("no")
    rules.require(rules.ALLOWED)
    with pytest.raises(rules.Refused, match="no"):
        rules.require(rules.refuse("no"))
