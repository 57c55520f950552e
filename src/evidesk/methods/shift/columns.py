"""What a sample is: its columns by name, each of numbers or of categories."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.labels import is_missing

Floats = npt.NDArray[np.float64]
Kind = Literal["numeric", "categorical"]


@dataclass(frozen=True)
class FeatureColumn:
    """A feature's values in one sample.

    Attributes
    ----------
    values : shape (n,); floats with NaN for missing ones, or text with None for missing ones.
    is_time : whether the numbers are seconds since 1970.
    """

    name: str
    kind: Kind
    values: npt.NDArray[Any]
    is_time: bool = False


def columns_of(sample: Any, what: str) -> list[FeatureColumn]:
    """The columns of a data frame (pandas, polars), a mapping, or an array of one or two axes.

    Numbers, true/false and dates are numeric, dates in seconds and without a zone in UTC; anything
    else is a category, as are numbers that pandas was told are ones. None, NaN, NA, NaT and what is
    masked are missing values.

    Raises
    ------
    ValueError : it has no rows or no columns, two columns of one name, columns of unequal length,
        more than two dimensions, or infinite numbers.
    TypeError : it is none of these.
    """
    named = list(_named(sample, what))
    names = [name for name, _ in named]
    if not names:
        raise ValueError(f"'{what}' has no columns.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"'{what}' has two columns of the name {twice!r}. Rename one of them.")
    found = [_column(name, values, what) for name, values in named]
    lengths = {len(column.values) for column in found}
    if len(lengths) > 1:
        raise ValueError(f"The columns of '{what}' have different lengths: {sorted(lengths)}.")
    if lengths == {0}:
        raise ValueError(f"'{what}' has no rows; at least one is needed.")
    return found


def _named(sample: Any, what: str) -> Iterable[tuple[str, Any]]:
    if isinstance(sample, Mapping):
        return [(str(name), values) for name, values in sample.items()]
    if hasattr(sample, "columns") and hasattr(sample, "__getitem__"):
        return [(str(name), sample[name]) for name in sample.columns]
    if isinstance(sample, str | bytes) or not hasattr(sample, "__len__"):
        raise TypeError(
            f"'{what}' must be a data frame or an array of one or two dimensions, got "
            f"{type(sample).__name__}."
        )
    array = sample if isinstance(sample, np.ma.MaskedArray) else np.asarray(sample)
    if array.ndim == 1:
        return [("x0", sample)]
    if array.ndim == 2:
        return [(f"x{number}", array[:, number]) for number in range(array.shape[1])]
    raise ValueError(
        f"'{what}' must have one or two dimensions, got shape {array.shape}. Turn images and texts "
        "into rows of numbers first, for example by the last layer of a network."
    )


def _column(name: str, values: Any, what: str) -> FeatureColumn:
    codes = getattr(getattr(values, "cat", values), "codes", None)
    if codes is not None:  # pandas' categories, whatever they are made of
        texts = np.array([*map(str, values.dtype.categories), None], dtype=object)
        return FeatureColumn(name, "categorical", texts[np.asarray(codes)])
    array = _plain(values)
    if array.ndim != 1:
        raise ValueError(f"Column {name!r} of '{what}' must hold one value for each row.")
    kind = array.dtype.kind
    if kind in "Mm":
        # In seconds, whatever unit a frame keeps them in.
        as_numbers = array.astype(f"{kind}8[us]").astype("int64") / 1e6
        values = np.where(np.isnat(array), np.nan, as_numbers)
        return FeatureColumn(name, "numeric", values, is_time=kind == "M")
    if kind == "O":
        missing = np.fromiter(map(is_missing, array), dtype=bool, count=len(array))
        there = array[~missing]
        if len(there) and all(isinstance(one, date | np.datetime64) for one in there):
            dates = np.full(len(array), np.datetime64("NaT"), dtype="datetime64[us]")
            dates[~missing] = [_in_utc(one) for one in there]
            return _column(name, dates, what)
        if all(
            isinstance(one, bool | int | float | Decimal | np.number | np.bool_) for one in there
        ):
            numbers = np.full(len(array), np.nan)
            numbers[~missing] = there.astype(np.float64)
            return FeatureColumn(name, "numeric", _finite(name, numbers, what))
        text = np.full(len(array), None, dtype=object)
        text[~missing] = [str(one) for one in there]
        return FeatureColumn(name, "categorical", text)
    if kind in "biuf":
        return FeatureColumn(name, "numeric", _finite(name, array.astype(np.float64), what))
    if kind in "UST":
        return FeatureColumn(name, "categorical", array.astype(str).astype(object))
    raise TypeError(
        f"Column {name!r} of '{what}' must hold numbers, true/false, dates or text, got values of "
        f"type {array.dtype}."
    )


def _plain(values: Any) -> npt.NDArray[Any]:
    """As an array without a mask, with signs for missing values instead."""
    masked = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else np.False_
    if masked.any():
        found = np.array(values.data)
        if found.dtype.kind in "biuf":
            found = found.astype(np.float64)
        elif found.dtype.kind not in "Mm":
            found = found.astype(object)
        # NumPy makes NaN or NaT of it.
        found[masked] = None
        return found
    # A column with a time zone would become one of objects.
    zoned = getattr(getattr(values, "dtype", None), "tz", None) is not None
    return np.asarray(values, dtype="datetime64[us]" if zoned else None)


def _in_utc(one: date | np.datetime64) -> date | np.datetime64:
    """Without its zone, which NumPy's dates have none of."""
    if isinstance(one, datetime) and one.tzinfo is not None:
        return one.astimezone(UTC).replace(tzinfo=None)
    return one


def _finite(name: str, numbers: Floats, what: str) -> Floats:
    infinite = np.isinf(numbers)
    if infinite.any():
        raise ValueError(
            f"Column {name!r} of '{what}' has {infinite.sum()} infinite number(s), the first in "
            f"row {int(np.argmax(infinite))}. Leave these rows out, or make them missing (NaN), "
            "which counts as information."
        )
    return numbers


def check_alike(
    reference: list[FeatureColumn],
    current: list[FeatureColumn],
    called: str = "current sample",
) -> list[FeatureColumn]:
    """The current columns in the reference's order.

    Parameters
    ----------
    called : what messages call the current columns' sample.

    Raises
    ------
    ValueError : one sample has columns that the other has not, or a column is numeric in one and
        categorical in the other. (A column without any value is of either kind.)
    """
    by_name = {column.name: column for column in current}
    expected = [column.name for column in reference]
    lacking = [name for name in expected if name not in by_name]
    beyond = [name for name in by_name if name not in set(expected)]
    if lacking or beyond:
        told = [
            f"only the {which} has {', '.join(map(repr, names[:5]))}"
            + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            for which, names in (("reference", lacking), (called, beyond))
            if names
        ]
        raise ValueError(
            f"The samples have different columns: {'; '.join(told)}. Give both the same ones."
        )
    ordered = [by_name[name] for name in expected]
    for mine, yours in zip(reference, ordered, strict=True):
        if mine.kind != yours.kind and _has_values(mine) and _has_values(yours):
            raise ValueError(
                f"Column {mine.name!r} is {mine.kind} in the reference and {yours.kind} in the "
                f"{called}. Give both the same type."
            )
    return ordered


def _has_values(column: FeatureColumn) -> bool:
    return not all(map(is_missing, column.values))
