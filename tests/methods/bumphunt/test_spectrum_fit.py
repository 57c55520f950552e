"""The background's fit as users call it."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

from evidesk.methods.bumphunt import Spectrum, exponential, fit_spectrum
from evidesk.methods.metrics.proportion import proportion_interval
from tests.methods.bumphunt.spectra import DIJET, dijets, falling


def test_the_dijets_are_described_with_four_parameters():
    found = fit_spectrum(dijets(), DIJET, random_state=0)
    assert found.order == 4
    assert found.deviance == pytest.approx(48.3, abs=0.05)
    by_chi_squared = stats.chi2.sf(found.deviance, 56)
    assert found.goodness.low - 0.02 < by_chi_squared < found.goodness.high + 0.02
    assert len(found.coefficients) == 4
    assert (found.pulls**2).sum() == pytest.approx(found.deviance)
    assert np.sign(found.pulls[3]) == np.sign(dijets().counts[3] - found.expected[3])
    text = str(found)
    assert "dijet function with 4 parameters, 109,204 events in 60 bins" in text
    assert "4 parameters instead of 3: 2 ln L + 13.1, p = 0.0003, taken" in text
    assert "5 parameters instead of 4" in text
    assert not found.warnings


def test_the_deviances_p_value_is_right_where_chi_squareds_is_not():
    share, runs = 0, 120
    by_chi_squared = 0
    for seed in range(runs):
        spectrum = falling(60, bins=60, seed=seed, slope=6.0)
        found = fit_spectrum(spectrum, order=2, toys=99, random_state=seed)
        share += found.goodness.value <= 0.1
        by_chi_squared += stats.chi2.sf(found.deviance, 58) <= 0.1
    low, high = proportion_interval(share, runs, level=0.999)
    assert low < 0.1 < high
    assert by_chi_squared / runs < 0.03


def test_a_function_that_does_not_fit_or_does_not_end_is_told():
    poor = fit_spectrum(dijets(), exponential(largest=2), random_state=0)
    assert poor.order == 2
    assert any("does not describe the spectrum" in one for one in poor.warnings)
    short = fit_spectrum(dijets(), exponential(largest=3), random_state=0)
    assert short.order == 3
    assert any("largest order (3) was still significant" in one for one in short.warnings)
    assert "Note: The last parameter" in str(short)


def test_few_effective_events_are_told():
    rng = np.random.default_rng(0)
    spectrum = Spectrum.from_events(
        rng.exponential(size=500), 30, range=(0, 6), weights=rng.gamma(1, size=500)
    )
    found = fit_spectrum(spectrum, random_state=0)
    assert any("fewer than 10 effective events" in one for one in found.warnings)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"alpha": 0}, "'alpha' parameter must lie between 0 and 1"),
        ({"level": 95}, "'level' parameter"),
        ({"toys": 5}, "'toys' parameter must be an integer from 20"),
        ({"toys": 100.0}, "'toys' parameter"),
        ({"toys": True}, "'toys' parameter"),
        ({"order": 0}, "'order' parameter must be an integer from 1 to 6"),
        ({"order": 7}, "'order' parameter"),
        ({"order": 2.5}, "'order' parameter"),
        ({"family": "gaussian process"}, "'family' parameter"),
        ({"random_state": -1}, "random_state"),
    ],
)
def test_parameters_out_of_range_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        fit_spectrum(falling(100), **changed)


def test_one_event_is_too_few():
    with pytest.raises(ValueError, match="at least 3 bins with events; there are 1"):
        fit_spectrum(Spectrum.from_events([1.0], 10, range=(0, 2)))


def test_the_plot_shows_the_spectrum_over_the_pulls():
    found = fit_spectrum(falling(300), random_state=0)
    axes = found.plot()
    assert axes.get_yscale() == "log"
    assert len(axes.figure.axes) == 2
    labels = [one.get_text() for one in axes.get_legend().get_texts()]
    assert f"exponential of a polynomial, {found.order} parameters" in labels
    heights = [bar.get_height() for bar in axes.figure.axes[1].patches]
    np.testing.assert_allclose(heights, found.pulls)
    figure, pair = plt.subplots(1, 2)
    assert found.plot(pair[1]) is pair[1]
    assert len(figure.axes) == 3
    plt.close("all")
