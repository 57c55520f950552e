"""The Gaussian process baseline."""

import numpy as np
import pytest

from evidesk.methods.surrogates import GaussianProcess
from tests.methods.surrogates.data import wavy


def test_it_is_scikit_learns():
    X, y = wavy(60, 0)
    seen = []
    head = GaussianProcess().fit(X, y, progress=seen.append)
    new = wavy(10, 1)[0]
    theirs, std = head.regressor_.predict((new - X.mean(0)) / X.std(0), return_std=True)
    np.testing.assert_allclose(head.predict(new), theirs * y.std() + y.mean())
    white = head.regressor_.kernel_.k2.noise_level
    np.testing.assert_allclose(head._spread(new)[:, 0], std**2 - white, atol=1e-9)
    assert seen == [0.5, 1.0]


def test_spread_and_factors_agree():
    head = GaussianProcess(lengths="each").fit(*wavy(60, 0))
    new = wavy(10, 1)[0]
    factors = head._factors(new)[:, :, 0]
    np.testing.assert_allclose((factors**2).sum(axis=1), head._spread(new)[:, 0], atol=1e-8)
    assert head.regressor_.kernel_.k1.k2.length_scale.shape == (2,)


def test_too_many_rows_are_refused_kindly():
    with pytest.raises(ValueError, match="2,001 rows takes too long"):
        GaussianProcess().fit(np.random.default_rng(0).normal(size=(2_001, 1)), np.arange(2_001))


def test_unknown_lengths():
    with pytest.raises(ValueError, match="each or one"):
        GaussianProcess(lengths="two").fit(*wavy(5, 0))
