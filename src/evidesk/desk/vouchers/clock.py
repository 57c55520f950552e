"""The clocks of triage: when a first response and a decision are due, in working days.

A clock runs while the team has the voucher, by the calendar of its unit's federal state. It stands
still while the scientist has it (`days_left` keeps what is left), and while a consultant has an
offer, which has an end of its own. An offer that comes back starts the decision's clock anew. A
unit's targets hold for clocks that start after they were set.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from evidesk.desk.people.calendar import add_working_days, working_days_until
from evidesk.desk.vouchers.models import State, Voucher

#: Actions by which somebody of the team answers the scientist.
RESPONSES = frozenset({"return", "decline", "offer"})


def moved(voucher: Voucher, action: str, target: State, at: datetime) -> dict[str, Any]:
    """The columns of the clocks after the action; `voucher` is as it was before it."""
    unit, today = voucher.unit, timezone.localdate(at)
    columns: dict[str, Any] = {}
    if action in RESPONSES and voucher.responded_at is None:
        columns["responded_at"] = at
    if voucher.state == target and target != State.OFFERED:
        return columns  # a step that leaves the voucher where it is, and the clock running
    columns |= {"decide_by": None, "days_left": None, "offered_until": None}
    if target == State.SUBMITTED:
        resumes = voucher.state == State.RETURNED and voucher.days_left is not None
        days = voucher.days_left if resumes else unit.decide_days
        columns["decide_by"] = add_working_days(today, days or 0, unit.state)
        if voucher.state == State.DRAFT:
            columns["respond_by"] = add_working_days(today, unit.respond_days, unit.state)
    elif target == State.RETURNED:
        due = voucher.decide_by or today
        columns["days_left"] = working_days_until(today, due, unit.state)
    elif target == State.OFFERED:
        columns["offered_until"] = add_working_days(today, unit.offer_days, unit.state)
    return columns


@dataclass(frozen=True)
class Due:
    """What is due when: `days` are the working days left, negative when it is over.

    `what` is "response", "decision", "offer" or "paused"; a paused one has no date.
    """

    what: str
    on: date | None
    days: int

    @property
    def level(self) -> str:
        """How urgent it is, for colour beside the words."""
        if self.on is None:
            return "paused"
        return "overdue" if self.days < 0 else "soon" if self.days <= 1 else "fine"

    @property
    def overdue(self) -> int:
        """Working days since it was due."""
        return max(0, -self.days)


def due_of(voucher: Voucher, today: date) -> Due | None:
    """What the voucher waits for; None where no clock runs."""
    state = voucher.unit.state
    if voucher.state == State.RETURNED:
        return Due("paused", None, voucher.days_left or 0)
    if voucher.state not in (State.SUBMITTED, State.OFFERED):
        return None
    what, on = "decision", voucher.decide_by
    if voucher.state == State.OFFERED:
        what, on = "offer", voucher.offered_until
    elif voucher.responded_at is None and voucher.respond_by is not None:
        what, on = "response", min(voucher.respond_by, on or voucher.respond_by)
    return Due(what, on, working_days_until(today, on, state)) if on else None
