"""Metrics by name: for many models at once, for two in comparison, and for scikit-learn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.metrics.classification import evaluate_labels
from evidesk.methods.metrics.comparison import Comparison, difference
from evidesk.methods.metrics.evaluation import (
    Evaluation,
    IntervalMethod,
    check_interval_method,
)
from evidesk.methods.metrics.label_metrics import LABEL_METRICS
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.regression import VALUE_METRICS, evaluate_values
from evidesk.methods.metrics.resampling import RandomState
from evidesk.methods.metrics.score_metrics import SCORE_METRICS, evaluate_scores

Evaluate = Callable[..., Evaluation]

#: What a metric is computed from: predicted labels, scores or probabilities, or numbers.
_EVALUATE: dict[str, Evaluate] = {
    **dict.fromkeys(LABEL_METRICS, evaluate_labels),
    **dict.fromkeys(SCORE_METRICS, evaluate_scores),
    **dict.fromkeys(VALUE_METRICS, evaluate_values),
}
METRICS = tuple(_EVALUATE)
#: Metrics that are better when smaller.
_LOSSES = ("error_rate", "brier", "log_loss", "ece", "mse", "rmse", "mae")
_PARTS = ("", "_low", "_high", "_n")


def evaluate(
    metric: str,
    y_true: npt.ArrayLike,
    predictions: Mapping[str, npt.ArrayLike],
    **options: Any,
) -> Evaluation:
    """A metric of several models on the same cases, ready for intervals, differences and ranks.

    Parameters
    ----------
    metric : one of `METRICS`.
    y_true : array-like of shape (n_cases,).
    predictions : by each model's name its labels, scores or numbers, whatever the metric needs.
    options : those of the metric, such as ``average``, ``pos_label``, ``groups``.

    Raises
    ------
    ValueError : there is no such metric, or what the metric itself refuses.
    """
    _check_metric(metric)
    return _EVALUATE[metric](metric, y_true, predictions, **options)


def compare(
    y_true: npt.ArrayLike,
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    metric: str = "accuracy",
    names: tuple[str, str] = ("A", "B"),
    level: float = 0.95,
    method: IntervalMethod = "delta",
    resamples: int = 2_000,
    random_state: RandomState = None,
    **options: Any,
) -> Comparison:
    """Is A better than B, and by how much? Paired, for any metric, on the same cases.

    Parameters
    ----------
    y_true : array-like of shape (n_cases,).
    a, b : the two models' labels, scores or numbers for the same cases, in the same order.
    metric : one of `METRICS`.
    names : what the two are called in the answer.
    level, method, resamples, random_state : as in
        :func:`~evidesk.methods.metrics.comparison.difference`.
    options : those of the metric, such as ``average``, ``pos_label``, ``groups``.

    Raises
    ------
    ValueError : the names are the same, or what the metric refuses.
    """
    first, second = names
    if first == second:
        raise ValueError(f"The 'names' parameter must name two models, got {first!r} twice.")
    evaluation = evaluate(metric, y_true, {first: a, second: b}, **options)
    return difference(
        evaluation,
        first,
        second,
        level=level,
        method=method,
        resamples=resamples,
        random_state=random_state,
    )


@dataclass(frozen=True)
class EstimateScorer:
    """A scorer for scikit-learn's ``cross_validate`` and ``GridSearchCV`` that keeps intervals.

    Called with a fitted estimator and data it returns the metric, the bounds of its interval and
    the number of cases, as ``<name>``, ``<name>_low``, ``<name>_high`` and ``<name>_n``;
    :meth:`estimates` makes estimates again of what scikit-learn then holds. Made by
    :func:`make_scorer`.

    An interval holds the randomness of the cases of one test fold, for the one model that was
    trained without them. The interval of the mean over folds is that of
    :func:`~evidesk.methods.metrics.cross_validation_clt`.
    """

    metric: str
    level: float = 0.95
    method: IntervalMethod = "delta"
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the metric is called in scikit-learn's results, and the ``refit`` of a search.

        Scikit-learn wants more to be better, so a loss is negated and called ``neg_<metric>``.
        """
        return f"neg_{self.metric}" if self.metric in _LOSSES else self.metric

    def __call__(self, estimator: Any, X: Any, y: npt.ArrayLike) -> dict[str, float]:
        """The metric of a fitted estimator on test data.

        Raises
        ------
        TypeError : the metric needs scores or probabilities, and the estimator gives none.
        ValueError : what the metric refuses.
        """
        options = dict(self.options)
        if self.metric in SCORE_METRICS:
            predicted = self._scores(estimator, X, options)
        else:
            predicted = estimator.predict(X)
        evaluation = evaluate(self.metric, y, {"": predicted}, **options)
        found = evaluation.estimates(level=self.level, method=self.method, random_state=0)[""]
        value, low, high = found.value, found.low, found.high
        if self.metric in _LOSSES:
            value, low, high = -value, -high, -low
        return {
            self.name: value,
            f"{self.name}_low": low,
            f"{self.name}_high": high,
            f"{self.name}_n": float(found.n),
        }

    def estimates(self, results: Mapping[str, Any]) -> list[list[Estimate]]:
        """The estimates behind the results of a cross-validation or a search.

        Parameters
        ----------
        results : what ``cross_validate`` returned, or ``cv_results_`` of a search.

        Returns
        -------
        For each candidate of a search (one for ``cross_validate``) the estimate of each fold, with
        losses as losses again.

        Raises
        ------
        ValueError : ``results`` were made without this scorer, or a fold failed.
        """
        name = f"test_{self.name}"
        if name in results:
            table = np.array([[results[f"{name}{part}"]] for part in _PARTS])
        else:
            splits = [key for key in results if key.startswith("split") and key.endswith(name)]
            table = np.array([[results[f"{split}{part}"] for split in splits] for part in _PARTS])
            if table.size == 0:
                raise ValueError(f"The 'results' parameter holds no scores of {self.name!r}.")
            table = table.swapaxes(1, 2)
        if not np.all(np.isfinite(table)):
            raise ValueError("The 'results' parameter holds a fold without a score: a fit failed.")
        candidates = np.moveaxis(table, 0, -1).tolist()
        return [[self._estimate(*fold) for fold in candidate] for candidate in candidates]

    def _estimate(self, value: float, low: float, high: float, n: float) -> Estimate:
        if self.metric in _LOSSES:
            value, low, high = -value, -high, -low
        return Estimate(value, low, high, self.level, self.method, int(n))

    def _scores(self, estimator: Any, X: Any, options: dict[str, Any]) -> Any:
        """Scores as the metric wants them: of the positive class, or of all classes."""
        ranking = self.metric in ("auroc", "average_precision")
        if hasattr(estimator, "predict_proba"):
            scores = np.asarray(estimator.predict_proba(X))
        elif ranking and hasattr(estimator, "decision_function"):
            scores = np.asarray(estimator.decision_function(X))
        else:
            needed = "predict_proba or decision_function" if ranking else "predict_proba"
            raise TypeError(f"{self.metric!r} needs an estimator with {needed}, got {estimator!r}.")
        classes = list(estimator.classes_)
        if len(classes) > 2:
            options.setdefault("labels", classes)
            return scores
        positive = options.setdefault("pos_label", classes[-1])
        if scores.ndim == 2:
            return scores[:, classes.index(positive)]
        return scores if positive == classes[-1] else -scores


def make_scorer(
    metric: str, *, level: float = 0.95, method: IntervalMethod = "delta", **options: Any
) -> EstimateScorer:
    """A scorer that makes ``cross_validate`` and ``GridSearchCV`` report intervals.

    Parameters
    ----------
    metric : one of `METRICS`.
    level, method : as in :meth:`~evidesk.methods.metrics.evaluation.Evaluation.estimates`.
    options : those of the metric, such as ``average`` or ``pos_label``.

    Raises
    ------
    ValueError : there is no such metric, level or method.
    """
    _check_metric(metric)
    critical_value(level)
    check_interval_method(method)
    return EstimateScorer(metric, float(level), method, options)


def _check_metric(metric: object) -> None:
    if metric not in _EVALUATE:
        raise ValueError(
            f"The 'metric' parameter must be one of {', '.join(METRICS)}. Got {metric!r} instead."
        )
