"""Significance improvement of cuts."""

import numpy as np
import pytest
from scipy import special

from evidesk.methods.bumphunt import sic_curve


def scores(n_signal=2000, n_background=20_000, shift=2.0, seed=0):
    rng = np.random.default_rng(seed)
    truth = np.repeat([True, False], [n_signal, n_background])
    return rng.normal(size=len(truth)) + shift * truth, truth


def test_no_cut_improves_nothing():
    curve = sic_curve(*scores())
    assert curve.values[-1] == curve.low[-1] == curve.high[-1] == 1
    assert curve.signal_efficiency[-1] == curve.background_efficiency[-1] == 1


def test_it_is_the_formula_by_hand():
    values = np.arange(10.0)
    truth = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1, 1], dtype=bool)
    curve = sic_curve(values, truth, fewest_background=1)
    np.testing.assert_allclose(curve.values, 1 / np.sqrt(np.arange(1, 9) / 8))
    assert curve.largest.value == pytest.approx(np.sqrt(8))


def test_few_background_events_left_are_not_looked_at():
    curve = sic_curve(*scores())
    assert curve.background_efficiency[0] == pytest.approx(25 / 20_000)


def test_ties_are_cut_together():
    values, truth = scores()
    curve = sic_curve(np.round(values), truth)
    assert len(curve.values) < 12


def test_the_band_covers_the_true_curve_at_a_point():
    """At a cut that the data do not choose."""
    held, runs = 0, 300
    for seed in range(runs):
        values, truth = scores(300, 3000, seed=seed)
        curve = sic_curve(values, truth, level=0.9)
        at = np.searchsorted(curve.background_efficiency, (values[~truth] > 1.5).mean())
        true = special.ndtr(0.5) / np.sqrt(special.ndtr(-1.5))
        held += curve.low[at] <= true <= curve.high[at]
    assert held / runs == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / runs))


def test_the_largest_is_told_and_drawn():
    curve = sic_curve(*scores())
    assert "Largest significance improvement" in str(curve)
    ax = curve.plot()
    assert ax.get_xlabel() == "Signal efficiency"
    assert curve.plot(ax) is ax


def test_bad_input_is_refused():
    values, truth = scores(10, 100)
    with pytest.raises(ValueError, match="same shape"):
        sic_curve(values[:-1], truth)
    with pytest.raises(ValueError, match="same shape"):
        sic_curve(values[:, None], truth[:, None])
    with pytest.raises(ValueError, match="finite"):
        sic_curve(np.where(truth, np.nan, values), truth)
    with pytest.raises(ValueError, match="Got 0 and 110"):
        sic_curve(values, np.zeros(110))
    with pytest.raises(ValueError, match="Got 100 and 10"):
        sic_curve(values, ~truth)
