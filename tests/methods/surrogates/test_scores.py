"""Scores of predictions with uncertainty: against uncertainty-toolbox, and at their level."""

import warnings

import numpy as np
import pytest
import uncertainty_toolbox as uct
from scipy import integrate, special, stats

from evidesk.methods.metrics import PoorApproximationWarning, auroc
from evidesk.methods.surrogates.calibration_curve import calibration_curve
from evidesk.methods.surrogates.scores import (
    coverage,
    crps,
    error_correlation,
    gaussian_interval,
    interval_score,
    mean_width,
    nll,
    ood_auroc,
    sharpness,
)
from evidesk.methods.surrogates.scoring_rules import gaussian_crps, sample_crps, winkler_score


def predictions(n=400, seed=0, outputs=()):
    rng = np.random.default_rng(seed)
    mean = rng.normal(size=(n, *outputs))
    std = rng.uniform(0.5, 2, size=(n, *outputs))
    return mean + 1.2 * std * rng.normal(size=(n, *outputs)), mean, std


class TestAgainstUncertaintyToolbox:
    def test_scores_that_are_defined_alike(self):
        y, mean, std = predictions()
        assert nll(y, mean, std).value == pytest.approx(uct.nll_gaussian(mean, std, y), abs=1e-6)
        assert crps(y, mean, std).value == pytest.approx(uct.crps_gaussian(mean, std, y), abs=1e-6)
        assert sharpness(std).value == pytest.approx(uct.sharpness(std), abs=1e-6)

    def test_interval_score_as_their_mean_over_levels(self):
        y, mean, std = predictions()
        levels = np.linspace(0.01, 0.99, 99)
        ours = [
            interval_score(y, *gaussian_interval(mean, std, level), level=float(level)).value
            for level in levels
        ]
        assert np.mean(ours) == pytest.approx(uct.interval_score(mean, std, y), abs=1e-6)

    def test_coverage_as_their_proportions(self):
        y, mean, std = predictions()
        for level in (0.5, 0.9):
            theirs = uct.metrics_calibration.get_proportion_in_interval(mean, std, y, level)
            ours = coverage(y, *gaussian_interval(mean, std, level)).value
            assert ours == pytest.approx(theirs, abs=1e-6)

    @pytest.mark.parametrize("kind", ["interval", "quantile"])
    def test_calibration_error_without_their_two_trivial_levels(self, kind):
        y, mean, std = predictions()
        theirs = uct.mean_absolute_calibration_error(mean, std, y, num_bins=101, prop_type=kind)
        ours = calibration_curve(y, mean, std, kind=kind, random_state=0).error.value
        # Theirs counts the levels 0 and 1, at which nothing can be off.
        assert ours * 99 / 101 == pytest.approx(theirs, abs=1e-6)

    def test_rows_of_a_curve(self):
        y, mean, std = predictions()
        nominal, observed = uct.get_proportion_lists_vectorized(mean, std, y, num_bins=101)
        ours = calibration_curve(y, mean, std, levels=nominal[1:-1], random_state=0)
        np.testing.assert_allclose(ours.observed, observed[1:-1], atol=1e-6)


class TestRules:
    def test_crps_is_its_integral(self):
        y, mean, std = 1.3, 0.4, 0.7
        integral = integrate.quad(
            lambda t: (stats.norm.cdf(t, mean, std) - (t >= y)) ** 2, -10, 10, points=[y]
        )[0]
        found = gaussian_crps(np.array([y]), np.array([mean]), np.array([std]))
        assert found[0] == pytest.approx(integral, abs=1e-7)

    def test_crps_of_samples_by_all_pairs(self):
        rng = np.random.default_rng(1)
        y, samples = rng.normal(size=(4, 2)), rng.normal(size=(7, 4, 2))
        pairs = np.abs(samples[:, None] - samples[None]).sum(axis=(0, 1)) / (2 * 7 * 6)
        expected = np.abs(samples - y).mean(axis=0) - pairs
        np.testing.assert_allclose(sample_crps(y, samples), expected, rtol=1e-12)

    @pytest.mark.parametrize("m", [2, 5, 100])
    def test_crps_of_samples_is_fair(self, m):
        rng = np.random.default_rng(2)
        n = 40_000
        y, samples = rng.normal(size=n), rng.normal(size=(m, n))
        true = 1 / np.sqrt(np.pi)  # of a standard normal that is right
        scores = sample_crps(y, samples)
        assert scores.mean() == pytest.approx(true, abs=4 * scores.std() / np.sqrt(n))

    def test_winkler(self):
        y = np.array([0.0, 2.0, -1.5])
        found = winkler_score(y, np.full(3, -1.0), np.full(3, 1.0), 0.9)
        np.testing.assert_allclose(found, [2, 2 + 20, 2 + 10])

    def test_right_quantiles_have_the_smallest_interval_score(self):
        y = np.random.default_rng(3).normal(size=20_000)
        scores = {
            half: winkler_score(y, np.full_like(y, -half), np.full_like(y, half), 0.9).mean()
            for half in (1.3, 1.645, 2.0)
        }
        assert min(scores, key=scores.get) == 1.645


