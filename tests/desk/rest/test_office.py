"""The office's figures, the rows behind them, the report and the retention rules, over HTTP."""

import sys
from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import timezone

from evidesk.desk.office.cases import FIGURES
from evidesk.desk.office.overview import figures_of
from evidesk.desk.office.report import pdf_is_possible
from evidesk.desk.office.scope import scope_for
from evidesk.desk.people.models import Member, Role
from evidesk.desk.privacy.retention import RULES
from evidesk.desk.vouchers.models import Inquiry, State, Voucher
from tests.desk.network import Network, a_draft
from tests.desk.office.past import a_voucher
from tests.desk.office.test_office_pages import some_past
from tests.desk.rest.program import Program

YEAR = timezone.localdate().year
PATHS = [
    "office/statistics/",
    "office/rows/closure/",
    "office/rows/inquiries/",
    f"office/report/{YEAR}/",
    f"office/report/{YEAR}/pdf/",
]


@pytest.fixture
def office(network: Network) -> Program:
    return Program(network, "office")


@pytest.mark.parametrize("path", [*PATHS, "office/rows/nothing/", "office/report/1999/"])
def test_only_the_office_and_leads_read_figures(network: Network, path: str) -> None:
    for who in ("author", "consultant"):
        why = Program(network, who).get(path, 403)
        assert why["detail"] == "Statistics are for the office and the leads of the units."


def test_figures_are_those_of_the_page(network: Network, office: Program) -> None:
    some_past(network, 4)
    told = office.get("office/statistics/")
    found = figures_of(scope_for(network["office"], QueryDict()))
    assert (told["unit"], told["kind"], told["period"], told["level"]) == (None, None, "all", 0.95)
    whole = told["whole"]
    assert (whole["unit"], whole["n"], whole["n_open"]) == (None, 16, found.whole.n_open)
    for name in ("acceptance", "satisfaction"):
        estimate = getattr(found.whole, name)
        assert whole[name] == {
            "value": estimate.value, "low": estimate.low, "high": estimate.high, "level": 0.95,
            "method": "wilson", "n": estimate.n, "unit": "",
        }  # fmt: skip
    curve, closure = found.whole.closure, whole["closure"]
    assert curve is not None
    assert (closure["n"], closure["happened"]) == (curve.n, int(curve.events.sum()))
    assert closure["median"]["value"] == curve.median.value
    assert [step["time"] for step in closure["steps"]] == curve.times.tolist()
    low, high = curve.interval_at(curve.times)
    assert [step["low"] for step in closure["steps"]] == low.tolist()
    assert [step["high"] for step in closure["steps"]] == high.tolist()
    for step in closure["steps"]:
        assert 0 <= step["low"] <= step["waiting"] <= step["high"] <= 1
        if step["band_low"] is not None:
            assert step["band_low"] <= step["low"]
    assert sum(one["count"] for one in whole["load"]["quarters"]) == 16
    assert [one["unit"] for one in told["units"]] == ["hub", "spoke"]
    assert {one["kind"] for one in told["efforts"]} == {"exploration", "implementation"}
    assert all(one["worked"]["n"] == one["n"] for one in told["efforts"])
    assert told["inquiries"]["n"] == 4
    assert told["inquiries"]["median"] is None


def test_the_forecast_has_its_interval(network: Network, office: Program) -> None:
    for quarter in range(5):
        for day in range(3):
            a_voucher(network, 100 * quarter + day)
    forecast = office.get("office/statistics/")["whole"]["load"]["forecast"]
    assert forecast["next_count"]["low"] <= forecast["next_count"]["high"]
    assert forecast["rate"]["method"] == "gamma-poisson"
    assert forecast["quarters"] >= 2


def test_a_network_without_vouchers_has_no_figures(network: Network, office: Program) -> None:
    told = office.get("office/statistics/")
    assert told["whole"]["n"] == 0
    assert told["whole"]["closure"] is told["whole"]["acceptance"] is told["inquiries"] is None
    assert told["whole"]["load"]["forecast"] is None
    assert office.get("office/rows/closure/")["items"] == []
    assert office.get("office/rows/inquiries/")["items"] == []


def test_the_filters_are_those_of_the_page(network: Network, office: Program) -> None:
    some_past(network)
    assert office.get("office/statistics/?unit=hub")["whole"]["n"] == 1
    assert office.get("office/statistics/?kind=implementation")["whole"]["n"] == 1
    assert office.get("office/statistics/?kind=implementation")["inquiries"] is None
    assert office.get("office/statistics/?period=12-months")["period"] == "12-months"
    lead = Program(network, "lead")
    assert lead.get("office/statistics/")["whole"]["n"] == 3
    assert lead.get("office/statistics/?unit=spoke")["whole"]["unit"] == "spoke"
    assert list(lead.get("office/statistics/?unit=hub", 422)["errors"]) == ["unit"]
    assert lead.get("office/rows/closure/")["n"] == 3
    Member.objects.create(person=network.lead, unit=network.hub, role=Role.LEAD)
    assert lead.get("office/statistics/?unit=hub")["whole"]["n"] == 1


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("unit", "nowhere"), ("unit", "%00"), ("unit", "x" * 51), ("kind", "nothing"),
        ("kind", "%00"), ("period", "soon"), ("period", "1999"), ("period", "9999"),
        ("period", "%00"),
    ],
)  # fmt: skip
def test_a_wrong_filter_is_told(office: Program, field: str, wrong: str) -> None:
    for path in PATHS[:2]:
        assert list(office.get(f"{path}?{field}={wrong}", 422)["errors"]) == [field]
    if field == "period":
        assert list(office.get(f"office/rows/inquiries/?{field}={wrong}", 422)["errors"]) == [field]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("quarter", "2026-5"), ("quarter", "1999-1"), ("quarter", "9999-1"), ("happened", "maybe"),
        ("limit", "0"), ("cursor", "x"),
    ],
)  # fmt: skip
def test_a_wrong_choice_of_rows_is_told(office: Program, field: str, wrong: str) -> None:
    assert list(office.get(f"office/rows/closure/?{field}={wrong}", 422)["errors"]) == [field]


