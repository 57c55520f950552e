"""Upper limits beside pyhf."""

import matplotlib.pyplot as plt
import numpy as np
import pyhf
import pytest
from pyhf.infer.intervals.upper_limits import toms748_scan

from evidesk.methods.bumphunt import gaussian, scan_spectrum, upper_limits
from evidesk.methods.bumphunt.glm import LogLinear
from evidesk.methods.bumphunt.limits import cls, expected_limits, observed_limits
from evidesk.methods.bumphunt.profile import Profile
from tests.methods.bumphunt.spectra import DIJET, MASSES, dijets, falling, resolution

EDGES = np.linspace(0, 10, 11)
TEMPLATE = 60 * np.exp(-EDGES[:-1] / 4)
SIGNALS = np.stack([gaussian(EDGES, mass, 0.8) for mass in (3.0, 6.0)])


def fitted(counts, columns):
    """A template times the exponential of the columns, around its fit to the counts."""
    model = LogLinear(np.log(TEMPLATE), columns)
    b = model.fit(counts[None].astype(float)).coefficients[0]
    return LogLinear(model.offset + columns @ b, columns)


def in_pyhf(signal, slope):
    """The same model in pyhf: one channel for each bin, so that a slope can bend them. The slope's
    constraint is so wide that it says nothing.
    """
    wide = 50.0
    channels = []
    for i, (s, b) in enumerate(zip(signal, TEMPLATE, strict=True)):
        bend = {
            "name": "bend",
            "type": "normsys",
            "data": {"hi": float(np.exp(wide * slope[i])), "lo": float(np.exp(-wide * slope[i]))},
        }
        modifiers = [{"name": "k", "type": "normfactor", "data": None}]
        channels.append(
            {
                "name": f"bin{i}",
                "samples": [
                    {
                        "name": "signal",
                        "data": [float(s)],
                        "modifiers": [{"name": "mu", "type": "normfactor", "data": None}],
                    },
                    {
                        "name": "background",
                        "data": [float(b)],
                        "modifiers": modifiers + ([bend] if slope.any() else []),
                    },
                ],
            }
        )
    parameters = [
        {"name": "mu", "inits": [1.0], "bounds": [[0, 300]]},
        {"name": "k", "inits": [1.0], "bounds": [[0.1, 10]]},
    ]
    return pyhf.Model(
        {"channels": channels, "parameters": parameters},
        poi_name="mu",
        modifier_settings={"normsys": {"interpcode": "code1"}},
    )


@pytest.mark.parametrize("bends", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_limits_and_bands_are_those_of_pyhf(seed, bends):
    counts = np.random.default_rng(seed).poisson(TEMPLATE)
    slope = np.linspace(-1, 1, 10) * bends
    columns = np.stack([np.ones(10), slope], axis=1)[:, : 1 + bends]
    model, data = fitted(counts, columns), counts[None].astype(float)
    asimov = Profile(model, model.reference[None], SIGNALS)
    observed, _ = observed_limits(Profile(model, data, SIGNALS), asimov, 0.05)
    expected = expected_limits(asimov, 0.05)
    for i, signal in enumerate(SIGNALS):
        model = in_pyhf(signal, slope)
        data = [*counts.astype(float), *model.config.auxdata]
        theirs, bands = toms748_scan(data, model, 1.0, 200.0, level=0.05, rtol=1e-4)
        assert observed[i] == pytest.approx(float(theirs), rel=0.01)
        np.testing.assert_allclose(expected[:, i], np.array(bands), rtol=0.01)


def test_cls_is_the_tail_with_the_signal_over_that_without():
    from scipy.stats import norm

    q, asimov = np.array([4.0, 1.0, 9.0]), np.array([4.0, 4.0, 4.0])
    found = cls(q, asimov)
    assert found[0] == pytest.approx(norm.sf(2) / 0.5)
    assert found[1] == pytest.approx(norm.sf(1) / norm.sf(-1))
    assert found[2] == pytest.approx(norm.sf(13 / 4) / norm.sf(5 / 4))
    assert np.isfinite(cls(np.array([1e4]), np.array([1.0]))).all()


def test_each_mass_has_a_limit_and_its_bands():
    scan = scan_spectrum(dijets(), MASSES, resolution, family=DIJET, toys=100, random_state=0)
    found = upper_limits(scan)
    assert found.observed.shape == (29,)
    assert (np.diff(found.expected, axis=0) > 0).all()
    inside = (found.observed > found.expected[0]) & (found.observed < found.expected[4])
    assert inside.all()
    # Where the excess is largest, the limit lies above the median, and the other way round.
    np.testing.assert_array_equal(found.observed > found.expected[2], found.yields > 0)
    at = found.at(3.52)
    assert at.high == found.observed[11]
    assert at.low == -np.inf
    assert "% (CLs, asymptotic)" in str(found)
    stricter = upper_limits(scan, level=0.9)
    assert (stricter.observed < found.observed).all()
    other = upper_limits(scan, width=0)
    np.testing.assert_array_equal(other.observed, found.observed)


def test_a_deficit_without_events_still_has_a_limit():
    scan = scan_spectrum(falling(60, bins=40, slope=6.0), toys=50, random_state=0)
    found = upper_limits(scan)
    assert np.isfinite(found.observed).all()
    # No events at all under a signal: CLs never excludes 2 events at 95 %.
    assert found.observed.min() > 2.0


def test_limits_that_cannot_be_are_refused():
    scan = scan_spectrum(falling(300), toys=20, random_state=0)
    with pytest.raises(ValueError, match="'level' parameter"):
        upper_limits(scan, level=95)
    with pytest.raises(ValueError, match="from 0 to 0, the scan's widths"):
        upper_limits(scan, width=1)


def test_the_plot_is_a_brazil_band():
    scan = scan_spectrum(falling(300), toys=20, random_state=0)
    found = upper_limits(scan)
    axes = found.plot()
    np.testing.assert_allclose(axes.lines[1].get_ydata(), found.observed)
    labels = [one.get_text() for one in axes.get_legend().get_texts()]
    assert labels == ["observed", "expected without a signal", "± 1σ", "± 2σ"]
    assert axes.get_ylabel() == "Signal events, 95 % upper limit"
    ax = plt.figure().gca()
    assert found.plot(ax) is ax
    plt.close("all")
