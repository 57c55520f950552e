"""Who ranks where, and how sure are we? Confidence sets of ranks from paired tests of all pairs.

A rank is known as well as the differences are: if j models are significantly better than this one
and k significantly worse, it is among the places ``j + 1`` to ``M - k``. With tests that keep the
chance of any false "better" below 5 %, all these sets hold all true ranks at once, with 95 %
confidence. Source: Mogstad, Romano, Shaikh and Wilhelm, "Inference for ranks with applications to
mobility across neighbourhoods and academic achievement across countries", Review of Economic
Studies 91 (2024) 476-518, doi:10.1093/restud/rdad006, sections 3.3 and 3.4.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate
from evidesk.methods.metrics.comparison import p_values, settle
from evidesk.methods.metrics.evaluation import Evaluation, mean_evaluation
from evidesk.methods.metrics.mcnemar import McNemarMethod, mcnemar_p_value
from evidesk.methods.metrics.multiple import holm, max_t
from evidesk.methods.metrics.proportion import PoorApproximationWarning, critical_value, proportion
from evidesk.methods.metrics.rank_plot import rank_plot
from evidesk.methods.metrics.resampling import RandomState
from evidesk.methods.metrics.units import degrees_of_freedom, members_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
RankMethod = Literal["holm", "max-t"]
RANK_METHODS: tuple[RankMethod, ...] = get_args(RankMethod)
RankTest = Literal["t", "exact", "mid-p"]
RANK_TESTS: tuple[RankTest, ...] = get_args(RankTest)

_UNFIT = "test={!r} is for scores of 0 and 1 of single cases, and method='holm'. Use test='t'."

#: Below so many units max-t falls up to 3 points short of its level.
FEWEST_UNITS = 50
#: Cases multiplied at once: sums of 0 and 1 this long are exact in single precision.
_BLOCK = 2**14


@dataclass(frozen=True)
class Ranks:
    """Models in order, and which places each may have.

    Attributes
    ----------
    metric : what they are ranked by.
    estimates : each model's value with its own interval, the best model first. The intervals are
        no comparison: neighbours may overlap and yet differ significantly.
    p_values : array of shape (models, models), in that order: of "these two are equal", adjusted
        for all pairs; 1 on the diagonal.
    level : with this confidence all rank sets hold all true ranks at once.
    method, test : how the pairs were adjusted and tested.
    greater_is_better : whether a larger value is a better one.
    spreads : array of shape (models, models): the variance over cases of each difference.
    """

    metric: str
    estimates: dict[str, Estimate]
    p_values: Floats = field(repr=False)
    level: float
    method: RankMethod
    test: str
    spreads: Floats = field(repr=False)
    greater_is_better: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The models, the best first."""
        return tuple(self.estimates)

    @property
    def better(self) -> npt.NDArray[np.bool_]:
        """Array of shape (models, models): whether the row is significantly better."""
        values = np.array([e.value for e in self.estimates.values()])
        ahead = values[:, None] > values if self.greater_is_better else values[:, None] < values
        return ahead & (self.p_values <= 1 - self.level)

    @property
    def sets(self) -> dict[str, tuple[int, int]]:
        """The best and the worst place that each model may have, from 1."""
        better = self.better
        first = 1 + better.sum(axis=0)
        last = len(better) - better.sum(axis=1)
        places = zip(first.tolist(), last.tolist(), strict=True)
        return dict(zip(self.names, places, strict=True))

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The longest runs of neighbours no two of which can be told apart."""
        better = self.better
        separated = better | better.T
        runs: list[tuple[int, int]] = []
        for first in range(len(better)):
            last = first + 1
            while last < len(better) and not separated[first : last + 1, first : last + 1].any():
                last += 1
            if not runs or last > runs[-1][1]:
                runs.append((first, last))
        return tuple(self.names[first:last] for first, last in runs)

    def cases_to_separate(self, *, power: float = 0.8) -> float:
        """How many more cases would separate the first from the second; 0 if they are separate.

        As many as a test of these two needs to reject with probability ``power``, at the level
        left for each of the pairs that are still open, if the true difference were the observed
        one: ``(z + z_power)**2`` variances of a case over the squared difference. The observed
        difference is itself uncertain, so take the number as an order of magnitude. Infinite if
        the two are equal.

        Raises
        ------
        ValueError : ``power`` is not in (0, 1).
        """
        if not isinstance(power, float) or not 0 < power < 1:
            raise ValueError(
                f"The 'power' parameter must be a number in the range (0, 1). Got {power!r}."
            )
        if self.better[0, 1]:
            return 0.0
        first, second = list(self.estimates.values())[:2]
        gap = first.value - second.value
        if gap == 0:
            return float("inf")
        settled = int(self.better.sum())
        pairs = len(self.estimates) * (len(self.estimates) - 1) // 2
        z = critical_value(1 - (1 - self.level) / (pairs - settled)) + special.ndtri(power)
        needed = max(z, 0.0) ** 2 * float(self.spreads[0, 1]) / gap**2
        return float(max(np.ceil(needed - first.n), 1.0))

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw each model's places as a bar, the best model on top; returns the axes.

        The point is the observed place. Lines at the left join models that cannot be told apart.
        """
        order = {name: place for place, name in enumerate(self.names)}
        runs = [(order[run[0]], order[run[-1]]) for run in self.groups]
        numbers = [e.short for e in self.estimates.values()]
        label = f"places that {self.metric} leaves open, {100 * self.level:.4g} % for all at once"
        return rank_plot(self.sets, numbers, runs, label, ax)

    def __str__(self) -> str:
        first = next(iter(self.estimates.values()))
        rows = [("place", "model", self.metric)]
        for (name, (low, high)), e in zip(self.sets.items(), self.estimates.values(), strict=True):
            rows.append((str(low) if low == high else f"{low}-{high}", name, e.short))
        widths = [max(len(row[i]) for row in rows) for i in range(2)]
        lines = [f"{place:>{widths[0]}}  {name:{widths[1]}}  {e}" for place, name, e in rows]
        over = "" if first.over == "cases" else f" over {first.over}"
        lines.append(
            f"{100 * self.level:.4g} % for all places at once: {self.test}, {self.method}{over}, "
            f"n={first.n}"
        )
        return "\n".join(lines)


