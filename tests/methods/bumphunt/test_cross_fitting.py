"""No event is scored by a model that has seen it."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from evidesk.methods.bumphunt import SidebandTemplate, TreeEnsemble, Window, contrast, cross_fit
from tests.methods.bumphunt.dijets import WINDOW, arrays


class Memory(ClassifierMixin, BaseEstimator):
    """Knows its training events by heart: 1 for a signal-region one, 0 for one of the template,
    and 1/2 for what it has not seen.
    """

    def fit(self, X, y):
        self.classes_ = np.array([0, 1])
        self.known_ = {row.tobytes(): float(label) for row, label in zip(X, y, strict=True)}
        return self

    def predict_proba(self, X):
        shares = np.array([self.known_.get(row.tobytes(), 0.5) for row in X])
        return np.stack([1 - shares, shares], axis=1)


def sample(n=60, features=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, features)), np.arange(n) % 2


def test_no_training_event_is_known_to_its_model():
    X, y = sample()
    fit = cross_fit(Memory(), X, y, random_state=0)
    assert (fit.scores == 0.5).all()


def test_asking_again_for_a_training_event_does_not_help():
    X, y = sample()
    fit = cross_fit(Memory(), X, y, random_state=0)
    for rows in (X, X[::-1], X[:1], X.copy(), np.concatenate([X, X])):
        assert (fit.score(rows) == 0.5).all()


def test_a_copy_in_the_other_sample_does_not_help():
    X, y = sample()
    fit = cross_fit(Memory(), np.concatenate([X, X]), np.concatenate([y, 1 - y]), random_state=0)
    assert (fit.scores == 0.5).all()


def test_minus_nothing_is_nothing():
    X, y = sample()
    X[:, 0] = 0.0
    twin = X.copy()
    twin[:, 0] = -0.0
    fit = cross_fit(
        DecisionTreeClassifier(), np.concatenate([X, twin]), np.concatenate([y, y]), random_state=0
    )
    np.testing.assert_array_equal(fit.fold[:60], fit.fold[60:])


def test_what_a_template_moved_shares_the_fold_of_its_source():
    X, y = sample(200)
    moved = X + 0.3
    fit = cross_fit(
        Memory(),
        np.concatenate([X, moved]),
        np.concatenate([np.where(y, 1, -1), np.zeros(200, dtype=int)]),
        source=np.concatenate([X, X]),
        random_state=0,
    )
    np.testing.assert_array_equal(fit.fold[:200], fit.fold[200:])
    assert (fit.score(moved) == 0.5).all()
    assert (fit.score(X) == 0.5).all()


def test_a_moved_event_that_equals_another_one_shares_its_fold_too():
    X = sample(40)[0]
    moved = np.roll(X, 1, axis=0)
    moved[::4] += 10
    fit = cross_fit(
        Memory(),
        np.concatenate([X, moved]),
        np.concatenate([np.ones(40, dtype=int), np.zeros(40, dtype=int)]),
        source=np.concatenate([X, X]),
        random_state=0,
    )
    assert (fit.score(np.concatenate([X, moved])) == 0.5).all()


def test_events_that_none_has_seen_get_the_mean_of_all_models():
    X, y = sample(300)
    fit = cross_fit(LogisticRegression(), X, y, random_state=0)
    new = sample(20, seed=1)[0]
    by_fold = np.stack([rule.scores(new) for rule in fit._rules])
    np.testing.assert_allclose(fit.score(new), by_fold.mean(axis=0))
    assert by_fold.std(axis=0).max() > 0


def test_events_that_are_not_learnt_from_are_scored_by_one_model():
    X, y = sample(300)
    y[:100] = -1
    fit = cross_fit(Memory(), X, y, random_state=0)
    assert (fit.scores == 0.5).all()
    assert set(fit.fold[:100]) == set(range(5))
    assert all(len(rule.fitted.known_) < 200 for rule in fit._rules)


def test_folds_share_each_class_evenly():
    X, y = sample(100)
    fit = cross_fit(Memory(), X, y, folds=5, random_state=0)
    assert [np.bincount(fit.fold[y == one]).tolist() for one in (0, 1)] == [[10] * 5] * 2


def test_thresholds_are_each_folds_own():
    X, y = sample(1000)
    fit = cross_fit(DecisionTreeClassifier(max_depth=4), X, y, random_state=0)
    thresholds = fit.thresholds(0.2)
    assert len(set(thresholds.tolist())) > 1
    kept = fit.selected(0.2)
    for number in range(5):
        of_template = (fit.fold == number) & (y == 0)
        assert kept[of_template].sum() >= round(0.2 * of_template.sum())
        assert (fit.scores[kept & (fit.fold == number)] >= thresholds[number]).all()


def test_a_cut_keeps_its_share_of_the_template():
    X, y = sample(1000)
    fit = cross_fit(LogisticRegression(), X, y, random_state=0)
    assert fit.selected(0.1)[y == 0].sum() == 50


def significance(selected, events, of_template, template_events):
    expected = of_template / template_events * events
    return (selected - expected) / np.sqrt(expected * (1 + expected / of_template))


def test_the_trap_scoring_training_events_fakes_a_signal_and_this_cannot():
    """Background alone: its own training events make an excess of many standard deviations."""
    m, x = arrays()
    inside = np.flatnonzero(WINDOW.signal_region(m))
    X, y = x[inside], np.arange(len(inside)) % 2
    model = TreeEnsemble(2, random_state=0)
    own = model.fit(X, y).predict_proba(X)[:, 1]
    cut = np.quantile(own[y == 0], 0.95)
    fake = significance(
        (own[y == 1] > cut).sum(), (y == 1).sum(), (own[y == 0] > cut).sum(), (y == 0).sum()
    )
    assert fake > 6
    fit = cross_fit(model, X, y, random_state=0)
    for scores in (fit.scores, fit.score(X)):
        kept = scores >= fit.thresholds(0.05)[fit.fold]
        z = significance(kept[y == 1].sum(), (y == 1).sum(), kept[y == 0].sum(), (y == 0).sum())
        assert abs(z) < 3


def test_the_tail_interval_has_its_level():
    """Without a signal the ratio's interval holds 1 as often as it says."""
    rng = np.random.default_rng(0)
    runs, held = 250, 0
    for _ in range(runs):
        m = rng.uniform(0, 3, 900)
        found = contrast(
            m,
            rng.normal(size=(900, 2)),
            Window(1, 2, 0, 3),
            SidebandTemplate(),
            DecisionTreeClassifier(max_depth=2),
            folds=2,
            random_state=rng,
        )
        held += not found.tail(0.15, 0.9).ratio.excludes_null
    # Clopper and Pearson's interval is never too short; 4 Monte-Carlo errors below is.
    assert held / runs > 0.9 - 4 * np.sqrt(0.09 / runs)
    assert held / runs < 0.99


