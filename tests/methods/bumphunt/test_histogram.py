"""Spectra from counts, events and other packages' histograms."""

import hist
import numpy as np
import pytest

from evidesk.methods.bumphunt import Spectrum, fit_spectrum
from evidesk.methods.bumphunt.histogram import spectrum_of


def test_counts_and_events_make_the_same_spectrum():
    masses = np.array([1.0, 1.5, 2.5, 9.0])
    by_events = Spectrum.from_events(masses, [1, 2, 3, 4])
    by_counts = Spectrum.from_counts([2, 1, 0], [1, 2, 3, 4])
    np.testing.assert_array_equal(by_events.counts, by_counts.counts)
    np.testing.assert_array_equal(by_events.edges, by_counts.edges)
    np.testing.assert_array_equal(by_events.centres, [1.5, 2.5, 3.5])
    assert by_events.total == 3
    assert not by_events.is_weighted
    assert len(Spectrum.from_events(masses, 4, range=(0, 4)).counts) == 4


def test_weighted_events_keep_their_sum_and_its_variance():
    rng = np.random.default_rng(0)
    masses, weights = rng.random(1000), rng.gamma(2, size=1000)
    found = Spectrum.from_events(masses, [0, 0.2, 1, 2], weights=weights)
    sums, _ = np.histogram(masses, [0, 0.2, 1, 2], weights=weights)
    squares, _ = np.histogram(masses, [0, 0.2, 1, 2], weights=weights**2)
    np.testing.assert_allclose(found.counts * found.scale, sums)
    np.testing.assert_allclose(found.counts * found.scale**2, squares)
    assert found.counts[2] == 0
    assert found.scale[2] == pytest.approx(squares.sum() / sums.sum())
    assert found.total == pytest.approx(weights.sum())
    assert found.is_weighted


def test_equal_weights_are_a_unit_of_the_counts():
    masses = np.random.default_rng(0).exponential(size=5000)
    plain = Spectrum.from_events(masses, 20, range=(0, 2))
    weighted = Spectrum.from_events(masses, 20, range=(0, 2), weights=np.full(5000, 0.25))
    np.testing.assert_allclose(weighted.counts, plain.counts)
    np.testing.assert_allclose(weighted.scale, 0.25)
    fits = [fit_spectrum(one, order=2, random_state=0) for one in (plain, weighted)]
    np.testing.assert_allclose(fits[1].expected, 0.25 * fits[0].expected)
    assert fits[1].deviance == pytest.approx(fits[0].deviance)


def test_histograms_of_other_packages_are_taken():
    masses, weights = np.random.default_rng(0).random((2, 100))
    filled = hist.Hist.new.Reg(10, 0, 1).Int64().fill(masses)
    found = spectrum_of(filled)
    np.testing.assert_array_equal(found.counts, np.histogram(masses, 10, (0, 1))[0])
    np.testing.assert_allclose(found.edges, np.linspace(0, 1, 11))
    weighted = hist.Hist.new.Var([0, 0.3, 1]).Weight().fill(masses, weight=weights)
    found = spectrum_of(weighted)
    assert found.total == pytest.approx(weights.sum())
    assert found.is_weighted
    assert not spectrum_of(hist.Hist.new.Reg(10, 0, 1).Weight().fill(masses)).is_weighted
    with pytest.raises(ValueError, match="one axis, got 2"):
        spectrum_of(hist.Hist.new.Reg(2, 0, 1).Reg(2, 0, 1).Int64().fill(masses, weights))
    with pytest.raises(ValueError, match="counts, not means"):
        spectrum_of(hist.Hist.new.Reg(2, 0, 1).Mean().fill(masses, sample=weights))


@pytest.mark.parametrize("thing", [np.ones(3), None, "spectrum", {"edges": 1}])
def test_what_is_no_histogram_is_refused(thing):
    with pytest.raises(TypeError, match="boost-histogram"):
        spectrum_of(thing)


@pytest.mark.parametrize(
    ("counts", "edges", "message"),
    [
        ([1, 2], [0, 1], "one number more"),
        ([], [0.0], "one number more"),
        ([1, 2], [0, 2, 1], "must ascend"),
        ([1, -2], [0, 1, 2], r"bin 1 \(1 to 2\) has -2"),
        ([0, 0], [0, 1, 2], "no events"),
        ([1, 0.5], [0, 1, 2], "whole numbers"),
        ([1, np.nan], [0, 1, 2], "1 of 2 are NaN"),
        ([1, 2], [0, 1, np.inf], "'edges' must be finite"),
        ([[1, 2]], [0, 1, 2], "one-dimensional"),
        (["a", "b"], [0, 1, 2], "hold numbers"),
    ],
)
def test_counts_that_are_none_are_refused(counts, edges, message):
    with pytest.raises(ValueError, match=message):
        Spectrum.from_counts(counts, edges)


@pytest.mark.parametrize(
    ("variances", "message"),
    [
        ([1.0], "1 variances for 2 counts"),
        ([1.0, 0.0], "bin 1 has the count 2 and the variance 0"),
        ([1.0, -1.0], "bin 1"),
    ],
)
def test_variances_that_do_not_fit_are_refused(variances, message):
    with pytest.raises(ValueError, match=message):
        Spectrum.from_counts([1, 2], [0, 1, 2], variances=variances)


def test_events_that_cannot_be_counted_are_refused():
    with pytest.raises(ValueError, match="There are no events"):
        Spectrum.from_events([])
    with pytest.raises(ValueError, match="1 of 2 are NaN"):
        Spectrum.from_events([1.0, np.nan])
    with pytest.raises(ValueError, match="no events"):
        Spectrum.from_events([1.0], 3, range=(2, 3))
    with pytest.raises(ValueError, match="3 weights for 2 events"):
        Spectrum.from_events([1.0, 2.0], weights=[1, 1, 1])
    with pytest.raises(ValueError, match="1 of 2 weights are negative"):
        Spectrum.from_events([1.0, 2.0], weights=[1, -1])
