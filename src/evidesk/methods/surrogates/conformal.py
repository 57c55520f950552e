"""Prediction intervals around any regressor that hold their level whatever the distribution.

Sources: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, "Distribution-free predictive inference for
regression", JASA 113 (2018) 1094-1111, theorem 2 for split conformal prediction and section 5.2 for
normalised errors; Vovk, "Conditional validity of inductive conformal predictors", Machine Learning
92 (2013) 349-376, for categories (Mondrian); and those of the modules named ``conformal_...``.
"""

from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import _num_samples, check_is_fitted

from evidesk.methods.metrics.labels import as_labels
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.surrogates.conformal_calibration import (
    Calibration,
    calibrated,
    labels_of,
    quantiles_by_category,
)
from evidesk.methods.surrogates.conformal_checks import (
    as_targets,
    check_apart,
    check_varies,
    digests,
    warn_of_duplicates,
    warn_of_repeats,
)
from evidesk.methods.surrogates.conformal_folds import (
    CrossConformal,
    FoldModels,
    deal,
    predictions,
)
from evidesk.methods.surrogates.conformal_result import ConformalIntervals
from evidesk.methods.surrogates.conformal_spread import (
    learnt_spread,
    offers_std,
    predicted_with_spread,
)
from evidesk.methods.surrogates.conformal_weights import ShiftWeights

Floats = npt.NDArray[np.float64]
ConformalMethod = Literal["split", "normalised", "cv+", "jackknife+"]
METHODS: tuple[ConformalMethod, ...] = get_args(ConformalMethod)

_UNCALIBRATED = "This Conformal is not calibrated yet. Call calibrate(X, y) with new rows first."


