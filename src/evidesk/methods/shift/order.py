"""Are neighbouring rows alike, as in a series, so that rows are not exchangeable?"""

import math

import numpy as np
import numpy.typing as npt

from evidesk.methods.shift.samples import Samples

Floats = npt.NDArray[np.float64]

#: In standard errors of a correlation of 0: what is more is no chance.
_ALIKE = 5.0
#: In standard errors that are told from the products themselves: what is less is of few rows alone,
#: such as two of a rare category that happen to be neighbours.
_OF_MANY = 3.0
_FEWEST_ROWS = 20
#: Of the values' size: what varies less is constant but for rounding.
_CONSTANT = 1e-12


def order_warning(
    samples: Samples,
    doubtful: str = "p-values are too small",
    remedy: str = "give 'block_length' or 'groups'",
) -> str:
    """What to say if neighbouring rows are more alike than chance lets them be; empty if not."""
    found = {
        name: alike(samples.design[samples.is_current == is_current])
        for is_current, name in ((False, "reference"), (True, "current sample"))
    }
    name = max(found, key=lambda one: found[one])
    if not found[name]:
        return ""
    return (
        f"Neighbouring rows of the {name} are alike (correlation {found[name]:.2f}). If their "
        "order is time, or they come in bunches, rows are not exchangeable and "
        f"{doubtful}: {remedy}. If you have sorted the rows, it is fine."
    )


def alike(rows: Floats) -> float:
    """How neighbouring rows correlate, in the column where they do most, if that is no chance; else
    0.

    Parameters
    ----------
    rows : shape (n, features), in their order.
    """
    if len(rows) < _FEWEST_ROWS:
        return 0.0
    return clearest(sums_of_neighbours(rows), len(rows))


def sums_of_neighbours(rows: Floats) -> Floats:
    """Shape (3, features): about the rows' mean, the sums of products of neighbours, of the squares
    of these products, and of the squares of rows.
    """
    centred = rows - rows.mean(axis=0)
    constant = np.abs(centred).max(axis=0) <= _CONSTANT * np.abs(rows).max(axis=0)
    centred[:, constant] = 0
    products = centred[1:] * centred[:-1]
    return np.stack([products.sum(axis=0), (products**2).sum(axis=0), (centred**2).sum(axis=0)])


def clearest(sums: Floats, n: int) -> float:
    """As :func:`alike`, of the sums that :func:`sums_of_neighbours` makes of ``n`` rows in all."""
    products, squares, variance = sums
    clear = products * math.sqrt(n) > _ALIKE * variance
    clear &= products > _OF_MANY * np.sqrt(squares)
    return float((products[clear] / variance[clear]).max(initial=0.0))