class TestLevel:
    """Intervals of the scores hold the population's score; ignoring groups they would not."""

    @staticmethod
    def held(score, true, groups, seeds=80, knowing=True):
        found = 0
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            count = groups.max() + 1

            def alike(rng=rng, count=count):
                own = rng.normal(size=len(groups))
                return np.sqrt(0.6) * rng.normal(size=count)[groups] + np.sqrt(0.4) * own

            std = np.exp(0.4 * alike())
            y = std * alike()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", PoorApproximationWarning)
                one = score(y, np.zeros_like(y), std, groups if knowing else None)
            found += one.low <= true <= one.high
        return found / seeds

    @pytest.mark.parametrize(
        ("score", "true"),
        [
            (lambda y, m, s, g: coverage(y, *gaussian_interval(m, s, 0.9), groups=g), 0.9),
            (lambda y, m, s, g: nll(y, m, s, groups=g), 0.5 + np.log(2 * np.pi) / 2),
            (
                lambda y, m, s, g: crps(y, m, s, groups=g),
                np.exp(0.08) / np.sqrt(np.pi),
            ),
            (
                lambda y, m, s, g: mean_width(*gaussian_interval(m, s, 0.9), groups=g),
                2 * stats.norm.ppf(0.95) * np.exp(0.08),
            ),
            (lambda y, m, s, g: sharpness(s, groups=g), np.exp(0.16)),
        ],
        ids=["coverage", "nll", "crps", "width", "sharpness"],
    )
    def test_of_groups(self, score, true):
        groups = np.repeat(np.arange(50), 20)
        assert self.held(score, true, groups) >= 0.88
        assert self.held(score, true, groups, knowing=False) <= 0.75

    def test_of_rows(self):
        rng = np.random.default_rng(4)
        held = 0
        for _ in range(200):
            y = rng.normal(size=150)
            low, high = np.full(150, -1.645), np.full(150, 1.645)
            one = coverage(y, low, high)
            held += one.low <= 0.9 <= one.high
        assert 0.91 <= held / 200 <= 0.99


