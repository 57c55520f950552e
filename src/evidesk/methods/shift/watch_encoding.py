"""How the columns of a watched stream become numbers, whatever the stream will bring."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.methods.shift.columns import FeatureColumn
from evidesk.methods.shift.samples import Feature
from evidesk.methods.shift.watch_state import Reader

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

#: In standard deviations: beyond, all is equally far, so that no single row is all there is.
FARTHEST = 8.0
#: Of a column that was constant, every other value is as far as can be.
_LEAST = float(np.finfo(np.float64).tiny)
_OTHER, _MISSING = "(other)", "(missing)"


@dataclass(frozen=True)
class Code:
    """How a column becomes numbers, whatever the stream will bring.

    A number is standardised and has a further column that says where it is missing; of a category
    there is one column for each level that is known, for a missing one, and for all others.
    """

    feature: Feature
    is_empty: bool

    @classmethod
    def of(cls, column: FeatureColumn, known: npt.NDArray[np.intp]) -> "Code":
        """Learnt from the known rows; what type it is of, from all."""
        values = column.values[known]
        found = Feature.of(FeatureColumn(column.name, column.kind, values))
        if column.kind == "categorical":
            levels = found.levels if found else (_MISSING if values[0] is None else values[0],)
            named = dict.fromkeys([*(one for one in levels if one != _OTHER), _MISSING])
            feature = Feature(column.name, "categorical", levels=(*named, _OTHER))
            return cls(feature, False)
        there = values[~np.isnan(values)]
        centre, scale = float(there[0]) if there.size else 0.0, _LEAST
        if found and there.size and there.min() < there.max():
            centre, scale = found.centre, found.scale
        feature = Feature(column.name, "numeric", centre, scale, has_missing=True)
        return cls(feature, bool(np.isnan(column.values).all()))

    @property
    def name(self) -> str:
        return self.feature.name

    @property
    def width(self) -> int:
        return self.feature.width

    def like(self) -> FeatureColumn:
        """A column of this name and type, to compare with."""
        value: Any = np.nan if self.is_empty else 0.0 if self.feature.kind == "numeric" else ""
        return FeatureColumn(self.name, self.feature.kind, np.array([value], dtype=object))

    def encode(self, values: npt.NDArray[Any]) -> Floats:
        """Shape (n, width)."""
        if self.feature.kind == "numeric" and values.dtype.kind == "O":
            # Of a type that the reference does not tell: only whether there is a value.
            values = np.array([np.nan if one is None else 0.0 for one in values])
        with np.errstate(over="ignore"):
            return np.clip(self.feature.encode(values), -FARTHEST, FARTHEST)

    def told(self) -> dict[str, Any]:
        one = self.feature
        return {
            "name": one.name,
            "kind": one.kind,
            "centre": one.centre,
            "scale": one.scale,
            "levels": list(one.levels),
            "is_empty": self.is_empty,
        }

    @classmethod
    def from_told(cls, read: Reader) -> "Code":
        name: Any = read.body.get("name")
        kind: Any = read.body.get("kind")
        levels: Any = read.body.get("levels")
        is_empty: Any = read.body.get("is_empty")
        read.check(isinstance(name, str), "name")
        read.check(kind in ("numeric", "categorical"), "kind")
        read.check(isinstance(is_empty, bool), "is_empty")
        read.check(
            isinstance(levels, list) and all(isinstance(one, str) for one in levels), "levels"
        )
        numeric = kind == "numeric"
        read.check(not levels if numeric else levels[-1:] == [_OTHER], "levels")
        scale = read.number("scale")
        read.check(scale > 0, "scale")
        feature = Feature(str(name), kind, read.number("centre"), scale, numeric, tuple(levels))
        return cls(feature, bool(is_empty))


def as_reference(codes: tuple[Code, ...], columns: list[FeatureColumn]) -> list[FeatureColumn]:
    """Numbers as texts where the reference has texts: a batch may hold digits only."""
    texts = {one.name for one in codes if one.feature.kind == "categorical"}
    return [
        FeatureColumn(one.name, "categorical", np.array([_text(x) for x in one.values], object))
        if one.kind == "numeric" and one.name in texts
        else one
        for one in columns
    ]


def _text(number: float) -> str | None:
    """Integers without a decimal point; a missing number as None."""
    if math.isnan(number):
        return None
    return str(int(number)) if number.is_integer() else str(float(number))


def encode(codes: tuple[Code, ...], columns: list[FeatureColumn]) -> Singles:
    found = [code.encode(one.values) for code, one in zip(codes, columns, strict=True)]
    return np.hstack(found).astype(np.float32)
