"""The office's figures over HTTP: each number with its interval and n, and the rows behind it."""

import math
from datetime import datetime
from typing import Any, Literal

import numpy as np
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema

from evidesk.desk.office import cases, overview, rules
from evidesk.desk.office.periods import Period, Quarter
from evidesk.desk.office.queries import Floats, today
from evidesk.desk.office.report import context_of, pdf
from evidesk.desk.office.rows import cases_of, inquiries_in, listed
from evidesk.desk.office.scope import Scope, scope_for
from evidesk.desk.office.statistics import LEVEL, Effort, Group, Load, median
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require
from evidesk.desk.rest.files import download
from evidesk.desk.rest.forms import NO_NUL, checked
from evidesk.desk.rest.paging import Pages, cursor_of, number_of
from evidesk.desk.rest.problems import Invalid
from evidesk.desk.vouchers.models import Inquiry
from evidesk.evidence import Estimate
from evidesk.methods.waiting import Forecast, KaplanMeier

router = Router(tags=["office"])

_PERIOD = "^(all|12-months|[0-9]{4})?$"


class OfUnit(Schema):
    """Whose vouchers are counted; what is left out is all of them."""

    unit: str = Field("", max_length=50, pattern=NO_NUL, description="Its slug.")
    kind: str = Field("", max_length=50, pattern=NO_NUL, description="Its slug.")


class Filters(OfUnit):
    """And when they were submitted."""

    period: str = Field(
        "", pattern=_PERIOD, description="`all`, `12-months` or a year of the submission."
    )


def _scope(request: HttpRequest, wanted: OfUnit, period: str = "") -> Scope:
    """What the person may see of what is wanted, as on the page; what is wrong is told."""
    person = person_of(request)
    require(rules.may_see_statistics(person))
    data = QueryDict(mutable=True)
    data.update(wanted.model_dump(include={"unit", "kind", "period"}))
    scope = scope_for(person, data, period)
    checked(scope.form)
    if wanted.unit and wanted.unit not in {unit.slug for unit in scope.seen}:
        raise Invalid({"unit": [_("There is no such unit that you may see.")]})
    return scope


# The figures


class EstimateOut(Schema):
    """A number with its interval; a bound that is not known is null."""

    value: float
    low: float | None
    high: float | None
    level: float
    method: str
    n: int
    unit: str

    @staticmethod
    def resolve_low(estimate: Estimate) -> float | None:
        return _finite(estimate.low)

    @staticmethod
    def resolve_high(estimate: Estimate) -> float | None:
        return _finite(estimate.high)


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


class StepOut(Schema):
    """The curve from one time on: the share that still waits, with the interval at that time and
    the band that holds the whole curve.
    """

    time: float
    at_risk: int
    events: int
    waiting: float
    low: float | None
    high: float | None
    band_low: float | None
    band_high: float | None


class CurveOut(Schema):
    """A Kaplan-Meier curve in days; the median is null where it is not reached."""

    n: int
    happened: int
    followed_for: float
    level: float
    method: str
    median: EstimateOut | None
    steps: list[StepOut]

    @staticmethod
    def resolve_happened(curve: KaplanMeier) -> int:
        return int(curve.events.sum())

    @staticmethod
    def resolve_median(curve: KaplanMeier) -> Estimate | None:
        return median(curve)

    @staticmethod
    def resolve_steps(curve: KaplanMeier) -> list[dict[str, Any]]:
        columns = {
            "time": curve.times,
            "at_risk": curve.at_risk,
            "events": curve.events,
            "waiting": curve.survival,
        }
        columns["low"], columns["high"] = curve.interval_at(curve.times)
        columns["band_low"], columns["band_high"] = curve.band_at(curve.times)
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        return [dict(zip(columns, map(_finite, row), strict=True)) for row in rows]


class QuarterOut(Schema):
    """So many vouchers were submitted in the quarter, `2026-3` for instance."""

    quarter: str
    count: int


