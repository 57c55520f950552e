"""Two samples as one table of numbers, made without looking at which row is whose.

Whatever is made of the pooled rows alone stays the same when their labels are permuted, so that a
permutation test of any function of it is exact.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.methods.shift.columns import FeatureColumn, Kind, check_alike, columns_of

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Categories beyond the most frequent ones count as one.
MOST_LEVELS = 50
#: So many columns are named, and of each so many of the categories that one sample lacks.
_NAMED, _NAMED_LEVELS = 5, 3
#: Of more categories, one sample lacks some by chance: those are named that it lacks with less than
#: this probability, for any of the column.
_FEW_LEVELS, _BY_CHANCE = 10, 0.05
#: What stands for a missing category.
MISSING = "(missing)"
_OTHER = "(other)"


@dataclass(frozen=True)
class Feature:
    """How a column becomes numbers: learnt from the pooled rows.

    Attributes
    ----------
    centre, scale : of a numeric column's values that are there.
    has_missing : whether a numeric column gets a further column that says where it is missing.
    levels : of a categorical column, the categories that get a column each.
    is_time : whether a numeric column's values are seconds since 1970.
    """

    name: str
    kind: Kind
    centre: float = 0.0
    scale: float = 1.0
    has_missing: bool = False
    levels: tuple[str, ...] = ()
    is_time: bool = False

    @classmethod
    def of(cls, column: FeatureColumn) -> "Feature | None":
        """None if the column says nothing: all its rows have the same value."""
        if column.kind == "numeric":
            return cls._numeric(column)
        levels, counts = np.unique(_texts(column.values), return_counts=True)
        if len(levels) < 2:
            return None
        # The most frequent first, of equal ones the first in the alphabet.
        order = np.lexsort((levels, -counts))
        kept = [str(levels[i]) for i in order]
        if len(kept) > MOST_LEVELS:
            kept = [*kept[: MOST_LEVELS - 1], _OTHER]
        return cls(column.name, "categorical", levels=tuple(kept))

    @classmethod
    def _numeric(cls, column: FeatureColumn) -> "Feature | None":
        values = column.values
        missing = np.isnan(values)
        there = values[~missing]
        spread = there.min() < there.max() if there.size else False
        if not spread and (not missing.any() or missing.all()):
            return None
        # Divided first, so that no sum overflows.
        largest = np.abs(there).max() or 1.0
        centre = float((there / largest).mean() * largest)
        scale = float((there / largest).std() * largest) if spread else 1.0
        return cls(
            column.name, "numeric", centre, scale or 1.0, bool(missing.any()),
            is_time=column.is_time,
        )  # fmt: skip

    @property
    def width(self) -> int:
        """How many columns of numbers it becomes."""
        return len(self.levels) if self.kind == "categorical" else 1 + self.has_missing

    def encode(self, values: npt.NDArray[Any]) -> Floats:
        """The values as numbers, shape (n, width): the standardised value, a missing one as 0, and
        whether it is missing; or one column of 0 and 1 for each category.
        """
        if self.kind == "categorical":
            texts = _texts(values)
            found: Floats = (texts[:, None] == np.array(self.levels, dtype=object)).astype(float)
            if self.levels[-1] == _OTHER:
                found[:, -1] = found[:, :-1].sum(axis=1) == 0
            return found
        numbers = values.astype(np.float64)
        missing = np.isnan(numbers)
        standard = np.where(missing, 0.0, (numbers - self.centre) / self.scale)
        return np.column_stack([standard, missing] if self.has_missing else [standard])


def _texts(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.array([MISSING if one is None or one != one else str(one) for one in values], object)


@dataclass(frozen=True)
class Samples:
    """A reference and a current sample, pooled.

    Attributes
    ----------
    features : those columns that say something.
    design : shape (n, width): all of them as numbers.
    is_current : shape (n,): which rows are the current sample's; the reference comes first.
    number : shape (n,): of each row in its sample, from 0 on.
    warnings : what a reader has to know of the data.
    """

    features: tuple[Feature, ...]
    design: Floats
    is_current: Mask
    number: npt.NDArray[np.intp]
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, reference: Any, current: Any) -> "Samples":
        """Pool them.

        Raises
        ------
        ValueError, TypeError : as `columns_of` and `check_alike`; or no column says anything.
        """
        first = columns_of(reference, "X")
        second = check_alike(first, columns_of(current, "Y"))
        pooled = [_pooled(a, b) for a, b in zip(first, second, strict=True)]
        features = [Feature.of(column) for column in pooled]
        kept = [(f, c) for f, c in zip(features, pooled, strict=True) if f is not None]
        if not kept:
            raise ValueError(
                "All columns are constant: every row of both samples has the same values, so that "
                "there is nothing to compare."
            )
        constant = [c.name for f, c in zip(features, pooled, strict=True) if f is None]
        design = np.hstack([feature.encode(column.values) for feature, column in kept])
        m, n = len(first[0].values), len(pooled[0].values)
        number = np.r_[np.arange(m), np.arange(n - m)]
        found = cls(tuple(f for f, _ in kept), design, np.arange(n) >= m, number)
        return replace(found, warnings=tuple(_warnings(constant, kept, found)))

    @property
    def n(self) -> int:
        return len(self.is_current)

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows of the reference, and of the current sample."""
        current = int(self.is_current.sum())
        return self.n - current, current

    def only(self, rows: Mask, warning: str = "") -> "Samples":
        """These rows alone, without the features that are constant there, with a further warning.

        Raises
        ------
        ValueError : all features are constant there.
        """
        design = self.design[rows]
        varies = np.flatnonzero((design != design[:1]).any(axis=0))
        kept = np.unique(self.owner[varies])
        if not len(kept):
            raise ValueError(
                f"All columns are constant in the {len(design):,} rows that remain of {self.n:,}, "
                "so that there is nothing to compare."
            )
        constant = [one.name for i, one in enumerate(self.features) if i not in set(kept.tolist())]
        told = [*self.warnings, *([warning] if warning else [])]
        if constant:
            told.append(_left_out(constant, "all rows that remain"))
        return Samples(
            tuple(self.features[i] for i in kept),
            design[:, np.isin(self.owner, kept)],
            self.is_current[rows],
            self.number[rows],
            tuple(told),
        )

    @cached_property
    def owner(self) -> npt.NDArray[np.intp]:
        """Shape (width,): the number of the feature that a column of `design` is made of."""
        return np.repeat(np.arange(len(self.features)), [one.width for one in self.features])

    @cached_property
    def measured(self) -> Mask:
        """Shape (width,): which columns of `design` hold a numeric feature's values."""
        return np.concatenate(
            [[one.kind == "numeric"] + [False] * (one.width - 1) for one in self.features]
        ).astype(bool)

    def encode(self, sample: Any) -> Floats:
        """Further rows as numbers, in the same columns.

        Raises
        ------
        ValueError, TypeError : as :meth:`of`.
        """
        by_name = {column.name: column for column in columns_of(sample, "X")}
        lacking = [one.name for one in self.features if one.name not in by_name]
        if lacking:
            raise ValueError(f"The sample has no column {lacking[0]!r}, which the reference has.")
        for one in self.features:
            if by_name[one.name].kind != one.kind:
                raise ValueError(
                    f"Column {one.name!r} is {one.kind} in the reference and "
                    f"{by_name[one.name].kind} here. Give both the same type."
                )
        return np.hstack([one.encode(by_name[one.name].values) for one in self.features])


