"""Two tables with the same columns, read as the samples of a two-sample test."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.kits.kit import KitError, Progress, silent
from evidesk.kits.numbers import numbers
from evidesk.kits.table import TableFile
from evidesk.kits.wording import shown

Sample = dict[str, npt.NDArray[Any]]

#: A sample of more numbers than this is thinned: more would not fit into the memory of a worker.
MOST_NUMBERS = 20_000_000
_TIMES = re.compile(r"DATE|TIMESTAMP.*")


@dataclass(frozen=True)
class TwoTables:
    """What was read.

    Attributes
    ----------
    reference, current : arrays by column: floats with NaN where there is no value, or text with
        None.
    groups : which group each row belongs to, the reference's rows first; None without groups.
    warnings : what a reader has to know.
    """

    reference: Sample
    current: Sample
    groups: npt.NDArray[Any] | None
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Wanted:
    """The columns of one table and how they are read: by SQL names of our own."""

    table: TableFile
    numeric: dict[str, str]
    categorical: dict[str, str]
    group: str | None
    thinned_to: float = 1.0


def read_both(
    reference: Path,
    current: Path,
    *,
    columns: Sequence[str],
    categories: Sequence[str],
    group: str | None,
    in_order: bool,
    progress: Progress,
    most_numbers: int = MOST_NUMBERS,
) -> TwoTables:
    """Read both tables.

    A column is numeric if every value that is there is a number (or a date, where the file says
    so) in both tables; else its values are categories, as are those of ``categories``.

    Parameters
    ----------
    columns : those to compare; none for all but ``group``.
    in_order : whether rows are in order of time, so that none may be left out.
    most_numbers : a sample of more is thinned.

    Raises
    ------
    KitError : a table has other columns than the other, lacks one that is named, has no rows, or
        holds infinite numbers or values that are neither numbers nor text.
    """
    with TableFile(reference, progress) as first, TableFile(current, progress) as second:
        chosen = _columns(first, second, columns, group)
        first.check_columns(*categories)
        rows = [_rows(table) for table in (first, second)]
        numeric = _numeric(first, second, [one for one in chosen if one not in categories])
        read, warnings = [], []
        for table, n, span in ((first, rows[0], (0.0, 0.5)), (second, rows[1], (0.5, 1.0))):
            share = min(1.0, most_numbers / (n * len(chosen)))
            if share < 1:
                if in_order:
                    raise KitError(
                        f"{table.path.name} has {n:,} rows of {len(chosen):,} columns, more than "
                        "fit into memory, and rows in order of time cannot be thinned. Choose "
                        "fewer columns or a shorter time."
                    )
                warnings.append(
                    f"{table.path.name} has {n:,} rows, of which {100 * share:.3g} % were drawn at "
                    "random: a shift that needs all rows to be seen may be missed."
                )
            wanted = _Wanted(
                table,
                {f"v{i}": name for i, name in enumerate(chosen) if name in numeric},
                {f"v{i}": name for i, name in enumerate(chosen) if name not in numeric},
                group,
                share,
            )
            read.append(_read(wanted, progress, span))
    groups = None if group is None else np.concatenate([one.pop(group) for one in read])
    if groups is not None and any(one is None for one in groups):
        raise KitError(
            f"Column {shown(group or '')} says nothing of some rows. Leave these rows out, or give "
            "each of them a group of its own."
        )
    # In the file's order, whatever kind a column is of.
    samples = [{name: one[name] for name in chosen} for one in read]
    return TwoTables(samples[0], samples[1], groups, tuple(warnings))


def _columns(
    first: TableFile, second: TableFile, columns: Sequence[str], group: str | None
) -> list[str]:
    if group is not None:
        first.check_columns(group)
        second.check_columns(group)
    if columns:
        if group in columns:
            raise KitError(f"Column {shown(group or '')} is the group: it is not compared, too.")
        first.check_columns(*columns)
        second.check_columns(*columns)
        return list(columns)
    only_first = [name for name in first.columns if name not in second.columns]
    only_second = [name for name in second.columns if name not in first.columns]
    for table, names in ((first, only_first), (second, only_second)):
        if names:
            listed = ", ".join(map(shown, names[:5]))
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            raise KitError(
                f"Only {table.path.name} has the column(s) {listed}{more}. Name the columns that "
                "are to be compared, or give both tables the same ones."
            )
    chosen = [name for name in first.columns if name != group]
    if not chosen:
        raise KitError(f"{first.path.name} has no column but the group: there is none to compare.")
    return chosen


def _rows(table: TableFile) -> int:
    n = int(table.rows("SELECT count(*) FROM cases", silent, "Counting rows")[0][0])
    if n == 0:
        raise KitError(f"{table.path.name} has no rows: both tables need some.")
    return n


def _numeric(first: TableFile, second: TableFile, names: list[str]) -> set[str]:
    """Columns all of whose values are numbers or dates in both tables."""
    found = set(names)
    for table in (first, second):
        times = {name for name in names if _is_time(table, name)}
        own = {f"v{i}": name for i, name in enumerate(names) if name not in times}
        if not own:
            continue
        asked = [
            f"count_if({one}_fault = '{fault}')" for one in own for fault in ("text", "infinite")
        ]
        source = numbers(table, own)
        counts = table.rows(
            f"SELECT {', '.join(asked)} FROM {source}",  # noqa: S608 - own names
            silent,
            "Looking at the columns",
        )[0]
        for i, name in enumerate(own.values()):
            texts, infinite = counts[2 * i], counts[2 * i + 1]
            if infinite and not texts:
                raise KitError(
                    f"Column {shown(name)} of {table.path.name} has {infinite:,} infinite "
                    "number(s). Leave these rows out, or leave the values empty: that a value is "
                    "missing is information, too."
                )
            if texts:
                found.discard(name)
    # A date is compared with dates only.
    return {name for name in found if _is_time(first, name) == _is_time(second, name)}


def _is_time(table: TableFile, name: str) -> bool:
    return table.states_type(name) and bool(_TIMES.fullmatch(table.type_of(name)))


def _read(wanted: _Wanted, progress: Progress, span: tuple[float, float]) -> Sample:
    table = wanted.table
    times = {own: name for own, name in wanted.numeric.items() if _is_time(table, name)}
    plain = {own: name for own, name in wanted.numeric.items() if own not in times}
    texts = wanted.categorical | ({"belongs": wanted.group} if wanted.group is not None else {})
    source = "(SELECT *, row_number() OVER () AS row FROM cases)"
    if wanted.thinned_to < 1:
        kept = math.ceil(wanted.thinned_to * 1_000_000)
        # By the row's number alone, so that another run reads the same rows.
        source = f"(SELECT * FROM {source} WHERE hash(row) % 1000000 < {kept})"  # noqa: S608
    if plain:
        source = numbers(table, plain, source)
    if texts:
        source = table.labels(texts, source)
    listed = [f"coalesce({own}, 'NaN'::DOUBLE) AS {own}" for own in plain]
    listed += [
        f"coalesce(epoch({table.name(name)})::DOUBLE, 'NaN'::DOUBLE) AS {own}"
        for own, name in times.items()
    ]
    for own in texts:
        listed += [f"coalesce({own}, '') AS {own}", f"{own} IS NULL AS {own}_missing"]
    answer = table.arrays(
        f"SELECT {', '.join(listed)} FROM {source} ORDER BY row",  # noqa: S608 - own names
        progress,
        f"Reading {table.path.name}",
        span,
    )
    found: Sample = {}
    arrays = iter(answer)
    for name in (*plain.values(), *times.values()):
        found[name] = next(arrays)
    for name in texts.values():
        values, missing = next(arrays).astype(object), next(arrays)
        values[missing] = None
        found[str(name)] = values
    return found
