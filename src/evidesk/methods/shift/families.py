"""Families of features in which two samples can differ, made of the pooled rows alone.

Each family sees another kind of shift: means, correlations, the shape of single features, or
anything at a certain distance. Sources: Rahimi and Recht, "Random features for large-scale kernel
machines", NeurIPS 20 (2007), for :class:`Waves`; Legendre polynomials of ranks are the components
of Neyman's smooth test, Skandinavisk Aktuarietidskrift 20 (1937) 149-199.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from numpy.polynomial import legendre

from evidesk.methods.shift.samples import Samples

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

#: A family has at most so many features, and all rows together at most so many numbers.
MOST_FEATURES = 1_000
MOST_NUMBERS = 60_000_000
_FEWEST_FEATURES = 100
_DEGREE = 4
#: Waves at one distance, and their most numbers; each row's cosine costs more than a product.
_WAVES, _FEWEST_WAVES = 100, 25
_MOST_IN_WAVES = 10_000_000
#: Of the median distance between rows: how far apart rows may be to be told apart.
_DISTANCES = (0.2, 0.5, 1.0)
_PAIRS_FOR_MEDIAN = 4_000


class Family(Protocol):
    """Features of rows: from shape (n, width) to (n, features)."""

    @property
    def name(self) -> str: ...

    @property
    def is_plain(self) -> bool:
        """Whether a single feature can hold a whole shift."""
        ...

    def __call__(self, design: Floats) -> Singles: ...


@dataclass(frozen=True)
class Linear:
    """The columns themselves: a shift of means."""

    name: str = "means"
    is_plain: bool = True

    def __call__(self, design: Floats) -> Singles:
        return design.astype(np.float32)


@dataclass(frozen=True)
class Products:
    """Products of two columns: a shift of variances and correlations.

    Of many columns, products of two random sums of them.
    """

    first: npt.NDArray[np.float32]
    second: npt.NDArray[np.float32]
    name: str = "products"
    is_plain: bool = True

    @classmethod
    def of(cls, width: int, most: int, rng: np.random.Generator) -> "Products":
        if width * (width + 1) // 2 <= most:
            i, j = np.triu_indices(width)
            unit = np.eye(width, dtype=np.float32)
            return cls(unit[:, i], unit[:, j])
        first, second = rng.standard_normal((2, width, most)).astype(np.float32)
        return cls(first / np.sqrt(width), second / np.sqrt(width))

    def __call__(self, design: Floats) -> Singles:
        rows = design.astype(np.float32)
        return np.asarray((rows @ self.first) * (rows @ self.second))


@dataclass(frozen=True)
class Ranks:
    """Legendre polynomials of each column's ranks: a shift of any single feature's distribution,
    however far its tails reach.
    """

    sorted_columns: tuple[Floats, ...]
    degree: int
    name: str = "ranks"
    is_plain: bool = True

    @classmethod
    def of(cls, design: Floats, most: int) -> "Ranks":
        degree = int(np.clip(most // max(design.shape[1], 1), 1, _DEGREE))
        return cls(tuple(np.sort(column) for column in _columns(design)), degree)

    def __call__(self, design: Floats) -> Singles:
        n, width = len(self.sorted_columns[0]), design.shape[1]
        found = np.empty((len(design), width * self.degree), dtype=np.float32)
        rank = np.empty(len(design))
        for column, known in enumerate(self.sorted_columns):
            # To look for values in their order is ten times as fast as at random.
            order = np.argsort(design[:, column])
            values = design[order, column]
            below = np.searchsorted(known, values, side="left")
            upto = np.searchsorted(known, values, side="right")
            rank[order] = (below + upto) / n - 1
            # Without the constant polynomial.
            found[:, column::width] = legendre.legvander(rank, self.degree)[:, 1:]
        return found


@dataclass(frozen=True)
class Waves:
    """Cosines and sines in random directions, which together see every shift at one distance: the
    random features of a Gaussian kernel.
    """

    directions: npt.NDArray[np.float32]
    name: str
    is_plain: bool = False

    @classmethod
    def of(
        cls, width: int, distance: float, name: str, rng: np.random.Generator, count: int = _WAVES
    ) -> "Waves":
        directions = rng.standard_normal((width, count)) / distance
        return cls(directions.astype(np.float32), name)

    def __call__(self, design: Floats) -> Singles:
        angle = design.astype(np.float32) @ self.directions
        waves = angle.shape[1]
        found = np.empty((len(design), 2 * waves), dtype=np.float32)
        np.cos(angle, out=found[:, :waves])
        np.sin(angle, out=found[:, waves:])
        return found


def families_for(samples: Samples, rng: np.random.Generator) -> list[Family]:
    """The families that can tell something of these samples."""
    most = int(np.clip(MOST_NUMBERS // samples.n, _FEWEST_FEATURES, MOST_FEATURES))
    design, width = samples.design, samples.design.shape[1]
    found: list[Family] = [Linear()]
    # One column of 0 and 1 has no shape beyond its mean.
    if not _is_binary(design):
        found += [Products.of(width, most, rng), Ranks.of(design, most)]
    elif width > 1:
        found.append(Products.of(width, most, rng))
    if width > 1 or len(found) > 1:
        median = median_distance(design, rng)
        waves = int(np.clip(_MOST_IN_WAVES // samples.n, _FEWEST_WAVES, _WAVES))
        found += [
            Waves.of(width, share * median, f"distance {share:g}", rng, waves)
            for share in _DISTANCES
        ]
    return found


def _is_binary(design: Floats) -> bool:
    return all(len(np.unique(column)) <= 2 for column in _columns(design))


def _columns(design: Floats) -> Iterable[Floats]:
    return design.T


def median_distance(design: Floats, rng: np.random.Generator) -> float:
    """Median of the distances between random pairs of rows that differ; above 0."""
    i, j = rng.integers(0, len(design), (2, _PAIRS_FOR_MEDIAN))
    squared = ((design[i] - design[j]) ** 2).sum(axis=1)
    apart = squared[squared > 0]
    return float(np.sqrt(np.median(apart))) if apart.size else 1.0
