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
_WAVES = 100
#: Of the median distance between rows: how far apart rows may be to be told apart.
_DISTANCES = (0.2, 0.5, 1.0)
_PAIRS_FOR_MEDIAN = 4_000


class Family(Protocol):
    """Features of rows: from shape (n, width) to (n, features)."""

    @property
    def name(self) -> str: ...

    def __call__(self, design: Floats) -> Singles: ...


@dataclass(frozen=True)
class Linear:
    """The columns themselves: a shift of means."""

    name: str = "means"

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

    sorted_columns: Floats
    degree: int
    name: str = "ranks"

    @classmethod
    def of(cls, design: Floats, most: int) -> "Ranks":
        degree = int(np.clip(most // max(design.shape[1], 1), 1, _DEGREE))
        return cls(np.sort(design, axis=0), degree)

    def __call__(self, design: Floats) -> Singles:
        n, width = len(self.sorted_columns), design.shape[1]
        found = np.empty((len(design), width * self.degree), dtype=np.float32)
        for column in range(width):
            known, values = self.sorted_columns[:, column], design[:, column]
            below = np.searchsorted(known, values, side="left")
            upto = np.searchsorted(known, values, side="right")
            rank = (below + upto) / n - 1
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

    @classmethod
    def of(cls, width: int, distance: float, name: str, rng: np.random.Generator) -> "Waves":
        directions = rng.standard_normal((width, _WAVES)) / distance
        return cls(directions.astype(np.float32), name)

    def __call__(self, design: Floats) -> Singles:
        angle = design.astype(np.float32) @ self.directions
        return np.hstack([np.cos(angle), np.sin(angle)])


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
        found += [
            Waves.of(width, share * median, f"distance {share:g}", rng) for share in _DISTANCES
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
