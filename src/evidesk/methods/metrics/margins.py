"""Margins of confusion matrices, and how a metric changes with them."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer[Any]]


class Margins(NamedTuple):
    """What a confusion matrix, or a stack of them, says of each class.

    ``hits``, ``true`` and ``predicted`` have shape (..., k): in how many cases each class was both
    true and predicted, was true, was predicted. ``cost`` has shape (...): the sum over all cases
    of what their error costs, where the metric asks for it.
    """

    hits: Floats
    true: Floats
    predicted: Floats
    cost: Floats | None = None

    @classmethod
    def of(cls, counts: npt.ArrayLike, cost: Floats | None = None) -> "Margins":
        """Of matrices of shape (..., k, k), rows the truth; ``cost`` of each cell, shape (k, k)."""
        table = np.asarray(counts, dtype=np.float64)
        return cls(
            np.diagonal(table, axis1=-2, axis2=-1),
            table.sum(axis=-1),
            table.sum(axis=-2),
            None if cost is None else (table * cost).sum(axis=(-2, -1)),
        )

    @property
    def n(self) -> Floats:
        """Number of cases, shape (...)."""
        return np.asarray(np.add.reduce(self.true, axis=-1))

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """Which classes are true or predicted at all, shape (..., k)."""
        return np.asarray(self.true + self.predicted > 0)


class Slopes(NamedTuple):
    """Derivatives by the margins (shape (..., k)), and by n and the total cost (shape (...))."""

    hits: Floats
    true: Floats
    predicted: Floats
    n: Floats
    cost: Floats | None = None

    def of(self, model: int) -> "Slopes":
        """Those of one of many matrices."""
        cost = None if self.cost is None else self.cost[model]
        hits, true, predicted, n, _ = self
        return Slopes(hits[model], true[model], predicted[model], n[model], cost)

    def at(self, truth: Codes, predicted: Codes, cost: Floats | None = None) -> Floats:
        """Derivative by the count of each cell (truth, predicted), shape (..., cells)."""
        slope = self.hits.take(truth, axis=-1)  # faster than an index
        slope *= truth == predicted
        slope += self.true.take(truth, axis=-1)
        slope += self.predicted.take(predicted, axis=-1)
        slope += self.n[..., None]
        if self.cost is not None and cost is not None:
            slope += self.cost[..., None] * cost
        return slope


class Point(NamedTuple):
    """A metric at given margins; arrays of shape (...), one for each matrix.

    ``cases`` is the number of cases that the value at most rests on, and ``unseen`` the variance
    that classes of few cases may hide.
    """

    value: Floats
    slopes: Slopes
    cases: Floats
    unseen: Floats | float = 0.0
