"""All scores at once, coverage by subset, and errors by their predicted spread."""

import numpy as np
import pytest

from evidesk.methods.metrics import PoorApproximationWarning
from evidesk.methods.surrogates.coverage_by import coverage_by
from evidesk.methods.surrogates.prediction_scores import score_predictions
from evidesk.methods.surrogates.scores import coverage, gaussian_interval, nll
from evidesk.methods.surrogates.spread_error import spread_against_error


def predictions(n=600, seed=0):
    """The last third is hot: its errors are twice what they are said to be."""
    rng = np.random.default_rng(seed)
    std = rng.uniform(0.5, 2, n)
    hot = np.arange(n) >= 2 * n // 3
    y = std * rng.normal(size=n) * np.where(hot, 2, 1)
    return y, np.zeros(n), std, np.where(hot, "hot", "in domain")


class TestAll:
    def test_each_is_what_it_is_alone(self):
        y, mean, std, subset = predictions()
        groups = np.arange(600) // 6
        found = score_predictions(
            y, mean, std, groups=groups, subset=subset, unit="meV", random_state=0
        )
        assert found.overall.nll == nll(y, mean, std, groups=groups)
        assert found.overall.coverage == coverage(
            y, *gaussian_interval(mean, std, 0.9), groups=groups
        )
        hot = subset == "hot"
        alone = score_predictions(
            y[hot], mean[hot], std[hot], groups=groups[hot], unit="meV", random_state=0
        )
        assert found.subsets["hot"] == alone.overall
        assert len(found.overall.estimates) == 11
        assert found.overall.rmse.unit == "meV"
        assert found.overall.rmse.value == pytest.approx(np.sqrt((y**2).mean()))

    def test_where_it_cannot_be_trusted(self):
        y, mean, std, subset = predictions()
        found = score_predictions(y, mean, std, subset=subset, random_state=0)
        assert "hot" in found.coverage.below
        assert "in domain" not in found.coverage.below
        text = str(found)
        assert "in 'hot', n=200: cannot be trusted there" in text
        assert "in domain" in text.splitlines()[0]
        axes = found.plot()
        assert [one.get_text() for one in axes.get_yticklabels()] == [
            "all rows",
            "hot",
            "in domain",
        ]

    def test_intervals_alone(self):
        y, mean, *_ = predictions()
        low, high = mean - 2.0, mean + 2.0
        low[:60] = high[:60] = np.nan
        found = score_predictions(y, mean, low=low, high=high, level=0.8)
        assert found.overall.nll is None
        assert found.overall.refused.value == 0.1
        assert found.overall.coverage.n == 540
        assert set(found.overall.estimates) == {
            "rmse",
            "coverage",
            "width",
            "interval_score",
            "refused",
        }
        assert "NLL" not in str(found)
        # Spreads that are all equal order nothing.
        equal = score_predictions(y, mean, np.ones(600), random_state=0).overall
        assert equal.sparsification is equal.correlation is None
        assert equal.nll is not None
        assert equal.sharpness.value == 1

    def test_too_little_of_a_subset_is_told(self):
        y, mean, std, subset = predictions(90)
        subset[:1] = "rare"
        low, high = gaussian_interval(mean, std, 0.9)
        low[subset == "hot"] = np.nan
        found = score_predictions(y, mean, std, low, high, subset=subset, random_state=0)
        assert found.subsets["rare"].coverage is None
        assert found.subsets["rare"].n == 1
        assert found.subsets["hot"].coverage is None
        assert found.subsets["hot"].refused.value == 1
        assert found.subsets["hot"].nll is not None
        assert "cannot say in 'hot': too few intervals" in str(found)
        assert any("coverage, 'rare'" in note for note in found.notes)
        assert any("few rows or groups bear these" in note for note in found.notes)

    def test_several_outputs(self):
        rng = np.random.default_rng(1)
        y, std = rng.normal(size=(100, 3)), rng.uniform(0.8, 1.2, (100, 3))
        found = score_predictions(y, np.zeros((100, 3)), std, random_state=0).overall
        assert found.n == found.coverage.n == 100
        assert found.rmse.value == pytest.approx(np.sqrt((y**2).mean()))
        assert len(found.estimates) == 11

    def test_what_makes_no_sense(self):
        y, mean, std, _ = predictions(60)
        for wrong in ({}, {"low": mean}, {"std": std, "high": mean}):
            with pytest.raises(ValueError, match="Give 'std', or both"):
                score_predictions(y, mean, **wrong)
        with pytest.raises(ValueError, match="'subset' must name one for each of 60 rows"):
            score_predictions(y, mean, std, subset=["a", "b"])
        with pytest.raises(ValueError, match="must name a group for each of 60 cases"):
            score_predictions(y, mean, std, groups=[1, 2])
        for level in ({"level": 90.0}, {"confidence": 1.0}):
            with pytest.raises(ValueError, match="'level' parameter"):
                score_predictions(y, mean, std, **level)


