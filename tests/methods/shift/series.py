"""Rows in order of time."""


def series(rng, n, d=1, coefficient=0.8):
    """Autoregressive of order 1, shape (n, d)."""
    noise = rng.standard_normal((n, d))
    for i in range(1, n):
        noise[i] += coefficient * noise[i - 1]
    return noise
