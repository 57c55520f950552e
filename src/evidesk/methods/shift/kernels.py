"""Statistics of pairs of rows, for thousands of labellings at once: MMD and energy distance.

Both are ``E k(X, X') + E k(Y, Y') - 2 E k(X, Y)``: for MMD, k is a kernel, and for the energy
distance it is the negative distance. Products of the kernel's matrix with all labellings give it
for all of them. A block of the matrix's rows is made at a time, so that memory is linear in the
number of rows; time is quadratic.

Sources: Gretton, Borgwardt, Rasch, Schoelkopf and Smola, "A kernel two-sample test", JMLR 13 (2012)
723-773, lemma 6, for the unbiased MMD; Schrab, Kim, Albert, Laurent, Guedj and Gretton, "MMD
aggregated two-sample test", JMLR 24 (2023) 194, for many bandwidths of Gaussian and Laplace kernels
at once; Szekely and Rizzo, "Energy statistics", Journal of Statistical Planning and Inference 143
(2013) 1249-1272; that all are of one form: Sejdinovic, Sriperumbudur, Gretton and Fukumizu,
"Equivalence of distance-based and RKHS-based statistics in hypothesis testing", Annals of
Statistics 41 (2013) 2263-2291.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Metric = Literal["cityblock", "euclidean", "sqeuclidean"]

#: Beyond so many rows the time is no longer worth it.
MOST_ROWS = 20_000
#: Of the median distance: from differences in details to those of the whole.
_BANDWIDTHS = (0.125, 0.25, 0.5, 1.0, 2.0)
#: Numbers in one block of the matrix.
_IN_BLOCK = 4_000_000
_FOR_MEDIAN = 500


@dataclass(frozen=True)
class Kernel:
    """How alike two rows are, as a function of their distance."""

    name: str
    metric: Metric
    of_distance: Callable[[Singles], Singles]


def energy_kernel() -> Kernel:
    """The negative Euclidean distance."""
    return Kernel("energy", "euclidean", np.negative)


def mmd_kernels(design: Floats, rng: np.random.Generator) -> list[Kernel]:
    """Gaussian and Laplace kernels of five bandwidths each, as shares of the median distance."""
    rows = design[rng.permutation(len(design))[:_FOR_MEDIAN]]
    found = [_gaussian(share, share * _median(rows, "euclidean")) for share in _BANDWIDTHS]
    return found + [_laplace(share, share * _median(rows, "cityblock")) for share in _BANDWIDTHS]


def _gaussian(share: float, bandwidth: float) -> Kernel:
    factor = np.float32(-1 / (2 * bandwidth**2))
    return Kernel(f"Gaussian {share:g}", "sqeuclidean", lambda squared: np.exp(factor * squared))


def _laplace(share: float, bandwidth: float) -> Kernel:
    factor = np.float32(-1 / bandwidth)
    return Kernel(f"Laplace {share:g}", "cityblock", lambda distance: np.exp(factor * distance))


def _median(rows: Floats, metric: Metric) -> float:
    distances = cdist(rows, rows, metric)
    # Not all are 0: some column varies, if only in rows that were not drawn.
    return float(np.median(distances[distances > 0])) if distances.any() else 1.0


def check_size(n: int, method: str) -> None:
    """Raises
    ------
    ValueError : more rows than the time is worth.
    """
    if n > MOST_ROWS:
        raise ValueError(
            f"The method '{method}' compares all pairs of rows, which takes too long for {n:,} "
            f"rows: at most {MOST_ROWS:,}. Take method='ridge' or 'prequential', which are linear "
            "in the number of rows, or give a random part of each sample."
        )


def kernel_statistics(
    kernels: list[Kernel],
    design: Floats,
    labels: Singles,
    progress: Callable[[float], None],
) -> Floats:
    """Unbiased estimates of each kernel's squared MMD between the rows labelled 1 and 0.

    Parameters
    ----------
    design : shape (n, width).
    labels : shape (n, b), of 0 and 1.

    Returns
    -------
    Shape (kernels, b).
    """
    n, b = labels.shape
    # Sums over pairs of current rows, and of current rows with all others.
    inside = np.zeros((len(kernels), b))
    across = np.zeros((len(kernels), b))
    total = np.zeros(len(kernels))
    level: list[np.float32] = []
    size = max(1, _IN_BLOCK // n)
    for begin in range(0, n, size):
        rows = np.arange(begin, min(begin + size, n))
        metric, distances = "", np.empty((0, 0), dtype=np.float32)
        for number, kernel in enumerate(kernels):
            if kernel.metric != metric:
                metric = kernel.metric
                distances = cdist(design[rows], design, kernel.metric).astype(np.float32)
            block = kernel.of_distance(distances)
            if begin == 0:
                level.append(block.mean())
            # What all pairs have in common drops out, and so do its rounding errors.
            block -= level[number]
            block[rows - begin, rows] = 0
            inside[number] += np.einsum("ij,ij->j", block @ labels, labels[rows], dtype=np.float64)
            sums = block.sum(axis=1, dtype=np.float64)
            across[number] += sums @ labels[rows]
            total[number] += sums.sum()
        progress((rows[-1] + 1) / n)
    current = labels.sum(axis=0, dtype=np.float64)
    reference = n - current
    between = across - inside
    rest = total[:, None] - inside - 2 * between
    found: Floats = (
        inside / np.maximum(current * (current - 1), 1)
        + rest / np.maximum(reference * (reference - 1), 1)
        - 2 * between / (current * reference)
    )
    return found
