"""A model whose predictions have calibrated errors, whatever the model is."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted, validate_data

from evidesk.methods.metrics.clusters import effective_groups
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.units import members_of
from evidesk.methods.surrogates.domain import Domain, Moments, threshold
from evidesk.methods.surrogates.intervals import Intervals, nothing_refused, refusals
from evidesk.methods.surrogates.leaks import Seen
from evidesk.methods.surrogates.noise import fit_noise

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]

#: Rows that are asked about at a time.
_BATCH = 16_384


class Calibrated(RegressorMixin, BaseEstimator, ABC):  # type: ignore[misc]  # no types there
    """A regressor that learns how large its errors are; the part that all heads share.

    A head says what it predicts, and how sure it is: the covariance of its errors, but for a scale,
    as factors ``F`` with ``covariance = F F'``. Parameters and attributes are those of `Surrogate`.
    """

    #: Whether rows may have more than one axis, as images do.
    _allow_nd: ClassVar[bool] = False
    #: Rows whose factors are made at a time; None if they only belong together all at once.
    _batch: ClassVar[int | None] = _BATCH

    shared: bool
    domain_level: float

    # What a head says

    @abstractmethod
    def fit(
        self,
        X: Any,
        y: Any,
        groups: npt.ArrayLike | None = None,
        *,
        progress: Progress | None = None,
    ) -> Self:
        """Learn from rows; what an earlier calibration said is forgotten.

        Parameters
        ----------
        X, y : shapes (rows, features) and (rows,) or (rows, outputs).
        groups : shape (rows,); rows that belong together, as the snapshots of a trajectory do.
        progress : told the share of the work that is done; what it raises ends the work.

        Raises
        ------
        ValueError : NaN, infinity, a single row, outputs that are all constant, shapes that do not
            fit.
        """

    @abstractmethod
    def _mean(self, X: Floats) -> Floats:
        """Predictions, shape (rows, outputs)."""

    @abstractmethod
    def _factors(self, X: Floats) -> Floats:
        """Shape (rows, r, outputs), or (rows, r, 1) if all outputs vary alike: the covariance of
        two rows' errors, but for a scale, is the product of their factors.
        """

    def _prepare(self, X: Floats, residuals: Floats) -> None:
        """Choose, by the calibration rows, what the factors still need."""

    def _describe(self, X: Floats) -> Floats:
        """What tells whether rows are in domain, shape (rows, features): their inputs."""
        return X.reshape(len(X), -1)

    def _spread(self, X: Floats) -> Floats:
        """Variance of the errors but for a scale, shape (rows, outputs or 1)."""
        step = self._batch or max(len(X), 1)
        return np.concatenate(
            [
                np.einsum("nro,nro->no", *2 * (self._factors(X[at : at + step]),))
                for at in range(0, len(X), step)
            ]
        )

    # What a user calls

    def calibrate(self, X: Any, y: Any, groups: npt.ArrayLike | None = None) -> Self:
        """Learn how large the errors are, from rows that `fit` has not seen.

        Parameters
        ----------
        X, y : as in `fit`.
        groups : shape (rows,); rows that belong together. Intervals are refused if there are fewer
            independent groups than their level needs.

        Raises
        ------
        NotFittedError : `fit` was not called.
        ValueError : bad rows, or other shapes than before.
        """
        check_is_fitted(self)
        X = self._rows(X)
        targets = self._targets(y, len(X))
        self._seen.warn(X, groups)
        residuals = targets - self._mean_of(X)
        self._prepare(X, residuals)
        spread = np.broadcast_to(self._spread(X), residuals.shape)
        self.noise_ = fit_noise(residuals, spread, shared=self.shared)
        self.functions_ = fit_noise(residuals, spread, shared=self.shared, noise=False)
        variance = self.noise_.variance(spread)
        self._unit = np.maximum(variance.mean(axis=0), np.finfo(np.float64).tiny)
        self.correlation_ = _correlation(residuals / np.sqrt(np.maximum(variance, 1e-300)))
        self.threshold_ = threshold(self._scores(X), self.domain_level)
        sizes = np.ones(len(X)) if groups is None else np.bincount(members_of(groups, len(X)))
        self.effective_size_ = effective_groups(sizes.astype(np.float64), np.ones(len(sizes)))
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predictions, and if asked for the standard deviations of their errors.

        Returns
        -------
        Shape (rows,) or (rows, outputs), as ``y`` was; or two of these.

        Raises
        ------
        NotFittedError : `fit` was not called; for the standard deviation, `calibrate` was not.
        ValueError : bad rows.
        """
        check_is_fitted(self)
        if return_std:
            self._check_calibrated()
        X = self._rows(X)
        mean = self._as_given(self._mean_of(X))
        if not return_std:
            return mean
        return mean, self._as_given(np.sqrt(self._variance(X)))

    def predict_interval(self, X: Any, level: float = 0.9, *, refuse: bool = True) -> Intervals:
        """Where the truth of each row lies.

        Rows out of domain have no interval, and no row has one if the calibration had fewer
        independent cases than ``1 / (1 - level)``.

        Parameters
        ----------
        X : shape (rows, features).
        level : the share of truths to cover.
        refuse : False gives every row an interval, whether it can be trusted or not.

        Raises
        ------
        NotFittedError : `fit` and `calibrate` were not both called.
        ValueError : bad rows, or a level that is none.
        """
        self._check_calibrated()
        z = critical_value(level)
        X = self._rows(X)
        mean = self._mean_of(X)
        half = z * np.sqrt(self._variance(X))
        refused, reasons = nothing_refused(len(X))
        if refuse:
            refused, reasons = refusals(
                self._scores(X) > self.threshold_, self.effective_size_, level
            )
        half = np.where(refused[:, None], np.nan, half)
        return Intervals(
            self._as_given(mean),
            self._as_given(mean - half),
            self._as_given(mean + half),
            level,
            refused,
            reasons,
            self.effective_size_,
        )

    def ood_score(self, X: Any) -> Floats:
        """How far each row is from the training rows, shape (rows,); about 1 for these.

        It looks at the inputs alone, never at how noisy a row's output is.

        Raises
        ------
        NotFittedError : `fit` was not called.
        ValueError : bad rows.
        """
        check_is_fitted(self)
        return self._scores(self._rows(X))

    # What these are made of

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "domain_")

    def _checked(self, X: Any, y: Any) -> tuple[Floats, Floats]:
        """Rows and outputs to learn from, as arrays; what was learnt before is forgotten."""
        self._forget()
        X, y = validate_data(
            self, X, y, dtype=np.float64, y_numeric=True, multi_output=True, ensure_min_samples=2
        )
        return X, y.astype(np.float64)

    def _learnt(self, X: Floats, y: Floats, groups: npt.ArrayLike | None) -> Self:
        """What every head keeps of its training rows."""
        self._single = y.ndim == 1
        self._outputs = 1 if self._single else y.shape[1]
        self._seen = Seen.of(X, groups)
        moments = Moments(X.shape[1])
        moments.add(X)
        self.domain_ = Domain.of(moments)
        return self

    def _forget(self) -> None:
        for name in ("domain_", "noise_", "functions_", "threshold_", "effective_size_"):
            self.__dict__.pop(name, None)

    def _check_calibrated(self) -> None:
        check_is_fitted(self)
        if not hasattr(self, "noise_"):
            raise NotFittedError(
                f"This {type(self).__name__} is not calibrated yet. Call 'calibrate' with rows "
                "that 'fit' has not seen; then it knows how large its errors are."
            )

    def _rows(self, X: Any) -> Floats:
        X = validate_data(self, X, dtype=np.float64, reset=False, allow_nd=self._allow_nd)
        return np.asarray(X)

    def _systems(self, X: Any) -> list[Floats]:
        if isinstance(X, list | tuple) and len(X) and np.ndim(X[0]) >= 2:
            return [self._rows(one) for one in X]
        return [self._rows(X)]

    def _targets(self, y: Any, rows: int) -> Floats:
        """Shape (rows, outputs).

        Raises
        ------
        ValueError : other shapes than those of `fit`; NaN or infinity.
        """
        targets = np.asarray(y, dtype=np.float64)
        targets = targets.reshape(len(targets), -1) if targets.ndim in (1, 2) else targets
        if targets.shape != (rows, self._outputs):
            raise ValueError(
                f"'y' has shape {np.shape(y)}; {rows} rows of {self._outputs} output(s) are needed."
            )
        if not np.isfinite(targets).all():
            raise ValueError("'y' has NaN or infinity. Leave these rows out.")
        return targets

    def _mean_of(self, X: Floats) -> Floats:
        return np.concatenate([self._mean(X[at : at + _BATCH]) for at in range(0, len(X), _BATCH)])

    def _factors_of(self, X: Floats) -> Floats:
        step = self._batch or len(X)
        return np.concatenate([self._factors(X[at : at + step]) for at in range(0, len(X), step)])

    def _scores(self, X: Floats) -> Floats:
        return np.concatenate(
            [
                self.domain_.score(self._describe(X[at : at + _BATCH]))
                for at in range(0, len(X), _BATCH)
            ]
        )

    def _variance(self, X: Floats) -> Floats:
        return self.noise_.variance(self._spread(X))

    def _as_given(self, values: Floats) -> Floats:
        return values[:, 0] if self._single else values


def _correlation(standard: Floats) -> Floats:
    """Of columns, uncentred; a little towards none, so that it has a square root."""
    moment = standard.T @ standard / len(standard)
    scale = np.sqrt(np.maximum(np.diag(moment), 1e-12))
    found = moment / np.outer(scale, scale)
    np.fill_diagonal(found, 1.0)
    identity = np.eye(len(found))
    return np.asarray((1 - 1e-6) * found + 1e-6 * identity)


def check_count(name: str, value: Any) -> None:
    """Raises ValueError if a parameter is no number to count with."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"The '{name}' parameter must be an integer from 1 on. Got {value!r}.")
