"""The Kaplan-Meier curve against slow, exact code of the textbook's formulas."""

import math
from fractions import Fraction

import matplotlib as mpl
import numpy as np
import pytest
from scipy import stats

from evidesk.evidence import Estimate
from evidesk.methods.metrics.proportion import proportion_interval
from evidesk.methods.waiting import NotReached, kaplan_meier
from evidesk.methods.waiting.survival_bands import _critical_value

mpl.use("Agg")

#: Weeks of remission of 21 patients (Freireich et al. 1963), as every textbook has them.
WEEKS = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
RELAPSED = [1] * 9 + [0] * 12
Z = 1.959963984540054


def exact(durations, observed):
    """{event time: (survival, Greenwood's variance, at risk, events)}, in fractions."""
    survival, total, rows = Fraction(1), Fraction(0), {}
    for time in sorted({t for t, o in zip(durations, observed, strict=True) if o}):
        at_risk = sum(t >= time for t in durations)
        events = sum(t == time and bool(o) for t, o in zip(durations, observed, strict=True))
        survival *= 1 - Fraction(events, at_risk)
        if at_risk > events:
            total += Fraction(events, at_risk * (at_risk - events))
            rows[time] = survival, survival**2 * total, at_risk, events
        else:
            rows[time] = survival, None, at_risk, events
    return rows


def samples():
    """Waiting times with ties and cut-offs, of all small sizes."""
    rng = np.random.default_rng(7)
    for n in (1, 2, 3, 5, 8, 13, 40):
        for share in (0.3, 0.7, 1.0):
            yield rng.integers(0, 12, n), rng.random(n) < share


@pytest.mark.parametrize(("durations", "observed"), [(WEEKS, RELAPSED), *samples()])
def test_curve_and_variance_are_the_textbooks_to_the_last_digit(durations, observed):
    curve = kaplan_meier(durations, observed)
    rows = exact(list(map(int, durations)), observed)
    assert list(curve.times) == list(rows)
    for i, (survival, variance, at_risk, events) in enumerate(rows.values()):
        assert curve.survival[i] == pytest.approx(float(survival), abs=1e-13)
        assert (curve.at_risk[i], curve.events[i]) == (at_risk, events)
        if variance is None:
            assert math.isnan(curve.variance[i])
        else:
            assert curve.variance[i] == pytest.approx(float(variance), rel=1e-12)
    assert curve.n == len(durations) == len(curve.censored) + curve.events.sum()


def test_the_textbooks_own_numbers_come_out():
    curve = kaplan_meier(WEEKS, RELAPSED, method="log-log", unit="weeks")
    assert curve.survival_at([5.9, 6, 10, 23]) == pytest.approx([1, 0.857, 0.753, 0.448], abs=5e-4)
    assert np.sqrt(curve.variance[:3]) == pytest.approx([0.0764, 0.0869, 0.0963], abs=5e-5)
    low, high = curve.interval_at([6])
    assert (low[0], high[0]) == pytest.approx((0.620, 0.952), abs=1e-3)
    assert curve.median.value == 23


@pytest.mark.parametrize(("durations", "observed"), [(WEEKS, RELAPSED), *samples()])
def test_log_log_intervals_are_the_formula(durations, observed):
    curve = kaplan_meier(durations, observed, method="log-log")
    for time, (survival, variance, _, _) in exact(list(map(int, durations)), observed).items():
        (low,), (high,) = curve.interval_at([time])
        if survival == 0:
            assert (low, high) == (0, 0)
            continue
        s = float(survival)
        theta = math.exp(Z * math.sqrt(variance) / s / math.log(s))
        assert (low, high) == pytest.approx((s ** (1 / theta), s**theta), rel=1e-9)


def beta_of_product(factors):
    """The Beta distribution of the mean and variance of a product of Betas, in fractions."""
    mean = square = Fraction(1)
    for a, b in factors:
        mean *= Fraction(a, a + b)
        square *= Fraction(a * (a + 1), (a + b) * (a + b + 1))
    variance = square - mean**2
    size = mean * (1 - mean) / variance - 1
    return stats.beta(float(mean * size), float((1 - mean) * size))


@pytest.mark.parametrize(("durations", "observed"), [(WEEKS, RELAPSED), *samples()])
def test_beta_product_intervals_are_the_quantiles_of_the_product(durations, observed):
    curve = kaplan_meier(durations, observed)
    rows = exact(list(map(int, durations)), observed)
    for time in range(14):
        factors = [(y - d + 1, d) for t, (_, _, y, d) in rows.items() if t <= time]
        waiting = sum(int(t) > time for t in durations)
        survival = float(([Fraction(1)] + [s for t, (s, *_) in rows.items() if t <= time])[-1])
        upper = beta_of_product(factors).ppf(0.975) if factors else 1
        lower = beta_of_product([*factors, (waiting, 1)]).ppf(0.025) if waiting else 0
        (low,), (high,) = curve.interval_at([time])
        assert low == pytest.approx(min(lower, survival), abs=1e-9)
        assert high == pytest.approx(max(upper, survival), abs=1e-9)
        assert low <= curve.survival_at([time])[0] <= high