def rank(
    scores: Evaluation | Mapping[str, npt.ArrayLike] | npt.ArrayLike,
    names: Sequence[str] | None = None,
    *,
    level: float = 0.95,
    method: RankMethod = "holm",
    test: RankTest | None = None,
    groups: npt.ArrayLike | None = None,
    greater_is_better: bool = True,
    metric: str = "mean score",
    resamples: int = 10_000,
    random_state: RandomState = None,
) -> Ranks:
    """Rank models that were judged on the same cases, with a confidence set of each rank.

    Parameters
    ----------
    scores : what the models are ranked by:

        - an :class:`~evidesk.methods.metrics.evaluation.Evaluation` of any metric;
        - array-like of shape (models, cases): a score of each model in each case, such as 0 and 1
          for wrong and right; the models are ranked by its mean;
        - the same by name: a dict of arrays, or a DataFrame with a column for each model.
    names : of the models, for an array; by default "1", "2", ...
    level : with this confidence all rank sets hold all true ranks at once.
    method : how the p-values of all pairs are adjusted:

        - ``holm``: Holm's step-down; right whatever the dependence, and fast. The default.
        - ``max-t``: from the joint distribution of all differences; with more power where models
          are alike.
    test : of each pair: ``t``, Student's t of the paired difference; for scores of 0 and 1 of
        single cases also ``exact`` and ``mid-p``, McNemar's. By default ``exact`` where it is
        possible and ``method`` is ``holm``, otherwise ``t``.
    groups : array-like of shape (cases,), optional; what makes cases belong together.
    greater_is_better : whether a larger mean score is a better one; an evaluation knows.
    metric : what the mean score is called; an evaluation knows.
    resamples, random_state : for ``max-t``.

    Raises
    ------
    ValueError : fewer than two models or cases; names that repeat or are not as many as models;
        scores that are not finite; a test that does not fit; names or groups given with an
        evaluation, which has its own; ``level``, ``method``, ``resamples`` is none.
    TypeError : scores that are not numeric.

    Warns
    -----
    PoorApproximationWarning : ``max-t`` with fewer than 50 effective units.
    """
    critical_value(level)
    if method not in RANK_METHODS:
        raise ValueError(_one_of("method", RANK_METHODS, method))
    if test is not None and test not in RANK_TESTS:
        raise ValueError(_one_of("test", RANK_TESTS, test))
    if isinstance(scores, Evaluation):
        if names is not None or groups is not None:
            raise ValueError("An evaluation has its own names and groups; give none of them again.")
        if test not in (None, "t"):
            raise ValueError(_UNFIT.format(test))
        found = _by_t(scores, level, method, resamples, random_state)
    else:
        table, called = _checked(scores, names)
        binary = table.dtype.kind == "b" or bool(np.all((table == 0) | (table == 1)))
        countable = binary and groups is None and method == "holm"
        if test not in (None, "t") and not countable:
            raise ValueError(_UNFIT.format(test))
        if countable and test != "t":
            found = _by_mcnemar(table, called, level, test or "exact")
        else:
            members = None if groups is None else members_of(groups, table.shape[1])
            evaluation = mean_evaluation(
                metric, called, table, members, scale="proportion" if binary else "real"
            )
            found = _by_t(evaluation, level, method, resamples, random_state)
        found = replace(found, metric=metric, greater_is_better=greater_is_better)
    return _in_order(found)


