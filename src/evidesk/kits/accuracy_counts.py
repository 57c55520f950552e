"""Counting right answers in a table of labels, in one pass, and refusing what is no label."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.kits.kit import KitError, Progress
from evidesk.kits.label_checks import check_kinds, check_missing, check_roles, check_several
from evidesk.kits.table import TableFile
from evidesk.kits.values import KINDS

_MOST_FOLDS = 1_000


@dataclass(frozen=True)
class Fold:
    """Cases and right answers of each model in one fold."""

    name: str
    n: int
    correct: dict[str, int]


@dataclass(frozen=True)
class Groups:
    """How many groups there are of each size and number of right answers.

    That is all the method needs, and however many groups there are, it is short.
    """

    correct: npt.NDArray[np.int64]
    n: npt.NDArray[np.int64]
    repeat: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """What the table says about the models.

    Attributes
    ----------
    n : number of cases.
    correct : right answers of each model.
    most_frequent : the most frequent true label, and how many cases have it.
    classes : number of different true labels.
    folds : in their natural order; empty without a fold column.
    groups : for each model what its groups look like; None without a group column.
    """

    n: int
    correct: dict[str, int]
    most_frequent: tuple[str, int]
    classes: int
    folds: list[Fold]
    groups: dict[str, Groups] | None


def count(
    table: TableFile,
    truth: str,
    predictions: Sequence[str],
    fold: str | None,
    group: str | None,
    progress: Progress,
) -> Counts:
    """Count the right answers in ``table``.

    One pass over the file makes a small table of counts by true label, fold and group; all
    questions are then asked of that.

    Raises
    ------
    KitError : a column is missing or named twice, there are no rows, labels are missing or cannot
        be compared, there are fewer than two folds or groups, or more than 1,000 folds.
    """
    check_roles(truth, predictions, fold=fold, group=group)
    labels = [truth, *predictions]
    keys = {alias: name for alias, name in (("fold", fold), ("grp", group)) if name is not None}
    table.check_columns(*labels, *keys.values())
    tallies = _tallies(labels, keys)
    table.tally(
        "cube",
        _cube(table, labels, keys, tallies),
        ["truth", *keys],
        progress,
        f"Counting in {table.path.name}",
        (0.2, 0.8),
    )

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return table.rows(sql, progress, "Summing up", (0.8, 0.8))

    totals = dict(zip(tallies, ask(f"FROM cube SELECT {_sums(tallies)}")[0], strict=True))
    if not totals["n"]:
        raise KitError(f"{table.path.name} has columns but no rows.")
    check_missing(table, [*labels, *keys.values()], totals, progress)
    check_kinds(table, labels, totals)

    right = [f"right{i}" for i in range(1, len(labels))]
    folds: list[Fold] = []
    groups: dict[str, Groups] | None = None
    if fold is not None:
        for name, n, *hits in ask(
            f"FROM cube SELECT fold, {_sums(['n', *right])} GROUP BY fold ORDER BY fold"
        ):
            folds.append(Fold(name, n, dict(zip(predictions, hits, strict=True))))
        check_several(len(folds), "fold", fold)
        if len(folds) > _MOST_FOLDS:
            raise KitError(
                f"The fold column {fold!r} has {len(folds):,} values, and at most {_MOST_FOLDS:,} "
                "folds tell anything of a spread. If it says which cases belong together, name it "
                "as the group."
            )
    if group is not None:
        check_several(ask("FROM cube SELECT count(DISTINCT grp)")[0][0], "group", group)
        groups = {}
        for name, alias in zip(predictions, right, strict=True):
            each = f"(FROM cube SELECT sum({alias}) AS x, sum(n) AS n GROUP BY grp)"
            kinds = np.array(
                ask(f"FROM {each} SELECT x, n, count(*) GROUP BY ALL ORDER BY ALL"), dtype=np.int64
            )
            groups[name] = Groups(*kinds.T)
    most_frequent = ask(
        "FROM cube SELECT truth, sum(n) GROUP BY truth ORDER BY sum(n) DESC, truth LIMIT 1"
    )[0]
    return Counts(
        n=totals["n"],
        correct={name: totals[alias] for name, alias in zip(predictions, right, strict=True)},
        most_frequent=most_frequent,
        classes=ask("FROM cube SELECT count(DISTINCT truth)")[0][0],
        folds=sorted(folds, key=_natural),
        groups=groups,
    )


def _tallies(labels: Sequence[str], keys: Mapping[str, str]) -> dict[str, str]:
    """SQL of what is counted for each true label, fold and group, by its name."""
    tallies = {"n": "count(*)"}
    for i in range(len(labels)):
        present = f"label{i} IS NOT NULL"
        tallies[f"missing{i}"] = f"count_if(label{i} IS NULL)"
        tallies[f"broken{i}"] = f"count_if(label{i}_kind = 'numbers' AND contains(label{i}, '.'))"
        for k, kind in enumerate(KINDS):
            tallies[f"kind{i}_{k}"] = f"count_if(label{i}_kind = '{kind}' AND {present})"
        if i > 0:
            tallies[f"right{i}"] = f"count_if(label{i} = label0)"
    for j, alias in enumerate(keys, start=len(labels)):
        tallies[f"missing{j}"] = f"count_if({alias} IS NULL)"
    return tallies


def _cube(
    table: TableFile, labels: Sequence[str], keys: Mapping[str, str], tallies: Mapping[str, str]
) -> str:
    """SQL that selects the tallies by true label, fold and group."""
    own_names = {f"label{i}": name for i, name in enumerate(labels)} | dict(keys)
    by = ["label0 AS truth", *keys]
    counted = [f"{sql} AS {alias}" for alias, sql in tallies.items()]
    return (
        f"SELECT {', '.join(by + counted)} "  # noqa: S608 - own names
        f"FROM {table.labels(own_names)} GROUP BY ALL"
    )


def _sums(aliases: Iterable[str]) -> str:
    return ", ".join(f"sum({alias})" for alias in aliases)


def _natural(fold: Fold) -> tuple[tuple[int, int | str], ...]:
    """Key that sorts fold 2 before fold 10."""
    parts = re.split(r"([0-9]+)", fold.name)
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)
