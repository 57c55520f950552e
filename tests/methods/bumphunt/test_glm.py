"""Poisson regressions of many spectra at once."""

import numpy as np
import pytest
from sklearn.linear_model import PoissonRegressor

from evidesk.methods.bumphunt.glm import LogLinear, deviance


def models(seed=0, bins=30):
    rng = np.random.default_rng(seed)
    x = np.linspace(-1, 1, bins)
    design = np.stack([np.ones(bins), x, x**2], axis=1)
    offset = 3 + rng.normal(size=bins) / 5
    return LogLinear(offset, design), rng


def test_each_spectrum_has_the_fit_that_it_has_alone_in_another_package():
    model, rng = models()
    counts = rng.poisson(model.reference * rng.uniform(0.2, 5, (6, 1))).astype(float)
    found = model.fit(counts)
    assert found.converged.all()
    for row, coefficients, expected in zip(counts, found.coefficients, found.expected, strict=True):
        peer = PoissonRegressor(alpha=0, tol=1e-10, max_iter=2000, fit_intercept=False)
        scale = np.exp(model.offset)
        peer.fit(model.design, row / scale, sample_weight=scale)
        np.testing.assert_allclose(coefficients, peer.coef_, atol=2e-5)
        # At the maximum, what each column sums up is as observed.
        np.testing.assert_allclose(model.design.T @ expected, model.design.T @ row, rtol=1e-4)


def test_what_is_held_beside_the_background_is_not_fitted():
    model, rng = models(1)
    extra = np.full(30, 4.0)
    counts = rng.poisson(model.reference + extra, (3, 30)).astype(float)
    held = np.broadcast_to(extra, counts.shape)
    found = model.fit(counts, held)
    assert found.converged.all()
    b = found.coefficients
    best = found.log_likelihood
    np.testing.assert_allclose(found.expected, np.exp(model.offset + b @ model.design.T) + extra)
    for nudge in 1e-3 * np.eye(3):
        for sign in (-1, 1):
            mu = np.exp(model.offset + (b + sign * nudge) @ model.design.T) + extra
            assert ((counts * np.log(mu) - mu).sum(axis=1) < best).all()


def test_a_start_far_from_the_fit_is_no_trouble():
    model, rng = models(2)
    counts = rng.poisson(1e6 * model.reference, (2, 30)).astype(float)
    far = model.fit(counts)
    near = LogLinear(model.offset + np.log(1e6), model.design).fit(counts)
    np.testing.assert_allclose(far.expected, near.expected, rtol=1e-5)
    assert far.converged.all()


def test_a_spectrum_without_a_maximum_is_told():
    model, _ = models()
    counts = np.zeros((2, 30))
    counts[1] = np.round(model.reference)
    found = model.fit(counts)
    assert found.expected[0].sum() < 1e-3
    assert found.converged[1]


def test_the_deviance_is_that_of_the_textbook():
    counts, expected = np.array([3.0, 0.0, 5.0]), np.array([2.0, 1.0, 5.0])
    by_hand = 2 * (3 * np.log(1.5) - 1 + 1)
    assert deviance(counts, expected) == pytest.approx(by_hand)
