"""One's hooks and their logs over HTTP, to be read.

They are made on the page only, as tokens are: what goes on telling after a token has ended is not
made with it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema
from ninja.pagination import paginate

from evidesk.desk.hooks.models import Hook
from evidesk.desk.people.queries import person_of
from evidesk.desk.rest.paging import Pages

router = Router(tags=["webhooks"])


class HookOut(Schema):
    """A hook; `unit` is null if it tells of your own vouchers."""

    id: int
    url: str
    unit: str | None
    events: list[str]
    created_at: datetime
    succeeded_at: datetime | None
    disabled_at: datetime | None
    disabled_because: str

    @staticmethod
    def resolve_unit(hook: Hook) -> str | None:
        return hook.unit.slug if hook.unit else None


class DeliveryOut(Schema):
    """An event that a hook was told of, and how that went the last time."""

    uid: UUID
    event: str
    payload: dict[str, Any]
    created_at: datetime
    state: str
    attempts: int
    next_at: datetime
    ended_at: datetime | None
    status: int | None
    fault: str


@router.get("hooks/", response=list[HookOut], summary="Your webhooks")
@paginate(Pages)
def hooks(request: HttpRequest) -> Any:
    return person_of(request).hooks.select_related("unit")


@router.get(
    "hooks/{int:hook_id}/deliveries/", response=list[DeliveryOut], summary="What a webhook was told"
)
@paginate(Pages)
def deliveries(request: HttpRequest, hook_id: int) -> Any:
    return get_object_or_404(person_of(request).hooks, pk=hook_id).deliveries.all()
