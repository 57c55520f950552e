"""How large an error is to be expected of each row, up to a factor that calibration finds.

Source: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, "Distribution-free predictive inference for
regression", JASA 113 (2018) 1094-1111, section 5.2. The spread is learnt here from predictions of
held-out folds, as errors of rows that a model was trained on are too small.
"""

import inspect
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor

from evidesk.methods.surrogates.conformal_folds import FoldModels, deal, finite, predictions

Floats = npt.NDArray[np.float64]

_FOLDS = 5
#: Of the root mean square: smaller errors tell no less, and their logarithms would rule.
_SMALLEST_ERROR = 1e-3


def offers_std(estimator: Any) -> bool:
    """Whether ``estimator.predict(X, return_std=True)`` is possible, also for a pipeline."""
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    return "return_std" in inspect.signature(last.predict).parameters


def learnt_spread(
    estimator: Any,
    spread: Any,
    X: Any,
    y: Floats,
    groups: npt.ArrayLike | None,
    n_jobs: int | None,
    rng: np.random.Generator,
) -> Any:
    """A model of the logarithm of the absolute error: a clone of ``spread``, or a forest for None.

    Raises
    ------
    ValueError : fewer rows (or groups) than folds.
    """
    trained = FoldModels.fit(estimator, X, y, deal(len(y), _FOLDS, groups, rng), n_jobs)
    errors = np.abs(y.reshape(len(y), -1) - trained.predicted)
    floor = _SMALLEST_ERROR * np.sqrt((errors**2).mean(axis=0))
    logs = np.log(np.maximum(errors, np.where(floor > 0, floor, 1.0)))
    seed = int(rng.integers(2**31))
    model = (
        RandomForestRegressor(min_samples_leaf=10, random_state=seed, n_jobs=n_jobs)
        if spread is None
        else clone(spread)
    )
    return model.fit(X, logs[:, 0] if logs.shape[1] == 1 else logs)


def predicted_with_spread(estimator: Any, log_error: Any, X: Any) -> tuple[Floats, Floats]:
    """Predictions and their spread, each of shape (n, outputs).

    Parameters
    ----------
    log_error : what `learnt_spread` returned; None for the estimator's own standard deviation.

    Raises
    ------
    ValueError : a prediction is not finite, or a spread not above 0 and finite.
    """
    if log_error is None:
        mean, spread = (
            np.asarray(part, dtype=np.float64) for part in estimator.predict(X, return_std=True)
        )
        mean = finite(mean.reshape(len(mean), -1))
        spread = np.broadcast_to(spread.reshape(len(spread), -1), mean.shape)
    else:
        mean = predictions(estimator, X)
        with np.errstate(over="ignore"):
            spread = np.exp(predictions(log_error, X))
    bad = ~((spread > 0) & np.isfinite(spread)).all(axis=1)
    if bad.any():
        raise ValueError(
            f"The spread must be above 0 and finite; it is not for {int(bad.sum()):,} row(s), the "
            f"first is row {int(np.argmax(bad))}. Add noise to the model, or use method='split'."
        )
    return mean, spread