class TestInput:
    def test_several_outputs_are_one_row(self):
        y, mean, std = predictions(200, outputs=(5,))
        found = nll(y, mean, std)
        assert found.n == 200
        flat = nll(y.ravel(), mean.ravel(), std.ravel())
        assert found.value == pytest.approx(flat.value)
        low, high = gaussian_interval(mean, std, 0.9)
        many = coverage(y, low, high)
        assert many.value == pytest.approx(((low <= y) & (y <= high)).mean())
        # Outputs that all err together tell no more than one.
        y1, mean1, std1 = predictions(200)
        together = [np.repeat(part[:, None], 5, axis=1) for part in (y1, mean1, std1)]
        bounds = gaussian_interval(*together[1:], 0.9)
        one = coverage(y1, *gaussian_interval(mean1, std1, 0.9))
        assert coverage(together[0], *bounds).half_width == pytest.approx(one.half_width, rel=0.15)

    def test_refused_rows_do_not_count(self):
        y, mean, std = predictions(100)
        low, high = gaussian_interval(mean, std, 0.9)
        groups = np.repeat(np.arange(25), 4)
        low[:40], high[:40] = np.nan, np.nan
        part = slice(40, None)
        for with_groups in (None, groups):
            of_part = None if with_groups is None else groups[part]
            found = coverage(y, low, high, groups=with_groups)
            assert found == coverage(y[part], low[part], high[part], groups=of_part)
        assert interval_score(y, low, high, level=0.9).n == 60
        low[:] = np.nan
        with pytest.raises(ValueError, match="0 of 100 rows have an interval"):
            coverage(y, low, high)

    def test_widths_that_are_all_the_same_need_no_warning(self):
        y, *_ = predictions(100)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert mean_width(np.zeros(100), np.ones(100)).half_width == 0
            assert sharpness(np.ones(100)).value == 1
        with pytest.warns(PoorApproximationWarning, match="rests on about"):
            mean_width(y[:5] - 1, y[:5] + np.arange(1, 6))

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_what_is_not_finite(self, bad):
        y, mean, std = predictions(50)
        for wrong in ("y", "mean", "std"):
            parts = {"y": y.copy(), "mean": mean.copy(), "std": std.copy()}
            parts[wrong][3] = bad
            with pytest.raises(ValueError, match=f"'{wrong}' parameter must be finite"):
                nll(**parts)

    def test_what_makes_no_sense(self):
        y, mean, std = predictions(50)
        low, high = gaussian_interval(mean, std, 0.9)
        with pytest.raises(ValueError, match=r"'std' must be above 0; it is not in 2 row.* row 4"):
            nll(y, mean, np.where(np.isin(np.arange(50), (4, 9)), 0, std))
        with pytest.raises(ValueError, match=r"must have the shape of 'y', \(50,\); got \(49,\)"):
            nll(y, mean[:-1], std)
        with pytest.raises(ValueError, match="at least two rows"):
            nll(y[:1], mean[:1], std[:1])
        with pytest.raises(ValueError, match="'low' is above 'high' in 50 row"):
            coverage(y, high, low)
        with pytest.raises(ValueError, match="'high' holds infinity"):
            coverage(y, low, np.full(50, np.inf))
        with pytest.raises(TypeError, match="'low' must hold real numbers"):
            coverage(y, low.astype(str), high)
        with pytest.raises(ValueError, match="'low' must have the shape"):
            coverage(y, low[:-1], high)
        with pytest.raises(ValueError, match="must name one for each of 50 rows"):
            coverage(y, low, high, groups=[1, 2])
        with pytest.raises(ValueError, match="at least two groups"):
            nll(y, mean, std, groups=np.zeros(50))
        with pytest.raises(ValueError, match="'level' parameter"):
            interval_score(y, low, high, level=90.0)
        with pytest.raises(ValueError, match="constant"):
            error_correlation(y, mean, np.ones(50))
        for wrong in ({}, {"mean": mean}, {"mean": mean, "std": std, "samples": np.ones((2, 50))}):
            with pytest.raises(ValueError, match="Give either 'mean' and 'std', or 'samples'"):
                crps(y, **wrong)
        for samples in (np.ones((1, 50)), np.ones((3, 49)), np.full((3, 50), "a")):
            with pytest.raises(ValueError, match=r"numbers of shape \(m, 50\)"):
                crps(y, samples=samples)
        with pytest.raises(ValueError, match="'samples' must be finite"):
            crps(y, samples=np.full((3, 50), np.nan))


def test_crps_of_many_samples_is_that_of_their_distribution():
    y, mean, std = predictions(300)
    samples = mean + std * np.random.default_rng(5).normal(size=(4_000, 300))
    assert crps(y, samples=samples, unit="eV").value == pytest.approx(
        crps(y, mean, std).value, abs=2e-3
    )


def test_out_of_domain():
    rng = np.random.default_rng(6)
    inside, outside = rng.normal(size=80), rng.normal(1.5, size=60)
    found = ood_auroc(inside, outside)
    assert found == auroc(np.repeat([0, 1], [80, 60]), np.r_[inside, outside])
    assert found.value == pytest.approx(special.ndtr(1.5 / np.sqrt(2)), abs=0.08)
    groups = np.r_[np.repeat(np.arange(20), 4), 20 + np.repeat(np.arange(15), 4)]
    assert ood_auroc(inside, outside, groups=groups).over == "35 groups"


def test_spread_and_error():
    y, mean, std = predictions(2_000)
    found = error_correlation(y, mean, std)
    assert found.value == pytest.approx(stats.spearmanr(np.abs(y - mean), std)[0])
    assert 0.2 < found.value < 0.6
