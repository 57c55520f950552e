"""Do some cases belong together though nobody said so?

A column such as the patient of each image shows in the right answers: they bunch. For each column
that could be one, the right answers of its values scatter more than independent cases would let
them, and the error bars should be longer. Correctness legitimately differs from class to class, so
the scatter is judged within the true classes.

The test is Pearson's for overdispersion: with ``r`` the residuals of right answers summed by value
and ``v`` their variances if cases were independent, ``sum(r**2) / sum(v)`` is 1 on average, and
about chi-squared over its degrees of freedom, which follow from its variance (Satterthwaite).
"""

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.kits.kit import Progress
from evidesk.kits.table import TableFile
from evidesk.kits.wording import shown
from evidesk.methods.metrics.clusters import design_effect, effective_groups, t_critical_value
from evidesk.methods.metrics.proportion import critical_value

Floats = npt.NDArray[np.float64]

# With fewer values, a column is most often a category (a site, a sex) that new cases would have,
# too, and it could not tell a variance anyway.
_FEWEST_VALUES = 5
# Chance alone makes a warning of a table's columns once in a hundred tables.
_ERROR_RATE = 0.01
#: Error bars that would be longer by less are not worth a warning.
_NOTABLE = 1.1
_MOST_COLUMNS = 50
_MOST_WARNINGS = 3
# If its values are labels, and agree so much with the truth beyond chance, it is another model's.
_AGREES = 0.1
#: From so many rows at the head it is judged how many values a column has.
_HEAD_ROWS = 1_000_000
#: Of more values than these a share is looked at, chosen by a hash.
_MOST_VALUES = 100_000
_FOLDS = re.compile(r"folds?\d*|cv|splits?|subsets?|seeds?|repeats?|partitions?", re.IGNORECASE)


@dataclass(frozen=True)
class _Column:
    """Cases of the values of one column: arrays with one entry for each value and true class."""

    name: str
    value: npt.NDArray[np.int64]
    truth: npt.NDArray[np.int64]
    n: Floats
    right: Floats
    share: int  # one value of so many was looked at

    def is_class(self) -> bool:
        """Whether it is the true class by another name: either tells the other, mostly."""
        return (
            min(_told(self.value, self.truth, self.n), _told(self.truth, self.value, self.n)) > 0.5
        )

    def within_classes(self) -> float:
        """How probable such a scatter is among independent cases, given their classes."""
        cases, hits = np.bincount(self.truth, self.n), np.bincount(self.truth, self.right)
        p = np.divide(hits, cases, out=np.zeros_like(hits), where=cases > 0)[self.truth]
        residual = np.bincount(self.value, self.right - self.n * p)
        variance = np.bincount(self.value, self.n * p * (1 - p))
        fourth = np.bincount(self.value, self.n * p * (1 - p) * (1 - 6 * p * (1 - p)))
        expected = variance.sum()
        spread = float((2 * variance**2 + fourth).sum())
        if not (expected > 0 and spread > 0):
            return 1.0
        freedom = 2 * expected**2 / spread
        return float(special.chdtrc(freedom, freedom * (residual @ residual) / expected))

    def lengthening(self, level: float) -> tuple[float, float]:
        """How many times as long the accuracy's error bar would be, and the design effect."""
        sizes = np.bincount(self.value, self.n).astype(float)
        right = np.bincount(self.value, self.right).astype(float)
        ones = np.ones_like(sizes)
        effect = float(design_effect(right[None], sizes, ones)[0])
        z = critical_value(level)
        t = t_critical_value(z, self.share * effective_groups(sizes, ones))
        return math.sqrt(effect) * t / z, effect


def _told(given: npt.NDArray[np.int64], asked: npt.NDArray[np.int64], n: Floats) -> float:
    """Share of the errors in guessing ``asked`` that knowing ``given`` saves.

    Goodman and Kruskal's lambda (JASA 49 (1954) 732-764, section 5.1).
    """
    best = np.zeros(given.max() + 1)
    np.maximum.at(best, given, n)
    most = np.bincount(asked, n).max()
    return float((best.sum() - most) / max(n.sum() - most, 1.0))


def unnamed_groups(
    table: TableFile,
    truth: str,
    prediction: str,
    used: Collection[str | None],
    n: int,
    level: float,
    progress: Progress,
    span: tuple[float, float],
) -> list[str]:
    """Warnings of columns that group the cases, for a table whose labels were found in order.

    Parameters
    ----------
    prediction : the model whose right answers are looked at.
    used : the columns that have a role already.
    n : number of cases.
    level : confidence level of the error bars that are spoken of.
    """
    columns = _candidates(table, used, n, progress, span[0])
    if not columns:
        return []
    looked_at = list(_columns(table, truth, prediction, columns, progress, span))
    found = []
    for column in looked_at:
        longer, effect = column.lengthening(level)
        if longer >= _NOTABLE and column.within_classes() * len(looked_at) < _ERROR_RATE:
            found.append((longer, effect, column.name))
    return [
        f"Right answers bunch by the values of column '{shown(name)}'. If it says which cases "
        f"belong together, such as the images of a patient, the error bars shown are too short: "
        f"with {shown(name)} as the group they are {longer:.1f} times as long (design "
        f"effect {effect:.1f})."
        for longer, effect, name in sorted(found, reverse=True)[:_MOST_WARNINGS]
    ]


