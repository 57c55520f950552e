"""The engine under every metric: units, their covariance, the bootstrap, the scales."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evidesk.methods.metrics.evaluation import (
    Evaluation,
    bootstrap_interval,
    mean_evaluation,
)
from evidesk.methods.metrics.proportion import proportion_interval
from evidesk.methods.metrics.resampling import (
    bca_interval,
    generator,
    percentile_interval,
    replicates,
    weights,
)
from evidesk.methods.metrics.scales import scaled_interval
from evidesk.methods.metrics.units import Units, members_of

LOSSES = np.random.default_rng(1).exponential(size=(2, 40))


def one(evaluation, **options):
    return evaluation.estimates(**options)[evaluation.names[0]]


# Units


def test_the_covariance_of_means_is_that_of_the_cases():
    found = mean_evaluation("loss", ("a", "b"), LOSSES)
    expected = np.cov(LOSSES) / LOSSES.shape[1]
    assert np.allclose(found.units.covariance(found.contributions), expected)
    assert np.allclose(found.errors, np.sqrt(np.diag(expected)))


def test_cases_alike_are_one_unit_that_repeats():
    scores = np.array([0.0, 1.0, 3.0])
    repeat = np.array([7, 2, 4])
    whole = mean_evaluation("score", ("a",), np.repeat(scores, repeat)[None])
    units = Units.of_cases(repeat)
    contributions = (scores - whole.values[0])[None] / units.n
    assert (units.n, units.count) == (13, 13)
    assert np.allclose(units.variance(contributions), whole.errors**2)


def test_groups_of_one_are_cases_but_for_students_t():
    as_cases = mean_evaluation("loss", ("a", "b"), LOSSES)
    as_groups = mean_evaluation("loss", ("a", "b"), LOSSES, np.arange(40))
    assert np.allclose(as_cases.errors, as_groups.errors)
    assert np.allclose(as_groups.design_effects, 1)
    # A mean asks for t either way.
    assert one(as_cases).low == pytest.approx(one(as_groups).low)
    assert (one(as_cases).over, one(as_groups).over) == ("cases", "40 groups")


def test_groups_of_equal_size_have_the_variance_of_their_means():
    members = np.repeat(np.arange(8), 5)
    found = mean_evaluation("loss", ("a", "b"), LOSSES, members)
    means = LOSSES.reshape(2, 8, 5).mean(axis=2)
    assert np.allclose(found.errors, stats.sem(means, axis=1))
    assert np.allclose(found.design_effects, found.errors**2 / (LOSSES.var(axis=1, ddof=1) / 40))


def test_no_design_effect_is_known_where_the_cases_do_not_differ():
    found = mean_evaluation("loss", ("a",), np.ones((1, 4)), np.array([0, 0, 1, 1]))
    assert np.isnan(found.design_effects).all()
    assert mean_evaluation("loss", ("a",), LOSSES[:1]).design_effects == 1


def test_p_values_belong_to_the_critical_values():
    for units in (Units.of_cases(np.ones(30)), Units.of_groups([3, 4, 5, 6])):
        for student in (False, True):
            critical = units.critical_value(0.9, student=student)
            assert units.tail_probability(np.array(-critical), student=student) == pytest.approx(
                0.1
            )
    assert Units.of_groups([2, 2, 2]).critical_value(0.95) == pytest.approx(stats.t(2).ppf(0.975))


@pytest.mark.parametrize(
    ("groups", "n", "fault", "told"),
    [
        (["a", "b"], 3, ValueError, "'groups' parameter must name a group for each of 3 cases"),
        ([], 0, ValueError, "'groups' is empty"),
        (["a", None], 2, ValueError, "'groups' has 1 missing"),
        (["a", 1], 2, TypeError, "'groups' mixes kinds"),
    ],
)
def test_groups_that_are_none(groups, n, fault, told):
    with pytest.raises(fault, match=told):
        members_of(groups, n)


def test_groups_are_numbered_by_name():
    assert members_of(["b", "a", "b"], 3).tolist() == [1, 0, 1]


def test_one_group_or_one_case_cannot_tell_how_much_they_differ():
    with pytest.raises(ValueError, match="at least two groups"):
        mean_evaluation("loss", ("a",), LOSSES[:1], np.zeros(40, dtype=int))
    with pytest.raises(ValueError, match="At least two cases"):
        mean_evaluation("loss", ("a",), [[1.0]])


# Bootstrap


@pytest.mark.parametrize("repeat", [[500, 300, 200], [1] * 50, [2, 1, 1, 3]])
def test_weights_draw_the_sample_again(repeat):
    units = Units.of_cases(repeat)
    drawn = np.concatenate(list(weights(units, 4000, np.random.default_rng(0))))
    assert drawn.shape == (4000, len(repeat))
    assert np.all(drawn.sum(axis=1) == units.n)
    n, share = units.n, np.array(repeat) / units.n
    error = np.sqrt(n * share * (1 - share) / 4000)
    assert np.all(np.abs(drawn.mean(axis=0) - repeat) < 4.5 * error)
    assert np.allclose(drawn.var(axis=0), n * share * (1 - share), rtol=0.15)


def test_a_batch_of_weights_stays_small():
    units = Units.of_cases(np.ones(100_000))
    batches = list(weights(units, 25, np.random.default_rng(0)))
    assert len(batches) > 1
    assert sum(len(batch) for batch in batches) == 25


def test_the_same_seed_gives_the_same_interval():
    found = mean_evaluation("loss", ("a", "b"), LOSSES)
    for method in ("percentile", "bca"):
        first, again, other = (
            found.estimates(method=method, random_state=seed) for seed in (3, 3, 4)
        )
        assert first == again != other
        assert first["a"].method == f"{method} bootstrap"


def test_a_random_state_is_what_scikit_learn_calls_one():
    rng = np.random.default_rng(0)
    assert generator(rng) is rng
    legacy = [generator(np.random.RandomState(5)).random() for _ in range(2)]
    assert legacy[0] == legacy[1]
    assert generator(np.int64(5)).random() == generator(5).random()
    assert generator(None).random() != generator(None).random()
    for wrong in (-1, 0.5, "seed", True):
        with pytest.raises(ValueError, match="'random_state' parameter"):
            generator(wrong)


@pytest.mark.parametrize("resamples", [99, 0, -5, 100.0, "many"])
def test_too_few_resamples(resamples):
    found = mean_evaluation("loss", ("a",), LOSSES[:1])
    with pytest.raises(ValueError, match="'resamples' parameter must be an integer of 100"):
        found.estimates(method="bca", resamples=resamples)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_bootstrap_intervals_agree_with_scipy(method):
    sample = LOSSES[0]
    found = one(
        mean_evaluation("loss", ("a",), [sample]), method=method, resamples=40_000, random_state=0
    )
    expected = stats.bootstrap(
        (sample,), np.mean, method=method, n_resamples=40_000, rng=0
    ).confidence_interval
    assert [found.low, found.high] == pytest.approx(list(expected), abs=0.012)


def test_the_bootstrap_of_groups_draws_groups():
    members = np.repeat(np.arange(8), 5)
    found = mean_evaluation("loss", ("a",), LOSSES[:1] + members / 4, members)
    drawn = replicates(found.replicate, found.units, resamples=20_000, random_state=0)
    assert drawn.std() == pytest.approx(found.errors[0] * np.sqrt(7 / 8), rel=0.02)


def test_replicates_that_are_never_beyond_the_value_keep_bca_finite():
    low, high = bca_interval(
        np.ones((200, 1)), np.zeros(1), np.zeros((1, 3)), np.ones(3), level=0.95
    )
    assert (low, high) == (1, 1)
    assert percentile_interval(np.arange(101.0), level=0.9) == pytest.approx((5, 95))


def test_a_metric_undefined_in_many_resamples_has_no_bootstrap_interval():
    units = Units.of_cases(np.ones(10))
    drawn = np.ones((200, 1))
    drawn[:11] = np.nan
    with pytest.raises(ValueError, match="not defined in 6 % of the bootstrap's resamples"):
        bootstrap_interval("percentile", drawn, np.ones(1), np.zeros((1, 10)), units, level=0.95)
    drawn[1:] = 1
    found = bootstrap_interval(
        "percentile", drawn, np.ones(1), np.zeros((1, 10)), units, level=0.95
    )
    assert found == (1, 1)


# Scales


@given(
    st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.floats(0.05, 5),
)
def test_the_scale_of_a_proportion_is_wilsons_interval(sample, critical):
    count, n = sample
    p = np.array(count / n)
    level = float(1 - 2 * stats.norm.sf(critical))
    found = scaled_interval("proportion", p, p * (1 - p) / n, critical, np.array(float(n)))
    assert np.allclose(found, proportion_interval(count, n, level=level), atol=1e-9)


@pytest.mark.parametrize(
    ("scale", "there", "back"),
    [
        ("logit", lambda v: np.log(v / (1 - v)), lambda x: 1 / (1 + np.exp(-x))),
        ("correlation", np.arctanh, np.tanh),
        ("positive", np.log, np.exp),
        ("real", lambda v: v, lambda x: x),
    ],
)
def test_the_interval_is_symmetric_on_its_scale(scale, there, back):
    value, variance, step = 0.7, 0.01, 1e-6
    slope = (there(value + step) - there(value - step)) / (2 * step)
    low, high = scaled_interval(
        scale, np.array([value]), np.array([variance]), 1.96, np.array([50.0])
    )
    half_width = 1.96 * slope * np.sqrt(variance)
    assert low[0] == pytest.approx(back(there(value) - half_width))
    assert high[0] == pytest.approx(back(there(value) + half_width))


@pytest.mark.parametrize("scale", ["proportion", "logit", "correlation"])
@pytest.mark.parametrize("end", ["low", "high"])
def test_at_the_end_of_a_scale_the_number_of_cases_limits_what_is_known(scale, end):
    lowest = -1.0 if scale == "correlation" else 0.0
    value = np.array([lowest if end == "low" else 1.0])
    low, high = scaled_interval(scale, value, np.zeros(1), 1.96, np.array([50.0]))
    wilson = proportion_interval(50, 50)[0]
    inner = wilson if scale != "correlation" else 2 * wilson - 1
    if end == "high":
        assert (low[0], high[0]) == (pytest.approx(inner, abs=1e-5), 1)
    else:
        assert (low[0], high[0]) == (lowest, pytest.approx(1 + lowest - inner, abs=1e-5))


def test_a_positive_value_of_zero_has_no_width():
    low, high = scaled_interval("positive", np.zeros(1), np.zeros(1), 1.96, np.ones(1))
    assert (low[0], high[0]) == (0, 0)


# Evaluations


def test_an_unknown_method_or_level():
    found = mean_evaluation("loss", ("a",), LOSSES[:1])
    with pytest.raises(ValueError, match="'method' parameter must be one of delta, percentile, b"):
        found.estimates(method="magic")
    for level in (0, 1, 1.5, float("nan"), "high"):
        with pytest.raises(ValueError, match="'level' parameter"):
            found.estimates(level=level)
        with pytest.raises(ValueError, match="'level' parameter"):
            found.estimates(level=level, method="percentile", resamples=100)


def test_an_estimate_says_all_it_rests_on():
    members = np.repeat(np.arange(8), 5)
    found = one(mean_evaluation("loss", ("a",), LOSSES[:1], members, unit="eV"), level=0.9)
    assert (found.n, found.unit, found.level) == (40, "eV", 0.9)
    assert found.basis == "90 %, clt over 8 groups, n=40"
    assert isinstance(mean_evaluation("loss", ("a",), LOSSES[:1]), Evaluation)
