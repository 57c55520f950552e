"""Exports: what one may see, as a spreadsheet reads it, and no cell computes anything."""

import csv
import io
import zipfile
from typing import Any
from xml.etree import ElementTree

import pytest

from evidesk.desk.audit.models import Entry
from evidesk.desk.lists.exports import COLUMNS, harmless
from evidesk.desk.people.models import Person
from evidesk.desk.vouchers.models import State, Voucher
from tests.desk.conftest import signed_in
from tests.desk.network import Network, voucher_in

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def exported(person: Person, address: str) -> bytes:
    response = signed_in(person).get(address)
    assert response.status_code == 200
    return b"".join(response.streaming_content)  # type: ignore[arg-type]


def rows(person: Person, query: str = "") -> list[dict[str, str]]:
    text = exported(person, f"/vouchers/export.csv?{query}").decode()
    return list(csv.DictReader(io.StringIO(text)))


def cells(data: bytes) -> list[list[tuple[str, str]]]:
    """Of each row of the sheet, each cell's type and content."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert not [name for name in book.namelist() if "vba" in name.lower()]
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert sheet.find(f".//{SHEET}f") is None, "a formula"
    return [
        [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row]
        for row in sheet.iter(f"{SHEET}row")
    ]


def test_the_filtered_list_is_exported_with_a_header_and_iso_dates(network: Network) -> None:
    voucher = voucher_in(State.CLOSED, network, title='Größe, “quoted” "x"')
    voucher_in(State.ACTIVE, network)
    (row,) = rows(network.lead, "state=closed")
    assert list(row) == list(COLUMNS)
    assert row["reference"] == voucher.reference
    assert row["title"] == 'Größe, “quoted” "x"'
    assert (row["unit"], row["author"], row["consultant"]) == (
        "spoke", "Ada Author", "Cyra Consultant",
    )  # fmt: skip
    assert (row["starts_on"], row["ends_on"], row["days"]) == ("2026-03-02", "2026-03-11", "10")
    assert row["submitted_at"][10] == "T"
    assert row["submitted_at"][-6:] in ("+01:00", "+02:00")
    assert (row["rating"], row["offered_to"], row["is_overdue"]) == ("5", "", "no")


def test_csv_is_as_rfc_4180_says_and_has_a_bom_only_if_asked(network: Network) -> None:
    voucher_in(State.ACTIVE, network, title="é")
    plain = exported(network.lead, "/vouchers/export.csv")
    assert plain.startswith(b'"reference","title"')
    assert plain.count(b"\r\n") == 2
    assert b"\n" not in plain.replace(b"\r\n", b"")
    assert exported(network.lead, "/vouchers/export.csv?bom=1") == b"\xef\xbb\xbf" + plain


@pytest.mark.parametrize("who", ["author", "stranger", "colleague", "lead_elsewhere", "office"])
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_only_what_one_may_see_is_exported(network: Network, who: str, ending: str) -> None:
    for state in State:
        voucher_in(state, network)
    expected = {"author": 9, "stranger": 0, "colleague": 8, "lead_elsewhere": 0, "office": 8}[who]
    data = exported(network[who], f"/vouchers/export.{ending}")
    if ending == "csv":
        assert len(data.splitlines()) == expected + 1
    else:
        assert len(cells(data)) == expected + 1
    entry = Entry.objects.latest("number")
    assert (entry.action, entry.actor) == ("vouchers.exported", str(network[who].uid))
    assert entry.facts == {"format": ending, "count": expected}


ATTACKS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=1",
    "\u200b=1", "＝1", "＋1", "－1", "＠1", "﹢1", "﹣1", "﹦1", "﹫1", "−1", "⁼1", "\x00=1",
    '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0", "\u202e=1",
]  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS)
def test_a_cell_that_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    assert harmless(text).startswith("'")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a = b - c", "a = b - c"),
        ("a\tb\r\nc\x85d\u2028e", "a b  c d e"),
        ("x;=1+1", "x;'=1+1"),
        ("x; ＝1;y;-2", "x; '＝1;y;'-2"),
        ("5 µm, 3-5 mm", "5 µm, 3-5 mm"),
        ("", ""),
        ("'=1", "'=1"),
    ],
)
def test_other_text_stays_as_it_is_on_one_line(text: str, kept: str) -> None:
    assert harmless(text) == kept


@pytest.mark.parametrize("text", ATTACKS)
def test_no_cell_of_either_format_computes_anything(network: Network, text: str) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    kept = text.replace("\x00", "")  # which no database of ours takes
    Voucher.objects.filter(pk=voucher.pk).update(title=kept)
    Person.objects.filter(pk=network.author.pk).update(name=f"{kept}!", home=f"x;{kept}")
    (row,) = rows(network.lead)
    assert row["title"].startswith("'")
    assert row["author"].startswith("'")
    table = cells(exported(network.lead, "/vouchers/export.xlsx"))
    title, author = table[1][1], table[1][6]
    assert (title[0], author[0]) == ("inlineStr", "inlineStr")
    assert text.strip("\x00\t\r\n") in title[1]


def test_xlsx_has_numbers_and_dates_as_such(network: Network) -> None:
    voucher_in(State.CLOSED, network)
    voucher_in(State.DRAFT, network)
    head, draft, closed = cells(exported(network.author, "/vouchers/export.xlsx"))
    assert [text for _, text in head] == list(COLUMNS)
    found = dict(zip((text for _, text in head), draft, strict=False))
    assert found["state"] == ("inlineStr", "draft")
    assert ("n", "10") in closed  # days
    assert ("n", "46083") in closed  # 2026-03-02 as a spreadsheet counts days


@pytest.mark.parametrize(
    "address", ["/vouchers/export.pdf", "/vouchers/export.csv/x", "/vouchers/export."]
)
def test_there_are_no_other_formats(network: Network, address: str) -> None:
    assert signed_in(network.lead).get(address).status_code in (301, 404)


def test_exports_have_harmless_headers_and_need_a_person(network: Network) -> None:
    response: Any = signed_in(network.lead).get("/vouchers/export.csv?q=x%0d%0aSet-Cookie:a=b")
    assert response["Content-Disposition"].startswith('attachment; filename="vouchers-2')
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert signed_in(None).get("/vouchers/export.csv").status_code == 302
    assert signed_in(network.lead).post("/vouchers/export.csv").status_code == 405