def _candidates(
    table: TableFile, used: Collection[str | None], n: int, progress: Progress, at: float
) -> dict[str, int]:
    """Columns that could group the cases, with one of how many values is to be looked at."""
    others = [name for name in table.columns if name not in used and not _FOLDS.fullmatch(name)][
        :_MOST_COLUMNS
    ]
    if not others:
        return {}
    own = {f"value{i}": name for i, name in enumerate(others)}
    head = f"(FROM cases LIMIT {_HEAD_ROWS})"
    asked = ", ".join(
        f"count({alias}), count(DISTINCT {alias}), count_if({alias}_kind = 'other values' OR "
        f"({alias}_kind = 'numbers' AND contains({alias}, '.')))"
        for alias in own
    )
    (counts,) = table.rows(
        f"SELECT {asked} FROM {table.labels(own, head)}",  # noqa: S608 - own names
        progress,
        "Looking at the other columns",
        (at, at),
    )
    rows = min(n, _HEAD_ROWS)
    found = {}
    for i, name in enumerate(others):
        present, distinct, unfit = counts[3 * i : 3 * i + 3]
        hopeless = rows == n and not _FEWEST_VALUES <= distinct <= n / 2
        if present == rows and not unfit and not hopeless:
            found[name] = max(1, distinct * n // (rows * _MOST_VALUES))
    return found


def _columns(
    table: TableFile,
    truth: str,
    prediction: str,
    columns: dict[str, int],
    progress: Progress,
    span: tuple[float, float],
) -> Iterator[_Column]:
    """What the table holds of each column that is fit to group its cases."""
    own = {"truth": truth, "said": prediction}
    aliases = {f"value{i}": name for i, name in enumerate(columns)}
    raw = {alias: table.name(name) for alias, name in aliases.items()}
    both = f"{table.name(truth)}, {table.name(prediction)}"
    shares = dict(zip(raw, columns.values(), strict=True))
    thinned = ", ".join(
        f"CASE WHEN hash({column}) % {shares[alias]} = 0 THEN {column} END AS {column}"
        for alias, column in raw.items()
        if shares[alias] > 1
    )
    source = f"(SELECT * REPLACE ({thinned}) FROM cases)" if thinned else "cases"  # noqa: S608
    sets = ", ".join(f"({column}, {both})" for column in raw.values())
    numbered = " ".join(
        f"WHEN GROUPING({column}) = 0 THEN {i}" for i, column in enumerate(raw.values())
    )
    counted = (
        f"(SELECT {', '.join(raw.values())}, {both}, CASE {numbered} END AS which, "  # noqa: S608
        f"count(*) AS cases FROM {source} GROUP BY GROUPING SETS ({sets}))"
    )
    picked = " ".join(f"WHEN {i} THEN {alias}" for i, alias in enumerate(raw))
    table.tally(
        "bunches",
        f"SELECT which, CASE which {picked} END AS value, truth, sum(cases) AS n, "  # noqa: S608
        "sum(CASE WHEN said = truth THEN cases ELSE 0 END) AS hits, "
        "sum(CASE WHEN value = truth THEN cases ELSE 0 END) AS own "
        f"FROM {table.labels(own | aliases, counted)} GROUP BY ALL",
        ["which", "value", "truth"],
        progress,
        "Looking for cases that belong together",
        span,
    )

    def ask(sql: str) -> list[npt.NDArray[Any]]:
        return table.arrays(sql, progress, "Looking for cases that belong together", (span[1],) * 2)

    labels = "(SELECT DISTINCT truth FROM bunches)"
    for i, (name, share) in enumerate(columns.items()):
        mine = f"FROM bunches WHERE which = {i}"
        value, code, cases, right, own_label, blank, known = ask(
            "SELECT dense_rank() OVER (ORDER BY value) - 1, "
            "dense_rank() OVER (ORDER BY truth) - 1, n::DOUBLE, hits::DOUBLE, own::DOUBLE, "
            f"(SELECT count(*) {mine} AND value IS NULL), "
            f"(SELECT count(DISTINCT value) {mine} AND value IN {labels}) "
            f"{mine} AND value IS NOT NULL ORDER BY ALL"
        )
        values = value.max(initial=-1) + 1
        if (share == 1 and blank.any()) or not _FEWEST_VALUES <= values <= cases.sum() / 2:
            continue
        chance = 1 / (code.max() + 1)
        agrees = own_label.sum() / cases.sum() > chance + _AGREES * (1 - chance)
        column = _Column(name, value, code, cases, right, share)
        if not (2 * known[0] > values and agrees) and not column.is_class():
            yield column