def _by_t(
    found: Evaluation, level: float, method: RankMethod, resamples: int, random_state: RandomState
) -> "Ranks":
    """All pairs of any evaluation, not yet in order."""
    if len(found.names) < 2:
        raise ValueError("The 'scores' parameter must hold at least two models.")
    if method == "max-t" and found.units.effective < FEWEST_UNITS:
        warnings.warn(
            f"The joint distribution of {len(found.names)} models is poorly known from "
            f"{found.units.effective:.3g} independent units, fewer than {FEWEST_UNITS}: the rank "
            "sets may hold less often than they say. Use method='holm'.",
            PoorApproximationWarning,
            stacklevel=3,
        )
    covariance = found.units.covariance(found.contributions)
    own, sizes = np.diag(covariance), np.abs(found.values)
    gaps, variance = settle(
        found.values[:, None] - found.values,
        own[:, None] + own - 2 * covariance,
        own[:, None] + own,
        sizes[:, None] + sizes,
    )
    squares, fourths = _pair_moments(found.contributions, found.units.repeat)
    p = p_values(
        gaps,
        variance,
        degrees_of_freedom(squares, fourths, found.units),
        np.minimum.outer(found.most, found.most),
    )
    if method == "max-t":
        adjusted = max_t(
            p, covariance, found.units.effective, resamples=resamples, random_state=random_state
        )
    else:
        adjusted = _holm_of_pairs(p)
    return Ranks(
        metric=found.metric,
        estimates=found.estimates(level=level),
        p_values=adjusted,
        level=float(level),
        method=method,
        test="paired t",
        spreads=variance * found.units.n,
        greater_is_better=found.greater_is_better,
    )


def _by_mcnemar(
    table: npt.NDArray[Any], names: tuple[str, ...], level: float, test: McNemarMethod
) -> "Ranks":
    """All pairs of models that are right or wrong, from counts, not yet in order."""
    right, only_row = _counted(table)
    only_column, n = only_row.T, table.shape[1]
    apart = (only_row + only_column) / n
    return Ranks(
        metric="",
        estimates={
            name: proportion(int(count), n, level=level)
            for name, count in zip(names, right, strict=True)
        },
        p_values=_holm_of_pairs(mcnemar_p_value(only_row, only_column, method=test)),
        level=float(level),
        method="holm",
        test=f"McNemar {test}",
        spreads=apart - ((only_row - only_column) / n) ** 2,
    )


