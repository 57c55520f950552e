"""The table of groups over HTTP, for the office."""

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Body as InBody
from ninja import Field, Router, Schema
from ninja.pagination import paginate
from ninja.responses import Status

from evidesk.desk.people.log_in import actions, rules
from evidesk.desk.people.log_in.forms import GroupForm
from evidesk.desk.people.models import GroupRole
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require
from evidesk.desk.rest.forms import checked, data_of, schema_of
from evidesk.desk.rest.paging import Pages

router = Router(tags=["office"])


class GroupOut(Schema):
    """Whoever is in the group has the role in the unit, from their next log-in on."""

    id: int
    group: str = Field(description="Its path with colons, and the role within it, if any.")
    role: str
    unit: str

    @staticmethod
    def resolve_group(row: GroupRole) -> str:
        return row.written

    @staticmethod
    def resolve_unit(row: GroupRole) -> str:
        return row.unit.slug


GroupIn = schema_of(GroupForm)


@router.get("groups/", response=list[GroupOut], summary="Groups of the log-in, and their roles")
@paginate(Pages)
def groups(request: HttpRequest) -> Any:
    require(rules.may_edit_groups(person_of(request)))
    return GroupRole.objects.select_related("unit")


@router.post("groups/", response={201: GroupOut}, summary="Give whoever is in a group a role")
def add_group(
    request: HttpRequest,
    group: InBody[GroupIn],  # type: ignore[valid-type]
) -> Status[GroupRole]:
    person = person_of(request)
    require(rules.may_edit_groups(person))
    data = data_of(GroupForm(), group.model_dump())  # type: ignore[attr-defined]
    values = checked(GroupForm(data))
    row = actions.add_group(person, values["group"], values["unit"], values["role"])
    return Status(201, row)


@router.delete(
    "groups/{int:row_id}/",
    response={204: None},
    summary="A group gives its role no more",
    description="Whoever has it by the group loses it at once.",
)
def remove_group(request: HttpRequest, row_id: int) -> Status[None]:
    person = person_of(request)
    require(rules.may_edit_groups(person))
    actions.remove_group(person, get_object_or_404(GroupRole, pk=row_id).pk)
    return Status(204, None)
