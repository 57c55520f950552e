"""The list of vouchers over HTTP, with the filters of its page.

Its address is where vouchers are begun, too, so that it is in their router.
"""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import Field, Query, Schema
from ninja.pagination import paginate

from evidesk.desk.lists.queries import wanted_by
from evidesk.desk.lists.words import LONGEST, parse
from evidesk.desk.people.models import Person, Unit
from evidesk.desk.people.queries import person_of
from evidesk.desk.rest.paging import Pages
from evidesk.desk.rest.problems import Invalid
from evidesk.desk.vouchers.api import VoucherOut, router
from evidesk.desk.vouchers.models import Kind, State, Voucher
from evidesk.desk.vouchers.queries import for_list

__all__ = ["router"]

# Days that every calendar of ours reaches, as on the page.
_FIRST, _LAST = date(2000, 1, 1), date(2999, 1, 1)


class Wanted(Schema):
    """What the list shows; a unit, kind or consultant that there is not has no vouchers."""

    q: str = Field("", max_length=LONGEST, description="Words, “exact words”, -not.")
    whose: Literal["", "waiting", "mine"] = Field(
        "", description="`waiting` for you, or `mine`: you are part of it."
    )
    state: str = Field("", pattern=f"^({'|'.join(State.values)})?$")
    unit: str = Field("", max_length=50, description="Its slug.")
    kind: str = Field("", max_length=50, description="Its slug.")
    consultant: UUID | None = Field(None, description="The member's `uid`.")
    dated: Literal["submitted", "ended", "changed"] = Field(
        "submitted", description="What `since` and `until` are about."
    )
    since: date | None = Field(None, ge=_FIRST, le=_LAST)
    until: date | None = Field(None, ge=_FIRST, le=_LAST)
    overdue: bool = False


@router.get("vouchers/", response=list[VoucherOut], summary="Vouchers that you may see")
@paginate(Pages)
def vouchers(request: HttpRequest, wanted: Query[Wanted]) -> Any:
    filters = wanted.model_dump()
    try:
        parse(wanted.q)
    except ValidationError as fault:
        raise Invalid({"q": fault.messages}) from None
    for name, model, key in (
        ("unit", Unit, "slug"),
        ("kind", Kind, "slug"),
        ("consultant", Person, "uid"),
    ):
        if filters[name]:
            filters[name] = model.objects.filter(**{key: filters[name]}).first()
            if filters[name] is None:
                return Voucher.objects.none()
    return for_list(wanted_by(person_of(request), filters))
