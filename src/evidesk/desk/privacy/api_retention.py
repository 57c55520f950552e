"""What the retention rules would do, over HTTP, for the office."""

from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema

from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require
from evidesk.desk.privacy import rules
from evidesk.desk.privacy.retention import Due, dry_run

router = Router(tags=["office"])


class RetentionOut(Schema):
    """A rule, and what it would erase today; nothing is erased by asking."""

    name: str
    text: str
    days: int | None = Field(description="After how many days; null if it is kept for ever.")
    count: int
    first: list[str] = Field(description="The first of what is due.")

    @staticmethod
    def resolve_name(due: Due) -> str:
        return due.rule.name

    @staticmethod
    def resolve_text(due: Due) -> str:
        return str(due.rule.text)

    @staticmethod
    def resolve_days(due: Due) -> int | None:
        return due.rule.days or None

    @staticmethod
    def resolve_first(due: Due) -> list[str]:
        return [str(row) for row in due.first]


@router.get(
    "office/retention/",
    response=list[RetentionOut],
    summary="What the retention rules would erase today",
)
def retention(request: HttpRequest) -> Any:
    require(rules.may_see_retention(person_of(request)))
    return dry_run()