def _pooled(reference: FeatureColumn, current: FeatureColumn) -> FeatureColumn:
    # A column without any value in one sample is of the other's kind.
    kind = reference.kind
    if reference.kind != current.kind:
        empty = all(one is None or one != one for one in reference.values)
        kind = current.kind if empty else reference.kind
    values = [_as_kind(column.values, kind) for column in (reference, current)]
    is_time = reference.is_time and current.is_time
    return FeatureColumn(reference.name, kind, np.concatenate(values), is_time)


def _as_kind(values: npt.NDArray[Any], kind: Kind) -> npt.NDArray[Any]:
    if kind == "numeric":
        return values.astype(np.float64)  # None becomes NaN
    return np.array([None if one is None or one != one else one for one in values], object)


def _warnings(
    constant: list[str], kept: list[tuple[Feature, FeatureColumn]], samples: Samples
) -> Iterable[str]:
    if constant:
        yield _left_out(constant, "all rows of both samples")
    rows = np.empty((samples.n, len(kept)))
    lacking = []
    for number, (feature, column) in enumerate(kept):
        if feature.kind == "numeric":
            # Zero and missing values have several forms.
            rows[:, number] = np.where(np.isnan(column.values), np.nan, column.values + 0.0)
            continue
        levels, codes = _numbered(column.values)
        rows[:, number] = codes
        alone = _alone(levels, codes, samples.is_current)
        if feature.levels[-1] == _OTHER:
            told = " and ".join(f"{len(found):,} only in the {one}" for one, found in alone.items())
            yield (
                f"Column {feature.name!r} has {len(levels):,} categories, {told}; all but the "
                f"{MOST_LEVELS - 1} most frequent count as one."
            )
            continue
        named = [
            f"{_listed(found, _NAMED_LEVELS)} only in the {one}"
            for one, found in alone.items()
            if len(found)
        ]
        if named:
            lacking.append(f"column {feature.name!r} has {' and '.join(named)}")
    if lacking:
        yield (
            f"Categories that one of the samples lacks: {_listed(lacking, _NAMED, '; ')}. They "
            "count as a difference. Where two of them mean the same, give them one name."
        )
    shared, within = _shared(rows, samples.is_current)
    if shared > 2 * within:
        yield (
            f"{shared:,} of the {samples.sizes[1]:,} rows of the current sample are also in the "
            "reference, value for value. As often as the reference repeats its own rows, "
            f"{within:,} would be expected. If these are the same cases, one sample leaks into the "
            "other: the test takes them for new ones."
        )


