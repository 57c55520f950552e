"""Evidence in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evidesk.evidence.document import Evidence, Finding
from evidesk.evidence.provenance import Provenance
from evidesk.evidence.report import printed_rows, size_text
from evidesk.evidence.table import Table

if TYPE_CHECKING:
    import rich.table
    from rich.console import RenderableType

__all__ = ["render"]

ROWS_SHOWN = 40
_COLOURS = {"supported": "green", "refuted": "red", "undecided": "yellow"}


def render(evidence: Evidence) -> RenderableType:
    """The evidence as a Rich renderable: all that one reads first, in 80 columns or more.

    What it prints is plain text first: without colours, in a pipe, nothing is lost.
    """
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        Text(evidence.question, style="dim"),
        Text(evidence.answer, style="bold"),
    ]
    if evidence.findings:
        parts += [_heading("Findings"), _findings(evidence.findings)]
    if evidence.warnings:
        parts.append(_heading("Warnings"))
        parts += [_hanging("!", warning, "yellow") for warning in evidence.warnings]
    for table in evidence.tables:
        parts += [_heading(table.title), _table(table)]
    if evidence.figures:
        parts.append(_heading("Figures"))
        parts += [_hanging("·", f"{figure.name}: {figure.title}") for figure in evidence.figures]
    if evidence.provenance is not None:
        parts += [_heading("Where this comes from"), _provenance(evidence.provenance)]
    return Group(*parts)


def _heading(title: str) -> RenderableType:
    from rich.text import Text

    return Text(f"\n{title}", style="bold cyan")


def _grid(columns: int) -> rich.table.Table:
    from rich.table import Table as Grid

    grid = Grid.grid(padding=(0, 1))
    for _ in range(columns):
        grid.add_column(overflow="fold")
    return grid


def _hanging(sign: str, text: str, colour: str = "") -> RenderableType:
    from rich.text import Text

    grid = _grid(2)
    grid.add_row(Text(sign, style=colour), Text(text))
    return grid


def _findings(findings: tuple[Finding, ...]) -> RenderableType:
    from rich.text import Text

    grid = _grid(2)
    for finding in findings:
        verdict = Text(f"{finding.verdict.sign} {finding.verdict}", style=_COLOURS[finding.verdict])
        grid.add_row(verdict, Text(finding.sentence))
        grid.add_row("", Text(str(finding.estimate), style="dim"))
    return grid


def _table(table: Table) -> RenderableType:
    from rich import box
    from rich.console import Group
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in table.columns:
        right = column.kind != "text"
        grid.add_column(Text(column.heading), justify="right" if right else "left", overflow="fold")
    for row in printed_rows(table)[:ROWS_SHOWN]:
        grid.add_row(*(Text(cell) for cell in row))
    hidden = len(table.rows) - ROWS_SHOWN
    more = [Text(f"and {hidden} more rows", style="dim")] if hidden > 0 else []
    return Group(grid, *more)


def _provenance(provenance: Provenance) -> RenderableType:
    from rich.text import Text

    seconds = (provenance.ended - provenance.started).total_seconds()
    grid = _grid(2)
    rows = {
        "kit": provenance.kit,
        "run by": provenance.agent,
        "when": f"{provenance.started:%Y-%m-%d %H:%M} UTC, {seconds:.3g} s",
        "inputs": "\n".join(
            f"{file.name} ({size_text(file.size)}, sha256 {file.sha256[:12]}…)"
            for file in provenance.inputs
        ),
        "seed": "" if provenance.random_state is None else str(provenance.random_state),
        "versions": ", ".join(f"{name} {v}" for name, v in provenance.versions.items()),
        "commit": provenance.commit or "",
    }
    for name, text in rows.items():
        if text:
            grid.add_row(Text(name, style="dim"), Text(text))
    return grid
