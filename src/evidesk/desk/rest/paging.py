"""Lists in pages, by a cursor: nothing is counted, and nothing shifts while somebody reads on."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Field, Schema
from ninja.pagination import PaginationBase

#: Eight bytes, the first bit zero, in URL-safe base64 without padding: every such text is a valid
#: cursor, and it only ever chooses among the rows that its reader may see.
CURSOR = "^[A-Za-f][A-Za-z0-9_-]{9}[AEIMQUYcgkosw048]$"


def cursor_of(number: int) -> str:
    """The cursor that stands behind the row of this number (its primary key)."""
    return urlsafe_b64encode(number.to_bytes(8, "big")).decode().rstrip("=")


def number_of(cursor: str) -> int:
    """The row that the cursor stands behind; `cursor` fits :data:`CURSOR`."""
    return int.from_bytes(urlsafe_b64decode(f"{cursor}="), "big")


class Pages(PaginationBase):
    """`?limit=100&cursor=...`; answers `{"items": [...], "next": "..."}`, `next` null at the end.

    Rows are in the order in which they were made, the last first unless `oldest_first`: what is
    made or changed while somebody reads on neither repeats nor hides a row.
    """

    class Input(Schema):
        limit: int = Field(100, ge=1, le=1000, description="How many at most.")
        cursor: str = Field(
            "", pattern=f"^$|{CURSOR}", description="What `next` said of the page before."
        )

    class Output(Schema):
        items: list[Any]
        next: str | None = Field(description="The cursor of the next page, if there is one.")

    def __init__(self, *, oldest_first: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.oldest_first = oldest_first

    def paginate_queryset(
        self, queryset: QuerySet[Any], pagination: Any, request: HttpRequest, **params: Any
    ) -> dict[str, Any]:
        if pagination.cursor:
            beyond = "pk__gt" if self.oldest_first else "pk__lt"
            queryset = queryset.filter(**{beyond: number_of(pagination.cursor)})
        ordered = queryset.order_by("pk" if self.oldest_first else "-pk")
        rows = list(ordered[: pagination.limit + 1])
        more = len(rows) > pagination.limit
        rows = rows[: pagination.limit]
        return {"items": rows, "next": cursor_of(rows[-1].pk) if more else None}
