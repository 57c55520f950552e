"""The list of vouchers over HTTP, with the filters of its page.

Its address is where vouchers are begun, too, so that it is in their router.
"""

from datetime import date
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest
from ninja import Field, Query, Schema
from ninja.pagination import paginate

from evidesk.desk.lists import exports
from evidesk.desk.lists.queries import ORDERS, wanted_by
from evidesk.desk.lists.words import LONGEST, parse
from evidesk.desk.people.models import Person, Unit
from evidesk.desk.people.queries import person_of
from evidesk.desk.rest.files import download
from evidesk.desk.rest.forms import NO_NUL
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
    unit: str = Field("", max_length=50, pattern=NO_NUL, description="Its slug.")
    kind: str = Field("", max_length=50, pattern=NO_NUL, description="Its slug.")
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
    return _found(person_of(request), wanted)


def _found(person: Person, wanted: Wanted) -> QuerySet[Voucher]:
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
    return for_list(wanted_by(person, filters))


class Exported(Wanted):
    """What the file has."""

    sort: Literal["", *ORDERS] = Field(  # type: ignore[valid-type]
        "", description="Or the best first, or what was changed last."
    )


class ExportedForExcel(Exported):
    """As a CSV file, which does not say itself how it is written."""

    bom: bool = Field(False, description="Begin with a mark by which Excel knows UTF-8.")


def _export(request: HttpRequest, ending: str, wanted: Exported, **options: Any) -> FileResponse:
    person = person_of(request)
    filters = wanted.model_dump(mode="json", exclude_defaults=True, exclude={"bom"})
    return exports.download(person, ending, _found(person, wanted), urlencode(filters), **options)


@router.get(
    "vouchers/export.csv",
    summary="The list as a CSV file",
    openapi_extra=download("text/csv"),
)
def export_csv(request: HttpRequest, wanted: Query[ExportedForExcel]) -> FileResponse:
    """Each time it is noted in the audit chain; hence it has no `ETag`."""
    return _export(request, "csv", wanted, bom=wanted.bom)


@router.get(
    "vouchers/export.xlsx",
    summary="The list as a file for a spreadsheet",
    openapi_extra=download(exports.WRITERS["xlsx"][0]),
)
def export_xlsx(request: HttpRequest, wanted: Query[Exported]) -> FileResponse:
    """Each time it is noted in the audit chain; hence it has no `ETag`."""
    return _export(request, "xlsx", wanted)
