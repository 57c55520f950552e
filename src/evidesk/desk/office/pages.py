"""The office's pages: statistics, the rows behind them, and the yearly report."""

from typing import Any

import numpy as np
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from evidesk.desk.office import cases, overview, rules
from evidesk.desk.office.periods import Period, Quarter
from evidesk.desk.office.queries import today
from evidesk.desk.office.report import context_of, pdf, pdf_is_possible
from evidesk.desk.office.rows import cases_of, csv_lines, inquiries_in, listed
from evidesk.desk.office.scope import Scope, scope_for
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require
from evidesk.desk.vouchers.models import Inquiry

PAGE_SIZE = 50


def _scope(request: HttpRequest, period: str = "") -> Scope:
    person = person_of(request)
    require(rules.may_see_statistics(person))
    return scope_for(person, request.GET, period)


@login_required
@require_safe
def statistics(request: HttpRequest) -> HttpResponse:
    scope = _scope(request)
    this_year = timezone.localdate().year
    return render(
        request,
        "office/statistics.html",
        {**overview.context(scope), "report_years": [this_year, this_year - 1]},
    )


@login_required
@require_safe
def rows(request: HttpRequest, figure: str) -> HttpResponseBase:
    """The vouchers that a figure counts; with `format=csv` all of them as a file."""
    found = cases.FIGURES.get(figure)
    if found is None:
        raise Http404
    scope = _scope(request)
    quarter = Quarter.parse(request.GET.get("quarter", ""))
    happened = request.GET.get("happened", "")
    chosen = cases_of(scope, found, quarter, happened)
    if request.GET.get("format") == "csv":
        return _csv(f"evidesk-{figure}.csv", csv_lines(found, listed(scope, chosen)))
    page = Paginator(range(len(chosen.value)), PAGE_SIZE).get_page(request.GET.get("page"))
    address = request.GET.copy()
    address.pop("page", None)
    shown = chosen.where(np.asarray(page.object_list, dtype=np.int64))
    return render(
        request,
        "office/rows.html",
        {
            "figure": found,
            "scope": scope,
            "quarter": quarter,
            "page": page,
            "rows": listed(scope, shown),
            "n": len(chosen.value),
            "n_happened": int(chosen.happened.sum()),
            "filters": address.urlencode(),
            "has_values": figure not in ("load", "acceptance"),
            "places": 1 if figure == "first-contact" else 0,
        },
    )


@login_required
@require_safe
def inquiries(request: HttpRequest) -> HttpResponse:
    """The inquiries behind the curve of their answers."""
    person = person_of(request)
    require(rules.may_see_statistics(person))
    period = Period.parse(request.GET.get("period", "all")) or Period.parse("all")
    assert period is not None
    table = inquiries_in(period)
    days, answered = cases.inquiry_waits(table, today())
    waits = dict(zip(table.pk.astype(int).tolist(), zip(days, answered, strict=True), strict=True))
    page = Paginator(sorted(waits, reverse=True), PAGE_SIZE).get_page(request.GET.get("page"))
    found = Inquiry.objects.filter(pk__in=list(page.object_list))
    return render(
        request,
        "office/inquiries.html",
        {
            "period": period,
            "page": page,
            "filters": f"period={period.slug}",
            "rows": [(one, *waits[one.pk]) for one in found],
            "n": len(waits),
            "n_answered": int(answered.sum()),
            "title": cases.INQUIRIES_TITLE,
            "definition": cases.INQUIRIES_DEFINITION,
        },
    )


@login_required
@require_safe
def report(request: HttpRequest, year: int) -> HttpResponse:
    return render(
        request,
        "office/report.html",
        {**_report(request, year), "pdf_is_possible": pdf_is_possible()},
    )


@login_required
@require_safe
def report_pdf(request: HttpRequest, year: int) -> HttpResponse:
    context = _report(request, year)
    response = HttpResponse(pdf(context, request), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="evidesk-report-{year}.pdf"'
    return response


def _report(request: HttpRequest, year: int) -> dict[str, Any]:
    if Period.parse(str(year)) is None:
        raise Http404
    return context_of(_scope(request, period=str(year)), year)


def _csv(name: str, lines: Any) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
