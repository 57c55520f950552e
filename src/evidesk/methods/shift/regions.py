"""Where a shift is, as rules that can be read: "height > 1.8 and city = Jena".

A decision tree is grown on half of the rows (or groups); the shares of both samples in its leaves
are counted on the other half, so that their intervals owe nothing to the search. Sources: Breiman,
Friedman, Olshen and Stone, "Classification and regression trees" (1984), for the trees; Athey and
Imbens, "Recursive partitioning for heterogeneous causal effects", PNAS 113 (2016) 7353-7360, for
honest halves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.metrics.accuracy import accuracy
from evidesk.methods.shift.effect import split
from evidesk.methods.shift.relabelling import Relabelling
from evidesk.methods.shift.samples import Samples

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

DEPTH = 3
#: A leaf holds at least so many rows, and this share of them.
_FEWEST, _SMALLEST = 10, 0.02
#: Pearson's chi-squared of a split, in halves of equal weight; less is often found by search alone.
_CLEAREST = 15.0


@dataclass(frozen=True)
class Condition:
    """What a rule asks of one feature.

    Attributes
    ----------
    low, high : a number is above the one and at most the other.
    missing : whether a missing number will do, too.
    can_miss : whether any row's is missing.
    level : the category that it is; None for any but those of ``but``.
    is_time : whether ``low`` and ``high`` are seconds since 1970.
    """

    feature: str
    low: float = -np.inf
    high: float = np.inf
    missing: bool = True
    can_miss: bool = False
    level: str | None = None
    but: tuple[str, ...] = ()
    is_time: bool = False

    def holds(self, values: npt.NDArray[Any]) -> Mask:
        """Of numbers with NaN for missing ones, or of categories."""
        if self.level is not None:
            return np.asarray(values == self.level)
        if self.but:
            return ~np.isin(values.astype(str), self.but)
        there = ~np.isnan(values)
        return np.asarray((there & (values > self.low) & (values <= self.high)) | self._miss(there))

    def _miss(self, there: Mask) -> Mask:
        return ~there & self.missing

    def __str__(self) -> str:
        if self.level is not None:
            return f"{self.feature} = {self.level}"
        if self.but:
            excluded = ", ".join(self.but)
            return f"{self.feature} is {'not' if len(self.but) == 1 else 'none of'} {excluded}"
        if self.low == np.inf:
            return f"{self.feature} is missing"
        tail = " or missing" if self.missing and self.can_miss else ""
        write = _moment if self.is_time else "{:.12g}".format
        low, high = write(self.low), write(self.high)
        if np.isfinite(self.low) and np.isfinite(self.high):
            return f"{low} < {self.feature} <= {high}{tail}"
        if np.isfinite(self.low):
            return f"{self.feature} > {low}{tail}"
        if np.isfinite(self.high):
            return f"{self.feature} <= {high}{tail}"
        return f"{self.feature} is not missing"


def _moment(seconds: float) -> str:
    """Date and time as far as not zero: 2026-03-01, 2026-03-01 06:00, 2026-03-01 06:00:07.5."""
    if not np.isfinite(seconds):
        return str(seconds)
    text = str(np.datetime64(round(seconds * 1e6), "us")).replace("T", " ")
    for idle in (".000000", ":00", " 00:00"):
        text = text.removesuffix(idle)
    return text.rstrip("0") if "." in text else text


@dataclass(frozen=True)
class Region:
    """A part of the space, and how much of each sample lies there.

    Attributes
    ----------
    conditions : all of them hold in it.
    reference, current : shares of the samples, of rows that the rule was not learnt from.
    """

    conditions: tuple[Condition, ...]
    reference: Estimate
    current: Estimate

    @property
    def rule(self) -> str:
        return " and ".join(map(str, self.conditions))

    @property
    def apart(self) -> bool:
        """Whether the intervals of the two shares do not overlap."""
        return self.reference.high < self.current.low or self.current.high < self.reference.low

    def holds(self, samples: Samples) -> Mask:
        """Which rows lie in it."""
        values = dict(_readable(samples))
        found = np.ones(samples.n, dtype=bool)
        for one in self.conditions:
            found &= one.holds(values[one.feature])
        return found

    def __str__(self) -> str:
        return (
            f"{self.rule}: {_percent(self.reference)} of the reference, {_percent(self.current)} "
            "of the current sample"
        )


def _percent(share: Estimate) -> str:
    return f"{100 * share.value:.3g} % [{100 * share.low:.3g}, {100 * share.high:.3g}]"


def regions_of(
    samples: Samples, relabelling: Relabelling, level: float, rng: np.random.Generator
) -> tuple[Region, ...]:
    """The leaves, the largest difference of shares first; none if the tree does not split.

    Raises
    ------
    ValueError : too few rows (or groups) for two halves.
    """
    learn = split(relabelling, rng)
    values = dict(_readable(samples))
    groups = relabelling.group if relabelling.in_groups else None
    found = []
    for path in _paths(samples, values, learn, int(rng.integers(2**31))):
        inside = np.ones(samples.n, dtype=bool)
        for one in path:
            inside &= one.holds(values[one.feature])
        shares = []
        for current in (False, True):
            rows = ~learn & (samples.is_current == current)
            of_group = None if groups is None else groups[rows]
            everyone = np.ones(int(rows.sum()), dtype=bool)
            shares.append(accuracy(inside[rows], everyone, level=level, groups=of_group))
        found.append(Region(path, *shares))
    return tuple(sorted(found, key=lambda one: -abs(one.current.value - one.reference.value)))


def _readable(samples: Samples) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Each feature's values as people know them."""
    for number, feature in enumerate(samples.features):
        columns = samples.design[:, samples.owner == number]
        if feature.kind == "categorical":
            yield feature.name, np.array(feature.levels, dtype=object)[columns.argmax(axis=1)]
            continue
        numbers = columns[:, 0] * feature.scale + feature.centre
        if feature.has_missing:
            numbers = np.where(columns[:, 1] > 0, np.nan, numbers)
        yield feature.name, numbers


