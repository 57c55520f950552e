"""A table read as a sample: arrays by column, of numbers or of categories.

Of a folder of Parquet files, each file is read by itself: by Dask's workers within
:func:`~evidesk.kits.partitions.on_dask`, else one after the other. What is read is the very same.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.kits.column_kinds import held_by, seconds
from evidesk.kits.kit import KitError, Progress, silent
from evidesk.kits.numbers import numbers
from evidesk.kits.partitions import current
from evidesk.kits.table import TableFile

#: Arrays by column: floats with NaN where there is no value, or text with None.
Sample = dict[str, npt.NDArray[Any]]

#: A sample of more numbers than this is thinned: more would not fit into the memory of a worker.
MOST_NUMBERS = 20_000_000


def row_count(table: TableFile) -> int:
    """How many rows the table has; raises :class:`KitError` if it has none."""
    table.tally("sizes", "SELECT count(*) AS n FROM cases", [], silent, "Counting rows")
    n = int(table.rows("FROM sizes", silent, "Counting rows")[0][0])
    if n == 0:
        raise KitError(f"{table.path.name} has no rows: it needs some.")
    return n


def of_numbers(table: TableFile, names: Sequence[str]) -> set[str]:
    """Those of the columns all of whose values are numbers, or which the file says to be dates.

    Raises
    ------
    KitError : one of them holds infinite numbers.
    """
    found = held_by(table, names)
    return {name for name in names if table.states_time(name) or not found[name].texts}


@dataclass(frozen=True)
class Wanted:
    """The columns of a table and how they are read.

    Attributes
    ----------
    columns : in the order in which the sample is to have them.
    numeric : those that are read as numbers; the others are categories.
    times : those of them that hold dates or times, be it as text.
    thinned_to : the share of the rows that is read.
    """

    columns: Sequence[str]
    numeric: Collection[str]
    thinned_to: float = 1.0
    times: Collection[str] = ()


def read_sample(
    table: TableFile, wanted: Wanted, progress: Progress, span: tuple[float, float]
) -> Sample:
    """The rows in the file's order; thinned ones are drawn alike in every run."""
    message = f"Reading {table.path.name}"
    if len(table.parts) == 1:
        return _read(table, wanted, 0, progress, message, span)
    tasks = [
        (table.path.absolute(), part.absolute(), number, wanted)
        for number, part in enumerate(table.parts)
    ]
    workers = current()
    parts: dict[int, Sample] = {}
    if workers is not None:
        parts.update(workers.each(_read_part, tasks, progress, message, span))
    else:
        low, high = span
        for number, task in enumerate(tasks):
            progress(
                low + (high - low) * number / len(tasks),
                f"{message}: {number} of {len(tasks)} parts",
            )
            parts.update([_read_part(task)])
    return {
        name: np.concatenate([parts[number][name] for number in range(len(tasks))])
        for name in wanted.columns
    }


def _read_part(task: tuple[Path, Path, int, Wanted]) -> tuple[int, Sample]:
    """What a Dask worker does."""
    path, part, number, wanted = task
    with TableFile(path, silent, only=part) as table:
        return number, _read(table, wanted, number, silent, "Reading", (0.0, 1.0))


def _read(
    table: TableFile,
    wanted: Wanted,
    part: int,
    progress: Progress,
    message: str,
    span: tuple[float, float],
) -> Sample:
    # SQL names of our own, so that no name from a file ever becomes SQL.
    own_names = {f"v{i}": name for i, name in enumerate(wanted.columns)}
    numeric = {own: name for own, name in own_names.items() if name in wanted.numeric}
    times = {
        own: name
        for own, name in numeric.items()
        if name in wanted.times or table.states_time(name)
    }
    plain = {own: name for own, name in numeric.items() if own not in times}
    texts = {own: name for own, name in own_names.items() if own not in numeric}
    source = "(SELECT *, row_number() OVER () AS row FROM cases)"
    if wanted.thinned_to < 1:
        kept = math.ceil(wanted.thinned_to * 1_000_000)
        # By the row's place alone, so that another run reads the same rows.
        place = f"row + {part} * {2**40}"
        source = f"(SELECT * FROM {source} WHERE hash({place}) % 1000000 < {kept})"  # noqa: S608
    if plain:
        source = numbers(table, plain, source)
    if texts:
        source = table.labels(texts, source)
    listed = [f"coalesce({own}, 'NaN'::DOUBLE) AS {own}" for own in plain]
    listed += [
        f"coalesce({seconds(table, name)}, 'NaN'::DOUBLE) AS {own}" for own, name in times.items()
    ]
    for own in texts:
        listed += [f"coalesce({own}, '') AS {own}", f"{own} IS NULL AS {own}_missing"]
    answer = table.arrays(
        f"SELECT {', '.join(listed)} FROM {source} ORDER BY row",  # noqa: S608 - own names
        progress,
        message,
        span,
    )
    found: Sample = {}
    arrays = iter(answer)
    for name in (*plain.values(), *times.values()):
        found[name] = next(arrays)
    for name in texts.values():
        values, missing = next(arrays).astype(object), next(arrays)
        values[missing] = None
        found[name] = values
    return {name: found[name] for name in wanted.columns}
