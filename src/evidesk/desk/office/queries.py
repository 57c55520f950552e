"""What the statistics read: one query for vouchers, one for inquiries.

Times are days since 1970 (UTC) and come as numbers, with -1 for none: of ten thousand vouchers it
is the making of dates and of None in Python that would take the time.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, models
from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from evidesk.desk.people.models import Unit
from evidesk.desk.vouchers.models import Booking, Event, Inquiry, State, Voucher

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
#: Which rows, and in which order: a mask or their positions.
Choice = Mask | npt.NDArray[np.integer[Any]]

_STATES = {state: float(number) for number, state in enumerate(State)}
_SECONDS_A_DAY = 86_400


class _Days(models.Func):
    """A moment as days since 1970, UTC."""

    output_field = models.FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(julianday(%(expressions)s) - 2440587.5)"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(EXTRACT(EPOCH FROM %(expressions)s)::float8 / 86400)"
        return self.as_sql(compiler, connection, template=template, **context)


def today() -> float:
    """Now, in days since 1970."""
    return timezone.now().timestamp() / _SECONDS_A_DAY


@dataclass(frozen=True)
class VoucherTable:
    """Submitted vouchers, one number each in arrays of shape (n,); times are NaN where there is
    none. `contacted`: the first message, step or file by somebody other than the author since the
    submission. `reported`: when the report was handed in. `booked`: hours that were set aside.
    """

    pk: Floats
    unit: Floats
    kind: Floats
    state: Floats
    staffed: Mask
    submitted: Floats
    contacted: Floats
    ended: Floats
    starts: Floats
    days: Floats
    reported: Floats
    rating: Floats
    booked: Floats

    def __len__(self) -> int:
        return len(self.pk)

    def where(self, choice: Choice) -> "VoucherTable":
        """The chosen rows."""
        return VoucherTable(**{name: values[choice] for name, values in vars(self).items()})

    def is_in(self, *states: State) -> Mask:
        return np.isin(self.state, [_STATES[state] for state in states])


def _first_event(*conditions: Q) -> Subquery:
    found = Event.objects.filter(*conditions, voucher=OuterRef("pk")).order_by("at")
    return Subquery(found.values("at")[:1])


def _number(expression: Any) -> Coalesce:
    return Coalesce(expression, Value(-1.0), output_field=models.FloatField())


def _columns() -> dict[str, Any]:
    """Each column of the table, as the database computes it."""
    contacted = _first_event(
        Q(actor__isnull=False), ~Q(actor=OuterRef("author")), Q(at__gte=OuterRef("submitted_at"))
    )
    has_report = When(state__in=[State.REPORTED, State.CLOSED], then=_first_event(Q(kind="report")))
    booked = Booking.objects.filter(voucher=OuterRef("pk")).order_by().values("voucher")
    hours = booked.annotate(total=Cast(Sum("hours"), models.FloatField())).values("total")
    states = [When(state=state, then=Value(number)) for state, number in _STATES.items()]
    return {
        "pk": models.F("pk"),
        "unit": models.F("unit_id"),
        "kind": models.F("kind_id"),
        "state": Case(*states, output_field=models.FloatField()),
        "staffed": _number(models.F("consultant_id")),
        "submitted": _Days("submitted_at"),
        "contacted": _number(_Days(contacted)),
        "ended": _number(_Days("ended_at")),
        "starts": _number(_Days("starts_on")),
        "days": _number(models.F("days")),
        "reported": _number(_Days(Case(has_report))),
        "rating": _number(models.F("rating")),
        "booked": _number(Case(When(consultant__isnull=False, then=Subquery(hours)))),
    }


def voucher_table(units: list[Unit] | None) -> VoucherTable:
    """The submitted vouchers of these units, or of all."""
    # Withdrawn drafts were never submitted; a kind is there from the submission on.
    chosen = Voucher.objects.filter(submitted_at__isnull=False, kind__isnull=False)
    if units is not None:
        chosen = chosen.filter(unit__in=units)
    columns = _columns()
    named = {f"_{name}": column for name, column in columns.items()}
    rows = _fetch(chosen.order_by().annotate(**named).values_list(*named))
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(columns))
    found = dict(zip(columns, table.T, strict=True))
    for name in ("contacted", "ended", "starts", "days", "reported", "rating", "booked"):
        found[name] = np.where(found[name] == -1, np.nan, found[name])
    return VoucherTable(**{**found, "staffed": found["staffed"] != -1})


def _fetch(query: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """The query's rows as the database gives them: Django would call a function for each number."""
    sql, parameters = query.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


@dataclass(frozen=True)
class InquiryTable:
    """Inquiries, in arrays of shape (n,). `started`: when it became a voucher, which ends its
    waiting, for then the voucher's begins.
    """

    pk: Floats
    created: Floats
    answered: Floats
    started: Floats

    def __len__(self) -> int:
        return len(self.pk)

    def where(self, choice: Choice) -> "InquiryTable":
        """The chosen rows."""
        return InquiryTable(**{name: values[choice] for name, values in vars(self).items()})


def inquiry_table() -> InquiryTable:
    """All inquiries; they are the network's, not a unit's."""
    columns = {
        "_pk": models.F("pk"),
        "_created": _Days("created_at"),
        "_answered": _number(_Days("answered_at")),
        "_started": _number(_Days("voucher__created_at")),
    }
    rows = _fetch(Inquiry.objects.order_by().annotate(**columns).values_list(*columns))
    pk, created, answered, started = np.array(rows, dtype=np.float64).reshape(len(rows), 4).T
    return InquiryTable(
        pk, created, *(np.where(one == -1, np.nan, one) for one in (answered, started))
    )
