"""Noise and scale of largest likelihood."""

import numpy as np
import pytest
from scipy import optimize

from evidesk.methods.surrogates.noise import fit_noise, negative_log_likelihood


def drawn(rows, noise, scale, seed=0):
    rng = np.random.default_rng(seed)
    spread = rng.gamma(1.0, 1.0, (rows, 1)) * 0.3
    return rng.standard_normal((rows, 1)) * np.sqrt(noise + scale**2 * spread), spread


@pytest.mark.parametrize(("noise", "scale"), [(0.5, 1.0), (0.0, 2.0), (2.0, 0.0), (1e-6, 1e-3)])
def test_what_was_put_in_comes_out(noise, scale):
    residuals, spread = drawn(40_000, noise, scale)
    found = fit_noise(residuals, spread)
    total = noise + scale**2 * 0.3
    assert found.noise[0] == pytest.approx(noise, abs=0.05 * total)
    assert found.scale[0] ** 2 * 0.3 == pytest.approx(scale**2 * 0.3, abs=0.05 * total)


def test_it_is_the_largest_likelihood_to_one_standard_error():
    residuals, spread = drawn(200, 0.4, 1.2)
    found = fit_noise(residuals, spread)

    def loss(logs):
        return negative_log_likelihood(residuals, np.exp(logs[0]) + np.exp(logs[1]) * spread)

    best = optimize.minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-6})
    ours = negative_log_likelihood(residuals, found.variance(spread))
    assert best.fun - 1e-6 <= ours <= best.fun + 0.5 / 200
    assert found.noise[0] < np.exp(best.x[0])


def test_residuals_that_do_not_follow_the_spread_still_leave_a_scale():
    rng = np.random.default_rng(5)
    spread = np.linspace(0.9, 1.1, 100)[:, None]
    residuals = rng.permutation(np.linspace(-2, 2, 100))[:, None]
    found = fit_noise(residuals * np.sqrt(2 - spread), spread)
    assert found.scale[0] > 0.1


def test_without_noise_the_scale_is_known_in_closed_form():
    residuals, spread = drawn(500, 0.4, 1.2)
    found = fit_noise(residuals, spread, noise=False)
    assert found.noise[0] == 0
    assert found.scale[0] ** 2 == pytest.approx(np.mean(residuals**2 / spread))


def test_a_spread_of_zero_leaves_only_noise():
    residuals = np.array([[1.0], [-3.0]])
    found = fit_noise(residuals, np.zeros((2, 1)))
    assert (found.noise[0], found.scale[0]) == (5.0, 0.0)


def test_rows_without_spread_say_nothing_of_the_scale():
    found = fit_noise(np.array([[7.0], [2.0]]), np.array([[0.0], [4.0]]), noise=False)
    assert found.scale[0] == pytest.approx(1.0)


def test_no_errors_at_all():
    found = fit_noise(np.zeros((5, 1)), np.ones((5, 1)))
    assert found.variance(np.ones((3, 1))).max() < 1e-12


def test_outputs_of_their_own_or_shared():
    residuals, spread = drawn(2_000, 0.3, 1.0)
    both, spreads = np.hstack([residuals, 10 * residuals]), np.hstack([spread, spread])
    own = fit_noise(both, spreads)
    assert own.noise[1] == pytest.approx(100 * own.noise[0], rel=1e-3)
    shared = fit_noise(both, spreads, shared=True)
    assert shared.noise[0] == shared.noise[1]
    assert shared.scale.shape == (2,)
