"""AUROC and average precision against slow exact references, for every kind of sample."""

import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from evidesk.methods.metrics import (
    BinaryScores,
    PoorApproximationWarning,
    auroc,
    average_precision,
    evaluate_scores,
)

pytestmark = pytest.mark.filterwarnings("ignore::evidesk.methods.metrics.PoorApproximationWarning")

BOTH = [
    pytest.param("auroc", roc_auc_score, id="auroc"),
    pytest.param("average_precision", average_precision_score, id="average_precision"),
]
FUNCTIONS = {"auroc": auroc, "average_precision": average_precision}
CASES = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=30)


def sample(n=60, share=0.4, shift=1.0, seed=0, decimals=1):
    """Labels and tied scores."""
    rng = np.random.default_rng(seed)
    y = rng.random(n) < share
    y[:2] = True, False
    return y, np.round(rng.normal(size=n) + shift * y, decimals)


def two_classes(cases):
    y, scores = map(np.array, zip(*cases, strict=True))
    assume(0 < y.sum() < len(y))
    return y, scores.astype(float)


@pytest.mark.parametrize(("metric", "reference"), BOTH)
@given(CASES)
def test_values_are_those_of_scikit_learn_ties_and_all(metric, reference, cases):
    y, scores = two_classes(cases)
    estimate = FUNCTIONS[metric](y, scores)
    assert estimate.value == pytest.approx(reference(y, scores))
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert FUNCTIONS[metric](BinaryScores.from_arrays(y, scores)) == estimate


@pytest.mark.parametrize(("metric", "reference"), BOTH)
@pytest.mark.parametrize("weighted", [False, True])
def test_replicates_are_the_metric_of_the_weighted_cases(metric, reference, weighted):
    y, scores = sample()
    rng = np.random.default_rng(1)
    own = rng.uniform(0.5, 2, len(y)) if weighted else np.ones(len(y))
    other = rng.normal(size=len(y))
    found = evaluate_scores(
        metric, y, {"a": scores, "b": other}, sample_weight=own if weighted else None
    )
    drawn = rng.integers(0, 4, (7, len(y))).astype(float)
    expected = [
        [reference(y, model, sample_weight=own * w) for model in (scores, other)] for w in drawn
    ]
    assert np.allclose(found.replicate(drawn), expected)
    assert found.values == pytest.approx(found.replicate(np.ones((1, len(y))))[0])


@pytest.mark.parametrize(("metric", "reference"), BOTH)
def test_replicates_of_counts_are_those_of_the_cases(metric, reference):
    y, scores = sample()
    found = evaluate_scores(metric, y, {"a": scores})
    counts = BinaryScores.from_arrays(y, scores)
    assert found.units.n == counts.n == len(y)
    drawn = np.random.default_rng(0).integers(0, 4, (3, len(found.units.repeat))).astype(float)
    values = np.concatenate(
        [counts.values[counts.positives > 0], counts.values[counts.negatives > 0]]
    )
    labels = np.arange(len(values)) < (counts.positives > 0).sum()
    expected = [[reference(labels, values, sample_weight=w)] for w in drawn]
    assert np.allclose(found.replicate(drawn), expected)


@pytest.mark.parametrize(("metric", "reference"), BOTH)
def test_contributions_are_derivatives_scaled_within_each_class(metric, reference):
    y, scores = sample(decimals=6)
    weights = np.random.default_rng(2).uniform(0.5, 2, len(y))
    weights /= weights.mean()
    found = evaluate_scores(metric, y, {"a": scores, "b": -scores}, sample_weight=weights)
    step = 1e-6
    derivatives = []
    for i in range(len(y)):
        more, less = weights.copy(), weights.copy()
        more[i] += step * weights[i]
        less[i] -= step * weights[i]
        rise = reference(y, scores, sample_weight=more) - reference(y, scores, sample_weight=less)
        derivatives.append(rise / (2 * step))
    total = np.where(y, weights[y].sum(), weights[~y].sum())
    # The leverage of a case within its class, over that which the engine corrects for.
    leverage = np.sqrt((1 - weights / len(y)) / (1 - weights / total))
    expected = leverage * np.array(derivatives)
    assert np.allclose(found.contributions[0], expected, rtol=1e-5, atol=1e-8)


