"""The office's pages: who sees what, that every number leads to its rows, and their queries."""

import builtins
import csv
import io
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evidesk.desk.office import report
from evidesk.desk.office.rows import harmless
from evidesk.desk.people.models import Member, Role, Unit
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import State
from tests.desk.conftest import signed_in
from tests.desk.network import Network
from tests.desk.office.past import a_voucher

#: Session, person, roles, units, kinds, vouchers, inquiries, and the notices that pages count.
STATISTICS = 8
#: The rows ask for the references besides.
ROWS = STATISTICS + 1
YEAR = timezone.localdate().year


def some_past(network: Network, n: int = 1) -> None:
    for i in range(n):
        a_voucher(network, 40 + i, state=State.ACTIVE, contacted=38 + i, started=30)
        a_voucher(
            network, 60 + i, state=State.CLOSED, contacted=59, started=50, reported=40 + i / 9,
            ended=39, rating=5, unit=network.hub, kind="implementation", days=30,
        )  # fmt: skip
        a_voucher(network, 20 + i)
        a_voucher(network, 20 + i, state=State.DECLINED, contacted=15, ended=15)
        actions.inquire(subject="Hi", text="?", email="a@b.org", person=network.author)


def page(network: Network, who: str, path: str = "/office/") -> Any:
    return signed_in(network[who]).get(path)


@pytest.mark.parametrize("who", ["author", "consultant", "colleague"])
@pytest.mark.parametrize(
    "path",
    ["/office/", "/office/rows/closure/", "/office/rows/inquiries/", f"/office/report/{YEAR}/",
     f"/office/report/{YEAR}/pdf/"],
)  # fmt: skip
def test_only_the_office_and_leads_see_statistics(network: Network, who: str, path: str) -> None:
    response = page(network, who, path)
    assert response.status_code == 403
    assert "for the office and the leads" in response.content.decode()
    assert signed_in(None).get(path).status_code == 302


def test_the_office_sees_all_units_and_a_lead_their_own(network: Network) -> None:
    some_past(network)
    office = page(network, "office").content.decode()
    assert "Unit by unit" in office
    assert "of 4 submitted" in office
    lead = page(network, "lead").content.decode()
    assert "Unit by unit" not in lead
    assert "of 3 submitted" in lead
    assert 'name="unit"' not in lead
    assert "of 3 submitted" in page(network, "lead", "/office/?unit=hub").content.decode()
    rows = page(network, "lead", "/office/rows/closure/?unit=hub&format=csv")
    assert "Hub" not in text_of(rows)


def test_a_lead_of_two_units_sees_both(network: Network) -> None:
    some_past(network)
    Member.objects.create(person=network.lead, unit=network.hub, role=Role.LEAD)
    Unit.objects.create(slug="third", name="Third", host=network.hub.host, city="Y", focus="Z")
    shown = page(network, "lead").content.decode()
    assert "of 4 submitted" in shown
    assert "Third" not in shown


def test_an_empty_desk_says_what_the_page_will_tell(network: Network) -> None:
    assert "No voucher has been submitted yet" in page(network, "office").content.decode()
    filtered = page(network, "office", "/office/?period=12-months").content.decode()
    assert "No voucher was submitted that fits" in filtered
    rows = page(network, "office", "/office/rows/closure/").content.decode()
    assert "No voucher is counted here" in rows
    assert "Nobody has asked" in page(network, "office", "/office/rows/inquiries/").content.decode()
    nothing = page(network, "office", f"/office/report/{YEAR - 1}/").content.decode()
    assert "nothing to report" in nothing


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/office/", STATISTICS),
        ("/office/?unit=spoke", STATISTICS - 1),
        ("/office/rows/first-contact/", ROWS),
        ("/office/rows/first-contact/?format=csv", ROWS - 1),
        ("/office/rows/inquiries/", 6),
        (f"/office/report/{YEAR}/", STATISTICS),
    ],
)
def test_the_number_of_queries_is_constant(
    network: Network, path: str, wanted: int, n: int
) -> None:
    some_past(network, n)
    client = signed_in(network.office)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    assert len(captured) == wanted


def links_of(response: HttpResponse) -> set[str]:
    found = re.findall(r'href="(/office/rows/[^"]+)"', response.content.decode())
    return {link.replace("&amp;", "&") for link in found}


@pytest.mark.parametrize("path", ["/office/", f"/office/report/{YEAR}/", "/office/?unit=spoke"])
def test_every_number_leads_to_its_rows(network: Network, path: str) -> None:
    some_past(network)
    client = signed_in(network.office)
    links = links_of(client.get(path))
    figures = {link.split("/")[3] for link in links}
    assert figures >= {"first-contact", "closure", "acceptance", "satisfaction", "load", "effort"}
    for link in links:
        assert client.get(link).status_code == 200


