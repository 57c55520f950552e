"""How large the shift is: what a p-value does not tell.

Sources: Zaremba, Gretton and Blaschko, "B-test: a non-parametric, low variance kernel two-sample
test", NeurIPS 26 (2013), for means over blocks, whose error is known with and without a shift;
Szekely and Rizzo, "Energy statistics", Journal of Statistical Planning and Inference 143 (2013)
1249-1272, for the energy distance. That twice the balanced accuracy of any rule, less 1, is at most
the total variation distance, is the latter's definition.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special
from scipy.spatial.distance import cdist

from evidesk.evidence import Estimate
from evidesk.methods.metrics.auroc import auroc
from evidesk.methods.metrics.label_functions import balanced_accuracy
from evidesk.methods.metrics.proportion import PoorApproximationWarning
from evidesk.methods.shift.families import Family, families_for
from evidesk.methods.shift.relabelling import Relabelling
from evidesk.methods.shift.ridge import Spectrum
from evidesk.methods.shift.samples import Samples

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

#: A rule learns from so many rows at most; more would hardly make a better one.
MOST_LEARNT = 50_000
#: The smallest p-value that the AUROC's interval is asked for.
_SMALLEST = 1e-15
#: Blocks of the energy distance, and rows of each sample in one of them.
MOST_BLOCKS = 50
_FEWEST_BLOCKS = 5
_FEWEST_IN_BLOCK, _MOST_IN_BLOCK = 2, 400


@dataclass(frozen=True)
class HeldOut:
    """Scores of rows that the rule was not learnt from; larger for likelier current ones.

    Attributes
    ----------
    rows : which rows.
    scores, is_current : of these.
    threshold : of the score, above which the rule says "current"; learnt from the other rows.
    """

    rows: Ints
    scores: Floats
    is_current: Mask
    threshold: float
    groups: Ints | None


def held_out(samples: Samples, relabelling: Relabelling, rng: np.random.Generator) -> HeldOut:
    """Learn on half of the rows (or groups) the rule that tells the samples apart best, and score
    the others with it.

    Raises
    ------
    ValueError : a half would have no row of one of the samples.
    """
    half = split(relabelling, rng)
    learn = thinned(np.flatnonzero(half), samples.is_current, MOST_LEARNT, rng)
    labels = samples.is_current[learn].astype(np.float32)
    centred = labels - labels.mean()
    best = -np.inf
    rule: tuple[Family, Spectrum] | None = None
    for family in families_for(samples, rng):
        spectrum = Spectrum.of(family(samples.design[learn]))
        if spectrum is None:
            continue
        explained = float(spectrum.explained(centred[:, None])[0])
        if explained > best:
            best, rule = explained, (family, spectrum)
    scores = np.zeros(samples.n)
    if rule is not None:
        family, spectrum = rule
        scores = spectrum.scores(family(samples.design), centred)
    learnt = scores[learn]
    grid = np.unique(np.quantile(learnt, np.linspace(0.02, 0.98, 97)))
    current = learnt[samples.is_current[learn]]
    reference = learnt[~samples.is_current[learn]]
    gain = [(current > cut).mean() - (reference > cut).mean() for cut in grid]
    rest = np.flatnonzero(~half)
    return HeldOut(
        rest,
        scores[rest],
        samples.is_current[rest],
        float(grid[int(np.argmax(gain))]),
        relabelling.group[rest] if relabelling.in_groups else None,
    )


def halves_of(rng: np.random.Generator) -> np.random.Generator:
    """What draws the halves: of one seed the same ones whatever else is drawn, so that the test and
    the curve beside it tell of the same rows.
    """
    return rng.spawn(1)[0]


def split(relabelling: Relabelling, rng: np.random.Generator) -> Mask:
    """A random half of each sample, by whole units; True for what is learnt from."""
    is_current, group = relabelling.is_current, relabelling.group
    learn = np.zeros(len(group), dtype=bool)
    current = np.bincount(group, weights=is_current)
    size = np.bincount(group)
    kinds = np.where(current == 0, 0, np.where(current == size, 1, 2))
    for kind in np.unique(kinds):
        units = rng.permutation(np.flatnonzero(kinds == kind))
        chosen = np.zeros(len(size), dtype=bool)
        chosen[units[: len(units) // 2]] = True
        learn |= chosen[group]
    for half in (learn, ~learn):
        if is_current[half].all() or not is_current[half].any():
            raise ValueError(
                f"Each half needs {relabelling.unit} of both samples to tell how large the shift "
                "is: two of each at least."
            )
    return learn


def thinned(rows: Ints, is_current: Mask, most: int, rng: np.random.Generator) -> Ints:
    """At most so many of the rows, ascending: those of the smaller sample (but no more than half of
    ``most``), and as many of the larger one as there is room for, drawn at random.

    Parameters
    ----------
    is_current : shape (n,), of all rows.
    """
    if len(rows) <= most:
        return rows
    few, many = sorted((rows[is_current[rows]], rows[~is_current[rows]]), key=len)
    if len(few) > most // 2:
        few = rng.choice(few, most // 2, replace=False)
    many = rng.choice(many, most - len(few), replace=False)
    return np.sort(np.concatenate([few, many]))


def separation(found: HeldOut, level: float) -> tuple[Estimate, Estimate, tuple[str, ...]]:
    """AUROC of the held-out scores, a lower bound of the total variation distance, and what is to
    be said about them.
    """
    with warnings.catch_warnings(record=True) as of_area:
        warnings.simplefilter("always", PoorApproximationWarning)
        area = _area(found, level)
    with warnings.catch_warnings(record=True) as of_share:
        warnings.simplefilter("always", PoorApproximationWarning)
        share = balanced_accuracy(
            found.is_current, found.scores > found.threshold, level=level, groups=found.groups
        )
    told = [*dict.fromkeys(str(one.message) for one in of_area)]
    if of_share:
        current = int(found.is_current.sum())
        told.append(
            f"The rule is tested on {len(found.is_current) - current:,} row(s) of the reference "
            f"and {current:,} of the current sample, which are few: the total variation distance "
            "is less certain than its lower bound says."
        )
    area = Estimate(
        area.value, area.low, area.high, area.level, area.method, area.n,
        null_value=0.5, over=area.over,
    )  # fmt: skip
    variation = Estimate(
        max(2 * share.value - 1, 0.0), max(2 * share.low - 1, 0.0), 1.0, level,
        "balanced accuracy", share.n, null_value=0.0, over=share.over,
    )  # fmt: skip
    return area, variation, tuple(told)


def beyond(found: HeldOut, bound: float, level: float) -> Estimate:
    """One-sided p-value of "the AUROC is at most ``bound``", from the AUROC's own interval: the
    smallest p for which the lower bound at a level of ``1 - 2 p`` is at least ``bound``.

    It does not depend on ``level``, which is only that of the Estimate, and is never below 1e-15:
    levels closer to 1 are rounded.
    """

    def excess(z: float) -> float:
        """How far the one-sided bound of error probability ``ndtr(-z)`` lies above."""
        # At a level of 0 there is the value alone.
        area = _area(found, max(float(special.erf(abs(z) / np.sqrt(2))), 1e-9))
        return (area.low if z > 0 else area.high) - bound

    with warnings.catch_warnings():
        # They are among the result's.
        warnings.simplefilter("ignore", PoorApproximationWarning)
        farthest = -float(special.ndtri(_SMALLEST))
        z = farthest
        if excess(farthest) < 0:
            z = -farthest
            if excess(-farthest) > 0:
                z = float(optimize.brentq(excess, -farthest, farthest, xtol=1e-9))
        area = _area(found, level)
    p = float(special.ndtr(-z))
    return Estimate(p, p, p, level, area.method, area.n, over=area.over)


def _area(found: HeldOut, level: float) -> Estimate:
    return auroc(found.is_current, found.scores, level=level, groups=found.groups)


def energy_distance(
    samples: Samples, relabelling: Relabelling, level: float, rng: np.random.Generator
) -> Estimate | None:
    """Energy distance of the standardised rows, ``2 E|X - Y| - E|X - X'| - E|Y - Y'|``, as the mean
    over disjoint blocks, with Student's interval. It is 0 only without a shift, and never below: a
    mean below 0, as samples that share rows give, counts as 0, with the interval about it. That
    takes the mean nearer to any possible value, so that the interval covers no less. None if there
    are too few rows or groups for five blocks.
    """
    is_current, group = relabelling.is_current, relabelling.group
    size = np.bincount(group)
    current = np.bincount(group, weights=is_current)
    fewest = min(int((current > 0).sum()), int((current < size).sum()))
    blocks = min(MOST_BLOCKS, fewest // _FEWEST_IN_BLOCK, max(fewest // 10, _FEWEST_BLOCKS))
    if blocks < _FEWEST_BLOCKS:
        return None
    # Dealt out like cards, those in both samples between those of one: so each block gets two units
    # of each sample at least.
    kinds = (current == 0, (current > 0) & (current < size), current == size)
    dealt = np.concatenate([rng.permutation(np.flatnonzero(kind)) for kind in kinds])
    block_of = np.empty(len(size), dtype=np.intp)
    block_of[dealt] = np.arange(len(size)) % blocks
    block = block_of[group]
    values, used = [], 0
    for number in range(blocks):
        rows = np.flatnonzero(block == number)
        x = _some(rows[~is_current[rows]], rng)
        y = _some(rows[is_current[rows]], rng)
        used += len(x) + len(y)
        values.append(_energy(samples.design[x], samples.design[y]))
    mean = max(float(np.mean(values)), 0.0)
    error = float(np.std(values, ddof=1) / np.sqrt(len(values)))
    half = float(special.stdtrit(len(values) - 1, (1 + level) / 2)) * error
    return Estimate(
        mean, max(mean - half, 0.0), mean + half, level, f"{len(values)} blocks", used,
        null_value=0.0, over=relabelling.over,
    )  # fmt: skip


def _some(rows: Ints, rng: np.random.Generator) -> Ints:
    return rng.permutation(rows)[:_MOST_IN_BLOCK]


def _energy(x: Floats, y: Floats) -> float:
    """Unbiased: a row's distance to itself is not counted."""
    m, n = len(x), len(y)
    within_x = cdist(x, x).sum() / (m * (m - 1))
    within_y = cdist(y, y).sum() / (n * (n - 1))
    return float(2 * cdist(x, y).mean() - within_x - within_y)
