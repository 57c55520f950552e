"""The scan as users call it."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from evidesk.methods.bumphunt import Spectrum, of_basis, scan_spectrum, upper_limits
from tests.methods.bumphunt.spectra import DIJET, MASSES, dijets, falling, resolution


@pytest.fixture(scope="module")
def quiet():
    return scan_spectrum(dijets(), MASSES, resolution, family=DIJET, toys=2000, random_state=0)


def test_three_parameters_fake_a_bump_and_the_choice_of_the_order_removes_it(quiet):
    fake = scan_spectrum(
        dijets(), MASSES, resolution, family=DIJET, order=3, toys=2000, random_state=0
    )
    assert fake.fit.goodness.value > 0.25
    assert fake.scores.max() == pytest.approx(2.94, abs=0.01)
    assert fake.best_mass == pytest.approx(3.25)
    assert fake.p_global.value < 0.035
    assert "3 parameters, given beforehand" in fake.covers
    assert quiet.largest == pytest.approx(1.05, abs=0.01)
    assert quiet.p_global.value == pytest.approx(0.87, abs=0.03)
    assert quiet.p_local[quiet.best] == pytest.approx(0.147, abs=0.002)
    assert quiet.signal.low < 0 < quiet.signal.high
    assert not quiet.is_beyond_toys


def test_it_reads_well(quiet):
    text = str(quiet)
    assert "Largest excess: 1.05 sigma at 3.3 (width 0.099), p_local = 0.15" in text
    assert "covers the search at 29 masses from 2.95 to 4.35 with one width, and the choice" in text
    assert "signal there: " in text
    assert "Gross" not in text
    assert quiet.covers.endswith("looking at the data before")


def test_an_injected_resonance_is_found_with_its_yield():
    found = scan_spectrum(dijets(1500), MASSES, resolution, family=DIJET, toys=500, random_state=0)
    assert found.largest > 4.5
    assert found.best_mass == pytest.approx(3.5, abs=0.051)
    assert found.p_global.value == 1 / 501
    assert found.is_beyond_toys
    assert found.bound.value < 1e-4
    assert "beyond the toys, Gross and Vitells' bound = " in str(found)
    assert found.signal.excludes_null
    # 6,168 events of the resonance are no Gaussian: their peak is, with most of them.
    assert 700 < found.signal.value < 1700


def test_several_widths_are_searched_together():
    found = scan_spectrum(dijets(), MASSES[::2], [0.06, resolution], family=DIJET, toys=500,
                          random_state=0)  # fmt: skip
    assert found.z.shape == found.widths.shape == found.yields.shape == (2, 15)
    assert "each of 2 widths" in found.covers
    one = scan_spectrum(dijets(), MASSES[::2], resolution, family=DIJET, toys=500, random_state=0)
    np.testing.assert_allclose(found.z[1], one.z[0], atol=1e-4)
    assert np.median(found.toys) > np.median(one.toys)


def test_the_same_seed_gives_the_same_toys_and_progress_is_told():
    told = []
    runs = [
        scan_spectrum(falling(400), toys=2500, random_state=7, progress=told.append)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(runs[0].toys, runs[1].toys)
    assert told == [0.4, 0.8, 1.0] * 2
    # Two bins' mean width, one width apart.
    assert runs[0].best_width == pytest.approx(5.0)
    np.testing.assert_allclose(np.diff(runs[0].masses), 5.0)


def test_an_own_shape_and_a_single_mass():
    def box(edges, mass, width):
        inside = np.clip(edges, mass - width, mass + width)
        return np.diff(inside) / (2 * width)

    spectrum = falling(2000, seed=2)
    found = scan_spectrum(spectrum, 150, 10.0, shape=box, order=2, toys=200, random_state=0)
    assert "the one mass 150" in found.covers
    assert found.p_global.low - 0.03 < found.p_local[0, 0] < found.p_global.high + 0.03
    inside = np.abs(spectrum.centres - 150) < 10
    excess = (spectrum.counts - found.fit.expected)[inside].sum()
    assert np.sign(excess) == np.sign(found.z[0, 0])


def test_few_events_make_the_local_p_value_rough():
    found = scan_spectrum(falling(60, bins=30, slope=5.0), toys=200, random_state=0)
    assert "p_local is rough" in str(found)
    assert np.isfinite(found.z).all()
    assert np.isfinite(found.errors).all()


def test_weighted_events_are_scanned_in_their_own_unit():
    counts = dijets(1000).counts
    halves = Spectrum.from_counts(counts / 2, dijets().edges, variances=counts / 4)
    weighted = scan_spectrum(halves, MASSES, resolution, family=DIJET, toys=100, random_state=0)
    plain = scan_spectrum(dijets(1000), MASSES, resolution, family=DIJET, toys=100, random_state=0)
    np.testing.assert_allclose(weighted.z, plain.z, atol=1e-3)
    np.testing.assert_allclose(weighted.yields, plain.yields / 2, atol=0.1)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"masses": []}, "list of finite numbers"),
        ({"masses": [np.nan]}, "list of finite numbers"),
        ({"masses": ["a"]}, "list of finite numbers"),
        ({"width": "wide"}, "Widths must be numbers, or functions"),
        ({"shape": "gauss"}, "'shape' parameter must be a function"),
        ({"masses": [[120.0]]}, "list of finite numbers"),
        ({"masses": [120.0, 250.0]}, "within the spectrum, 100 to 200; got 250"),
        ({"masses": [130.0, 120.0]}, "must ascend"),
        ({"width": 0.0}, "Widths must be finite and above 0"),
        ({"width": 60.0}, "too wide"),
        ({"toys": 3}, "'toys' parameter"),
        ({"shape": lambda _e, _m, _w: np.ones(3)}, "40 finite numbers"),
    ],
)
def test_parameters_out_of_range_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        scan_spectrum(falling(300), **changed)


def test_a_background_that_takes_up_the_signal_is_refused():
    spectrum = falling(2000)
    bins = of_basis(lambda m: np.eye(40)[((m - 100) / 2.5).astype(int), :39], 39, smallest=38)
    with pytest.raises(ValueError, match="cannot be told apart"):
        scan_spectrum(spectrum, [130.0], 1.0, family=bins, toys=20, order=38)


def test_the_plot_has_a_panel_for_the_local_p_values(quiet):
    axes = quiet.plot()
    assert len(axes.figure.axes) == 3
    panel = axes.figure.axes[2]
    np.testing.assert_allclose(panel.lines[0].get_ydata(), quiet.p_local[0])
    labels = [one.get_text() for one in axes.get_legend().get_texts()]
    assert any(label.startswith("1.0σ at 3.3, global p = 0.8") for label in labels)
    assert {"1σ", "2σ", "3σ"} <= {one.get_text() for one in panel.texts}
    ticks = [one.get_text() for one in axes.get_yticklabels()]
    assert "1,000" in ticks
    plt.close("all")


def test_the_plot_of_a_huge_excess_of_several_widths():
    found = scan_spectrum(
        dijets(40_000), MASSES, [resolution, 0.1], family=DIJET, toys=200, random_state=0
    )
    assert found.p_local.min() == 0
    assert "p_local < 1e-300" in str(found)
    figure, ax = plt.subplots()
    found.plot(ax)
    panel = figure.axes[2]
    assert panel.get_ylim()[0] > 0
    labels = [one.get_text() for one in panel.get_legend().get_texts()]
    assert labels == ["width 0.0885 to 0.13", "width 0.1"]
    assert any("global p ≤ 0" in one.get_text() for one in ax.get_legend().get_texts())
    figure.canvas.draw()
    plt.close("all")


def test_bins_in_which_nothing_is_expected_hold_no_sway():
    # From 20,000 events in the first bin to one in 10^13 of one in the last.
    rng = np.random.default_rng(0)
    masses = rng.exponential(0.05, 40_000)
    spectrum = Spectrum.from_events(masses, 60, range=(0, 2))
    found = scan_spectrum(spectrum, toys=300, random_state=0)
    assert np.isfinite(found.z).all()
    assert np.isfinite(found.toys).all()
    assert found.p_global.value > 0.01
    assert np.isfinite(upper_limits(found).observed).all()


def test_a_spectrum_that_no_higher_order_fits_has_those_that_do():
    counts = np.r_[np.full(20, 5), 100_000, np.full(20, 5)]
    found = scan_spectrum(Spectrum.from_counts(counts, np.arange(42)), toys=100, random_state=0)
    assert len(found.fit.ladder.backgrounds) < 5
    assert found.fit.goodness.value < 0.01
    assert found.best_mass == 20
