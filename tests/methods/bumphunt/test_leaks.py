"""Features that tell the resonant variable."""

import numpy as np
import pytest

from evidesk.methods.bumphunt import LeakError, chatterjee_xi, check_features
from tests.methods.bumphunt.dijets import FEATURES, arrays


def clean(n=2000, features=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(2.8, 4.6, n), rng.normal(size=(n, features))


def test_real_jets_may_be_used():
    m, x = arrays()
    assert check_features(m, x, FEATURES, "mjj", random_state=0) == ()


@pytest.mark.parametrize(
    "function",
    [
        lambda m: m,
        lambda m: 1000 * m,
        lambda m: -np.log(m),
        lambda m: np.floor(50 * m),
        lambda m: np.abs(m - 3.5),
        lambda m: np.sin(6 * m),
        lambda m: m + 0.003 * np.random.default_rng(0).normal(size=len(m)),
    ],
    ids=["copy", "unit", "monotone", "rounded", "distance", "wave", "smeared"],
)
def test_functions_of_the_resonant_variable_are_refused(function):
    m, x = clean()
    with pytest.raises(LeakError, match="'b' is a function of 'mass'"):
        check_features(m, np.column_stack([x[:, 0], function(m)]), ["a", "b"], "mass")


def test_its_name_is_refused():
    with pytest.raises(LeakError, match="'mass' is the resonant variable"):
        check_features(*clean(), ["a", "mass"], "mass")


def test_features_that_tell_it_together_are_refused():
    m, x = clean()
    hidden = np.column_stack([m + x[:, 0], m - x[:, 0]])
    with pytest.raises(LeakError, match="Together the features tell 'mass'"):
        check_features(m, hidden, ["a", "b"], "mass", random_state=0)


def test_a_feature_that_sculpts_is_told():
    m, x = clean()
    x[:, 1] += m
    (told,) = check_features(m, x, ["a", "b"], "mass", random_state=0)
    assert told.startswith("'b' goes along with 'mass' (rank correlation 0.")


def test_a_constant_feature_is_refused():
    m, x = clean()
    x[:, 1] = 3
    with pytest.raises(ValueError, match=r"'b' is constant \(3\)"):
        check_features(m, x, ["a", "b"])
    with pytest.raises(ValueError, match="'mass' is constant"):
        check_features(np.ones(len(m)), x, ["a", "b"], "mass")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_must_be_finite(bad):
    m, x = clean()
    x[:3, 0] = bad
    with pytest.raises(ValueError, match="3 of 2,000 values of 'a' are NaN or infinite"):
        check_features(m, x, ["a", "b"])
    m[0], x[:3, 0] = bad, 0
    with pytest.raises(ValueError, match="1 of 2,000 values of 'the resonant variable'"):
        check_features(m, x, ["a", "b"])


def test_shapes_and_names_must_fit():
    m, x = clean(50)
    with pytest.raises(ValueError, match="shape"):
        check_features(m, x[:-1], ["a", "b"])
    with pytest.raises(ValueError, match="1 names for 2 features"):
        check_features(m, x, ["a"])
    with pytest.raises(ValueError, match="0 names"):
        check_features(m, x[:, :0], [])
    with pytest.raises(ValueError, match="same name"):
        check_features(m, x, ["a", "a"])


def test_few_events_are_not_asked_together():
    m, x = clean(50)
    told = check_features(m, np.column_stack([m + x[:, 0], m - x[:, 0]]), ["a", "b"], "mass")
    assert len(told) == 2


def test_xi_is_0_for_independent_values_and_near_1_for_functions():
    rng = np.random.default_rng(0)
    x = rng.normal(size=20_000)
    assert abs(chatterjee_xi(x, rng.normal(size=20_000))) < 0.03
    assert chatterjee_xi(x, x**2) > 0.99
    assert chatterjee_xi(x, np.zeros(20_000)) == 0.0


def test_xi_without_ties_is_its_simple_form():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 200))
    ranks = y[np.argsort(x)].argsort().argsort() + 1
    assert chatterjee_xi(x, y) == pytest.approx(1 - 3 * np.abs(np.diff(ranks)).sum() / (200**2 - 1))
