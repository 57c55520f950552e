"""Cross-validation and seeds: the published numbers, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats

from evidesk import data
from evidesk.methods.metrics import (
    PoorApproximationWarning,
    SelectedOnTestError,
    check_selection,
    corrected_resampled_t,
    cross_validation_clt,
    proportion,
    variance_components,
)

NETWORKS = ("resnet50", "resnext50", "vit_small")


@pytest.fixture(scope="module")
def last():
    path = data.path("sota_on_uncertainties/imagenette2_last_top1_per_image.csv.gz")
    return pd.read_csv(path)


def right(cases, network):
    columns = [column for column in cases if column.startswith(f"{network}_s")]
    return cases[columns].to_numpy() == cases["gtlabel"].to_numpy()[:, None]


def by_fold(cases, correct):
    return np.bincount(cases["fold"], correct) / np.bincount(cases["fold"])


# The numbers of imagenette


@pytest.mark.parametrize(
    ("network", "fold", "seed", "p", "cv_error", "fold_error"),
    [
        ("resnet50", 1.21, 0.10, 0.095, 0.00255, 0.00238),
        ("resnext50", 1.01, 0.18, 0.035, 0.00213, 0.00273),
        ("vit_small", 1.69, 0.00, 0.095, 0.00380, 0.00377),
    ],
)
def test_the_decomposition_of_imagenette(last, network, fold, seed, p, cv_error, fold_error):
    correct = right(last, network)
    parts = variance_components(correct, last["fold"])
    assert 100 * parts.fold.value == pytest.approx(fold, abs=0.005)
    assert 100 * parts.seed.value == pytest.approx(seed, abs=0.005)
    assert parts.excess_p_value == pytest.approx(p, abs=0.0005)
    assert parts.excess_p_value == pytest.approx(stats.chi2.sf(parts.excess_statistic, 19))
    for variance in ("all-pairs", "within-fold"):
        estimate = cross_validation_clt(correct[:, 0], last["fold"], variance=variance)
        assert estimate.half_width / 1.96 == pytest.approx(cv_error, rel=0.003)
    folds = by_fold(last, correct[:, 0])
    assert stats.sem(folds) == pytest.approx(fold_error, abs=0.00001)


def test_the_corrected_t_of_resnext_over_resnet(last):
    folds = [by_fold(last, right(last, network)[:, 0]) for network in ("resnext50", "resnet50")]
    found = corrected_resampled_t(*folds)
    assert found.statistic == pytest.approx(10.4, abs=0.05)
    assert 100 * found.difference.value == pytest.approx(3.20, abs=0.01)
    assert found.difference.excludes_null
    assert str(found).endswith("corrected t = 10.4 with 19 degrees of freedom, p = 2.6e-09")


def test_best_checkpoints_are_better_partly_by_chance(last):
    path = data.path("sota_on_uncertainties/imagenette2_best_top1_per_image.csv.gz")
    best = pd.read_csv(path)
    gains = [100 * (right(best, n).mean() - right(last, n).mean()) for n in NETWORKS]
    assert (min(gains), max(gains)) == pytest.approx((0.42, 0.70), abs=0.005)


# CV-CLT


def test_shares_get_wilsons_interval():
    hits = np.arange(100) < 90
    estimate = cross_validation_clt(hits, np.arange(100) % 5)
    plain = proportion(90, 100)
    assert (estimate.low, estimate.high) == pytest.approx((plain.low, plain.high), abs=0.003)
    assert (estimate.n, estimate.method) == (100, "cv-clt, all-pairs")
    assert cross_validation_clt(np.ones(50), np.arange(50) % 5).low < 0.95


def test_other_scores_get_students_t():
    losses = np.random.default_rng(0).exponential(size=60)
    folds = np.repeat(list("abcde"), 12)
    every = cross_validation_clt(losses, folds, unit="nat", level=0.9)
    expected = stats.t.interval(0.9, 59, losses.mean(), stats.sem(losses))
    assert (every.low, every.high, every.unit) == (*map(pytest.approx, expected), "nat")
    within = cross_validation_clt(losses, folds, variance="within-fold", level=0.9)
    spread = np.mean(losses.reshape(5, 12).var(axis=1, ddof=1))
    assert within.half_width == pytest.approx(stats.t.ppf(0.95, 59) * np.sqrt(spread / 60))
    positive = cross_validation_clt(losses, folds, range="positive")
    assert positive.value**2 == pytest.approx(positive.low * positive.high)


def test_few_cases_are_warned_of_where_the_user_called():
    with pytest.warns(PoorApproximationWarning, match="cross-validated mean") as caught:
        cross_validation_clt([1.0, 2, 4, 5], [0, 0, 1, 1], variance="within-fold")
    assert caught[0].filename == __file__
    with pytest.warns(PoorApproximationWarning, match="no two cases differ"):
        cross_validation_clt([2.0, 2, 2, 2], [0, 0, 1, 1], variance="within-fold")


@pytest.mark.parametrize(
    ("scores", "folds", "options", "message"),
    [
        ([1.0, 2], [0, 1, 1], {}, "'scores' and 'folds' must have the same length"),
        ([1.0, 2], [0, 0], {}, "'folds' must name at least two folds"),
        ([1.0, np.nan], [0, 1], {}, "'scores' parameter must be finite"),
        ([], [], {}, "'folds' is empty"),
        ([1.0, 2], [0, None], {}, "'folds' has 1 missing"),
        ([1.0, 2], [0, 1], {"variance": "none"}, "'variance' parameter must be one of all-pairs"),
        ([1.0, 2], [0, 1], {"variance": "within-fold"}, "needs two cases in each fold"),
        ([1.0, 2], [0, 1], {"level": 1}, "'level' parameter"),
    ],
)
def test_what_is_no_cross_validation_is_refused(scores, folds, options, message):
    with pytest.raises(ValueError, match=message):
        cross_validation_clt(scores, folds, **options)


# Corrected resampled t


def test_the_correction_widens_the_plain_t():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, 10), rng.normal(0, 1, 10)
    plain = stats.ttest_rel(a, b)
    found = corrected_resampled_t(a, b, unit="pp")
    assert found.statistic == pytest.approx(plain.statistic / np.sqrt(1 + 10 / 9))
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(found.statistic), 9))
    repeated = corrected_resampled_t(a, b, test_fraction=0.3)
    assert repeated.statistic == pytest.approx(plain.statistic / np.sqrt(1 + 10 * 3 / 7))
    assert (found.difference.low > 0) == (found.p_value < 0.05)
    assert (found.difference.over, found.difference.unit) == ("10 splits", "pp")


@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        ([1.0, 2], [1.0], {}, "'scores_a' and 'scores_b' must have the same length, got 2 and 1"),
        ([1.0], [1.0], {}, "at least two splits"),
        ([1.0, np.inf], [1.0, 2], {}, "'scores_a' parameter must be finite"),
        ([1.0, 2], [1.0, np.nan], {}, "'scores_b' parameter must be finite"),
        ([1.1, 2.1], [1.0, 2.0], {}, "differ by the same amount in all splits"),
        ([1.0, 3], [1.0, 2], {"test_fraction": 1.0}, "'test_fraction' parameter must be in"),
        ([1.0, 3], [1.0, 2], {"test_fraction": "half"}, "'test_fraction' parameter must be in"),
        ([1.0, 3], [1.0, 2], {"level": 0}, "'level' parameter"),
    ],
)
def test_what_is_no_pair_of_splits_is_refused(a, b, options, message):
    with pytest.raises(ValueError, match=message):
        corrected_resampled_t(a, b, **options)


# Variance components


def simulated(rng, folds, seeds, fold=2.0, seed=1.0, rest=0.5):
    return (
        10
        + fold * rng.normal(size=(folds, 1))
        + seed * rng.normal(size=seeds)
        + rest * rng.normal(size=(folds, seeds))
    )


def test_components_are_found_again():
    parts = variance_components(simulated(np.random.default_rng(0), 400, 300), unit="pp")
    for name, true in (("fold", 2), ("seed", 1), ("rest", 0.5)):
        part = getattr(parts, name)
        assert part.value == pytest.approx(true, rel=0.1)
        assert part.low < true < part.high
        assert part.unit == "pp"
    assert parts.cases is parts.excess_p_value is None
    assert "p =" not in str(parts)
    assert parts.seed.over == "300 seeds"


def test_the_intervals_of_the_components_hold_their_level():
    rng = np.random.default_rng(1)
    held = []
    for _ in range(500):
        parts = variance_components(simulated(rng, 10, 5))
        truths = {"fold": 2, "seed": 1, "rest": 0.5}
        held.append(
            [getattr(parts, n).low <= t <= getattr(parts, n).high for n, t in truths.items()]
        )
    assert np.all(np.mean(held, axis=0) > 0.92)
    assert np.all(np.mean(held, axis=0) < 0.99)


def test_scores_without_any_scatter_have_none():
    parts = variance_components(np.ones((40, 2)), np.arange(40) % 4)
    assert parts.fold.value == parts.seed.value == parts.rest.high == 0
    assert parts.mean.low == 1
    assert parts.cases is None


@pytest.mark.parametrize(
    ("scores", "folds", "message"),
    [
        ([[1.0, 2]], None, "at least two folds and two seeds, got 1 and 2"),
        ([[1.0], [2]], None, "at least two folds and two seeds, got 2 and 1"),
        ([1.0, 2], None, "'scores' parameter must have 2 dimension"),
        ([[1.0, 2], [3, 4]], [0], "'scores' and 'folds' must have the same length"),
        ([[1.0, np.nan], [3, 4]], None, "'scores' parameter must be finite"),
    ],
)
def test_what_has_no_components_is_refused(scores, folds, message):
    with pytest.raises(ValueError, match=message):
        variance_components(scores, folds)


def test_components_print_and_plot(last):
    parts = variance_components(right(last, "resnet50"), last["fold"])
    assert str(parts).splitlines() == [
        "mean 0.901 ± 0.006 (95 %, t over 20 folds, n=13394)",
        "  sd of folds: 0.012 [0.009, 0.018]",
        "  sd of seeds: 0.0010 [0, 0.0037]",
        "  sd of the rest: 0.0053 [0.0046, 0.0061]",
        "  by chance of the cases alone folds would have 0.0102; more than that: p = 0.095",
    ]
    axes = Figure().add_subplot()
    assert parts.plot(axes) is axes
    axes.figure.draw_without_rendering()
    bare = variance_components(simulated(np.random.default_rng(0), 5, 4), unit="pp").plot()
    assert bare.get_xlabel() == "standard deviation / pp"


# Selection


@pytest.mark.parametrize(
    "options", [{"selected_on": "test"}, {"checkpoint": "best"}, {"checkpoint": " Best"}]
)
@pytest.mark.parametrize(
    "ask",
    [
        check_selection,
        lambda **options: cross_validation_clt([1.0, 2], [0, 1], **options),
        lambda **options: corrected_resampled_t([1.0, 3], [1.0, 2], **options),
        lambda **options: variance_components([[1.0, 2], [3, 5]], **options),
    ],
)
def test_scores_of_what_the_test_fold_selected_are_refused(ask, options):
    with pytest.raises(
        SelectedOnTestError, match=r"No interval is right for this score.*validation"
    ):
        ask(**options)


def test_other_selections_pass():
    check_selection()
    check_selection(checkpoint="last")
    check_selection(checkpoint="best", selected_on="validation")
    check_selection(selected_on="train")
    with pytest.raises(ValueError, match="'selected_on' parameter must be one of nothing, train"):
        check_selection(selected_on="dev")
