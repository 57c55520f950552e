"""Two tables with the same columns, read as the samples of a two-sample test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.kits.column_kinds import (
    TOLD,
    ColumnKind,
    Held,
    check_decimal_points,
    first_unlike,
    held_by,
    left_out,
    mixed,
    name_rows,
)
from evidesk.kits.kit import KitError, Progress
from evidesk.kits.sample import MOST_NUMBERS, Sample, Wanted, read_sample, row_count
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
    without: Sequence[str] = (),
    categories: Sequence[str],
    group: str | None,
    in_order: bool,
    progress: Progress,
    most_numbers: int = MOST_NUMBERS,
) -> TwoTables:
    """Read both tables.

    A column is numeric if every value that is there is a number in both tables, or a date: because
    the file says so, or as text of ISO 8601. Else its values are categories, as are those of
    ``categories``. A column of texts that are nearly all different is left out, with a warning,
    unless it is named.

    Parameters
    ----------
    columns : those to compare; none for all but ``group`` and ``without``.
    without : those to leave out.
    in_order : whether rows are in order of time, so that none may be left out.
    most_numbers : a sample of more is thinned.

    Raises
    ------
    KitError : a table has other columns than the other, lacks one that is named, or has no rows; a
        column holds infinite numbers, numbers with a decimal comma, or another kind of values in
        one table than in the other; or no column is left.
    """
    with TableFile(reference, progress) as first, TableFile(current, progress) as second:
        chosen = _columns(first, second, columns, without, group)
        first.check_columns(*categories)
        rows = [row_count(table) for table in (first, second)]
        free = [one for one in chosen if one not in categories]
        kinds, warnings = _kinds(first, second, free)
        numeric = {name for name, kind in kinds.items() if kind != "categories"}
        times = frozenset(name for name, kind in kinds.items() if kind == "times")
        wanted = [*chosen, *([group] if group is not None else [])]
        read = []
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
            read.append(read_sample(table, Wanted(wanted, numeric, share, times), progress, span))
    groups = None if group is None else np.concatenate([one.pop(group) for one in read])
    if groups is not None and any(one is None for one in groups):
        raise KitError(
            f"Column {shown(group or '')} says nothing of some rows. Leave these rows out, or give "
            "each of them a group of its own."
        )
    if not columns:
        warnings += _leave_out(read, [one for one in free if one not in numeric])
    return TwoTables(read[0], read[1], groups, tuple(warnings), times)


def _leave_out(samples: Sequence[Sample], texts: Sequence[str]) -> list[str]:
    """Take the columns that name rows out of the samples, and say so."""
    said = []
    for name in texts:
        if counted := name_rows([one[name] for one in samples]):
            said.append(left_out(name, counted))
            for one in samples:
                del one[name]
    if not samples[0]:
        raise KitError(f"There is no column left to compare. {' '.join(said)}")
    return said


def _columns(
    first: TableFile,
    second: TableFile,
    columns: Sequence[str],
    without: Sequence[str],
    group: str | None,
) -> list[str]:
    if group is not None:
        first.check_columns(group)
        second.check_columns(group)
    for name in without:
        if name in columns:
            raise KitError(f"Column {shown(name)} is both to be compared and to be left out.")
        if name not in second.columns:
            first.check_columns(name)
    if columns:
        if group in columns:
            raise KitError(f"Column {shown(group or '')} is the group: it is not compared, too.")
        first.check_columns(*columns)
        second.check_columns(*columns)
        return list(columns)
    only_first = [one for one in first.columns if one not in [*second.columns, *without]]
    only_second = [one for one in second.columns if one not in [*first.columns, *without]]
    for table, names in ((first, only_first), (second, only_second)):
        if names:
            listed = ", ".join(map(shown, names[:5]))
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            raise KitError(
                f"Only {table.path.name} has the column(s) {listed}{more}. Name the columns that "
                "are to be compared or left out, or give both tables the same ones."
            )
    chosen = [name for name in first.columns if name != group and name not in without]
    if not chosen:
        what = "what is to be left out" if without else "the group"
        raise KitError(f"{first.path.name} has no column but {what}: there is none to compare.")
    return chosen


def _kinds(
    first: TableFile, second: TableFile, names: Sequence[str]
) -> tuple[dict[str, ColumnKind], list[str]]:
    """What the columns hold in both tables, and what has to be said of some."""
    held = [held_by(table, names) for table in (first, second)]
    for table, each in zip((first, second), held, strict=True):
        check_decimal_points(table, each)
    kinds: dict[str, ColumnKind] = {}
    said = []
    for name in names:
        one, other = (each[name] for each in held)
        kinds[name] = other.kind if one.kind == "empty" else one.kind
        if other.kind not in (kinds[name], "empty"):
            raise _unlike(first, second, name, one, other)
        if kinds[name] == "categories":
            told = [mixed(table, name, each) for table, each in ((first, one), (second, other))]
            if all(told):
                said.append(told[0] or "")
    return kinds, said


def _unlike(first: TableFile, second: TableFile, name: str, one: Held, other: Held) -> KitError:
    # The value that is told is a text, if one of the tables holds texts.
    odd, kind = (first, other.kind) if one.kind == "categories" else (second, one.kind)
    return KitError(
        f"Column {shown(name)} holds {TOLD[one.kind]} in {first.path.name} and {TOLD[other.kind]} "
        f"in {second.path.name}: {odd.path.name} has {first_unlike(odd, name, kind)}. Give both "
        "the same kind of values (empty where there is none), or name it among the columns of "
        f"categories (--category)."
    )