class TestCoverageBy:
    def test_each_subset_against_the_level(self):
        y, mean, std, subset = predictions()
        low, high = gaussian_interval(mean, std, 0.9)
        groups = np.arange(600) // 5
        found = coverage_by(y, low, high, subset, level=0.9, groups=groups)
        hot = subset == "hot"
        alone = coverage(y[hot], low[hot], high[hot], groups=groups[hot])
        assert found.estimates["hot"].value == alone.value
        assert found.estimates["hot"].high == alone.high
        assert found.estimates["hot"].null_value == 0.9
        assert found.below == ("hot",)
        assert "in 'hot', n=200: cannot be trusted there" in str(found)
        axes = found.plot()
        assert found.plot(axes) is axes

    def test_a_subset_without_intervals(self):
        y, mean, std, _ = predictions(60)
        low, high = gaussian_interval(mean, std, 0.9)
        by = np.arange(60) // 20
        low[:20] = np.nan
        found = coverage_by(y, low, high, by, level=0.9)
        assert list(found.estimates) == ["1", "2"]
        assert "cannot say in '0': 0 of 20 rows have an interval" in str(found)
        with pytest.raises(ValueError, match="'by' must name a subset for each of 60 rows"):
            coverage_by(y, low, high, by[:3], level=0.9)


class TestSpread:
    def test_bins_show_whether_errors_are_as_large_as_said(self):
        y, mean, std, _ = predictions(1_500)
        y = np.where(np.arange(1_500) < 1_000, y, y / 2)
        found = spread_against_error(y, mean, std)
        assert len(found.errors) == len(found.centres) == 8
        inside = [
            one.low <= centre <= one.high
            for one, centre in zip(found.errors.values(), found.centres, strict=True)
        ]
        assert sum(inside) >= 6
        short = spread_against_error(y, mean, std / 2)
        assert all(
            one.low > centre
            for one, centre in zip(short.errors.values(), short.centres, strict=True)
        )
        assert found.correlation.value > 0.2
        assert "Spearman's correlation of spread and error: 0." in str(found)
        axes = found.plot()
        assert found.plot(axes) is axes
        assert axes.get_xlabel() == "predicted standard deviation"

    def test_few_rows_and_equal_spreads(self):
        y, mean, _, _ = predictions(60)
        with pytest.warns(PoorApproximationWarning):
            found = spread_against_error(y, mean, np.ones(60))
        assert len(found.errors) == 1
        assert found.correlation is None
        assert "all spreads are equal" in str(found)
        with pytest.raises(ValueError, match="'bins' must be an integer from 1 on"):
            spread_against_error(y, mean, np.ones(60), bins=0)

    @pytest.mark.filterwarnings("ignore::evidesk.methods.metrics.PoorApproximationWarning")
    def test_groups(self):
        y, mean, std, _ = predictions(600)
        order = np.argsort(std)
        # The first bin is of one group alone.
        groups = np.empty(600, dtype=int)
        groups[order] = np.r_[np.zeros(100), 1 + np.arange(500) // 5]
        found = spread_against_error(y, mean, std, groups=groups, bins=6)
        assert [one.over for one in found.errors.values()] == ["cases"] + ["20 groups"] * 5