@given(CASES)
def test_errors_of_the_auroc_are_delongs(cases):
    y, scores = two_classes(cases)
    assume(1 < y.sum() < len(y) - 1)
    wins = (scores[y][:, None] > scores[~y]) + 0.5 * (scores[y][:, None] == scores[~y])
    variance = sum(
        np.var(wins.mean(axis=axis), ddof=1) / size
        for axis, size in ((1, y.sum()), (0, (~y).sum()))
    )
    found = evaluate_scores("auroc", y, {"a": scores})
    assert found.errors[0] ** 2 == pytest.approx(variance)
    # The covariance of two models from the same formula.
    both = evaluate_scores("auroc", y, {"a": scores, "b": -scores})
    assert both.units.covariance(both.contributions) == pytest.approx(
        variance * np.array([[1, -1], [-1, 1]])
    )


def test_variance_is_that_of_many_samples():
    rng = np.random.default_rng(3)
    runs = [
        evaluate_scores("auroc", y, {"a": rng.normal(size=80) + y})
        for y in np.tile(np.arange(80) < 30, (400, 1))
    ]
    spread = np.var([run.values[0] for run in runs])
    assert np.mean([run.errors[0] ** 2 for run in runs]) == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize(("metric", "reference"), BOTH)
def test_groups_of_one_are_cases_but_for_students_t(metric, reference):
    y, scores = sample(200)
    cases = evaluate_scores(metric, y, {"a": scores, "b": -scores})
    groups = evaluate_scores(metric, y, {"a": scores, "b": -scores}, groups=np.arange(200))
    assert np.allclose(cases.errors, groups.errors)
    assert np.allclose(groups.design_effects, 1)
    assert FUNCTIONS[metric](y, scores, groups=np.arange(200)).over == "200 groups"


@pytest.mark.parametrize(("metric", "reference"), BOTH)
def test_cases_that_come_twice_as_a_group_count_once(metric, reference):
    y, scores = sample(200)
    once = evaluate_scores(metric, y, {"a": scores})
    twice = evaluate_scores(
        metric, np.tile(y, 2), {"a": np.tile(scores, 2)}, groups=np.tile(np.arange(200), 2)
    )
    assert twice.values == pytest.approx(once.values)
    assert twice.errors == pytest.approx(once.errors, rel=0.01)
    assert twice.design_effects == pytest.approx(2, rel=0.02)
    assert twice.unseen == pytest.approx(once.unseen, rel=0.02)
    assert twice.most == pytest.approx(once.most)


@pytest.mark.parametrize(("metric", "reference"), BOTH)
@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_bootstrap_intervals_agree_with_the_linearised_one(metric, reference, method):
    y, scores = sample(400)
    function = partial(FUNCTIONS[metric], y, scores, random_state=0)
    linear, drawn = function(), function(method=method)
    assert drawn.method == f"{method} bootstrap"
    assert (drawn.low, drawn.high) == pytest.approx((linear.low, linear.high), abs=0.015)
    grouped = function(method=method, groups=np.arange(400) // 2)
    assert (grouped.low, grouped.high) == pytest.approx((linear.low, linear.high), abs=0.03)


def test_unequal_weights_ask_for_students_t_and_for_more_misplaced_cases():
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 100)
    score = y + rng.standard_normal(200)
    weights = rng.lognormal(0, 1, 200)
    with pytest.warns(PoorApproximationWarning, match="as their unequal weights count, fewer than"):
        unequal = auroc(y, score, sample_weight=weights)
    evaluation = evaluate_scores("auroc", y, {"a": score}, sample_weight=weights)
    assert evaluation.effective is not None
    normal = replace(evaluation, effective=None).estimates()["a"]
    assert unequal.half_width > normal.half_width
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        equal = auroc(y, score, sample_weight=np.full(200, 2.0))
    plain = auroc(y, score)
    assert (equal.low, equal.high) == pytest.approx((plain.low, plain.high))


