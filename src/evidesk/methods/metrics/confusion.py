"""The confusion matrix: counts of every pair of true and predicted label, with intervals."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate, style
from evidesk.methods.metrics.classification import estimate_by_name
from evidesk.methods.metrics.evaluation import IntervalMethod
from evidesk.methods.metrics.label_metrics import Average, KappaWeights
from evidesk.methods.metrics.label_table import of_matrix, table_of
from evidesk.methods.metrics.labels import Labels, as_labels, kind_of_labels
from evidesk.methods.metrics.proportion import Method, critical_value, interval
from evidesk.methods.metrics.resampling import RandomState

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
#: What the cells are shares of: all cases of the true class, or of the predicted, or all cases.
Normalize = Literal["true", "pred", "all"]
_OVER: dict[str, int | None] = {"true": 1, "pred": 0, "all": None}
_MOST_CLASSES = 4_096  # a matrix of so many takes 128 MiB


class CellIntervals(NamedTuple):
    """Share of each cell and its interval; arrays of shape (k, k)."""

    share: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """How often each true label got each prediction.

    Matrices of parts of the data add up to that of the whole, whatever labels each part holds.

    Attributes
    ----------
    counts : integer array of shape (k, k); rows are the truth, columns the predictions.
    labels : array of shape (k,); the classes.
    """

    counts: npt.NDArray[np.int64]
    labels: Labels

    @classmethod
    def from_labels(
        cls, y_true: npt.ArrayLike, y_pred: npt.ArrayLike, *, labels: npt.ArrayLike | None = None
    ) -> "ConfusionMatrix":
        """Count labels.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_cases,); labels: text, numbers or true/false.
        labels : array-like of shape (k,), optional; all classes, in their order. By default those
            that occur, sorted.

        Raises
        ------
        ValueError : lengths differ; labels are missing, or not in ``labels``; there are more than
            4 096 classes.
        TypeError : labels mix kinds.
        """
        table = table_of(y_true, {"y_pred": y_pred}, labels=labels)
        if table.k > _MOST_CLASSES:
            raise ValueError(
                f"A confusion matrix of {table.k:,} classes would be too large; {_MOST_CLASSES:,} "
                "is the most. The metrics themselves know no such limit."
            )
        return cls(table.matrix().astype(np.int64), table.labels)

    @classmethod
    def from_counts(
        cls, counts: npt.ArrayLike, labels: npt.ArrayLike | None = None
    ) -> "ConfusionMatrix":
        """From counted cases.

        Parameters
        ----------
        counts : array-like of shape (k, k), integers from 0 on; rows are the truth.
        labels : array-like of shape (k,), by default 0 to k - 1.

        Raises
        ------
        ValueError : the counts are not square, negative, not whole or not finite; there are not
            as many labels, or one twice.
        TypeError : the counts are no numbers.
        """
        table = np.asarray(counts)
        if table.dtype.kind not in "iuf":
            raise TypeError(f"The 'counts' parameter must hold integers, got {table.dtype}.")
        if table.ndim != 2 or table.shape[0] != table.shape[1] or not table.size:
            raise ValueError(
                f"The 'counts' parameter must be a square matrix, got shape {table.shape}."
            )
        if not np.isfinite(table).all() or np.any(table < 0) or np.any(table != np.floor(table)):
            raise ValueError("The 'counts' parameter must hold finite integers from 0 on.")
        names = np.arange(len(table)) if labels is None else as_labels(labels, "labels")
        if len(names) != len(table) or len(set(names.tolist())) < len(names):
            raise ValueError(
                f"The 'labels' parameter must name {len(table)} different classes, one for each "
                "row of 'counts'."
            )
        return cls(table.astype(np.int64), names)

    @property
    def n(self) -> int:
        """Number of cases."""
        return int(self.counts.sum())

    def __add__(self, other: "ConfusionMatrix") -> "ConfusionMatrix":
        """The matrix of both samples; unless they have the same labels, of all labels, sorted.

        Raises
        ------
        TypeError : the labels of the two are of different kinds.
        """
        if not isinstance(other, ConfusionMatrix):
            return NotImplemented
        if self.labels.tolist() == other.labels.tolist():
            return ConfusionMatrix(self.counts + other.counts, self.labels)
        if kind_of_labels(self.labels, "self") != kind_of_labels(other.labels, "other"):
            raise TypeError("Confusion matrices with labels of different kinds do not add up.")
        every = np.union1d(self.labels, other.labels)
        counts = np.zeros((len(every), len(every)), dtype=np.int64)
        for part in (self, other):
            place = np.searchsorted(every, part.labels)
            counts[np.ix_(place, place)] += part.counts
        return ConfusionMatrix(counts, every)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ConfusionMatrix):
            return NotImplemented
        return self.labels.tolist() == other.labels.tolist() and bool(
            np.array_equal(self.counts, other.counts)
        )

    def estimate(
        self,
        metric: str,
        *,
        average: Average | None = "binary",
        pos_label: Any = None,
        beta: float = 1.0,
        weights: KappaWeights | None = None,
        level: float = 0.95,
        method: Method | IntervalMethod | None = None,
        resamples: int = 2_000,
        random_state: RandomState = None,
    ) -> Estimate | dict[Any, Estimate]:
        """Any metric of these counts; for ``average=None`` that of each class, by its label.

        ``metric`` as in :func:`~evidesk.methods.metrics.evaluate_labels`, the other parameters,
        the result and the errors as in :func:`~evidesk.methods.metrics.recall`.
        """
        self._check_cases()
        return estimate_by_name(
            of_matrix(self.labels, self.counts, ("y_pred",)),
            metric,
            average=average,
            pos_label=pos_label,
            beta=beta,
            weights=weights,
            level=level,
            method=method,
            resamples=resamples,
            random_state=random_state,
        )

    def cell_intervals(
        self,
        *,
        normalize: Normalize = "true",
        level: float = 0.95,
        simultaneous: bool = False,
    ) -> CellIntervals:
        """Share of each cell in its row (``true``), column (``pred``) or all, by Wilson.

        Parameters
        ----------
        simultaneous : whether all cells together hold their shares with probability ``level``, by
            Bonferroni's inequality. Otherwise each cell by itself does, so that of 100 cells
            about five miss theirs at a level of 0.95.

        Returns
        -------
        Arrays of shape (k, k). Where a row or column holds no case, the share is 0 and its
        interval from 0 to 1.

        Raises
        ------
        ValueError : ``normalize`` or ``level`` is none.
        """
        if normalize not in _OVER:
            raise ValueError(
                f"The 'normalize' parameter must be one of {', '.join(_OVER)}. "
                f"Got {normalize!r} instead."
            )
        z = critical_value(level)
        if simultaneous:
            z = critical_value(1 - (1 - float(level)) / self.counts.size)
        n = np.broadcast_to(
            self.counts.sum(axis=_OVER[normalize], keepdims=True), self.counts.shape
        )
        known = n > 0
        some = np.where(known, n, 1).astype(np.float64)
        low, high = interval(self.counts.astype(np.float64), some, z, "wilson")
        share = self.counts / some
        return CellIntervals(share, np.where(known, low, 0.0), np.where(known, high, 1.0))

    def plot(
        self, ax: "Axes | None" = None, *, normalize: Normalize = "true", level: float = 0.95
    ) -> "Axes":
        """Draw the shares as colours, with their intervals as text up to 12 classes.

        The colour follows the square root of the share, so that rare confusions show. Returns the
        Matplotlib axes.
        """
        share, low, high = self.cell_intervals(normalize=normalize, level=level)
        k = len(self.labels)
        with style():
            if ax is None:
                import matplotlib.pyplot as plt

                side = min(2.0 + 0.75 * k, 11.0)
                _, ax = plt.subplots(figsize=(side, 0.85 * side), layout="constrained")
            ax.imshow(np.sqrt(share), cmap=_colours(), vmin=0, vmax=1)
            if k <= _MOST_WITH_TEXT:
                for row, column in np.ndindex(k, k):
                    at = row, column
                    text = f"{share[at]:.2f}\n{low[at]:.2f}–{high[at]:.2f}"
                    ax.text(
                        column,
                        row,
                        text,
                        ha="center",
                        va="center",
                        fontsize="small" if k <= 6 else "x-small",
                        color="white" if share[at] > 0.5 else "#1f2937",
                    )
            names = [str(label) for label in self.labels.tolist()]
            step = max(1, k // 25)
            ticks = range(0, k, step)
            turn = 90 if max(map(len, names)) > 4 and k > 3 else 0
            ax.set_xticks(ticks, names[::step], rotation=turn, parse_math=False)
            ax.set_yticks(ticks, names[::step], parse_math=False)
            ax.set(xlabel="predicted", ylabel="true")
            ax.grid(visible=False)
            ax.tick_params(length=0)
        return ax

    def __str__(self) -> str:
        """The counts with their sums, and the accuracy."""
        names = [str(label) for label in self.labels.tolist()]
        true, predicted = self.counts.sum(axis=1), self.counts.sum(axis=0)
        lines = [["true \\ predicted", *names, "all"]]
        for name, row, total in zip(names, self.counts.tolist(), true.tolist(), strict=True):
            lines.append([name, *map(str, row), str(total)])
        lines.append(["all", *map(str, predicted.tolist()), str(self.n)])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = "\n".join(
            "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
            for line in lines
        )
        return f"{table}\naccuracy {self.estimate('accuracy')}" if self.n else table

    def _check_cases(self) -> None:
        if not self.n:
            raise ValueError("The confusion matrix holds no case: its 'counts' are all 0.")


_MOST_WITH_TEXT = 12


def _colours() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("evidesk", ["#ffffff", "#0b6e6e"])
