"""Kept views of the list of vouchers, over HTTP."""

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Body as InBody
from ninja import Field, Router, Schema
from ninja.pagination import paginate
from ninja.responses import Status

from evidesk.desk.lists import actions, queries, rules
from evidesk.desk.lists.forms import FilterForm, ViewForm
from evidesk.desk.lists.models import SavedView
from evidesk.desk.people.models import Person, Unit
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require
from evidesk.desk.rest.forms import NO_NUL, checked, schema_of
from evidesk.desk.rest.paging import Pages
from evidesk.desk.rest.problems import Invalid

router = Router(tags=["vouchers"])


class ViewOut(Schema):
    """A list to come back to; `unit` is the one whose members see it, too."""

    id: int
    name: str
    query: str = Field(description="The filters, as in the address of the list's page.")
    unit: str | None
    is_default: bool
    owner: str

    @staticmethod
    def resolve_unit(view: SavedView) -> str | None:
        return view.unit.slug if view.unit else None

    @staticmethod
    def resolve_owner(view: SavedView) -> str:
        return view.owner.name


@router.get("views/", response=list[ViewOut], summary="Your views, and those that your units share")
@paginate(Pages)
def views(request: HttpRequest) -> Any:
    return queries.views_for(person_of(request))


_UNIT = Field(
    "", max_length=50, pattern=NO_NUL, description="The slug of a unit to share it with, or empty."
)
ViewIn = schema_of(
    ViewForm,
    query=(
        str,
        Field(
            "",
            max_length=2000,
            pattern=NO_NUL,
            description="The filters, as in the address of the list's page, such as "
            "`state=active&sort=title`.",
        ),
    ),
    unit=(str, _UNIT),
)
ViewChangesIn = schema_of(ViewForm, name="ViewChangesIn", unit=(str, _UNIT))


def _values(person: Person, given: dict[str, Any]) -> dict[str, Any]:
    """What the page's form makes of a name, a unit and a default."""
    if given["unit"]:
        require(rules.may_share(person, get_object_or_404(Unit, slug=given["unit"])))
    units = Unit.objects.filter(pk__in=person.unit_ids)
    form = ViewForm(given, person=person, units=units)
    checked(form)
    return form.values()


@router.post("views/", response={201: ViewOut}, summary="Keep a list's filters under a name")
def keep(
    request: HttpRequest,
    view: InBody[ViewIn],  # type: ignore[valid-type]
) -> Status[SavedView]:
    person = person_of(request)
    given: dict[str, Any] = view.model_dump()  # type: ignore[attr-defined]
    filters = FilterForm.of_address(given["query"], person)
    if not filters.is_valid():
        raise Invalid(
            {f"query.{name}": [str(w) for w in why] for name, why in filters.errors.items()}
        )
    kept = actions.save_view(person, query=filters.address(), **_values(person, given))
    return Status(201, kept)


def _own(person: Person, view_id: int) -> SavedView:
    return get_object_or_404(person.views.select_related("owner"), pk=view_id)


@router.put(
    "views/{int:view_id}/",
    response=ViewOut,
    summary="Rename one of your views, share it or not, open the list with it or not",
)
def change(
    request: HttpRequest,
    view_id: int,
    changes: InBody[ViewChangesIn],  # type: ignore[valid-type]
) -> SavedView:
    person = person_of(request)
    view = _own(person, view_id)
    given: dict[str, Any] = changes.model_dump()  # type: ignore[attr-defined]
    actions.change_view(view, person, **_values(person, given))
    return view


@router.delete("views/{int:view_id}/", response={204: None}, summary="Forget one of your views")
def delete(request: HttpRequest, view_id: int) -> Status[None]:
    person = person_of(request)
    actions.delete_view(_own(person, view_id), person)
    return Status(204, None)
