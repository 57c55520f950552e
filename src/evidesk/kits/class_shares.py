"""Shares of cases, very many at once: of every class and of every cell of a confusion matrix.

Each is Wilson's interval; where cases come in groups, of the effective number of cases with a
Student t quantile, exactly as :func:`evidesk.methods.metrics.recall` does it for one class. The
sums over groups are made for all shares together, so that ten thousand classes are no matter.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.label_estimates import ratio_effect
from evidesk.methods.metrics.label_table import LabelTable
from evidesk.methods.metrics.proportion import critical_value, interval

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Shares:
    """``count`` of ``n`` cases each, with an interval; arrays of one shape.

    Where ``n`` is 0, the share is 0 and its interval from 0 to 1.
    """

    count: Floats
    n: Floats
    value: Floats
    low: Floats
    high: Floats

    def by_f1(self) -> "Shares":
        """The F1 of classes whose intersections over unions these are: ``2 J / (1 + J)``."""
        ends = (2 * end / (1 + end) for end in (self.value, self.low, self.high))
        return Shares(self.count, self.n, *ends)


def class_shares(table: LabelTable, level: float) -> dict[str, Shares]:
    """Recall, precision, F1 and intersection over union (IoU) of each class."""
    truth, said, right = table.truth, table.predicted[0], table.truth == table.predicted[0]
    wrong = ~right
    either = np.concatenate([truth, said[wrong]])
    rows = np.arange(len(truth))
    hits = (truth[right], rows[right])
    recall = _shares(table, hits, (truth, rows), np.arange(table.k), level)
    precision = _shares(table, hits, (said, rows), np.arange(table.k), level)
    iou = _shares(
        table, hits, (either, np.concatenate([rows, rows[wrong]])), np.arange(table.k), level
    )
    return {"recall": recall, "precision": precision, "f1": iou.by_f1(), "iou": iou}


def cell_shares(table: LabelTable, level: float, most: int) -> tuple[Codes, Codes, Shares]:
    """Of each cell: true class, predicted class, and its share of the former.

    Where there are more than ``most``, only those that hold a case; and where these are more, only
    the most frequent errors.
    """
    cell = table.truth * np.int64(table.k) + table.predicted[0]
    if table.k**2 <= most:
        cells, at = np.arange(table.k**2), cell
    else:
        cells, at = np.unique(cell, return_inverse=True)
    rows = np.arange(len(table.truth))
    if len(cells) > most:
        counts = np.bincount(at, table.counts) * (cells // table.k != cells % table.k)
        kept = np.sort(np.argsort(-counts, kind="stable")[:most])
        place = np.full(len(cells), -1)
        place[kept] = np.arange(len(kept))
        rows = rows[place[at] >= 0]
        cells, at = cells[kept], place[at][rows]
    truth, said = np.divmod(cells, table.k)
    every = np.arange(len(table.truth))
    return truth, said, _shares(table, (at, rows), (table.truth, every), truth, level)


def _shares(
    table: LabelTable,
    tops: tuple[Codes, Codes],
    bottoms: tuple[Codes, Codes],
    base: Codes,
    level: float,
) -> Shares:
    """Shares from the rows of ``table`` that count.

    Parameters
    ----------
    tops : the numbers of the shares, and of the rows in their numerators.
    bottoms : the numbers of the denominators, and of the rows in them.
    base : the denominator of each share.
    """
    counts = np.ones(len(table.truth)) if table.counts is None else table.counts
    count = np.bincount(tops[0], counts[tops[1]], len(base)).astype(np.float64)
    sizes = np.bincount(bottoms[0], counts[bottoms[1]], int(base.max()) + 1).astype(np.float64)
    n = sizes[base]
    known = n > 0
    some = np.where(known, n, 1.0)
    effect, z = np.ones_like(n), np.full_like(n, critical_value(level))
    if table.members is not None:
        effect, z = _effects(table.members, counts, tops, bottoms, base, critical_value(level))
    low, high = interval(count / effect, some / effect, z, "wilson")
    return Shares(count, n, count / some, np.where(known, low, 0), np.where(known, high, 1))


def _effects(
    members: Codes,
    counts: Floats,
    tops: tuple[Codes, Codes],
    bottoms: tuple[Codes, Codes],
    base: Codes,
    z: float,
) -> tuple[Floats, Floats]:
    """Design effect and critical value of each share, from what each group holds of it."""
    groups = int(members.max()) + 1
    below, held = _by_group(bottoms, members, counts, groups)
    above, hits = _by_group(tops, members, counts, groups)
    starts = np.searchsorted(below, np.arange(int(base.max()) + 2) * groups)
    ends = np.searchsorted(above, np.arange(len(base) + 1) * groups)
    found = np.ones((len(base), 2)) * (1.0, z)
    for i, j in enumerate(base):
        mine = slice(starts[j], starts[j + 1])
        if mine.start == mine.stop:
            continue
        here = slice(ends[i], ends[i + 1])
        top = np.zeros(mine.stop - mine.start)
        top[np.searchsorted(below[mine] % groups, above[here] % groups)] = hits[here]
        found[i] = ratio_effect(top, held[mine], np.ones_like(top), z)
    return found[:, 0], found[:, 1]


def _by_group(
    counted: tuple[Codes, Codes], members: Codes, counts: Floats, groups: int
) -> tuple[Codes, Floats]:
    """Sums of the rows by number and group, as ``number * groups + group``, ascending."""
    key, at = np.unique(counted[0] * np.int64(groups) + members[counted[1]], return_inverse=True)
    return key, np.bincount(at, counts[counted[1]]).astype(np.float64)