@pytest.mark.parametrize("figure", FIGURES)
def test_the_rows_behind_a_figure_are_read_to_their_end(
    network: Network, office: Program, figure: str
) -> None:
    some_past(network, 3)
    first = office.get(f"office/rows/{figure}/?limit=2")
    rows, following = first["items"], first["next"]
    while following:
        page = office.get(f"office/rows/{figure}/?limit=2&cursor={following}")
        rows, following = rows + page["items"], page["next"]
    assert len(rows) == first["n"] == len({row["reference"] for row in rows})
    assert sum(row["happened"] for row in rows) == first["n_happened"]
    made = dict(Voucher.objects.values_list("reference", "pk"))
    order = [made[row["reference"]] for row in rows]
    assert order == sorted(order, reverse=True)
    assert {row["unit"] for row in rows} <= {"hub", "spoke"}
    happened = office.get(f"office/rows/{figure}/?happened=yes")
    assert happened["n"] == first["n_happened"]
    assert first["title"] == FIGURES[figure].title
    assert first["definition"]


def test_rows_of_a_quarter(network: Network, office: Program) -> None:
    some_past(network)
    load = office.get("office/statistics/")["whole"]["load"]["quarters"]
    for one in load:
        assert office.get(f"office/rows/load/?quarter={one['quarter']}")["n"] == one["count"]
    office.get("office/rows/nothing/", 404)


def test_the_inquiries_behind_their_curve(network: Network, office: Program) -> None:
    some_past(network, 3)
    newest = Inquiry.objects.latest("pk")
    Inquiry.objects.filter(pk=newest.pk).update(
        answered_at=newest.created_at + timedelta(days=1), answer="Yes.", answered_by=network.lead
    )
    first = office.get("office/rows/inquiries/?limit=2")
    assert (first["n"], first["n_answered"], len(first["items"])) == (3, 1, 2)
    assert (first["items"][0]["days"], first["items"][0]["answered"]) == (1, True)
    rest = office.get(f"office/rows/inquiries/?limit=2&cursor={first['next']}")
    assert (len(rest["items"]), rest["next"]) == (1, None)
    assert office.get(f"office/rows/inquiries/?period={YEAR}")["n"] == 3


def test_the_report_of_a_year(network: Network, office: Program) -> None:
    some_past(network)
    told = office.get(f"office/report/{YEAR}/")
    assert (told["year"], told["is_running"], told["period"]) == (YEAR, True, str(YEAR))
    last = office.get(f"office/report/{YEAR - 1}/?unit=hub")
    assert (last["is_running"], last["unit"]) == (False, "hub")
    for year in (1999, YEAR + 1, 10**9):
        office.get(f"office/report/{year}/", 404)
        office.get(f"office/report/{year}/pdf/", 404)


@pytest.mark.skipif(not pdf_is_possible(), reason="what makes PDF is not installed")
def test_the_report_as_pdf(network: Network, office: Program) -> None:
    some_past(network)
    answer = office.client.get(f"/api/office/report/{YEAR}/pdf/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF")
    assert f"evidesk-report-{YEAR}.pdf" in answer["Content-Disposition"]


def test_without_what_makes_pdf_the_reason_is_told(
    office: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    assert "cannot make PDF" in office.get(f"office/report/{YEAR}/pdf/", 403)["detail"]


def test_figures_of_many_take_as_few_queries(network: Network, office: Program) -> None:
    some_past(network)
    few = {path: office.queries(path) for path in PATHS[:4]}
    some_past(network, 8)
    for path, number in few.items():
        assert office.queries(path) == number


# Retention


def test_the_retention_rules_try_without_effect(
    network: Network, office: Program, settings: Any
) -> None:
    settings.RETAIN_FILE_DAYS = 0
    draft = a_draft(network)
    before = office.queries("office/retention/")
    due = {one["name"]: one for one in office.get("office/retention/")}
    assert list(due) == [rule.name for rule in RULES]
    assert due["files"]["days"] is None
    assert (due["drafts"]["days"], due["drafts"]["count"]) == (settings.RETAIN_DRAFT_DAYS, 0)
    for _ in range(12):
        a_draft(network)
    Voucher.objects.update(changed_at=timezone.now() - timedelta(days=9999))
    due = {one["name"]: one for one in office.get("office/retention/")}
    assert (due["drafts"]["count"], len(due["drafts"]["first"])) == (13, 10)
    assert office.queries("office/retention/") == before
    assert Voucher.objects.filter(pk=draft.pk, state=State.DRAFT).exists()
    for who in ("author", "lead"):
        Program(network, who).get("office/retention/", 403)
