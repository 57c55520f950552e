"""What the kit ``watch`` shows: the e-value's path, batch by batch."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Column, Figure, Table
from evidesk.kits.watch_state import Batch
from evidesk.kits.wording import cell, counted, drawing, root
from evidesk.methods.shift import WatchResult

#: Of a longer path, so many rows are kept in the table, the ends of all batches among them.
MOST_POINTS = 5_000
#: More lines between batches would hide the path.
_MOST_LINES = 40


def batch_table(batches: Sequence[Batch]) -> Table:
    """The batches, and where the watch stood after each."""
    return Table(
        "batches",
        "The batches, and the e-value after each",
        (
            Column("number", "integer", "Batch"),
            Column("name", "text", "File"),
            Column("rows", "integer", "Rows"),
            Column("first_row", "integer", "First row"),
            Column("compared", "integer", "Compared"),
            Column("log10_e", "number", "Log10 e-value"),
            Column("p_value", "number", "Any-time p"),
            Column("alarm", "integer", "Alarm at row"),
        ),
        tuple(
            (
                number,
                cell(one.name),
                one.rows,
                one.first_row,
                one.bets,
                _log10(one.log_wealth),
                one.p_value,
                one.alarm,
            )
            for number, one in enumerate(batches, start=1)
        ),
    )


def _path(result: WatchResult, batches: Sequence[Batch]) -> Table:
    kept = _points(result, batches)
    return Table(
        "path",
        "The e-value, row by row",
        (
            Column("row", "integer", "Row of the stream"),
            Column("log10_e", "number", "Log10 of the e-value"),
        ),
        tuple(zip(result.at[kept].tolist(), map(_log10, result.path[kept].tolist()), strict=True)),
    )


def _log10(log_wealth: float) -> float:
    """To nine decimals: beyond, there are but rounding errors, such as -1e-16 for 0."""
    return round(log_wealth / math.log(10), 9) + 0.0


def _points(result: WatchResult, batches: Sequence[Batch]) -> npt.NDArray[np.intp]:
    """Which points of the path are kept: few enough, with the alarm and the ends of batches."""
    n = len(result.at)
    if n <= MOST_POINTS:
        return np.arange(n)
    ends = [one.first_row + one.rows - 1 for one in batches]
    told = np.flatnonzero(np.isin(result.at, [*ends, result.alarm or 0]))
    return np.union1d(np.linspace(0, n - 1, MOST_POINTS).astype(int), told)


def figures(result: WatchResult, batches: Sequence[Batch]) -> Iterator[Figure]:
    """The path, with the alarm's line and where batches begin; none before the first row."""
    if not len(result.path):
        return
    with drawing():
        axes = result.plot()
        if 1 < len(batches) <= _MOST_LINES:
            for one in batches[1:]:
                axes.axvline(one.first_row - 0.5, color="#9ca3af", linewidth=0.6, zorder=0)
        yield Figure.from_matplotlib(
            root(axes),
            name="path",
            title="The e-value after each row, and the line of the alarm",
            alt=_alt(result, len(batches)),
            data=_path(result, batches),
        )


def _alt(result: WatchResult, batches: int) -> str:
    line = f"the alarm's line at {1 / (1 - result.level):.3g}"
    crossed = (
        f"stays below {line}" if result.alarm is None else f"crosses {line} at row {result.alarm:,}"
    )
    return (
        f"Curve of the e-value over {counted(result.rows, 'row', 'rows')} in "
        f"{counted(batches, 'batch', 'batches')}, on a logarithmic scale: it {crossed}."
    )
