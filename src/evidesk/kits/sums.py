"""Sums of terms over the cases of a table, made in one pass, however large it is.

They are exact, so that the parts of a table add up to the very same wherever they are summed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.kits.kit import KitError, Progress
from evidesk.kits.numbers import STEPS, exact_sum
from evidesk.kits.table import TableFile
from evidesk.methods.metrics.moments import Moments

Floats = npt.NDArray[np.float64]

#: Sums by group are held in memory: so many numbers take a gigabyte.
_MOST_SUMS = 2**27


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
        table.tally(
            name,
            f"SELECT {chosen} FROM {source} GROUP BY ALL",  # noqa: S608 - own names
            keys,
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
