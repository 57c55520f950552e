"""Small data that the tests of the heads share."""

import numpy as np


def wavy(rows, seed, outputs=1, low=-1.0, high=1.0, noise=0.05):
    """A smooth function of two numbers, with a little noise; one or more outputs."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(low, high, (rows, 2))
    y = np.stack(
        [np.sin(2 * X[:, 0] + one) + X[:, 1] ** 2 + 5 * one for one in range(outputs)], axis=1
    )
    y += noise * rng.standard_normal(y.shape)
    return (X, y[:, 0]) if outputs == 1 else (X, y)
