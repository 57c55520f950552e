"""Quantiles of calibration scores that hold for a score which is yet to come.

Sources: Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World" (2005), section 2.2,
for the order statistic; Tibshirani, Barber, Candès and Ramdas, "Conformal prediction under
covariate shift", NeurIPS 32 (2019), lemma 3, for weights; Lee, Barber and Willett,
"Distribution-free inference with hierarchical data", arXiv:2306.06342, for groups: each group has
the same weight, shared by its rows, and so has the group that is yet to come.
"""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Sums of weights differ in their last digits from what they ought to be.
_SLACK = 1e-12


def fewest_units(level: float) -> int:
    """How many calibration rows (or groups) a finite interval needs: ``level / (1 - level)``."""
    return math.ceil(level / (1 - level) - 1e-9)


def highest_level(units: int) -> float:
    """The highest level for which so many calibration rows (or groups) give a finite interval."""
    return units / (units + 1)


def effective_size(weights: Floats) -> float:
    """How many rows of equal weight tell as much: ``sum(w)**2 / sum(w**2)`` (Kong, 1992)."""
    return float(weights.sum() ** 2 / (weights @ weights))


def upper_quantile(
    scores: Floats, mass: Floats, beyond: npt.ArrayLike, level: float
) -> npt.NDArray[np.float64]:
    """The smallest score below which ``level`` of all mass lies, some of which is at infinity.

    With masses of 1 it is the ``ceil(level (n + 1))``-th smallest score.

    Parameters
    ----------
    scores, mass : shape (n,); the calibration's, and how much each counts.
    beyond : scalar or shape (k,); the mass of what is yet to come, taken to score infinity.

    Returns
    -------
    Shape of ``beyond``; infinite where too little mass lies on the scores.
    """
    order = np.argsort(scores, kind="stable")
    below = np.cumsum(mass[order])
    wanted = level * (below[-1] + np.asarray(beyond, dtype=np.float64))
    at = np.searchsorted(below, wanted - _SLACK * below[-1], side="left")
    return np.asarray(np.append(scores[order], np.inf)[at])


def upper_quantiles(values: Floats, mass: Floats, beyond: float, level: float) -> Floats:
    """The same quantile in each row of ``values``, shape (rows, n), for columns of such masses."""
    if np.all(mass == mass[0]):
        rank = math.ceil(level * (len(mass) + beyond / mass[0]) - 1e-9)
        return np.asarray(np.partition(values, rank - 1, axis=1)[:, rank - 1])
    order = np.argsort(values, axis=1)
    below = np.cumsum(mass[order], axis=1)
    wanted = level * (mass.sum() + beyond) - _SLACK * mass.sum()
    at = (below < wanted).sum(axis=1)
    return np.asarray(np.take_along_axis(values, order, axis=1)[np.arange(len(values)), at])
