"""The forecast against the integral that defines it."""

import math

import matplotlib as mpl
import numpy as np
import pytest
from scipy import integrate, stats

from evidesk.methods.waiting import gamma_poisson_forecast

mpl.use("Agg")
COUNTS = [12, 9, 14, 11]


def predictive(count, counts, exposures, next_exposure, prior):
    """P(next = count): the Poisson probability, averaged over the posterior by quadrature."""
    shape, rate = prior[0] + sum(counts), prior[1] + sum(exposures)

    def weighted(mean):
        return stats.poisson.pmf(count, mean * next_exposure) * stats.gamma.pdf(
            mean, shape, scale=1 / rate
        )

    top = (shape + 12 * math.sqrt(shape) + 20) / rate
    return integrate.quad(weighted, 0, top, limit=200, points=[shape / rate])[0]


@pytest.mark.parametrize(
    ("counts", "exposures", "next_exposure", "prior"),
    [
        (COUNTS, [1, 1, 1, 1], 1.0, (0.5, 0.0)),
        (COUNTS, [1, 1, 1, 0.4], 2.0, (2.0, 1.0)),
        ([0, 0], [1, 1], 1.0, (0.5, 0.0)),
        ([3], [0.25], 1.0, (0.5, 0.0)),
    ],
)
def test_the_interval_is_the_posterior_predictives(counts, exposures, next_exposure, prior):
    forecast = gamma_poisson_forecast(
        counts, exposures=exposures, next_exposure=next_exposure, prior=prior
    )
    chances = [predictive(k, counts, exposures, next_exposure, prior) for k in range(120)]
    sums = np.cumsum(chances)
    quantiles = [int(np.argmax(sums >= tail - 1e-7)) for tail in (0.025, 0.5, 0.975)]
    found = forecast.next_count
    assert [found.low, found.value, found.high] == quantiles
    posterior = stats.gamma(prior[0] + sum(counts), scale=1 / (prior[1] + sum(exposures)))
    rate = forecast.rate
    assert [rate.low, rate.value, rate.high] == pytest.approx(posterior.ppf([0.025, 0.5, 0.975]))


def test_it_prints_and_plots():
    forecast = gamma_poisson_forecast(COUNTS, unit="vouchers")
    assert str(forecast) == (
        "Next: 11 [5, 20] vouchers (95 %, gamma-poisson over periods, n=4); "
        "per period: 11.5 [8.5, 15.2] vouchers (95 %, gamma-poisson over periods, n=4)"
    )
    axes = forecast.plot()
    assert axes.get_ylabel() == "vouchers"
    assert gamma_poisson_forecast(COUNTS).plot(axes).get_ylabel() == "count"
    mpl.pyplot.close("all")


def test_counts_that_differ_by_more_than_chance_are_told():
    forecast = gamma_poisson_forecast([1, 30, 2, 28])
    expected = [61 / 4] * 4
    chi2, p_value = stats.chisquare([1, 30, 2, 28], expected)
    assert forecast.dispersion == pytest.approx(chi2 / 3)
    assert forecast.p_value == pytest.approx(p_value)
    assert "the interval is too narrow" in str(forecast)
    calm = gamma_poisson_forecast([10, 20], exposures=[1, 2])
    assert (calm.dispersion, calm.p_value) == (0, 1)


@pytest.mark.parametrize("counts", [[5], [0, 0, 0]])
def test_one_period_or_nothing_at_all_has_no_dispersion(counts):
    forecast = gamma_poisson_forecast(counts)
    assert forecast.dispersion is forecast.p_value is None
    assert "too narrow" not in str(forecast)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"counts": []}, r"at least one period. Got shape \(0,\)"),
        ({"counts": [[1]]}, "Got shape"),
        ({"counts": [1, -1]}, "Got -1 at position 1"),
        ({"counts": [1.5]}, r"Got 1\.5 at position 0"),
        ({"counts": [math.nan]}, "Got nan"),
        ({"counts": [math.inf]}, "Got inf"),
        ({"counts": [1], "exposures": [0]}, "exposures"),
        ({"counts": [1], "exposures": [math.nan]}, "exposures"),
        ({"counts": [1], "exposures": [1, 1]}, "exposures"),
        ({"counts": [1], "next_exposure": 0}, "next_exposure"),
        ({"counts": [1], "next_exposure": math.inf}, "next_exposure"),
        ({"counts": [0], "prior": (0, 1)}, "prior"),
        ({"counts": [1], "prior": (-0.5, 1)}, "prior"),
        ({"counts": [1], "prior": (math.nan, 1)}, "prior"),
        ({"counts": [1], "level": 1}, "level"),
    ],
)
def test_hostile_input_is_refused(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        gamma_poisson_forecast(**arguments)


def test_text_is_no_count():
    with pytest.raises(TypeError, match="must hold numbers"):
        gamma_poisson_forecast(["3"])
