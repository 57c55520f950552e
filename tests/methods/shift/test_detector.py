"""The detector keeps scikit-learn's contract."""

import pickle
import warnings
from contextlib import suppress
from unittest import SkipTest

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from evidesk.methods.shift import two_sample_test
from evidesk.methods.shift.detector import ShiftDetector

RNG = np.random.default_rng
_NOT_YET = "it has to 'test' a current sample before it can score rows"
_SINGLE = "features are made in single precision, which rounds by batch: differences up to 1e-6"


class Tested(ShiftDetector):
    """Also tests once, so that all of scikit-learn's checks see its rule."""

    __test__ = False  # pytest's, by its name

    def fit(self, X, y=None):
        super().fit(X)
        table = np.asarray(X, dtype=float)
        if len(table) > 4:
            self.test(table + 0.3)
        return self


def failing(estimator):
    if isinstance(estimator, Tested):
        return {"check_methods_subset_invariance": _SINGLE}
    return dict.fromkeys(
        (
            "check_estimators_dtypes",
            "check_dtype_object",
            "check_estimators_pickle",
            "check_f_contiguous_array_estimator",
            "check_methods_sample_order_invariance",
            "check_methods_subset_invariance",
            "check_dict_unchanged",
            "check_fit_idempotent",
        ),
        _NOT_YET,
    )


@parametrize_with_checks(
    [ShiftDetector(random_state=0), Tested(random_state=0, permutations=19)],
    expected_failed_checks=failing,
)
def test_scikit_learns_own_checks(estimator, check):
    with suppress(SkipTest):  # of arrays that are not NumPy's
        check(estimator)


def test_single_precision_rounds_no_more_than_that():
    x = RNG(0).standard_normal((60, 3))
    detector = Tested(random_state=0).fit(x)
    each = np.concatenate([detector.score_samples(row[None]) for row in x])
    np.testing.assert_allclose(each, detector.score_samples(x), atol=1e-6)


def frame(rng, n, shift=0.0):
    return pd.DataFrame(
        {"a": rng.standard_normal(n) + shift, "k": rng.choice(list("uvw"), n), "m": rng.random(n)}
    )


@pytest.fixture(scope="module")
def detector():
    detector = ShiftDetector(random_state=0).fit(frame(RNG(0), 200))
    detector.test(frame(RNG(1), 150, 2.0))
    return detector


def test_its_test_is_the_two_sample_test(detector):
    expected = two_sample_test(frame(RNG(0), 200), frame(RNG(1), 150, 2.0), random_state=0)
    assert detector.result_.p_value == expected.p_value
    assert detector.result_.auc == expected.auc
    assert list(detector.feature_names_in_) == ["a", "k", "m"]
    assert detector.n_features_in_ == 3


def test_scores_and_labels_follow_what_was_tested(detector):
    like, unlike = frame(RNG(2), 1000), frame(RNG(3), 1000, 2.0)
    scores = detector.score_samples(unlike)
    assert scores.mean() > 1
    assert scores.mean() > detector.score_samples(like).mean() + 2
    assert set(detector.predict(unlike)) == {1, -1}
    assert (detector.predict(unlike) == -1).mean() > 0.4


def test_rows_like_the_reference_are_seldom_called_unlike_it():
    shares = []
    for seed in range(30):
        rng = RNG(seed)
        detector = ShiftDetector(level=0.9, permutations=19, random_state=seed)
        detector.fit(rng.standard_normal((80, 2))).test(rng.standard_normal((60, 2)) + 0.5)
        shares.append((detector.predict(rng.standard_normal((500, 2))) == -1).mean())
    assert np.mean(shares) < 0.1 + 3 * np.std(shares) / np.sqrt(30)
    assert np.mean(shares) > 0.05


