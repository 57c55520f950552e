"""Classifiers as tests: what they learn from, what they are tested on, and what is refused."""

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from evidesk.methods.shift import TooFewError, classifiers
from evidesk.methods.shift.classifiers import (
    Rule,
    areas,
    cross_validated,
    dealt,
    default_classifier,
    held_out,
    part_of,
    prepared,
    prequential,
)
from evidesk.methods.shift.relabelling import Relabelling

RNG = np.random.default_rng
LOGISTIC = LogisticRegression()


def silent(_share):
    pass


class Recording(ClassifierMixin, BaseEstimator):
    """Says the first column; remembers what it learnt from and what it was asked."""

    learnt: list = []
    asked: list = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.learnt.append(X[:, -1].tolist())
        return self

    def decision_function(self, X):
        self.asked.append(X[:, -1].tolist())
        return X[:, 0]


class Saying(ClassifierMixin, BaseEstimator):
    """Says 1 for a positive first column; or NaN."""

    def __init__(self, nan=False):
        self.nan = nan

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), np.nan) if self.nan else (X[:, 0] > 0).astype(int)


def in_blocks(classifier, design, relabelling, seed=0, alpha=0.05, drawn=99):
    return prequential(classifier, design, relabelling, alpha, drawn, RNG(seed), silent)


def halves(m=40, n=30, delta=0.0, seed=0):
    rng = RNG(seed)
    is_current = np.arange(m + n) >= m
    design = np.column_stack([rng.standard_normal(m + n) + delta * is_current, np.arange(m + n)])
    return design, is_current


@pytest.fixture
def recording():
    Recording.learnt.clear()
    Recording.asked.clear()
    return Recording()


def test_no_row_is_tested_by_a_rule_that_it_taught(recording):
    design, is_current = halves()
    rows = Relabelling.of_rows(is_current)
    held_out(recording, design, rows, RNG(0))
    in_blocks(recording, design, rows)
    labels = rows.labels(1, RNG(0))
    cross_validated(recording, design, rows, labels, RNG(0), silent)
    assert len(Recording.learnt) == len(Recording.asked) == 1 + 5 + 10
    for learnt, asked in zip(Recording.learnt, Recording.asked, strict=True):
        assert not set(learnt) & set(asked)


def test_blocks_learn_from_all_before(recording):
    design, is_current = halves()
    found = in_blocks(recording, design, Relabelling.of_rows(is_current))
    for before, after, asked in zip(
        Recording.learnt[:-1], Recording.learnt[1:], Recording.asked[:-1], strict=True
    ):
        assert set(after) == set(before) | set(asked)
    assert found.learnt.tolist() == [len(one) for one in Recording.learnt]
    assert not found.capped


def test_groups_are_never_divided(recording):
    design, is_current = halves(60, 60)
    groups = np.repeat(np.arange(40), 3)
    design[:, 1] = groups
    relabelling = Relabelling.of_groups(is_current, groups)
    found = held_out(recording, design, relabelling, RNG(0))
    assert found.groups is not None
    later = in_blocks(recording, design, relabelling)
    assert later.held_out.groups is not None
    cross_validated(recording, design, relabelling, relabelling.labels(1, RNG(0)), RNG(0), silent)
    for learnt, asked in zip(Recording.learnt, Recording.asked, strict=True):
        assert not set(learnt) & set(asked)


def test_so_many_rows_teach_at_most(recording, monkeypatch):
    monkeypatch.setattr(classifiers, "MOST_LEARNT", 20)
    design, is_current = halves()
    found = in_blocks(recording, design, Relabelling.of_rows(is_current))
    assert found.learnt.max() == 20
    assert [len(one) for one in Recording.learnt] == found.learnt.tolist()
    assert found.capped


def test_of_a_scarce_sample_no_row_is_thrown_away(recording, monkeypatch):
    monkeypatch.setattr(classifiers, "MOST_LEARNT", 40)
    design, is_current = halves(400, 12)
    in_blocks(recording, design, Relabelling.of_rows(is_current))
    assert len(Recording.learnt[0]) == 40
    assert np.sum(np.array(Recording.learnt[0]) >= 400) == 6


