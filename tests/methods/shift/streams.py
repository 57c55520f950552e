"""References and streams to watch."""

import numpy as np
import pandas as pd

from evidesk.methods.shift.watch import ShiftWatch

RNG = np.random.default_rng


def normal(seed, n, shift=0.0, d=2):
    rows = RNG(seed).standard_normal((n, d))
    rows[:, 0] += shift
    return rows


def mixed(rng, n, kinds="abc"):
    return pd.DataFrame(
        {
            "heavy": np.where(rng.random(n) < 0.1, np.nan, rng.standard_cauchy(n)),
            "kind": rng.choice(list(kinds), n),
            "count": rng.poisson(1, n),
        }
    )


def watched(reference, stream, **options):
    found = ShiftWatch(reference, **options)
    found.update(stream)
    return found.result