def test_it_says_if_no_row_could_be_called_unlike_the_reference():
    rng = RNG(0)
    x, y = rng.standard_normal((37, 2)), rng.standard_normal((30, 2)) + 50
    small = ShiftDetector(permutations=19, random_state=0).fit(x[:30])
    small.test(y)
    with pytest.warns(UserWarning, match="reference of 37 rows or more"):
        assert (small.predict(y) == 1).all()
    enough = ShiftDetector(permutations=19, random_state=0).fit(x)
    enough.test(y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (enough.predict(y) == -1).all()


def test_mappings_are_taken_as_frames_are(detector):
    x, y = (dict(frame(RNG(seed), n, shift)) for seed, n, shift in ((0, 200, 0.0), (1, 150, 2.0)))
    mapped = ShiftDetector(random_state=0).fit(x)
    assert list(mapped.feature_names_in_) == ["a", "k", "m"]
    assert mapped.n_features_in_ == 3
    # In any order.
    assert mapped.test(dict(reversed(y.items()))).p_value == detector.result_.p_value
    assert mapped.test(pd.DataFrame(y)).p_value == detector.result_.p_value
    np.testing.assert_array_equal(mapped.predict(y), detector.predict(pd.DataFrame(y)))
    mapped.partial_fit(x)
    assert len(mapped.reference_["a"]) == 400
    with pytest.raises(ValueError, match="not those of the reference: 'b', 'm' are in one"):
        mapped.test({"b": [1], "a": [1.0], "k": ["u"]})


@pytest.mark.parametrize("series", [pd.Series, pl.Series])
def test_a_series_is_one_column(series):
    x, y = RNG(0).standard_normal(80), RNG(1).standard_normal(60) + 1
    of_series = ShiftDetector(random_state=0).fit(series(x))
    of_table = ShiftDetector(random_state=0).fit(x[:, None])
    assert of_series.test(series(y)).p_value == of_table.test(y[:, None]).p_value
    np.testing.assert_array_equal(of_series.predict(series(y)), of_table.predict(y[:, None]))
    kinds = ShiftDetector(random_state=0).fit(series(["u", "v"] * 20))
    assert kinds.test(series(["u"] * 30)).differs


def test_masked_values_are_missing():
    x = np.ma.masked_array(RNG(0).standard_normal((40, 2)), mask=RNG(1).random((40, 2)) < 0.3)
    masked = ShiftDetector(random_state=0).fit(x)
    plain = ShiftDetector(random_state=0).fit(x.filled(np.nan))
    np.testing.assert_array_equal(masked.reference_["x0"], plain.reference_["x0"])
    assert masked.test(x + 1).p_value == plain.test(x.filled(np.nan) + 1).p_value


def test_frames_of_either_kind_and_pickles_score_alike(detector):
    rows = frame(RNG(2), 50)
    expected = detector.score_samples(rows)
    np.testing.assert_array_equal(detector.score_samples(pl.from_pandas(rows)), expected)
    again = pickle.loads(pickle.dumps(detector))
    np.testing.assert_array_equal(again.score_samples(rows), expected)
    polars = ShiftDetector(random_state=0).fit(pl.from_pandas(frame(RNG(0), 200)))
    assert polars.test(frame(RNG(1), 150, 2.0)).p_value == detector.result_.p_value


def test_a_clone_knows_its_parameters_and_nothing_else(detector):
    copy = clone(detector).set_params(level=0.99)
    assert copy.get_params() == {
        "method": "auto", "classifier": None, "level": 0.99, "min_effect": 0.0,
        "permutations": None, "random_state": 0, "n_jobs": None,
    }  # fmt: skip
    with pytest.raises(NotFittedError):
        copy.test(frame(RNG(0), 20))


def test_rows_with_new_categories_missing_values_or_none_at_all_are_scored(detector):
    rows = pd.DataFrame(
        {"a": [np.nan, 0.0, None], "k": ["new", None, np.nan], "m": [np.nan, 1.0, 2.0]}
    )
    assert np.isfinite(detector.score_samples(rows)).all()
    empty = pd.DataFrame({"a": [None, None], "k": [None, None], "m": [1.0, 2.0]}, dtype=object)
    assert np.isfinite(detector.score_samples(empty)).all()


def test_more_reference_rows_are_as_good_as_all_at_once():
    x, y = frame(RNG(0), 100), frame(RNG(1), 60, 1.0)
    x.loc[:39, "k"] = None
    whole = ShiftDetector(random_state=0).fit(x).test(y)
    detector = ShiftDetector(random_state=0).partial_fit(x[:40])
    detector.test(y[["a", "k", "m"]])
    detector.partial_fit(x[40:])
    assert detector.test(y).p_value == whole.p_value
    detector.partial_fit(x[:0:-1])
    with pytest.raises(NotFittedError, match="Call 'test' with a current sample"):
        detector.predict(x)
    assert not hasattr(detector, "result_")


def test_categories_may_come_after_rows_without_any():
    empty = pd.DataFrame({"k": [None, None], "a": [0.0, 1.0]})
    detector = ShiftDetector().fit(empty).partial_fit(pd.DataFrame({"k": ["u"], "a": [2.0]}))
    assert detector.reference_["k"].tolist()[-1] == "u"
    with pytest.raises(ValueError, match="'k' is numeric here and was not before"):
        detector.partial_fit(pd.DataFrame({"k": [3.0], "a": [2.0]}))


def test_groups_and_blocks_are_passed_on():
    rng = RNG(0)
    groups = np.repeat(np.arange(30), 4)
    rows = rng.standard_normal((120, 2)) + rng.standard_normal((30, 2))[groups]
    detector = ShiftDetector(random_state=0).fit(rows[:60])
    assert "groups" in detector.test(rows[60:], groups).covers
    assert detector.score_samples(rows).shape == (120,)
    assert "blocks of rows" in detector.test(rows[60:], block_length=4).covers


def test_a_single_row_is_tested_and_leaves_no_rule():
    detector = ShiftDetector(level=0.9, random_state=0).fit(np.arange(30.0)[:, None])
    detector.test([[500.0]])
    with pytest.raises(NotFittedError, match="two rows or more"):
        detector.score_samples([[1.0]])


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ([1.0, 2.0], ValueError, "Expected 2D array, got 1D array"),
        (np.empty((3, 0)), ValueError, "0 feature"),
        (np.empty((0, 3)), ValueError, "no rows"),
        ([[1j, 2, 3]], ValueError, "Complex data not supported"),
        (sparse.eye(3).tocsr(), TypeError, "dense data is required"),
        ([[1.0, 2.0]], ValueError, "2 features, but ShiftDetector is expecting 3"),
        (frame(RNG(0), 5)[["k", "a", "m"]], ValueError, "same order"),
        (frame(RNG(0), 5).rename(columns={"a": "b"}), ValueError, "feature names should match"),
        (frame(RNG(0), 5).assign(a="text"), ValueError, "'a' is categorical here and numeric"),
        (frame(RNG(0), 5).assign(m=np.inf), ValueError, "infinite"),
    ],
)
def test_rows_that_do_not_fit_are_refused(detector, rows, error, message):
    with pytest.raises(error, match=message):
        detector.score_samples(rows)


def test_an_array_has_the_references_columns_in_their_order(detector):
    rows = frame(RNG(2), 20)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        found = detector.score_samples(rows.to_numpy())
    np.testing.assert_array_equal(found, detector.score_samples(rows))
