"""Families of features: each sees its own kind of shift."""

import numpy as np
import pytest
from scipy import stats

from evidesk.methods.shift.families import Products, Ranks, families_for, median_distance
from evidesk.methods.shift.relabelling import Relabelling, combine, permutation_p_value
from evidesk.methods.shift.ridge import statistics_of
from evidesk.methods.shift.samples import Samples

RNG = np.random.default_rng


def p_values(reference, current, seed=0):
    rng = RNG(seed)
    samples = Samples.of(reference, current)
    families = families_for(samples, rng)
    batches = Relabelling.of_rows(samples.is_current).centred_batches(199, rng)
    found = statistics_of(families, samples.design, batches, lambda _: None)
    each = {f.name: permutation_p_value(row).value for f, row in zip(families, found, strict=True)}
    return each | {"all": permutation_p_value(combine(found)).value}


def normal(n, d=3, seed=0):
    return RNG(seed).standard_normal((n, d))


def moved(y):
    return y + np.array([0.5, 0, 0])


def correlated(y):
    return np.column_stack([y[:, 0], 0.6 * y[:, 0] + 0.8 * y[:, 1], y[:, 2]])


def heavy(y):
    return stats.t(3).ppf(stats.norm.cdf(y)) / np.sqrt(3)


def parity(y):
    return np.column_stack([y[:, :2], np.abs(y[:, 2]) * np.sign(y[:, 0] * y[:, 1])])


@pytest.mark.parametrize(
    ("change", "seen_by", "not_by"),
    [
        (moved, "means", "products"),
        (correlated, "products", "means"),
        (heavy, "ranks", "means"),
        (parity, "distance 0.5", "products"),
    ],
)
def test_each_kind_of_shift_is_seen_by_its_family(change, seen_by, not_by):
    found = [p_values(normal(400, seed=s), change(normal(400, seed=100 + s)), s) for s in range(6)]
    assert all(one[seen_by] <= 0.02 for one in found)
    assert np.median([one[not_by] for one in found]) > 0.05
    assert all(one["all"] <= 0.05 for one in found)


def test_a_fine_pattern_is_seen_at_a_short_distance():
    rng = RNG(5)

    def blobs(rho):
        centres = 10.0 * rng.integers(0, 3, (500, 2))
        return centres + rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], 500)

    found = p_values(blobs(0), blobs(0.75))
    assert found["distance 0.2"] <= 0.01 < 0.05 < found["distance 1"]
    assert found["all"] <= 0.05


def names(reference, current):
    return [one.name for one in families_for(Samples.of(reference, current), RNG(0))]


def test_what_can_tell_nothing_more_is_left_out():
    assert names([0, 1, 1], [0, 0, 1]) == ["means"]
    assert names([[0, 1], [1, 1]], [[0, 0], [1, 0]])[:2] == ["means", "products"]
    assert "ranks" not in names([[0, 1], [1, 1]], [[0, 0], [1, 0]])
    assert names([0.1, 0.2, 0.3], [0.4, 0.5, 0.6])[1:3] == ["products", "ranks"]


def test_products_are_all_pairs_or_random_ones_of_many_columns():
    rows = normal(6, 4)
    few = Products.of(4, 1000, RNG(0))(rows)
    assert few.shape == (6, 10)
    assert few[:, 1] == pytest.approx(rows[:, 0] * rows[:, 1], rel=1e-5)
    assert Products.of(100, 50, RNG(0))(normal(6, 100)).shape == (6, 50)


def test_ranks_are_polynomials_of_the_share_of_rows_below():
    column = np.array([[3.0], [1.0], [1.0], [7.0]])
    found = Ranks.of(column, 100)(column)
    rank = 2 * (stats.rankdata(column[:, 0]) - 0.5) / 4 - 1
    assert found[:, 0] == pytest.approx(rank)
    assert found[:, 1] == pytest.approx((3 * rank**2 - 1) / 2)
    assert Ranks.of(normal(5, 60), 100).degree == 1


def test_the_median_distance_is_above_0():
    assert median_distance(np.zeros((5, 2)), RNG(0)) == 1
    found = median_distance(normal(2000, 2), RNG(0))
    assert found == pytest.approx(2 * np.sqrt(np.log(2)), rel=0.05)  # of two normal rows
