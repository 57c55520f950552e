"""Rows in order of time, as blocks that are far enough apart to change places.

Neighbouring blocks are alike where one ends and the next begins, and all blocks of a sample are
neighbours: relabelled blocks then differ less than the samples do without any shift, and a test
rejects too often, by a share that falls only as memory over length of block. Gaps as long as the
memory mend that. Source: Burman, Chow and Nolan, "A cross-validatory method for dependent data",
Biometrika 81 (1994) 351-358, for leaving out what lies between blocks.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from evidesk.methods.shift.relabelling import Relabelling
from evidesk.methods.shift.samples import Samples

Floats = npt.NDArray[np.float64]

#: A smaller correlation is forgotten.
_FORGOTTEN = 0.05
#: The memory has to be a small part of the series, or nothing in it is repeated.
_LONGEST = 4


def in_blocks(samples: Samples, length: Any) -> tuple[Samples, Relabelling]:
    """The rows in blocks of so many, with gaps of the series' memory between them.

    Rows of the gaps, and those too few for a block at the end of a sample, are left out; the
    samples' warnings say how many.

    Raises
    ------
    ValueError : the length is no integer, below 1 or longer than a sample, or the series' memory is
        longer than a quarter of one.
    """
    shortest = min(samples.sizes)
    is_integer = isinstance(length, int | np.integer) and not isinstance(length, bool)
    if not is_integer or not 1 <= length <= shortest:
        raise ValueError(
            "'block_length' must be an integer from 1 to the size of the smaller sample, "
            f"{shortest:,}; got {length!r}."
        )
    gap = memory(samples)
    kept, groups, blocks = [], [], 0
    for size in samples.sizes:
        row = np.arange(size)
        block = row // (length + gap)
        # The last one needs no gap after it.
        whole = block < (size + gap) // (length + gap)
        kept.append(whole & (row % (length + gap) < length))
        groups.append(blocks + block)
        blocks += int(block.max()) + 1
    inside = np.concatenate(kept)
    left = samples.only(
        inside,
        f"Rows are remembered for about {gap:,} row(s), so that as many between blocks are left "
        f"out: {int(inside.sum()):,} of {samples.n:,} rows remain."
        if gap
        else "",
    )
    group = np.concatenate(groups)[inside]
    return left, Relabelling.of_groups(left.is_current, group, "blocks of rows")


def memory(samples: Samples) -> int:
    """After how many rows a series is forgotten, by how each column, and its square, correlate with
    themselves.

    Raises
    ------
    ValueError : that is longer than a quarter of the smaller sample.
    """
    parts = [_centred(samples.design[samples.is_current == current]) for current in (False, True)]
    variances = sum((part**2).sum(axis=0) for part in parts)
    active = np.flatnonzero(variances > 1e-12 * samples.n)
    longest = min(samples.sizes) // _LONGEST
    found = 0
    for column in active:
        rows, variance = [part[:, column] for part in parts], variances[column]
        correlation = sum(_products(one, longest + 1) for one in rows) / variance
        farthest = max(float((one**2).max()) for one in rows) / variance
        found = max(
            found,
            _fading(correlation, samples.n, len(active)),
            _swinging(correlation, samples.n, len(active), farthest),
        )
    if found > longest:
        raise ValueError(
            f"The rows are remembered for more than {longest:,} rows, a quarter of the smaller "
            "sample: they drift or swing without an end, or the series is too short. Too little in "
            "it is repeated to tell a shift between the samples from this. Give longer series, or "
            "remove the trend or the cycle."
        )
    return found


def _fading(correlation: Floats, n: int, columns: int) -> int:
    """The first lag, less 1, at which the correlation is below 0.05, or what chance makes it."""
    chance = math.sqrt(2 * math.log(2 * columns) / n)
    forgotten = correlation <= max(_FORGOTTEN, chance)
    return int(forgotten.argmax()) if forgotten.any() else len(correlation)


def _swinging(correlation: Floats, n: int, columns: int, farthest: float) -> int:
    """How long what swings is remembered: its correlation passes 0, and comes back.

    That is until the last lag whose correlation, of either sign, chance makes at none of the lags.
    Chance hides what is below; where that is more than 0.05, correlations that fall as a power of
    the lag are followed further, to twice the lag at most. Sources: Bartlett, "On the theoretical
    specification and sampling properties of autocorrelated time series", JRSS Supplement 8 (1946)
    27-41, for the error of a correlation after others; Bernstein's inequality, for far values (or
    rows of a rare category) that have the same distance by chance; Politis and White, "Automatic
    block-length selection for the dependent bootstrap", Econometric Reviews 23 (2004) 53-70, for
    twice the last lag.

    Parameters
    ----------
    correlation : shape (lags,), from lag 1 on.
    farthest : the largest square of a value, over the sum of all squares.
    """
    tests = math.log(2 * columns * len(correlation))
    before = np.cumsum(correlation**2) - correlation**2
    error = np.sqrt((1 + 2 * before) / n)
    hidden = np.maximum(_FORGOTTEN, math.sqrt(2 * tests) * error + 2 / 3 * tests * farthest)
    clear = np.flatnonzero(np.abs(correlation) > hidden)
    if not clear.size:
        return 0
    last = int(clear[-1])
    further = min(2.0, math.log(_FORGOTTEN) / math.log(hidden[last]))
    return math.ceil(further * (last + 1))


def _products(values: Floats, lags: int) -> Floats:
    """Shape (lags,): the sums of products with the values 1, 2, ... rows later."""
    size = fft.next_fast_len(len(values) + lags, real=True)
    spectrum = fft.rfft(values, size)
    found: Floats = fft.irfft(np.abs(spectrum) ** 2, size)[1 : lags + 1]
    return found


def _centred(rows: Floats) -> Floats:
    """Columns, and their squares, less their means."""
    centred = rows - rows.mean(axis=0)
    squares = centred**2
    return np.hstack([centred, squares - squares.mean(axis=0)])
