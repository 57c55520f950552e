"""The two-sample test as a scikit-learn estimator: learn the reference once, then judge batches."""

import warnings
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted, validate_data

from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.shift.columns import FeatureColumn, columns_of
from evidesk.methods.shift.density import DensityRatio
from evidesk.methods.shift.effect import split
from evidesk.methods.shift.methods import Method
from evidesk.methods.shift.rows import conformal_p_values, too_few_to_tell
from evidesk.methods.shift.samples import Feature, Samples
from evidesk.methods.shift.two_sample import TwoSampleResult, arranged, two_sample_test

Floats = npt.NDArray[np.float64]


class ShiftDetector(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Tell whether new samples come from the same distribution as a reference, and which rows do
    not look like it.

    Parameters
    ----------
    level : 1 less the significance level of `test`, and less the share of rows like the reference
        that `predict` takes for unlike it.
    method, classifier, min_effect, permutations, n_jobs : as in :func:`two_sample_test`.
    random_state : of relabellings, waves and halves.

    Attributes
    ----------
    n_features_in_, feature_names_in_ : of the reference; names only if it has some.
    reference_ : dict of the reference's columns, by name.
    result_ : what the last `test` found.
    rule_ : the log-density ratio that the last `test` has learnt, from half of the rows.
    calibration_ : array; the rule's scores of the other half of the reference, ascending.
    """

    def __init__(
        self,
        *,
        method: Method | Literal["auto"] = "auto",
        classifier: Any = None,
        level: float = 0.95,
        min_effect: float = 0.0,
        permutations: int | None = None,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.method = method
        self.classifier = classifier
        self.level = level
        self.min_effect = min_effect
        self.permutations = permutations
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: None = None) -> "ShiftDetector":
        """Take these rows for the reference.

        Parameters
        ----------
        X : data frame, mapping of columns, or array of shape (n, features); a series is one column.
            Numbers, dates, categories, missing values.
        y : not used.

        Raises
        ------
        ValueError, TypeError : X is no table, or has infinite numbers.
        """
        self._forget()
        columns = self._columns(X, reset=True)
        self.reference_ = {column.name: column.values for column in columns}
        return self

    def partial_fit(self, X: Any, y: None = None) -> "ShiftDetector":
        """Add these rows to the reference. What an earlier `test` has learnt is forgotten.

        Raises
        ------
        ValueError, TypeError : as `fit`; or other columns than before.
        """
        if not hasattr(self, "reference_"):
            return self.fit(X)
        more = self._columns(X, reset=False)
        added = {}
        for column in more:
            before = self.reference_[column.name]
            if _clash(before, column):
                raise ValueError(
                    f"Column {column.name!r} is {column.kind} here and was not before. Give both "
                    "the same type."
                )
            parts = [before, column.values]
            if before.dtype != column.values.dtype:
                parts = [one.astype(object) for one in parts]  # one of them has no values
            added[column.name] = np.concatenate(parts)
        self.reference_ = added
        self._forget()
        return self

    def test(
        self,
        Y: Any,
        groups: npt.ArrayLike | None = None,
        *,
        block_length: int | None = None,
    ) -> TwoSampleResult:
        """Test whether these rows come from the same distribution as the reference.

        It also learns a rule for `score_samples` and `predict`, if there are rows enough: two of
        each sample.

        Parameters
        ----------
        Y : the current sample, with the reference's columns.
        groups, block_length : as in :func:`two_sample_test`.

        Raises
        ------
        NotFittedError : there is no reference.
        ValueError, TypeError : as :func:`two_sample_test`.
        """
        check_is_fitted(self, "reference_")
        current = {column.name: column.values for column in self._columns(Y, reset=False)}
        rng = generator(self.random_state)
        result = two_sample_test(
            self.reference_,
            current,
            method=self.method,
            classifier=self.classifier,
            groups=groups,
            block_length=block_length,
            level=self.level,
            min_effect=self.min_effect,
            permutations=self.permutations,
            random_state=rng,
            n_jobs=self.n_jobs,
        )
        self._forget()
        samples, relabelling = arranged(Samples.of(self.reference_, current), groups, block_length)
        self.result_ = result
        try:
            learn = split(relabelling, rng)
        except ValueError:
            return result  # its warnings tell that there are too few rows
        self.rule_ = DensityRatio.learn(samples, learn, samples.is_current, rng)
        held = ~learn & ~samples.is_current
        self.calibration_ = np.sort(self.rule_(samples.design[held]))
        self._features = samples.features
        return result

    def score_samples(self, X: Any) -> Floats:
        """How much likelier each row is in the sample tested last than in the reference: the
        logarithm of the ratio of densities, shape (n,).

        Raises
        ------
        NotFittedError : nothing was tested yet.
        ValueError, TypeError : other columns than the reference's.
        """
        check_is_fitted(self, "reference_")
        columns = self._columns(X, reset=False)
        if not hasattr(self, "rule_"):
            raise NotFittedError(
                f"This {type(self).__name__} has not learnt yet what sets rows apart from the "
                "reference. Call 'test' with a current sample of two rows or more first, and again "
                "after 'fit' or 'partial_fit'."
            )
        return self.rule_(_encode(self._features, columns))

    def predict(self, X: Any) -> npt.NDArray[np.intp]:
        """1 for rows that look like the reference, -1 for those that look like the sample tested
        last instead, shape (n,).

        A row is unlike the reference if at most ``1 - level`` of held-out reference rows, itself
        counted, score as high; so of new rows like the reference, at most ``1 - level`` are
        expected to be called unlike it. A warning says if the reference has too few rows for any to
        be called so.

        Raises
        ------
        NotFittedError, ValueError, TypeError : as `score_samples`.
        """
        scores = self.score_samples(X)
        if told := too_few_to_tell(len(self.calibration_), 1 - self.level):
            warnings.warn(told, stacklevel=2)
        p_values = conformal_p_values(self.calibration_, scores)
        return np.where(p_values <= 1 - self.level + 1e-12, -1, 1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def _forget(self) -> None:
        for name in ("result_", "rule_", "calibration_", "_features"):
            self.__dict__.pop(name, None)

    def _columns(self, X: Any, *, reset: bool) -> list[FeatureColumn]:
        if sparse.issparse(X):
            raise TypeError(
                "Sparse data was passed, but dense data is required. Use '.toarray()' to make it "
                "dense."
            )
        if isinstance(X, Mapping):
            return self._of_mapping(X, reset=reset)
        named = hasattr(X, "columns")
        is_series = hasattr(X, "to_frame") and not named
        table = X if named or isinstance(X, np.ma.MaskedArray) else np.asarray(X)
        if is_series:
            table = table[:, None]
        if not named and np.iscomplexobj(table):
            raise ValueError(
                "Complex data not supported: give real and imaginary parts as columns."
            )
        if not named and table.ndim != 2:
            raise ValueError(
                f"Expected 2D array, got {table.ndim}D array instead. Reshape your data: one row "
                "for each case, X.reshape(-1, 1) if there is a single feature."
            )
        if not named and table.shape[1] == 0:
            raise ValueError(
                f"Found array with 0 feature(s) (shape={table.shape}) while a minimum of 1 is "
                "required."
            )
        validate_data(self, table, reset=reset, skip_check_array=True)
        if named:
            return columns_of(table, "X")
        # An array has the reference's columns in their order.
        names = [f"x{number}" for number in range(table.shape[1])] if reset else self.reference_
        return columns_of(dict(zip(names, [X] if is_series else table.T, strict=True)), "X")

    def _of_mapping(self, X: Mapping[Any, Any], *, reset: bool) -> list[FeatureColumn]:
        """What scikit-learn checks of frames; the order does not matter."""
        columns = columns_of(X, "X")
        names = [column.name for column in columns]
        if reset:
            self.feature_names_in_ = np.array(names, dtype=object)
            self.n_features_in_ = len(names)
        elif set(names) != set(self.reference_):
            differing = ", ".join(map(repr, sorted(set(names) ^ set(self.reference_))[:5]))
            raise ValueError(
                f"The columns are not those of the reference: {differing} are in one of them alone."
            )
        return columns


def _clash(before: npt.NDArray[Any], column: FeatureColumn) -> bool:
    """Whether one is numbers and the other categories, and both have values."""
    kind = columns_of({column.name: before}, "X")[0].kind
    return kind != column.kind and _has_values(before) and _has_values(column.values)


def _has_values(values: npt.NDArray[Any]) -> bool:
    return any(one is not None and one == one for one in values)


def _encode(features: tuple[Feature, ...], columns: list[FeatureColumn]) -> Floats:
    """Rows as numbers, as those that the rule was learnt from.

    Raises
    ------
    ValueError : a column is of another kind.
    """
    by_name = {column.name: column for column in columns}
    parts = []
    for feature in features:
        column = by_name[feature.name]
        values = column.values
        if column.kind != feature.kind:
            if _has_values(values):
                raise ValueError(
                    f"Column {feature.name!r} is {column.kind} here and {feature.kind} in the "
                    "reference. Give both the same type."
                )
            missing: Any = None if feature.kind == "categorical" else np.nan
            values = np.full(len(values), missing, dtype=object)
        parts.append(feature.encode(values))
    return np.hstack(parts)
