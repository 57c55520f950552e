"""Ridge regression of labels, against its definition."""

from dataclasses import dataclass

import numpy as np
import pytest

from evidesk.methods.shift.relabelling import combine
from evidesk.methods.shift.ridge import PENALTIES, Spectrum, statistics_of


def slow(features, labels):
    """The best generalised cross-validation score, by solving each regression."""
    n, q = features.shape
    best = -np.inf
    for penalty in PENALTIES:
        hat = features @ np.linalg.solve(
            features.T @ features + n * penalty * np.eye(q), features.T
        )
        free = 1 - (np.trace(hat) + 1) / n
        if np.trace(hat) + 1 > n / 2 and penalty != PENALTIES[-1]:
            continue
        rest = labels - hat @ labels
        best = max(best, 1 - (rest @ rest) / free**2 / (labels @ labels))
    return best


def standard(features):
    return (features - features.mean(axis=0)) / features.std(axis=0)


def centred(labels):
    return (labels - labels.mean(axis=0)).astype(np.float32)


@pytest.mark.parametrize(("n", "q"), [(80, 5), (60, 20), (30, 45)])
def test_the_score_is_that_of_each_regression(n, q):
    rng = np.random.default_rng(n)
    features = rng.standard_normal((n, q)) + 3
    labels = centred(rng.random((n, 4)) < 0.4)
    found = Spectrum.of(features.astype(np.float32)).explained(labels)
    expected = [slow(standard(features), label.astype(float)) for label in labels.T]
    assert found == pytest.approx(expected, abs=2e-3)


def test_a_label_that_is_a_feature_is_explained_and_noise_is_not():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((400, 3)).astype(np.float32)
    labels = centred(np.stack([features[:, 1] > 0, rng.random(400) > 0.5], axis=1))
    clear, noise = Spectrum.of(features).explained(labels)
    assert clear > 0.5
    assert noise < 0.02


def test_the_regression_scores_rows_as_its_definition():
    rng = np.random.default_rng(4)
    features = rng.standard_normal((100, 4)) * [1, 2, 3, 4] + 5
    labels = centred(features[:, 0] + rng.standard_normal(100) > 5)
    spectrum = Spectrum.of(features.astype(np.float32))
    scores = spectrum.scores(features.astype(np.float32), labels)
    best = [
        standard(features)
        @ np.linalg.solve(
            standard(features).T @ standard(features) + 100 * penalty * np.eye(4),
            standard(features).T @ labels,
        )
        for penalty in PENALTIES
    ]
    assert min(np.abs(scores - one).max() for one in best) < 1e-4


@dataclass
class Family:
    """Features that are there already."""

    features: np.ndarray
    name: str
    is_plain: bool = True

    def __call__(self, design):
        return self.features


def test_of_features_that_can_hold_a_shift_the_clearest_counts_too():
    rng = np.random.default_rng(6)
    features = (rng.standard_normal((50, 4)) * [1, 10, 1, 0]).astype(np.float32)
    labels = (rng.random((50, 30)) > 0.5).astype(np.float32)
    families = [Family(features, "plain"), Family(features, "waves", is_plain=False)]
    plain, waves = statistics_of(families, features, lambda: [centred(labels)], lambda _: None)
    of_labels = labels - labels.mean(axis=0)
    assert waves == pytest.approx(Spectrum.of(features).explained(of_labels))
    clearest = np.abs(standard(features[:, :3]).T @ of_labels).max(axis=0)
    assert plain == pytest.approx(combine(np.stack([waves, clearest])))


def test_features_that_do_not_vary_explain_nothing():
    constant = np.ones((20, 3), dtype=np.float32)
    assert Spectrum.of(constant) is None
    told = []
    labels = np.zeros((20, 2), dtype=np.float32)
    labels[:7] = 1
    varying = np.arange(20, dtype=np.float32)[:, None]
    families = [Family(constant, "constant"), Family(varying, "varying")]
    found = statistics_of(families, varying, lambda: [centred(labels)], told.append)
    assert found[0].tolist() == [0, 0]
    # One feature alone is its own clearest.
    assert np.all(found[1] > 0.3)
    assert told == [0.5, 1.0]


def test_one_feature_that_does_not_vary_disturbs_no_other():
    rng = np.random.default_rng(5)
    features = rng.standard_normal((60, 2)).astype(np.float32)
    labels = centred(rng.random((60, 3)) > 0.5)
    with_constant = np.column_stack([features, np.full(60, 7, np.float32)])
    assert Spectrum.of(with_constant).explained(labels) == pytest.approx(
        Spectrum.of(features).explained(labels), abs=0.01
    )
