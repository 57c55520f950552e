"""Metrics of predicted numbers from moments: sums of a few terms over cases, which merge.

Each metric here is, to first order, a mean over cases of a few terms such as the squared error. The
sums of these terms and of their products tell its error; for grouped cases, the sums by group do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.evaluation import Evaluation
from evidesk.methods.metrics.means import effective_losses, hidden_variance
from evidesk.methods.metrics.regression import TITLES, squared_unit
from evidesk.methods.metrics.scales import Scale
from evidesk.methods.metrics.units import Units

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Sums of several terms over cases.

    Attributes
    ----------
    n : number of cases.
    means : array of shape (terms,).
    covariance : array of shape (terms, terms), of a case's terms.
    sizes : array of shape (groups,), cases of each group; None without groups.
    by_group : array of shape (terms, groups), sums over the cases of each group; None without.
    """

    n: int
    means: Floats
    covariance: Floats
    sizes: Floats | None = None
    by_group: Floats | None = None

    def combined(self, factors: npt.ArrayLike, constants: npt.ArrayLike) -> "Moments":
        """Of other terms, that are these times ``factors`` (new, old) plus ``constants`` (new,)."""
        by, plus = np.asarray(factors, dtype=np.float64), np.asarray(constants, dtype=np.float64)
        by_group = None
        if self.by_group is not None and self.sizes is not None:
            by_group = by @ self.by_group + plus[:, None] * self.sizes
        covariance = by @ self.covariance @ by.T
        return Moments(self.n, by @ self.means + plus, covariance, self.sizes, by_group)

    def bearing(self, term: int) -> float:
        """How many equal losses would say as much as those that add up to this term.

        See :func:`~evidesk.methods.metrics.means.effective_losses`; of groups, where there are any.
        """
        if self.by_group is not None:
            return float(effective_losses(self.by_group[term]))
        first = self.means[term] ** 2
        second = self.covariance[term, term] + first
        return float(self.n * first / second) if second > 0 else float(self.n)

    def evaluation(
        self,
        metric: str,
        names: Sequence[str],
        values: npt.ArrayLike,
        slopes: npt.ArrayLike,
        *,
        scale: Scale = "real",
        unit: str = "",
        greater_is_better: bool = True,
        effective: float | None = None,
    ) -> Evaluation:
        """A metric whose error is that of the terms' means times ``slopes``, for each model.

        Parameters
        ----------
        values : array of shape (models,).
        slopes : array of shape (models, terms); derivatives of the values by the means.
        effective : for a function of losses, how many of them bear the value; see `bearing`.

        Raises
        ------
        ValueError : there are fewer than two cases or groups.
        """
        at, by = np.asarray(values, dtype=np.float64), np.asarray(slopes, dtype=np.float64)
        independent = None
        if self.sizes is None or self.by_group is None:
            if self.n < 2:
                raise ValueError(
                    "At least two cases are needed: one alone cannot tell how much cases differ."
                )
            # Cases of 2 T kinds whose terms have the same means and covariance as the real ones.
            terms = len(self.means)
            units = Units.of_cases(np.full(2 * terms, self.n / (2 * terms)))
            spread = by @ _root(self.covariance) * np.sqrt(terms) / self.n
            contributions = np.concatenate([spread, -spread], axis=1)
        else:
            units = Units.of_groups(self.sizes)
            contributions = by @ (self.by_group - self.means[:, None] * self.sizes) / self.n
            independent = np.einsum("mi,ij,mj->m", by, self.covariance, by) / (self.n - 1)
        known = units.effective if effective is None else effective
        hidden = hidden_variance(units.variance(contributions), np.full(len(at), known))
        return Evaluation(
            metric=metric,
            names=tuple(names),
            values=at,
            contributions=contributions,
            units=units,
            scale=scale,
            most=np.full(len(at), known),
            replicate=_no_replicates,
            greater_is_better=greater_is_better,
            unit=unit,
            delta="clt",
            independent=independent,
            unseen=0.0 if effective is None else hidden,
        )


def loss_evaluation(
    metric: Literal["mse", "rmse", "mae"],
    name: str,
    moments: Moments,
    *,
    size: float = 1.0,
    unit: str = "",
) -> Evaluation:
    """The mean loss of a model, or the root of it.

    Parameters
    ----------
    moments : of one term, the squared error (for ``mae`` the absolute one) of a case.
    size : what the errors were divided by before that.
    unit : the unit of the errors.

    Raises
    ------
    ValueError : there are fewer than two cases or groups.
    """
    title, scale = TITLES[metric]
    mean, factor = moments.means[0], size**2 if metric == "mse" else size
    value, slope = mean * factor, factor
    if metric == "rmse":
        root = float(np.sqrt(mean))
        value, slope = root * factor, factor / (2 * root) if root else 0.0
    return moments.evaluation(
        title,
        [name],
        [value],
        [[slope]],
        scale=scale,
        unit=squared_unit(unit) if metric == "mse" else unit,
        greater_is_better=False,
        effective=moments.bearing(0),
    )


def explained_evaluation(name: str, moments: Moments, *, ratio: float = 1.0) -> Evaluation:
    """R2 of a model, the share of the variance of the truth that it explains.

    Parameters
    ----------
    moments : of three terms, the truth, its square, and the squared error of a case.
    ratio : the unit of the squared errors in that of the squared truth.

    Raises
    ------
    ValueError : there are fewer than two cases or groups.
    """
    title, scale = TITLES["r2"]
    y, yy, ee = moments.means
    spread = yy - y**2
    left = ratio * ee / spread
    # The derivative by the centred square of y, written out in y and its square.
    slopes = [-2 * y * left / spread, left / spread, -ratio / spread]
    squares = moments.combined([[-2 * y, 1.0, 0.0]], [y**2])
    return moments.evaluation(
        title,
        [name],
        [1 - left],
        [slopes],
        scale=scale,
        effective=min(moments.bearing(2), squares.bearing(0)),
    )


def _root(covariance: Floats) -> Floats:
    """A matrix whose product with its transpose is the covariance, however singular that is."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))


def _no_replicates(weights: Floats) -> Floats:
    raise NotImplementedError("sums cannot be resampled")