class Conformal(MetaEstimatorMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Prediction intervals around a regressor, of a level that needs no model of the errors.

    The level holds on average over new rows that are exchangeable with the calibration's (and over
    calibrations): not for each row, and not for another distribution.

    Parameters
    ----------
    estimator : a regressor of scikit-learn's kind, also of several outputs.
    method : what is calibrated, and on which rows:

        - ``split``: absolute errors on rows of their own; all intervals are of one width.
        - ``normalised``: the same, in units of a spread that depends on the row.
        - ``cv+``: errors on held-out folds of the training rows; no rows are set aside.
        - ``jackknife+``: the same with each row (or group) as a fold: as many trainings as rows.
    spread : for ``normalised``, a regressor that learns the logarithm of the absolute error, from
        predictions of held-out folds of the training rows. By default the standard deviation that
        ``estimator.predict(X, return_std=True)`` returns; if it has none, a random forest.
    joint : for ``normalised``, whether an interval holds all outputs of a row at once with the
        level, by the largest error among them; else each output has it.
    folds : of ``cv+``.
    n_jobs : how many folds are trained at the same time, as scikit-learn has it; inside
        ``joblib.parallel_config("dask")`` they are trained on Dask's workers.
    random_state : of folds, of the default spread and of weights.

    Attributes
    ----------
    estimator_ : trained on all rows given to `fit`, or the one that was given trained.
    n_outputs_ : number of outputs.
    duplicated_ : how many calibration rows are also training rows, or rows also in another fold.
    """

    def __init__(
        self,
        estimator: Any,
        method: ConformalMethod = "split",
        *,
        spread: Any = None,
        joint: bool = False,
        folds: int = 10,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.spread = spread
        self.joint = joint
        self.folds = folds
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: npt.ArrayLike, groups: npt.ArrayLike | None = None) -> Self:
        """Train; for ``cv+`` and ``jackknife+`` also calibrate.

        Parameters
        ----------
        X : shape (n, features), as the estimator takes it.
        y : shape (n,) or (n, outputs); finite.
        groups : shape (n,), optional; what makes rows belong together, for example the trajectory
            of each snapshot. Whole groups are held out; they, not rows, are then exchangeable.

        Raises
        ------
        ValueError : shapes differ; ``y`` is constant or not finite; a parameter is out of its
            range; there are fewer rows (or groups) than folds.
        TypeError : ``y`` holds no numbers.

        Warns
        -----
        DuplicatedRowsWarning : rows are in several folds, value for value.
        """
        self._check_parameters()
        targets = as_targets(y, _num_samples(X))
        check_varies(targets)
        if len(targets) < 2:
            raise ValueError("'X' has one row: nothing can be learnt from it.")
        rng = generator(self.random_state)
        shaped = targets[:, 0] if np.ndim(y) == 1 else targets
        training, duplicated = digests(X, targets), 0
        crossed: CrossConformal | None = None
        spread_model: Any = None
        if self.method in ("cv+", "jackknife+"):
            folds = self.folds if self.method == "cv+" else None
            dealt = deal(len(targets), folds, groups, rng)
            duplicated = warn_of_repeats(training, dealt, stacklevel=3)
            trained = FoldModels.fit(self.estimator, X, shaped, dealt, self.n_jobs)
            crossed = CrossConformal.of(trained, targets, groups)
        elif self.method == "normalised" and not self._has_std:
            spread_model = learnt_spread(
                self.estimator, self.spread, X, shaped, groups, self.n_jobs, rng
            )
        estimator = clone(self.estimator).fit(X, shaped)
        self._remember(estimator, np.ndim(y), targets.shape[1])
        self.n_features_in_ = np.shape(X)[1]
        self.spread_: Any = spread_model
        self.cross_: Any = crossed
        self.duplicated_ = duplicated
        self._training = training
        self._groups = (
            None if groups is None else np.unique(as_labels(groups, "groups").astype(str))
        )
        return self

    def calibrate(
        self,
        X: Any,
        y: npt.ArrayLike,
        groups: npt.ArrayLike | None = None,
        *,
        category: npt.ArrayLike | None = None,
    ) -> Self:
        """Learn from rows that were not trained on how large the errors are.

        Without a `fit` before it, the estimator is taken as it is: trained elsewhere.

        Parameters
        ----------
        X, y : as in :meth:`fit`, other rows.
        groups : shape (n,), optional; what makes rows belong together. The level is then that for
            a row of a new group: each group counts the same, whatever its size.
        category : shape (n,), optional; a label of each row, such as its phase or element. The
            level then holds in each category (Mondrian).

        Raises
        ------
        ValueError : the method calibrates itself; shapes differ; a group has rows in the training,
            too; the model predicts NaN or infinity, or a spread that is not above 0.
        NotFittedError : neither was `fit` called nor is the estimator trained.

        Warns
        -----
        DuplicatedRowsWarning : rows were trained on, value for value.
        """
        self._check_parameters()
        if self.method in ("cv+", "jackknife+"):
            raise ValueError(
                f"method={self.method!r} calibrates itself on the folds of fit(X, y); rows of "
                "their own are for 'split' and 'normalised'."
            )
        targets = as_targets(y, _num_samples(X))
        labels = None if category is None else labels_of(category, len(targets))
        estimator = getattr(self, "estimator_", None)
        fitted_here = hasattr(self, "_training")
        if not fitted_here:
            estimator = self._as_it_is()
        elif targets.shape[1] != self.n_outputs_ or np.ndim(y) != self._ndim:
            raise ValueError(
                f"'y' has shape {np.shape(y)}, but the model was trained for {self.n_outputs_} "
                f"output(s) and 'y' of {self._ndim} dimension(s)."
            )
        if groups is not None and fitted_here and self._groups is not None:
            check_apart(self._groups, groups)
        mean, spread = self._predicted(estimator, X)
        if mean.shape != targets.shape:
            raise ValueError(
                f"The model predicts {mean.shape[1]} output(s), and 'y' has {targets.shape[1]}."
            )
        scores = np.abs(targets - mean) / spread
        if self.joint:
            scores = scores.max(axis=1, keepdims=True)
        calibrations = calibrated(scores, groups, labels)
        duplicated = 0
        if fitted_here:
            duplicated = warn_of_duplicates(self._training, digests(X, targets), stacklevel=3)
        else:
            self._remember(estimator, np.ndim(y), targets.shape[1])
        self.calibrations_, self.duplicated_ = calibrations, duplicated
        self._inputs = X
        self._weights: ShiftWeights | None = None
        return self

    def adapt(self, X: Any) -> Self:
        """Weigh the calibration so that it looks like new rows, whose answers are not known yet.

        The level then holds for the new rows' distribution if only the inputs have shifted: rows
        with the same inputs have the same distribution of answers. It holds as well as the weights
        are learnt; if these are few rows' alone, intervals are refused.

        Parameters
        ----------
        X : shape (n, features); the new rows, the more the better.

        Raises
        ------
        ValueError : not calibrated, or with groups or categories, for which no weights are known
            that keep the level; columns differ, or too few rows.
        """
        calibration = self._only_calibration()
        if calibration.unit == "groups":
            raise ValueError(
                "No weights are known that keep the level of a calibration with groups under a "
                "shift. Calibrate without groups, with one row of each."
            )
        self._weights = ShiftWeights.learn(self._inputs, X, generator(self.random_state))
        return self

    def predict(self, X: Any) -> Floats:
        """What the model, trained on all rows of `fit`, predicts: shape (n,) or (n, outputs)."""
        check_is_fitted(self, "estimator_")
        return self._shaped(predictions(self.estimator_, X))

    def predict_interval(
        self, X: Any, level: float = 0.9, *, category: npt.ArrayLike | None = None
    ) -> ConformalIntervals:
        """Predictions with their intervals; refused, with the reason, where none can be told.

        Parameters
        ----------
        X : shape (n, features).
        level : the share of new rows that the intervals are to hold, in (0, 1).
        category : shape (n,); for a calibration with categories, that of each row.

        Raises
        ------
        ValueError : ``level`` is not in (0, 1); the calibration has fewer rows (or groups) than
            ``level / (1 - level)``; ``category`` is missing or too much.
        NotFittedError : nothing was calibrated yet.
        """
        self._check_parameters()
        critical_value(level)
        if self.method in ("cv+", "jackknife+"):
            return self._cross_interval(X, level, category)
        check_is_fitted(self, "calibrations_", msg=_UNCALIBRATED)
        mean, spread = self._predicted(self.estimator_, X)
        if None not in self.calibrations_:
            if category is None:
                raise ValueError(
                    "The calibration had categories: give predict_interval the 'category' of each "
                    "row."
                )
            labels = labels_of(category, len(mean))
            quantile, reason = quantiles_by_category(self.calibrations_, labels, level)
            return self._result(mean, quantile * spread, level, reason)
        if category is not None:
            raise ValueError(
                "'category' was given, but the calibration had none. Call calibrate(..., "
                "category=...) first."
            )
        calibration = self._only_calibration()
        _refuse(calibration.lacking(level))
        if self._weights is not None:
            quantile, reason = self._weights.quantiles(calibration, X, level)
            return self._result(mean, quantile * spread, level, reason, self._weights.effective)
        return self._result(mean, calibration.quantile(level) * spread, level, "")

    def _cross_interval(
        self, X: Any, level: float, category: npt.ArrayLike | None
    ) -> ConformalIntervals:
        check_is_fitted(self, "cross_")
        crossed: CrossConformal = self.cross_
        if category is not None:
            raise ValueError(f"method={self.method!r} knows no categories. Use 'split'.")
        _refuse(crossed.lacking(level))
        mean = predictions(self.estimator_, X)
        low, high = crossed.interval(X, level)
        # The model of all rows may lie outside of what those of the folds say.
        return ConformalIntervals(
            self._shaped(mean),
            self._shaped(np.minimum(low, mean)),
            self._shaped(np.maximum(high, mean)),
            float(level),
            np.zeros(len(mean), dtype=bool),
            "",
            self.method,
            crossed.units,
            crossed.unit,
            float(crossed.units),
        )

    def _result(
        self, mean: Floats, half: Floats, level: float, reason: str, effective: float | None = None
    ) -> ConformalIntervals:
        calibrations = list(self.calibrations_.values())
        units = sum(one.units for one in calibrations)
        name = self.method if effective is None else f"weighted {self.method}"
        if self.joint:
            name += ", all outputs at once"
        if None not in self.calibrations_:
            name += ", by category"
        return ConformalIntervals(
            self._shaped(mean),
            self._shaped(mean - half),
            self._shaped(mean + half),
            float(level),
            np.asarray(np.isnan(half).any(axis=1)),
            reason,
            name,
            units,
            calibrations[0].unit,
            float(units if effective is None else effective),
        )

    def _predicted(self, estimator: Any, X: Any) -> tuple[Floats, Floats]:
        """Predictions and their spread, each of shape (n, outputs)."""
        if self.method != "normalised":
            mean = predictions(estimator, X)
            return mean, np.ones_like(mean)
        return predicted_with_spread(estimator, None if self._has_std else self.spread_, X)

    @property
    def _has_std(self) -> bool:
        """Whether the spread is the estimator's own standard deviation."""
        return self.spread is None and offers_std(self.estimator)

    def _as_it_is(self) -> Any:
        """The estimator, trained elsewhere."""
        if self.method == "normalised" and not self._has_std:
            raise NotFittedError(
                "method='normalised' has to learn a spread, for the estimator's predict takes no "
                "return_std. Call fit(X, y) first."
            )
        try:
            if hasattr(self.estimator, "fit"):  # else it only predicts, and was trained elsewhere
                check_is_fitted(self.estimator)
        except NotFittedError as error:
            raise NotFittedError(
                "The estimator is not trained. Call fit(X, y) first, or give a trained one."
            ) from error
        return self.estimator

    def _remember(self, estimator: Any, ndim: int, outputs: int) -> None:
        self.estimator_, self._ndim, self.n_outputs_ = estimator, ndim, outputs
        for old in ("calibrations_", "_training"):
            if hasattr(self, old):
                delattr(self, old)

    def _only_calibration(self) -> Calibration:
        check_is_fitted(self, "calibrations_", msg=_UNCALIBRATED)
        if None not in self.calibrations_:
            raise ValueError(
                "No weights are known that keep the level in each category under a shift. "
                "Calibrate without categories."
            )
        found: Calibration = self.calibrations_[None]
        return found

    def _shaped(self, values: Floats) -> Floats:
        return values[:, 0] if self._ndim == 1 else values

    def _check_parameters(self) -> None:
        if self.method not in METHODS:
            raise ValueError(
                f"The 'method' parameter must be one of {', '.join(METHODS)}. "
                f"Got {self.method!r} instead."
            )
        if self.joint and self.method != "normalised":
            raise ValueError(
                "joint=True needs method='normalised', whose spreads make outputs comparable."
            )
        if not isinstance(self.folds, int | np.integer) or self.folds < 2:
            raise ValueError(
                f"The 'folds' parameter must be an integer from 2 on. Got {self.folds!r} instead."
            )
        if self.spread is not None and self.method != "normalised":
            raise ValueError("'spread' is for method='normalised' alone.")


def _refuse(lacking: str) -> None:
    if lacking:
        raise ValueError(f"Cannot say: {lacking}. Ask for a lower level, or calibrate on more.")
