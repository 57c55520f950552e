"""Lists of vouchers as files for a spreadsheet, in which no cell is a formula.

What people type could begin with ``=``, ``+``, ``-`` or ``@``, and a spreadsheet would compute it.
In CSV such a cell gets an apostrophe in front, as OWASP advises; also where it begins with blanks
or full-width signs, and where the sign follows a semicolon, at which a spreadsheet of a German
locale splits the line. Tabs, line ends and other control characters become blanks. An XLSX file
says of each cell that it is text, so there the text stays as it is.
"""

import csv
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date, datetime
from io import TextIOWrapper
from typing import IO, Any

import xlsxwriter
from django.db.models import QuerySet
from django.http import FileResponse
from django.utils.timezone import localdate, localtime

from evidesk.desk.lists.actions import note_export
from evidesk.desk.people.models import Person
from evidesk.desk.vouchers.models import Voucher

Cell = str | int | date | datetime | None

COLUMNS: dict[str, Callable[[Voucher], Cell]] = {
    "reference": lambda v: v.reference,
    "title": lambda v: v.title,
    "kind": lambda v: v.kind.slug if v.kind else None,
    "state": lambda v: v.state,
    "unit": lambda v: v.unit.slug,
    "host": lambda v: v.unit.host.name,
    "author": lambda v: v.author.name,
    "home": lambda v: v.author.home,
    "offered_to": lambda v: v.offered_to.name if v.offered_to else None,
    "consultant": lambda v: v.consultant.name if v.consultant else None,
    "created_at": lambda v: v.created_at,
    "submitted_at": lambda v: v.submitted_at,
    "changed_at": lambda v: v.changed_at,
    "ended_at": lambda v: v.ended_at,
    "starts_on": lambda v: v.starts_on,
    "days": lambda v: v.days,
    "ends_on": lambda v: v.ends_on,
    "is_overdue": lambda v: "yes" if v.is_overdue else "no",
    "rating": lambda v: v.rating,
}
_DANGEROUS = re.compile(r"^\s*[=+\-@\u2212]")
_AFTER_SEMICOLON = re.compile(r"(;\s*)(?=[=+\-@＝＋－＠﹢﹣﹦﹫\u2212])")


def _rows(vouchers: QuerySet[Voucher]) -> Iterator[list[Cell]]:
    for voucher in vouchers.select_related("unit__host").iterator(chunk_size=1000):
        yield [value(voucher) for value in COLUMNS.values()]


def harmless(text: str) -> str:
    """The text as a cell of a CSV file that no spreadsheet takes for a formula."""
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    visible = "".join(
        c for c in unicodedata.normalize("NFKC", plain) if unicodedata.category(c) != "Cf"
    )
    plain = _AFTER_SEMICOLON.sub(r"\1'", plain)
    return "'" + plain if _DANGEROUS.match(visible) else plain


def _in_csv(cell: Cell) -> str:
    """Moments and days as ISO 8601, moments with their offset."""
    if isinstance(cell, datetime):
        return localtime(cell).isoformat(timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    return harmless("" if cell is None else str(cell))


def write_csv(file: IO[bytes], vouchers: QuerySet[Voucher], *, bom: bool = False) -> int:
    """RFC 4180 in UTF-8; returns the number of vouchers. Excel needs `bom` to see that it is UTF-8.

    The file stays open.
    """
    text = TextIOWrapper(file, encoding="utf-8-sig" if bom else "utf-8", newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    count = 0
    for row in _rows(vouchers):
        writer.writerow(map(_in_csv, row))
        count += 1
    text.detach()
    return count


def write_xlsx(file: IO[bytes], vouchers: QuerySet[Voucher]) -> int:
    """One sheet, row by row; returns the number of vouchers. The file stays open.

    Days and moments are the spreadsheet's own, shown as in ISO 8601, moments in the desk's time
    zone: a spreadsheet knows no offsets.
    """
    book = xlsxwriter.Workbook(file, {"constant_memory": True})
    sheet = book.add_worksheet("vouchers")
    head = book.add_format({"bold": True})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    # Stays text when somebody edits the cell, or saves the sheet as CSV and opens that.
    quoted = book.add_format({"quote_prefix": True})
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, len(COLUMNS) - 1, 18)
    sheet.set_column(1, 1, 50)
    for column, name in enumerate(COLUMNS):
        sheet.write_string(0, column, name, head)
    count = 0
    for row in _rows(vouchers):
        count += 1
        for column, cell in enumerate(row):
            if isinstance(cell, datetime):
                sheet.write_datetime(count, column, localtime(cell).replace(tzinfo=None), moment)
            elif isinstance(cell, date):
                sheet.write_datetime(count, column, cell, day)
            elif isinstance(cell, int):
                sheet.write_number(count, column, cell)
            elif cell:
                sheet.write_string(count, column, _without_controls(cell), quoted)
    book.close()
    return count


def _without_controls(text: str) -> str:
    return "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)


def download(
    person: Person, ending: str, vouchers: QuerySet[Voucher], filters: str, **options: Any
) -> FileResponse:
    """The vouchers as a file to take away; that is noted in the audit chain, with the `filters`."""
    media_type, write = WRITERS[ending]
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    count = write(file, vouchers, **options)
    note_export(person, ending, filters, count)
    file.seek(0)
    return FileResponse(
        file,
        as_attachment=True,
        filename=f"vouchers-{localdate().isoformat()}.{ending}",
        content_type=media_type,
    )


#: The formats by the end of a file's name, with their media type.
WRITERS: dict[str, tuple[str, Any]] = {
    "csv": ("text/csv; charset=utf-8", write_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write_xlsx),
}