class ForecastOut(Schema):
    """What the counts of some quarters say of the next one. A small `p_value` says that they differ
    by more than chance, so that the interval is too narrow.
    """

    next_count: EstimateOut
    rate: EstimateOut
    quarters: int
    dispersion: float | None
    p_value: float | None

    @staticmethod
    def resolve_quarters(forecast: Forecast) -> int:
        return len(forecast.counts)


class LoadOut(Schema):
    """Vouchers by quarter; no forecast where the next one is over or the history too short."""

    quarters: list[QuarterOut]
    following: str
    forecast: ForecastOut | None

    @staticmethod
    def resolve_quarters(load: Load) -> list[dict[str, Any]]:
        return [
            {"quarter": quarter.slug, "count": count}
            for quarter, count in zip(load.quarters, load.counts, strict=True)
        ]

    @staticmethod
    def resolve_following(load: Load) -> str:
        return load.following.slug


class GroupFigures(Schema):
    """The figures of all units together (`unit` is null) or of one; null where no row is."""

    unit: str | None
    n: int
    n_open: int
    first_contact: CurveOut | None
    closure: CurveOut | None
    acceptance: EstimateOut | None
    satisfaction: EstimateOut | None
    load: LoadOut

    @staticmethod
    def resolve_unit(group: Group) -> str | None:
        return group.unit.slug if group.unit else None


class EffortFigures(Schema):
    """Planned and actual days of a kind, and the hours booked for `n_booked` of its vouchers."""

    kind: str
    n: int
    planned_total: int
    planned: EstimateOut
    worked: CurveOut
    booked_total: float
    n_booked: int

    @staticmethod
    def resolve_kind(effort: Effort) -> str:
        return effort.kind.slug


class StatisticsOut(Schema):
    """All figures of the page, and what they are about."""

    unit: str | None
    kind: str | None
    period: str
    level: float
    whole: GroupFigures
    units: list[GroupFigures]
    efforts: list[EffortFigures]
    inquiries: CurveOut | None


def _figures(scope: Scope) -> dict[str, Any]:
    return {
        "unit": scope.unit.slug if scope.unit else None,
        "kind": scope.kind.slug if scope.kind else None,
        "period": scope.period.slug,
        "level": LEVEL,
        **vars(overview.figures_of(scope)),
    }


@router.get(
    "office/statistics/", response=StatisticsOut, summary="Waiting times, load, rates and effort"
)
def statistics(request: HttpRequest, wanted: Query[Filters]) -> Any:
    return _figures(_scope(request, wanted))


# The rows behind them


class Counted(Pages.Input):
    """A page of rows."""


class CaseFilters(Filters, Counted):
    """Which of the figure's rows."""

    quarter: str = Field("", pattern="^([0-9]{4}-[1-4])?$", description="`2026-3`, for instance.")
    happened: Literal["", "yes", "no"] = Field("", description="Whether it has happened to them.")


class CaseOut(Schema):
    """A voucher as a figure counts it: days or a rating, and whether it has happened."""

    reference: str
    unit: str
    kind: str
    state: str
    submitted: datetime
    value: float | None
    booked_hours: float | None
    happened: bool


class CasesOut(Schema):
    """What a figure means and counts, and one page of it, the last made first."""

    title: str
    definition: str
    n: int
    n_happened: int
    items: list[CaseOut]
    next: str | None = Field(description="The cursor of the next page, if there is one.")


class InquiryFilters(Counted):
    """Which inquiries."""

    period: str = Field("", pattern=_PERIOD, description="`all`, `12-months` or a year.")


class WaitOut(Schema):
    """An inquiry, how many days it has waited for its answer, and whether it has one."""

    key: str
    subject: str
    created_at: datetime
    days: float
    answered: bool


class WaitsOut(Schema):
    """What the curve of the inquiries means and counts, and one page of it."""

    title: str
    definition: str
    n: int
    n_answered: int
    items: list[WaitOut]
    next: str | None = Field(description="The cursor of the next page, if there is one.")


