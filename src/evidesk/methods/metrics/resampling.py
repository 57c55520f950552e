"""The bootstrap of independent units, and intervals from its replicates.

Sources: Efron, "Better bootstrap confidence intervals", JASA 82 (1987) 171-185, for BCa, with the
acceleration from the influence function (its section 7) instead of n refits of a jackknife.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.units import Units

Floats = npt.NDArray[np.float64]
#: A seed, a generator, or None for a fresh one.
RandomState = int | np.random.Generator | np.random.RandomState | None

#: Memory of one batch of weights, in bytes.
_BATCH = 2**23


def generator(random_state: RandomState) -> np.random.Generator:
    """The generator that ``random_state`` stands for.

    Raises
    ------
    ValueError : it is none of None, a non-negative integer, a Generator or a RandomState.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**32, size=4, dtype=np.uint32))
    if random_state is None or (
        isinstance(random_state, int | np.integer)
        and not isinstance(random_state, bool)
        and random_state >= 0
    ):
        return np.random.default_rng(None if random_state is None else int(random_state))
    raise ValueError(
        "The 'random_state' parameter must be None, an integer from 0 on, a numpy Generator or a "
        f"RandomState. Got {random_state!r} instead."
    )


def weights(units: Units, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Batches of shape (batch, units): how often each unit is drawn in each resample.

    Every resample draws as many units as the sample holds, with replacement.
    """
    distinct = len(units.repeat)
    batch = max(1, min(resamples, _BATCH // (8 * distinct)))
    few_kinds = distinct < units.count // 4
    slots: npt.NDArray[np.intp] | None = None
    if not few_kinds and distinct < units.count:
        slots = np.repeat(np.arange(distinct), units.repeat.astype(np.int64))
    for begin in range(0, resamples, batch):
        rows = min(batch, resamples - begin)
        if few_kinds:
            shares = units.repeat / units.count
            drawn = rng.multinomial(units.count, shares, size=rows).astype(np.float64)
        else:
            # Counting draws is faster than a binomial draw for each of many units, and one resample
            # at a time stays in the processor's cache.
            drawn = np.empty((rows, distinct))
            for resample in drawn:
                picks = rng.integers(units.count, size=units.count)
                resample[:] = np.bincount(picks if slots is None else slots[picks], None, distinct)
        yield drawn


def replicates(
    statistic: Callable[[Floats], Floats],
    units: Units,
    *,
    resamples: int,
    random_state: RandomState,
) -> Floats:
    """Bootstrap replicates, shape (resamples, ...), of ``statistic(weights) -> (batch, ...)``.

    Raises
    ------
    ValueError : ``resamples`` is below 100, too few for any interval.
    """
    if not isinstance(resamples, int | np.integer) or resamples < 100:
        raise ValueError(
            f"The 'resamples' parameter must be an integer of 100 or more. Got {resamples!r} "
            "instead."
        )
    rng = generator(random_state)
    return np.concatenate([statistic(drawn) for drawn in weights(units, int(resamples), rng)])


def percentile_interval(drawn: Floats, *, level: float) -> tuple[Floats, Floats]:
    """Quantiles of the replicates, over the first axis."""
    tail = float(special.ndtr(-critical_value(level)))
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return low, high


def bca_interval(
    drawn: Floats, value: Floats, contributions: Floats, repeat: Floats, *, level: float
) -> tuple[Floats, Floats]:
    """Bias-corrected and accelerated interval of each statistic.

    Parameters
    ----------
    drawn : array of shape (resamples, statistics).
    value : array of shape (statistics,).
    contributions, repeat : arrays of shape (statistics, units) and (units,), as in
        :class:`~evidesk.methods.metrics.units.Units`.
    """
    z = critical_value(level)
    below = (drawn < value).mean(axis=0) + (drawn == value).mean(axis=0) / 2
    bias = special.ndtri(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn)))
    second = contributions**2 @ repeat
    acceleration = np.divide(
        contributions**3 @ repeat, 6 * second**1.5, out=np.zeros_like(second), where=second > 0
    )
    bounds = []
    for quantile in (-z, z):
        shifted = bias + quantile
        at = special.ndtr(bias + shifted / np.maximum(1 - acceleration * shifted, 1e-3))
        bounds.append(np.array([np.quantile(d, q) for d, q in zip(drawn.T, at, strict=True)]))
    return bounds[0], bounds[1]