@pytest.mark.parametrize("n", [1, 7, 14, 250])
def test_where_nobody_is_censored_the_intervals_are_clopper_and_pearsons(n):
    curve = kaplan_meier(np.arange(1, n + 1), np.ones(n))
    moments = np.arange(n + 1)
    low, high = proportion_interval(n - moments, n, method="clopper-pearson")
    assert curve.interval_at(moments) == (pytest.approx(low), pytest.approx(high))


def test_the_medians_interval_is_the_sign_tests_where_nobody_is_censored():
    # Of 14 the ranks 3 to 12: 98.7 %; ranks 4 to 11 would be 94.3 %.
    median = kaplan_meier(np.arange(1, 15), np.ones(14), unit="days").median
    assert (median.value, median.low, median.high) == (7, 3, 12)
    assert str(median) == "7 [3, 12] days (95 %, beta-product, n=14)"


@pytest.mark.parametrize("method", ["beta-product", "log-log"])
@pytest.mark.parametrize(("durations", "observed"), [(WEEKS, RELAPSED), *samples()])
def test_a_quantiles_interval_is_where_the_curves_own_holds_the_share(durations, observed, method):
    curve = kaplan_meier(durations, observed, method=method)
    for share in (0.25, 0.5, 0.8):
        try:
            found = curve.quantile(share)
        except NotReached:
            assert np.all(curve.survival > 1 - share)
            continue
        first = next(t for t in curve.times if curve.survival_at([t])[0] <= 1 - share + 1e-9)
        assert found.value == first
        moments = sorted({0.0, *map(float, durations)})
        bounds = {t: [float(b[0]) for b in curve.interval_at([t])] for t in moments}
        beyond = [t for t, (_, high) in bounds.items() if high < 1 - share]
        assert found.high == max(min(beyond, default=math.inf), first)
        not_yet = [t for t, (low, _) in bounds.items() if low <= 1 - share + 1e-9]
        assert found.low == min(not_yet[0], first)


def test_the_band_is_nairs_with_the_arcsine():
    curve = kaplan_meier(WEEKS, RELAPSED)
    rows = list(exact(WEEKS, RELAPSED).items())
    sums = [float(variance / survival**2) for _, (survival, variance, *_) in rows]
    critical = _critical_value(21 * sums[0], 21 * sums[-1], 0.95)
    low, high = curve.band_at(curve.times)
    for i, (_, (survival, *_)) in enumerate(rows):
        s = float(survival)
        angle, width = math.asin(math.sqrt(s)), critical / 2 * math.sqrt(sums[i] * s / (1 - s))
        alone = [float(bound[0]) for bound in curve.interval_at([rows[i][0]])]
        assert low[i] == pytest.approx(min(math.sin(max(angle - width, 0)) ** 2, alone[0]))
        upper = math.sin(min(angle + width, math.pi / 2)) ** 2
        assert high[i] == pytest.approx(max(upper, alone[1]))
    outside = curve.band_at([0, 5.9, 23.1, 99])
    assert np.isnan(outside).all()
    pointwise = curve.interval_at(curve.times)
    assert np.all(high - low > 0)
    assert np.mean(high - low) > np.mean(pointwise[1] - pointwise[0])


def test_the_bands_critical_value_bounds_a_brownian_bridge():
    rng = np.random.default_rng(3)
    u = np.linspace(0.1, 0.9, 2001)
    steps = rng.normal(size=(4000, len(u))) * np.sqrt(np.diff(u, prepend=0))
    walk = np.cumsum(steps, axis=1)
    end = walk[:, -1:] + rng.normal(size=(4000, 1)) * np.sqrt(1 - u[-1])
    highest = np.max(np.abs(walk - u * end) / np.sqrt(u * (1 - u)), axis=1)
    critical = _critical_value(0.1 / 0.9, 0.9 / 0.1, 0.95)
    assert np.mean(highest <= critical) == pytest.approx(0.95, abs=0.012)


def test_one_event_time_has_the_normals_critical_value():
    assert _critical_value(0.5, 0.5, 0.95) == pytest.approx(Z)
    (low,), (high,) = kaplan_meier([1, 2, 2], [1, 0, 0]).band_at([1])
    assert 0 <= low < 2 / 3 < high <= 1


