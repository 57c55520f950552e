"""Accuracy with its uncertainty, for one model or many, for independent and for grouped cases."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate, forest_plot
from evidesk.methods.metrics.cautions import filled_groups, warn_of_few_groups
from evidesk.methods.metrics.clusters import design_effect, t_critical_value
from evidesk.methods.metrics.labels import as_labels, check_same_kind
from evidesk.methods.metrics.proportion import (
    Method,
    critical_value,
    estimate,
    interval,
    warn_if_poor,
)
from evidesk.methods.metrics.units import Units, effective_units

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Accuracies:
    """Accuracies of several models on the same cases.

    Overlapping intervals do not say that two models are equally good, nor do they rank them: the
    models saw the same cases, so a comparison has to be paired.

    Attributes
    ----------
    estimates : accuracy of each model, by name, in the order given.
    design_effects : for grouped cases, the factor by which the groups inflate each model's
        variance; otherwise None.
    """

    estimates: dict[str, Estimate]
    design_effects: dict[str, float] | None = None

    @classmethod
    def from_counts(
        cls,
        correct: Mapping[str, npt.ArrayLike],
        n: npt.ArrayLike,
        *,
        repeat: npt.ArrayLike | None = None,
        level: float = 0.95,
        method: Method = "wilson",
    ) -> "Accuracies":
        """Accuracies from the number of right answers.

        Parameters
        ----------
        correct : for each model the number of cases it has right: one integer, or for grouped
            cases an array with one integer per group.
        n : number of cases: one integer, or an array with one integer per group.
        repeat : for grouped cases, how many groups have these very counts: one integer per group,
            by default 1. Millions of groups are thus told in a few numbers.
        level, method : as in :func:`~evidesk.methods.metrics.proportion_interval`.

        Raises
        ------
        ValueError : no model; counts outside [0, n]; shapes that differ; fewer than two groups.
        TypeError : counts that are not integers.
        """
        sizes = _integers(n, "n")
        right = {name: _integers(counts, f"correct[{name!r}]") for name, counts in correct.items()}
        if not right:
            raise ValueError("The 'correct' parameter must name at least one model.")
        if sizes.ndim > 1 or np.any(sizes < 1):
            raise ValueError("The 'n' parameter must be a positive integer, or one per group.")
        for name, counts in right.items():
            if counts.shape != sizes.shape:
                raise ValueError(
                    f"correct[{name!r}] and 'n' must have the same shape, "
                    f"got {counts.shape} and {sizes.shape}."
                )
            if np.any(counts < 0) or np.any(counts > sizes):
                raise ValueError(f"correct[{name!r}] must be in the range [0, n].")
        repeats = np.ones_like(sizes) if repeat is None else _integers(repeat, "repeat")
        if repeats.shape != sizes.shape or np.any(repeats < 1):
            raise ValueError("The 'repeat' parameter must be a positive integer for each group.")
        return _accuracies(right, sizes, repeats, level, method, stacklevel=3)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the intervals as a forest plot; returns the axes."""
        return forest_plot(self.estimates, ax, xlabel="accuracy")

    def __str__(self) -> str:
        header = ["model", "accuracy", "low", "high", "n"]
        rows = [
            [name, f"{e.value:.4f}", f"{e.low:.4f}", f"{e.high:.4f}", str(e.n)]
            for name, e in self.estimates.items()
        ]
        if self.design_effects is not None:
            header.append("design effect")
            for row, effect in zip(rows, self.design_effects.values(), strict=True):
                row.append(f"{effect:.2f}")
        first = next(iter(self.estimates.values()))

        over = "" if self.design_effects is None else f" over {first.over}"
        return (
            f"{_aligned(header, rows)}\n{100 * first.level:.4g} % intervals, {first.method}{over}"
        )


def accuracy(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    level: float = 0.95,
    method: Method = "wilson",
    groups: npt.ArrayLike | None = None,
) -> Estimate:
    """Share of cases whose predicted label is the true one, with its confidence interval.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_cases,)
        Labels: text, numbers or true/false, of the same kind in both.
    level, method : as in :func:`~evidesk.methods.metrics.proportion_interval`.
    groups : array-like of shape (n_cases,), optional
        What makes cases belong together, for example the patient of each image. The interval is
        then that of ``n`` divided by the design effect, with a Student t quantile whose degrees of
        freedom are at most the number of groups less one: fewer if the groups differ in size,
        or if a few groups hold most of the errors. The estimate's ``n`` stays the number of
        cases.

    Raises
    ------
    ValueError : lengths differ, or an argument is empty, not one-dimensional, or has missing
        labels (None, NaN); ``level`` or ``method`` is none; there are fewer than two groups.
    TypeError : labels mix kinds, within an argument or between the two.

    Warns
    -----
    PoorApproximationWarning : the normal approximation is poor; or the rarer of right and wrong
        cases would fill fewer than 3 of the groups, which have more than 8 cases each.
    """
    truth = as_labels(y_true, "y_true")
    if groups is not None:
        found = _from_labels(truth, {"y_pred": y_pred}, level, method, groups, stacklevel=4)
        return found.estimates["y_pred"]
    predicted = as_labels(y_pred, "y_pred")
    check_same_kind(truth, predicted, "y_pred")
    right = float(np.count_nonzero(truth == predicted))
    return estimate(right, float(len(truth)), level, method, "", stacklevel=3)


