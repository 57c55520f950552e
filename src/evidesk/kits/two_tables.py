"""Two tables with the same columns, read as the samples of a two-sample test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.kits.kit import KitError, Progress
from evidesk.kits.sample import (
    MOST_NUMBERS,
    Sample,
    Wanted,
    is_time,
    of_numbers,
    read_sample,
    row_count,
)
from evidesk.kits.table import TableFile
from evidesk.kits.wording import shown


@dataclass(frozen=True)
class TwoTables:
    """What was read.

    Attributes
    ----------
    reference, current : arrays by column: floats with NaN where there is no value, or text with
        None.
    groups : which group each row belongs to, the reference's rows first; None without groups.
    warnings : what a reader has to know.
    times : columns whose numbers are seconds since 1970.
    """

    reference: Sample
    current: Sample
    groups: npt.NDArray[Any] | None
    warnings: tuple[str, ...]
    times: frozenset[str] = frozenset()


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
        rows = [row_count(table) for table in (first, second)]
        numeric = _numeric(first, second, [one for one in chosen if one not in categories])
        times = frozenset(name for name in numeric if is_time(first, name))
        wanted = [*chosen, *([group] if group is not None else [])]
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
                    f"random: a shift of a mean has to be {share**-0.5:.2g} times as large to be "
                    "found as with all rows."
                )
            read.append(read_sample(table, Wanted(wanted, numeric, share), progress, span))
    groups = None if group is None else np.concatenate([one.pop(group) for one in read])
    if groups is not None and any(one is None for one in groups):
        raise KitError(
            f"Column {shown(group or '')} says nothing of some rows. Leave these rows out, or give "
            "each of them a group of its own."
        )
    return TwoTables(read[0], read[1], groups, tuple(warnings), times)


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


def _numeric(first: TableFile, second: TableFile, names: list[str]) -> set[str]:
    """Columns all of whose values are numbers or dates in both tables."""
    found = of_numbers(first, names) & of_numbers(second, names)
    # A date is compared with dates only.
    return {name for name in found if is_time(first, name) == is_time(second, name)}
