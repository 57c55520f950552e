"""All tests by one function: their level, what they see, and what is refused."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from evidesk.methods.shift import METHODS, effect, forest, methods, relabelling, two_sample_test
from evidesk.methods.shift.methods import choose
from evidesk.methods.shift.samples import Samples

RNG = np.random.default_rng
LOGISTIC = LogisticRegression()
#: The least that a method needs: fewer relabellings, a fast classifier.
FAST = {
    "held-out": {"classifier": LOGISTIC},
    "prequential": {"classifier": LOGISTIC},
    "refit": {"classifier": LOGISTIC},
}


@pytest.fixture(autouse=True)
def small_forests(monkeypatch):
    monkeypatch.setattr(forest, "TREES", 10)


def pair(m, n, d, seed, delta=0.0):
    rng = RNG(seed)
    y = rng.standard_normal((n, d))
    y[:, 0] += delta
    return rng.standard_normal((m, d)), y


def asked(method, x, y, seed=0, **options):
    return two_sample_test(
        x, y, method=method, random_state=seed, permutations=19, **FAST.get(method, {}), **options
    )


@pytest.mark.parametrize("method", METHODS)
def test_each_finds_a_clear_shift_and_tells_how_large(method):
    x, y = pair(70, 60, 2, 0, 2.0)
    told = []
    result = asked(method, x, y, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1
    assert result.differs
    assert result.method == method
    assert result.why == "as asked for"
    assert result.auc.low > 0.6
    assert result.energy_distance.low > 0
    assert 0 < result.p_value.value <= 0.05 + 1e-12
    assert all(0 < p <= 1 for p in result.parts.values())
    again = asked(method, x, y)
    assert (again.p_value, again.auc, again.parts) == (result.p_value, result.auc, result.parts)


@pytest.fixture
def without_sizes(monkeypatch):
    """How large the shift is costs more than its p-value."""

    def refused(*_):
        raise ValueError("not here")

    monkeypatch.setattr(effect, "held_out", refused)
    monkeypatch.setattr(effect, "energy_distance", lambda *_: None)


SLOW = ("forest", "refit")
BY_LEVEL = [
    pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW))
    for name in METHODS
    if name != "ridge"
]


@pytest.mark.parametrize("method", BY_LEVEL)
def test_its_level_holds(method, without_sizes):
    runs = {"forest": 60, "refit": 60, "prequential": 150}.get(method, 300)
    rejected = [asked(method, *pair(60, 30, 2, seed), seed).differs for seed in range(runs)]
    error = 3 * np.sqrt(0.05 * 0.95 / runs)
    assert np.mean(rejected) < 0.05 + error
    if method != "marginal":  # Holm's is cautious
        assert np.mean(rejected) > 0.05 - error


@pytest.mark.parametrize("method", BY_LEVEL)
def test_its_level_holds_for_groups(method, without_sizes):
    runs = {"forest": 30, "refit": 30, "prequential": 80}.get(method, 150)
    rejected = []
    for seed in range(runs):
        rng = RNG(seed)
        groups = np.repeat(np.arange(24), 4)
        rows = 0.3 * rng.standard_normal((96, 1)) + rng.standard_normal((24, 1))[groups]
        # Some groups are in both samples.
        order = np.r_[np.arange(50), np.arange(52, 54), np.arange(50, 52), np.arange(54, 96)]
        rows, groups = rows[order], groups[order]
        rejected.append(asked(method, rows[:52], rows[52:], seed, groups=groups).differs)
    assert np.mean(rejected) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_correlations_are_seen_by_all_but_single_features():
    rng = RNG(0)
    x, y = rng.standard_normal((200, 2)), rng.standard_normal((200, 2))
    y[:, 1] = 0.8 * y[:, 0] + 0.6 * y[:, 1]
    for method in ("mmd", "combination"):
        assert asked(method, x, y).differs
    assert two_sample_test(x, y, method="prequential", random_state=0).p_value.value < 1e-4
    assert not asked("marginal", x, y).differs


def test_features_have_p_values_of_their_own():
    rng = RNG(0)

    def frame(n, shift):
        return pd.DataFrame(
            {
                "size": rng.standard_normal(n) + shift,
                "age": rng.standard_normal(n),
                "kind": rng.choice(list("ab"), n),
                "rare": ["x", *["y"] * (n - 1)],
            }
        )

    result = two_sample_test(frame(100, 0), frame(100, 2), method="marginal", random_state=0)
    assert min(result.parts, key=result.parts.get) == "size"
    assert result.p_value.value == pytest.approx(4 * result.parts["size"])
    assert result.p_value.method == "holm"
    assert "how they go together is not seen" in result.covers
    assert result.parts["rare"] == 1
    assert result.p_value.low == result.p_value.value


def test_many_features_of_groups_need_many_relabellings():
    x, y = pair(40, 40, 30, 0, 3.0)
    groups = np.arange(80)
    result = two_sample_test(x, y, method="marginal", groups=groups, random_state=0)
    assert result.differs
    p = result.p_value
    assert (p.n, p.over) == (1198, "1198 relabellings")
    assert p.value == pytest.approx(30 / 1199)
    # Thirty times the Clopper-Pearson bound of none of 1,198, at a level of 1 - 0.05 / 30.
    assert p.low == 0
    assert p.high == pytest.approx(30 * (1 - (0.025 / 30) ** (1 / 1198)))
    with pytest.raises(ValueError, match=r"adjusted for 30 features can be at most 0.05.*599"):
        two_sample_test(x, y, method="marginal", groups=groups, permutations=99)


def test_the_area_is_that_of_the_classifier_that_tested():
    x, y = pair(100, 100, 2, 0, 1.0)
    constant = two_sample_test(
        x, y, method="held-out", classifier=LogisticRegression(C=1e-12), random_state=0
    )
    assert constant.held_out is not None
    assert constant.auc.n == 100
    lenient = two_sample_test(
        x, y, method="prequential", classifier=LOGISTIC, min_effect=0.1, random_state=0
    )
    assert lenient.p_value.method == "delong"
    assert lenient.held_out is not None


def test_a_half_too_small_for_any_result_is_refused():
    x, y = pair(8, 4, 1, 0)
    with pytest.raises(ValueError, match="can be relabelled in 15"):
        asked("held-out", x, y)


def test_cross_validated_scores_have_no_p_value():
    with pytest.raises(ValueError, match=r"reject too often.*'held-out'.*method='refit'"):
        two_sample_test(*pair(20, 20, 1, 0), method="cross-validation")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "t-test"}, "must be one of auto, ridge, held-out"),
        ({"method": "mmd", "classifier": LOGISTIC}, "'mmd' takes no 'classifier'"),
    ],
)
def test_methods_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        two_sample_test(*pair(20, 20, 1, 0), **options)


def test_the_method_is_chosen_by_the_samples(monkeypatch):
    samples = Samples.of({"x": [1.0, 2.0], "kind": ["a", "b"]}, {"x": [3.0], "kind": ["a"]})
    assert choose(samples, LOGISTIC)[0] == "prequential"
    method, why = choose(samples, None)
    assert (method, "2 feature(s), 1 of categories" in why) == ("ridge", True)
    monkeypatch.setattr(methods, "_RIDGE_DIRECTIONS", 2)
    assert choose(samples, None)[0] == "prequential"
    monkeypatch.setattr(methods, "RIDGE_UPTO", 2)
    method, why = choose(samples, None)
    assert (method, "3 rows are more than 2" in why) == ("prequential", True)


def test_many_rows_are_tested_block_by_block(monkeypatch):
    monkeypatch.setattr(methods, "RIDGE_UPTO", 100)
    monkeypatch.setattr(methods.classifiers, "MOST_LEARNT", 300)
    result = two_sample_test(*pair(2500, 2500, 2, 0, 0.5), classifier=LOGISTIC, random_state=0)
    assert result.method == "prequential"
    assert result.p_value.value < 1e-20
    assert "shifts that only more rows teach are missed" in result.warnings[0]
    assert len(result.parts) == 9


def test_relabellings_of_single_features_come_in_batches_if_they_are_many(monkeypatch):
    rng = RNG(0)
    groups = np.repeat(np.arange(20), 3)
    x, y = rng.standard_normal((2, 30, 3))
    options = {"method": "marginal", "groups": groups, "random_state": 0}
    whole = two_sample_test(x, y, **options)
    drawn = []
    monkeypatch.setattr(relabelling, "_BATCH", 60 * 25)
    again = two_sample_test(x, y, **options, progress=drawn.append)
    assert again.parts == whole.parts
    assert len(drawn) > 5
    assert drawn == sorted(drawn)


def test_blocks_of_few_rows_tell_what_is_drawn():
    x, y = pair(30, 30, 2, 0, 1.0)
    result = two_sample_test(x, y, method="prequential", classifier=LOGISTIC, random_state=0)
    assert "drawn by chance" in result.covers
    assert "normal" not in result.covers
    assert result.warnings[0].startswith("In 5 of 5 block(s) the p-value is a rank among 999")
    assert "Take method='ridge'" in result.warnings[0]
    assert result.p_value.low < result.p_value.value < result.p_value.high
    assert result.p_value.over == "relabellings of 5 blocks"
    x, y = pair(500, 500, 2, 0)
    normal = two_sample_test(x, y, method="prequential", classifier=LOGISTIC, random_state=0)
    assert "exchangeable between the samples and rank sums normal" in normal.covers
    assert normal.p_value.low == normal.p_value.value
    assert not normal.warnings


def test_a_handful_of_rows_among_very_many_is_learnt_from(monkeypatch):
    monkeypatch.setattr(effect, "MOST_LEARNT", 1000)
    monkeypatch.setattr(methods.classifiers, "MOST_LEARNT", 1000)
    x, y = pair(20_000, 8, 1, 0, 8.0)
    for seed in range(4):
        result = two_sample_test(x, y, classifier=LOGISTIC, random_state=seed)
        assert result.differs
        assert result.auc.value == pytest.approx(1, abs=1e-3)
        assert two_sample_test(x, y, permutations=19, random_state=seed).auc.value > 0.99


def test_what_is_not_relabelled_is_drawn_otherwise():
    x, y = pair(100, 100, 2, 0, 1.0)
    curve = asked("prequential", x, y).plot()
    assert curve.get_xlabel() == "false positive rate"
    bars = asked("marginal", x, y).plot()
    assert "adjusted for all features" in bars.get_xlabel()
    assert [label.get_text() for label in bars.get_yticklabels()][-1] == "x0"
    axes = plt.figure().add_subplot()
    assert asked("marginal", x, y).plot(axes) is axes
    plt.close("all")


@pytest.mark.parametrize("method", METHODS)
def test_what_went_wrong_in_the_study_before(method):
    """A constant column gave NaN, an exact copy passed unsaid, and the caller's arrays were
    overwritten.
    """
    x, _ = pair(60, 40, 2, 0)
    x = np.column_stack([x, np.full(60, 3.0)])
    y = x[:40].copy()
    before = x.copy(), y.copy()
    result = asked(method, x, y)
    assert np.isfinite(result.p_value.value)
    assert np.isfinite(result.auc.value)
    assert "Left out, for all rows" in result.warnings[0]
    assert "one sample leaks into the other" in result.warnings[1]
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])
