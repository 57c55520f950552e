"""One's hooks and their logs over HTTP: reading, trying, switching and removing them.

They are made on the page only, as tokens are: what goes on telling after a token has ended is not
made with it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status
from ninja.pagination import paginate

from evidesk.desk.hooks import actions
from evidesk.desk.hooks.models import Delivery, Hook
from evidesk.desk.people.queries import person_of
from evidesk.desk.rest.forms import Body
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


def _hook_for(request: HttpRequest, hook_id: int) -> Hook:
    return get_object_or_404(person_of(request).hooks.select_related("unit"), pk=hook_id)


@router.delete("hooks/{int:hook_id}/", response={204: None}, summary="Remove a webhook")
def remove_hook(request: HttpRequest, hook_id: int) -> Status[None]:
    """It is told nothing any more, and its log is gone."""
    actions.remove_hook(_hook_for(request, hook_id), person_of(request))
    return Status(204, None)


class SwitchIn(Body):
    """Whether it shall be told."""

    on: bool = Field(description="What waits for a hook that is switched off is dropped.")


@router.post("hooks/{int:hook_id}/switch/", response=HookOut, summary="Switch a webhook on or off")
def switch_hook(request: HttpRequest, hook_id: int, switch: SwitchIn) -> Hook:
    act = actions.switch_on if switch.on else actions.switch_off
    act(_hook_for(request, hook_id), person_of(request))
    return _hook_for(request, hook_id)


@router.post(
    "hooks/{int:hook_id}/ping/", response={201: DeliveryOut}, summary="Send a webhook a test"
)
def ping_hook(request: HttpRequest, hook_id: int) -> Status[Delivery]:
    return Status(201, actions.ping(_hook_for(request, hook_id), person_of(request)))


@router.get(
    "hooks/{int:hook_id}/deliveries/", response=list[DeliveryOut], summary="What a webhook was told"
)
@paginate(Pages)
def deliveries(request: HttpRequest, hook_id: int) -> Any:
    return get_object_or_404(person_of(request).hooks, pk=hook_id).deliveries.all()
