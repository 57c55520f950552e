"""The office's figures, computed from their rows."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from django.utils import timezone

from evidesk.desk.office import cases
from evidesk.desk.office.cases import Cases
from evidesk.desk.office.periods import Period, Quarter
from evidesk.desk.office.queries import Floats, InquiryTable, VoucherTable
from evidesk.desk.people.models import Unit
from evidesk.desk.vouchers.models import ENDS, Kind
from evidesk.evidence import Estimate
from evidesk.methods.metrics import proportion
from evidesk.methods.waiting import (
    Forecast,
    KaplanMeier,
    NotReached,
    gamma_poisson_forecast,
    kaplan_meier,
)

LEVEL = 0.95
#: Quarters before the running one that the load shows, and that the forecast learns from.
SHOWN_QUARTERS, LEARNED_QUARTERS = 11, 8
#: Less than that is no history.
LEAST_QUARTERS = 2.0


@dataclass(frozen=True)
class Load:
    """Vouchers by quarter; the forecast is for the `following` one, which is over with the year
    that is shown if that is (`is_over`).
    """

    quarters: tuple[Quarter, ...]
    counts: tuple[int, ...]
    following: Quarter
    is_over: bool
    forecast: Forecast | None


@dataclass(frozen=True)
class Group:
    """The figures of all units together (`unit` is None) or of one; None where no row is."""

    unit: Unit | None
    n: int
    n_open: int
    first_contact: KaplanMeier | None
    closure: KaplanMeier | None
    acceptance: Estimate | None
    satisfaction: Estimate | None
    load: Load


@dataclass(frozen=True)
class Effort:
    """Planned and actual days of one kind of voucher, of `n` whose work has begun; and the hours
    booked for `n_booked` of them.
    """

    kind: Kind
    n: int
    planned_total: int
    planned: Estimate
    worked: KaplanMeier
    booked_total: float
    n_booked: int


@dataclass(frozen=True)
class Statistics:
    """All figures of a page: of the whole, and of its units if there are several."""

    whole: Group
    units: tuple[Group, ...]
    efforts: tuple[Effort, ...]
    inquiries: KaplanMeier | None


def median(curve: KaplanMeier) -> Estimate | None:
    """The curve's median; None if it is not reached."""
    try:
        return curve.median
    except NotReached:
        return None


def waiting_curve(durations: Floats, happened: np.ndarray) -> KaplanMeier | None:
    """The Kaplan-Meier curve in days; None without anybody."""
    if not len(durations):
        return None
    return kaplan_meier(durations, happened, level=LEVEL, unit="days")


def in_period(table: VoucherTable, period: Period) -> VoucherTable:
    """Those submitted in the period."""
    return table.where((table.submitted >= period.begin) & (table.submitted < period.end))


def statistics(
    table: VoucherTable,
    inquiries: InquiryTable | None,
    units: list[Unit],
    kinds: list[Kind],
    period: Period,
    now: float,
) -> Statistics:
    """The figures of the period, of all rows together and of each unit.

    `table` holds the vouchers of all times: the load and its forecast look further back. Inquiries
    are left out where they are None.
    """
    quarters = _quarters(period, table)
    chosen = in_period(table, period)
    answered = None
    if inquiries is not None:
        asked = (inquiries.created >= period.begin) & (inquiries.created < period.end)
        answered = waiting_curve(*cases.inquiry_waits(inquiries.where(asked), now))
    only = units[0] if len(units) == 1 else None
    return Statistics(
        whole=_group(only, table, chosen, quarters, now),
        units=()
        if only
        else tuple(
            _group(
                unit,
                table.where(table.unit == unit.pk),
                chosen.where(chosen.unit == unit.pk),
                quarters,
                now,
            )
            for unit in units
        ),
        efforts=tuple(_efforts(chosen, kinds, now)),
        inquiries=answered,
    )


def _group(
    unit: Unit | None, ever: VoucherTable, table: VoucherTable, quarters: list[Quarter], now: float
) -> Group:
    contact, end = cases.first_contact(table, now), cases.closure(table, now)
    return Group(
        unit=unit,
        n=len(table),
        n_open=int(np.count_nonzero(~table.is_in(*ENDS))),
        first_contact=waiting_curve(contact.value, contact.happened),
        closure=waiting_curve(end.value, end.happened),
        acceptance=_share(cases.acceptance(table, now)),
        satisfaction=_share(cases.satisfaction(table, now)),
        load=_load(ever, quarters, now),
    )


def _share(found: Cases) -> Estimate | None:
    n = len(found.happened)
    return proportion(int(found.happened.sum()), n, level=LEVEL) if n else None


def _quarters(period: Period, table: VoucherTable) -> list[Quarter]:
    """The quarters that the load shows: of a year that is over its four, else the latest."""
    running = Quarter.of(timezone.localdate())
    if period.slug.isdecimal() and int(period.slug) < running.year:
        return [Quarter(int(period.slug), number) for number in (1, 2, 3, 4)]
    first = running.shifted(-SHOWN_QUARTERS)
    if len(table):
        earliest = np.searchsorted(
            [first.shifted(i).begin for i in range(SHOWN_QUARTERS + 1)],
            table.submitted.min(),
            side="right",
        )
        first = first.shifted(max(int(earliest) - 1, 0))
    # Of a young network at least a year, so that a few bars do not fill the page.
    first = min(first, running.shifted(-3))
    return [first.shifted(i) for i in range(SHOWN_QUARTERS + 1) if first.shifted(i) <= running]


def _load(table: VoucherTable, quarters: list[Quarter], now: float) -> Load:
    edges = [quarter.begin for quarter in quarters] + [quarters[-1].end]
    counts = np.histogram(table.submitted, edges)[0]
    following = quarters[-1].shifted(1)
    is_over, forecast = following.begin <= now, None
    if not is_over and len(table):
        forecast = _forecast(table.submitted, quarters, counts, now)
    return Load(tuple(quarters), tuple(map(int, counts)), following, is_over, forecast)


def _forecast(
    submitted: Floats, quarters: list[Quarter], counts: np.ndarray, now: float
) -> Forecast | None:
    """From the quarter after the first voucher on: before it nobody could come, and in it somebody
    came for certain.
    """
    learned = [
        (count, min((now - quarter.begin) / (quarter.end - quarter.begin), 1))
        for quarter, count in zip(quarters, counts, strict=True)
        if quarter.begin > submitted.min()
    ][-LEARNED_QUARTERS:]
    if sum(exposure for _, exposure in learned) < LEAST_QUARTERS:
        return None
    came, exposures = zip(*learned, strict=True)
    return gamma_poisson_forecast(came, exposures=exposures, level=LEVEL, unit="vouchers")


def _efforts(table: VoucherTable, kinds: list[Kind], now: float) -> list[Effort]:
    begun = cases.effort(table, now)
    of_kind = Counter(begun.rows.kind.astype(int).tolist())
    found = []
    for kind in kinds:
        if not of_kind[kind.pk]:
            continue
        mask = begun.rows.kind == kind.pk
        days, worked = begun.rows.days[mask], waiting_curve(begun.value[mask], begun.happened[mask])
        planned = waiting_curve(days, np.ones(len(days), dtype=np.bool_))
        assert worked is not None  # there are rows
        assert planned is not None
        hours = begun.rows.booked[mask]
        found.append(
            Effort(
                kind=kind,
                n=len(days),
                planned_total=int(days.sum()),
                planned=planned.median,
                worked=worked,
                booked_total=float(np.nansum(hours)),
                n_booked=int(np.count_nonzero(~np.isnan(hours))),
            )
        )
    return found