def test_it_is_the_same_by_seed():
    X, y = sample(200)
    first, second = (cross_fit(TreeEnsemble(1, 5), X, y, random_state=4) for _ in range(2))
    np.testing.assert_array_equal(first.scores, second.scores)


@pytest.mark.parametrize("efficiency", [0, 1, -0.1, np.nan])
def test_the_efficiency_must_be_a_share(efficiency):
    X, y = sample()
    with pytest.raises(ValueError, match="between 0 and 1"):
        cross_fit(Memory(), X, y).thresholds(efficiency)


def test_a_cut_that_is_too_hard_is_refused():
    X, y = sample()
    with pytest.raises(ValueError, match="keeps 1 of the 6 template events of a fold"):
        cross_fit(Memory(), X, y).thresholds(0.1)


@pytest.mark.parametrize("folds", [1, 0, 2.0, True, None])
def test_folds_must_be_several(folds):
    with pytest.raises(ValueError, match="folds"):
        cross_fit(Memory(), *sample(), folds=folds)


def test_each_fold_needs_events_of_both():
    X, y = sample(60)
    y[:] = 1
    with pytest.raises(ValueError, match="template has 0 different events"):
        cross_fit(Memory(), X, y)
    with pytest.raises(ValueError, match="signal region has 3 different events"):
        cross_fit(Memory(), X, np.r_[np.ones(3), np.zeros(57)])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_must_be_finite(bad):
    X, y = sample()
    X[0, 0] = bad
    with pytest.raises(ValueError, match="finite"):
        cross_fit(Memory(), X, y)


@pytest.mark.parametrize("shape", [(0, 2), (3, 0)])
def test_rows_must_hold_something(shape):
    with pytest.raises(ValueError, match="holds no values"):
        cross_fit(Memory(), np.zeros(shape), np.zeros(shape[0]))


def test_shapes_and_labels_must_fit():
    X, y = sample()
    with pytest.raises(ValueError, match="do not fit"):
        cross_fit(Memory(), X, y[:-1])
    with pytest.raises(ValueError, match="do not fit"):
        cross_fit(Memory(), X, y, source=X[:, :1])
    with pytest.raises(ValueError, match="shape"):
        cross_fit(Memory(), X[:, 0], y)
    with pytest.raises(ValueError, match="must be 1"):
        cross_fit(Memory(), X, y + 1)


def test_only_classifiers_learn():
    with pytest.raises(TypeError, match="classifier"):
        cross_fit("trees", *sample())


def test_an_ensemble_is_a_mean():
    X, y = sample(300)
    model = TreeEnsemble(3, 10, random_state=0).fit(X, y)
    shares, binned = model.predict_proba(X), model._binned(X)
    np.testing.assert_allclose(
        shares, np.mean([one.predict_proba(binned) for one in model.estimators_], axis=0)
    )
    np.testing.assert_array_equal(model.predict(X), shares.argmax(axis=1))
    assert model.n_features_in_ == 2
    assert not np.allclose(*(one.predict_proba(binned) for one in model.estimators_[:2]))


def test_what_an_ensemble_cannot_use_is_refused():
    X, y = sample(300)
    model = TreeEnsemble(1, 5).fit(X, y)
    with pytest.raises(ValueError, match="3 features; learnt were 2"):
        model.predict_proba(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="NaN"):
        model.predict_proba(np.full((5, 2), np.nan))
    with pytest.raises(ValueError, match="infinity"):
        TreeEnsemble(1, 5).fit(np.full((5, 2), np.inf), y[:5])


def test_trees_see_bins_and_no_more():
    X, y = sample(3000)
    model = TreeEnsemble(1, 5, random_state=0).fit(X, y)
    assert len(np.unique(model._binned(X)[:, 0])) == 255
    np.testing.assert_array_equal(
        model.predict_proba(X),
        TreeEnsemble(1, 5, random_state=0).fit(np.exp(X), y).predict_proba(np.exp(X)),
    )


@pytest.mark.parametrize("members", [0, 1.5, True, None])
def test_an_ensemble_has_members(members):
    with pytest.raises(ValueError, match="members"):
        TreeEnsemble(members).fit(*sample())
