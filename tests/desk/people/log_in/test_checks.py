"""`evidesk desk check` says what is wrong with the log-in's configuration, and what to do."""

from typing import Any

import pytest

from evidesk.desk.people.log_in import checks
from tests.oidc.faults import changed
from tests.oidc.provider import Provider


def found() -> dict[str, str]:
    return {one.id: one.msg for one in checks.check_settings()}


def test_without_a_provider_a_real_desk_is_told_that_nobody_can_sign_in(settings: Any) -> None:
    assert found() == {}, "a demo needs none"
    settings.DEMO = False
    assert found() == {"evidesk.I101": "Nobody can sign in: there is no provider."}
    settings.OIDC_CLIENT_ID = "evidesk"
    assert list(found()) == ["evidesk.E101"]


@pytest.mark.parametrize(
    ("changes", "id"),
    [
        ({"OIDC_ISSUER": "http://login.example.org"}, "evidesk.E102"),
        ({"OIDC_ISSUER": "login.example.org"}, "evidesk.E102"),
        ({"OIDC_ISSUER": "https://user:pass@login.example.org"}, "evidesk.E102"),
        ({"OIDC_ISSUER": "https://login.example.org/#x"}, "evidesk.E102"),
        ({"OIDC_ISSUER": "https://login.example.org/" + "x" * 250}, "evidesk.E103"),
        ({"OIDC_CLIENT_ID": ""}, "evidesk.E104"),
        ({"OIDC_SCOPES": "profile email"}, "evidesk.E105"),
        ({"OIDC_GROUP_AUTHORITY": ""}, "evidesk.E106"),
        ({"OIDC_GROUP_NAMESPACES": []}, "evidesk.E106"),
        ({"CONTACT": "the office"}, "evidesk.W101"),
        ({"CONTACT": ""}, "evidesk.W101"),
        ({"OIDC_MFA": []}, "evidesk.W102"),
    ],
)
def test_each_mistake_is_named(settings: Any, changes: dict[str, Any], id: str) -> None:
    settings.OIDC_ISSUER = "https://login.example.org/oauth2"
    settings.OIDC_CLIENT_ID = "evidesk"
    settings.CONTACT = "office@example.org"
    assert found() == {}
    for name, value in changes.items():
        setattr(settings, name, value)
    assert list(found()) == [id]


def asked() -> list[tuple[str, str]]:
    return [(str(one.id), one.msg) for one in checks.check_provider()]


def test_before_deployment_the_provider_itself_is_asked(provider: Provider, settings: Any) -> None:
    assert asked() == []
    provider.discovery = changed(scopes_supported=["openid", "profile", "email"])
    settings.OIDC_SCOPES = "openid email entitlements acr"
    assert asked() == [("evidesk.W104", "The provider does not know the scopes acr, entitlements.")]
    provider.discovery = changed(scopes_supported=["openid", "email", "entitlements", "acr"])
    assert asked() == []
    provider.discovery = changed(issuer="https://evil.example")
    [(id, message)] = asked()
    assert id == "evidesk.W103"
    assert "calls itself 'https://evil.example'" in message


def test_what_is_no_address_is_not_asked(settings: Any) -> None:
    assert asked() == []
    settings.OIDC_ISSUER = "ftp://login.example.org"
    assert asked() == []
