"""The calibration curve, its band for all levels at once, and its error."""

import numpy as np
import pytest
from scipy import special
from sklearn.linear_model import Ridge

from evidesk.methods.surrogates.calibration_curve import calibration_curve, coverage_curve
from evidesk.methods.surrogates.conformal import Conformal

NOMINAL = np.arange(1, 100) / 100
FACTOR = 1.25
#: Observed coverage of errors that are larger than said by the factor.
TRUE = 2 * special.ndtr(special.ndtri((1 + NOMINAL) / 2) / FACTOR) - 1


def errors(groups, rng):
    """Standard normal errors, most of whose variance a group has in common."""
    common = rng.normal(size=groups.max() + 1)[groups]
    return FACTOR * (np.sqrt(0.8) * common + np.sqrt(0.2) * rng.normal(size=len(groups)))


def held(groups, given, runs=60):
    """Shares of the bands and of the errors' intervals that hold the truth."""
    off = np.abs(TRUE - NOMINAL).mean()
    band = error = 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        y = errors(groups, rng)
        found = calibration_curve(
            y, np.zeros_like(y), np.ones_like(y), groups=given, random_state=rng
        )
        band += bool(np.all((found.low <= TRUE) & (found.high >= TRUE)))
        error += found.error.low <= off <= found.error.high
    return band / runs, error / runs


def test_the_band_holds_all_levels_at_once():
    rows = np.arange(300)
    band, error = held(rows, None)
    assert 0.88 <= band <= 1
    assert error >= 0.92


def test_groups_widen_it():
    groups = np.repeat(np.arange(40), 10)
    band, error = held(groups, groups)
    assert band >= 0.88
    assert error >= 0.92
    assert held(groups, None)[0] <= 0.75


def test_a_calibrated_model_is_told_from_a_bad_one():
    rng = np.random.default_rng(0)
    y = rng.normal(size=1_000)
    zero, one = np.zeros(1_000), np.ones(1_000)
    good = calibration_curve(y, zero, one, random_state=0)
    assert good.error.low == 0
    assert np.all((good.low <= NOMINAL) & (good.high >= NOMINAL))
    bad = calibration_curve(y, zero, one / 2, random_state=0)
    assert bad.error.low > 0.1
    assert np.all(bad.high[20:80] < NOMINAL[20:80])
    shifted = calibration_curve(y + 1, zero, one, kind="quantile", random_state=0)
    assert shifted.observed[49] < 0.25


def test_spreads_far_too_large_show_no_variance_and_are_not_trusted():
    y = np.full(30, 1e-9)
    found = calibration_curve(y, np.zeros(30), np.ones(30))
    assert np.all(found.observed == 1)
    assert np.all(found.high == 1)
    assert np.all((found.low > 0.6) & (found.low < 0.95))
    assert found.error.high > found.error.low
    assert found.error.low < 0.5 == found.error.value


def test_several_outputs_are_one_row():
    rng = np.random.default_rng(1)
    y = rng.normal(size=200)
    zero, one = np.zeros(200), np.ones(200)
    alone = calibration_curve(y, zero, one, random_state=0)
    repeated = [np.repeat(part[:, None], 4, axis=1) for part in (y, zero, one)]
    together = calibration_curve(*repeated, random_state=0)
    np.testing.assert_allclose(together.low, alone.low)
    assert together.error == alone.error


def test_intervals_of_several_levels():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(400, 2))
    y = X @ [1.0, 2.0] + rng.normal(size=400)
    model = Conformal(Ridge()).fit(X[:100], y[:100]).calibrate(X[100:200], y[100:200])
    intervals = [model.predict_interval(X[200:], level) for level in (0.9, 0.5, 0.7)]
    found = coverage_curve(y[200:], intervals, random_state=0)
    np.testing.assert_array_equal(found.nominal, [0.5, 0.7, 0.9])
    inside = (intervals[0].low <= y[200:]) & (y[200:] <= intervals[0].high)
    assert found.observed[2] == inside.mean()
    grouped = coverage_curve(y[200:], intervals, groups=np.arange(200) // 4, random_state=0)
    assert grouped.error.over == "50 groups"
    # A row without an interval at one level counts at none.
    intervals[0].low[:50] = np.nan
    assert coverage_curve(y[200:], intervals, random_state=0).error.n == 150
    intervals[0].low[:199] = np.nan
    with pytest.raises(ValueError, match="Fewer than two rows"):
        coverage_curve(y[200:], intervals)
    alone = coverage_curve(y[200:], intervals[1:2], random_state=0)
    assert alone.nominal == [0.5]


def test_what_is_refused():
    y, zero, one = np.arange(5.0), np.zeros(5), np.ones(5)
    with pytest.raises(ValueError, match="'kind' must be one of interval, quantile"):
        calibration_curve(y, zero, one, kind="both")
    for levels in ([0.5, 1.0], [0.5, 0.5], []):
        with pytest.raises(ValueError, match="must be different numbers in"):
            calibration_curve(y, zero, one, levels=levels)
    with pytest.raises(ValueError, match="'intervals' is empty"):
        coverage_curve(y, [])
    with pytest.raises(ValueError, match="'y' parameter must be finite"):
        calibration_curve([np.nan, 1], [0, 0], [1, 1])


def test_what_it_shows():
    y = np.random.default_rng(3).normal(size=100)
    found = calibration_curve(y, np.zeros(100), np.ones(100), random_state=0)
    assert "95 % band for all levels at once" in str(found)
    assert len(str(found).splitlines()) == 11
    axes = found.plot()
    assert found.plot(axes) is axes
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), found.observed)
    below = calibration_curve(
        y, np.zeros(100), np.ones(100), kind="quantile", levels=[0.1, 0.5], random_state=0
    )
    assert below.plot().get_ylabel() == "share of observations below"
