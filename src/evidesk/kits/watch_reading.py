"""The tables of a watch: a reference that says of which kind its columns are, and batches that
have to be like it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

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

#: What a column of the reference holds; of an empty one nobody knows what may come.
ColumnKind = Literal["numbers", "times", "categories", "empty"]

#: A reference of more numbers is thinned: its unused rows go with the state from batch to batch.
MOST_REFERENCE_NUMBERS = 2_000_000
_SAID = {"numbers": "numbers", "times": "dates", "categories": "categories", "empty": "nothing"}


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
    categories: Sequence[str],
    progress: Progress,
    most_numbers: int = MOST_REFERENCE_NUMBERS,
) -> Reference:
    """Read the reference: of ``columns``, or of all that it has.

    Raises
    ------
    KitError : a column is missing, there are no rows, or there are infinite numbers.
    """
    with TableFile(path, progress) as table:
        table.check_columns(*columns, *categories)
        chosen = list(dict.fromkeys(columns or table.columns))
        n = row_count(table)
        numeric = of_numbers(table, [one for one in chosen if one not in categories])
        share = min(1.0, most_numbers / (n * len(chosen)))
        sample = read_sample(table, Wanted(chosen, numeric, share), progress, (0.0, 1.0))
        kinds = {name: _kind(table, name, sample, numeric) for name in chosen}
    thinned = (
        f"{shown(path.name)} has {n:,} rows, of which {100 * share:.3g} % were drawn at random."
    )
    return Reference(sample, kinds, [thinned] if share < 1 else [])


def _kind(table: TableFile, name: str, sample: Sample, numeric: set[str]) -> ColumnKind:
    if name not in numeric:
        return "categories"
    if is_time(table, name):
        return "times"
    return "empty" if np.isnan(sample[name]).all() else "numbers"


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
        free = [name for name, kind in kinds.items() if kind != "categories"]
        numeric = of_numbers(table, free)
        for name in free:
            _check_kind(table, name, kinds[name], name in numeric)
        return read_sample(table, Wanted(list(kinds), numeric), progress, (0.0, 1.0))


def _check_kind(table: TableFile, name: str, kind: ColumnKind, is_numeric: bool) -> None:
    if kind == "empty":
        return
    found: ColumnKind = "categories"
    if is_numeric:
        found = "times" if is_time(table, name) else "numbers"
    if found != kind:
        what = "text" if found == "categories" else _SAID[found]
        raise KitError(
            f"Column {shown(name)} of {shown(table.path.name)} holds {what}, and in the reference "
            f"it holds {_SAID[kind]}. Mend the batch and give it again: nothing of it was taken."
        )
