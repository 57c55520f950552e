"""Counting the cases at each score, in one pass: all that metrics of scores and curves need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.kits.kit import KitError, Progress
from evidesk.kits.table import TableFile, literal
from evidesk.kits.wording import shown
from evidesk.methods.metrics.scores import BinaryScores

Floats = npt.NDArray[np.float64]

#: More different scores than these are rounded; of so many cases each may have its own.
_MOST_SCORES = 2_000_000
_HEAD_ROWS = 1_000_000
#: With more different scores at the head of a long table, all of it could have too many.
_MOST_AT_HEAD = 100_000
_DIGITS = 5
#: What needs every case by itself is done up to so many.
MOST_CASES = 5_000_000

_FIVE_DIGITS = (
    f"CASE WHEN {{x}} = 0 THEN 0 ELSE round({{x}} / 10 ** floor(log10(abs({{x}}))), {_DIGITS - 1}) "
    "* 10 ** floor(log10(abs({x}))) END"
)


@dataclass(frozen=True)
class Scores:
    """What the table says of one model's scores.

    Attributes
    ----------
    scores : how many positive and negative cases there are at each score.
    largest_error : by how much rounding can have changed the AUROC.
    grouped : with groups, of each case its score, whether it is positive, and its group's number.
    """

    scores: BinaryScores
    largest_error: float = 0.0
    grouped: tuple[npt.NDArray[Any], ...] | None = None

    @property
    def are_probabilities(self) -> bool:
        """Whether all of them lie in [0, 1]."""
        return bool(self.scores.values[0] >= 0 and self.scores.values[-1] <= 1)

    @property
    def cases(self) -> tuple[npt.NDArray[Any], ...]:
        """Score, whether it is positive, and (with groups) the group's number, of each case."""
        if self.grouped is not None:
            return self.grouped
        both = (self.scores.positives, self.scores.negatives)
        values = [np.repeat(self.scores.values, side.astype(np.int64)) for side in both]
        return np.concatenate(values), np.arange(self.scores.n) < len(values[0])


def count_scores(
    table: TableFile,
    truth: str,
    columns: Mapping[str, str],
    positive: str,
    group: str | None,
    n: int,
    progress: Progress,
) -> tuple[dict[str, Scores], list[str]]:
    """Count the scores of each model, after its labels were found in order.

    Parameters
    ----------
    columns : the score columns by the models that they belong to.
    positive : the label of the positive class.

    Returns
    -------
    The scores by model, and warnings.

    Raises
    ------
    KitError : a score is missing or no finite number.
    """
    names = list(columns.values())
    rounded = _too_many(table, names, n, progress)
    grouped = group is not None and n <= MOST_CASES
    warnings = []
    if group is not None and not grouped:
        warnings.append(
            f"The metrics of scores are left out: with groups they need every case by itself, and "
            f"{n:,} are more than {MOST_CASES:,}."
        )
        return {}, warnings
    keys = ["model", "score", "positive", *(["grp"] if grouped else [])]
    table.tally(
        "scores",
        _counts(table, truth, names, positive, group if grouped else None, rounded),
        keys,
        progress,
        f"Counting scores in {table.path.name}",
        (0.6, 0.8),
    )
    _check_numbers(table, names, progress)
    found = {}
    for i, (model, name) in enumerate(columns.items()):
        values, positives, negatives = _asked(
            table,
            "SELECT score, sum(CASE WHEN positive THEN n ELSE 0 END)::DOUBLE AS positives, "  # noqa: S608
            "sum(CASE WHEN positive THEN 0 ELSE n END)::DOUBLE AS negatives "
            f"FROM scores WHERE model = {i} GROUP BY score ORDER BY score",
            progress,
        )
        scores = BinaryScores(values, positives, negatives)
        error = 0.0
        if name in rounded:
            pairs = positives.sum() * negatives.sum()
            error = float(positives @ negatives / pairs / 2) if pairs else 0.0
            warnings.append(
                f"The scores in '{shown(name)}' were rounded to {_DIGITS} digits (of the score, or "
                "of its distance from 1), for they have too many different values to be counted. "
                f"That changes the AUROC by at most {error:.2g}."
            )
        cases = None
        if grouped:
            score, hit, member, repeat = _asked(
                table,
                "SELECT score, positive, dense_rank() OVER (ORDER BY grp) - 1 AS member, n "  # noqa: S608
                f"FROM scores WHERE model = {i} ORDER BY ALL",
                progress,
            )
            cases = tuple(np.repeat(column, repeat) for column in (score, hit, member))
        found[model] = Scores(scores, error, cases)
    return found, warnings