@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_several_classes_are_each_against_the_rest(average):
    rng = np.random.default_rng(4)
    y = rng.choice(3, 150, p=[0.5, 0.3, 0.2])
    table = rng.dirichlet(np.ones(3), 150)
    table[np.arange(150), y] += 0.3
    table /= table.sum(axis=1, keepdims=True)
    found = evaluate_scores("auroc", y, {"a": table, "b": table[::-1]}, average=average)
    reference = partial(roc_auc_score, multi_class="ovr", average=average)
    assert found.metric == f"{average} AUROC"
    assert found.values == pytest.approx([reference(y, table), reference(y, table[::-1])])
    drawn = rng.integers(0, 4, (4, 150)).astype(float)
    expected = [reference(y, table, sample_weight=w) for w in drawn]
    assert found.replicate(drawn)[:, 0] == pytest.approx(expected)
    spread = np.std(
        found.replicate(rng.multinomial(150, np.full(150, 1 / 150), 1000).astype(float)), axis=0
    )
    assert found.errors == pytest.approx(spread, rel=0.1)
    named = auroc(y, table, average=average)
    order = [2, 0, 1]
    reordered = auroc(y, table[:, order], labels=order, average=average)
    assert reordered.value == pytest.approx(named.value, rel=1e-14)
    twice = evaluate_scores(
        "auroc",
        np.tile(y, 2),
        {"a": np.tile(table, (2, 1))},
        average=average,
        groups=np.tile(np.arange(150), 2),
    )
    assert twice.errors == pytest.approx(found.errors[:1], rel=0.02)
    assert twice.design_effects == pytest.approx(2, rel=0.05)


def test_average_precision_of_several_classes_is_their_mean():
    rng = np.random.default_rng(5)
    y = rng.choice(["a", "b", "c"], 90)
    table = rng.random((90, 3))
    expected = np.mean(
        [
            average_precision_score(y == label, column)
            for label, column in zip("abc", table.T, strict=True)
        ]
    )
    assert average_precision(y, table).value == pytest.approx(expected)


# Few cases, and the ends


def test_perfect_separation_has_the_bound_of_disjoint_pairs():
    y = [0] * 30 + [1] * 10
    with pytest.warns(PoorApproximationWarning, match="few misplaced cases: 0 of the 10"):
        best = auroc(y, range(40))
    assert (best.low, best.value, best.high) == (pytest.approx(0.025**0.1), 1, 1)
    worst = auroc(y, range(40, 0, -1))
    assert (worst.low, worst.value) == (0, 0)
    assert worst.high == pytest.approx(1 - best.low)
    # Wilson's bound lies lower for many cases, and is kept.
    many = auroc([0] * 500 + [1] * 400, range(900))
    assert many.low <= 0.025 ** (1 / 400)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_a_bootstrap_of_perfect_separation_is_no_point(method):
    y = [0] * 30 + [1] * 10
    assert auroc(y, range(40), method=method, random_state=0).low < 0.7


@pytest.mark.parametrize("function", [auroc, average_precision])
def test_constant_scores_have_a_wide_interval(function):
    y = np.arange(40) < 10
    estimate = function(y, np.zeros(40))
    assert estimate.value == (0.5 if function is auroc else 0.25)
    assert estimate.low < estimate.value < estimate.high


@pytest.mark.parametrize("function", [auroc, average_precision])
@pytest.mark.parametrize("groups", [None, [*range(20), 0]])
def test_one_positive_is_an_estimate_that_says_little(function, groups):
    scores = np.arange(21.0)
    scores[3] = 15.5
    with pytest.warns(PoorApproximationWarning):
        estimate = function(np.arange(21) == 3, scores, groups=groups)
    assert estimate.high - estimate.low > 0.5


def test_two_cases_are_enough():
    assert auroc([0, 1], [0.2, 0.1]).value == 0
    assert auroc([0, 1], [0.1, 0.2]).low == pytest.approx(0.025)
    assert average_precision([0, 1], [0.2, 0.1]).value == 0.5


def test_float32_scores_stay_within_bounds():
    rng = np.random.default_rng(6)
    y = rng.random(5000) < 0.5
    scores = (y + rng.random(5000) * 1e-7).astype(np.float32)
    estimate = auroc(y, scores)
    assert estimate.high <= 1
    assert estimate.value == pytest.approx(roc_auc_score(y, scores))


