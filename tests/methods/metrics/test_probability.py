"""Brier score, log loss and calibration error against slow exact references."""

import itertools
import warnings

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import example, given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy import stats

from evidesk.methods.metrics import (
    PoorApproximationWarning,
    brier,
    evaluate_scores,
    expected_calibration_error,
    log_loss,
    proportion,
    reliability_diagram,
)
from evidesk.methods.metrics.calibration import CalibrationEvaluation

pytestmark = pytest.mark.filterwarnings("ignore::evidesk.methods.metrics.PoorApproximationWarning")

CASES = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=30)


def binary(n=400, seed=0, sharpness=1.0):
    """Labels and their true probabilities, made too sharp by ``sharpness``."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(size=n)
    y = rng.random(n) < 1 / (1 + np.exp(-logit))
    return y, 1 / (1 + np.exp(-sharpness * logit))


def several(n=150, seed=0):
    rng = np.random.default_rng(seed)
    return rng.choice(["a", "b", "c"], n), rng.dirichlet(np.ones(3), n)


# Losses


@given(CASES)
def test_values_are_those_of_scikit_learn(cases):
    y, p = map(np.array, zip(*cases, strict=True))
    for function, reference in (
        (brier, sklearn.metrics.brier_score_loss),
        (log_loss, lambda y, p: sklearn.metrics.log_loss(y, p, labels=[False, True])),
    ):
        estimate = function(y, p)
        assert estimate.value == pytest.approx(reference(y, p), abs=1e-12)
        assert 0 <= estimate.low <= estimate.value <= estimate.high < np.inf


def test_several_classes_are_summed_by_brier_and_picked_by_log_loss():
    y, table = several()
    assert log_loss(y, table).value == pytest.approx(sklearn.metrics.log_loss(y, table))
    truth = y[:, None] == np.array(["a", "b", "c"])
    assert brier(y, table).value == pytest.approx(((table - truth) ** 2).sum(axis=1).mean())
    weights = np.random.default_rng(1).random(150) + 0.1
    assert log_loss(y, table, sample_weight=weights).value == pytest.approx(
        sklearn.metrics.log_loss(y, table, sample_weight=weights)
    )
    order = ["c", "a", "b"]
    assert brier(y, table[:, [2, 0, 1]], labels=order).value == pytest.approx(brier(y, table).value)


@pytest.mark.parametrize("metric", ["brier", "log_loss"])
def test_losses_have_the_error_of_a_mean(metric):
    y, p = binary()
    found = evaluate_scores(metric, y, {"a": p, "b": 1 - p})
    losses = [(p - y) ** 2, (1 - p - y) ** 2]
    if metric == "log_loss":
        losses = [-np.log(np.where(y, p, 1 - p)), -np.log(np.where(y, 1 - p, p))]
    covariance = np.cov(losses) / len(y)
    assert np.allclose(found.units.covariance(found.contributions), covariance)
    assert not found.greater_is_better
    drawn = np.random.default_rng(0).integers(0, 4, (5, 400)).astype(float)
    assert np.allclose(found.replicate(drawn), drawn @ np.transpose(losses) / drawn.sum(1)[:, None])


def test_the_interval_is_students_by_the_effective_number_of_losses():
    y, p = binary()
    losses = (p - y) ** 2
    effective = losses.sum() ** 2 / (losses**2).sum()
    half_width = stats.t.ppf(0.975, effective - 1) * stats.sem(losses) / losses.mean()
    estimate = brier(y, p)
    assert estimate.low == pytest.approx(losses.mean() * np.exp(-half_width))
    assert estimate.high == pytest.approx(losses.mean() * np.exp(half_width))
    assert estimate.method == "clt"


@pytest.mark.parametrize("function", [brier, log_loss])
@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_bootstrap_intervals_agree_with_the_linearised_one(function, method):
    y, p = binary()
    linear, drawn = function(y, p), function(y, p, method=method, random_state=0)
    assert drawn.method == f"{method} bootstrap"
    assert (drawn.low, drawn.high) == pytest.approx((linear.low, linear.high), abs=0.02)


@pytest.mark.parametrize("metric", ["brier", "log_loss", "ece"])
def test_groups_of_one_are_cases_and_twins_count_once(metric):
    y, p = binary()
    cases = evaluate_scores(metric, y, {"a": p})
    alone = evaluate_scores(metric, y, {"a": p}, groups=np.arange(400))
    assert alone.errors == pytest.approx(cases.errors)
    assert alone.design_effects == pytest.approx(1)
    twins = evaluate_scores(metric, np.tile(y, 2), {"a": np.tile(p, 2)}, groups=[*range(400)] * 2)
    assert twins.errors == pytest.approx(cases.errors, rel=0.01)
    assert twins.design_effects == pytest.approx(2, rel=0.01)
    assert "400 groups" in twins.estimates()["a"].over


@pytest.mark.parametrize(("function", "largest"), [(brier, 1), (log_loss, -np.log(2.0**-52))])
def test_no_loss_at_all_is_bounded_by_the_cases_that_went_unseen(function, largest):
    with pytest.warns(PoorApproximationWarning, match="all losses are the same"):
        estimate = function([0, 1, 1, 0], [0, 1, 1, 0])
    assert (estimate.low, estimate.value) == (0, 0)
    assert estimate.high == pytest.approx(largest * (1 - 0.025 ** (1 / 4)))
    same = function([0, 1, 1, 0], np.full(4, 0.5))
    assert same.low < same.value < same.high


def test_a_called_impossible_case_has_a_large_loss_but_no_infinite_one():
    assert log_loss([0, 1], [1.0, 1.0]).value == pytest.approx(-np.log(2.0**-52) / 2)


def test_a_few_large_losses_are_warned_of():
    y, p = binary()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        brier(y, p)
    with pytest.warns(PoorApproximationWarning, match="a few cases make most of the loss"):
        brier([*[0] * 50, 1], [*[0.01] * 50, 0.0])


@pytest.mark.parametrize("function", [brier, log_loss, expected_calibration_error])
@pytest.mark.parametrize(
    ("y_true", "y_prob", "options", "error", "message"),
    [
        ([0, 1], [0.1, 1.1], {}, ValueError, r"probabilities in the range \[0, 1\]"),
        ([0, 1], [-0.1, 1], {}, ValueError, r"probabilities in the range \[0, 1\]"),
        ([0, 1], [0.1, np.nan], {}, ValueError, "'y_prob' parameter must be finite"),
        ([0, 1], [0.1], {}, ValueError, "must have the same length"),
        ([0, 1], [[0.5, 0.5], [0.5, 0.6]], {}, ValueError, "must sum to 1. One of them misses"),
        ([0, 1], [[1.0], [1.0]], {}, ValueError, "has one column"),
        ([1], [0.5], {}, ValueError, "At least two cases are needed"),
        ([], [], {}, ValueError, "'y_true' is empty"),
        (["a", "b"], [0.1, 0.5], {}, ValueError, "'pos_label' parameter must name"),
        ([0, 1], [0.1, 0.5], {"level": 1}, ValueError, "'level' parameter"),
        ([0, 1], [0.1, 0.5], {"groups": [0, 0]}, ValueError, "at least two groups"),
        ([0, None], [0.1, 0.5], {}, ValueError, "'y_true' has 1 missing"),
    ],
)
def test_bad_input_is_refused_by_name(function, y_true, y_prob, options, error, message):
    with pytest.raises(error, match=message):
        function(y_true, y_prob, **options)


def test_unknown_methods_and_shapes_are_refused():
    with pytest.raises(ValueError, match="'method' parameter must be one of clt"):
        brier([0, 1], [0.1, 0.5], method="delta")
    with pytest.raises(ValueError, match="of the same shape"):
        evaluate_scores("brier", [0, 1], {"a": [0.1, 0.5], "b": np.full((2, 2), 0.5)})


def test_one_class_alone_may_be_judged():
    assert brier([1, 1, 1], [0.9, 0.8, 0.7]).value == pytest.approx(0.14 / 3)
    assert expected_calibration_error([1, 1, 1], [0.9, 0.8, 0.7]).high <= 1


# Calibration


def plain_error(y, p, bins, quantile=False):
    edges = np.quantile(p, np.linspace(0, 1, bins + 1)) if quantile else np.linspace(0, 1, bins + 1)
    total = 0.0
    for low, high in itertools.pairwise(edges):
        inside = (p >= low) & ((p < high) | ((high == edges[-1]) & (p <= high)))
        if inside.any():
            total += inside.mean() * abs(y[inside].mean() - p[inside].mean())
    return total


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_the_plain_average_is_over_the_bins_that_hold_cases(strategy):
    y, p = binary(sharpness=3)
    found = evaluate_scores("ece", y, {"a": p, "b": p / 2}, bins=10, strategy=strategy)
    assert isinstance(found, CalibrationEvaluation)
    for model, distances in zip((p, p / 2), found.distances, strict=True):
        expected = plain_error(y, model, 10, strategy == "quantile")
        assert distances.plain == pytest.approx(expected)


def test_the_bias_of_chance_is_taken_off():
    plain, values = [], []
    for seed in range(200):
        y, p = binary(200, seed)
        found = evaluate_scores("ece", y, {"a": p})
        plain.append(found.distances[0].plain)
        values.append(found.values[0])
    assert np.mean(plain) > 0.06  # a perfectly calibrated model
    assert np.mean(values) < 0.03


def test_a_large_error_keeps_its_value():
    y, p = binary(20_000, sharpness=5)
    estimate = expected_calibration_error(y, p)
    assert estimate.value == pytest.approx(plain_error(y, p, 15), rel=0.02)
    assert estimate.low < estimate.value < estimate.high
    assert estimate.method == "folded normal"


@given(CASES, st.integers(1, 20), st.sampled_from(["uniform", "quantile"]))
@example([(False, 0.0), (False, 1e-300)], 1, "uniform")
@example([(False, 0.0), (False, 1e-14)], 1, "uniform")
def test_the_calibration_error_always_has_an_interval(cases, bins, strategy):
    y, p = map(np.array, zip(*cases, strict=True))
    estimate = expected_calibration_error(y, p, bins=bins, strategy=strategy)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1 + 1e-9
    assert estimate.high > 0


def test_no_error_at_all_is_bounded_and_warned_of():
    y = np.arange(100) < 50
    with pytest.warns(PoorApproximationWarning, match="or for no error at all"):
        estimate = expected_calibration_error(y, y.astype(float))
    assert (estimate.low, estimate.value) == (0, 0)
    assert estimate.high == pytest.approx(1 - 0.025**0.01)


def test_few_cases_are_warned_of_and_so_are_few_groups():
    y, p = binary(400)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected_calibration_error(y, p)
    with pytest.warns(PoorApproximationWarning, match="40 cases in effect"):
        expected_calibration_error(y[:40], p[:40])
    with pytest.warns(PoorApproximationWarning):
        expected_calibration_error(np.tile(y[:40], 9), np.tile(p[:40], 9), groups=[*range(40)] * 9)


def test_several_classes_are_judged_by_the_most_probable():
    y, table = several()
    top = table.argmax(axis=1)
    hit = np.array(["a", "b", "c"])[top] == y
    expected = expected_calibration_error(hit, table.max(axis=1))
    assert expected_calibration_error(y, table) == expected
    weights = np.full(150, 2.0)
    weighted = expected_calibration_error(y, table, sample_weight=weights)
    assert (weighted.low, weighted.high) == pytest.approx((expected.low, expected.high))


def test_replicates_of_the_calibration_error_scatter_as_its_error_says():
    y, p = binary(sharpness=3)
    found = evaluate_scores("ece", y, {"a": p})
    drawn = np.random.default_rng(0).multinomial(400, np.full(400, 1 / 400), 2000).astype(float)
    values = found.replicate(drawn)[:, 0]
    assert values.std() == pytest.approx(found.errors[0], rel=0.1)
    assert values.mean() == pytest.approx(found.values[0], abs=0.003)


def test_the_calibration_error_has_no_bootstrap_interval():
    y, p = binary()
    with pytest.raises(ValueError, match="resampling adds its bias"):
        evaluate_scores("ece", y, {"a": p}).estimates(method="bca")


@pytest.mark.parametrize("bins", [0, 1.5, True, "ten"])
def test_bins_are_whole_numbers(bins):
    with pytest.raises(ValueError, match="'bins' parameter must be an integer from 1 on"):
        expected_calibration_error([0, 1], [0.1, 0.5], bins=bins)


def test_bins_have_a_known_strategy():
    with pytest.raises(ValueError, match="'strategy' parameter must be one of uniform, quantile"):
        reliability_diagram([0, 1], [0.1, 0.5], strategy="kmeans")


# Reliability diagram


def test_each_bin_has_wilsons_interval():
    y, p = binary()
    found = reliability_diagram(y, p, bins=5, simultaneous=False)
    inside = (p >= 0.4) & (p < 0.6)
    expected = proportion(int(y[inside].sum()), int(inside.sum()))
    assert found.count.sum() == 400
    assert found.predicted[2] == pytest.approx(p[inside].mean())
    assert (found.low[2], found.observed[2], found.high[2]) == pytest.approx(
        (expected.low, expected.value, expected.high)
    )
    low, high = stats.binom.interval(0.95, inside.sum(), p[inside].mean())
    assert found.consistent_low[2] == pytest.approx(low / inside.sum())
    assert found.consistent_high[2] == pytest.approx(high / inside.sum())
    together = reliability_diagram(y, p, bins=5)
    assert np.all(together.low < found.low)
    assert np.all(together.high > found.high)
    assert found.error == expected_calibration_error(y, p, bins=5)


def test_groups_widen_the_bins():
    y, p = binary()
    alone = reliability_diagram(y, p, bins=5)
    twins = reliability_diagram(np.tile(y, 2), np.tile(p, 2), bins=5, groups=[*range(400)] * 2)
    assert np.allclose(twins.high - twins.low, alone.high - alone.low, rtol=0.02)
    constant = reliability_diagram([1, 1, 1, 1], [0.9] * 4, groups=[0, 0, 1, 1])
    assert constant.high == 1


def test_a_reliability_diagram_prints_and_draws():
    y, p = binary()
    found = reliability_diagram(y, p, bins=4)
    assert str(found).count("\n") == 5
    assert "95 % for all bins at once; calibration error" in str(found)
    assert "for each bin" in str(reliability_diagram(y, p, simultaneous=False))
    axes = Figure().subplots()
    assert found.plot(axes) is axes
    assert len(axes.containers) == 1
    assert found.plot().get_xlabel() == "predicted probability"
