"""ROC and precision-recall curves, and their bands."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import assume, given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy import stats

from evidesk.methods.metrics import (
    BinaryScores,
    auroc,
    average_precision,
    precision_recall_curve,
    roc_curve,
)
from evidesk.methods.metrics.curves import local_level

CASES = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=30)
BOTH = pytest.mark.parametrize("function", [roc_curve, precision_recall_curve])


def sample(n=300, seed=0, share=0.4):
    rng = np.random.default_rng(seed)
    y = np.arange(n) < share * n
    return y, rng.normal(size=n) + 1.2 * y


@given(CASES)
def test_points_are_those_of_scikit_learn(cases):
    y, scores = map(np.array, zip(*cases, strict=True))
    assume(0 < y.sum() < len(y))
    found = roc_curve(y, scores)
    fpr, tpr, thresholds = sklearn.metrics.roc_curve(y, scores, drop_intermediate=False)
    assert np.allclose(found.fpr, fpr)
    assert np.allclose(found.tpr, tpr)
    assert np.array_equal(found.thresholds, thresholds)
    other = precision_recall_curve(y, scores)
    precision, recall, thresholds = sklearn.metrics.precision_recall_curve(y, scores)
    assert np.allclose(other.precision, precision[-2::-1])
    assert np.allclose(other.recall, recall[-2::-1])
    for curve in (found, other):
        assert np.all((curve.low >= 0) & (curve.low <= curve.high) & (curve.high <= 1))


def test_the_band_holds_the_curve_and_grows_with_what_it_promises():
    y, scores = sample()
    point, whole, more = (
        roc_curve(y, scores, **options)
        for options in ({"simultaneous": False}, {}, {"level": 0.99})
    )
    at = np.searchsorted(whole.fpr, whole.at, side="right") - 1
    assert np.all((whole.low <= whole.tpr[at]) & (whole.tpr[at] <= whole.high))
    assert (point.high - point.low).mean() < (whole.high - whole.low).mean()
    assert (whole.high - whole.low).mean() < (more.high - more.low).mean()
    assert np.all(np.diff(whole.low) >= 0)
    assert np.all(np.diff(whole.high) >= 0)


def test_the_band_is_that_of_all_thresholds():
    y, scores = sample(60)
    local = local_level(0.95, 24, 36)
    bounds = {}
    for name, side in (("tpr", scores[y]), ("fpr", scores[~y])):
        thresholds = np.append(np.sort(scores)[::-1], -np.inf)
        counts = [0, *((side >= t).sum() for t in thresholds)]
        bounds[name] = [
            tuple(stats.binomtest(int(k), len(side)).proportion_ci(1 - local, "exact"))
            for k in counts
        ]
    found = roc_curve(y, scores)
    for i in (0, 10, 100, 300, 498):
        x = found.at[i]
        pairs = list(zip(bounds["fpr"], bounds["tpr"], strict=True))
        assert found.low[i] == pytest.approx(max([t[0] for f, t in pairs if f[1] <= x], default=0))
        assert found.high[i] == pytest.approx(max(t[1] for f, t in pairs if f[0] <= x))


@given(CASES)
def test_the_band_holds_the_curve_between_ties(cases):
    y, scores = map(np.array, zip(*cases, strict=True))
    assume(0 < y.sum() < len(y))
    found = roc_curve(y, scores)
    drawn = np.interp(found.at, found.fpr, found.tpr)
    inside = (found.low <= drawn + 1e-12) & (drawn <= found.high + 1e-12)
    assert inside[:-1].all()  # at 1, where the curve may be a vertical line, its end is known


def curve_of(prevalence, recall, fpr, at):
    """Precision where the ROC curve is straight between its points."""
    alarms = (1 - prevalence) * np.interp(at, recall, fpr)
    with np.errstate(invalid="ignore"):
        return prevalence * at / (prevalence * at + alarms)


@given(CASES)
def test_the_precision_band_holds_the_curve_between_ties(cases):
    y, scores = map(np.array, zip(*cases, strict=True))
    assume(0 < y.sum() < len(y))
    found = precision_recall_curve(y, scores)
    # Inside the ends: where the curve is a vertical line there, it has many precisions.
    at = found.at[1:-1]
    drawn = curve_of(y.mean(), np.r_[0, found.recall], np.r_[0, found.fpr], at)
    assert np.all((found.low[1:-1] <= drawn + 1e-12) & (drawn <= found.high[1:-1] + 1e-12))


def test_the_precision_curve_is_drawn_through_its_points_and_bent_between_ties():
    y, scores = np.array([0, 1, 1, 0, 0, 1]), np.array([3, 2, 2, 2, 1, 1])
    found = precision_recall_curve(y, scores)
    line = found.plot(Figure().subplots()).lines[0].get_xydata()
    for point in zip(found.recall, found.precision, strict=True):
        assert np.abs(line - point).max(axis=1).min() < 1e-12
    assert line[0].tolist() == [0, 0]  # the first is a false alarm
    middle = line[np.isclose(line[:, 0], 1 / 3)]
    assert middle[:, 1] == pytest.approx(1 / (1 + 1.5))  # between (0, 1) and (2, 2) of hits, alarms


@BOTH
def test_counts_and_cases_have_the_same_curve(function):
    y, scores = sample()
    scores = scores.round(1)
    found, counted = function(y, scores), function(BinaryScores.from_arrays(y, scores))
    assert np.array_equal(found.low, counted.low)
    assert np.array_equal(found.high, counted.high)
    assert (
        found.area
        == counted.area
        == {roc_curve: auroc, precision_recall_curve: average_precision}[function](y, scores)
    )


@BOTH
def test_long_curves_are_thinned_and_keep_their_ends(function):
    y, scores = sample(5000)
    found = function(y, scores)
    x, side = (found.fpr, found.tpr) if function is roc_curve else (found.recall, found.precision)
    assert len(x) == len(side) == len(found.thresholds) <= 500
    assert x[-1] == 1
    assert len(found.at) == 500


@BOTH
def test_groups_of_one_are_cases_and_twins_count_once(function):
    y, scores = sample()
    alone = function(y, scores)
    twins = function(np.tile(y, 2), np.tile(scores, 2), groups=[*range(300)] * 2)
    # Student's t and a correction of small samples make it wider, a little.
    width, wider = ((curve.high - curve.low).mean() for curve in (alone, twins))
    assert width < wider < 1.05 * width
    assert twins.area.over == "300 groups"


def test_groups_that_show_no_variance_leave_the_cases_as_they_are():
    y = np.array([0, 1, 0, 1])
    assert roc_curve(y, y, groups=[0, 0, 1, 1]).low[-1] == 1


def test_the_prevalence_is_an_estimate():
    y, scores = sample()
    found = precision_recall_curve(y, scores)
    assert found.prevalence.value == pytest.approx(0.4)
    assert found.prevalence.low == pytest.approx(
        stats.binomtest(120, 300).proportion_ci(method="wilson").low
    )


@pytest.mark.parametrize("level", [0.68, 0.8, 0.95, 0.99])
@pytest.mark.parametrize(("m", "n"), [(1, 1), (5, 5), (30, 3000), (1e6, 1e6), (10, 1e9)])
def test_local_levels_are_between_none_and_the_pointwise_one(level, m, n):
    local = local_level(level, m, n)
    assert 0 < local < 1
    assert local == local_level(level, n, m)
    assert local >= local_level((1 + level) / 2, m, n)


@BOTH
def test_curves_print_and_draw(function):
    y, scores = sample()
    found = function(y, scores)
    assert "95 % band, whole curve, mean width" in str(found)
    assert "each point" in str(function(y, scores, simultaneous=False))
    axes = Figure().subplots()
    assert found.plot(axes) is axes
    assert len(axes.get_legend().get_texts()) == 2
    assert found.plot().get_ylabel() in ("true positive rate", "precision")


@BOTH
@pytest.mark.parametrize(
    ("y_true", "scores", "options", "error", "message"),
    [
        ([0, 1], [[0, 1], [1, 0]], {}, ValueError, r"must have shape \(n_cases,\) for a curve"),
        ([0, 1], None, {}, ValueError, "'y_score' parameter is needed"),
        ([1, 1], [0, 1], {}, ValueError, "no negative case"),
        ([0, 1], [0, np.nan], {}, ValueError, "must be finite"),
        ([0, 1], [0, 1], {"level": 1.0}, ValueError, "'level' parameter"),
        ([0, 1], [0, 1], {"groups": [0, 0]}, ValueError, "at least two groups"),
    ],
)
def test_bad_input_is_refused_by_name(function, y_true, scores, options, error, message):
    with pytest.raises(error, match=message):
        function(y_true, scores, **options)