def _left_out(names: list[str], where: str) -> str:
    named = ", ".join(map(repr, names[:_NAMED])) + (" ..." if len(names) > _NAMED else "")
    return f"Left out, for {where} have the same value there: {named}."


def _listed(found: Sequence[str] | npt.NDArray[Any], most: int, between: str = ", ") -> str:
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return between.join(found[:most]) + more


def _numbered(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """The different categories as they are printed, the most frequent first, and which of them each
    row's is.
    """
    number: dict[Any, int] = {}
    found = np.array([number.setdefault(one, len(number)) for one in values])
    order = np.argsort(-np.bincount(found), kind="stable")
    levels = np.array([MISSING if one is None else repr(one) for one in number], dtype=object)
    return levels[order], np.argsort(order)[found]


def _alone(
    levels: npt.NDArray[Any], codes: npt.NDArray[np.intp], is_current: Mask
) -> dict[str, npt.NDArray[Any]]:
    """Of each sample, the categories that the other lacks. Of more than a few, unless they are so
    many that they are only counted, without those that it may well lack by chance.
    """
    counts = np.bincount(codes)
    found = {}
    for name, own in (("reference", ~is_current), ("current sample", is_current)):
        alone = np.bincount(codes[~own], minlength=len(levels)) == 0
        if _FEW_LEVELS < len(levels) <= MOST_LEVELS:
            alone &= own.mean() ** counts * len(levels) <= _BY_CHANCE
        found[name] = levels[alone]
    return found


def _shared(rows: Floats, is_current: Mask) -> tuple[int, int]:
    """How many current rows are in the reference, too; and how many reference rows are there twice,
    scaled to the size of the current sample.
    """
    # Where all rows differ in one column already, none is there twice: most tables have such a
    # column, and whole rows take long to sort.
    if any(len(np.unique(column)) == len(rows) for column in rows.T):
        return 0, 0
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    reference, current = keys[~is_current], keys[is_current]
    seen, counts = np.unique(reference, return_counts=True)
    shared = int(np.isin(current, seen).sum())
    twice = counts[counts > 1].sum() / len(reference) * len(current)
    return shared, round(float(twice))