def rows_of(network: Network, path: str) -> list[dict[str, str]]:
    response = page(network, "office", path)
    assert response["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(text_of(response))))


def text_of(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


def test_the_rows_are_those_that_are_counted(network: Network) -> None:
    some_past(network)
    accepted = rows_of(network, "/office/rows/acceptance/?format=csv")
    assert [row["Accepted"] for row in accepted] == ["0", "1", "1"]
    waiting = rows_of(network, "/office/rows/first-contact/?format=csv&happened=no")
    assert [(row["state"], row["Days waited"]) for row in waiting] == [("submitted", "20")]
    assert len(rows_of(network, "/office/rows/effort/?format=csv&kind=implementation")) == 1
    rated = rows_of(network, "/office/rows/satisfaction/?format=csv")
    assert [row["Rating"] for row in rated] == ["5"]
    shown = page(network, "office", "/office/rows/first-contact/?happened=no").content.decode()
    assert "Waiting for triage" in shown
    assert "20.0" in shown


def test_the_rows_of_a_quarter_are_its_own(network: Network) -> None:
    a_voucher(network, 0.1)
    a_voucher(network, 200)
    now = timezone.localdate()
    quarter = f"{now.year}-{(now.month + 2) // 3}"
    assert len(rows_of(network, f"/office/rows/load/?format=csv&quarter={quarter}")) == 1
    assert len(rows_of(network, "/office/rows/load/?format=csv&quarter=nonsense")) == 2


def test_many_rows_come_by_the_page(network: Network) -> None:
    for i in range(52):
        a_voucher(network, i + 1)
    second = page(network, "office", "/office/rows/load/?page=2").content.decode()
    assert second.count('<a class="ref" href="/vouchers/') == 2


@pytest.mark.parametrize(
    "query",
    [
        "?unit=nowhere",
        "?kind=' OR 1=1",
        "?period=1066",
        "?period=<script>",
        "?page=-3",
        "?unit=%00",
    ],
)
def test_a_wrong_address_shows_all_instead(network: Network, query: str) -> None:
    some_past(network)
    for path in ("/office/", "/office/rows/closure/", "/office/rows/inquiries/"):
        response = page(network, "office", path + query)
        assert response.status_code == 200
        assert "<script>" not in response.content.decode().replace("<script src", "")


def test_figures_and_years_that_do_not_exist_are_not_found(network: Network) -> None:
    for path in ("/office/rows/nonsense/", "/office/report/1066/", f"/office/report/{YEAR + 1}/"):
        assert page(network, "office", path).status_code == 404


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_unit_that_is_named_like_a_formula_is_harmless(network: Network, text: str) -> None:
    assert harmless(text) == f"'{text}"
    Unit.objects.filter(pk=network.spoke.pk).update(name=text)
    a_voucher(network, 3)
    (row,) = rows_of(network, "/office/rows/load/?format=csv")
    assert row["unit"].startswith("'")


def test_the_plots_are_well_formed_and_keep_the_policy(network: Network) -> None:
    Unit.objects.filter(pk=network.spoke.pk).update(name='<b>&"Spoke"</b>')
    some_past(network, 3)
    shown = page(network, "office").content.decode()
    plots = re.findall(r"<svg class=.*?</svg>", shown, re.DOTALL)
    assert len(plots) > 10
    for plot in plots:
        ET.fromstring(plot)
    assert "style=" not in shown
    assert "<b>&" not in shown


def test_a_lead_finds_the_statistics_from_home(network: Network) -> None:
    assert 'href="/office/"' in page(network, "lead", "/").content.decode()
    assert 'href="/office/"' not in page(network, "consultant", "/").content.decode()


# The yearly report


def test_the_report_tells_definitions_level_and_day(network: Network) -> None:
    some_past(network)
    shown = page(network, "office", f"/office/report/{YEAR}/").content.decode()
    assert "Wilson" in shown
    assert "at 95 %" in shown.replace("All at 95 %", "at 95 %")
    assert "From the submission of a voucher to its end" in shown
    assert "so far" in shown
    assert f"The network in {YEAR}" in shown


def test_without_what_makes_pdf_the_report_says_what_to_do(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_past(network)
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    response = page(network, "office", f"/office/report/{YEAR}/pdf/")
    assert response.status_code == 403
    assert "install evidesk[pdf]" in response.content.decode()
    monkeypatch.setattr(report, "find_spec", lambda _: None)
    assert not report.pdf_is_possible()


def test_the_report_as_pdf_fetches_nothing(network: Network) -> None:
    pytest.importorskip("weasyprint", reason="the extra `pdf` is not installed")
    some_past(network)
    response = page(network, "office", f"/office/report/{YEAR}/pdf/")
    assert response.status_code == 200
    assert response.content.startswith(b"%PDF")
    assert f"evidesk-report-{YEAR}.pdf" in response["Content-Disposition"]
    with pytest.raises(ValueError, match="not fetched"):
        report._fetch_nothing("file:///etc/passwd")
