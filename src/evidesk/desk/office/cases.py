"""Which vouchers each figure counts, and as what: a number and the rows behind it come from here.

Each rule takes the table and the present (days since 1970) and answers with the vouchers that the
figure is about, in what time or rating, and which of them count as the event or the success.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from evidesk.desk.office.queries import Choice, Floats, InquiryTable, Mask, VoucherTable
from evidesk.desk.vouchers.models import State

#: From this rating on (of 5) a scientist is called satisfied.
SATISFIED = 4


@dataclass(frozen=True)
class Cases:
    """What a figure counts: `rows`, each one's `value` (days, or a rating), and whether it
    `happened`: the wait ended, the voucher was accepted, the scientist is satisfied.
    """

    rows: VoucherTable
    value: Floats
    happened: Mask

    def where(self, choice: Choice) -> "Cases":
        """The chosen ones."""
        return Cases(self.rows.where(choice), self.value[choice], self.happened[choice])


@dataclass(frozen=True)
class Figure:
    """A figure of the office: its name, what it means, and the names of its columns."""

    slug: str
    title: Promise
    definition: Promise
    value_name: Promise
    happened_name: Promise
    cases: Callable[[VoucherTable, float], Cases]


def _first(*moments: Floats) -> Floats:
    """Of each voucher, the first of these moments that is there."""
    found = moments[0]
    for later in moments[1:]:
        found = np.where(np.isnan(found), later, found)
    return found


def _present(table: VoucherTable, now: float) -> Floats:
    return np.full(len(table), now)


def _days(waited: Floats, *, tenths: bool = False) -> Floats:
    """In whole days or in tenths: nobody is more exact, and equal times are soon counted."""
    return np.asarray(np.round(np.maximum(waited, 0), 1 if tenths else 0), dtype=np.float64)


def first_contact(table: VoucherTable, now: float) -> Cases:
    end = _first(table.contacted, table.ended, _present(table, now))
    waited = _days(end - table.submitted, tenths=True)
    return Cases(table, waited, ~np.isnan(table.contacted))


def closure(table: VoucherTable, now: float) -> Cases:
    end = _first(table.ended, _present(table, now))
    return Cases(table, _days(end - table.submitted), ~np.isnan(table.ended))


def load(table: VoucherTable, _now: float) -> Cases:
    return Cases(table, np.full(len(table), np.nan), np.ones(len(table), dtype=np.bool_))


def acceptance(table: VoucherTable, _now: float) -> Cases:
    decided = table.where(table.staffed | table.is_in(State.DECLINED))
    return Cases(decided, np.full(len(decided), np.nan), decided.staffed)


def satisfaction(table: VoucherTable, _now: float) -> Cases:
    rated = table.where(~np.isnan(table.rating))
    return Cases(rated, rated.rating, rated.rating >= SATISFIED)


def effort(table: VoucherTable, now: float) -> Cases:
    # Both first and last day count, as they do in the plan.
    begun = table.where(table.staffed & (table.starts <= now))
    end = _first(begun.reported, begun.ended, _present(begun, now))
    return Cases(begun, np.maximum(np.ceil(end - begun.starts), 1), ~np.isnan(begun.reported))


FIGURES = {
    figure.slug: figure
    for figure in (
        Figure(
            "first-contact",
            _("Time to first contact"),
            _(
                "From the submission of a voucher to the first message, step or file by somebody "
                "other than its author, in tenths of a day. Whoever has heard from nobody yet has "
                "waited at least until now; a voucher withdrawn before that, until it was "
                "withdrawn."
            ),
            _("Days waited"),
            _("Has heard from us"),
            first_contact,
        ),
        Figure(
            "closure",
            _("Time to closure"),
            _(
                "From the submission of a voucher to its end, in days, however it ended: closed, "
                "declined or withdrawn. Open vouchers have taken at least until now."
            ),
            _("Days taken"),
            _("Has ended"),
            closure,
        ),
        Figure(
            "load",
            _("Load"),
            _(
                "Vouchers by the quarter of their submission. The forecast supposes that they "
                "come at a constant rate: a Gamma distribution of that rate (Jeffreys' prior) "
                "after the quarters of the last two years, the running one as far as it has "
                "gone, and from it the next quarter's count."
            ),
            _("Days"),
            _("Submitted"),
            load,
        ),
        Figure(
            "acceptance",
            _("Acceptance"),
            _(
                "Of the vouchers on which there is a decision, the share that a consultant has "
                "accepted. The others were declined. Those that wait, or were withdrawn before "
                "a decision, are not counted."
            ),
            _("Days"),
            _("Accepted"),
            acceptance,
        ),
        Figure(
            "satisfaction",
            _("Satisfaction"),
            _(
                "Of the closed vouchers whose scientist gave a rating, the share that rated it "
                "good or excellent (4 or 5 of 5). Those who say nothing are not counted."
            ),
            _("Rating"),
            _("4 or 5 of 5"),
            satisfaction,
        ),
        Figure(
            "effort",
            _("Working time"),
            _(
                "Of the vouchers whose work has begun, the days of the calendar from the first "
                "planned day to the report, both counted. Work without a report has taken at "
                "least until now. Booked hours are what consultants have set aside by the week."
            ),
            _("Days worked"),
            _("Report is there"),
            effort,
        ),
    )
}

INQUIRIES_TITLE = _("Time to the answer of an inquiry")
INQUIRIES_DEFINITION = _(
    "From an inquiry to its answer, in tenths of a day, for the whole network, since inquiries are "
    "answered by any unit. One that became a voucher without an answer has waited until then."
)


def inquiry_waits(table: InquiryTable, now: float) -> tuple[Floats, Mask]:
    """How many days each inquiry waited for its answer, or has so far, and whether it has one."""
    end = _first(table.answered, table.started, np.full(len(table), now))
    return _days(end - table.created, tenths=True), np.asarray(~np.isnan(table.answered))
