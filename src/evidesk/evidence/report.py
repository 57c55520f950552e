"""The report: evidence as one page that opens offline, on a phone, and on paper."""

from __future__ import annotations

import base64
import json
import math
from datetime import datetime
from importlib.resources import files
from typing import Any

from evidesk.evidence.document import Evidence
from evidesk.evidence.figure import Figure
from evidesk.evidence.table import Cell, Table

__all__ = ["report"]

ROWS_SHOWN = 50
_DECIMALS = 6
_FEWEST_DECIMALS, _FEWEST_DIGITS = 4, 3
_LONG = 160  # characters; what is longer is read, not seen


def report(evidence: Evidence) -> str:
    """The evidence as a self-contained HTML page without scripts.

    Figures are embedded as images, so that nothing in them can act. Of long tables the first
    rows are shown.

    Raises
    ------
    ValueError
        If the evidence has no provenance.
    """
    from jinja2 import Environment, StrictUndefined

    if evidence.provenance is None:
        raise ValueError("a report needs provenance")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "data_uri": _data_uri,
        "day": _day,
        "json": _json,
        "long": lambda text: " long" if len(text) > _LONG else "",
        "moment": _moment,
        "printed": printed_rows,
        "size": size_text,
    }
    source = (files("evidesk.evidence") / "templates" / "report.html").read_text("utf-8")
    return environment.from_string(source).render(
        evidence=evidence, provenance=evidence.provenance, rows_shown=ROWS_SHOWN
    )


def printed_rows(table: Table) -> list[tuple[str, ...]]:
    """The table's cells for people, row by row.

    A number keeps four decimals, or three significant digits if it is smaller, and never more than
    six significant digits; one column has the same decimals where that stays short. Exactly zero
    is ``0``, and a missing number is a dash.
    """
    columns = [_printed_column([row[i] for row in table.rows]) for i in range(len(table.columns))]
    return list(zip(*columns, strict=True))


def _printed_column(cells: list[Cell]) -> list[str]:
    numbers = [cell for cell in cells if isinstance(cell, float) and math.isfinite(cell)]
    texts = [_shortened(number) for number in numbers]
    decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
    aligned = decimals <= _DECIMALS and not any("e" in text for text in texts)
    return [
        "–" if cell is None
        else str(cell) if not isinstance(cell, float)
        else "0" if cell == 0
        else f"{cell:z.{decimals}f}" if aligned  # z: no minus before what is rounded to zero
        else _shortened(cell)
        for cell in cells
    ]  # fmt: skip


def _shortened(number: float) -> str:
    """The number by itself."""
    if abs(number) < 10 ** (_FEWEST_DIGITS - 1 - _FEWEST_DECIMALS):
        return f"{number:z.{_FEWEST_DIGITS}g}"
    return f"{round(number, _FEWEST_DECIMALS):z.6g}"


def size_text(size: int) -> str:
    """A file's size for people: ``1.5 kB`` (decimal prefixes)."""
    if size < 1000:
        return f"{size} B"
    scaled = float(size)
    for prefix in ("k", "M", "G"):
        scaled /= 1000
        if scaled < 999.5:
            return f"{scaled:.3g} {prefix}B"
    return f"{scaled / 1000:.3g} TB"


def _day(moment: datetime) -> str:
    return moment.date().isoformat()  # the one order of day, month and year that all know


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _data_uri(figure: Figure) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(figure.svg.encode()).decode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
