"""Errors of predicted numbers: values, influence, intervals, and sums that merge."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from evidesk.methods.metrics import (
    PoorApproximationWarning,
    ResidualMoments,
    evaluate_values,
    grouped_estimate,
    mae,
    mse,
    r2,
    rmse,
    spearman,
)
from evidesk.methods.metrics.moments import Moments
from evidesk.methods.metrics.regression import VALUE_METRICS

pytestmark = pytest.mark.filterwarnings("ignore::evidesk.methods.metrics.PoorApproximationWarning")

FUNCTIONS = (rmse, mse, mae, r2, spearman)
OF_SUMS = (rmse, mse, mae, r2)
RNG = np.random.default_rng(0)
Y = RNG.normal(size=60).round(1)
MODELS = {"a": (Y + RNG.normal(size=60)).round(1), "b": 2 * Y + RNG.normal(size=60)}
WEIGHT = RNG.uniform(0.5, 2, 60)
GROUPS = np.arange(60) // 4

numbers = st.floats(-100, 100).map(lambda x: round(x, 2))
pairs = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=30)


def reference(metric, y_true, y_pred, weight=None):
    if metric == "spearman":
        return stats.spearmanr(y_true, y_pred)[0]
    function = {
        "mse": sk.mean_squared_error,
        "rmse": sk.root_mean_squared_error,
        "mae": sk.mean_absolute_error,
        "r2": sk.r2_score,
    }[metric]
    return function(y_true, y_pred, sample_weight=weight)


@pytest.mark.parametrize("metric", VALUE_METRICS)
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_values_are_scikit_learns(metric, weight):
    if metric == "spearman" and weight is not None:
        weight = np.ones(60)
    found = evaluate_values(metric, Y, MODELS, sample_weight=weight)
    assert found.names == ("a", "b")
    for value, predicted in zip(found.values, MODELS.values(), strict=True):
        assert value == pytest.approx(reference(metric, Y, predicted, weight))


@pytest.mark.parametrize("metric", VALUE_METRICS)
@given(pairs)
@settings(max_examples=30)
def test_values_are_scikit_learns_for_any_numbers(metric, cases):
    y_true, y_pred = map(np.array, zip(*cases, strict=True))
    constant = np.ptp(y_true) == 0 or (metric == "spearman" and np.ptp(y_pred) == 0)
    if metric in ("r2", "spearman") and constant:
        with pytest.raises(ValueError, match="not defined: 'y_"):
            evaluate_values(metric, y_true, {"y_pred": y_pred})
        return
    found = evaluate_values(metric, y_true, {"y_pred": y_pred})
    assert found.values[0] == pytest.approx(reference(metric, y_true, y_pred), abs=1e-9)
    (estimate,) = found.estimates().values()
    assert estimate.low <= estimate.value <= estimate.high


@pytest.mark.parametrize("metric", VALUE_METRICS)
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("groups", [None, GROUPS])
def test_contributions_are_the_derivatives_of_the_resampled_value(metric, weight, groups):
    found = evaluate_values(metric, Y, MODELS, sample_weight=weight, groups=groups)
    units = len(found.units.sizes)
    step = 1e-5 * np.eye(units)
    slopes = (found.replicate(1 + step) - found.replicate(1 - step)) / 2e-5
    assert np.allclose(slopes.T, found.contributions, atol=1e-8)
    assert np.allclose(found.replicate(np.ones((1, units)))[0], found.values)


@pytest.mark.parametrize("metric", VALUE_METRICS)
def test_a_resample_is_the_sample_with_cases_repeated(metric):
    found = evaluate_values(metric, Y, MODELS)
    drawn = np.random.default_rng(1).integers(0, 4, (5, 60)).astype(float)
    for weights, values in zip(drawn, found.replicate(drawn), strict=True):
        at = np.repeat(np.arange(60), weights.astype(int))
        again = [reference(metric, Y[at], predicted[at]) for predicted in MODELS.values()]
        assert values == pytest.approx(again)


@pytest.mark.parametrize("metric", ["rmse", "r2", "spearman"])
def test_the_variance_is_about_the_jackknifes(metric):
    found = evaluate_values(metric, Y, MODELS)
    left_out = found.replicate(1 - np.eye(60))
    jackknife = 59 / 60 * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0)
    assert np.sqrt(jackknife) == pytest.approx(found.errors, rel=0.1)


@pytest.mark.parametrize("metric", VALUE_METRICS)
def test_groups_of_one_are_cases(metric):
    alone = evaluate_values(metric, Y, MODELS)
    grouped = evaluate_values(metric, Y, MODELS, groups=np.arange(60))
    assert np.allclose(alone.errors, grouped.errors)
    assert np.allclose(grouped.design_effects, 1)
    assert np.all(evaluate_values(metric, Y, MODELS, groups=GROUPS).design_effects > 0)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("method", ["clt", "percentile", "bca"])
def test_all_methods_agree_on_enough_cases(function, method):
    rng = np.random.default_rng(2)
    y_true = rng.normal(size=2000)
    y_pred = y_true + rng.normal(size=2000)
    clt = function(y_true, y_pred)
    found = function(y_true, y_pred, method=method, resamples=500, random_state=0)
    assert (found.low, found.high) == pytest.approx((clt.low, clt.high), abs=0.2 * clt.half_width)
    assert found.method == ("clt" if method == "clt" else f"{method} bootstrap")
    grouped = function(y_true, y_pred, method=method, resamples=500, groups=np.arange(2000) // 4)
    assert grouped.over == "500 groups"


def test_the_interval_of_the_rmse_is_the_root_of_that_of_the_mse():
    root, square = rmse(Y, MODELS["a"], unit="K"), mse(Y, MODELS["a"], unit="K")
    assert (root.low**2, root.high**2) == pytest.approx((square.low, square.high))
    assert (root.unit, square.unit) == ("K", "K²")
    assert mse(Y, MODELS["a"], unit="m/s").unit == "(m/s)²"
    assert mse(Y, MODELS["a"]).unit == ""
    assert evaluate_values("r2", Y, MODELS, unit="K").unit == ""


def test_better_is_less_for_errors_and_more_for_what_is_explained():
    better = {m: evaluate_values(m, Y, MODELS).greater_is_better for m in VALUE_METRICS}
    assert better == {"mse": False, "rmse": False, "mae": False, "r2": True, "spearman": True}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_series_of_any_make_are_read(function):
    plain = function(Y, MODELS["a"])
    assert function(pd.Series(Y), pl.Series(MODELS["a"])) == plain
    assert function(Y.tolist(), tuple(MODELS["a"])) == plain
    single = function(Y.astype("f4"), MODELS["a"].astype("f4"))
    assert single.value == pytest.approx(plain.value, abs=1e-5)
    assert function(Y, MODELS["a"], sample_weight=np.full(60, 7)).low == pytest.approx(plain.low)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("y_true", "y_pred", "options", "error", "message"),
    [
        ([1.0, 2], [1.0, 2, 3], {}, ValueError, "'y_true' and 'y_pred' must have the same length"),
        ([1.0, np.nan], [1.0, 2], {}, ValueError, "'y_true' parameter must be finite"),
        ([1.0, 2], [1.0, np.inf], {}, ValueError, "'y_pred' parameter must be finite"),
        ([1 + 2j, 2], [1.0, 2], {}, TypeError, "'y_true' parameter must hold real numbers"),
        (["1", "2"], [1.0, 2], {}, TypeError, "'y_true' parameter must hold real numbers"),
        ([1.0, 2], [None, 2], {}, TypeError, "'y_pred' parameter must hold real numbers"),
        ([1.0], [1.0], {}, ValueError, "'y_true' must hold at least two cases"),
        ([], [], {}, ValueError, "'y_true' must hold at least two cases"),
        ([[1.0], [2]], [1.0, 2], {}, ValueError, "'y_true' parameter must have 1 dimension"),
        ([1.0, 2], [1.0, 3], {"level": 1.0}, ValueError, "'level' parameter"),
        ([1.0, 2], [1.0, 3], {"level": 0}, ValueError, "'level' parameter"),
        ([1.0, 2], [1.0, 3], {"method": "wald"}, ValueError, "'method' parameter must be one of c"),
        ([1.0, 2], [1.0, 3], {"method": "delta"}, ValueError, "'method' parameter"),
        ([1.0, 2], [1.0, 3], {"groups": [1, 1]}, ValueError, "at least two groups"),
        ([1.0, 2], [1.0, 3], {"groups": [1]}, ValueError, "'groups' parameter"),
        ([1.0, 2], [1.0, 3], {"sample_weight": [0, 1]}, ValueError, "must be above 0"),
        (
            [1.0, 2],
            [1.0, 3],
            {"method": "bca", "resamples": 9},
            ValueError,
            "'resamples' parameter",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(function, y_true, y_pred, options, error, message):
    with pytest.raises(error, match=message):
        function(y_true, y_pred, **options)


def test_a_metric_or_a_model_that_is_none_is_refused():
    with pytest.raises(ValueError, match="'metric' parameter must be one of mse, rmse"):
        evaluate_values("rms", Y, MODELS)
    with pytest.raises(ValueError, match="'predictions' parameter must name at least one"):
        evaluate_values("rmse", Y, {})


@pytest.mark.parametrize("constant", [[3.0, 3.0, 3.0], [0.1, 0.1, 0.1], [1e9 + 0.1] * 3])
def test_a_constant_truth_explains_nothing(constant):
    with pytest.raises(ValueError, match="R2 is not defined: 'y_true' is constant"):
        r2(constant, [1.0, 2, 3])
    with pytest.raises(ValueError, match="not defined: 'y_true' is constant"):
        spearman(constant, [1.0, 2, 3])
    with pytest.warns(PoorApproximationWarning):
        assert rmse(constant, [1.0, 2, 3]).value > 0


def test_a_constant_prediction_ranks_nothing_but_may_be_off():
    with pytest.raises(ValueError, match="'y_pred' is constant and ranks nothing"):
        spearman(Y, np.zeros(60))
    assert r2(Y, np.zeros(60)).value < 0.1


@pytest.mark.parametrize("size", [1e160, 1e-160])
def test_numbers_whose_powers_are_none_are_refused(size):
    with pytest.raises(ValueError, match="too far from 1 for their powers"):
        rmse(Y * size, MODELS["a"] * size)


@pytest.mark.parametrize("function", OF_SUMS)
def test_a_perfect_fit_has_no_width_and_says_so(function):
    with pytest.warns(PoorApproximationWarning, match="no two cases differ") as caught:
        estimate = function(Y, Y)
    assert estimate.low == estimate.value == estimate.high == (1 if function is r2 else 0)
    assert caught[0].filename == __file__


def test_a_perfect_ranking_is_as_sure_as_its_cases():
    few, many = spearman(Y[:20], Y[:20] ** 3), spearman(Y, Y**3)
    assert few.value == few.high == many.high == 1
    assert few.low < many.low < 1
    assert spearman(Y, -Y).low == -1


def test_few_cases_that_decide_are_warned_of_where_the_user_called():
    errors = np.full(200, 0.1)
    errors[0] = 30
    with pytest.warns(PoorApproximationWarning, match="about 1 cases or groups") as caught:
        rmse(errors, np.zeros(200))
    assert caught[0].filename == __file__
    with pytest.warns(PoorApproximationWarning, match="Spearman's correlation.*fewer than 10"):
        spearman([1, 2, 3, 4], [1, 3, 2, 4])


def test_two_cases_bound_next_to_nothing():
    estimate = rmse([1, 2], [1, 3], level=0.9999)
    assert np.isfinite(estimate.high)
    assert estimate.high > 1e100
    assert r2([1, 2], [1, 3], level=0.9999).low < -1e100
    assert spearman([1, 2, 3], [1, 3, 2]).low < -0.9


@pytest.mark.parametrize("function", [r2, spearman])
def test_resamples_without_variance_are_left_out_or_too_many(function):
    y_true = np.r_[np.zeros(9), 1.0]
    with pytest.raises(ValueError, match=r"not defined in .* % of the bootstrap's resamples"):
        function(y_true, np.r_[np.arange(9.0), 20], method="percentile", random_state=0)


# Sums


def moments(y_true, y_pred, centre=0.0):
    y, e = np.asarray(y_true) - centre, np.asarray(y_pred) - np.asarray(y_true)
    return ResidualMoments.from_sums(
        n=len(y),
        y=y.sum(),
        y2=(y**2).sum(),
        y3=(y**3).sum(),
        y4=(y**4).sum(),
        abs_e=np.abs(e).sum(),
        e2=(e**2).sum(),
        e4=(e**4).sum(),
        y_e2=(y * e**2).sum(),
        y2_e2=(y**2 * e**2).sum(),
        centre=centre,
    )


def unit_of(function):
    return {} if function is r2 else {"unit": "K"}


def same(one, other, rel=1e-9):
    assert (one.value, one.low, one.high) == pytest.approx(
        (other.value, other.low, other.high), rel=rel, abs=1e-9
    )
    assert (one.n, one.over, one.method, one.unit) == (
        other.n,
        other.over,
        other.method,
        other.unit,
    )


@pytest.mark.parametrize("function", OF_SUMS)
def test_sums_tell_what_cases_tell(function):
    name, (y_true, y_pred) = function.__name__, (Y + 1e5, MODELS["a"] + 1e5)
    whole = function(y_true, y_pred, level=0.9, **unit_of(function))
    parts = [ResidualMoments.from_arrays(y_true[i::3], y_pred[i::3]) for i in range(3)]
    merged = parts[0] + parts[1] + parts[2]
    same(merged.estimate(name, level=0.9, unit="K"), whole, rel=1e-6)
    same(moments(y_true, y_pred, 1e5).estimate(name, level=0.9, unit="K"), whole, rel=1e-6)


@pytest.mark.parametrize("function", OF_SUMS)
def test_sums_of_groups_tell_what_cases_in_groups_tell(function):
    groups = RNG.integers(0, 12, 60)
    parts = [
        ResidualMoments.from_arrays(Y[groups == g], MODELS["a"][groups == g])
        for g in np.unique(groups)
    ]
    same(
        grouped_estimate(function.__name__, parts, unit="K"),
        function(Y, MODELS["a"], groups=groups, **unit_of(function)),
    )


@given(pairs, st.integers(1, 29))
@settings(max_examples=50)
def test_the_order_of_merging_does_not_matter(cases, cut):
    y_true, y_pred = map(np.array, zip(*cases, strict=True))
    cut = min(cut, len(y_true) - 1)
    left = ResidualMoments.from_arrays(y_true[:cut], y_pred[:cut])
    right = ResidualMoments.from_arrays(y_true[cut:], y_pred[cut:])
    whole = ResidualMoments.from_arrays(y_true, y_pred)
    for merged in (left + right, right + left):
        for name in ("n", "mean", "d2", "d3", "d4", "abs_e", "e2", "e4", "d_e2", "d2_e2"):
            assert getattr(merged, name) == pytest.approx(getattr(whole, name), rel=1e-7, abs=1e-2)


@pytest.mark.parametrize("metric", ["mse", "rmse", "mae", "r2"])
def test_sums_of_a_perfect_fit_say_so(metric):
    with pytest.warns(PoorApproximationWarning) as caught:
        estimate = ResidualMoments.from_arrays(Y, Y).estimate(metric)
    assert estimate.low == estimate.high
    assert caught[0].filename == __file__


def test_sums_that_are_none_are_refused():
    one = ResidualMoments.from_arrays([1.0], [2.0])
    with pytest.raises(ValueError, match="At least two cases"):
        one.estimate("rmse")
    with pytest.raises(ValueError, match="'metric' parameter must be one of mse, rmse, mae, r2"):
        (one + one).estimate("spearman")
    with pytest.raises(ValueError, match="R2 is not defined: y is constant"):
        (one + one).estimate("r2")
    with pytest.raises(ValueError, match="at least two groups"):
        grouped_estimate("rmse", [one])
    with pytest.raises(ValueError, match="'y_true' is empty"):
        ResidualMoments.from_arrays([], [])
    with pytest.raises(ValueError, match="must be finite"):
        ResidualMoments(1, np.nan, *[0.0] * 8)
    with pytest.raises(ValueError, match="'n' parameter must be 1 or more"):
        ResidualMoments(0, *[0.0] * 9)
    with pytest.raises(ValueError, match="must be at least 0"):
        ResidualMoments(2, 0.0, -1.0, *[0.0] * 7)
    with pytest.raises(ValueError, match="'n' parameter must be 1 or more"):
        ResidualMoments.from_sums(n=0, y=0, y2=0, y3=0, y4=0, abs_e=0, e2=0, e4=0, y_e2=0, y2_e2=0)


def test_sums_cannot_be_resampled():
    moments = Moments(4, np.zeros(1), np.ones((1, 1)))
    evaluation = moments.evaluation("mean", ["a"], [0.0], [[1.0]])
    with pytest.raises(NotImplementedError):
        evaluation.estimates(method="percentile")
