"""Each feature by itself: Kolmogorov-Smirnov for numbers, chi-squared for categories.

It sees no shift of how features go together, but names the features.

Sources: Hodges, "The significance probability of the Smirnov two-sample test", Arkiv foer Matematik
3 (1958) 469-486, for the exact p-value, as SciPy computes it; Cochran, "Some methods for
strengthening the common chi-squared tests", Biometrics 10 (1954) 417-451, for how many cases the
chi-squared distribution needs.
"""

import math
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from evidesk.methods.shift.samples import Samples

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

#: Below so many expected cases in a category, the chi-squared distribution is not trusted.
FEWEST_EXPECTED = 5
#: Up to so many rows of the larger sample, the p-value of Kolmogorov and Smirnov is exact.
_EXACT_UPTO = 1_000
#: Numbers of a batch of labellings.
_IN_BATCH = 4_000_000


@dataclass(frozen=True)
class Marginal:
    """A feature's values, for a test of that feature alone.

    Attributes
    ----------
    values : shape (n,), missing ones below all others; or shape (n, levels), of 0 and 1.
    """

    name: str
    values: Floats

    @property
    def is_numeric(self) -> bool:
        return self.values.ndim == 1

    def statistics(self, labels: Singles) -> Floats:
        """The Kolmogorov-Smirnov or the chi-squared statistic of each labelling.

        Parameters
        ----------
        labels : shape (n, b), of 0 and 1.
        """
        current = labels.sum(axis=0, dtype=np.float64)
        if not self.is_numeric:
            return _chi_squared(self.values, labels, current)
        order = np.argsort(self.values, kind="stable")
        ordered = self.values[order]
        # Only between different values can the distribution functions be compared.
        last = np.append(np.flatnonzero(ordered[1:] > ordered[:-1]), len(order) - 1)
        found = np.empty(labels.shape[1])
        batch = max(1, _IN_BATCH // len(order))
        for begin in range(0, len(found), batch):
            some = slice(begin, begin + batch)
            upto = np.cumsum(labels[order, some], axis=0, dtype=np.float64)[last]
            below = upto / current[some]
            above = (last[:, None] + 1 - upto) / (len(order) - current[some])
            found[some] = np.abs(below - above).max(axis=0)
        return found

    def p_value(self, is_current: Mask) -> float:
        """Of the labels that are there, from the statistic's distribution; NaN if that is not to be
        trusted for so few cases.
        """
        current = int(is_current.sum())
        reference = len(is_current) - current
        if self.is_numeric:
            with warnings.catch_warnings():
                # Where the exact value fails, SciPy takes the asymptotic one.
                warnings.simplefilter("ignore", RuntimeWarning)
                found = stats.ks_2samp(
                    self.values[is_current],
                    self.values[~is_current],
                    method="exact" if max(current, reference) <= _EXACT_UPTO else "asymp",
                )
            return float(found.pvalue)
        # Rare categories count as one.
        expected = self.values.sum(axis=0) * min(current, reference) / len(is_current)
        rare = expected < FEWEST_EXPECTED
        values = self.values[:, ~rare]
        if rare.any():
            values = np.column_stack([values, self.values[:, rare].sum(axis=1)])
            if expected[rare].sum() < FEWEST_EXPECTED or values.shape[1] < 2:
                return math.nan
        labels = is_current.astype(np.float32)[:, None]
        statistic = float(_chi_squared(values, labels, labels.sum(axis=0, dtype=np.float64))[0])
        return float(special.chdtrc(values.shape[1] - 1, statistic))


def _chi_squared(values: Floats, labels: Singles, current: Floats) -> Floats:
    n = len(values)
    counts = values.T.astype(np.float32) @ labels
    share = values.mean(axis=0)[:, None]
    # Of a category, both samples' deviations are equal and opposite.
    deviation = (counts - share * current) ** 2 / share
    found: Floats = deviation.sum(axis=0) * (1 / current + 1 / (n - current))
    return found


def marginals_of(samples: Samples) -> list[Marginal]:
    """Each feature that says something."""
    found = []
    for number, feature in enumerate(samples.features):
        columns = samples.design[:, samples.owner == number]
        if feature.kind == "categorical":
            columns = columns[:, columns.any(axis=0)]
        elif feature.has_missing:
            columns = np.where(columns[:, 1] > 0, -np.inf, columns[:, 0])
        else:
            columns = columns[:, 0]
        found.append(Marginal(feature.name, columns))
    return found