def _paths(
    samples: Samples, values: dict[str, npt.NDArray[Any]], learn: Mask, seed: int
) -> Iterator[tuple[Condition, ...]]:
    """The conditions on the way to each leaf."""
    from sklearn.tree import DecisionTreeClassifier

    columns: list[Floats] = []
    means: list[tuple[int, str]] = []  # what a column is: a number, or whether it is a category
    for number, feature in enumerate(samples.features):
        own = values[feature.name]
        if feature.kind == "numeric":
            # Ranks, for trees compute in single precision.
            known = np.unique(own[~np.isnan(own)])
            place = np.searchsorted(known, own).astype(np.float64)
            columns.append(np.where(np.isnan(own), np.nan, place))
            means.append((number, ""))
        else:
            columns += [(own == one).astype(np.float64) for one in feature.levels]
            means += [(number, one) for one in feature.levels]
    smallest = max(_FEWEST, round(_SMALLEST * int(learn.sum())))
    tree = DecisionTreeClassifier(
        max_depth=DEPTH,
        min_samples_leaf=smallest,
        min_impurity_decrease=_CLEAREST / (2 * int(learn.sum())),
        class_weight="balanced",
        random_state=seed,
    )
    grown = tree.fit(np.column_stack(columns)[learn], samples.is_current[learn]).tree_

    def descend(node: int, path: dict[int, Condition]) -> Iterator[tuple[Condition, ...]]:
        left, right = grown.children_left[node], grown.children_right[node]
        if left < 0:
            if path:
                yield tuple(path.values())
            return
        column, at = int(grown.feature[node]), float(grown.threshold[node])
        number, level = means[column]
        feature = samples.features[number]
        before = path.get(
            number, Condition(feature.name, can_miss=feature.has_missing, is_time=feature.is_time)
        )
        if level:
            branches = (
                replace(before, but=(*before.but, level)),
                replace(before, level=level, but=()),
            )
        else:
            to_left = bool(grown.missing_go_to_left[node])
            own = values[feature.name]
            cut = np.inf
            if np.isfinite(at):
                cut = _cut(own, columns[column], learn, at, is_time=feature.is_time)
            branches = (
                replace(before, high=min(before.high, cut), missing=before.missing and to_left),
                replace(before, low=max(before.low, cut), missing=before.missing and not to_left),
            )
        for child, condition in zip((left, right), branches, strict=True):
            yield from descend(child, {**path, number: condition})

    yield from descend(0, {})


def _cut(values: Floats, places: Floats, learn: Mask, at: float, *, is_time: bool) -> float:
    """The shortest number, or date, that splits the learning rows as the tree does."""
    below = float(values[learn & (places <= at)].max())
    above = float(values[learn & (places > at)].min())
    middle, reach = below / 2 + above / 2, 0.4 * (above - below)
    # Well between the two, for they have been standardised and back.
    digits = (float(f"{middle:.{count}g}") for count in range(1, 17))
    rounded = _round_moments(middle) if is_time else digits
    return next((one for one in rounded if abs(one - middle) <= reach), middle)


def _round_moments(seconds: float) -> Iterator[float]:
    """Beginnings of the years, months, days, hours, minutes and seconds before and after."""
    exact = np.datetime64(round(seconds * 1e6), "us")
    for unit in "YMDhms":
        before = exact.astype(f"datetime64[{unit}]")
        for one in (before, before + 1):
            yield float((one - np.datetime64(0, "s")) / np.timedelta64(1, "s"))
