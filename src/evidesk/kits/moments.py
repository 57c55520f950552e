"""Metrics of predicted numbers from sums that one pass over a table makes, however large it is.

Each metric here is, to first order, a mean over cases of a few terms such as the squared error. The
sums of these terms and of their products tell its error; for grouped cases, the sums by group do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.kits.kit import KitError, Progress
from evidesk.kits.numbers import STEPS, exact_sum
from evidesk.kits.table import TableFile
from evidesk.methods.metrics.evaluation import Evaluation
from evidesk.methods.metrics.means import effective_losses, hidden_variance
from evidesk.methods.metrics.scales import Scale
from evidesk.methods.metrics.units import Units

Floats = npt.NDArray[np.float64]

#: Sums by group are held in memory: so many numbers take a gigabyte.
_MOST_SUMS = 2**27


@dataclass(frozen=True)
class Moments:
    """Sums of several terms over cases.

    Attributes
    ----------
    n : number of cases.
    means : array of shape (terms,).
    covariance : array of shape (terms, terms), of a case's terms.
    sizes : array of shape (groups,), cases of each group; None without groups.
    by_group : array of shape (terms, groups), sums over the cases of each group; None without.
    """

    n: int
    means: Floats
    covariance: Floats
    sizes: Floats | None = None
    by_group: Floats | None = None

    def combined(self, factors: npt.ArrayLike, constants: npt.ArrayLike) -> "Moments":
        """Of other terms, that are these times ``factors`` (new, old) plus ``constants`` (new,)."""
        by, plus = np.asarray(factors, dtype=np.float64), np.asarray(constants, dtype=np.float64)
        by_group = None
        if self.by_group is not None and self.sizes is not None:
            by_group = by @ self.by_group + plus[:, None] * self.sizes
        covariance = by @ self.covariance @ by.T
        return Moments(self.n, by @ self.means + plus, covariance, self.sizes, by_group)

    def bearing(self, term: int) -> float:
        """How many equal losses would say as much as those that add up to this term.

        See :func:`~evidesk.methods.metrics.means.effective_losses`; of groups, where there are any.
        """
        if self.by_group is not None:
            return float(effective_losses(self.by_group[term]))
        first = self.means[term] ** 2
        second = self.covariance[term, term] + first
        return float(self.n * first / second) if second > 0 else float(self.n)

    def evaluation(
        self,
        metric: str,
        names: Sequence[str],
        values: npt.ArrayLike,
        slopes: npt.ArrayLike,
        *,
        scale: Scale = "real",
        unit: str = "",
        greater_is_better: bool = True,
        effective: float | None = None,
    ) -> Evaluation:
        """A metric whose error is that of the terms' means times ``slopes``, for each model.

        Parameters
        ----------
        values : array of shape (models,).
        slopes : array of shape (models, terms); derivatives of the values by the means.
        effective : for a function of losses, how many of them bear the value; see `bearing`.

        Raises
        ------
        ValueError : there are fewer than two cases or groups.
        """
        at, by = np.asarray(values, dtype=np.float64), np.asarray(slopes, dtype=np.float64)
        independent = None
        if self.sizes is None or self.by_group is None:
            if self.n < 2:
                raise ValueError(
                    "At least two cases are needed: one alone cannot tell how much cases differ."
                )
            # Cases of 2 T kinds whose terms have the same means and covariance as the real ones.
            terms = len(self.means)
            units = Units.of_cases(np.full(2 * terms, self.n / (2 * terms)))
            spread = by @ _root(self.covariance) * np.sqrt(terms) / self.n
            contributions = np.concatenate([spread, -spread], axis=1)
        else:
            units = Units.of_groups(self.sizes)
            contributions = by @ (self.by_group - self.means[:, None] * self.sizes) / self.n
            independent = np.einsum("mi,ij,mj->m", by, self.covariance, by) / (self.n - 1)
        known = units.effective if effective is None else effective
        hidden = hidden_variance(units.variance(contributions), np.full(len(at), known))
        return Evaluation(
            metric=metric,
            names=tuple(names),
            values=at,
            contributions=contributions,
            units=units,
            scale=scale,
            most=np.full(len(at), known),
            replicate=_no_replicates,
            greater_is_better=greater_is_better,
            unit=unit,
            delta="clt",
            independent=independent,
            unseen=0.0 if effective is None else hidden,
        )


class Sums:
    """Sums of terms in a table, by the values of some columns.

    Parameters
    ----------
    name : of the SQL table that holds them.
    source : SQL with the columns that the terms and ``keys`` speak of.
    terms : SQL of each term, in [-1, 1], by its name.
    products : pairs of names whose products are asked for.
    keys : columns of ``source``, of which ``grp``, if it is there, names the groups.
    """

    def __init__(
        self,
        table: TableFile,
        name: str,
        source: str,
        terms: Mapping[str, str],
        products: Sequence[tuple[str, str]],
        keys: Sequence[str],
        progress: Progress,
        span: tuple[float, float],
    ) -> None:
        self._table, self._name, self._progress = table, name, progress
        self._at = span[1], span[1]
        self._places = {name: i for i, name in enumerate(terms)}
        self._products = {pair: i for i, pair in enumerate(products)}
        self._grouped = "grp" in keys
        sums = [f"{exact_sum(term)} AS s{i}" for i, term in enumerate(terms.values())]
        sums += [
            f"{exact_sum(f'({terms[a]}) * ({terms[b]})')} AS p{i}"
            for i, (a, b) in enumerate(products)
        ]
        chosen = ", ".join([*keys, "count(*) AS n", *sums])
        table.rows(
            f"CREATE TEMP TABLE {name} AS SELECT {chosen} FROM {source} GROUP BY ALL",  # noqa: S608
            progress,
            "Adding up",
            span,
        )
        self._total: dict[str, tuple[Any, ...]] = {}

    def means(self, names: Sequence[str], where: str = "true") -> Floats:
        """Means of some terms over the cases whose keys fulfil the condition."""
        n, *found = self._totals(where)
        return np.array([found[self._places[name]] / n for name in names])

    def moments(self, names: Sequence[str], where: str = "true") -> Moments:
        """Of some terms, over the cases whose keys fulfil the condition.

        Raises
        ------
        KitError : there are too many groups.
        """
        places = [self._places[name] for name in names]
        n, *found = self._totals(where)
        sums, products = np.array(found[: len(self._places)]), found[len(self._places) :]
        means = sums[places] / n
        second = np.array(
            [[products[self._product(a, b)] / n for b in names] for a in names], dtype=np.float64
        )
        covariance = second - np.outer(means, means)
        if not self._grouped:
            return Moments(n, means, covariance)
        ((groups,),) = self._ask(f"SELECT count(DISTINCT grp) FROM {self._name} WHERE {where}")  # noqa: S608
        if groups * len(names) > _MOST_SUMS:
            raise KitError(
                f"{groups:,} groups are too many to be held in memory. Leave the group out if it "
                "numbers the cases."
            )
        asked = ", ".join(f"sum(s{i})::DOUBLE / {STEPS}" for i in places)
        sizes, *by_group = self._table.arrays(
            f"SELECT sum(n)::DOUBLE, {asked} FROM {self._name} WHERE {where} "  # noqa: S608 - own names
            "GROUP BY grp ORDER BY grp",
            self._progress,
            "Adding up",
            self._at,
        )
        return Moments(n, means, covariance, sizes, np.stack(by_group))

    def _totals(self, where: str) -> tuple[Any, ...]:
        if where not in self._total:
            asked = [f"sum(s{i})::DOUBLE / {STEPS}" for i in self._places.values()]
            asked += [f"sum(p{i})::DOUBLE / {STEPS}" for i in self._products.values()]
            (self._total[where],) = self._ask(
                f"SELECT sum(n)::BIGINT, {', '.join(asked)} FROM {self._name} WHERE {where}"  # noqa: S608
            )
        return self._total[where]

    def _product(self, a: str, b: str) -> int:
        return self._products[(a, b) if (a, b) in self._products else (b, a)]

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self._table.rows(sql, self._progress, "Adding up", self._at)


def _root(covariance: Floats) -> Floats:
    """A matrix whose product with its transpose is the covariance, however singular that is."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))


def _no_replicates(weights: Floats) -> Floats:
    raise NotImplementedError("sums cannot be resampled")
