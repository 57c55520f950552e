"""Means of per-case scores, and of Dice and IoU."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import f1_score, jaccard_score

from evidesk.methods.metrics import (
    PoorApproximationWarning,
    dice,
    evaluate_means,
    iou,
    mean_dice,
    mean_iou,
    mean_score,
    proportion,
)

RNG = np.random.default_rng(0)
TRUTH = RNG.random((80, 6, 5)) < 0.4
FOUND = TRUTH ^ (RNG.random(TRUTH.shape) < 0.1)
SCORES = RNG.normal(3, 1, 80)


def test_overlaps_are_those_of_the_pixels():
    flat = TRUTH.reshape(80, -1), FOUND.reshape(80, -1)
    pixels = list(zip(*flat, strict=True))
    assert dice(TRUTH, FOUND) == pytest.approx([f1_score(a, b) for a, b in pixels])
    assert iou(TRUTH, FOUND) == pytest.approx([jaccard_score(a, b) for a, b in pixels])


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), min_size=1, max_size=9))
def test_dice_and_iou_say_the_same_in_other_words(masks):
    bits = (np.array(masks)[:, :, None] >> np.arange(4)) & 1
    d, j = dice(bits[:, 0], bits[:, 1]), iou(bits[:, 0], bits[:, 1])
    assert d == pytest.approx(2 * j / (1 + j))
    empty = ~bits.any(axis=(1, 2))
    assert np.all(d[empty] == 1)


@pytest.mark.parametrize(
    ("truth", "found", "error", "message"),
    [
        ([[1, 0]], [[1, 0, 0]], ValueError, "must have the same shape"),
        ([1, 0], [1, 0], ValueError, "'true_masks' parameter must hold one mask per case"),
        ([[1, 2]], [[1, 0]], ValueError, "'true_masks' parameter must hold masks of 0 and 1"),
        ([[1, 0]], [[0.5, 0]], ValueError, "'pred_masks' parameter must hold masks of 0 and 1"),
        ([[1, 0]], [["a", "b"]], TypeError, "'pred_masks' parameter must hold true or false"),
    ],
)
def test_what_is_no_mask_is_refused_by_name(truth, found, error, message):
    with pytest.raises(error, match=message):
        mean_dice(truth, found)


@pytest.mark.parametrize("method", ["clt", "percentile", "bca"])
@pytest.mark.filterwarnings("ignore::evidesk.methods.metrics.PoorApproximationWarning")
def test_masks_and_their_coefficients_give_the_same(method):
    options = {"method": method, "random_state": 0, "groups": np.arange(80) // 2}
    assert mean_dice(TRUTH, FOUND, **options) == mean_dice(dice(TRUTH, FOUND), **options)
    assert mean_iou(TRUTH, FOUND, **options) == mean_iou(iou(TRUTH, FOUND), **options)


def test_few_groups_may_hide_rare_failures():
    with pytest.warns(PoorApproximationWarning, match="about 40 cases or groups, fewer than 50"):
        mean_dice(TRUTH, FOUND, groups=np.arange(80) // 2)


def test_any_score_gets_students_t():
    estimate = mean_score(SCORES, unit="mm")
    expected = stats.t.interval(0.95, 79, SCORES.mean(), stats.sem(SCORES))
    assert (estimate.low, estimate.high) == pytest.approx(expected)
    assert (estimate.unit, estimate.method, estimate.n) == ("mm", "clt", 80)


def test_groups_of_equal_size_get_the_t_of_their_means():
    means = SCORES.reshape(20, 4).mean(axis=1)
    estimate = mean_score(SCORES, groups=np.arange(80) // 4)
    expected = stats.t.interval(0.95, 19, means.mean(), stats.sem(means))
    assert (estimate.low, estimate.high) == pytest.approx(expected)


def test_weights_shift_the_mean():
    weight = RNG.uniform(1, 3, 80)
    estimate = mean_score(SCORES, sample_weight=weight)
    assert estimate.value == pytest.approx(np.average(SCORES, weights=weight))
    assert estimate.low < estimate.value < estimate.high


def test_shares_of_all_or_nothing_are_nearly_a_proportion():
    hits = np.repeat([0.0, 1], [30, 170])
    estimate, plain = mean_score(hits, range="share"), proportion(170, 200)
    assert (estimate.low, estimate.high) == pytest.approx((plain.low, plain.high), abs=0.004)


def test_positive_scores_stay_positive():
    losses = RNG.lognormal(0, 2, 100)
    with pytest.warns(PoorApproximationWarning):
        estimate = mean_score(losses, range="positive")
    assert 0 < estimate.low < estimate.value < estimate.high
    assert estimate.value**2 == pytest.approx(estimate.low * estimate.high)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_scores_at_the_end_of_their_range_still_have_a_width(value):
    estimate = mean_dice(np.full(60, value))
    assert estimate.value == value
    assert 0.05 < estimate.high - estimate.low < 0.1


@pytest.mark.parametrize("range", ["any", "positive"])
def test_scores_that_do_not_differ_have_no_width_and_say_so(range):
    with pytest.warns(PoorApproximationWarning, match="no two cases differ") as caught:
        assert mean_score(np.zeros(60), range=range).high == 0
    assert caught[0].filename == __file__


def test_warnings_point_to_the_caller():
    with pytest.warns(PoorApproximationWarning) as caught:
        mean_dice([0.5, 0.7])
    with pytest.warns(PoorApproximationWarning) as more:
        mean_iou([0.5, 0.7])
    assert caught[0].filename == more[0].filename == __file__


def test_many_models_are_evaluated_on_the_same_cases():
    found = evaluate_means({"a": SCORES, "b": SCORES + 1}, greater_is_better=False, unit="mm")
    assert found.values[1] - found.values[0] == pytest.approx(1)
    assert (found.greater_is_better, found.unit, found.metric) == (False, "mm", "mean score")


@pytest.mark.parametrize(
    ("scores", "options", "error", "message"),
    [
        ({}, {}, ValueError, "'scores' parameter must name at least one"),
        ({"a": [1.0, 2], "b": [1.0]}, {}, ValueError, "must have the same length, got 2 and 1"),
        ({"a": [1.0]}, {}, ValueError, "'a' must hold at least two cases"),
        ({"a": [1.0, np.nan]}, {}, ValueError, "'a' parameter must be finite"),
        ({"a": ["x", "y"]}, {}, TypeError, "'a' parameter must hold real numbers"),
        ({"a": [1.0, -2]}, {"range": "positive"}, ValueError, "must hold scores from 0 on"),
        ({"a": [1.0, 2]}, {"range": "share"}, ValueError, r"scores in the range \[0, 1\]"),
        ({"a": [1.0, 2]}, {"range": "unit"}, ValueError, "'range' parameter must be one of any"),
    ],
)
def test_what_is_no_score_is_refused_by_name(scores, options, error, message):
    with pytest.raises(error, match=message):
        evaluate_means(scores, **options)
