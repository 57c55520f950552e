"""Many tests at once: p-values that keep the chance of any false alarm at the level.

Sources: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
Statistics 6 (1979) 65-70; Romano and Wolf, "Exact and approximate stepdown methods for multiple
hypothesis testing", JASA 100 (2005) 94-108, algorithm 4.1, for the largest statistic;
Chernozhukov, Chetverikov and Kato, "Gaussian approximations and multiplier bootstrap for maxima of
sums of high-dimensional random vectors", Annals of Statistics 41 (2013) 2786-2819, for its normal
replicates.
"""

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.methods.metrics.resampling import RandomState, generator

Floats = npt.NDArray[np.float64]

#: Memory of one batch of replicates, in bytes.
_BATCH = 2**25


def holm(p_values: npt.ArrayLike) -> Floats:
    """Holm's adjusted p-values: reject those at most alpha, and P(any false rejection) <= alpha.

    That holds whatever the dependence between the tests. Never larger than Bonferroni's.

    Parameters
    ----------
    p_values : array-like of any shape, in [0, 1].

    Returns
    -------
    Array of the same shape.

    Raises
    ------
    ValueError : a p-value is outside [0, 1] or NaN.
    TypeError : the p-values are not numeric.
    """
    p = np.asarray(p_values)
    if p.size and p.dtype.kind not in "iuf":
        raise TypeError(f"The 'p_values' parameter must hold numbers, got type {p.dtype}.")
    flat = p.astype(np.float64).ravel()
    if not np.all((flat >= 0) & (flat <= 1)):
        raise ValueError("The 'p_values' parameter must hold values in the range [0, 1].")
    order = np.argsort(flat, kind="stable")
    adjusted = np.empty_like(flat)
    adjusted[order] = np.minimum(
        np.maximum.accumulate(flat[order] * np.arange(flat.size, 0, -1)), 1
    )
    return adjusted.reshape(p.shape)


def max_t(
    p_values: npt.ArrayLike,
    covariance: npt.ArrayLike,
    units: float,
    *,
    resamples: int = 10_000,
    random_state: RandomState = None,
) -> Floats:
    """Adjusted p-values of all paired differences, from the largest statistic, step by step.

    The differences of M correlated values say much the same M (M - 1) / 2 times; what the largest
    of their statistics does by chance is drawn from their joint normal distribution, so less is
    paid than with :func:`holm`.

    Parameters
    ----------
    p_values : array of shape (M, M), symmetric; of each difference alone, two-sided. They are put
        on the normal scale, so that variances known badly are allowed for.
    covariance : array of shape (M, M); of the M values.
    units : how many independent units the covariance was estimated from. With few of them it
        misses directions, and the largest statistic would seem smaller than it is: it is shrunk
        towards its diagonal by ``M / (M + units)``, as in Ledoit and Wolf, "A
        well-conditioned estimator for large-dimensional covariance matrices", Journal of
        Multivariate Analysis 88 (2004) 365-411, but with a weight found by our study.
    resamples : number of draws, 100 or more; the smallest p-value is ``1 / (resamples + 1)``.
    random_state : None, an integer or a generator.

    Returns
    -------
    Array of shape (M, M), symmetric, 1 on the diagonal.

    Raises
    ------
    ValueError : ``resamples`` or ``random_state`` is none.
    """
    if not isinstance(resamples, int | np.integer) or resamples < 100:
        raise ValueError(
            f"The 'resamples' parameter must be an integer of 100 or more. Got {resamples!r} "
            "instead."
        )
    rng = generator(random_state)
    cov = np.asarray(covariance, dtype=np.float64)
    i, j = np.triu_indices(len(cov), 1)
    p = np.asarray(p_values, dtype=np.float64)[i, j]
    observed = -special.ndtri(np.maximum(p, np.finfo(np.float64).tiny) / 2)
    differ = p < 1
    cov = cov - len(cov) / (len(cov) + units) * (cov - np.diag(np.diag(cov)))
    variances, vectors = np.linalg.eigh(cov)
    factor = vectors * np.sqrt(np.maximum(variances, 0))
    spread = cov[i, i] + cov[j, j] - 2 * cov[i, j]
    # Models that are exactly equal have no statistic, and their difference none in any draw.
    error = np.sqrt(np.where(differ & (spread > 0), spread, np.inf))
    order = np.argsort(-observed, kind="stable")
    i, j, error, reached = i[order], j[order], error[order], observed[order]
    exceeded = np.zeros(len(order))
    batch = max(1, _BATCH // (8 * len(order)))
    for begin in range(0, resamples, batch):
        rows = min(batch, resamples - begin)
        drawn = rng.standard_normal((rows, len(cov))) @ factor.T
        differences = np.abs(drawn[:, i] - drawn[:, j]) / error
        # The largest among the hypotheses that stand when this one's turn comes.
        standing = np.maximum.accumulate(differences[:, ::-1], axis=1)[:, ::-1]
        exceeded += (standing >= reached).sum(axis=0)
    adjusted = np.ones_like(cov)
    adjusted[i, j] = np.maximum.accumulate((exceeded + 1) / (resamples + 1))
    adjusted[j, i] = adjusted[i, j]
    return adjusted
