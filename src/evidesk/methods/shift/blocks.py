"""Rows in order of time, as blocks that are far enough apart to change places.

Neighbouring blocks are alike where one ends and the next begins, and all blocks of a sample are
neighbours: relabelled blocks then differ less than the samples do without any shift, and a test
rejects too often, by a share that falls only as memory over length of block. Gaps as long as the
memory mend that. Source: Burman, Chow and Nolan, "A cross-validatory method for dependent data",
Biometrika 81 (1994) 351-358, for leaving out what lies between blocks.
"""

import math

import numpy as np
import numpy.typing as npt

from evidesk.methods.shift.relabelling import Relabelling
from evidesk.methods.shift.samples import Samples

Floats = npt.NDArray[np.float64]

#: A smaller correlation is forgotten.
_FORGOTTEN = 0.05
#: The memory has to be a small part of the series, or nothing in it is repeated.
_LONGEST = 4


def in_blocks(samples: Samples, length: int) -> tuple[Samples, Relabelling]:
    """The rows in blocks of so many, with gaps of the series' memory between them.

    Rows of the gaps, and those too few for a block at the end of a sample, are left out; the
    samples' warnings say how many.

    Raises
    ------
    ValueError : the length is below 1 or longer than a sample, or the series' memory is longer than
        a quarter of one.
    """
    shortest = min(samples.sizes)
    if not 1 <= length <= shortest:
        raise ValueError(
            f"'block_length' must be from 1 to the size of the smaller sample, {shortest:,}; "
            f"got {length}."
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
    return left, Relabelling.of_groups(left.is_current, group)


def memory(samples: Samples) -> int:
    """After how many rows a series is forgotten: the first lag, less 1, at which the correlation of
    each column and of its square with themselves is below 0.05, or what chance makes it.

    Raises
    ------
    ValueError : that is longer than a quarter of the smaller sample.
    """
    parts = [_centred(samples.design[samples.is_current == current]) for current in (False, True)]
    variance = sum((part**2).sum(axis=0) for part in parts)
    active = np.flatnonzero(variance > 1e-12 * samples.n)
    chance = math.sqrt(2 * math.log(2 * max(len(active), 1)) / samples.n)
    bound = max(_FORGOTTEN, chance)
    longest = min(samples.sizes) // _LONGEST
    for lag in range(1, longest + 2):
        products = sum((part[lag:, active] * part[:-lag, active]).sum(axis=0) for part in parts)
        active = active[products > bound * variance[active]]
        if not len(active):
            return lag - 1
    raise ValueError(
        f"The rows are remembered for more than {longest:,} rows, a quarter of the smaller "
        "sample: they drift, or the series is too short. Nothing in it is repeated, so that a "
        "shift between the samples cannot be told from this drift. Give longer series, or remove "
        "the trend."
    )


def _centred(rows: Floats) -> Floats:
    """Columns, and their squares, less their means."""
    centred = rows - rows.mean(axis=0)
    squares = centred**2
    return np.hstack([centred, squares - squares.mean(axis=0)])
