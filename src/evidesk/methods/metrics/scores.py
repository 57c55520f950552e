"""Scores and their truth, checked and sorted once: what every metric of scores is computed from.

A metric that only asks which case ranks above which rests on how many positive and negative cases
there are at each distinct score (:class:`BinaryScores`). That is also all that a table larger than
memory needs to be reduced to.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.labels import as_labels, kind_of_labels
from evidesk.methods.metrics.units import Units, members_of

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

#: Rows of a matrix of probabilities may miss a sum of 1 by this much, as float32 ones do.
_ROW_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class BinaryScores:
    """How many positive and negative cases there are at each distinct score.

    Attributes
    ----------
    values : array of shape (distinct,); the scores, ascending.
    positives, negatives : arrays of shape (distinct,); how many cases of each class have that
        score, whole numbers from 0 on.

    Raises
    ------
    ValueError : ``values`` are not finite or not ascending, counts are no whole numbers from 0 on,
        lengths differ, or there are no cases.
    TypeError : something is not numeric.
    """

    values: Floats
    positives: Floats
    negatives: Floats

    def __post_init__(self) -> None:
        for name in ("values", "positives", "negatives"):
            object.__setattr__(self, name, as_scores(getattr(self, name), name))
        if not len(self.values) == len(self.positives) == len(self.negatives):
            raise ValueError(
                "'values', 'positives' and 'negatives' must have the same length, got "
                f"{len(self.values)}, {len(self.positives)} and {len(self.negatives)}."
            )
        if np.any(np.diff(self.values) <= 0):
            raise ValueError("'values' must be distinct scores in ascending order.")
        for name in ("positives", "negatives"):
            counts = getattr(self, name)
            if np.any(counts < 0) or np.any(counts != np.floor(counts)):
                raise ValueError(f"'{name}' must hold whole numbers from 0 on.")
        if not np.any(self.positives + self.negatives):
            raise ValueError("'positives' and 'negatives' count no case at all.")

    @classmethod
    def from_arrays(
        cls, y_true: npt.ArrayLike, y_score: npt.ArrayLike, *, pos_label: Any = None
    ) -> "BinaryScores":
        """The counts of single cases.

        Parameters
        ----------
        y_true : array-like of shape (n_cases,); labels.
        y_score : array-like of shape (n_cases,); finite scores, larger for a likelier positive.
        pos_label : the label of the positive class, see :func:`positives_of`.
        """
        positive = positives_of(y_true, pos_label)
        scores = as_scores(y_score, "y_score", len(positive))
        order = np.argsort(scores)
        ordered = scores[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        hits = np.add.reduceat(positive[order].astype(np.float64), starts)
        sizes = np.diff(starts, append=len(ordered))
        return cls(ordered[starts], hits, sizes - hits)

    @property
    def n(self) -> int:
        """Number of cases."""
        return round(float(self.positives.sum() + self.negatives.sum()))


@dataclass(frozen=True)
class Sample:
    """The independent units behind a table of cases, and the cells that they consist of.

    Attributes
    ----------
    units : the independent units.
    members : array of shape (cells,), the unit of each cell; None where each cell is a unit.
    weight : array of shape (cells,), how much each cell counts when its unit is drawn; None for 1.
    """

    units: Units
    members: Indices | None = None
    weight: Floats | None = None

    @classmethod
    def of_cases(
        cls, n: int, groups: npt.ArrayLike | None = None, sample_weight: npt.ArrayLike | None = None
    ) -> "Sample":
        """``n`` single cases, perhaps in groups, perhaps weighted.

        Weights are divided by their mean, which no metric notices: ``n`` stays the number of cases.
        """
        members = None if groups is None else members_of(groups, n)
        weight = None
        if sample_weight is not None:
            weight = as_scores(sample_weight, "sample_weight", n)
            if np.any(weight <= 0):
                raise ValueError(
                    "The 'sample_weight' parameter must be above 0. Drop cases that do not count."
                )
            weight = weight / weight.mean()
        if members is not None:
            return cls(Units.of_groups(np.bincount(members, weight)), members, weight)
        sizes = np.broadcast_to(1.0, n)
        return cls(Units(sizes if weight is None else weight, sizes), None, weight)

    @property
    def cells(self) -> Units:
        """The cells, were they independent."""
        if self.members is None:
            return self.units
        sizes = np.broadcast_to(1.0, len(self.members))
        return Units(sizes if self.weight is None else self.weight, sizes)

    def sums(self, contributions: Floats) -> Floats:
        """Sums over the cells of each unit: shape (rows, cells) to shape (rows, units)."""
        if self.members is None:
            return contributions
        count = len(self.units.sizes)
        return np.stack([np.bincount(self.members, row, count) for row in contributions])

    def drawn(self, weights: Floats, cells: Indices | slice) -> Floats:
        """How much each of ``cells`` counts when the units are drawn ``weights`` times."""
        units = cells if self.members is None else self.members[cells]
        counts = weights[:, units]
        return counts if self.weight is None else counts * self.weight[cells]


def positives_of(y_true: npt.ArrayLike, pos_label: Any = None) -> Bools:
    """Which cases are positive.

    Parameters
    ----------
    y_true : array-like of shape (n_cases,); labels: text, numbers or true/false.
    pos_label : the label of the positive class; all others are negative. It may be left out where
        the labels are true and false, 0 and 1, or -1 and 1.

    Raises
    ------
    ValueError : ``pos_label`` is needed and not given; or labels are missing or empty.
    TypeError : ``pos_label`` is of another kind than the labels.
    """
    labels = as_labels(y_true, "y_true")
    kind = kind_of_labels(labels, "y_true")
    if pos_label is not None:
        other = kind_of_labels(as_labels([pos_label], "pos_label"), "pos_label")
        if other != kind:
            raise TypeError(
                f"'y_true' holds labels of kind {kind} and 'pos_label' is of kind {other}: "
                "no case would be positive. Convert one of them."
            )
        return np.asarray(labels == pos_label)
    if kind == "true/false":
        return np.asarray(labels)
    if kind == "number":
        positive = np.asarray(labels == 1)
        lowest = labels.min()
        others = 0 if lowest == 1 else np.count_nonzero(labels == lowest)
        if lowest in (-1, 0, 1) and np.count_nonzero(positive) + others == len(labels):
            return positive
    raise ValueError(
        "The 'pos_label' parameter must name the positive class: the labels of 'y_true' are "
        "neither 0 and 1, nor -1 and 1, nor true and false."
    )


def as_scores(values: npt.ArrayLike, name: str, n: int | None = None, *, ndim: int = 1) -> Floats:
    """Finite numbers as an array of ``ndim`` dimensions, one row per case.

    Raises
    ------
    ValueError : another shape, NaN or infinity.
    TypeError : not numeric.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"The '{name}' parameter must hold real numbers. Got values of type {array.dtype}."
        )
    if array.ndim != ndim:
        raise ValueError(
            f"The '{name}' parameter must have {ndim} dimension(s), got an array of shape "
            f"{array.shape}."
        )
    if n is not None and len(array) != n:
        raise ValueError(
            f"'y_true' and '{name}' must have the same length, got {n} and {len(array)}."
        )
    numbers = array.astype(np.float64, copy=False)
    if not np.all(np.isfinite(numbers)) or np.ma.is_masked(values):
        raise ValueError(f"The '{name}' parameter must be finite. It holds NaN or infinity.")
    return numbers


