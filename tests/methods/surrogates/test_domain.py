"""Distances from the training rows."""

import numpy as np
import pytest

from evidesk.methods.surrogates.domain import Domain, Moments, threshold


def domain_of(rows):
    moments = Moments(rows.shape[1])
    moments.add(rows)
    return Domain.of(moments)


def test_batches_add_up_to_the_whole():
    rows = np.random.default_rng(0).normal(3, 2, (100, 4))
    whole, parts = Moments(4), Moments(4)
    whole.add(rows)
    for part in np.split(rows, [7, 8, 60]):
        parts.add(part)
    assert parts.count == whole.count == 100
    np.testing.assert_allclose(parts.mean, rows.mean(axis=0))
    np.testing.assert_allclose(parts.scatter, np.cov(rows.T) * 99)


def test_it_is_the_mahalanobis_distance():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 3))
    inverse = np.linalg.inv(np.cov(rows.T))
    centred = rows - rows.mean(axis=0)
    expected = np.sqrt(np.einsum("ij,jk,ik->i", centred, inverse, centred) / 3)
    np.testing.assert_allclose(domain_of(rows).score(rows), expected)


def test_units_do_not_matter():
    rows = np.random.default_rng(2).normal(size=(50, 2))
    other = rows * [1e6, 1e-6] + [3e6, 5.0]
    np.testing.assert_allclose(
        domain_of(other).score(other), domain_of(rows).score(rows), rtol=1e-4
    )


def test_what_never_varied_is_far_as_soon_as_it_does():
    rows = np.random.default_rng(3).normal(size=(50, 2))
    rows[:, 1] = 4.0
    domain = domain_of(rows)
    assert domain.score(rows).max() < 4
    assert domain.score(np.array([[0.0, 8.0]]))[0] > 50
    assert np.isfinite(domain_of(np.zeros((3, 2))).score(np.ones((1, 2)))).all()


def test_one_row_alone():
    assert np.isfinite(domain_of(np.array([[1.0, 2.0]])).score(np.array([[1.0, 2.0]]))).all()


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5.0), (0.9, 9.0), (0.99, 9.0)])
def test_the_threshold_is_the_conformal_quantile(share, expected):
    assert threshold(np.arange(1.0, 10.0)[::-1], share) == expected


def test_new_rows_exceed_the_threshold_as_rarely_as_it_says():
    rng = np.random.default_rng(4)
    rates = [
        np.mean(rng.normal(size=400) > threshold(rng.normal(size=19), 0.9)) for _ in range(600)
    ]
    assert np.mean(rates) == pytest.approx(0.1, abs=0.01)
