"""True and predicted labels, coded and counted once for every metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from evidesk.methods.metrics.evaluation import Evaluation
from evidesk.methods.metrics.label_metrics import Codes, LabelMetric, Margins
from evidesk.methods.metrics.labels import Labels, as_labels, check_same_kind
from evidesk.methods.metrics.units import Units, members_of

Floats = npt.NDArray[np.float64]

# Integers within so narrow a range are counted as they are, without sorting them.
_NARROW, _SAFE = 2**16, 2**40
# So many cells fit the processor's cache, and so many cases at a time do.
_FEW_CELLS, _CHUNK = 2**14, 2**15


@dataclass(frozen=True)
class LabelTable:
    """True and predicted labels of the same cases, by the numbers of their classes.

    A row is one case, or ``counts`` of them that are all alike.

    Attributes
    ----------
    labels : array of shape (k,); the classes, in order.
    names : the models.
    truth : array of shape (rows,); the number of the true class.
    predicted : array of shape (models, rows); the number of the class that each model says.
    counts : array of shape (rows,); how many cases a row stands for, or None for one.
    weights : array of shape (rows,) with mean 1 over the cases, or None.
    members : array of shape (rows,); the number of the group, or None.
    """

    labels: Labels
    names: tuple[str, ...]
    truth: Codes = field(repr=False)
    predicted: Codes = field(repr=False)
    counts: Floats | None = field(default=None, repr=False)
    weights: Floats | None = field(default=None, repr=False)
    members: npt.NDArray[np.intp] | None = field(default=None, repr=False)

    @property
    def k(self) -> int:
        """Number of classes."""
        return len(self.labels)

    @property
    def units(self) -> Units:
        """The independent pieces of the sample: rows, or groups of them."""
        if self.members is not None:
            return Units.of_groups(np.bincount(self.members, self._amounts))
        ones = np.ones(len(self.truth))
        sizes = ones if self.weights is None else self.weights
        return Units(sizes, ones if self.counts is None else self.counts)

    @property
    def _amounts(self) -> Floats | None:
        """What each row adds to the counts of its cell."""
        if self.counts is None or self.weights is None:
            return self.weights if self.counts is None else self.counts
        return self.counts * self.weights

    def matrix(self, model: int = 0) -> Floats:
        """Weighted counts of each pair of true and predicted class, shape (k, k)."""
        cells = self.truth * np.intp(self.k) + self.predicted[model]
        return np.bincount(cells, self._amounts, self.k**2).reshape(self.k, self.k).astype(float)

    def margins(self, metric: LabelMetric) -> Margins:
        """Of all models, shapes (models, k) and (models,)."""
        k, amounts = self.k, self._amounts
        true = np.bincount(self.truth, amounts, k).astype(float)
        hits, predicted, costs = [], [], []
        for said in self.predicted:
            right = said == self.truth
            hits.append(np.bincount(said[right], None if amounts is None else amounts[right], k))
            predicted.append(np.bincount(said, amounts, k))
            if metric.cost is not None:
                cost = metric.cost[self.truth, said]
                costs.append(cost.sum() if amounts is None else cost @ amounts)
        return Margins(
            np.array(hits, float),
            np.broadcast_to(true, (len(hits), k)),
            np.array(predicted, float),
            np.array(costs) if costs else None,
        )

    def evaluate(self, metric: LabelMetric) -> Evaluation:
        """The metric of all models, with what each unit contributes to their errors.

        Raises
        ------
        ValueError : there are fewer than two cases or groups, or a metric is not defined.
        """
        units = self.units
        if units.count < 2:
            raise ValueError(
                "At least two cases are needed: one alone cannot tell how much cases differ."
            )
        margins = self.margins(metric)
        values, slopes, most = metric.at(margins)
        if not np.isfinite(values).all():
            name = self.names[int(np.flatnonzero(~np.isfinite(values))[0])]
            raise ValueError(
                f"{metric.name} is not defined for {name!r}: the truth and the predictions are "
                "one and the same class in every case."
            )
        rows = []
        for m, said in enumerate(self.predicted):
            mine = slopes.of(m)
            cost = None if metric.cost is None else metric.cost[self.truth, said]
            rows.append(mine.at(self.truth, said, cost))
        contributions, independent = np.array(rows), None
        if self.members is None:
            if self.weights is not None:
                contributions *= self.weights
        else:
            amounts = self._amounts
            independent = np.array([self._independent(row) for row in contributions])
            contributions = np.array(
                [
                    np.bincount(self.members, row if amounts is None else row * amounts)
                    for row in contributions
                ]
            )
            most = most * units.effective / units.n
        return Evaluation(
            metric=metric.name,
            names=self.names,
            values=values,
            contributions=contributions,
            units=units,
            scale=metric.scale,
            most=np.broadcast_to(np.asarray(most, float), values.shape),
            replicate=_Replicate(self, metric),
            greater_is_better=metric.greater_is_better,
            independent=independent,
        )

    def _independent(self, slopes: Floats) -> float:
        weighted = slopes if self.weights is None else slopes * self.weights
        squares = weighted**2
        return float(squares.sum() if self.counts is None else squares @ self.counts)


class _Replicate:
    """The metric of each model, from how often each unit is drawn; shape (batch, models)."""

    def __init__(self, table: LabelTable, metric: LabelMetric) -> None:
        self.table, self.metric = table, metric

    def __call__(self, weights: Floats) -> Floats:
        """From weights of shape (batch, units)."""
        truth = self._sums(self.table.truth)
        drawn = np.ascontiguousarray(weights.T)
        true = (truth @ drawn).T
        values = []
        for said in self.table.predicted:
            hits = (self._sums(said, said == self.table.truth) @ drawn).T
            predicted = (self._sums(said) @ drawn).T
            cost = None
            if self.metric.cost is not None:
                each = self.metric.cost[self.table.truth, said]
                cost = (self._sums(np.zeros_like(said), each, 1) @ drawn)[0]
            values.append(self.metric.at(Margins(hits, true, predicted, cost))[0])
        return np.stack(values, axis=-1)

    def _sums(
        self, codes: Codes, amounts: npt.NDArray[Any] | None = None, k: int | None = None
    ) -> Any:
        """Sparse matrix of shape (k, units) that adds up what each unit holds of each class."""
        table = self.table
        rows = len(codes)
        members = np.arange(rows) if table.members is None else table.members
        data = np.ones(rows) if amounts is None else amounts.astype(float)
        for factor in (table.weights, table.counts if table.members is not None else None):
            data = data if factor is None else data * factor
        return sparse.csr_array(
            (data, (codes, members)), shape=(k or table.k, int(members.max()) + 1)
        )


def table_of(
    y_true: npt.ArrayLike,
    predictions: Mapping[str, npt.ArrayLike],
    *,
    labels: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    counts: npt.ArrayLike | None = None,
) -> LabelTable:
    """Read labels of any kind; parameters and errors as in
    :func:`~evidesk.methods.metrics.evaluate_labels`.
    """
    if len(predictions) == 0:
        raise ValueError("The 'predictions' parameter must name at least one model.")
    truth = as_labels(y_true, "y_true")
    n = len(truth)
    said = []
    for name, values in predictions.items():
        said.append(as_labels(values, str(name)))
        check_same_kind(truth, said[-1], str(name))
    names = tuple(map(str, predictions))
    listed = None if labels is None else _listed(labels, truth)
    members = None if groups is None else members_of(groups, n)
    weights = None if sample_weight is None else _weights(sample_weight, n)
    repeat = None if counts is None else _counts(counts, n)
    if members is None and weights is None and repeat is None and len(said) == 1:
        counted = _counted(truth, said[0])
        if counted is not None:
            classes, cells = counted
            if listed is not None:
                classes, cells = _relabelled(classes, cells, listed)
            return of_matrix(classes, cells, names)
    found, codes = _coded([truth, *said])
    if listed is not None:
        found, position = _positions(found, listed)
        codes = [position[code] for code in codes]
    table = LabelTable(found, names, codes[0], np.stack(codes[1:]), repeat, weights, members)
    return _merged(_dropped(table))


def of_matrix(labels: Labels, counts: npt.NDArray[Any], names: tuple[str, ...]) -> LabelTable:
    """A table with one row for each cell of a confusion matrix that holds a case."""
    truth, said = np.nonzero(counts)
    return LabelTable(labels, names, truth, said[None], counts[truth, said].astype(float))


def _counted(truth: Labels, said: Labels) -> tuple[Labels, npt.NDArray[np.int64]] | None:
    """Labels and confusion matrix of integers in a narrow range; None for other labels."""
    if truth.dtype.kind not in "iub" or said.dtype.kind not in "iub":
        return None
    ends = [int(end) for labels in (truth, said) for end in (labels.min(), labels.max())]
    low, span = min(ends), max(ends) - min(ends) + 1
    if span**2 > _FEW_CELLS or max(map(abs, ends)) > _SAFE:
        return None
    cells = np.zeros(span**2, dtype=np.int64)
    for begin in range(0, len(truth), _CHUNK):
        chunk = slice(begin, begin + _CHUNK)
        # Labels below 0 come right in the end: only the sum must lie within the table.
        index = truth[chunk].astype(np.int64)
        index *= span
        index += said[chunk].astype(np.int64, copy=False)
        index -= low * (span + 1)
        cells += np.bincount(index, minlength=span**2)
    matrix = cells.reshape(span, span)
    present = np.flatnonzero(matrix.sum(axis=0) + matrix.sum(axis=1))
    labels = present + low
    kind = bool if truth.dtype.kind == "b" else labels.dtype
    return labels.astype(kind), matrix[np.ix_(present, present)]


def _coded(arrays: Sequence[Labels]) -> tuple[Labels, list[npt.NDArray[np.intp]]]:
    """All labels in order, and each array by their numbers."""
    if all(array.dtype.kind in "iub" for array in arrays):
        ends = [int(end) for array in arrays for end in (array.min(), array.max())]
        low, span = min(ends), max(ends) - min(ends) + 1
        if span <= _NARROW and max(map(abs, ends)) <= _SAFE:
            shifted = [(array.astype(np.int64) - low).astype(np.intp) for array in arrays]
            present = np.zeros(span, dtype=bool)
            for codes in shifted:
                present[codes] = True
            found = np.flatnonzero(present)
            number = np.cumsum(present) - 1
            kind = bool if arrays[0].dtype.kind == "b" else np.int64
            return (found + low).astype(kind), [number[codes] for codes in shifted]
    uniques, inverses = zip(
        *(np.unique(array, return_inverse=True) for array in arrays), strict=True
    )
    # As Python's numbers, for which 2**53 + 1 and float(2**53) differ.
    every = sorted({label for unique in uniques for label in unique.tolist()})
    place = {label: i for i, label in enumerate(every)}
    numbers = [np.array([place[label] for label in unique.tolist()]) for unique in uniques]
    return np.array(every), [
        number[inverse] for number, inverse in zip(numbers, inverses, strict=True)
    ]


def _listed(labels: npt.ArrayLike, truth: Labels) -> Labels:
    listed = as_labels(labels, "labels")
    if len(set(listed.tolist())) < len(listed):
        raise ValueError("The 'labels' parameter must name each class once.")
    check_same_kind(listed[:1], truth[:1], "y_true")
    return listed


def _positions(found: Labels, listed: Labels) -> tuple[Labels, npt.NDArray[np.intp]]:
    place = {label: i for i, label in enumerate(listed.tolist())}
    unknown = [label for label in found.tolist() if label not in place]
    if unknown:
        raise ValueError(
            f"The 'labels' parameter must name every class. {unknown[0]!r} occurs but is not in it."
        )
    return listed, np.array([place[label] for label in found.tolist()], dtype=np.intp)


def _relabelled(
    found: Labels, cells: npt.NDArray[np.int64], listed: Labels
) -> tuple[Labels, npt.NDArray[np.int64]]:
    labels, position = _positions(found, listed)
    matrix = np.zeros((len(labels), len(labels)), dtype=np.int64)
    matrix[np.ix_(position, position)] = cells
    return labels, matrix


def _weights(values: npt.ArrayLike, n: int) -> Floats:
    weights = _numbers(values, n, "sample_weight")
    if np.any(weights < 0) or not weights.sum() > 0:
        raise ValueError("The 'sample_weight' parameter must be at least 0, and not all 0.")
    return weights


def _counts(values: npt.ArrayLike, n: int) -> Floats:
    counts = _numbers(values, n, "counts")
    if np.any(counts < 0) or np.any(counts != np.floor(counts)) or not counts.sum() > 0:
        raise ValueError("The 'counts' parameter must hold integers from 0 on, and not only 0.")
    return counts


def _numbers(values: npt.ArrayLike, n: int, name: str) -> Floats:
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"The '{name}' parameter must hold numbers, got {array.dtype}.")
    if array.shape != (n,):
        raise ValueError(
            f"The '{name}' parameter must hold one number for each of {n} cases, got an array of "
            f"shape {array.shape}."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"The '{name}' parameter must be finite. It holds NaN or infinity.")
    return array.astype(np.float64)


def _dropped(table: LabelTable) -> LabelTable:
    """Without rows that stand for nothing, and with weights of mean 1."""
    amounts = table._amounts
    if amounts is None:
        return table
    kept = np.flatnonzero(amounts)
    weights = None if table.weights is None else table.weights[kept]
    counts = None if table.counts is None else table.counts[kept]
    if weights is not None:
        weights = weights * ((len(kept) if counts is None else counts.sum()) / amounts.sum())
    members = None
    if table.members is not None:
        members = np.unique(table.members[kept], return_inverse=True)[1]
    return LabelTable(
        table.labels,
        table.names,
        table.truth[kept],
        table.predicted[:, kept],
        counts,
        weights,
        members,
    )


def _merged(table: LabelTable) -> LabelTable:
    """Cases that are alike in all their labels as one row, where that saves much."""
    kinds = table.k ** (1 + len(table.names))
    if table.members is not None or table.weights is not None or 4 * kinds > len(table.truth):
        return table
    shape = (table.k,) * (1 + len(table.names))
    joint = np.ravel_multi_index((table.truth, *table.predicted), shape)
    repeat = np.bincount(joint, table.counts, kinds)
    kept = np.flatnonzero(repeat)
    truth, *said = np.unravel_index(kept, shape)
    return LabelTable(
        table.labels, table.names, truth, np.stack(said), repeat[kept].astype(np.float64)
    )
