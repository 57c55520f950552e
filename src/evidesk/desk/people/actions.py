"""What people do about themselves: access tokens."""

import secrets
from datetime import timedelta

from django.db import transaction as database
from django.utils import timezone
from django.utils.translation import gettext as _

from evidesk.desk.audit import actions as audit
from evidesk.desk.people.models import Person, Scope, Token
from evidesk.desk.people.rules import PRIVACY_VERSION, Conflict

#: How a token begins, so that scanners and people recognise a leaked one.
TOKEN_PREFIX = "evidesk_"  # noqa: S105 - not a secret
#: How many days a token can be made for.
TOKEN_DAYS = (30, 90, 180, 365)


@database.atomic
def create_token(
    person: Person, name: str, *, scope: str = Scope.EVIDENCE, days: int = 180
) -> tuple[Token, str]:
    """A new access token and its text, which is not kept and cannot be shown again.

    Tokens are made on a page only: nobody can make one with another one.
    """
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = Token.objects.create(
        person=person,
        name=name,
        scope=scope,
        digest=Token.digest_of(text),
        expires_at=timezone.now() + timedelta(days=days),
    )
    audit.append(
        "token.created",
        person.uid,
        f"token:{token.pk}",
        {"scope": str(scope), "days": days},
        sealed={"name": name},
    )
    return token, text


@database.atomic
def revoke_token(person: Person, token_id: int) -> bool:
    """Make one of the person's own tokens useless; others' tokens are left alone.

    Returns whether there was one.
    """
    revoked, _rows = person.tokens.filter(pk=token_id).delete()
    if revoked:
        audit.append("token.revoked", person.uid, f"token:{token_id}")
    return bool(revoked)


def use_token(text: str) -> Token | None:
    """The valid token of this text, with its person; notes when it was used."""
    now = timezone.now()
    token = (
        Token.objects.select_related("person")
        .filter(digest=Token.digest_of(text), expires_at__gt=now, person__is_active=True)
        .first()
    )
    if token is None:
        return None
    Token.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


@database.atomic
def consent(person: Person, version: str) -> None:
    """Agree to what the desk keeps; to the version that was shown."""
    if version != PRIVACY_VERSION:
        raise Conflict(_("The privacy page has changed in the meantime. Please read it once more."))
    person.consented_to, person.consented_at = version, timezone.now()
    person.save(update_fields=["consented_to", "consented_at"])
    audit.append("person.consented", person.uid, f"person:{person.uid}", {"version": version})


@database.atomic
def choose_language(person: Person, language: str) -> None:
    """Read the desk, and get its mails, in this language from now on."""
    if person.language == language:
        return
    person.language = language
    person.save(update_fields=["language"])
    facts = {"language": language}
    audit.append("person.language-chosen", person.uid, f"person:{person.uid}", facts)
