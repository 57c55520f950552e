"""Which rows to compute next, if several are to be computed at once?

The row of largest variance, and then the row of largest variance as it will be once that one is
known, and so on: rows that would say the same are not chosen twice. Source: Seo, Wallat, Graepel
and Obermayer, "Gaussian process regression: active data selection and test point rejection", IJCNN
2000, section 3 (ALM), with the later variances by pivoted Cholesky decomposition.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def select_rows(factors: Floats, noise: float, k: int) -> npt.NDArray[np.intp]:
    """The ``k`` rows to compute, the most telling first.

    Parameters
    ----------
    factors : shape (rows, r); the rows' covariance is ``factors @ factors.T``.
    noise : variance with which a computed row would be known; at least 0.
    k : how many, at most as many as there are rows.
    """
    variance = np.einsum("ij,ij->i", factors, factors)
    known = np.empty((len(factors), k))
    chosen: list[int] = []
    for step in range(k):
        free = variance.copy()
        free[chosen] = -np.inf
        row = int(np.argmax(free))
        chosen.append(row)
        column = factors @ factors[row] - known[:, :step] @ known[row, :step]
        pivot = variance[row] + noise
        # Where nothing is left to learn, any row is as good as another.
        known[:, step] = column / np.sqrt(pivot) if pivot > 0 else 0.0
        variance = np.maximum(variance - known[:, step] ** 2, 0.0)
    return np.array(chosen, dtype=np.intp)