def as_probabilities(values: npt.ArrayLike, name: str, n: int) -> Floats:
    """Probabilities: of the positive class, shape (n,), or of each class, shape (n, classes).

    Raises
    ------
    ValueError : outside [0, 1], or rows that do not sum to 1.
    """
    table = as_scores(values, name, n, ndim=2 if np.ndim(values) == 2 else 1)
    if np.any(table < 0) or np.any(table > 1):
        raise ValueError(
            f"The '{name}' parameter must hold probabilities in the range [0, 1]. Scores of "
            "another kind need a calibration first."
        )
    if table.ndim == 2:
        worst = np.abs(table.sum(axis=1) - 1).max()
        if worst > _ROW_SUM_TOLERANCE:
            raise ValueError(
                f"The rows of '{name}' must sum to 1. One of them misses it by {worst:.3g}."
            )
    return table


def class_codes(
    y_true: npt.ArrayLike, labels: npt.ArrayLike | None, classes: int, name: str
) -> tuple[Indices, list[Any]]:
    """The column of each case's class in a table of scores, and the classes by column.

    Raises
    ------
    ValueError : the table has one column, or another number of columns than there are labels; or
        ``labels`` repeat or miss one.
    """
    truth = as_labels(y_true, "y_true")
    if classes < 2:
        raise ValueError(
            f"The '{name}' parameter has one column. For the scores of the positive class give an "
            "array of shape (n_cases,)."
        )
    known = np.unique(truth) if labels is None else as_labels(labels, "labels")
    if len(known) != classes:
        raise ValueError(
            f"The '{name}' parameter has {classes} columns for {len(known)} labels. Name the label "
            "of each column with 'labels'."
        )
    order = np.argsort(known)
    ordered = known[order]
    if np.any(ordered[1:] == ordered[:-1]):
        raise ValueError("The 'labels' parameter names a label twice.")
    if kind_of_labels(truth, "y_true") != kind_of_labels(known, "labels"):
        raise TypeError("'y_true' and 'labels' must hold labels of the same kind.")
    at = np.minimum(np.searchsorted(ordered, truth), classes - 1)
    if np.any(ordered[at] != truth):
        stray = truth[np.flatnonzero(ordered[at] != truth)[0]]
        raise ValueError(f"'y_true' holds the label {stray!r}, which 'labels' does not name.")
    return order[at], known.tolist()
