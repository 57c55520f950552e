"""What people do about themselves over HTTP: their sessions, tokens and language.

Tokens are made on their page only. By a program there is no session of its own, so that it can end
each of them.
"""

from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from ninja import Router, Schema, Status
from pydantic import ConfigDict

from evidesk.desk.people import actions, sessions
from evidesk.desk.people.log_in import actions as log_in
from evidesk.desk.people.models import Session, Token
from evidesk.desk.people.queries import person_of

router = Router(tags=["people"])


class SessionOut(Schema):
    """A browser that you are signed in with; `device` is empty if it is not known."""

    public_id: str
    device: str
    signed_in_at: datetime | None
    last_used_at: datetime


class EndedOut(Schema):
    """How many there were."""

    ended: int


@router.get("me/sessions/", response=list[SessionOut], summary="Where you are signed in")
def own_sessions(request: HttpRequest) -> QuerySet[Session]:
    return sessions.of(person_of(request)).order_by("-last_used_at", "pk")


@router.delete("me/sessions/", response=EndedOut, summary="Sign out everywhere")
def end_sessions(request: HttpRequest) -> dict[str, int]:
    """A token is no session: it stays valid, and no browser is left signed in."""
    return {"ended": log_in.end_other_sessions(person_of(request), None)}


@router.delete("me/sessions/{public_id}/", response={204: None}, summary="End a session")
def end_session(request: HttpRequest, public_id: str) -> Status[None]:
    if not log_in.end_session(person_of(request), public_id):
        raise Http404
    return Status(204, None)


class OwnTokenOut(Schema):
    """A token of yours, without its text, which nobody has but you."""

    id: int
    name: str
    scope: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


@router.get("me/tokens/", response=list[OwnTokenOut], summary="Your tokens")
def own_tokens(request: HttpRequest) -> QuerySet[Token]:
    """Those that have expired are there until they are revoked."""
    return person_of(request).tokens.order_by("-created_at", "-pk")


@router.delete("me/tokens/{int:token_id}/", response={204: None}, summary="Revoke a token")
def revoke_token(request: HttpRequest, token_id: int) -> Status[None]:
    """It can be the very one that is sent."""
    if not actions.revoke_token(person_of(request), token_id):
        raise Http404
    return Status(204, None)


_Language: Any = Literal[tuple(dict(settings.LANGUAGES))]


class LanguageIn(Schema):
    """The language of the pages and mails."""

    model_config = ConfigDict(extra="forbid")

    language: _Language


@router.put("me/language/", response=LanguageIn, summary="Choose your language")
def choose_language(request: HttpRequest, chosen: LanguageIn) -> LanguageIn:
    """Of the pages that you read and the mails that you get; what the API answers is in English,
    or as `Accept-Language` says.
    """
    actions.choose_language(person_of(request), chosen.language)
    return chosen
