"""The report: evidence as one page that opens offline, on a phone, and on paper."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from importlib.resources import files
from typing import Any

from evidesk.evidence.document import Evidence
from evidesk.evidence.figure import Figure
from evidesk.evidence.table import Cell

__all__ = ["report"]

ROWS_SHOWN = 200


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
        "cell": cell_text,
        "data_uri": _data_uri,
        "day": day_text,
        "json": _json,
        "moment": _moment,
        "size": size_text,
    }
    source = (files("evidesk.evidence") / "templates" / "report.html").read_text("utf-8")
    return environment.from_string(source).render(
        evidence=evidence, provenance=evidence.provenance, rows_shown=ROWS_SHOWN
    )


def cell_text(cell: Cell) -> str:
    """A table's cell for people: six significant digits; a missing number is a dash."""
    if cell is None:
        return "–"
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


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


def day_text(moment: datetime) -> str:
    """The day for people, in no language's order but the international one."""
    return moment.date().isoformat()


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _data_uri(figure: Figure) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(figure.svg.encode()).decode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
