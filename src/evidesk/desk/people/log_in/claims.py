"""What the provider tells about somebody, from its userinfo, with each claim's type held to.

A claim that is missing is missing; a claim that is not what the specification says ends the log-in,
for then the rest cannot be trusted either. What is merely ugly, such as control characters in a
name, is cleaned.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from evidesk.desk.people.log_in import entitlements
from evidesk.desk.people.log_in.entitlements import Entitlement
from evidesk.desk.people.log_in.faults import Distrusted

#: A claim's values at most, and one value's characters.
MAX_VALUES = 2000
MAX_LENGTH = 1000
#: A subject has at most 255 ASCII characters (OpenID Connect Core 1.0, section 2).
MAX_SUBJECT = 255
_NAME_LENGTH = 200
#: How eduPerson calls people who are employed; students and guests are none of them.
_STAFF = {"employee", "staff", "faculty"}
#: Characters that turn the text around them, so that a name could pose as another.
_TURNING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Claims:
    """Somebody as the provider knows them.

    `staff_of` are the domains whose staff they are; `assurance` and `acr` say how well they are
    known, and how well they have just shown it.
    """

    issuer: str
    subject: str
    name: str
    email: str
    domain: str
    staff_of: frozenset[str]
    groups: frozenset[Entitlement]
    assurance: frozenset[str]
    acr: str


def read(userinfo: Mapping[str, Any], id_token: Mapping[str, Any]) -> Claims:
    """The claims, of which the ID token gives issuer and subject, and userinfo the rest.

    Raises
    ------
    Distrusted : userinfo tells of somebody else, or a claim has another type, or is too large.
    """
    subject = id_token["sub"]
    if userinfo.get("sub") != subject:  # OpenID Connect Core 1.0, section 5.3.2
        raise Distrusted("userinfo is about somebody else")
    written = [*_list(userinfo, "entitlements"), *_list(userinfo, "eduperson_entitlement")]
    affiliations = [
        value.rpartition("@") for value in _list(userinfo, "voperson_external_affiliation", True)
    ]
    home = _text(userinfo, "org_domain").lower()
    if not home and affiliations:
        home = affiliations[0][2].lower()
    return Claims(
        issuer=id_token["iss"],
        subject=subject,
        name=_name(userinfo),
        email=_email(userinfo),
        domain=_clean(home),
        staff_of=frozenset(
            scope.lower() for kind, _, scope in affiliations if kind.lower() in _STAFF
        ),
        groups=entitlements.groups(
            written,
            namespaces=settings.OIDC_GROUP_NAMESPACES,
            authority=settings.OIDC_GROUP_AUTHORITY,
        ),
        assurance=frozenset(_list(userinfo, "eduperson_assurance")),
        acr=_acr(userinfo, id_token),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_LENGTH or _is_broken(value):
        raise Distrusted(f"the claim {name} is no text of at most {MAX_LENGTH} characters")
    return value


def _list(claims: Mapping[str, Any], name: str, one: bool = False) -> list[str]:
    """A claim that is a list of texts; or, where that is usual, `one` of them alone."""
    value = claims.get(name)
    if value is None:
        return []
    values = [value] if one and isinstance(value, str) else value
    if not isinstance(values, list) or len(values) > MAX_VALUES:
        raise Distrusted(f"the claim {name} is no list of at most {MAX_VALUES} texts")
    for text in values:
        if not isinstance(text, str) or len(text) > MAX_LENGTH or _is_broken(text):
            raise Distrusted(f"the claim {name} holds something that is no short text")
    return values


def _is_broken(text: str) -> bool:
    """Half a character, which no database keeps, or an end of text amidst it."""
    return any("\ud800" <= one <= "\udfff" or one == "\0" for one in text)


def _clean(text: str) -> str:
    """Without characters that control, turn or mean nothing; spaces are single."""
    kept = (
        " " if one.isspace() else one
        for one in text
        if one.isspace()
        or (one not in _TURNING and unicodedata.category(one) not in ("Cc", "Cs", "Co", "Cn"))
    )
    return " ".join("".join(kept).split())


def _name(claims: Mapping[str, Any]) -> str:
    whole = f"{_text(claims, 'given_name')} {_text(claims, 'family_name')}"
    candidates = (_text(claims, "name"), whole, _text(claims, "preferred_username"))
    named = filter(None, map(_clean, candidates))
    return next(named, _email(claims).partition("@")[0] or "?")[:_NAME_LENGTH]


def _email(claims: Mapping[str, Any]) -> str:
    """The address, unless the provider says that it has not verified it: others read its mail."""
    email = _text(claims, "email")
    if not email or claims.get("email_verified") is False:
        return ""
    try:
        validate_email(email)
    except ValidationError as fault:
        raise Distrusted("the claim email is no address") from fault
    if len(email) > 254:
        raise Distrusted("the claim email is too long")
    return email


def _acr(userinfo: Mapping[str, Any], id_token: Mapping[str, Any]) -> str:
    """How they have shown who they are: in userinfo or in the ID token, which must not differ."""
    said = {_text(claims, "acr") for claims in (userinfo, id_token)} - {""}
    if len(said) > 1:
        raise Distrusted("userinfo and ID token differ in acr")
    return said.pop() if said else ""
