"""Many tests at once: which of them may be believed, if a share of the believed ones may be wrong.

Sources: Benjamini and Hochberg, "Controlling the false discovery rate", Journal of the Royal
Statistical Society B 57 (1995) 289-300; Benjamini and Yekutieli, "The control of the false
discovery rate in multiple testing under dependency", Annals of Statistics 29 (2001) 1165-1188,
theorem 1.3, for any dependence.
"""

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
#: ``bh`` holds for independent tests and those that only help each other; ``by`` always.
Correction = Literal["bh", "by"]
CORRECTIONS: tuple[Correction, ...] = get_args(Correction)


def false_discovery(p_values: npt.ArrayLike, correction: Correction = "bh") -> Floats:
    """Adjusted p-values: take those at most alpha for discoveries, and the expected share of wrong
    ones among them is at most alpha.

    Parameters
    ----------
    p_values : array-like of shape (k,), in [0, 1].
    correction : ``bh`` (Benjamini-Hochberg) for independent or positively dependent tests;
        ``by`` (Benjamini-Yekutieli) for any dependence, at the price of a factor 1 + 1/2 + ... +
        1/k.

    Raises
    ------
    ValueError : a p-value is outside [0, 1] or NaN; ``correction`` is none.
    """
    check_correction(correction)
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ValueError("The 'p_values' parameter must be a list of values in the range [0, 1].")
    k = len(p)
    ranks = np.arange(1, k + 1)
    factor = k * price(k, correction)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(k)
    # The smallest among a value and all that are larger.
    stepped = np.minimum.accumulate((p[order] * factor / ranks)[::-1])[::-1]
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def price(k: int, correction: Correction) -> float:
    """By what an adjusted p-value is larger for any dependence: 1 + 1/2 + ... + 1/k, or 1."""
    return float((1 / np.arange(1, k + 1)).sum()) if correction == "by" else 1.0


def check_correction(correction: object) -> None:
    """Raise ValueError unless it names one."""
    if correction not in CORRECTIONS:
        raise ValueError(
            f"The 'correction' parameter must be one of {', '.join(CORRECTIONS)}. "
            f"Got {correction!r} instead."
        )
