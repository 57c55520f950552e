"""What stands beside a voucher's document and conversation, over HTTP: tags, who may see it, hours,
and the voucher that continues it.
"""

from datetime import date
from typing import Any

from django.http import HttpRequest
from ninja import Body as InBody
from ninja import Field, Router, Schema
from ninja.responses import Status

from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require
from evidesk.desk.rest.forms import checked, data_of, schema_of
from evidesk.desk.vouchers import effort as hours
from evidesk.desk.vouchers import rules, work
from evidesk.desk.vouchers.api import VoucherDetail
from evidesk.desk.vouchers.effort import Effort, Row
from evidesk.desk.vouchers.forms_work import BookingForm, TagsForm, VisibilityForm
from evidesk.desk.vouchers.models import Voucher
from evidesk.desk.vouchers.queries import voucher_for

router = Router(tags=["vouchers"])


class TagsOut(Schema):
    """The voucher's tags, and all that it could have."""

    tags: list[str]
    possible: list[str]


TagsIn = schema_of(TagsForm)


def _tags_of(voucher: Voucher) -> dict[str, list[str]]:
    possible: Any = TagsForm(voucher=voucher).fields["tags"]
    return {
        "tags": [tag.name for tag in voucher.tags.all()],
        "possible": [tag.name for tag in possible.queryset],
    }


@router.get(
    "vouchers/{reference}/tags/", response=TagsOut, summary="A voucher's tags, for its team"
)
def tags(request: HttpRequest, reference: str) -> dict[str, list[str]]:
    person = person_of(request)
    voucher = voucher_for(person, reference)
    require(rules.may_tag(person, voucher))
    return _tags_of(voucher)


@router.put(
    "vouchers/{reference}/tags/",
    response=TagsOut,
    summary="Tag a voucher",
    description="It has these tags then, and no others.",
)
def set_tags(
    request: HttpRequest,
    reference: str,
    chosen: InBody[TagsIn],  # type: ignore[valid-type]
) -> dict[str, list[str]]:
    person = person_of(request)
    voucher = voucher_for(person, reference)
    require(rules.may_tag(person, voucher))
    data = data_of(TagsForm(voucher=voucher), chosen.model_dump())  # type: ignore[attr-defined]
    work.set_tags(voucher, person, checked(TagsForm(data, voucher=voucher))["tags"])
    return _tags_of(voucher)


VisibilityIn = schema_of(VisibilityForm)


@router.put(
    "vouchers/{reference}/visibility/",
    response=VoucherDetail,
    summary="Decide who may see your voucher",
)
def set_visibility(
    request: HttpRequest,
    reference: str,
    chosen: InBody[VisibilityIn],  # type: ignore[valid-type]
) -> Voucher:
    person = person_of(request)
    voucher = voucher_for(person, reference)
    require(rules.may_set_visibility(person, voucher))
    data = checked(VisibilityForm(chosen.model_dump()))  # type: ignore[attr-defined]
    work.set_visibility(voucher, person, **data)
    return voucher


class WeekOut(Schema):
    """A week of the consultant, in hours: what they have, and what of it is booked `here`, for
    this voucher, and `elsewhere`. `free` is negative if more is booked than there is; then
    `reason` says why.
    """

    monday: date
    available: float
    booked: float
    here: float
    elsewhere: float
    free: float
    reason: str

    @staticmethod
    def resolve_monday(row: Row) -> date:
        return row.week.monday

    @staticmethod
    def resolve_available(row: Row) -> float:
        return float(row.week.available)

    @staticmethod
    def resolve_booked(row: Row) -> float:
        return float(row.week.booked)

    @staticmethod
    def resolve_free(row: Row) -> float:
        return float(row.week.free)


class EffortOut(Schema):
    """The hours of a voucher. Without a consultant who is a member there are no weeks."""

    weeks: list[WeekOut] = Field(alias="rows")
    total: float = Field(description="All hours that are booked for the voucher.")


@router.get(
    "vouchers/{reference}/effort/",
    response=EffortOut,
    by_alias=False,
    summary="The consultant's weeks, and the hours booked of them",
)
def effort(request: HttpRequest, reference: str) -> Effort:
    person = person_of(request)
    voucher = voucher_for(person, reference)
    require(rules.may_see_effort(person, voucher))
    return hours.effort_of(voucher)


BookingIn = schema_of(
    BookingForm,
    without=("week",),
    week=(date, Field(description="The Monday of a week of the planned time.")),
)


@router.post(
    "vouchers/{reference}/effort/",
    response=EffortOut,
    by_alias=False,
    summary="Book hours of a week, or free them",
    description="What was booked for the voucher in this week before is replaced.",
)
def book(
    request: HttpRequest,
    reference: str,
    booking: InBody[BookingIn],  # type: ignore[valid-type]
) -> Effort:
    person = person_of(request)
    voucher = voucher_for(person, reference)
    require(rules.may_book(person, voucher))
    wanted: Any = booking
    data = {**wanted.model_dump(), "week": wanted.week.isoformat()}
    form = BookingForm(data, weeks=hours.bookable(voucher), chosen=data["week"], hours=wanted.hours)
    hours.book(voucher, person, **checked(form))
    return hours.effort_of(voucher)


@router.post(
    "vouchers/{reference}/follow-up/",
    response={201: VoucherDetail},
    summary="Begin the voucher that continues a reported one",
)
def follow_up(request: HttpRequest, reference: str) -> Status[Voucher]:
    person = person_of(request)
    return Status(201, work.follow_up(voucher_for(person, reference), person))
