"""One's notices, and how to be told, over HTTP.

The calendar's secret address is made on its page only, as tokens are.
"""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Body as InBody
from ninja import Field, Router, Schema, Status
from ninja.pagination import paginate

from evidesk.desk.notices import actions, queries, rules
from evidesk.desk.notices.forms import WaysForm
from evidesk.desk.notices.kinds import ALWAYS
from evidesk.desk.notices.models import Calendar, Notice
from evidesk.desk.people.models import Person
from evidesk.desk.people.queries import person_of
from evidesk.desk.rest.forms import Body, checked, schema_of
from evidesk.desk.rest.paging import Pages

router = Router(tags=["notices"])


class NoticeOut(Schema):
    """What happened; `voucher` and `inquiry` name the thing, if it is about one."""

    id: int
    kind: str
    at: datetime
    read_at: datetime | None
    sentence: str = Field(description="What happened, in the language of the answer.")
    said: str = Field(description="What it is about, where `sentence` does not say it.")
    voucher: str | None = Field(description="Its reference; you may not see it any more.")
    inquiry: str | None = Field(description="Its key.")

    @staticmethod
    def resolve_said(notice: Notice) -> str:
        if notice.inquiry:
            return notice.inquiry.subject
        return notice.said if notice.text else ""

    @staticmethod
    def resolve_voucher(notice: Notice) -> str | None:
        return notice.voucher.reference if notice.voucher else None

    @staticmethod
    def resolve_inquiry(notice: Notice) -> str | None:
        return notice.inquiry.key if notice.inquiry else None


@router.get("notices/", response=list[NoticeOut], summary="What you were told")
@paginate(Pages)
def notices(request: HttpRequest, unread: bool = False) -> Any:
    """Reading the list marks nothing as read."""
    return queries.notices_for(person_of(request), unread=unread)


class ReadIn(Body):
    """Which ones; all if there are no `ids`."""

    ids: list[Annotated[int, Field(ge=1, lt=2**63)]] | None = Field(
        None, max_length=1000, description="Others' notices are left alone."
    )


class ReadOut(Schema):
    """How many had not been read."""

    read: int


@router.post("notices/read/", response=ReadOut, summary="Mark notices as read")
def read(request: HttpRequest, which: ReadIn) -> dict[str, int]:
    return {"read": actions.mark_read(person_of(request), ids=which.ids)}


# How to be told

WaysIn = schema_of(WaysForm)


class CalendarOut(Schema):
    """The calendar's address; it was shown when it was made."""

    created_at: datetime
    read_at: datetime | None


class TellingOut(Schema):
    """How you are told, beside the notices, which always tell."""

    address: str
    is_written: bool = Field(description="Whether this desk writes mail at all.")
    ways: dict[str, str] = Field(description="By topic: `now`, `daily` or `never`.")
    always: list[str] = Field(description="Topics that leave no choice: `now`.")
    calendar: CalendarOut | None = Field(description="Null if you have no calendar address.")


def _telling(person: Person) -> dict[str, Any]:
    ways = queries.preferences_of(person)
    return {
        "address": person.email,
        "is_written": rules.mail_is_written(),
        "ways": {topic.value: way.value for topic, way in ways.items() if topic not in ALWAYS},
        "always": [topic.value for topic in ALWAYS],
        "calendar": Calendar.objects.filter(person=person).first(),
    }


@router.get("me/mail/", response=TellingOut, summary="What you get mail about")
def telling(request: HttpRequest) -> dict[str, Any]:
    return _telling(person_of(request))


@router.put("me/mail/", response=TellingOut, summary="Choose what you get mail about")
def choose_ways(
    request: HttpRequest,
    ways: InBody[WaysIn],  # type: ignore[valid-type]
) -> dict[str, Any]:
    """The body is what `ways` said, changed."""
    person = person_of(request)
    form = WaysForm(person, ways.model_dump())  # type: ignore[attr-defined]
    checked(form)
    actions.choose_ways(person, form.chosen())
    return _telling(person)


@router.delete("me/calendar/", response={204: None}, summary="End your calendar's address")
def end_calendar(request: HttpRequest) -> Status[None]:
    """There is none afterwards, whether there was one or not."""
    actions.end_calendar(person_of(request))
    return Status(204, None)