def _in_order(found: "Ranks") -> "Ranks":
    """The same with the best model first; equals stay in the order given."""
    values = np.array([e.value for e in found.estimates.values()])
    order = np.argsort(-values if found.greater_is_better else values, kind="stable")
    names, square = found.names, np.ix_(order, order)
    return replace(
        found,
        estimates={names[i]: found.estimates[names[i]] for i in order},
        p_values=found.p_values[square],
        spreads=found.spreads[square],
    )


def _checked(scores: Any, names: Sequence[str] | None) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """The scores as an array of shape (models, cases), and the models' names."""
    if isinstance(scores, Mapping) or hasattr(scores, "columns"):
        if names is not None:
            raise ValueError("The 'names' parameter is for an array; these scores have names.")
        given = list(scores) if isinstance(scores, Mapping) else list(scores.columns)
        rows = [np.asarray(scores[name]) for name in given]
        if len({row.shape for row in rows}) > 1:
            raise ValueError("The 'scores' parameter must hold as many cases for each model.")
        scores, names = rows, given
    table = np.asarray(scores)
    if table.dtype.kind not in "biuf":
        raise TypeError(f"The 'scores' parameter must hold numbers, got type {table.dtype}.")
    if table.ndim != 2 or len(table) < 2 or table.shape[1] < 2:
        raise ValueError(
            "The 'scores' parameter must have the shape (models, cases), with at least two of "
            f"each. Got an array of shape {table.shape}."
        )
    if table.dtype.kind == "f" and not np.all(np.isfinite(table)):
        raise ValueError("The 'scores' parameter must be finite. It holds NaN or infinity.")
    called = tuple(map(str, range(1, len(table) + 1) if names is None else names))
    if len(called) != len(table) or len(set(called)) < len(called):
        raise ValueError(
            f"The 'names' parameter must hold a name of its own for each of {len(table)} models."
        )
    return table, called


def _holm_of_pairs(p: Floats) -> Floats:
    """Holm's adjustment of a symmetric matrix of p-values, each pair counted once."""
    pairs = np.triu_indices(len(p), 1)
    adjusted = np.ones_like(p)
    adjusted[pairs] = holm(p[pairs])
    return np.minimum(adjusted, adjusted.T)


def _counted(table: npt.NDArray[Any]) -> tuple[Integers, Integers]:
    """In how many cases each model is right, and the row's model but not the column's."""
    models, n = table.shape
    both = np.zeros((models, models))
    for begin in range(0, n, _BLOCK):
        block = table[:, begin : begin + _BLOCK].astype(np.float32)
        both += block @ block.T
    right = np.rint(np.diag(both)).astype(np.int64)
    return right, right[:, None] - np.rint(both).astype(np.int64)


def _pair_moments(contributions: Floats, repeat: Floats) -> tuple[Floats, Floats]:
    """Sums over units of the second and fourth powers of the differences of all pairs of rows."""
    models, units = contributions.shape
    squares, fourths = np.zeros((2, models, models))
    own = np.zeros((2, models))
    for begin in range(0, units, _BLOCK):
        part, times = contributions[:, begin : begin + _BLOCK], repeat[begin : begin + _BLOCK]
        second, third = part**2, part**3
        weighted = part * times
        mixed = third @ weighted.T
        squares -= 2 * part @ weighted.T
        fourths += 6 * (second * times) @ second.T - 4 * (mixed + mixed.T)
        own += second @ times, second**2 @ times
    squares += own[0][:, None] + own[0]
    fourths += own[1][:, None] + own[1]
    return np.maximum(squares, 0), np.maximum(fourths, 0)


def _one_of(name: str, allowed: tuple[str, ...], given: object) -> str:
    return f"The '{name}' parameter must be one of {', '.join(allowed)}. Got {given!r} instead."