def _too_many(table: TableFile, names: Sequence[str], n: int, progress: Progress) -> list[str]:
    """The columns with too many different scores to keep a count of each."""
    if n <= _MOST_SCORES:
        return []
    asked = ", ".join(f"count(DISTINCT {table.name(name)})" for name in names)
    head = f"(FROM cases LIMIT {_HEAD_ROWS})"
    (counts,) = table.rows(
        f"SELECT {asked} FROM {head}",  # noqa: S608 - own names
        progress,
        "Looking at the scores",
        (0.6, 0.6),
    )
    return [name for name, count in zip(names, counts, strict=True) if count > _MOST_AT_HEAD]


def _counts(
    table: TableFile,
    truth: str,
    names: Sequence[str],
    positive: str,
    group: str | None,
    rounded: Sequence[str],
) -> str:
    """SQL that counts, for each model, the positive and negative cases at each score."""
    own = {"truth": truth, **{f"score{i}": name for i, name in enumerate(names)}}
    always = [table.name(truth)]
    if group is not None:
        own["grp"] = group
        always.append(table.name(group))
    columns = [table.name(name) for name in names]
    # A million scores that are rounded to the same are one before they are counted.
    source = "cases"
    each = [*always, *columns]
    sets = ", ".join(f"({', '.join([*always, column])})" for column in columns)
    which = " ".join(f"WHEN GROUPING({column}) = 0 THEN {i}" for i, column in enumerate(columns))
    if rounded:
        values = ", ".join(
            f"CAST({_rounded(f'TRY_CAST({column} AS DOUBLE)')} AS {table.type_of(name)}) "
            f"AS {column}"
            for name, column in zip(names, columns, strict=True)
            if name in rounded
        )
        source = f"(SELECT * REPLACE ({values}) FROM cases)"  # noqa: S608 - own names
    counted = (
        f"(SELECT {', '.join(each)}, CASE {which} END AS model, count(*) AS cases "  # noqa: S608
        f"FROM {source} GROUP BY GROUPING SETS ({sets}))"
    )
    picked = " ".join(f"WHEN {i} THEN score{i}_number" for i in range(len(names)))
    by = f"model, CASE model {picked} END AS score, truth = {literal(positive)} AS positive"
    by += "" if group is None else ", grp"
    return (
        f"SELECT {by}, sum(cases)::BIGINT AS n FROM {table.labels(own, counted)} "  # noqa: S608
        "GROUP BY ALL"
    )


def _rounded(score: str) -> str:
    near_1, any_other = (_FIVE_DIGITS.format(x=x) for x in (f"(1 - {score})", score))
    return f"CASE WHEN {score} > 0.5 AND {score} < 1 THEN 1 - {near_1} ELSE {any_other} END"


def _check_numbers(table: TableFile, names: Sequence[str], progress: Progress) -> None:
    for i, name in enumerate(names):
        ((missing, infinite),) = table.rows(
            "SELECT coalesce(sum(n) FILTER (score IS NULL OR isnan(score)), 0), "  # noqa: S608
            f"coalesce(sum(n) FILTER (isinf(score)), 0) FROM scores WHERE model = {i}",
            progress,
            "Summing up",
            (0.8, 0.8),
        )
        if missing or infinite:
            wrong = "is infinite" if infinite and not missing else "is missing or no number"
            raise KitError(
                f"The score in column {name!r} of {table.path.name} {wrong} in "
                f"{missing or infinite:,} rows. Scores are finite numbers, larger for cases that "
                "are more likely of the positive class."
            )


def _asked(table: TableFile, sql: str, progress: Progress) -> list[npt.NDArray[Any]]:
    return table.arrays(sql, progress, "Summing up", (0.8, 0.8))