def test_weights_leave_perfect_separation_perfect():
    weights = np.random.default_rng(7).random(40) + 0.1
    y = np.arange(40) >= 30
    found = evaluate_scores("auroc", y, {"a": np.arange(40.0)}, sample_weight=weights)
    assert found.values[0] == 1


def test_one_group_with_all_positives_shows_no_variance_of_theirs():
    y = [1, 1, 0, 0, 0, 0]
    estimate = auroc(y, [3, 1, 2, 0, 0, 4], groups=[0, 0, 1, 1, 2, 3])
    assert estimate.high - estimate.low > 0.9


def test_when_an_interval_is_poor_it_says_so():
    y, scores = sample(400, decimals=6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        auroc(y, scores)
        average_precision(y, scores)
        auroc(y, scores, method="bca", random_state=0)
    few = np.arange(60) < 8
    noise = np.random.default_rng(0).normal(size=60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        auroc(few, noise)
    with pytest.warns(PoorApproximationWarning, match="bootstrap is poor for 8 cases"):
        auroc(few, noise, method="percentile", random_state=0)
    with pytest.warns(PoorApproximationWarning, match="rests on 8 positive cases"):
        average_precision(few, noise)


@pytest.mark.parametrize("function", [auroc, average_precision])
def test_array_likes_of_any_kind_are_read(function):
    y, scores = sample()
    expected = function(y, scores)
    text = np.where(y, "ill", "well")
    for labels, values, label in [
        (y.tolist(), scores.tolist(), None),
        (pd.Series(y.astype(int)), pd.Series(scores), None),
        (pl.Series(y.astype(int) * 2 - 1), pl.Series(scores), None),
        (text, scores, "ill"),
        (pd.Series(text), scores, "ill"),
        (np.where(y, 7.0, 3.0), scores, 7),
    ]:
        assert function(labels, values, pos_label=label) == expected


@pytest.mark.parametrize(
    ("y_true", "scores", "options", "error", "message"),
    [
        ([0, 1], [0.1], {}, ValueError, "'y_true' and 'y_score' must have the same length"),
        ([0, 1], [0.1, np.nan], {}, ValueError, "'y_score' parameter must be finite"),
        ([0, 1], [0.1, np.inf], {}, ValueError, "'y_score' parameter must be finite"),
        ([0, 1], np.ma.array([0.1, 1], mask=[0, 1]), {}, ValueError, "must be finite"),
        ([0, 1], ["a", "b"], {}, TypeError, "'y_score' parameter must hold real numbers"),
        ([0, 1], [[[0.1]], [[0.2]]], {}, ValueError, r"must have 1 dimension\(s\)"),
        ([0, 1], None, {}, ValueError, "'y_score' parameter is needed"),
        ([1, 1], [0.1, 0.2], {}, ValueError, "'y_true' holds no negative case"),
        ([0, 0], [0.1, 0.2], {}, ValueError, "'y_true' holds no positive case"),
        ([-1, -1], [0.1, 0.2], {}, ValueError, "'y_true' holds no positive case"),
        ([0, 2], [0.1, 0.2], {}, ValueError, "'pos_label' parameter must name"),
        ([0, 1, 2], [0.1, 0.2, 0.3], {}, ValueError, "'pos_label' parameter must name"),
        (["a", "b"], [0.1, 0.2], {}, ValueError, "'pos_label' parameter must name"),
        ([0, 1], [0.1, 0.2], {"pos_label": "1"}, TypeError, "'pos_label' is of kind text"),
        ([0, 1], [0.1, 0.2], {"level": 1.0}, ValueError, "'level' parameter"),
        ([0, 1], [0.1, 0.2], {"level": 0.0}, ValueError, "'level' parameter"),
        ([0, 1], [0.1, 0.2], {"method": "magic"}, ValueError, "'method' parameter must be one of"),
        ([0, 1], [0.1, 0.2], {"average": "micro"}, ValueError, "'average' parameter must be one"),
        ([0, 1], [0.1, 0.2], {"groups": [1, 1]}, ValueError, "at least two groups"),
        ([0, 1], [0.1, 0.2], {"groups": [1]}, ValueError, "'groups' parameter must name"),
        ([0, 1], [0.1, 0.2], {"sample_weight": [1, 0]}, ValueError, "'sample_weight' parameter"),
        ([0, 1], [0.1, 0.2], {"sample_weight": [1]}, ValueError, "'y_true' and 'sample_weight'"),
        ([0, 1], [[0.1], [0.2]], {}, ValueError, "'y_score' parameter has one column"),
        ([0, 1], [[0, 0, 1], [0, 1, 0]], {}, ValueError, "has 3 columns for 2 labels"),
        ([0, 1], [[0, 1], [0, 1]], {"labels": [1, 1]}, ValueError, "names a label twice"),
        ([0, 1], [[0, 1], [0, 1]], {"labels": [1, 2]}, ValueError, "label .*0.*, which 'labels'"),
        ([0, 1], [[0, 1], [0, 1]], {"labels": ["0", "1"]}, TypeError, "of the same kind"),
        (
            [0, 1, 1],
            np.eye(3),
            {"labels": [0, 1, 2]},
            ValueError,
            "no positive case of class 2",
        ),
    ],
)
def test_bad_input_is_refused_by_name(y_true, scores, options, error, message):
    for function in (auroc, average_precision):
        with pytest.raises(error, match=message):
            function(y_true, scores, **options)


def test_models_must_give_scores_of_one_shape():
    table = np.full((4, 2), 0.5)
    with pytest.raises(ValueError, match="of the same shape"):
        evaluate_scores("auroc", [0, 1, 0, 1], {"a": table[:, 0], "b": table})
    with pytest.raises(ValueError, match="of the same shape"):
        evaluate_scores("auroc", [0, 1, 0, 1], {"a": table, "b": np.full((4, 3), 0.5)})


def test_evaluations_need_a_known_metric_and_a_model():
    with pytest.raises(ValueError, match="'metric' parameter must be one of auroc"):
        evaluate_scores("roc", [0, 1], {"a": [0, 1]})
    with pytest.raises(ValueError, match="must name at least one model"):
        evaluate_scores("auroc", [0, 1], {})


# Counts


def test_counts_may_be_too_many_to_be_cases():
    counts = BinaryScores([0, 1, 2], [1e8, 2e8, 3e8], [3e8, 2e8, 1e8])
    estimate = auroc(counts)
    assert estimate.n == 12e8
    assert estimate.high - estimate.low < 1e-4
    drawn = auroc(counts, method="percentile", random_state=0)
    assert (drawn.low, drawn.high) == pytest.approx((estimate.low, estimate.high), abs=1e-5)
    assert average_precision(counts).value == pytest.approx(
        average_precision_score([1, 1, 1, 0, 0, 0], [0, 1, 2] * 2, sample_weight=[1, 2, 3, 3, 2, 1])
    )


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        (([0, 0], [1, 1], [1, 1]), ValueError, "distinct scores in ascending order"),
        (([0, 1], [1], [1, 1]), ValueError, "must have the same length, got 2, 1 and 2"),
        (([0, 1], [1, -1], [1, 1]), ValueError, "'positives' must hold whole numbers"),
        (([0, 1], [1, 1], [1, 0.5]), ValueError, "'negatives' must hold whole numbers"),
        (([0, np.nan], [1, 1], [1, 1]), ValueError, "'values' parameter must be finite"),
        (([0, 1], ["1", "1"], [1, 1]), TypeError, "'positives' parameter must hold real"),
        (([], [], []), ValueError, "count no case at all"),
        (([0, 1], [0, 0], [0, 0]), ValueError, "count no case at all"),
    ],
)
def test_counts_that_are_none_are_refused(arrays, error, message):
    with pytest.raises(error, match=message):
        BinaryScores(*arrays)


def test_counts_come_alone():
    counts = BinaryScores([0, 1], [1, 2], [2, 1])
    for options in ({"y_score": [1]}, {"groups": [1]}, {"sample_weight": [1]}):
        with pytest.raises(ValueError, match="With 'y_true' as BinaryScores"):
            auroc(counts, **options)
    with pytest.raises(ValueError, match="no negative case"):
        auroc(BinaryScores([0, 1], [1, 2], [0, 0]))
