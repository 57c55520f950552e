"""Who ranks where, and how sure are we? Confidence sets of ranks from paired tests of all pairs.

A rank is known as well as the differences are: if j models are significantly better than this one
and k significantly worse, it is among the places ``j + 1`` to ``M - k``. With tests that keep the
chance of any false "better" below 5 %, all these sets hold all true ranks at once, with 95 %
confidence. Source: Mogstad, Romano, Shaikh and Wilhelm, "Inference for ranks with applications to
mobility across neighbourhoods and academic achievement across countries", Review of Economic
Studies 91 (2024) 476-518, doi:10.1093/restud/rdad006, sections 3.3 and 3.4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate
from evidesk.methods.metrics.comparison import effective, p_values, settle
from evidesk.methods.metrics.evaluation import Evaluation, mean_evaluation
from evidesk.methods.metrics.mcnemar import mcnemar_p_value
from evidesk.methods.metrics.multiple import holm, max_t
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.rank_plot import rank_plot
from evidesk.methods.metrics.resampling import RandomState
from evidesk.methods.metrics.units import members_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
RankMethod = Literal["holm", "max-t"]
RANK_METHODS: tuple[RankMethod, ...] = get_args(RankMethod)
RankTest = Literal["t", "mid-p", "exact"]
RANK_TESTS: tuple[RankTest, ...] = get_args(RankTest)

#: Cases multiplied at once: sums of 0 and 1 this long are exact in single precision.
_BLOCK = 2**16


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
    spread : the variance over cases of the difference between the first and the second.
    """

    metric: str
    estimates: dict[str, Estimate]
    p_values: Floats = field(repr=False)
    level: float
    method: RankMethod
    test: str
    spread: float
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
        needed = max(z, 0.0) ** 2 * self.spread / gap**2
        return float(max(np.ceil(needed - first.n), 1.0))

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw each model's places as a bar, the best model on top; returns the axes.

        The point is the observed place. Lines at the right join models that cannot be told apart.
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
    greater_is_better : whether a larger mean score is a better one.
    metric : what the mean score is called.
    resamples, random_state : for ``max-t``.

    Raises
    ------
    ValueError : fewer than two models or cases; names that repeat or are not as many as models;
        scores that are not finite; a test that does not fit; an option that goes with scores only
        and is given with an evaluation; ``level``, ``method``, ``resamples`` is none.
    TypeError : scores that are not numeric.
    """
    critical_value(level)
    if method not in RANK_METHODS:
        raise ValueError(_one_of("method", RANK_METHODS, method))
    if test is not None and test not in RANK_TESTS:
        raise ValueError(_one_of("test", RANK_TESTS, test))
    table = None
    if isinstance(scores, Evaluation):
        if names is not None or groups is not None:
            raise ValueError("An evaluation has its own names and groups; give none of them again.")
        found = scores
    else:
        found, table = _evaluated(scores, names, groups, greater_is_better, metric)
    if len(found.names) < 2:
        raise ValueError("The 'scores' parameter must hold at least two models.")
    countable = table is not None and groups is None and _is_binary(table)
    if test is None:
        test = "exact" if countable and method == "holm" else "t"
    if test != "t" and (not countable or method != "holm"):
        raise ValueError(
            f"test={test!r} is for scores of 0 and 1 of single cases, and method='holm'. "
            "Use test='t'."
        )
    gaps, variance = _differences(found)
    pairs = np.triu_indices(len(gaps), 1)
    adjusted = np.ones_like(gaps)
    if test != "t":
        assert table is not None
        only_first, only_second = (counts[pairs] for counts in _told_apart(table))
        adjusted[pairs] = holm(mcnemar_p_value(only_first, only_second, method=test))
    elif method == "holm":
        known_from = effective(np.minimum.outer(found.most, found.most), found.units)
        adjusted[pairs] = holm(p_values(gaps[pairs], variance[pairs], known_from[pairs]))
    else:
        statistics = gaps / np.sqrt(np.where(variance > 0, variance, np.inf))
        covariance = found.units.covariance(found.contributions)
        adjusted = max_t(
            statistics,
            covariance,
            degrees=float(effective(found.most.min(), found.units)) - 1,
            resamples=resamples,
            random_state=random_state,
        )
    adjusted = np.minimum(adjusted, adjusted.T)
    order = np.argsort(-found.values if found.greater_is_better else found.values, kind="stable")
    estimates = found.estimates(level=level)
    return Ranks(
        metric=found.metric,
        estimates={found.names[i]: estimates[found.names[i]] for i in order},
        p_values=adjusted[np.ix_(order, order)],
        level=float(level),
        method=method,
        test="paired t" if test == "t" else f"McNemar {test}",
        greater_is_better=found.greater_is_better,
        spread=float(variance[order[0], order[1]]) * found.units.n,
    )


def _evaluated(
    scores: Any,
    names: Sequence[str] | None,
    groups: npt.ArrayLike | None,
    greater_is_better: bool,
    metric: str,
) -> tuple[Evaluation, npt.NDArray[Any]]:
    """Checked scores as an evaluation, and as they are."""
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
    if table.ndim != 2:
        raise ValueError(
            "The 'scores' parameter must have the shape (models, cases), got an array of shape "
            f"{table.shape}."
        )
    if table.dtype.kind == "f" and not np.all(np.isfinite(table)):
        raise ValueError("The 'scores' parameter must be finite. It holds NaN or infinity.")
    called = tuple(map(str, range(1, len(table) + 1) if names is None else names))
    if len(called) != len(table) or len(set(called)) < len(called):
        raise ValueError(
            f"The 'names' parameter must hold a name of its own for each of {len(table)} models."
        )
    members = None if groups is None else members_of(groups, table.shape[1])
    scale: Literal["proportion", "real"] = "proportion" if _is_binary(table) else "real"
    found = mean_evaluation(
        metric, called, table, members, scale=scale, greater_is_better=greater_is_better
    )
    return found, table


def _differences(found: Evaluation) -> tuple[Floats, Floats]:
    """All differences between two values, row less column, and their variances."""
    covariance = found.units.covariance(found.contributions)
    own, sizes = np.diag(covariance), np.abs(found.values)
    return settle(
        found.values[:, None] - found.values,
        own[:, None] + own - 2 * covariance,
        own[:, None] + own,
        sizes[:, None] + sizes,
    )


def _told_apart(table: npt.NDArray[Any]) -> tuple[Integers, Integers]:
    """In how many cases only the row's model is right, and only the column's."""
    models, n = table.shape
    both = np.zeros((models, models))
    for begin in range(0, n, _BLOCK):
        block = table[:, begin : begin + _BLOCK].astype(np.float32)
        both += block @ block.T
    right = np.diag(both)
    only_row = np.rint(right[:, None] - both).astype(np.int64)
    return only_row, only_row.T


def _is_binary(table: npt.NDArray[Any]) -> bool:
    return bool(np.all((table == 0) | (table == 1)))


def _one_of(name: str, allowed: tuple[str, ...], given: object) -> str:
    return f"The '{name}' parameter must be one of {', '.join(allowed)}. Got {given!r} instead."
