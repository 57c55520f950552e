"""Conformal prediction intervals: against MAPIE, at their level, and where they refuse."""

import numpy as np
import pytest
from mapie.regression import CrossConformalRegressor, SplitConformalRegressor
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import BayesianRidge, LinearRegression, Ridge
from sklearn.model_selection import LeaveOneOut, PredefinedSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from evidesk.methods.surrogates.conformal import Conformal
from evidesk.methods.surrogates.conformal_checks import DuplicatedRowsWarning


def diabetes(seed=0):
    X, y = load_diabetes(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    parts = order[:300], order[300:371], order[371:]
    return [(X[part], y[part]) for part in parts]


def simulated(n, rng, outputs=1):
    X = rng.normal(size=(n, 3))
    noise = rng.normal(size=(n, outputs)) * np.exp(X[:, :1])
    y = X @ np.ones((3, outputs)) + noise
    return X, y[:, 0] if outputs == 1 else y


def covered(intervals, y):
    return float(((intervals.low <= y) & (y <= intervals.high)).mean())


class TestAgainstMapie:
    def test_split(self):
        train, calibration, (X, _) = diabetes()
        ours = Conformal(Ridge(0.1)).fit(*train).calibrate(*calibration)
        assert ours.predict_interval(X).width[0] / 2 == pytest.approx(89.4158, abs=1e-4)
        theirs = SplitConformalRegressor(Ridge(0.1), confidence_level=[0.8, 0.9], prefit=False)
        found = theirs.fit(*train).conformalize(*calibration).predict_interval(X)[1]
        for i, level in enumerate((0.8, 0.9)):
            mine = ours.predict_interval(X, level)
            np.testing.assert_allclose(mine.low, found[:, 0, i], rtol=1e-6)
            np.testing.assert_allclose(mine.high, found[:, 1, i], rtol=1e-6)

    def test_normalised_by_the_standard_deviation(self):
        train, calibration, (X, _) = diabetes()
        ours = Conformal(BayesianRidge(), "normalised").fit(*train).calibrate(*calibration)
        theirs = SplitConformalRegressor(
            BayesianRidge(), confidence_level=0.9, conformity_score="std_normalized", prefit=False
        )
        theirs.fit(*train).conformalize(*calibration)
        found = theirs.predict_interval(X)[1]
        mine = ours.predict_interval(X)
        np.testing.assert_allclose(mine.high, found[:, 1, 0], rtol=1e-6)
        # For this score MAPIE 1.6.0 takes the order statistic below for the lower bound.
        scores = np.sort(ours.calibrations_[None].scores[:, 0])
        std = ours.estimator_.predict(X, return_std=True)[1]
        # ceil(0.9 * 72) = 65, counted from 1
        np.testing.assert_allclose(mine.low, mine.mean - scores[64] * std, rtol=1e-6)
        np.testing.assert_allclose(found[:, 0, 0], mine.mean - scores[63] * std, rtol=1e-6)
        assert np.ptp(mine.width) > 1

    def test_normalised_by_learnt_residuals(self):
        from mapie.conformity_scores import ResidualNormalisedScore

        class Exponential(RegressorMixin, BaseEstimator):
            """MAPIE takes a trained model of the error itself, ours is one of its logarithm."""

            def __init__(self, log):
                self.log = log
                self.is_fitted_ = True

            def fit(self, X, y):
                return self

            def predict(self, X):
                return np.exp(self.log.predict(X))

        train, calibration, (X, _) = diabetes()
        ours = Conformal(Ridge(0.1), "normalised", random_state=0, spread=LinearRegression())
        ours.fit(*train).calibrate(*calibration)
        theirs = SplitConformalRegressor(
            Ridge(0.1),
            confidence_level=0.9,
            prefit=False,
            conformity_score=ResidualNormalisedScore(Exponential(ours.spread_), prefit=True),
        )
        found = theirs.fit(*train).conformalize(*calibration).predict_interval(X)[1]
        mine = ours.predict_interval(X)
        np.testing.assert_allclose(mine.low, found[:, 0, 0], rtol=1e-6)
        np.testing.assert_allclose(mine.high, found[:, 1, 0], rtol=1e-6)

    @pytest.mark.parametrize("method", ["cv+", "jackknife+"])
    def test_cross_conformal(self, method):
        (X, y), _, (new, _) = diabetes()
        X, y = X[:80], y[:80]
        ours = Conformal(Ridge(0.1), method, folds=5, random_state=0).fit(X, y)
        folds = PredefinedSplit(ours.cross_.trained.fold) if method == "cv+" else LeaveOneOut()
        theirs = CrossConformalRegressor(Ridge(0.1), confidence_level=0.9, cv=folds)
        found = theirs.fit_conformalize(X, y).predict_interval(new)[1]
        mine = ours.predict_interval(new)
        np.testing.assert_allclose(mine.low, found[:, 0, 0], rtol=1e-6)
        np.testing.assert_allclose(mine.high, found[:, 1, 0], rtol=1e-6)


class TestLevel:
    """Mean coverage over calibrations; each would fail if a quantile were one rank off."""

    @pytest.mark.parametrize("method", ["split", "normalised"])
    @pytest.mark.parametrize(("rows", "exact"), [(9, 9 / 10), (10, 10 / 11)])
    def test_with_few_calibration_rows_it_is_exact(self, method, rows, exact):
        rng = np.random.default_rng(1)
        model = BayesianRidge().fit(*simulated(200, rng))
        found = []
        for _ in range(300):
            one = Conformal(model, method).calibrate(*simulated(rows, rng))
            X, y = simulated(50, rng)
            found.append(covered(one.predict_interval(X), y))
        # The coverage is Beta(rows, 1) distributed, with a deviation below 0.1.
        assert np.mean(found) == pytest.approx(exact, abs=3 * 0.1 / np.sqrt(300))

    def test_groups_hold_it_for_rows_of_new_groups(self):
        rng = np.random.default_rng(2)
        by_group, by_row = [], []
        for _ in range(150):
            sizes = np.r_[np.full(18, 2), 60]
            groups = np.repeat(np.arange(19), sizes)
            X = rng.normal(size=(len(groups), 1))
            y = rng.normal(size=19)[groups] * 3 + 0.3 * rng.normal(size=len(groups))
            new = rng.normal(size=200) * 3 + 0.3 * rng.normal(size=200)
            zero = FrozenEstimator(LinearRegression().fit([[0.0], [1.0]], [0.0, 0.0]))
            inputs = np.zeros((200, 1))
            one = Conformal(zero)
            by_group.append(covered(one.calibrate(X, y, groups).predict_interval(inputs), new))
            by_row.append(covered(one.calibrate(X, y).predict_interval(inputs), new))
        assert np.mean(by_group) == pytest.approx(0.9, abs=0.022)
        assert np.mean(by_row) < 0.83

    def test_categories_hold_it_in_each(self):
        rng = np.random.default_rng(3)
        model = Ridge().fit(*simulated(300, rng))
        shares = {True: [], False: []}
        plain = []
        for _ in range(200):
            X, y = simulated(100, rng)
            new, truth = simulated(200, rng)
            hot, new_hot = X[:, 0] > 0.5, new[:, 0] > 0.5
            one = Conformal(model).calibrate(X, y, category=hot)
            found = one.predict_interval(new, 0.8, category=new_hot)
            inside = (found.low <= truth) & (truth <= found.high)
            for key, values in shares.items():
                values.append(inside[new_hot == key].mean())
            both = Conformal(model).calibrate(X, y).predict_interval(new, 0.8)
            plain.append(covered_of(both, truth, new_hot))
        # n levels off by less than 1 / (n + 1): categories have about 31 and 69 rows.
        assert 0.79 < np.mean(shares[True]) < 0.84
        assert 0.79 < np.mean(shares[False]) < 0.83
        assert np.mean(plain) < 0.6

    def test_weights_bring_it_back_after_a_shift(self):
        rng = np.random.default_rng(4)
        model = Ridge().fit(*simulated(300, rng))
        plain, weighted = [], []
        for _ in range(12):
            X, y = simulated(500, rng)
            new, truth = simulated(1_200, rng)
            kept = rng.random(1_200) < 1 / (1 + np.exp(-1.5 * new[:, 0]))
            new, truth = new[kept], truth[kept]
            one = Conformal(model, random_state=0).calibrate(X, y)
            plain.append(covered(one.predict_interval(new), truth))
            found = one.adapt(new).predict_interval(new)
            assert found.effective < 450
            told = ~found.refused
            assert told.mean() > 0.95
            weighted.append(((found.low <= truth) & (truth <= found.high))[told].mean())
        assert np.mean(plain) < 0.86
        assert 0.87 < np.mean(weighted) < 0.925

    def test_all_outputs_at_once(self):
        rng = np.random.default_rng(5)
        train = simulated(300, rng, outputs=4)
        each, joint = [], []
        for _ in range(40):
            calibration, (X, y) = simulated(59, rng, 4), simulated(300, rng, 4)
            for values, at_once in ((each, False), (joint, True)):
                one = Conformal(
                    Ridge(), "normalised", spread=Ridge(), joint=at_once, random_state=0
                )
                found = one.fit(*train).calibrate(*calibration).predict_interval(X)
                assert found.mean.shape == (300, 4)
                values.append(((found.low <= y) & (y <= found.high)).all(axis=1).mean())
        assert np.mean(joint) == pytest.approx(0.9, abs=0.02)
        assert np.mean(each) < 0.85

    @pytest.mark.parametrize(("method", "runs"), [("cv+", 60), ("jackknife+", 30)])
    def test_folds(self, method, runs):
        rng = np.random.default_rng(6)
        found = []
        for _ in range(runs):
            one = Conformal(Ridge(), method, folds=5, random_state=0).fit(*simulated(29, rng))
            X, y = simulated(200, rng)
            found.append(covered(one.predict_interval(X), y))
        assert np.mean(found) == pytest.approx(0.9, abs=0.025)

    def test_folds_of_groups_stay_whole(self):
        rng = np.random.default_rng(7)
        found, naive = [], []
        for _ in range(24):
            groups = np.repeat(np.arange(20), rng.integers(1, 12, 20))
            centre = rng.normal(size=(21, 5))
            offset = 2 * rng.normal(size=21)
            X = centre[groups] + 0.05 * rng.normal(size=(len(groups), 5))
            y = offset[groups] + 0.1 * rng.normal(size=len(groups))
            one = Conformal(nearest(), "cv+", random_state=0)
            for values, given in ((found, groups), (naive, None)):
                one.fit(X, y, given)
                rows = centre[-1] + 0.05 * rng.normal(size=(50, 5))
                truth = offset[-1] + 0.1 * rng.normal(size=50)
                values.append(covered(one.predict_interval(rows), truth))
            folds = one.fit(X, y, groups).cross_.trained.fold
            assert all(len(set(folds[groups == g])) == 1 for g in range(20))
        assert np.mean(found) > 0.82
        assert np.mean(naive) < 0.6


def covered_of(intervals, y, rows):
    return ((intervals.low <= y) & (y <= intervals.high))[rows].mean()


def nearest():
    from sklearn.neighbors import KNeighborsRegressor

    return KNeighborsRegressor(1)


class TestRefusal:
    def test_too_few_calibration_rows(self):
        train, (X, y), (new, _) = diabetes()
        one = Conformal(Ridge()).fit(*train).calibrate(X[:8], y[:8])
        with pytest.raises(ValueError, match=r"needs at least 9 calibration rows.*8 .*88.88 %"):
            one.predict_interval(new, 0.9)
        assert not one.predict_interval(new, 0.88).refused.any()
        one.calibrate(X[:1], y[:1])
        with pytest.raises(ValueError, match="there is 1 calibration row, enough for 50 %"):
            one.predict_interval(new)
        few = Conformal(Ridge(), "cv+", folds=3).fit(X[:8], y[:8])
        with pytest.raises(ValueError, match="at least 9"):
            few.predict_interval(new)

    def test_too_few_groups(self):
        train, (X, y), (new, _) = diabetes()
        one = Conformal(Ridge()).fit(*train).calibrate(X, y, np.arange(71) % 5)
        with pytest.raises(ValueError, match="at least 9 calibration groups, and there are 5"):
            one.predict_interval(new)
        assert one.predict_interval(new, 0.8).unit == "groups"
        one.calibrate(X, y, np.zeros(71))
        with pytest.raises(ValueError, match="there is 1 calibration group,"):
            one.predict_interval(new)

    def test_categories_that_are_thin_or_unknown(self):
        train, (X, y), (new, _) = diabetes()
        kind = np.where(np.arange(71) < 5, "few", "many")
        one = Conformal(Ridge()).fit(*train).calibrate(X, y, category=kind)
        asked = np.array(["few", "many", "new"])[np.arange(len(new)) % 3]
        found = one.predict_interval(new, category=asked)
        assert np.array_equal(found.refused, asked != "many")
        assert np.isnan(found.low[found.refused]).all()
        assert np.isfinite(found.low[~found.refused]).all()
        assert "in category 'few' a 90 % interval needs at least 9" in found.reason
        assert "category 'new' is not in the calibration" in str(found)
        with pytest.raises(ValueError, match="give predict_interval the 'category'"):
            one.predict_interval(new)
        with pytest.raises(ValueError, match="must name one for each of 71 rows"):
            one.predict_interval(new, category=asked[:3])
        with pytest.raises(ValueError, match="Calibrate without categories"):
            one.adapt(new)
        plain = Conformal(Ridge()).fit(*train).calibrate(X, y)
        with pytest.raises(ValueError, match="the calibration had none"):
            plain.predict_interval(new, category=asked)

    def test_groups_within_categories(self):
        train, (X, y), (new, _) = diabetes()
        kind, groups = np.arange(71) % 2, np.arange(71) // 2
        one = Conformal(Ridge()).fit(*train).calibrate(X, y, groups, category=kind)
        found = one.predict_interval(new, category=np.zeros(len(new), dtype=int))
        assert found.unit == "groups"
        assert found.calibrated_on == 71

    def test_a_shift_that_the_calibration_does_not_reach(self):
        rng = np.random.default_rng(8)
        model = Ridge().fit(*simulated(300, rng))
        one = Conformal(model, random_state=0).calibrate(*simulated(150, rng))
        away = rng.normal(1.5, 0.5, size=(200, 3))
        found = one.adapt(away).predict_interval(away)
        assert found.refused.all()
        assert found.effective < 30
        assert np.isnan(found.low).all()
        assert "cannot say for 200 rows" in str(found)
        assert "worth only" in found.reason
        with pytest.raises(ValueError, match="There is no interval to draw: the new rows"):
            found.plot()
        # So far that all of the calibration is equally unlike it.
        far = rng.normal(4, 0.3, size=(200, 3))
        found = one.adapt(far).predict_interval(far)
        assert found.refused.all()
        assert "would be infinite" in found.reason
        # A fifth of them far: these would have infinite intervals, the others have finite ones.
        one.calibrate(*simulated(300, rng))
        mixed = np.concatenate([simulated(200, rng)[0], far[:60]])
        found = one.adapt(mixed).predict_interval(mixed)
        assert found.refused[-60:].mean() > 0.9
        assert found.refused[:-60].mean() < 0.1
        assert "would be infinite" in found.reason

    def test_weights_need_rows_of_their_own(self):
        train, (X, y), (new, _) = diabetes()
        one = Conformal(Ridge()).fit(*train).calibrate(X, y, np.arange(71))
        with pytest.raises(ValueError, match="Calibrate without groups"):
            one.adapt(new)


class TestInput:
    def test_leaks_are_told(self):
        (X, y), calibration, _ = diabetes()
        one = Conformal(Ridge()).fit(X, y)
        mixed = np.concatenate([X[:3], calibration[0]]), np.concatenate([y[:3], calibration[1]])
        with pytest.warns(DuplicatedRowsWarning, match="3 of 74 calibration rows"):
            one.calibrate(*mixed)
        assert one.duplicated_ == 3
        # The same inputs measured again are no leak.
        one.calibrate(X[:20], y[:20] + 1)
        assert one.duplicated_ == 0

    def test_repeats_in_several_folds_are_told(self):
        (X, y), _, _ = diabetes()
        twice = np.concatenate([X, X[:4]]), np.concatenate([y, y[:4]])
        with pytest.warns(DuplicatedRowsWarning, match="8 of 304 rows are in several folds"):
            one = Conformal(Ridge(), "cv+", folds=76, random_state=0).fit(*twice)
        assert one.duplicated_ == 8
        groups = np.r_[np.arange(300), np.arange(4)]
        assert one.fit(*twice, groups).duplicated_ == 0

    def test_rows_of_text_are_compared_too(self):
        pytest.importorskip("pandas")
        import pandas as pd
        from sklearn.compose import make_column_transformer
        from sklearn.preprocessing import OneHotEncoder

        table = pd.DataFrame({"metal": ["Au", "Cu", "Ag"] * 20, "size": np.arange(60.0)})
        y = np.arange(60.0) + np.random.default_rng(0).normal(size=60)
        encoder = make_column_transformer((OneHotEncoder(), ["metal"]), remainder="passthrough")
        one = Conformal(make_pipeline(encoder, Ridge()), "cv+").fit(table, y)
        assert one.predict_interval(table).low.shape == (60,)
        split = Conformal(make_pipeline(encoder, Ridge())).fit(table[:30], y[:30])
        with pytest.warns(DuplicatedRowsWarning, match="1 of 31"):
            split.calibrate(table[29:], y[29:])

    def test_sparse_inputs(self):
        from scipy.sparse import csr_array

        (X, y), calibration, (new, _) = diabetes()
        one = Conformal(Ridge()).fit(csr_array(X), y).calibrate(*calibration)
        assert one.predict_interval(csr_array(new)).low.shape == (71,)
        with pytest.warns(DuplicatedRowsWarning, match="300 of 300"):
            one.calibrate(csr_array(X), y)

    def test_inputs_of_a_wrong_shape(self):
        (X, y), calibration, (new, _) = diabetes()
        one = Conformal(Ridge()).fit(X, y)
        with pytest.raises(ValueError, match="expecting 10 features"):
            one.calibrate(calibration[0][:, :3], calibration[1])
        with pytest.raises(ValueError, match="contains NaN"):
            one.calibrate(np.full_like(calibration[0], np.nan), calibration[1])
        with pytest.raises(ValueError, match="Expected 2D array"):
            Conformal(Ridge()).fit(X[:, 0], y)
        one.calibrate(*calibration)
        with pytest.raises(ValueError, match="expecting 10 features"):
            one.predict_interval(new[:, :3])
        assert one.predict_interval(new).low.shape == (71,)

    def test_groups_that_straddle_the_split(self):
        (X, y), (new, truth), _ = diabetes()
        one = Conformal(Ridge()).fit(X, y, np.arange(300) // 3)
        with pytest.raises(ValueError, match=r"2 group\(s\) have rows both.*98, 99\. "):
            one.calibrate(new, truth, 98 + np.arange(71))
        one.calibrate(new, truth, 100 + np.arange(71))
        assert one.calibrations_[None].units == 71

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_targets_that_are_not_finite(self, bad):
        (X, y), (new, truth), _ = diabetes()
        wrong = y.copy()
        wrong[7] = bad
        with pytest.raises(ValueError, match=r"1 row.* the first is row 7"):
            Conformal(Ridge()).fit(X, wrong)
        one = Conformal(Ridge()).fit(X, y)
        truth[3] = bad
        with pytest.raises(ValueError, match="the first is row 3"):
            one.calibrate(new, truth)
        with pytest.raises(NotFittedError, match="not calibrated yet"):
            one.predict_interval(new)

    def test_shapes_and_kinds(self):
        (X, y), (new, truth), _ = diabetes()
        with pytest.raises(ValueError, match="as many rows as each other: 300 and 299"):
            Conformal(Ridge()).fit(X, y[:-1])
        with pytest.raises(ValueError, match="at least one row; got shape"):
            Conformal(Ridge()).fit(X, np.zeros((300, 0)))
        with pytest.raises(TypeError, match="'y' must hold real numbers"):
            Conformal(Ridge()).fit(X, y.astype(str))
        with pytest.raises(ValueError, match="'y' is constant"):
            Conformal(Ridge()).fit(X, np.ones(300))
        with pytest.raises(ValueError, match="Output 1 of 'y' is constant"):
            Conformal(Ridge()).fit(X, np.column_stack([y, np.ones(300)]))
        with pytest.raises(ValueError, match="'X' has one row"):
            Conformal(Ridge()).fit(X[:1], y[:1])
        one = Conformal(Ridge()).fit(X, y)
        with pytest.raises(ValueError, match="trained for 1 output"):
            one.calibrate(new, np.column_stack([truth, truth]))
        trained = Conformal(Ridge().fit(X, y))
        with pytest.raises(ValueError, match=r"predicts 1 output\(s\), and 'y' has 2"):
            trained.calibrate(new, np.column_stack([truth, truth]))
        with pytest.raises(ValueError, match="must name one for each of 71 rows"):
            one.calibrate(new, truth, category=["a"])

    def test_parameters(self):
        train, calibration, (new, _) = diabetes()
        for wrong, match in (
            ({"method": "bootstrap"}, "one of split, normalised"),
            ({"joint": True}, "needs method='normalised'"),
            ({"folds": 1}, "from 2 on"),
            ({"spread": Ridge()}, "for method='normalised' alone"),
        ):
            with pytest.raises(ValueError, match=match):
                Conformal(Ridge(), **wrong).fit(*train)
        one = Conformal(Ridge(), "cv+", random_state=0)
        with pytest.raises(ValueError, match="calibrates itself"):
            one.fit(*train).calibrate(*calibration)
        with pytest.raises(ValueError, match="knows no categories"):
            one.predict_interval(new, category=np.zeros(71))
        with pytest.raises(ValueError, match="cannot be dealt out to 10 folds"):
            one.fit(train[0][:5], train[1][:5])
        for level in (0.0, 1.0, "high"):
            with pytest.raises(ValueError, match="'level' parameter"):
                one.predict_interval(new, level)

    def test_nothing_is_predicted_before_it_is_known(self):
        _, calibration, (new, _) = diabetes()
        with pytest.raises(NotFittedError):
            Conformal(Ridge()).predict(new)
        with pytest.raises(NotFittedError, match="estimator is not trained"):
            Conformal(Ridge()).calibrate(*calibration)
        with pytest.raises(NotFittedError, match="has to learn a spread"):
            Conformal(Ridge().fit(*calibration), "normalised").calibrate(*calibration)
        with pytest.raises(NotFittedError):
            Conformal(Ridge(), "cv+").predict_interval(new)

    def test_models_that_fail(self):
        class Fixed(RegressorMixin, BaseEstimator):
            def __init__(self, mean=0.0, std=1.0):
                self.mean, self.std, self.n_ = mean, std, 1

            def predict(self, X, return_std=False):
                mean = np.full(len(X), self.mean)
                return (mean, np.full(len(X), self.std)) if return_std else mean

            def __sklearn_is_fitted__(self):
                return True

        _, calibration, _ = diabetes()
        with pytest.raises(ValueError, match="predicts NaN or infinity for 71 row"):
            Conformal(Fixed(np.nan)).calibrate(*calibration)
        with pytest.raises(ValueError, match="spread must be above 0 and finite"):
            Conformal(Fixed(0.0, 0.0), "normalised").calibrate(*calibration)


class TestUse:
    def test_a_model_trained_elsewhere(self):
        train, calibration, (new, _) = diabetes()
        model = Ridge().fit(*train)
        ours = Conformal(model).calibrate(*calibration)
        again = Conformal(Ridge()).fit(*train).calibrate(*calibration)
        np.testing.assert_array_equal(
            ours.predict_interval(new).low, again.predict_interval(new).low
        )
        assert ours.estimator_ is model
        np.testing.assert_array_equal(ours.predict(new), model.predict(new))

    def test_training_anew_forgets_the_calibration(self):
        train, calibration, (new, _) = diabetes()
        one = Conformal(Ridge()).fit(*train).calibrate(*calibration)
        one.fit(*train)
        with pytest.raises(NotFittedError, match="not calibrated"):
            one.predict_interval(new)

    def test_several_outputs_are_as_each_alone(self):
        rng = np.random.default_rng(9)
        train, calibration, (new, _) = (simulated(n, rng, 3) for n in (100, 60, 20))
        together = Conformal(Ridge()).fit(*train).calibrate(*calibration).predict_interval(new)
        for i in range(3):
            alone = Conformal(Ridge()).fit(train[0], train[1][:, i])
            found = alone.calibrate(calibration[0], calibration[1][:, i]).predict_interval(new)
            np.testing.assert_allclose(together.low[:, i], found.low)
        assert together.refused.shape == (20,)
        crossed = Conformal(Ridge(), "cv+", random_state=0).fit(*train).predict_interval(new)
        assert crossed.low.shape == (20, 3)

    def test_pipelines_and_processes_offer_their_deviation(self):
        train, calibration, (new, _) = diabetes()
        kernel = RBF(3.0) + WhiteKernel(0.5)
        process = GaussianProcessRegressor(kernel, optimizer=None, normalize_y=True)
        model = make_pipeline(StandardScaler(), process)
        one = Conformal(model, "normalised").fit(*train).calibrate(*calibration)
        assert one.spread_ is None
        assert np.ptp(one.predict_interval(new).width) > 0

    def test_the_default_spread_is_learnt(self):
        rng = np.random.default_rng(10)
        one = Conformal(Ridge(), "normalised", random_state=0).fit(*simulated(300, rng))
        one.calibrate(*simulated(200, rng))
        X = np.zeros((2, 3))
        X[:, 0] = -1.5, 1.5
        calm, wild = one.predict_interval(X).width
        assert wild > 4 * calm

    def test_it_is_an_estimator(self):
        one = Conformal(Ridge(), "cv+", folds=4, random_state=3)
        again = clone(one)
        assert again.get_params()["folds"] == 4
        train, _, (new, y) = diabetes()
        assert one.fit(*train).score(new, y) > 0.3
        np.testing.assert_array_equal(
            again.fit(*train).predict_interval(new).low, one.predict_interval(new).low
        )
        assert one.n_features_in_ == 10

    def test_what_it_says(self):
        train, calibration, (new, _) = diabetes()
        one = Conformal(Ridge(), random_state=0).fit(*train).calibrate(*calibration)
        text = str(one.predict_interval(new))
        assert "90 % intervals for 71 of 71 rows (split, calibrated on 71 rows)" in text
        assert "not for each row" in text
        weighted = one.adapt(new).predict_interval(new)
        assert "weighted split" in weighted.method
        assert "of equal weight" in str(weighted)
        many = np.column_stack([train[1] + i * train[0][:, 0] for i in range(7)])
        wide = Conformal(Ridge(), "cv+").fit(train[0], many).predict_interval(new)
        assert str(wide).splitlines()[1].endswith("...")

    def test_plot(self):
        train, calibration, (new, y) = diabetes()
        found = Conformal(Ridge()).fit(*train).calibrate(*calibration).predict_interval(new)
        axes = found.plot(y=y)
        drawn = {line.get_label(): len(line.get_xdata()) for line in axes.lines}
        inside = int(((found.low <= y) & (y <= found.high)).sum())
        assert drawn == {"prediction": 71, "inside": inside, "outside": 71 - inside}
        assert found.plot(axes) is axes
        with pytest.raises(ValueError, match="must have the shape of the predictions"):
            found.plot(y=y[:-1])
        with pytest.raises(ValueError, match="'output' must be from 0 to 0"):
            found.plot(output=1)
        several = Conformal(Ridge(), "cv+").fit(train[0], np.column_stack([train[1]] * 2))
        many = several.predict_interval(np.concatenate([new, new]))
        assert len(many.plot(output=1).lines[0].get_xdata()) == 100
