"""Metrics of labels against scikit-learn, finite differences and plain loops."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from evidesk.evidence import Estimate
from evidesk.methods.metrics import (
    PoorApproximationWarning,
    accuracy,
    balanced_accuracy,
    cohen_kappa,
    error_rate,
    evaluate_labels,
    f1,
    fbeta,
    jaccard,
    mcc,
    precision,
    proportion,
    recall,
    sensitivity,
    specificity,
    top_k_accuracy,
    top_k_accuracy_from_ranks,
)
from evidesk.methods.metrics.label_codes import coded
from evidesk.methods.metrics.label_metrics import LABEL_METRICS, label_metric
from evidesk.methods.metrics.margins import Margins

RNG = np.random.default_rng(0)
N = 400
TRUTH = RNG.integers(0, 4, N)
SAID = np.where(RNG.random(N) < 0.8, TRUTH, RNG.integers(0, 4, N))
OTHER = np.where(RNG.random(N) < 0.7, TRUTH, RNG.integers(0, 4, N))
GROUPS = RNG.integers(0, 40, N)
WEIGHTS = RNG.random(N) + 0.1
BY_CLASS = {
    recall: sk.recall_score,
    precision: sk.precision_score,
    f1: sk.f1_score,
    jaccard: sk.jaccard_score,
}
AVERAGES = ("macro", "micro", "weighted")
EVERY = [
    *((name, average) for name in ("recall", "precision", "specificity") for average in AVERAGES),
    *((name, average) for name in ("f1", "jaccard", "fbeta") for average in AVERAGES),
    *((name, 1) for name in ("recall", "precision", "specificity", "f1", "jaccard", "fbeta")),
    *((name, "macro") for name in ("accuracy", "error_rate", "balanced_accuracy", "mcc")),
    ("cohen_kappa", "macro"),
]


@pytest.fixture
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


labels_of_cases = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 5)), min_size=2, max_size=30
)


@given(labels_of_cases)
@settings(max_examples=60, deadline=None)
def test_values_are_those_of_scikit_learn(cases):
    y_true, y_pred, weight = (np.array(part) for part in zip(*cases, strict=True))
    options = {"y_true": y_true, "y_pred": y_pred, "sample_weight": weight}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for ours, theirs in BY_CLASS.items():
            for average in AVERAGES:
                expected = theirs(average=average, zero_division=0, **options)
                assert ours(average=average, **options).value == pytest.approx(expected, abs=1e-12)
            each = ours(average=None, **options)
            expected = theirs(average=None, zero_division=0, **options)
            assert list(each) == sorted({*y_true.tolist(), *y_pred.tolist()})
            assert [e.value for e in each.values()] == pytest.approx(expected)
        expected = sk.fbeta_score(beta=2, average="macro", zero_division=0, **options)
        assert fbeta(beta=2, average="macro", **options).value == pytest.approx(expected)
        assert mcc(**options).value == pytest.approx(sk.matthews_corrcoef(**options))
        expected = sk.balanced_accuracy_score(**options)
        assert balanced_accuracy(**options).value == pytest.approx(expected)
        for weights in (None, "linear", "quadratic"):
            expected = sk.cohen_kappa_score(y_true, y_pred, weights=weights, sample_weight=weight)
            if np.isfinite(expected):
                found = cohen_kappa(weights=weights, **options)
                assert found.value == pytest.approx(expected, abs=1e-12)


def test_rounding_errors_of_weights_are_no_correlation():
    found = mcc([0, 1, 0], [1, 1, 1], sample_weight=[1, 5, 1])
    assert found.value == 0


def test_specificity_is_the_recall_of_the_rest():
    for label in range(4):
        truth, said = (np.not_equal(labels, label) for labels in (TRUTH, SAID))
        assert specificity(TRUTH, SAID, pos_label=label) == recall(truth, said)
    macro = specificity(TRUTH, SAID, average="macro")
    assert macro.value == pytest.approx(
        np.mean([specificity(TRUTH, SAID, pos_label=label).value for label in range(4)])
    )
    # Each error is one of the three wrong answers that a case could have got.
    pooled = specificity(TRUTH, SAID, average="micro")
    assert pooled.value == pytest.approx(1 - np.mean(TRUTH != SAID) / 3)


@pytest.mark.parametrize(
    ("metric", "average", "weights"),
    [
        *((metric, average, None) for metric, average in EVERY),
        *(("cohen_kappa", "macro", weights) for weights in ("linear", "quadratic")),
    ],
)
def test_slopes_are_the_derivatives_by_the_counts(metric, average, weights):
    k, step = 4, 1e-6
    counts = np.random.default_rng(1).integers(3, 30, (k, k)).astype(float)
    found = label_metric(metric, average, beta=2.0, weights=weights, k=k)
    point = found.at(Margins.of(counts, found.cost))
    truth, said = np.divmod(np.arange(k * k), k)
    slopes = point.slopes.at(truth, said, None if found.cost is None else found.cost.ravel())
    shifted = counts + step * np.eye(k * k).reshape(-1, k, k)
    ahead = found.at(Margins.of(shifted, found.cost)).value
    behind = found.at(Margins.of(2 * counts - shifted, found.cost)).value
    assert slopes == pytest.approx((ahead - behind) / (2 * step), abs=1e-8)
    assert slopes @ counts.ravel() == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize(
    ("function", "count", "n"),
    [
        (recall, lambda t, s: t & s, lambda t, s: t),
        (sensitivity, lambda t, s: t & s, lambda t, s: t),
        (precision, lambda t, s: t & s, lambda t, s: s),
        (specificity, lambda t, s: ~t & ~s, lambda t, s: ~t),
        (jaccard, lambda t, s: t & s, lambda t, s: t | s),
        (error_rate, lambda t, s: t != s, lambda t, s: t == t),
    ],
)
@pytest.mark.parametrize("method", ["wilson", "clopper-pearson", "jeffreys", "normal"])
def test_proportions_have_the_intervals_of_proportions(function, count, n, method):
    true, said = TRUTH > 1, SAID > 1
    expected = proportion(
        int(count(true, said).sum()), int(n(true, said).sum()), level=0.9, method=method
    )
    found = function(true, said, level=0.9, method=method)
    assert (found.method, found.n) == (method, expected.n)
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )


def test_f1_of_a_class_is_a_map_of_jaccard():
    overlap, found = jaccard(TRUTH, SAID, pos_label=2), f1(TRUTH, SAID, pos_label=2)
    for name in ("value", "low", "high"):
        share = getattr(overlap, name)
        assert getattr(found, name) == pytest.approx(2 * share / (1 + share))
    assert fbeta(TRUTH, SAID, beta=1, pos_label=2) == found
    assert fbeta(TRUTH, SAID, beta=2, pos_label=2).method == "delta"


def test_micro_averages_are_maps_of_accuracy():
    plain = accuracy(TRUTH, SAID)
    for function in (recall, precision, f1):
        assert function(TRUTH, SAID, average="micro") == plain
    assert recall(TRUTH, SAID, average="weighted") == plain
    pooled = jaccard(TRUTH, SAID, average="micro")
    assert pooled.low == pytest.approx(plain.low / (2 - plain.low))


@pytest.mark.parametrize("grouped", [False, True])
def test_error_rate_mirrors_accuracy(grouped):
    options = {"groups": GROUPS} if grouped else {}
    wrong, right = error_rate(TRUTH, SAID, **options), accuracy(TRUTH, SAID, **options)
    assert (wrong.value, wrong.low, wrong.high) == pytest.approx(
        (1 - right.value, 1 - right.high, 1 - right.low)
    )
    assert (wrong.n, wrong.over, wrong.method) == (right.n, right.over, right.method)


@pytest.mark.parametrize("method", [None, "delta", "percentile", "bca"])
@pytest.mark.parametrize("metric", ["f1", "mcc", "balanced_accuracy"])
def test_all_methods_agree_on_a_large_sample(metric, method):
    rng = np.random.default_rng(3)
    y_true = rng.integers(0, 3, 20_000)
    y_pred = np.where(rng.random(20_000) < 0.8, y_true, rng.integers(0, 3, 20_000))
    options = {"average": "macro"} if metric == "f1" else {}
    function = {"f1": f1, "mcc": mcc, "balanced_accuracy": balanced_accuracy}[metric]
    found = function(y_true, y_pred, method=method, random_state=0, **options)
    (delta,) = evaluate_labels(metric, y_true, {"a": y_pred}, average="macro").estimates().values()
    assert found.value == delta.value
    assert (found.low, found.high) == pytest.approx((delta.low, delta.high), abs=6e-4)
    again = function(y_true, y_pred, method=method, random_state=0, **options)
    assert again == found


def plain_contributions(metric, y_true, y_pred, weights, **options):
    """By leaving out a little of each case."""
    names = {"f1": sk.f1_score, "mcc": sk.matthews_corrcoef, "cohen_kappa": sk.cohen_kappa_score}
    step = 1e-6
    found = []
    for i in range(len(y_true)):
        values = []
        for sign in (1, -1):
            changed = weights.copy()
            changed[i] *= 1 + sign * step
            values.append(names[metric](y_true, y_pred, sample_weight=changed, **options))
        found.append((values[0] - values[1]) / (2 * step))
    return np.array(found)


@pytest.mark.parametrize("metric", ["f1", "mcc", "cohen_kappa"])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_contributions_are_the_influence_of_cases_and_groups(metric, grouped, weighted):
    n = 60
    weights = WEIGHTS[:n] if weighted else np.ones(n)
    options = {"average": "macro"} if metric == "f1" else {}
    found = evaluate_labels(
        metric,
        TRUTH[:n],
        {"a": SAID[:n], "b": OTHER[:n]},
        average="macro",
        groups=GROUPS[:n] if grouped else None,
        sample_weight=weights if weighted else None,
    )
    for row, y_pred in zip(found.contributions, (SAID[:n], OTHER[:n]), strict=True):
        expected = plain_contributions(metric, TRUTH[:n], y_pred, weights, **options)
        if grouped:
            members = np.unique(GROUPS[:n], return_inverse=True)[1]
            expected = np.bincount(members, expected)
        assert row == pytest.approx(expected, abs=1e-7)
    assert found.units.n == n


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("metric", ["f1", "cohen_kappa"])
def test_replicates_are_the_metric_of_the_drawn_cases(metric, grouped, weighted):
    n = 80
    found = evaluate_labels(
        metric,
        TRUTH[:n],
        {"a": SAID[:n], "b": OTHER[:n]},
        average="macro",
        weights="quadratic",
        groups=GROUPS[:n] if grouped else None,
        sample_weight=WEIGHTS[:n] if weighted else None,
    )
    units = len(found.units.sizes)
    drawn = np.random.default_rng(5).integers(0, 4, (3, units)).astype(float)
    values = found.replicate(drawn)
    member = np.unique(GROUPS[:n], return_inverse=True)[1] if grouped else np.arange(n)
    for row, weights in zip(values, drawn[:, member], strict=True):
        if weighted:
            weights = weights * WEIGHTS[:n]
        for value, y_pred in zip(row, (SAID[:n], OTHER[:n]), strict=True):
            if metric == "f1":
                expected = sk.f1_score(TRUTH[:n], y_pred, average="macro", sample_weight=weights)
            else:
                expected = sk.cohen_kappa_score(
                    TRUTH[:n], y_pred, weights="quadratic", sample_weight=weights
                )
            assert value == pytest.approx(expected)


def test_many_cases_of_two_models_are_counted_by_their_joint_labels():
    many = {"a": np.tile(SAID, 50), "b": np.tile(OTHER, 50)}
    found = evaluate_labels("f1", np.tile(TRUTH, 50), many, average="macro")
    assert len(found.units.repeat) <= 64
    assert found.units.n == 50 * N
    few = evaluate_labels("f1", TRUTH, {"a": SAID, "b": OTHER}, average="macro")
    wide = few.units.covariance(few.contributions) * (N - 1) / N
    narrow = found.units.covariance(found.contributions) * (50 * N - 1) / N
    assert wide == pytest.approx(narrow)
    assert found.values == pytest.approx(few.values)


@pytest.mark.parametrize("grouped", [False, True])
def test_counted_rows_are_as_good_as_cases(grouped):
    frame = pd.DataFrame({"t": TRUTH, "a": SAID, "b": OTHER, "g": GROUPS // 8})
    keys = ["t", "a", "b", "g"] if grouped else ["t", "a", "b"]
    rows = frame.groupby(keys).size().reset_index(name="count")
    for metric in ("f1", "mcc", "recall"):
        options = {"average": "macro"}
        cases = evaluate_labels(
            metric, frame.t, frame[["a", "b"]], groups=frame.g if grouped else None, **options
        )
        counted = evaluate_labels(
            metric,
            rows.t,
            rows[["a", "b"]],
            groups=rows.g if grouped else None,
            counts=rows["count"],
            **options,
        )
        assert counted.values == pytest.approx(cases.values)
        assert counted.errors == pytest.approx(cases.errors)
        ours, theirs = counted.estimates(), cases.estimates()
        for name in ("a", "b"):
            assert ours[name].low == pytest.approx(theirs[name].low)
            assert ours[name].n == theirs[name].n == N
    one = frame.groupby(["t", "a", "g"]).size().reset_index(name="count")
    by_count = recall(one.t, one.a, pos_label=1, groups=one.g, counts=one["count"])
    plain = recall(frame.t, frame.a, pos_label=1, groups=frame.g)
    assert (by_count.low, by_count.n) == pytest.approx((plain.low, plain.n))


@pytest.mark.parametrize(
    "convert", [list, np.asarray, pd.Series, pl.Series, lambda x: np.asarray(x).astype(np.uint8)]
)
def test_any_container_will_do(convert):
    assert f1(convert(TRUTH.tolist()), convert(SAID.tolist()), average="macro") == f1(
        TRUTH, SAID, average="macro"
    )


NAMES = np.array(["ape", "bee", "cat", "dog"])


@pytest.mark.parametrize(
    "name",
    [
        lambda codes: NAMES[codes],
        lambda codes: codes - 2,
        lambda codes: codes * 10**6,
        lambda codes: codes + 2**62,
        lambda codes: codes.astype(np.uint64) + np.uint64(2**63),
        lambda codes: codes * 200,
        lambda codes: codes + 0.5,
    ],
)
@pytest.mark.parametrize("grouped", [False, True])
def test_labels_are_only_names(name, grouped):
    options = {"average": "macro", "groups": GROUPS if grouped else None}
    assert f1(name(TRUTH), name(SAID), **options) == f1(TRUTH, SAID, **options)
    each = recall(name(TRUTH), name(SAID), average=None, groups=options["groups"])
    assert list(each) == name(np.arange(4)).tolist()


def test_true_and_false_stay_so():
    for groups in (None, GROUPS):
        each = recall(TRUTH > 1, SAID > 1, average=None, groups=groups)
        assert list(each) == [False, True]
        assert all(type(label) is bool for label in each)
        assert recall(TRUTH > 1, SAID > 1, groups=groups) == each[True]


def test_large_numbers_that_floats_cannot_tell_apart_are_different_classes():
    labels, _ = coded([np.array([2**53, 2**53 + 1]), np.array([2.0**53, 0.5])])
    assert len(labels) == 3


def test_the_positive_class_is_the_greater_or_the_named_one():
    y_true, y_pred = [*"nyyn"], [*"nyny"]
    assert recall(y_true, y_pred) == recall(y_true, y_pred, pos_label="y")
    assert recall(y_true, y_pred, labels=["y", "n"]) == recall(y_true, y_pred, pos_label="y")
    with pytest.raises(ValueError, match=r"'pos_label'.*one of the labels: 'n', 'y'. Got 'x'"):
        recall(y_true, y_pred, pos_label="x")
    with pytest.raises(ValueError, match=r"'pos_label'.*there are 4 labels, 0, 1, 2, 3"):
        f1(TRUTH, SAID)
    with pytest.raises(ValueError, match=r"9, \.\.\.\."):
        f1(range(20), range(20))


def test_listed_labels_order_the_classes_and_may_be_absent():
    reverse = recall(TRUTH, SAID, average=None, labels=[3, 2, 1, 0])
    assert list(reverse) == [3, 2, 1, 0]
    assert reverse == recall(TRUTH, SAID, average=None)
    with pytest.warns(PoorApproximationWarning, match=r"no case is true: class 'emu'"):
        each = recall(NAMES[TRUTH], NAMES[SAID], average=None, labels=[*NAMES, "emu"])
    assert each["emu"] == Estimate(0.0, 0.0, 1.0, 0.95, "wilson", N)
    # A class without any case changes no average.
    more = f1(TRUTH, SAID, average="macro", labels=range(6))
    assert more == f1(TRUTH, SAID, average="macro")
    with pytest.raises(ValueError, match=r"'labels' parameter must name every class\. 3 occurs"):
        recall(TRUTH, SAID, average=None, labels=[0, 1, 2])
    with pytest.raises(ValueError, match="must name each class once"):
        recall(TRUTH, SAID, average=None, labels=[0, 1, 1])
    with pytest.raises(TypeError, match="'labels' of kind text"):
        recall(TRUTH, SAID, average=None, labels=["a"])


@pytest.mark.parametrize(
    ("function", "y_true", "y_pred", "message", "value"),
    [
        (recall, [0, 0, 0], [0, 1, 0], "recall is 0 / 0, .* no case is true: class 1", 0),
        (precision, [0, 1, 0], [0, 0, 0], "no case is predicted: class 1", 0),
        (specificity, [1, 1, 1], [0, 1, 1], "no case is of another class: class 1", 0),
        (mcc, [0, 1, 0], [1, 1, 1], "MCC is 0 / 0, .* 'y_pred' is one class", 0),
        (mcc, [1, 1, 1], [1, 0, 1], "MCC is 0 / 0, .* 'y_true' is one class", 0),
    ],
)
def test_zero_by_zero_is_0_and_says_so(function, y_true, y_pred, message, value):
    with pytest.warns(PoorApproximationWarning, match=message) as caught:
        found = function(y_true, y_pred)
    assert found.value == value
    assert found.low < -0.5 or (found.low, found.high) == (0, 1)
    assert {warning.filename for warning in caught} == {__file__}


def test_averages_over_rare_classes_say_so():
    y_true, y_pred = np.repeat([0, 1, 2], [50, 50, 4]), np.repeat([0, 1, 2], [52, 48, 4])
    with pytest.warns(PoorApproximationWarning, match="Fewer than 5 true cases: class 2"):
        f1(y_true, y_pred, average="macro")
    with pytest.warns(PoorApproximationWarning, match="Fewer than 5 true cases: class 2"):
        evaluate_labels("balanced_accuracy", y_true, {"a": y_pred})
    rare, found = np.repeat([0, 1, 2], [4, 4, 4]), [*[0] * 4, *[1] * 4, *[2] * 3, 0]
    with pytest.warns(PoorApproximationWarning, match="classes 0, 1, 2.*make weighted F1 less"):
        f1(rare, found, average="weighted")
    with pytest.warns(PoorApproximationWarning, match="make quadratic kappa less"):
        cohen_kappa(y_true, y_pred, weights="quadratic")
    many = np.arange(30)
    with pytest.warns(PoorApproximationWarning, match="classes 0, 1, .* and 20 more"):
        f1(many, many, average="macro")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f1(y_true, y_pred, average="weighted")
        f1(y_true, y_pred, average="micro")
        f1(y_true, y_pred, average=None)
        mcc(y_true, y_pred)


def test_weighted_averages_name_only_classes_that_weigh():
    with pytest.warns(PoorApproximationWarning, match=r"no case is predicted: class 2\.$"):
        precision([0, 0, 1, 1, 2], [0, 0, 1, 1, 0], average="weighted", labels=range(5))


def test_kappa_of_a_single_class_is_refused():
    for weights in (None, "quadratic"):
        with pytest.raises(
            ValueError, match=r"kappa is not defined for 'y_pred'.* one and the same"
        ):
            cohen_kappa([1, 1, 1], [1, 1, 1], weights=weights)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_all_right_and_all_wrong_have_honest_intervals(level):
    y = np.repeat([0, 1, 2], 20)
    for wrong in (y, (y + 1) % 3):
        for groups in (None, np.repeat(np.arange(12), 5)):
            for function in (balanced_accuracy, mcc, cohen_kappa):
                found = function(y, wrong, level=level, groups=groups)
                assert found.high - found.low > 0.005
            found = f1(y, wrong, average="macro", level=level, groups=groups)
            assert 0 <= found.low < found.high <= 1


def test_one_case_has_a_share_but_no_linearised_error():
    assert error_rate([1], [1]) == proportion(0, 1)
    with pytest.raises(ValueError, match="'y_true' must hold at least two cases"):
        mcc([1], [1])
    with pytest.raises(ValueError, match="at least two groups"):
        f1([1, 0], [1, 0], groups=[7, 7])


def test_a_class_that_lives_in_one_group_alone_is_unknown():
    y_true, y_pred = [1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]
    with pytest.warns(
        PoorApproximationWarning, match="class 1 .* only one group has cases .* true"
    ):
        found = recall(y_true, y_pred, groups=[0, 0, 1, 1, 2, 2])
    assert (found.value, round(found.low, 6), round(found.high, 6)) == (0.5, 0, 1)


def test_groups_that_answer_with_one_voice_widen_every_interval():
    groups = np.repeat(np.arange(40), 10)
    y_true = np.repeat(RNG.integers(0, 2, 40), 10)
    y_pred = np.repeat(np.where(RNG.random(40) < 0.8, y_true[::10], 1 - y_true[::10]), 10)
    for function in (recall, precision, specificity, f1, jaccard, balanced_accuracy, mcc):
        alone, together = function(y_true, y_pred), function(y_true, y_pred, groups=groups)
        assert alone.value == together.value
        assert together.half_width > 2 * alone.half_width
        assert together.over == "40 groups"
    found = evaluate_labels("mcc", y_true, {"a": y_pred}, groups=groups)
    assert found.design_effects == pytest.approx(10, rel=0.1)


def test_groups_that_are_all_alike_gain_nothing():
    y_true, y_pred = np.tile([0, 0, 1, 1], 30), np.tile([0, 1, 1, 1], 30)
    groups = np.repeat(np.arange(30), 4)
    for function in (mcc, balanced_accuracy, f1):
        alone, together = function(y_true, y_pred), function(y_true, y_pred, groups=groups)
        assert together.low < alone.low < alone.high < together.high


def test_weights_of_which_one_is_the_whole():
    heavy = np.ones(N)
    assert f1(TRUTH, SAID, average="macro", sample_weight=3 * heavy).low == pytest.approx(
        f1(TRUTH, SAID, average="macro").low
    )
    for function in (f1, recall):
        plain = function(TRUTH, SAID, pos_label=1)
        equal = function(TRUTH, SAID, pos_label=1, sample_weight=heavy)
        assert (equal.low, equal.high) == pytest.approx((plain.low, plain.high), abs=2e-3)
        unequal = function(TRUTH, SAID, pos_label=1, sample_weight=WEIGHTS**3)
        assert unequal.half_width > 1.1 * plain.half_width
    heavy[N // 2 :] = 0
    half = mcc(TRUTH, SAID, sample_weight=heavy)
    assert half.n == N // 2
    assert half.value == pytest.approx(mcc(TRUTH[: N // 2], SAID[: N // 2]).value)
    both = f1(TRUTH, SAID, average="macro", sample_weight=heavy, groups=GROUPS)
    assert both.n == N // 2


@pytest.mark.parametrize("function", [recall, f1, balanced_accuracy, mcc, error_rate])
def test_weights_that_vary_much_ask_for_students_t(function):
    weights = np.random.default_rng(3).lognormal(0, 1, N)
    options = {"pos_label": 1} if function in (recall, f1) else {}
    alone = function(TRUTH, SAID, **options)
    near = function(TRUTH, SAID, sample_weight=1 + 1e-9 * weights, **options)
    assert (near.low, near.high) == pytest.approx((alone.low, alone.high), abs=2e-3)
    unequal = function(TRUTH, SAID, sample_weight=weights, **options)
    assert unequal.half_width > 1.1 * alone.half_width


def test_weights_by_which_few_cases_decide_warn():
    y_true, y_pred = np.tile([0, 1], 100), np.tile([0, 1], 100)
    y_pred[:20] = 1 - y_pred[:20]
    weights = np.where(np.arange(200) % 10 == 0, 20.0, 1.0)
    for ask in (
        lambda: mcc(y_true, y_pred, sample_weight=weights),
        lambda: recall(y_true, y_pred, sample_weight=weights, pos_label=0),
        lambda: recall(y_true, y_pred, sample_weight=weights, average=None),
    ):
        with pytest.warns(PoorApproximationWarning, match="'sample_weight' varies so") as caught:
            ask()
        assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(PoorApproximationWarning, match=r"recall of class 0 .* like 2\.9 of equal"):
        recall(y_true, y_pred, sample_weight=weights, average=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mcc(y_true, y_pred, sample_weight=np.sqrt(np.sqrt(weights)))
        mcc(y_true, y_true, sample_weight=weights)
        recall(y_true, y_pred, average=None)


def test_few_large_groups_with_errors_warn():
    y_true, groups = np.tile([0, 1], 100), np.repeat(np.arange(10), 20)
    y_pred = np.where(groups == 0, 1 - y_true, y_true)
    for function, what in ((mcc, "MCC"), (f1, "F1 of class 1"), (error_rate, "error rate")):
        with pytest.warns(PoorApproximationWarning, match=f"{what} rests on few groups") as caught:
            function(y_true, y_pred, groups=groups)
        assert [warning.filename for warning in caught] == [__file__]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            function(y_true, y_pred, groups=np.arange(200) // 5)
            function(y_true, np.where(np.arange(200) % 5 < 2, 1 - y_true, y_true), groups=groups)


def test_weighted_groups_and_absent_classes_are_judged_by_what_is_there():
    y_true, groups = np.tile([0, 1], 100), np.repeat(np.arange(10), 20)
    y_pred = np.where(groups == 0, 1 - y_true, y_true)
    with pytest.warns(PoorApproximationWarning, match="recall of class 1 rests on few groups"):
        recall(y_true, y_pred, pos_label=1, groups=np.repeat([0, 1, 2], [100, 50, 50]))
    with pytest.warns(PoorApproximationWarning, match="MCC rests on few groups"):
        mcc(y_true, y_pred, groups=groups, sample_weight=np.linspace(1, 2, 200))
    with pytest.warns(PoorApproximationWarning) as caught:
        recall(y_true, y_true, pos_label=2, labels=[0, 1, 2], groups=groups)
    assert ["0 / 0" in str(warning.message) for warning in caught] == [True]
    found = cohen_kappa(y_true, y_pred, weights="linear", sample_weight=np.linspace(1, 2, 200))
    assert found.low < found.value < found.high


@pytest.mark.filterwarnings("error")
def test_grouped_micro_averages_are_the_accuracy():
    groups = np.arange(N) % 40
    found = recall(TRUTH, SAID, average="micro", groups=groups)
    assert found == accuracy(TRUTH, SAID, groups=groups)


def test_kappa_and_mcc_of_few_cases_say_so():
    y_true, y_pred = np.tile([0, 1, 2], 15), np.tile([0, 1, 2, 0, 1, 0], 8)[:45]
    with pytest.warns(PoorApproximationWarning, match="quadratic kappa of 45 cases, fewer than 50"):
        cohen_kappa(y_true, y_pred, weights="quadratic")
    with pytest.warns(PoorApproximationWarning, match="MCC .* fewer than three cases for each"):
        mcc(y_true[:8], y_pred[:8])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mcc(y_true[:9], y_pred[:9])
        cohen_kappa(y_true, y_pred)


@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_the_bias_of_many_classes_widens_the_interval(average):
    # Of 50 classes with 20 cases each, half of them right: what F1 misses on average.
    rng = np.random.default_rng(0)
    population = np.full((50, 50), 0.01 / 49)
    np.fill_diagonal(population, 0.01)
    metric = label_metric("f1", average)
    drawn = rng.multinomial(1000, population.ravel(), 2000).reshape(-1, 50, 50)
    bias = metric.at(Margins.of(drawn)).value.mean() - metric.at(Margins.of(population)).value
    told = metric.at(Margins.of(1000 * population)).unseen
    few = metric.at(Margins.of(1e9 * population)).unseen
    assert told == pytest.approx(bias**2, rel=0.35, abs=2e-6)
    assert few == pytest.approx(0, abs=1e-12)


def test_weights_and_counts_together():
    rows = np.random.default_rng(2).integers(1, 4, 50)
    cases = np.repeat(np.arange(50), rows)
    for groups in (None, GROUPS[:50]):
        counted = mcc(TRUTH[:50], SAID[:50], counts=rows, sample_weight=WEIGHTS[:50], groups=groups)
        plain = mcc(
            TRUTH[cases],
            SAID[cases],
            sample_weight=WEIGHTS[cases],
            groups=None if groups is None else groups[cases],
        )
        assert (counted.low, counted.n) == pytest.approx((plain.low, plain.n))
        kappas = [
            cohen_kappa(t, p, counts=c, weights="linear", groups=g, method="bca", random_state=0)
            for t, p, c, g in (
                (TRUTH[:50], SAID[:50], rows, groups),
                (TRUTH[cases], SAID[cases], None, None if groups is None else groups[cases]),
            )
        ]
        assert kappas[0].value == pytest.approx(kappas[1].value)


@pytest.mark.parametrize("name", ["sample_weight", "counts"])
@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([1, 1], ValueError, "one number for each of 3 cases"),
        ([1, -1, 1], ValueError, "must .* 0"),
        ([0, 0, 0], ValueError, "not"),
        ([1, np.nan, 1], ValueError, "finite"),
        ([1, np.inf, 1], ValueError, "finite"),
        (["a", "b", "c"], TypeError, "must hold numbers"),
    ],
)
def test_weights_and_counts_that_are_none_are_refused(name, values, error, message):
    with pytest.raises(error, match=f"'{name}' parameter.*{message}"):
        mcc([0, 1, 1], [0, 1, 0], **{name: values})


def test_counts_are_whole():
    with pytest.raises(ValueError, match="'counts' parameter must hold integers"):
        mcc([0, 1, 1], [0, 1, 0], counts=[1, 1.5, 1])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"level": 0.0}, ValueError, "'level'"),
        ({"level": 1.0}, ValueError, "'level'"),
        ({"method": "wald"}, ValueError, "'method' .* wilson, .* bca for F1. Got 'wald'"),
        ({"method": "wilson", "average": "macro"}, ValueError, "one of delta, percentile, bca for"),
        ({"average": "samples"}, ValueError, "'average'"),
        ({"method": "bca", "resamples": 10}, ValueError, "'resamples'"),
        ({"method": "bca", "random_state": -1}, ValueError, "'random_state'"),
        ({"groups": [1, 2]}, ValueError, "'groups'"),
        ({"labels": [[0, 1]]}, ValueError, "'labels'"),
        ({"nonsense": 1}, TypeError, "nonsense"),
    ],
)
def test_parameters_that_are_none_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        f1([0, 1, 1, 0], [0, 1, 0, 0], **options)


@pytest.mark.parametrize("beta", [0, -1, np.inf, np.nan, "2"])
def test_beta_is_positive(beta):
    with pytest.raises(ValueError, match="'beta' parameter must be a positive number"):
        fbeta([0, 1], [0, 1], beta=beta)


def test_names_of_metrics_and_weights_are_known():
    with pytest.raises(ValueError, match=r"'metric' parameter .* accuracy, .*Got 'auc'"):
        evaluate_labels("auc", [0, 1], {"a": [0, 1]})
    with pytest.raises(ValueError, match=r"'average' parameter .* Got None"):
        evaluate_labels("f1", [0, 1], {"a": [0, 1]}, average=None)
    with pytest.raises(ValueError, match="'weights' parameter"):
        cohen_kappa([0, 1], [0, 1], weights="cubic")
    with pytest.raises(ValueError, match="'predictions' parameter must name at least one"):
        evaluate_labels("f1", [0, 1], {})
    with pytest.raises(ValueError, match="'b' has 1 missing"):
        evaluate_labels("f1", [0, 1], {"a": [0, 1], "b": [0, None]})


@pytest.mark.parametrize("metric", LABEL_METRICS)
def test_every_metric_by_name(metric):
    found = evaluate_labels(metric, TRUTH > 1, {"a": SAID > 1, "b": OTHER > 1}, beta=0.5)
    assert found.greater_is_better is (metric != "error_rate")
    assert found.names == ("a", "b")
    for estimate in found.estimates().values():
        assert estimate.low < estimate.value < estimate.high


@given(labels_of_cases, st.sampled_from(EVERY), st.booleans())
@settings(max_examples=150, deadline=None)
def test_whatever_the_labels_the_answer_is_finite(cases, asked, grouped):
    metric, average = asked
    y_true, y_pred, groups = (np.array(part) for part in zip(*cases, strict=True))
    if isinstance(average, int):
        average, options = "binary", {"pos_label": int(y_true[0])}
    else:
        options = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = evaluate_labels(
                metric,
                y_true,
                {"a": y_pred},
                average=average,
                groups=groups if grouped else None,
                **options,
            )
        except ValueError as error:
            assert "groups" in str(error) or "not defined" in str(error)  # noqa: PT017
            return
        estimate = found.estimates()["a"]
    assert np.isfinite(found.contributions).all()
    assert estimate.low <= estimate.value <= estimate.high


def test_top_k_accuracy_is_that_of_scikit_learn():
    scores = RNG.random((N, 4))
    for k in (1, 2, 3):
        expected = sk.top_k_accuracy_score(TRUTH, scores, k=k)
        found = top_k_accuracy(TRUTH, scores, k=k)
        assert found == proportion(round(expected * N), N)
        named = top_k_accuracy(NAMES[TRUTH], scores.astype(np.float32), k=k)
        assert named.value == pytest.approx(expected)
    order = [3, 1, 0, 2]
    assert top_k_accuracy(TRUTH, scores[:, order], k=2, labels=order) == top_k_accuracy(
        TRUTH, scores, k=2
    )
    grouped = top_k_accuracy(TRUTH, scores, k=2, groups=GROUPS)
    assert grouped.over == "40 groups"


def test_ties_give_each_case_exactly_k_guesses():
    y_true = [0, 1, 2, 3]
    for k in (1, 2, 3, 4):
        assert top_k_accuracy(y_true, np.zeros((4, 4)), k=k).value == k / 4


@pytest.mark.parametrize(
    ("scores", "k", "error", "message"),
    [
        (np.zeros((3, 2)), 1, ValueError, "'scores' .* shape"),
        (np.zeros((2, 3)), 1, ValueError, "'scores' .* shape"),
        (np.zeros(2), 1, ValueError, "'scores' .* shape"),
        ([[0, np.nan], [1, 0]], 1, ValueError, "'scores' .* finite"),
        ([["a", "b"], ["c", "d"]], 1, TypeError, "'scores' .* numbers"),
        (np.zeros((2, 2)), 0, ValueError, "'k' .* from 1 to 2"),
        (np.zeros((2, 2)), 3, ValueError, "'k' .* from 1 to 2"),
        (np.zeros((2, 2)), True, ValueError, "'k'"),
        (np.zeros((2, 2)), 1.0, ValueError, "'k'"),
    ],
)
def test_scores_that_do_not_fit_are_refused(scores, k, error, message):
    with pytest.raises(error, match=message):
        top_k_accuracy([0, 1], scores, k=k)


def test_ranks_of_the_truth_are_enough():
    ranks = [0, 3, 1, 7, 0]
    assert top_k_accuracy_from_ranks(ranks, k=1) == proportion(2, 5)
    assert top_k_accuracy_from_ranks(ranks) == proportion(4, 5)
    assert top_k_accuracy_from_ranks([9, 9]).value == 0
    with pytest.raises(ValueError, match="'ranks' parameter must be 0 or more"):
        top_k_accuracy_from_ranks([0, -1])
    with pytest.raises(TypeError, match="'ranks' parameter must hold integers"):
        top_k_accuracy_from_ranks([0.5])
    with pytest.raises(ValueError, match="'k' parameter must be an integer from 1"):
        top_k_accuracy_from_ranks([0], k=0)


def test_the_bootstrap_warns_of_few_errors_and_of_few_hits():
    y_true, y_pred = np.tile([0, 1], 50), np.tile([0, 1], 50)
    y_pred[:9] = 0
    for said, which in ((y_pred, "4 cases.* wrong"), (1 - y_pred, "4 cases.* right")):
        with pytest.warns(PoorApproximationWarning, match=f"bootstrap is poor.* {which}"):
            mcc(y_true, said, method="bca", random_state=0)
    with pytest.warns(PoorApproximationWarning, match="with 2 cases"):
        mcc([0, 1, 1], [0, 1, 0], counts=[50, 50, 2], method="percentile", random_state=0)


def test_the_normal_interval_warns_when_poor():
    with pytest.warns(PoorApproximationWarning, match="normal approximation is poor") as caught:
        recall([0, 1, 1], [0, 1, 1], method="normal")
    assert caught[0].filename == __file__