def test_units_of_both_samples_are_in_each_part():
    is_current = np.r_[np.zeros(20, bool), np.ones(9, bool), [False, True] * 3]
    groups = np.r_[np.arange(29), 30, 30, 31, 31, 32, 32]
    relabelling = Relabelling.of_groups(is_current, groups)
    part = dealt(relabelling, is_current, RNG(0).permutation(relabelling.group.max() + 1), 10)
    for one in range(part.max() + 1):
        assert set(is_current[part == one]) == {False, True}
    assert part.max() == 9
    assert all(len(set(part[groups == one])) == 1 for one in (30, 31, 32))
    assert part_of(relabelling, np.flatnonzero(groups >= 30)).count == 3


def test_parts_are_fewer_rather_than_small():
    is_current = np.arange(60) >= 37
    relabelling = Relabelling.of_rows(is_current)
    part = dealt(relabelling, is_current, RNG(0).permutation(60), 10, each=5)
    assert np.bincount(part[is_current]).min() == 5
    assert part.max() == 3
    is_current = np.arange(20) >= 17
    part = dealt(Relabelling.of_rows(is_current), is_current, RNG(0).permutation(20), 10, each=5)
    assert part.max() == 1


def test_no_p_value_is_below_what_the_labellings_allow():
    """Perfectly separated, 8 rows are tested of 70 labellings, whatever the blocks."""
    for seed in range(8):
        design, is_current = halves(8, 8, 50.0, seed)
        found = in_blocks(LOGISTIC, design[:, :1], Relabelling.of_rows(is_current), seed, drawn=999)
        p, low, high = found.p_value(0.95)
        assert p == pytest.approx(1 / 70, abs=0.01)
        assert p >= 1 / 70 - 1e-12
        assert low < p < high
        assert found.statistic == found.z[0]


def test_too_few_rows_for_the_blocks_are_refused():
    design, is_current = halves(5, 5, 50.0)
    with pytest.raises(TooFewError, match=r"5 rows are tested.* 10 way.*method='ridge'"):
        in_blocks(LOGISTIC, design, Relabelling.of_rows(is_current))
    # Together, blocks can decide more than each alone.
    design, is_current = halves(15, 15, 50.0)
    rows = Relabelling.of_rows(is_current)
    assert in_blocks(LOGISTIC, design, rows, alpha=1e-3, drawn=999).p_value(0.95)[0] < 1e-3
    with pytest.raises(TooFewError, match="2 block"):
        in_blocks(LOGISTIC, design, rows, alpha=1e-5)


def test_a_sample_of_one_row_teaches_nothing():
    is_current = np.arange(20) >= 19
    with pytest.raises(ValueError, match="one sample has 1"):
        dealt(Relabelling.of_rows(is_current), is_current, np.arange(20), 10)


def test_the_area_is_scikit_learns():
    rng = RNG(0)
    scores = rng.integers(0, 9, 50).astype(float)
    labels = (rng.random((50, 4)) < 0.4).astype(np.float32)
    expected = [roc_auc_score(label, scores) for label in labels.T]
    assert areas(scores, labels) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("ties", [False, True])
def test_a_large_block_takes_the_rank_sum_of_mann_and_whitney(ties):
    rng = RNG(1)
    scores = rng.integers(0, 5, 400).astype(float) if ties else rng.standard_normal(400)
    is_current = np.arange(400) >= 250
    z, error = classifiers._normal_score(scores, Relabelling.of_rows(is_current), 99, rng)
    assert error == 0
    expected = stats.mannwhitneyu(
        scores[is_current],
        scores[~is_current],
        alternative="greater",
        method="asymptotic",
        use_continuity=False,
    )
    assert stats.norm.sf(z) == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("current", [4, 8])
