"""True and predicted labels, coded and counted once for every metric."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from evidesk.methods.metrics.evaluation import Evaluation
from evidesk.methods.metrics.label_codes import coded, counted, listed, positions
from evidesk.methods.metrics.label_metrics import LabelMetric
from evidesk.methods.metrics.labels import Labels, as_labels, check_same_kind
from evidesk.methods.metrics.margins import Codes, Margins, Point
from evidesk.methods.metrics.units import Units, effective_units, members_of, weighted_units

Floats = npt.NDArray[np.float64]


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
            return Units.of_groups(np.bincount(self.members, self.amounts))
        ones = np.ones(len(self.truth))
        sizes = ones if self.weights is None else self.weights
        return Units(sizes, ones if self.counts is None else self.counts)

    @property
    def cases(self) -> int:
        """Number of cases."""
        return len(self.truth) if self.counts is None else int(self.counts.sum())

    @property
    def amounts(self) -> Floats | None:
        """What each row adds to the counts of its cell."""
        if self.counts is None or self.weights is None:
            return self.weights if self.counts is None else self.counts
        return self.counts * self.weights

    def matrix(self, model: int = 0) -> Floats:
        """Weighted counts of each pair of true and predicted class, shape (k, k)."""
        cells = self.truth * np.intp(self.k) + self.predicted[model]
        return np.bincount(cells, self.amounts, self.k**2).reshape(self.k, self.k).astype(float)

    @cached_property
    def margins(self) -> Margins:
        """Of all models, shape (models, k)."""
        amounts, shape = self.amounts, (len(self.predicted), self.k)
        hits, predicted = np.empty(shape), np.empty(shape)
        for m, said in enumerate(self.predicted):
            right = said == self.truth
            hits[m] = np.bincount(said[right], None if amounts is None else amounts[right], self.k)
            predicted[m] = np.bincount(said, amounts, self.k)
        true = np.bincount(self.truth, amounts, self.k).astype(np.float64)
        return Margins(hits, np.repeat(true[None], len(hits), axis=0), predicted)

    def _at(self, metric: LabelMetric) -> Point:
        """The metric of all models."""
        if metric.cost is None:
            return metric.at(self.margins)
        each = metric.cost[self.truth, self.predicted]
        costs = each.sum(axis=1) if self.amounts is None else each @ self.amounts
        return metric.at(self.margins._replace(cost=costs))

    def evaluate(self, metric: LabelMetric) -> Evaluation:
        """The metric of all models, with what each unit contributes to their errors.

        Raises
        ------
        ValueError : there are fewer than two cases or groups, or a metric is not defined.
        """
        units = self.units
        if units.count < 2:
            raise ValueError(
                "'y_true' must hold at least two cases: one alone cannot tell how much they differ."
            )
        values, slopes, most, unseen = self._at(metric)
        if np.count_nonzero(np.isfinite(values)) < len(values):
            name = self.names[int(np.flatnonzero(~np.isfinite(values))[0])]
            raise ValueError(
                f"{metric.name} is not defined for '{name}': it and 'y_true' are one and the same "
                "class in every case."
            )
        amounts = self.amounts
        contributions: list[Floats] = []
        independent: list[float] = []
        for m, said in enumerate(self.predicted):
            cost = None if metric.cost is None else metric.cost[self.truth, said]
            row = slopes.of(m).at(self.truth, said, cost)
            if self.members is None:
                contributions.append(row if self.weights is None else row * self.weights)
            else:
                independent.append(self._independent(row))
                row = row if amounts is None else row * amounts
                contributions.append(np.bincount(self.members, row).astype(np.float64))
        evaluation = Evaluation(
            metric=metric.name,
            names=self.names,
            values=values,
            contributions=np.array(contributions),
            units=units,
            scale=metric.scale,
            most=most,
            replicate=_Replicate(self, metric),
            greater_is_better=metric.greater_is_better,
            independent=np.array(independent) if independent else None,
            unseen=unseen,
        )
        if metric.cost is not None:
            # A few costly errors make most of the variance.
            evaluation = replace(
                evaluation, effective=effective_units(evaluation.contributions, units)
            )
        if self.members is not None:
            return _with_effects(evaluation)
        return evaluation if self.weights is None else _with_weights(evaluation)

    def _independent(self, slopes: Floats) -> float:
        weighted = slopes if self.weights is None else slopes * self.weights
        squares = weighted**2
        return float(squares.sum() if self.counts is None else squares @ self.counts)


def _with_effects(evaluation: Evaluation) -> Evaluation:
    """Groups never make an interval shorter, and hide more where classes have few cases."""
    units, independent = evaluation.units, evaluation.independent
    assert independent is not None
    effects, one_voice = evaluation.design_effects, units.n / units.effective
    effects = np.maximum(np.where(np.isnan(effects), one_voice, effects), 1)
    shorter = np.maximum(independent - units.variance(evaluation.contributions), 0)
    return replace(
        evaluation,
        most=evaluation.most / one_voice,
        unseen=evaluation.unseen * effects**2 + shorter,
        effective=effective_units(evaluation.contributions, units),
    )


def _with_weights(evaluation: Evaluation) -> Evaluation:
    """Unequal weights make fewer cases of all, and tell their own variance badly."""
    units = evaluation.units
    effect = units.n / units.effective
    known = weighted_units(evaluation.contributions, units)
    if evaluation.effective is not None:
        known = np.minimum(known, evaluation.effective)
    return replace(
        evaluation,
        most=evaluation.most / effect,
        unseen=evaluation.unseen * effect**2,
        effective=known,
    )


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
            values.append(self.metric.at(Margins(hits, true, predicted, cost)).value)
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
    every = None if labels is None else listed(labels, truth)
    members = None if groups is None else members_of(groups, n)
    weights = None if sample_weight is None else _weights(sample_weight, n)
    repeat = None if counts is None else _counts(counts, n)
    if members is None and weights is None and repeat is None and len(said) == 1:
        matrix = counted(truth, said[0])
        if matrix is not None:
            table = of_matrix(*matrix, names)
            return table if every is None else _relabelled(table, every)
    found, codes = coded([truth, *said])
    table = LabelTable(found, names, codes[0], np.stack(codes[1:]), repeat, weights, members)
    if every is not None:
        table = _relabelled(table, every)
    return _merged(_dropped(table))


def _relabelled(table: LabelTable, every: Labels) -> LabelTable:
    place = positions(table.labels, every)
    return replace(table, labels=every, truth=place[table.truth], predicted=place[table.predicted])


def of_matrix(labels: Labels, counts: npt.NDArray[Any], names: tuple[str, ...]) -> LabelTable:
    """A table with one row for each cell of a confusion matrix that holds a case."""
    truth, said = np.nonzero(counts)
    return LabelTable(labels, names, truth, said[None], counts[truth, said].astype(float))


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
    amounts = table.amounts
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
    return replace(
        table,
        truth=table.truth[kept],
        predicted=table.predicted[:, kept],
        counts=counts,
        weights=weights,
        members=members,
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
    return replace(
        table, truth=truth, predicted=np.stack(said), counts=repeat[kept].astype(np.float64)
    )
