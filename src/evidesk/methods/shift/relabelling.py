"""Relabellings of the rows: what the samples' labels could have been if there were no shift.

If rows (or groups of rows) are exchangeable between the samples, each relabelling was as likely as
the one that is there, and the share of relabellings whose statistic is at least as large is an
exact p-value. Sources: Phipson and Smyth, "Permutation p-values should never be zero", Statistical
Applications in Genetics and Molecular Biology 9 (2010) 39, for the observed labelling counting as
one; Hemerik and Goeman, "Exact testing with random permutations", TEST 27 (2018) 811-825, for
random relabellings from a group of permutations.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from scipy import special

from evidesk.evidence import Estimate
from evidesk.methods.metrics.labels import is_missing
from evidesk.methods.metrics.proportion import proportion_interval

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]


#: Labels in a batch.
_BATCH = 50_000_000


class TooFewError(ValueError):
    """With so few rows (or groups), no result whatever could be significant."""


@dataclass(frozen=True)
class Relabelling:
    """Which labels may change places.

    Attributes
    ----------
    is_current : shape (n,); the labels that are there.
    group : shape (n,); the number of the row's unit, from 0 on.
    whole : shape (n,); the number of the row's group among those that lie in one sample alone,
        whose label is the group's; -1 for rows of groups that have rows in both samples: inside
        each of these, labels change places.
    unit : what a row's unit is called: ``"rows"``, ``"groups"`` or ``"blocks of rows"``.
    """

    is_current: Mask
    group: Ints
    whole: Ints
    unit: str = "rows"

    @classmethod
    def of_rows(cls, is_current: Mask) -> "Relabelling":
        rows = np.arange(len(is_current))
        return cls(is_current, rows, rows)

    @classmethod
    def of_groups(
        cls, is_current: Mask, groups: npt.ArrayLike, unit: str = "groups"
    ) -> "Relabelling":
        """Groups of rows that belong together; a group in both samples compares with itself.

        Raises
        ------
        ValueError : not one group for each row, or a group is missing.
        """
        names = np.asarray(groups)
        if names.shape != is_current.shape:
            raise ValueError(
                f"'groups' must name the group of each of the {len(is_current):,} rows, the "
                f"reference's first and then the current sample's; got shape {names.shape}."
            )
        kind = names.dtype.kind
        if np.isnan(names).any() if kind == "f" else kind == "O" and any(map(is_missing, names)):
            raise ValueError("'groups' has missing values. Give these rows groups of their own.")
        _, group = np.unique(
            names.astype(str) if names.dtype.kind == "O" else names, return_inverse=True
        )
        sizes = np.bincount(group)
        current = np.bincount(group, weights=is_current)
        mixed = (current > 0) & (current < sizes)
        number = np.where(mixed, -1, np.cumsum(~mixed) - 1)
        return cls(is_current, group, number[group], unit)

    @property
    def in_groups(self) -> bool:
        """Whether a unit can be several rows."""
        return self.unit != "rows"

    @property
    def count(self) -> int:
        """How many units there are."""
        return int(self.group.max()) + 1

    @property
    def over(self) -> str:
        """What is random, in the words of :class:`~evidesk.evidence.Estimate`."""
        return f"{self.count} {self.unit}" if self.in_groups else "cases"

    def log_count(self, *, one_sided: bool = False) -> float:
        """Natural logarithm of how many relabellings can be told from each other.

        Parameters
        ----------
        one_sided : whether the statistic tells a shift from the opposite one. Else, where both
            samples are of one size, a labelling and its opposite are the same.
        """
        labels = self._labels_of_whole()
        inside = self.group[self.whole < 0]
        size = np.r_[len(labels), np.bincount(inside)]
        current = np.r_[labels.sum(), np.bincount(inside, weights=self.is_current[self.whole < 0])]
        return _log_ways(size, current, one_sided)

    def check(self, alpha: float, *, one_sided: bool = False) -> None:
        """Raise `TooFewError` if not even the most extreme result would have a p-value of at most
        ``alpha``.
        """
        found, needed = self.log_count(one_sided=one_sided), -math.log(alpha) - 1e-12
        if found >= needed:
            return
        labels = self._labels_of_whole()
        if len(labels) == self.count:
            current = int(labels.sum())
            told = f"{len(labels) - current} {self.unit} in the reference and {current} in the "
            told += "current sample"
            enough = next(
                size
                for size in range(2, 10_000)
                for inside in (min(max(current, 1), size - 1), size // 2)
                if _log_ways(size, inside, one_sided) >= needed
            )
            ask = (
                f"At least {enough} {self.unit} are needed in all, for example "
                f"{enough - enough // 2} and {enough // 2}."
            )
        else:
            told = f"{self.count} groups, {self.count - len(labels)} of them in both samples,"
            ask = "Give more groups."
        raise TooFewError(
            f"{told} can be relabelled in {round(math.exp(found)):,} way(s) only that a test can "
            f"tell apart, so that no p-value can be below {math.exp(-found):.2g}, and none is at "
            f"most {alpha:g}. {ask}"
        )

    def labels(self, count: int, rng: np.random.Generator) -> Singles:
        """Shape (n, 1 + count): 1 for current, 0 for reference; first the labels that are there."""
        found = np.empty((len(self.is_current), count + 1), dtype=np.float32, order="F")
        found[:, 0] = self.is_current
        # Bytes are shuffled in the processor's cache.
        of_whole = self._labels_of_whole()
        in_whole = self.whole >= 0
        is_all = bool(in_whole.all())
        # Rows of groups in both samples, group by group.
        mixed = np.flatnonzero(~in_whole)
        mixed = mixed[np.argsort(self.group[mixed], kind="stable")]
        for column in range(1, count + 1):
            shuffled = rng.permutation(of_whole)
            if is_all:
                # Of rows, each is its own unit.
                found[:, column] = shuffled[self.whole] if self.in_groups else shuffled
                continue
            if len(shuffled):
                found[in_whole, column] = shuffled[self.whole[in_whole]]
            # In random order within each group.
            drawn = rng.permutation(mixed)
            drawn = drawn[np.argsort(self.group[drawn], kind="stable")]
            found[mixed, column] = self.is_current[drawn]
        return found

    def batches(self, count: int, rng: np.random.Generator) -> Iterator[Singles]:
        """All columns of :meth:`labels`, some at a time: all of many rows would fill the memory."""
        size = max(1, _BATCH // len(self.is_current))
        done = 0
        while done < count:
            some = min(size, count - done)
            labels = self.labels(some, rng)
            yield labels if done == 0 else labels[:, 1:]
            done += some

    def centred_batches(
        self, count: int, rng: np.random.Generator
    ) -> Callable[[], Iterator[Singles]]:
        """What gives the same :meth:`batches`, each column less its mean, whenever it is called. A
        single one is kept as it is; of more, each label is kept in one byte, not in four.
        """
        if len(self.is_current) * count <= _BATCH:
            whole = centred(self.labels(count, rng))
            return lambda: iter([whole])
        kept = [labels.astype(bool) for labels in self.batches(count, rng)]
        return lambda: (centred(labels.astype(np.float32)) for labels in kept)

    def _labels_of_whole(self) -> npt.NDArray[np.bool_]:
        """The label of each group that lies in one sample alone."""
        labels = np.zeros(int(self.whole.max(initial=-1)) + 1, dtype=bool)
        labels[self.whole[self.whole >= 0]] = self.is_current[self.whole >= 0]
        return labels


def centred(labels: Singles) -> Singles:
    """Each column less its mean."""
    found: Singles = labels - labels.mean(axis=0, dtype=np.float64).astype(np.float32)
    return found


def _log_ways(size: npt.ArrayLike, current: npt.ArrayLike, one_sided: bool) -> float:
    """Logarithm of the ways to label so many of each set, less opposites that look the same."""
    n, k = np.asarray(size), np.asarray(current)
    each = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    found = float(each.sum())
    has_opposites = not one_sided and found > 0 and bool((2 * k == n).all())
    return found - math.log(2) * has_opposites


def fewest_relabellings(alpha: float) -> int:
    """Fewer cannot give a p-value of at most ``alpha``."""
    return math.ceil(1 / alpha - 1e-9) - 1


def check_permutations(permutations: Any, alpha: float) -> None:
    """How many relabellings a user asks for; None leaves it to the method.

    Raises
    ------
    ValueError : no integer, or so few that no result could be significant.
    """
    if permutations is None:
        return
    fewest = fewest_relabellings(alpha)
    is_integer = isinstance(permutations, int | np.integer) and not isinstance(permutations, bool)
    if not is_integer or permutations < fewest:
        raise ValueError(
            f"The 'permutations' parameter must be an integer from {fewest} on, or no p-value "
            f"could be as small as {alpha:.3g}. Got {permutations!r} instead."
        )


def permutation_p_value(statistics: npt.ArrayLike, *, level: float = 0.95) -> Estimate:
    """The p-value of the first statistic among all, larger ones being more extreme.

    Parameters
    ----------
    statistics : shape (1 + B,); the first is the observed one, the others those of relabellings.
    level : of the interval.

    Returns
    -------
    ``(1 + #{as large}) / (1 + B)``, exact as a test. The interval (Clopper-Pearson) is of the
    p-value that all relabellings would give: it holds the Monte-Carlo error alone.
    """
    values = np.asarray(statistics, dtype=np.float64)
    drawn = len(values) - 1
    # Sums in another order differ in their last digits; such statistics are equal.
    slack = 1e-6 * max(abs(float(values[0])), 1e-12)
    as_large = int((values[1:] >= values[0] - slack).sum())
    low, high = proportion_interval(as_large, drawn, level=level, method="clopper-pearson")
    p = (1 + as_large) / (1 + drawn)
    return Estimate(
        p, min(float(low), p), max(float(high), p), level, "permutation", drawn,
        over=f"{drawn} relabellings",
    )  # fmt: skip


def for_each(
    statistic: Callable[..., float],
    labellings: Sequence[tuple[Any, ...]],
    progress: Callable[[float], None],
    n_jobs: int | None,
) -> Floats:
    """The statistic of each labelling, where each needs a model of its own.

    Parameters
    ----------
    labellings : the arguments of ``statistic``, for each.
    n_jobs : how many at once, as joblib takes it: on this machine's cores, or on Dask's workers
        within ``joblib.parallel_config(backend="dask")``.

    Returns
    -------
    Shape (b,), the same for any ``n_jobs``.
    """
    found = np.empty(len(labellings))
    tasks = (delayed(statistic)(*each) for each in labellings)
    for number, value in enumerate(Parallel(n_jobs=n_jobs, return_as="generator")(tasks)):
        found[number] = value
        progress((number + 1) / len(found))
    return found


def combine(statistics: npt.NDArray[Any]) -> Floats:
    """One statistic of several, each of which is seen against its own relabellings.

    Each statistic's rank among its row is a p-value; of these, the harmonic mean is taken: a small
    one is enough, whatever the others say, and where all are fairly small so is the whole. All
    columns are treated alike, so that the combined statistic is as exact as each. Source: Wilson,
    "The harmonic mean p-value for combining dependent tests", PNAS 116 (2019) 1195-1200; its null
    distribution is not needed.

    Parameters
    ----------
    statistics : shape (k, 1 + B).

    Returns
    -------
    Shape (1 + B,): the inverse of that mean, times k.
    """
    columns = statistics.shape[1]
    # How many of a row are at least as large; equal ones share the larger number. Sums in another
    # order differ in their last digits; such statistics are equal.
    ascending = np.sort(statistics, axis=1)
    slack = 1e-6 * (ascending[:, -1] - ascending[:, 0])
    as_large = np.stack(
        [
            columns - np.searchsorted(row, own - margin, side="left")
            for row, own, margin in zip(ascending, statistics, slack, strict=True)
        ]
    )
    p = (as_large - 0.5) / columns
    combined: Floats = (1 / p).sum(axis=0)
    return combined