def test_the_band_is_nowhere_narrower_than_the_interval():
    for durations, observed in samples():
        curve = kaplan_meier(durations, observed)
        low, high = curve.band_at(curve.times)
        alone = curve.interval_at(curve.times)
        known = np.isfinite(low)
        assert np.all(low[known] <= alone[0][known])
        assert np.all(high[known] >= alone[1][known])


def test_a_low_level_has_no_band_but_intervals():
    curve = kaplan_meier(WEEKS, RELAPSED, level=0.68)
    with pytest.raises(ValueError, match=r"holds for levels from 0\.8"):
        curve.band_at([6])
    low, high = curve.interval_at([6])
    assert low[0] < 0.857 < high[0]


def test_the_share_at_a_time_is_an_estimate():
    curve = kaplan_meier(WEEKS, RELAPSED)
    share = curve.at(10)
    assert isinstance(share, Estimate)
    assert share.value == pytest.approx(0.753, abs=5e-4)
    assert (share.n, share.method, share.level) == (21, "beta-product", 0.95)
    assert curve.at(0).value == 1
    assert list(curve.waiting_at([0, 6, 35])) == [21, 17, 0]


def test_what_the_data_do_not_reach_is_refused():
    curve = kaplan_meier(WEEKS, RELAPSED, unit="weeks")
    with pytest.raises(NotReached, match=r"Nobody was followed for 40 weeks.*35 weeks"):
        curve.at(40)
    with pytest.raises(NotReached, match=r"90 % have had their event is not reached: .* 9 of 21"):
        curve.quantile(0.9)
    assert kaplan_meier([1, 2], [1, 1]).at(5).value == 0


def test_when_all_are_censored_nothing_is_known_but_that():
    curve = kaplan_meier([3, 4, 5], [0, 0, 0])
    assert list(curve.survival_at([0, 4])) == [1, 1]
    with pytest.raises(NotReached, match="0 of 3"):
        _ = curve.median
    assert np.isnan(curve.band_at([3, 4])).all()
    assert curve.interval_at([4])[0][0] == pytest.approx(0.025)
    assert str(curve) == "3 followed, the event has happened to 0. The median is not reached."
    assert curve.plot().get_xlabel() == "time"


def test_one_person_says_very_little():
    curve = kaplan_meier([3.0], [True], unit="days")
    assert (curve.median.low, curve.median.value, curve.median.high) == (0, 3, math.inf)
    assert str(curve).startswith("1 followed, the event has happened to 1. Median: 3.0 [0.0, ∞)")


def test_an_event_at_once_counts():
    curve = kaplan_meier([0, 0, 1, 2], [1, 0, 1, 1])
    assert curve.survival_at([0])[0] == 0.75


def test_the_plot_shows_curve_band_intervals_and_cut_offs():
    axes = kaplan_meier(WEEKS, RELAPSED, unit="weeks").plot()
    assert axes.get_xlabel() == "weeks"
    assert len(axes.collections) == 2
    assert [line.get_marker() for line in axes.lines] == ["None", "|"]
    assert kaplan_meier(WEEKS, RELAPSED).plot(axes) is axes
    mpl.pyplot.close("all")


@pytest.mark.parametrize("time", [-1, math.nan, math.inf])
def test_impossible_times_are_refused(time):
    with pytest.raises(ValueError, match="finite and not negative"):
        kaplan_meier([1], [1]).at(time)


@pytest.mark.parametrize("share", [0, 1, -1, math.nan])
def test_impossible_shares_are_refused(share):
    with pytest.raises(ValueError, match=r"in the range \(0, 1\)"):
        kaplan_meier([1], [1]).quantile(share)


@pytest.mark.parametrize(
    ("durations", "observed", "complaint"),
    [
        ([], [], "nobody"),
        ([1, -2.5], [1, 1], r"Got -2\.5 at position 1"),
        ([math.nan], [1], "Got nan at position 0"),
        ([1, math.inf], [1, 0], "Got inf at position 1"),
        ([1, 2], [1], r"Got shapes \(2,\) and \(1,\)"),
        ([[1, 2]], [[1, 0]], "one-dimensional"),
        ([1, 2], [1, 2], "true or false"),
        ([1, 2], [1, math.nan], "true or false"),
        ([1, 2], ["yes", "no"], "true or false"),
    ],
)
def test_hostile_input_is_refused_with_what_and_where(durations, observed, complaint):
    with pytest.raises(ValueError, match=complaint):
        kaplan_meier(durations, observed)


def test_text_is_no_duration():
    with pytest.raises(TypeError, match="must hold numbers"):
        kaplan_meier(["1", "2"], [1, 1])


def test_unknown_methods_and_levels_are_refused():
    with pytest.raises(ValueError, match="one of beta-product, log-log"):
        kaplan_meier([1], [1], method="plain")
    with pytest.raises(ValueError, match="level"):
        kaplan_meier([1], [1], level=95)
