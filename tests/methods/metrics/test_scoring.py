"""Metrics by name: for comparisons, and as scorers of scikit-learn."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from evidesk.methods.metrics import METRICS, compare, evaluate, make_scorer

X, Y = load_breast_cancer(return_X_y=True)
NAMES = np.array(["malignant", "benign"])[Y]
CLASSIFIER = make_pipeline(StandardScaler(), LogisticRegression())


@pytest.mark.parametrize(
    ("metric", "options", "reference"),
    [
        ("accuracy", {}, "accuracy"),
        ("f1", {}, "f1"),
        ("f1", {"average": "macro"}, "f1_macro"),
        ("balanced_accuracy", {}, "balanced_accuracy"),
        ("mcc", {}, "matthews_corrcoef"),
        ("auroc", {}, "roc_auc"),
        ("average_precision", {}, "average_precision"),
        ("brier", {}, "neg_brier_score"),
        ("log_loss", {}, "neg_log_loss"),
    ],
)
def test_cross_validate_reports_what_scikit_learn_does_with_bounds(metric, options, reference):
    scorer = make_scorer(metric, **options)
    found = cross_validate(CLASSIFIER, X, Y, scoring=scorer, cv=3)
    expected = cross_validate(CLASSIFIER, X, Y, scoring=reference, cv=3)["test_score"]
    name = f"test_{scorer.name}"
    assert np.allclose(found[name], expected)
    assert np.all(found[f"{name}_low"] < found[name])
    assert np.all(found[f"{name}_high"] >= found[name])
    assert found[f"{name}_n"].tolist() == [190, 190, 189]
    [folds] = scorer.estimates(found)
    assert np.allclose([fold.value for fold in folds], np.abs(expected))
    assert [fold.n for fold in folds] == [190, 190, 189]


def test_text_labels_know_their_positive_class():
    # The last class, "malignant", is positive by default; the other one by name.
    for positive, sign in (("malignant", 0), ("benign", 1)):
        options = {} if positive == "malignant" else {"pos_label": positive}
        expected = cross_validate(CLASSIFIER, X, (sign == Y).astype(int), scoring="roc_auc", cv=3)
        for model in (CLASSIFIER, make_pipeline(StandardScaler(), RidgeClassifier())):
            found = cross_validate(model, X, NAMES, scoring=make_scorer("auroc", **options), cv=3)
            assert np.allclose(found["test_auroc"], expected["test_score"], atol=0.02)


def test_many_classes_are_averaged():
    data, labels = load_iris(return_X_y=True)
    found = cross_validate(CLASSIFIER, data, labels, scoring=make_scorer("auroc"), cv=3)
    expected = cross_validate(CLASSIFIER, data, labels, scoring="roc_auc_ovr", cv=3)
    assert np.allclose(found["test_auroc"], expected["test_score"])


def test_a_search_refits_on_the_metric_and_keeps_every_interval():
    data, target = load_diabetes(return_X_y=True)
    scorer = make_scorer("rmse", level=0.9, method="percentile")
    search = GridSearchCV(Ridge(), {"alpha": [0.01, 1, 100]}, scoring=scorer, refit=scorer.name)
    search.fit(data, target)
    plain = GridSearchCV(Ridge(), search.param_grid, scoring="neg_root_mean_squared_error")
    plain.fit(data, target)
    assert search.best_params_ == plain.best_params_
    found = scorer.estimates(search.cv_results_)
    assert [len(candidate) for candidate in found] == [5, 5, 5]
    assert found[2][4].value == pytest.approx(-plain.cv_results_["split4_test_score"][2])
    for candidate in found:
        for fold in candidate:
            assert fold.low < fold.value < fold.high
            assert (fold.level, fold.method, fold.unit) == (0.9, "percentile", "")


def test_results_that_hold_no_estimates():
    scorer = make_scorer("accuracy")
    with pytest.raises(ValueError, match="holds no scores of 'accuracy'"):
        scorer.estimates({"test_f1": np.ones(3)})
    failed = {f"test_accuracy{part}": np.array([1, np.nan]) for part in ("", "_low", "_high", "_n")}
    with pytest.raises(ValueError, match="a fold without a score"):
        scorer.estimates(failed)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"metric": "accuraccy"}, "'metric' parameter must be one of accuracy, "),
        ({"metric": "accuracy", "level": 95}, "'level' parameter"),
        ({"metric": "accuracy", "method": "magic"}, "'method' parameter"),
    ],
)
def test_a_scorer_is_refused_before_any_model_is_trained(arguments, told):
    with pytest.raises(ValueError, match=told):
        make_scorer(**arguments)


@pytest.mark.parametrize(
    ("metric", "needed"), [("auroc", "predict_proba or decision"), ("brier", "with predict_proba")]
)
def test_a_model_without_scores(metric, needed):
    class Constant:
        classes_ = (0, 1)

    with pytest.raises(TypeError, match=needed):
        make_scorer(metric)(Constant(), X, Y)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_compares_two_models(metric):
    rng = np.random.default_rng(0)
    n = 400
    if metric in ("mse", "rmse", "mae", "r2", "spearman"):
        y = rng.normal(size=n)
        a, b = y + rng.normal(scale=0.3, size=n), y + rng.normal(scale=1, size=n)
    elif metric == "ece":
        a = rng.uniform(0.05, 0.95, n)
        y, b = (rng.random(n) < a).astype(int), a**4
    elif metric in ("auroc", "average_precision", "brier", "log_loss"):
        y = rng.integers(0, 2, n)
        a, b = (1 / (1 + np.exp(-(rng.normal(size=n) + s * (2 * y - 1)))) for s in (2, 0.2))
    else:
        y = rng.integers(0, 2, n)
        a, b = (np.where(rng.random(n) < p, y, 1 - y) for p in (0.9, 0.6))
    found = compare(y, a, b, metric=metric, names=("good", "bad"))
    assert found.better == "good"
    assert found.p_value < 1e-3
    values = evaluate(metric, y, {"good": a, "bad": b}).values
    assert found.estimate.value == pytest.approx(values[0] - values[1])
    groups = np.arange(n) // 4
    assert compare(y, a, b, metric=metric, groups=groups).estimate.over == "100 groups"
    again = compare(y, a, b, metric=metric, method="percentile", random_state=0, resamples=200)
    assert again.better == "A"


def test_two_names_are_two():
    with pytest.raises(ValueError, match="'names' parameter must name two models"):
        compare([0, 1], [0, 1], [1, 1], names=("a", "a"))
    with pytest.raises(ValueError, match="'metric' parameter"):
        compare([0, 1], [0, 1], [1, 1], metric="magic")
