"""Both classes sorted by score: of that every metric of a ranking needs only cumulative sums.

It does in the sample itself as in every resample of the bootstrap, which therefore sorts nothing.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.scores import BinaryScores

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Side:
    """The cases of one class, ascending by score, in cells of cases that are just alike.

    Attributes
    ----------
    scores : array of shape (cells,).
    cells : which cells of the sample these are, an array of shape (cells,) or a slice.
    count : array of shape (cells,); how many cases there are (or their weight).
    """

    scores: Floats
    cells: Indices | slice
    count: Floats

    @property
    def total(self) -> float:
        """Number of cases (or their weight)."""
        return float(self.count.sum())


@dataclass(frozen=True)
class Ranking:
    """Both classes sorted by score, and where the positives stand among the negatives.

    Attributes
    ----------
    below, upto : arrays of shape (positive cells,); how many negative cells have a lower score,
        and one that is not higher. The same array if no positive ties with a negative.
    """

    positive: Side
    negative: Side
    below: Indices
    upto: Indices

    @classmethod
    def of_sides(cls, positive: Side, negative: Side) -> "Ranking":
        """From the two classes, each sorted."""
        below = np.searchsorted(negative.scores, positive.scores, side="left")
        # Comparing is much cheaper than a second search, which most samples do not need.
        at = np.minimum(below, len(negative.scores) - 1)
        if not np.any(negative.scores[at] == positive.scores):
            return cls(positive, negative, below, below)
        upto = np.searchsorted(negative.scores, positive.scores, side="right")
        return cls(positive, negative, below, upto)

    @classmethod
    def of_cases(cls, positive: Bools, scores: Floats, weight: Floats | None) -> "Ranking":
        """From single cases, which are the cells of the sample."""
        sides = []
        for which in (positive, ~positive):
            cells = np.flatnonzero(which)
            cells = cells[np.argsort(scores[cells])]
            count = np.broadcast_to(1.0, len(cells)) if weight is None else weight[cells]
            sides.append(Side(scores[cells], cells, count))
        return cls.of_sides(*sides)

    @classmethod
    def of_counts(cls, sample: BinaryScores) -> "Ranking":
        """From counts: the cells of the sample are first the positive, then the negative ones."""
        some, none = sample.positives > 0, sample.negatives > 0
        return cls._of_distinct(
            (sample.values[some], sample.positives[some]),
            (sample.values[none], sample.negatives[none]),
        )

    @classmethod
    def of_arrays(cls, positive: Bools, scores: Floats) -> "Ranking":
        """From single cases of which only the scores matter; cells as in :meth:`of_counts`."""
        # Taking is faster than a mask.
        sides = (scores.take(np.flatnonzero(which)) for which in (positive, ~positive))
        return cls._of_distinct(*(_distinct(side) for side in sides))

    @classmethod
    def _of_distinct(
        cls, positive: tuple[Floats, Floats], negative: tuple[Floats, Floats]
    ) -> "Ranking":
        first = len(positive[0])
        return cls.of_sides(
            Side(positive[0], slice(0, first), positive[1]),
            Side(negative[0], slice(first, first + len(negative[0])), negative[1]),
        )

    @property
    def sides(self) -> tuple[Side, Side]:
        """The positive and the negative cases."""
        return self.positive, self.negative


def _distinct(scores: Floats) -> tuple[Floats, Floats]:
    """Distinct scores, ascending, and how many there are of each."""
    ordered = np.sort(scores)
    new = ordered[1:] != ordered[:-1]
    if new.all():
        return ordered, np.broadcast_to(1.0, len(ordered))
    starts = np.flatnonzero(np.r_[True, new])
    return ordered[starts], np.diff(starts, append=len(ordered)).astype(np.float64)