def _page(numbers: Floats, wanted: Counted) -> tuple[Any, str | None]:
    """Where the rows (of these primary keys) of a page are, the last made first; and the cursor."""
    positions = np.argsort(-numbers)
    if wanted.cursor:
        positions = positions[numbers[positions] < number_of(wanted.cursor)]
    shown = positions[: wanted.limit]
    is_more = len(positions) > len(shown)
    return shown, cursor_of(int(numbers[shown[-1]])) if is_more else None


# Before the figures, whose address would take this one's name for theirs.
@router.get("office/rows/inquiries/", response=WaitsOut, summary="The inquiries behind their curve")
def inquiry_rows(request: HttpRequest, wanted: Query[InquiryFilters]) -> Any:
    require(rules.may_see_statistics(person_of(request)))
    period = Period.parse(wanted.period or "all")
    if period is None:
        raise Invalid({"period": [_("Choose one of the periods.")]})
    table = inquiries_in(period)
    days, answered = cases.inquiry_waits(table, today())
    shown, following = _page(table.pk, wanted)
    found = Inquiry.objects.in_bulk([int(pk) for pk in table.pk[shown]])
    return {
        "title": str(cases.INQUIRIES_TITLE),
        "definition": str(cases.INQUIRIES_DEFINITION),
        "n": len(table),
        "n_answered": int(answered.sum()),
        "items": [
            {
                "key": inquiry.key,
                "subject": inquiry.subject,
                "created_at": inquiry.created_at,
                "days": float(days[i]),
                "answered": bool(answered[i]),
            }
            for i in shown
            if (inquiry := found.get(int(table.pk[i]))) is not None
        ],
        "next": following,
    }


@router.get("office/rows/{figure}/", response=CasesOut, summary="The vouchers behind a figure")
def rows(request: HttpRequest, figure: str, wanted: Query[CaseFilters]) -> Any:
    scope = _scope(request, wanted)
    found = cases.FIGURES.get(figure)
    if found is None:
        raise Http404
    quarter = Quarter.parse(wanted.quarter)
    if wanted.quarter and quarter is None:
        raise Invalid({"quarter": [_("Choose one of the quarters.")]})
    chosen = cases_of(scope, found, quarter, wanted.happened)
    shown, following = _page(chosen.rows.pk, wanted)
    units = {unit.name: unit.slug for unit in scope.seen}
    kinds = {kind.name: kind.slug for kind in scope.kinds}
    return {
        "title": str(found.title),
        "definition": str(found.definition),
        "n": len(chosen.value),
        "n_happened": int(chosen.happened.sum()),
        "items": [
            {
                **vars(row),
                "unit": units[row.unit],
                "kind": kinds[row.kind],
                "booked_hours": row.booked,
            }
            for row in listed(scope, chosen.where(shown))
        ],
        "next": following,
    }


# The yearly report


class ReportOut(StatisticsOut):
    """The figures of a year; those of the running one are not final."""

    year: int
    is_running: bool


def _of_year(request: HttpRequest, year: int, wanted: OfUnit) -> Scope:
    require(rules.may_see_statistics(person_of(request)))
    if Period.parse(str(year)) is None:
        raise Http404
    return _scope(request, wanted, period=str(year))


@router.get("office/report/{int:year}/", response=ReportOut, summary="The figures of a year")
def report(request: HttpRequest, year: int, wanted: Query[OfUnit]) -> Any:
    scope = _of_year(request, year, wanted)
    is_running = year == timezone.localdate().year
    return {**_figures(scope), "year": year, "is_running": is_running}


@router.get(
    "office/report/{int:year}/pdf/",
    summary="The yearly report as PDF",
    openapi_extra=download("application/pdf"),
)
def report_pdf(request: HttpRequest, year: int, wanted: Query[OfUnit]) -> HttpResponse:
    content = pdf(context_of(_of_year(request, year, wanted), year), request)
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="evidesk-report-{year}.pdf"'
    return response
