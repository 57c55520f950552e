"""Errors of predicted numbers from a few sums, for tables that no memory holds.

The sums of parts of a table merge to those of the whole (Pébay, "Formulas for robust, one-pass
parallel computation of covariances and arbitrary-order statistical moments", Sandia report
SAND2008-6212, equations 2.1 and 3.1), and tell the same estimates as all cases at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import reduce
from operator import add
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.metrics.means import FEWEST_LOSSES, mean_estimate
from evidesk.methods.metrics.moments import Moments, explained_evaluation, loss_evaluation
from evidesk.methods.metrics.scores import as_scores

SumMetric = Literal["mse", "rmse", "mae", "r2"]
SUM_METRICS: tuple[SumMetric, ...] = get_args(SumMetric)


@dataclass(frozen=True)
class ResidualMoments:
    """Sums over cases of a truth y and the error e = prediction - y.

    Two of them add up to the one of both tables. `from_arrays` and `from_sums` make them.

    Attributes
    ----------
    n : number of cases.
    mean : of y.
    d2, d3, d4 : sums of the 2nd to 4th power of ``d = y - mean``.
    abs_e, e2, e4 : sums of ``|e|``, ``e**2``, ``e**4``.
    d_e2, d2_e2 : sums of ``d e**2`` and ``d**2 e**2``.
    """

    n: int
    mean: float
    d2: float
    d3: float
    d4: float
    abs_e: float
    e2: float
    e4: float
    d_e2: float
    d2_e2: float

    def __post_init__(self) -> None:
        if not all(np.isfinite(getattr(self, field.name)) for field in fields(self)):
            raise ValueError("All sums must be finite. One of them is NaN or infinite.")
        if self.n < 1:
            raise ValueError(f"The 'n' parameter must be 1 or more. Got {self.n}.")
        if min(self.d2, self.d4, self.abs_e, self.e2, self.e4, self.d2_e2) < 0:
            raise ValueError("Sums of absolute values and of even powers must be at least 0.")

    @classmethod
    def from_arrays(cls, y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> "ResidualMoments":
        """The sums of single cases; array-likes of shape (n_cases,), finite numbers.

        Raises
        ------
        ValueError, TypeError : as :func:`~evidesk.methods.metrics.rmse`; one case is enough.
        """
        y = as_scores(y_true, "y_true")
        squared = (as_scores(y_pred, "y_pred", len(y)) - y) ** 2
        if len(y) == 0:
            raise ValueError("'y_true' is empty: at least one case is needed.")
        mean = float(y.mean())
        d = y - mean
        sums = (d**2, d**3, d**4, np.sqrt(squared), squared, squared**2, d * squared)
        return cls(len(y), mean, *(float(s.sum()) for s in (*sums, d**2 * squared)))

    @classmethod
    def from_sums(
        cls,
        *,
        n: int,
        y: float,
        y2: float,
        y3: float,
        y4: float,
        abs_e: float,
        e2: float,
        e4: float,
        y_e2: float,
        y2_e2: float,
        centre: float = 0.0,
    ) -> "ResidualMoments":
        """From plain sums, such as SQL makes: of powers of y, of e, and of ``y**i * e**2``.

        Parameters
        ----------
        centre : what was subtracted from y before. Any value amid y will do, and one is needed
            where y lies far from 0 compared with its spread: sums of large powers cancel badly.
        """
        if n < 1:
            raise ValueError(f"The 'n' parameter must be 1 or more. Got {n}.")
        about = cls._shifted(n, y2, y3, y4, y_e2, y2_e2, e2, first=y, by=-y / n)
        d2, d3, d4, d_e2, d2_e2 = about
        return cls(
            n, centre + y / n, max(d2, 0.0), d3, max(d4, 0.0), abs_e, e2, e4, d_e2, max(d2_e2, 0.0)
        )

    @staticmethod
    def _shifted(
        n: int,
        d2: float,
        d3: float,
        d4: float,
        d_e2: float,
        d2_e2: float,
        e2: float,
        *,
        by: float,
        first: float = 0.0,
    ) -> tuple[float, float, float, float, float]:
        """Sums of powers of ``d + by``; ``first`` is the sum of d."""
        return (
            d2 + 2 * by * first + n * by**2,
            d3 + 3 * by * d2 + 3 * by**2 * first + n * by**3,
            d4 + 4 * by * d3 + 6 * by**2 * d2 + 4 * by**3 * first + n * by**4,
            d_e2 + by * e2,
            d2_e2 + 2 * by * d_e2 + by**2 * e2,
        )

    def _about(self, mean: float) -> tuple[float, float, float, float, float]:
        return self._shifted(
            self.n, self.d2, self.d3, self.d4, self.d_e2, self.d2_e2, self.e2, by=self.mean - mean
        )

    def __add__(self, other: "ResidualMoments") -> "ResidualMoments":
        n = self.n + other.n
        mean = self.mean + (other.mean - self.mean) * other.n / n
        parts = zip(self._about(mean), other._about(mean), strict=True)
        d2, d3, d4, d_e2, d2_e2 = (a + b for a, b in parts)
        return ResidualMoments(
            n,
            mean,
            d2,
            d3,
            d4,
            self.abs_e + other.abs_e,
            self.e2 + other.e2,
            self.e4 + other.e4,
            d_e2,
            d2_e2,
        )

    def estimate(self, metric: SumMetric, *, level: float = 0.95, unit: str = "") -> Estimate:
        """The metric with its interval, as :func:`~evidesk.methods.metrics.rmse` and its kin.

        Parameters
        ----------
        metric : ``mse``, ``rmse``, ``mae`` or ``r2``.
        level : confidence level in (0, 1).
        unit : the unit of y.

        Raises
        ------
        ValueError : ``metric`` or ``level`` is none; there is one case only; y is constant and the
            metric is ``r2``.

        Warns
        -----
        PoorApproximationWarning : as :func:`~evidesk.methods.metrics.rmse`.
        """
        return _estimate(metric, self._moments(metric), level, unit)

    def _moments(self, metric: SumMetric, groups: Sequence["ResidualMoments"] = ()) -> Moments:
        """What the metric needs of all cases and, if there are any, of each group."""
        if metric not in SUM_METRICS:
            raise ValueError(
                f"The 'metric' parameter must be one of {', '.join(SUM_METRICS)}. "
                f"Got {metric!r} instead."
            )
        if metric == "r2" and self.d2 <= self.n * (np.finfo(float).eps * abs(self.mean)) ** 2:
            raise ValueError("R2 is not defined: y is constant, there is no variance to explain.")
        squares = {
            "mae": [[self.e2]],
            "r2": [
                [self.d2, self.d3, self.d_e2],
                [self.d3, self.d4, self.d2_e2],
                [self.d_e2, self.d2_e2, self.e4],
            ],
        }.get(metric, [[self.e4]])
        means = np.array(self._sums(metric, self.mean)) / self.n
        covariance = np.array(squares) / self.n - np.outer(means, means)
        if not groups:
            return Moments(self.n, means, covariance)
        sizes = np.array([group.n for group in groups], dtype=np.float64)
        by_group = np.array([group._sums(metric, self.mean) for group in groups]).T
        return Moments(self.n, means, covariance, sizes, by_group)

    def _sums(self, metric: SumMetric, mean: float) -> list[float]:
        """Of the terms that the metric is made of, with y counted from ``mean``."""
        if metric == "r2":
            return [self.n * (self.mean - mean), self._about(mean)[0], self.e2]
        return [self.abs_e if metric == "mae" else self.e2]


def grouped_estimate(
    metric: SumMetric, groups: Sequence[ResidualMoments], *, level: float = 0.95, unit: str = ""
) -> Estimate:
    """The metric over all cases of all groups, where only the groups are independent.

    Parameters
    ----------
    metric, level, unit : as in :meth:`ResidualMoments.estimate`.
    groups : the sums of each group.

    Raises
    ------
    ValueError : there are fewer than two groups; and as :meth:`ResidualMoments.estimate`.

    Warns
    -----
    PoorApproximationWarning : as :func:`~evidesk.methods.metrics.rmse`.
    """
    return _estimate(metric, reduce(add, groups)._moments(metric, groups), level, unit)


def _estimate(metric: SumMetric, moments: Moments, level: float, unit: str) -> Estimate:
    if metric == "r2":
        evaluation = explained_evaluation(metric, moments)
    else:
        evaluation = loss_evaluation(metric, metric, moments, unit=unit)
    return mean_estimate(
        evaluation,
        level=level,
        method="clt",
        resamples=100,
        random_state=None,
        fewest=FEWEST_LOSSES,
        stacklevel=3,
    )