def accuracies(
    y_true: npt.ArrayLike,
    predictions: Mapping[str, npt.ArrayLike],
    *,
    level: float = 0.95,
    method: Method = "wilson",
    groups: npt.ArrayLike | None = None,
) -> Accuracies:
    """Accuracies of many models on the same cases; parameters as in :func:`accuracy`.

    ``predictions`` holds each model's labels by the model's name: a dict of arrays or a pandas
    DataFrame.
    """
    if len(predictions) == 0:
        raise ValueError("The 'predictions' parameter must name at least one model.")
    named = {str(name): values for name, values in predictions.items()}
    return _from_labels(as_labels(y_true, "y_true"), named, level, method, groups, stacklevel=4)


def _from_labels(
    y_true: npt.NDArray[Any],
    predictions: Mapping[str, npt.ArrayLike],
    level: float,
    method: Method,
    groups: npt.ArrayLike | None,
    stacklevel: int,
) -> Accuracies:
    members, sizes = None, np.asarray(len(y_true))
    if groups is not None:
        names = as_labels(groups, "groups")
        if len(names) != len(y_true):
            raise ValueError(
                f"'y_true' and 'groups' must have the same length, got {len(y_true)} and "
                f"{len(names)}."
            )
        members = np.unique(names, return_inverse=True)[1]
        sizes = np.bincount(members)
    right = {}
    for name, values in predictions.items():
        y_pred = as_labels(values, name)
        check_same_kind(y_true, y_pred, name)
        hits = y_true == y_pred
        right[name] = np.asarray(
            np.count_nonzero(hits)
            if members is None
            else np.bincount(members[hits], minlength=len(sizes))
        )
    return _accuracies(right, sizes, np.ones_like(sizes), level, method, stacklevel=stacklevel)


def _accuracies(
    correct: Mapping[str, Counts],
    sizes: Counts,
    repeat: Counts,
    level: float,
    method: Method,
    stacklevel: int,
) -> Accuracies:
    """From checked counts, either scalars or one per kind of group."""
    z: Any = critical_value(level)
    n = int((sizes * repeat).sum())
    table = np.stack([np.atleast_1d(counts) for counts in correct.values()]).astype(float)
    count = table @ np.atleast_1d(repeat)
    effects, over = np.ones(len(count)), "cases"
    if sizes.ndim == 1:
        groups = int(repeat.sum())
        if groups < 2:
            raise ValueError(
                "The 'groups' parameter must name at least two groups: one group alone cannot "
                "tell how much groups differ."
            )
        units = Units(sizes.astype(float), repeat.astype(float), grouped=True)
        effects = design_effect(table, units.sizes, units.repeat)
        known = effective_units(table - (count / n)[:, None] * sizes, units)
        z = np.array([t_critical_value(z, each) for each in known])
        over = f"{groups} groups"
        filled = [filled_groups(held, units.sizes, units.repeat) for held in table]
        least = int(np.argmin(filled))
        of = "" if len(filled) == 1 else f" of '{list(correct)[least]}'"
        warn_of_few_groups(f"the accuracy{of}", filled[least])
    if method == "normal":
        warn_if_poor(count / effects, n / effects, stacklevel=stacklevel + 1)
    low, high = interval(count / effects, n / effects, z, method)
    estimates = {
        name: Estimate(
            value=float(count[i] / n),
            low=min(float(low[i]), float(count[i] / n)),
            high=max(float(high[i]), float(count[i] / n)),
            level=float(level),
            method=method,
            n=n,
            over=over,
        )
        for i, name in enumerate(correct)
    }
    if sizes.ndim == 0:
        return Accuracies(estimates)
    return Accuracies(estimates, dict(zip(correct, map(float, effects), strict=True)))


def _integers(values: npt.ArrayLike, name: str) -> Counts:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got values of type {array.dtype}.")
    return array.astype(np.int64)


def _aligned(header: list[str], rows: Iterable[list[str]]) -> str:
    """A text table: the first column to the left, numbers to the right."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    )
