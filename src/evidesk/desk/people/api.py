"""Who one is, and the network, over HTTP."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Prefetch
from django.http import HttpRequest
from ninja import Router, Schema

from evidesk.desk.people.models import Member, Token, Unit
from evidesk.desk.people.queries import person_of

router = Router(tags=["people"])


class PlaceOut(Schema):
    """A place in a unit."""

    unit: str
    role: str

    @staticmethod
    def resolve_unit(member: Member) -> str:
        return member.unit.slug


class TokenOut(Schema):
    """The token that was sent."""

    name: str
    scope: str
    expires_at: datetime


class MeOut(Schema):
    """Whose token it is; `language` is the one chosen on the pages, empty if none was."""

    uid: UUID
    name: str
    email: str
    home: str
    language: str
    roles: list[PlaceOut]
    token: TokenOut


@router.get("me/", response=MeOut, summary="Who you are, and what your token may do")
def me(request: HttpRequest) -> dict[str, Any]:
    person = person_of(request)
    token: Token = request.auth  # type: ignore[attr-defined]
    return {
        "uid": person.uid,
        "name": person.name,
        "email": person.email,
        "home": person.home,
        "language": person.language,
        "roles": list(person.memberships.select_related("unit")),
        "token": token,
    }


class MemberOut(Schema):
    """A member; `id` is what an offer names its consultant by, `uid` what a list filters by."""

    id: int
    uid: UUID
    name: str
    role: str

    @staticmethod
    def resolve_id(member: Member) -> int:
        return member.person_id

    @staticmethod
    def resolve_uid(member: Member) -> UUID:
        return member.person.uid

    @staticmethod
    def resolve_name(member: Member) -> str:
        return member.person.name


class UnitOut(Schema):
    """A unit of the network, with its people."""

    slug: str
    name: str
    host: str
    city: str
    focus: str
    is_hub: bool
    is_retired: bool
    members: list[MemberOut]

    @staticmethod
    def resolve_host(unit: Unit) -> str:
        return str(unit.host)

    @staticmethod
    def resolve_is_retired(unit: Unit) -> bool:
        return unit.retired_at is not None

    @staticmethod
    def resolve_members(unit: Unit) -> list[Member]:
        return list(unit.members.all())


@router.get("units/", response=list[UnitOut], summary="The network's units and their people")
def units(request: HttpRequest) -> Any:
    return Unit.objects.select_related("host").prefetch_related(
        Prefetch("members", Member.objects.select_related("person"))
    )
