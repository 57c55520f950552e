"""Which local level makes the band of a whole ROC curve hold its level?

The band is made of Clopper-Pearson intervals, see :mod:`evidesk.methods.metrics.curves`. Whether it
holds a curve depends on the order of the scores alone, and its coverage hardly on the curve; so it
is simulated for two classes with the same distribution, whose ROC curve is the diagonal. ``python
studies/score_bands.py`` prints the local levels and the formula fitted to them, whose coefficients
stand in that module. The coverage that results is measured by ``score_coverage.py``.
"""

import sys

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]

LEVELS = np.array([0.5, 0.68, 0.8, 0.9, 0.95, 0.99])
SIZES = (3, 5, 10, 20, 50, 100, 300, 1_000, 3_000, 10_000, 30_000)
LOCAL = np.geomspace(3e-4, 0.7, 36)


def clopper_pearson(n: int, local: float) -> tuple[Floats, Floats]:
    """Bounds of the share for every count from 0 to ``n``."""
    count = np.arange(n + 1.0)
    low = special.betaincinv(np.maximum(count, 1), n - count + 1, local / 2)
    high = special.betaincinv(count + 1, np.maximum(n - count, 1), 1 - local / 2)
    return np.where(count > 0, low, 0), np.where(count < n, high, 1)


def coverage(m: int, n: int, runs: int, rng: np.random.Generator) -> Floats:
    """Share of bands that hold the diagonal, for each of the ``LOCAL`` levels."""
    ranks = np.stack([np.sort(rng.choice(m + n, m, replace=False)) for _ in range(runs)])
    alarms = ranks - np.arange(m)  # negatives above each positive
    fewest = np.pad(alarms, ((0, 0), (1, 0)))
    most = np.pad(alarms, ((0, 0), (0, 1)), constant_values=n)
    covered = []
    for local in LOCAL:
        low, high = clopper_pearson(m, local)
        low_alarms, high_alarms = clopper_pearson(n, local)
        outside = (low_alarms[most] > high + 1e-12) | (high_alarms[fewest] < low - 1e-12)
        covered.append(1 - outside.any(axis=1).mean())
    return np.minimum.accumulate(covered)


def features(level: Floats, m: Floats, n: Floats) -> Floats:
    """The terms of the formula, with ``m <= n``."""
    a, u, v = np.log1p(-level), np.log(m), np.log(n / m)
    return np.stack([np.ones_like(u), a, u, v, u * u, v * v, u * v, a * u, a * v, a * a], axis=-1)


def main() -> None:
    """Simulate, fit and print."""
    rng = np.random.default_rng(8)
    rows = []
    for m in SIZES[:8]:
        for n in (size for size in SIZES if size >= m):
            runs = min(8_000, max(1_500, 2_000_000 // (m + n)))
            found = np.exp(np.interp(-LEVELS, -coverage(m, n, runs, rng), np.log(LOCAL)))
            rows += [(level, m, n, local) for level, local in zip(LEVELS, found, strict=True)]
            sys.stdout.write(f"{m} {n} {found.round(4)}\n")
    level, smaller, larger, local = np.array(rows).T
    # The usual levels count double, and sizes below 5 little.
    weight = np.where(level >= 0.95, 2.0, 1.0) * np.where(smaller >= 5, 1.0, 0.3)
    terms = features(level, smaller, larger)
    fit = np.linalg.lstsq(terms * weight[:, None], np.log(local) * weight, rcond=None)[0]
    error = np.std((np.log(local) - terms @ fit)[smaller >= 5])
    sys.stdout.write(f"{fit.round(3).tolist()}, root mean square error {error:.3f}\n")


if __name__ == "__main__":
    main()
