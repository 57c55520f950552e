"""`evidesk desk check` explains what is wrong with the log-in's configuration.

With `--deploy` the provider itself is asked, too.
"""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning, register
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from evidesk.desk.people.log_in.faults import LogInFailed
from evidesk.desk.people.log_in.provider import Provider, address_fault
from evidesk.desk.people.log_in.transport import Deadline

TAG = "log-in"


@register(TAG)
def check_settings(**_: Any) -> list[CheckMessage]:
    """What can be told without asking the provider."""
    return list(_problems())


def _problems() -> Iterator[CheckMessage]:
    if not settings.OIDC_ISSUER:
        if settings.OIDC_CLIENT_ID:
            yield Error(
                "EVIDESK_OIDC_CLIENT_ID is set, but EVIDESK_OIDC_ISSUER is not.",
                hint="Set the issuer, such as https://login.helmholtz.de/oauth2.",
                id="evidesk.E101",
            )
        elif not settings.DEMO:
            yield Info(
                "Nobody can sign in: there is no provider.",
                hint="Set EVIDESK_OIDC_ISSUER and its kin (docs/log_in.md).",
                id="evidesk.I101",
            )
        return
    if fault := address_fault(settings.OIDC_ISSUER, local=True):
        yield Error(
            f"EVIDESK_OIDC_ISSUER {fault}: {settings.OIDC_ISSUER!r}.",
            hint="It is the issuer as the provider's configuration page writes it, letter by "
            "letter; https, but for a provider on this machine.",
            id="evidesk.E102",
        )
    if len(settings.OIDC_ISSUER) > 255:
        yield Error("EVIDESK_OIDC_ISSUER is longer than 255 characters.", id="evidesk.E103")
    if not settings.OIDC_CLIENT_ID:
        yield Error(
            "EVIDESK_OIDC_CLIENT_ID is not set.",
            hint="The provider gives it to you when you register the desk (docs/log_in.md).",
            id="evidesk.E104",
        )
    if "openid" not in settings.OIDC_SCOPES.split():
        yield Error(
            "EVIDESK_OIDC_SCOPES has no openid, so the provider would tell nobody's identity.",
            id="evidesk.E105",
        )
    if not settings.OIDC_GROUP_NAMESPACES or not settings.OIDC_GROUP_AUTHORITY:
        yield Error(
            "EVIDESK_OIDC_GROUP_NAMESPACES or EVIDESK_OIDC_GROUP_AUTHORITY is empty.",
            hint="Anybody's group would count, or none. Leave them out for the Helmholtz AAI's.",
            id="evidesk.E106",
        )
    try:
        validate_email(settings.CONTACT)
    except ValidationError:
        yield Warning(
            "EVIDESK_CONTACT is no e-mail address.",
            hint="Whoever is not let in is told to write to it.",
            id="evidesk.W101",
        )
    if not settings.OIDC_MFA:
        yield Warning(
            "EVIDESK_OIDC_MFA is empty: the office signs in without a second factor.",
            id="evidesk.W102",
        )


@register(TAG, deploy=True)
def check_provider(**_: Any) -> list[CheckMessage]:
    """Whether the provider answers, is who it should be, and can what is needed."""
    if not settings.OIDC_ISSUER or address_fault(settings.OIDC_ISSUER, local=True):
        return []
    try:
        found = Provider(settings.OIDC_ISSUER).metadata(Deadline())
    except LogInFailed as fault:
        return [
            Warning(
                f"The provider {settings.OIDC_ISSUER} cannot be used: {fault}.",
                hint="Open its /.well-known/openid-configuration from this machine.",
                id="evidesk.W103",
            )
        ]
    offered = found.get("scopes_supported")
    if not isinstance(offered, list):  # it need not tell
        return []
    missing = set(settings.OIDC_SCOPES.split()) - set(map(str, offered))
    if not missing:
        return []
    return [
        Warning(
            f"The provider does not know the scopes {', '.join(sorted(missing))}.",
            hint="Some providers refuse a log-in for that: leave them out of EVIDESK_OIDC_SCOPES.",
            id="evidesk.W104",
        )
    ]
