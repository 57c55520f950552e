"""Counting pairs of true and predicted labels in a table, in one pass.

The file's own values are counted first, and only then read as labels: of a billion rows that
leaves as many as there are different pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.kits.kit import KitError, Progress
from evidesk.kits.label_checks import check_kinds, check_missing, check_roles, check_several
from evidesk.kits.table import TableFile
from evidesk.kits.values import KINDS
from evidesk.kits.wording import row_names
from evidesk.methods.metrics.label_table import LabelTable

_MOST_CLASSES = 10_000
#: Different combinations of group and labels that fit into a few gigabytes.
_MOST_CELLS = 20_000_000


@dataclass(frozen=True)
class LabelCounts:
    """What the table says about the models.

    Attributes
    ----------
    labels : all true and predicted labels, in order: numbers by size, text by letters.
    tables : for each model its counted pairs, over the same labels (shortened, but different).
    true : array of shape (k,); true cases of each label.
    """

    labels: list[str]
    tables: dict[str, LabelTable]
    true: npt.NDArray[np.int64]

    @property
    def n(self) -> int:
        """Number of cases."""
        return int(self.true.sum())

    @property
    def most_frequent(self) -> int:
        """The number of the most frequent true label."""
        return int(self.true.argmax())


def count(
    table: TableFile,
    truth: str,
    predictions: Sequence[str],
    group: str | None,
    progress: Progress,
    *,
    scores: Sequence[str] = (),
) -> LabelCounts:
    """Count the pairs of labels in ``table``.

    Raises
    ------
    KitError : a column is missing or named twice, there are no rows, labels are missing or cannot
        be compared, there is one group only, or there are too many labels or groups.
    """
    check_roles(truth, predictions, group=group)
    labels = [truth, *predictions]
    keys = [] if group is None else ["grp"]
    table.check_columns(*labels, *scores, *([] if group is None else [group]))
    table.tally(
        "cells",
        _pairs(table, truth, predictions, group),
        ["model", "truth", "truth_kind", "said", "said_kind", *keys],
        progress,
        f"Counting in {table.path.name}",
        (0.2, 0.6),
    )

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return table.rows(sql, progress, "Summing up", (0.6, 0.6))

    totals: dict[str, int] = {}
    for i in range(len(predictions)):
        sums = _totals("truth", 0) | {"n": "n"} if i == 0 else {}
        sums |= _totals("said", i + 1) | {f"right{i + 1}": "n * (truth = said)::INT"}
        if group is not None:
            sums[f"missing{len(labels)}"] = "n * (grp IS NULL)::INT"
        asked = ", ".join(f"coalesce(sum({sql}), 0)" for sql in sums.values())
        (found,) = ask(f"SELECT {asked} FROM cells WHERE model = {i}")  # noqa: S608 - own names
        totals |= zip(sums, found, strict=True)
    if not totals["n"]:
        raise KitError(f"{table.path.name} has columns but no rows.")
    check_missing(table, [*labels, *([] if group is None else [group])], totals, progress)
    check_kinds(table, labels, totals)
    return _coded(table, predictions, group, progress)


def _pairs(table: TableFile, truth: str, predictions: Sequence[str], group: str | None) -> str:
    """SQL that counts, for each model, the pairs of true and predicted label."""
    own = {"truth": truth, **{f"said{i}": name for i, name in enumerate(predictions)}}
    always = [table.name(truth)]
    if group is not None:
        own["grp"] = group
        always.append(table.name(group))
    said = [table.name(name) for name in predictions]
    sets = ", ".join(f"({', '.join([*always, column])})" for column in said)
    which = " ".join(f"WHEN GROUPING({column}) = 0 THEN {i}" for i, column in enumerate(said))
    counted = (
        f"(SELECT {', '.join([*always, *said])}, CASE {which} END AS model, "  # noqa: S608
        f"count(*) AS cases FROM cases GROUP BY GROUPING SETS ({sets}))"
    )

    def picked(suffix: str) -> str:
        each = " ".join(f"WHEN {i} THEN said{i}{suffix}" for i in range(len(predictions)))
        return f"CASE model {each} END AS said{suffix}"

    by = ["model", "truth", "truth_kind", picked(""), picked("_kind")]
    by += [] if group is None else ["grp"]
    return (
        f"SELECT {', '.join(by)}, sum(cases)::BIGINT AS n "  # noqa: S608 - own names
        f"FROM {table.labels(own, counted)} GROUP BY ALL"
    )


def _totals(side: str, i: int) -> dict[str, str]:
    """What is to be summed over the pairs to judge the column number ``i``."""
    kinds = {
        f"kind{i}_{k}": f"n * ({side}_kind = '{kind}' AND {side} IS NOT NULL)::INT"
        for k, kind in enumerate(KINDS)
    }
    broken = f"n * ({side}_kind = 'numbers' AND contains({side}, '.'))::INT"
    return {f"missing{i}": f"n * ({side} IS NULL)::INT", f"broken{i}": broken} | kinds


def _coded(
    table: TableFile, predictions: Sequence[str], group: str | None, progress: Progress
) -> LabelCounts:
    def ask(sql: str) -> list[npt.NDArray[Any]]:
        return table.arrays(sql, progress, "Summing up", (0.6, 0.6))

    # What is a number in some places and text in others is text, and numbers sort by their size.
    table.rows(
        "CREATE TEMP TABLE classes AS SELECT label, row_number() OVER (ORDER BY "
        "CASE WHEN (SELECT bool_and(truth_kind = 'numbers' AND said_kind = 'numbers') FROM cells) "
        "THEN TRY_CAST(label AS DOUBLE) END, label) - 1 AS code "
        "FROM (SELECT truth AS label FROM cells UNION SELECT said FROM cells)",
        progress,
        "Summing up",
        (0.6, 0.6),
    )
    (labels,) = ask("SELECT label FROM classes ORDER BY code")
    if len(labels) > _MOST_CLASSES:
        raise KitError(
            f"There are {len(labels):,} different labels, and at most {_MOST_CLASSES:,} are "
            "possible. Are the columns named really those of the classes?"
        )
    groups = 0
    if group is not None:
        table.rows(
            "CREATE TEMP TABLE groups AS SELECT grp, row_number() OVER (ORDER BY grp) - 1 AS code "
            "FROM (SELECT DISTINCT grp FROM cells)",
            progress,
            "Summing up",
            (0.6, 0.6),
        )
        groups = int(ask("SELECT count(*) AS groups FROM groups")[0][0])
        check_several(groups, "group", group)
        rows = int(ask("SELECT count(*) AS rows FROM cells")[0][0])
        if rows > _MOST_CELLS * len(predictions):
            raise KitError(
                f"There are {rows:,} different combinations of group and labels, and at most "
                f"{_MOST_CELLS:,} are possible for each model. Name a column with larger groups."
            )
    short = np.array(row_names([str(label) for label in labels]))
    tables = {}
    true = np.zeros(len(labels), dtype=np.int64)
    for i, name in enumerate(predictions):
        truth, said, n, *members = ask(
            f"SELECT t.code, s.code AS said_code, n{', g.code AS member' if groups else ''} "  # noqa: S608
            "FROM cells JOIN classes t ON truth = t.label JOIN classes s ON said = s.label "
            f"{'JOIN groups g USING (grp) ' if groups else ''}WHERE model = {i} ORDER BY ALL"
        )
        true = np.bincount(truth, n, len(labels)).astype(np.int64)
        tables[name] = LabelTable(
            labels=short,
            names=(name,),
            truth=truth,
            predicted=said[None],
            counts=n.astype(np.float64),
            members=members[0] if members else None,
        )
    return LabelCounts([str(label) for label in labels], tables, true)