@pytest.mark.parametrize("groups", [False, True])
def test_a_small_block_is_standard_normal_whatever_ties_there_are(current, groups):
    is_current = np.arange(12) >= 12 - current
    relabelling = Relabelling.of_rows(is_current)
    if groups:
        relabelling = Relabelling.of_groups(is_current, np.arange(12))

    def score(scores, seed):
        return classifiers._normal_score(scores, relabelling, 99, RNG(seed))

    z = [score(RNG(seed).integers(0, 3, 12).astype(float), seed)[0] for seed in range(400)]
    assert stats.kstest(z, "norm").pvalue > 1e-3
    constant = np.array([score(np.ones(12), seed) for seed in range(400)])
    assert stats.kstest(constant[:, 0], "norm").pvalue > 1e-3
    # The ties' part of the true error, 1.
    assert constant[:, 1] == pytest.approx(np.sqrt(1 / 12 + 0.0025) * np.sqrt(2 * np.pi))
    assert score(is_current.astype(float), 0)[0] > score(1.0 - is_current, 0)[0] + 4


@pytest.mark.parametrize("outside", [2, 40])
def test_sparse_scores_of_a_scarce_sample_reject_no_more_often_than_they_should(outside):
    """As normal, rank sums of a rare value would reject 5 % or 4 % instead of 1 %."""
    is_current = np.arange(1250) >= 1225
    relabelling = Relabelling.of_rows(is_current)
    p = []
    for seed in range(1000):
        rng = RNG(seed)
        scores = rng.permutation(1250) < outside
        p.append(stats.norm.sf(classifiers._normal_score(scores, relabelling, 99, rng)[0]))
    for alpha in (0.01, 0.05):
        rate = np.mean(np.array(p) <= alpha + 1e-12)
        assert rate == pytest.approx(alpha, abs=3 * np.sqrt(alpha * (1 - alpha) / 1000))


def test_a_skew_rank_sum_is_not_taken_as_normal():
    scores = np.r_[np.zeros(4500), RNG(0).random(500)]
    is_current = RNG(1).permutation(5000) < 300
    score = classifiers._normal_score(scores, Relabelling.of_rows(is_current), 19, RNG(0))
    assert score[1] > 0
    even = RNG(1).permutation(5000) < 2500
    assert classifiers._normal_score(scores, Relabelling.of_rows(even), 19, RNG(0))[1] == 0


@pytest.mark.parametrize(
    ("classifier", "threshold"),
    [(LOGISTIC, 0.3), (LinearSVC(), 0.0), (Saying(), 0.5)],
)
def test_any_kind_of_score_will_do(classifier, threshold):
    design, is_current = halves(70, 30, 3.0)
    rule = Rule.learnt(classifier, design[:, :1], is_current)
    assert rule.threshold == threshold
    scores = rule.scores(design[:, :1])
    assert roc_auc_score(is_current, scores) > 0.7
    assert (scores > rule.threshold)[is_current].mean() > 0.7


def test_scores_that_are_not_finite_are_refused():
    design, is_current = halves()
    with pytest.raises(ValueError, match="70 values that are not finite"):
        Rule.learnt(Saying(nan=True), design, is_current).scores(design)


def test_seeds_are_given_where_there_are_none():
    found = prepared(make_pipeline(RandomForestClassifier()), RNG(0)).get_params()
    assert isinstance(found["randomforestclassifier__random_state"], int)
    assert prepared(RandomForestClassifier(random_state=7), RNG(0)).random_state == 7


@pytest.mark.parametrize(
    ("classifier", "message"),
    [
        (LinearRegression(), "LinearRegression is none"),
        (LogisticRegression, "must be a scikit-learn classifier"),
        ("forest", "must be a scikit-learn classifier"),
    ],
)
def test_what_is_no_classifier_is_refused(classifier, message):
    with pytest.raises(TypeError, match=message):
        prepared(classifier, RNG(0))


@pytest.mark.parametrize("width", [3, 60])
def test_the_classifier_that_is_taken_sees_a_correlation(width):
    rng = RNG(0)
    rows = rng.standard_normal((400, width))
    is_current = np.arange(400) >= 200
    rows[is_current, 1] = rows[is_current, 0]
    fitted = prepared(default_classifier(width, fast=width > 3), RNG(0)).fit(rows, is_current)
    assert roc_auc_score(is_current, fitted.predict_proba(rows)[:, 1]) > 0.8
    names = [name for name, _ in fitted.estimators]
    assert names == ["linear", "products"] + ["trees"] * (width == 3)
