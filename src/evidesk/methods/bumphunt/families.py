"""Smooth functions that a background's spectrum may follow: families whose logarithm is linear in
their parameters, ordered from simple to flexible.

Sources: CDF, "Search for new particles decaying into dijets", PRD 79 (2009) 112002,
arXiv:0812.4036, for the dijet function, and ATLAS, arXiv:1910.08447, for its higher orders;
exponentials of polynomials are common where no physics suggests a function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Family:
    """Functions ``exp(b_0 c_0(m) + b_1 c_1(m) + ...)``; the order is how many terms there are.

    Attributes
    ----------
    name : as it is printed.
    columns : of masses of shape (n,) and the spectrum's lowest and highest mass makes shape
        (n, largest), the terms c_0, c_1, ...
    smallest, largest : the orders that may be chosen.
    """

    name: str
    columns: Callable[[Floats, float, float], Floats]
    smallest: int
    largest: int

    def __post_init__(self) -> None:
        if not 1 <= self.smallest <= self.largest:
            raise ValueError(
                f"The orders of a family must be 1 <= smallest <= largest, got {self.smallest} "
                f"and {self.largest}."
            )


def dijet(energy: float, *, largest: int = 6) -> Family:
    """``(1 - z)^p1 z^-(p2 + p3 ln z + p4 ln^2 z + ...)`` with ``z = m / energy``.

    Parameters
    ----------
    energy : of the collisions, in the mass's unit, for example 13 (TeV).
    largest : the most parameters; the first is the normalisation.
    """

    def columns(masses: Floats, low: float, high: float) -> Floats:
        if not 0 < low < high < energy:
            raise ValueError(
                f"The dijet function needs masses above 0 and below the energy of {energy:g}; the "
                f"spectrum goes from {low:g} to {high:g}. Are the units the same?"
            )
        logarithm = np.log(masses / energy)
        powers = [logarithm**power for power in range(2, largest - 1)]
        terms = [np.ones_like(masses), logarithm, np.log1p(-masses / energy), *powers]
        return np.stack(terms[:largest], axis=1)

    return Family("dijet function", columns, 2, largest)


def exponential(*, largest: int = 6) -> Family:
    """The exponential of a polynomial, of degree ``order - 1``."""

    def columns(masses: Floats, low: float, high: float) -> Floats:
        # Legendre's polynomials span the same functions as powers, and are far from collinear.
        scaled = 2 * (masses - low) / (high - low) - 1
        return np.asarray(np.polynomial.legendre.legvander(scaled, largest - 1), dtype=np.float64)

    return Family("exponential of a polynomial", columns, min(2, largest), largest)


def of_basis(
    basis: Callable[[Floats], npt.ArrayLike], largest: int, *, smallest: int = 1, name: str = "own"
) -> Family:
    """A family of one's own: ``basis`` makes of masses of shape (n,) the terms, shape
    (n, largest), the simplest first.
    """

    def columns(masses: Floats, _low: float, _high: float) -> Floats:
        found = np.asarray(basis(masses), dtype=np.float64)
        if found.shape != (len(masses), largest) or not np.isfinite(found).all():
            raise ValueError(
                f"The basis must make finite numbers of shape {(len(masses), largest)} of "
                f"{len(masses)} masses; got shape {found.shape}."
            )
        return found

    return Family(name, columns, smallest, largest)


def family_of(family: Any) -> Family:
    """The family, or the one of that name.

    Raises
    ------
    ValueError : there is none of that name.
    """
    if isinstance(family, Family):
        return family
    if family == "exponential":
        return exponential()
    raise ValueError(
        f"The 'family' parameter must be 'exponential' or made by dijet, exponential or of_basis; "
        f"got {family!r}."
    )
