"""Columns that say which cases belong together: folds and groups, known to SQL by numbers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.kits.kit import KitError, Progress
from evidesk.kits.label_checks import check_missing, check_several
from evidesk.kits.table import TableFile

_MOST_FOLDS = 1_000


@dataclass(frozen=True)
class Keys:
    """Fold and group of each case.

    Attributes
    ----------
    columns : the file's columns by their SQL names ``fold`` and ``grp``.
    folds : the folds' names, in their natural order.
    order : array of shape (folds,); the place in ``folds`` of each fold's number in SQL.
    """

    table: TableFile
    columns: dict[str, str]
    folds: tuple[str, ...]
    order: npt.NDArray[np.intp]

    @property
    def grouped(self) -> bool:
        """Whether cases come in groups."""
        return "grp" in self.columns

    @property
    def source(self) -> str:
        """SQL of the cases, with ``fold`` and ``grp``."""
        return self.table.labels(self.columns) if self.columns else "cases"

    @property
    def codes(self) -> dict[str, str]:
        """SQL of their numbers, by the same names."""
        return {own: code_of(own) for own in self.columns}


def keys_of(
    table: TableFile, fold: str | None, group: str | None, n: int, progress: Progress
) -> Keys:
    """The folds and groups of a table with ``n`` cases.

    Raises
    ------
    KitError : a value is missing; there is one fold or group only, or more than 1,000 folds.
    """
    columns = {own: name for own, name in (("fold", fold), ("grp", group)) if name is not None}
    keys = Keys(table, columns, (), np.empty(0, dtype=np.intp))
    if not columns:
        return keys
    count_labels(table, "keys", columns, n, progress)
    if group is not None:
        check_several(enumerate_labels(table, "grp", "keys", progress), "group", group)
    if fold is None:
        return keys
    number = enumerate_labels(table, "fold", "keys", progress)
    check_several(number, "fold", fold)
    if number > _MOST_FOLDS:
        raise KitError(
            f"The fold column {fold!r} has {number:,} values, and at most {_MOST_FOLDS:,} folds "
            "tell anything. If it says which cases belong together, name it as the group."
        )
    names = labels_of(table, "fold", progress)
    order = sorted(range(number), key=lambda i: _natural(names[i]))
    return Keys(table, columns, tuple(names[i] for i in order), np.argsort(order))


def count_labels(
    table: TableFile, name: str, columns: Mapping[str, str], n: int, progress: Progress
) -> None:
    """Count the labels of columns, by SQL names of your own, in the SQL table ``name``.

    Raises
    ------
    KitError : one of them is missing.
    """
    raw = ", ".join(dict.fromkeys(map(table.name, columns.values())))
    counted = f"(SELECT {raw}, count(*) AS cases FROM cases GROUP BY ALL)"  # noqa: S608
    table.tally(
        name,
        f"SELECT {', '.join(columns)}, sum(cases)::BIGINT AS n "  # noqa: S608 - own names
        f"FROM {table.labels(columns, counted)} GROUP BY ALL",
        list(columns),
        progress,
        "Looking at the labels",
        (0.5, 0.5),
    )
    asked = ", ".join(f"coalesce(sum(n) FILTER ({own} IS NULL), 0)::BIGINT" for own in columns)
    (missing,) = _ask(table, f"SELECT {asked} FROM {name}", progress)  # noqa: S608 - own names
    totals = {f"missing{i}": count for i, count in enumerate(missing)}
    check_missing(table, list(columns.values()), {"n": n} | totals, progress)


def enumerate_labels(table: TableFile, own: str, source: str, progress: Progress) -> int:
    """Number the different labels of a column of a table, in order; how many there are."""
    _ask(
        table,
        f"CREATE TYPE {own}_names AS ENUM "  # noqa: S608 - own names
        f"(SELECT DISTINCT {own} FROM {source} ORDER BY {own})",
        progress,
    )
    ((number,),) = _ask(table, f"SELECT len(enum_range(NULL::{own}_names))", progress)
    return int(number)


def labels_of(table: TableFile, own: str, progress: Progress) -> list[str]:
    """The labels of a column that were numbered, in order."""
    return [
        label for (label,) in _ask(table, f"SELECT unnest(enum_range(NULL::{own}_names))", progress)
    ]


def code_of(own: str) -> str:
    """SQL of the number of a label that was numbered."""
    return f"enum_code({own}::{own}_names)::BIGINT"


def _natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """Key that sorts fold 2 before fold 10."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)


def _ask(table: TableFile, sql: str, progress: Progress) -> list[tuple[Any, ...]]:
    return table.rows(sql, progress, "Looking at the labels", (0.5, 0.5))
