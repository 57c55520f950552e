"""The rows behind a figure: the same cases that its number counts, as a page and as CSV."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.utils import timezone, translation

from evidesk.desk.office.cases import Cases, Figure
from evidesk.desk.office.periods import Period, Quarter
from evidesk.desk.office.queries import InquiryTable, inquiry_table, today
from evidesk.desk.office.scope import Scope
from evidesk.desk.office.statistics import in_period
from evidesk.desk.vouchers.models import State, Voucher

_STATES = list(State)
#: A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Row:
    """One voucher as a figure counts it."""

    reference: str
    unit: str
    kind: str
    state: State
    submitted: datetime
    value: float | None
    booked: float | None
    happened: bool


def cases_of(scope: Scope, figure: Figure, quarter: Quarter | None, happened: str) -> Cases:
    """What the figure counts in this scope, the latest first; of one quarter, and only those to
    which it has happened ("yes") or not ("no"), where that is asked for.
    """
    table = in_period(scope.table, scope.period)
    if quarter is not None:
        table = scope.table
        table = table.where((table.submitted >= quarter.begin) & (table.submitted < quarter.end))
    found = figure.cases(table, today())
    if happened in ("yes", "no"):
        found = found.where(found.happened == (happened == "yes"))
    return found.where(np.lexsort((-found.rows.pk, -found.rows.submitted)))


def inquiries_in(period: Period) -> InquiryTable:
    """The inquiries that were written in the period."""
    table = inquiry_table()
    return table.where((table.created >= period.begin) & (table.created < period.end))


def listed(scope: Scope, cases: Cases) -> list[Row]:
    """The cases with what people know them by; two arrays of numbers become rows of a page."""
    names = {unit.pk: unit.name for unit in scope.seen}
    kinds = {kind.pk: kind.name for kind in scope.kinds}
    rows = cases.rows
    # By thousands: a statement can name only so many.
    keys = [int(pk) for pk in rows.pk]
    references: dict[int, str] = {}
    for i in range(0, len(keys), 5_000):
        chunk = Voucher.objects.filter(pk__in=keys[i : i + 5_000])
        references |= dict(chunk.order_by().values_list("pk", "reference"))
    return [
        Row(
            reference=references[pk],
            unit=names[int(rows.unit[i])],
            kind=kinds[int(rows.kind[i])],
            state=_STATES[int(rows.state[i])],
            submitted=datetime.fromtimestamp(
                rows.submitted[i] * 86_400, timezone.get_current_timezone()
            ),
            value=_known(cases.value[i]),
            booked=_known(rows.booked[i]),
            happened=bool(cases.happened[i]),
        )
        for i, pk in enumerate(keys)
    ]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def csv_lines(figure: Figure, rows: list[Row]) -> Iterator[str]:
    """The rows as lines of CSV, first the names of the columns."""
    writer = csv.writer(_Echo())
    # Scripts read it, so it is English whoever asks.
    with translation.override("en"):
        figure_names = [str(figure.value_name), str(figure.happened_name)]
    names = ["reference", "unit", "kind", "state", "submitted", "booked hours", *figure_names]
    yield writer.writerow(names)
    for row in rows:
        yield writer.writerow(
            [
                row.reference,
                harmless(row.unit),
                harmless(row.kind),
                row.state.value,
                row.submitted.isoformat(timespec="seconds"),
                "" if row.booked is None else f"{row.booked:g}",
                "" if row.value is None else f"{row.value:g}",
                int(row.happened),
            ]
        )


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text
