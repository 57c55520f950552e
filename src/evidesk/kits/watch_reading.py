"""The tables of a watch: a reference that says of which kind its columns are, and batches that
have to be like it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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

#: A reference of more numbers is thinned: its unused rows go with the state from batch to batch.
MOST_REFERENCE_NUMBERS = 2_000_000


@dataclass(frozen=True)
class Reference:
    """The reference's rows, and of which kind each column is."""

    sample: Sample
    kinds: dict[str, ColumnKind]
    warnings: list[str]


def read_reference(
    path: Path,
    *,
    columns: Sequence[str],
    without: Sequence[str] = (),
    categories: Sequence[str],
    progress: Progress,
    most_numbers: int = MOST_REFERENCE_NUMBERS,
) -> Reference:
    """Read the reference: ``columns``, or all that it has but those ``without``.

    A column of texts that are nearly all different is left out, with a warning, unless it is named.

    Raises
    ------
    KitError : a column is missing or none is left, there are no rows, or there are infinite numbers
        or such with a decimal comma.
    """
    with TableFile(path, progress) as table:
        table.check_columns(*columns, *without, *categories)
        if both := [one for one in columns if one in without]:
            raise KitError(f"Column {shown(both[0])} is both to be watched and to be left out.")
        all_columns = [one for one in table.columns if one not in without]
        chosen = list(dict.fromkeys(columns or all_columns))
        if not chosen:
            raise KitError(f"All columns of {table.path.name} are left out: none is watched.")
        n = row_count(table)
        held = held_by(table, [one for one in chosen if one not in categories])
        check_decimal_points(table, held)
        kinds: dict[str, ColumnKind] = dict.fromkeys(chosen, "categories")
        kinds |= {name: one.kind for name, one in held.items()}
        share = min(1.0, most_numbers / (n * len(chosen)))
        sample = read_sample(table, _wanted(chosen, kinds, share), progress, (0.0, 1.0))
        said = [
            f"{shown(path.name)} has {n:,} rows, of which {100 * share:.3g} % were drawn at random."
        ] * (share < 1)
        for name, one in held.items():
            if one.kind != "categories":
                continue
            if told := mixed(table, name, one):
                said.append(told)
            elif not columns and (counted := name_rows([sample[name]])):
                said.append(left_out(name, counted))
                del sample[name], kinds[name]
        if not kinds:
            raise KitError(f"There is no column left to watch. {' '.join(said)}")
    return Reference(sample, kinds, [*said, *_constant(sample, kinds)])


def _wanted(names: Sequence[str], kinds: Mapping[str, ColumnKind], share: float = 1.0) -> Wanted:
    numeric = {name for name in names if kinds[name] != "categories"}
    return Wanted(names, numeric, share, {name for name in names if kinds[name] == "times"})


def _constant(sample: Sample, kinds: Mapping[str, ColumnKind]) -> list[str]:
    """What has to be said of columns that hold one value alone."""
    found = [
        name
        for name, values in sample.items()
        if kinds[name] != "empty"
        and len(set(values) if values.dtype == object else np.unique(values)) == 1
    ]
    if not found:
        return []
    listed = ", ".join(map(shown, found[:5])) + (", ..." if len(found) > 5 else "")
    return [
        f"The reference holds only one value of {listed}: of such a column, nothing but another "
        "value can be noticed."
    ]


def read_batch(path: Path, kinds: Mapping[str, ColumnKind], progress: Progress) -> Sample:
    """Read a batch, whose columns must be as the reference's; further ones are left out.

    Raises
    ------
    KitError : a column is missing or of another kind than in the reference, there are no rows, too
        many of them, or infinite numbers.
    """
    with TableFile(path, progress) as table:
        table.check_columns(*kinds)
        n = row_count(table)
        if n * len(kinds) > MOST_NUMBERS:
            raise KitError(
                f"{shown(path.name)} has {n:,} rows of {len(kinds):,} columns, more than fit into "
                "memory. Part it into smaller batches: that makes no difference to the watch."
            )
        held = held_by(table, [name for name, kind in kinds.items() if kind != "categories"])
        found = dict(kinds)
        for name, one in held.items():
            _check_kind(table, name, kinds[name], one)
            found[name] = one.kind if kinds[name] == "empty" else kinds[name]
        return read_sample(table, _wanted(list(kinds), found), progress, (0.0, 1.0))


def _check_kind(table: TableFile, name: str, kind: ColumnKind, held: Held) -> None:
    if kind != "empty" and held.kind not in (kind, "empty"):
        raise KitError(
            f"Column {shown(name)} of {shown(table.path.name)} holds {TOLD[held.kind]}, and in the "
            f"reference it holds {TOLD[kind]}: there is {first_unlike(table, name, kind)}. Mend "
            "the batch and give it again: nothing of it was taken."
        )
