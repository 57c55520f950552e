"""Many boosted trees that vote: what finds few signal events among many others."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_array

from evidesk.methods.metrics.resampling import RandomState, generator

Floats = npt.NDArray[np.float64]

#: As many as histogram-based boosting takes.
_BINS = 255


class TreeEnsemble(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The mean of gradient-boosted trees that differ by seed, hence by the rows that stop them.

    Source: Finke, Hein, Kasieczka, Kraemer, Mueck, Prangchaikul, Quadfasel, Shih and Sommerhalder,
    "Tree-based algorithms for weakly supervised anomaly detection", Physical Review D 109 (2024)
    034033, for ensembles of histogram-based boosting, which noise features hurt little.

    Parameters
    ----------
    members : how many; ten are enough, as forty find no more.
    iterations, learning_rate : of each one's boosting, which stops early.
    random_state : of the seeds.
    """

    def __init__(
        self,
        members: int = 10,
        iterations: int = 100,
        learning_rate: float = 0.1,
        random_state: RandomState = None,
    ) -> None:
        self.members = members
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Learn; both classes count the same in sum, whatever their sizes.

        Raises
        ------
        ValueError : 'members' is no integer from 1 on, values are not finite, or classes are one.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier

        if isinstance(self.members, bool) or not isinstance(self.members, int) or self.members < 1:
            raise ValueError(f"'members' must be an integer from 1 on. Got {self.members!r}.")
        rng = generator(self.random_state)
        rows = check_array(X, dtype=np.float64)
        steps = np.quantile(rows, np.linspace(0, 1, _BINS + 1)[1:-1], axis=0)
        self.edges_ = [np.unique(one) for one in steps.T]
        binned = self._binned(rows)
        self.estimators_ = [
            HistGradientBoostingClassifier(
                max_iter=self.iterations,
                learning_rate=self.learning_rate,
                early_stopping=True,
                class_weight="balanced",
                random_state=int(rng.integers(2**31)),
            ).fit(binned, y)
            for _ in range(self.members)
        ]
        self.classes_ = self.estimators_[0].classes_
        self.n_features_in_ = self.estimators_[0].n_features_in_
        return self

    def predict_proba(self, X: npt.ArrayLike) -> Floats:
        """Mean probability of each class, shape (n, classes)."""
        binned = self._binned(check_array(X, dtype=np.float64))
        shares: Floats = np.mean([one.predict_proba(binned) for one in self.estimators_], axis=0)
        return shares

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The likeliest class of each row."""
        found: npt.NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return found

    def _binned(self, rows: Floats) -> Floats:
        """Which of at most 255 bins each value is in: all that such trees see of it.

        They would find the bins themselves, anew for each member, and where classes are balanced by
        weights that takes them three quarters of their time.
        """
        if rows.shape[1] != len(self.edges_):
            raise ValueError(f"There are {rows.shape[1]} features; learnt were {len(self.edges_)}.")
        columns = [
            np.searchsorted(edges, column, side="right")
            for edges, column in zip(self.edges_, rows.T, strict=True)
        ]
        return np.stack(columns, axis=1).astype(np.float64)
