"""A number with its uncertainty, and how it prints."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from evidesk.evidence.checks import LONGEST_NAME, check_name, check_number, check_text

__all__ = ["Estimate"]

# Outside these magnitudes a common power of ten is taken out of the numbers.
_PLAIN_FROM, _PLAIN_BELOW = 1e-3, 1e6
# Without a width there is nothing to round to: so many digits of numbers below 1, and of others.
_DIGITS_WITHOUT_WIDTH = 4, 6
_LARGEST_N = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """A point estimate with an interval, and what is needed to judge it.

    Parameters
    ----------
    value:
        The point estimate, in ``unit``; finite.
    low, high:
        The interval's bounds, in ``unit``; ``low <= value <= high``.
    level:
        The interval's nominal coverage (or credibility), between 0 and 1.
    method:
        The name of the method that made the interval, for example ``"wilson"``.
    n:
        The number of cases behind the value, from 1 to 2**63 - 1. Cases that come in groups
        are not independent and tell less than as many independent ones.
    unit:
        The unit of the value; empty for a pure number.
    null_value:
        The value that stands for "no effect", if there is one.
    finite:
        Whether the bounds must be finite; a one-sided limit says ``finite=False``.
    over:
        What would come out differently in a repetition, and hence the randomness that the
        interval holds: ``"cases"``, ``"40 groups"``, ``"20 folds"``, ``"cases and 6 seeds"``.

    Raises
    ------
    ValueError
        If a field is outside its range; the message names the field and the values.
    """

    value: float
    low: float
    high: float
    level: float
    method: str
    n: int
    unit: str = ""
    null_value: float | None = None
    finite: bool = True
    over: str = "cases"

    def __post_init__(self) -> None:
        # Floats are left as they are: beside a metric of few cases, this is what takes the time.
        if not type(self.value) is type(self.low) is type(self.high) is type(self.level) is float:
            for name in ("value", "low", "high", "level"):
                object.__setattr__(self, name, check_number(name, getattr(self, name)))
        if type(self.n) is not int or not 0 < self.n <= _LARGEST_N:
            object.__setattr__(self, "n", _count(self.n))
        value, low, high = self.value, self.low, self.high
        if not -math.inf < value < math.inf:
            raise ValueError(f"value must be finite, got {value}")
        if self.null_value is not None:
            object.__setattr__(self, "null_value", check_number("null_value", self.null_value))
            if not math.isfinite(self.null_value):
                raise ValueError(f"null_value must be finite, got {self.null_value}")
        if self.finite and not (-math.inf < low and high < math.inf):
            raise ValueError(
                f"low and high must be finite, got low={low}, high={high}; "
                "an interval without a bound says finite=False"
            )
        if not low <= value <= high:
            raise ValueError(
                f"low <= value <= high does not hold: low={low}, value={value}, high={high}"
            )
        if not 0 < self.level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {self.level}")
        check_name("method", self.method)
        if self.over != "cases":
            check_name("over", self.over)
        if self.unit != "":
            check_text("unit", self.unit, longest=LONGEST_NAME)

    @property
    def half_width(self) -> float:
        """Half the distance from ``low`` to ``high``; infinite if a bound is."""
        return self.high / 2 - self.low / 2  # halved first: the sum may overflow

    @property
    def excludes_null(self) -> bool | None:
        """Whether the null value lies outside the interval; None if there is no null value."""
        if self.null_value is None:
            return None
        return not self.low <= self.null_value <= self.high

    @property
    def short(self) -> str:
        """The numbers and the unit alone: ``0.935 ± 0.019``, ``0.935 [0.914, 0.952]``.

        Rounded by the rule of the Particle Data Group (Review of Particle Physics,
        Introduction, section 5.3): if the three leading digits of the half-width lie between
        100 and 354, it keeps two digits; between 355 and 949 one; above, it is rounded up
        to 1000 and keeps two. Value and bounds are rounded to the same decimal. If one bound
        is infinite, the distance to the other stands for the half-width. A value without any
        width, such as a p-value that is computed, stands alone; a bound of exactly 0 is ``0``.
        """
        above, below = self.high - self.value, self.value - self.low
        if math.isclose(above, below, rel_tol=1e-6) and math.isfinite(self.half_width):
            widths = (self.half_width,) if self.half_width else ()
            text = self._rounded("{} ± {}" if widths else "{}", self.value, *widths)
        elif math.isfinite(self.low) and math.isfinite(self.high):
            if self.low == 0:
                text = self._rounded("{} [0, {}]", self.value, self.high)
            else:
                text = self._rounded("{} [{}, {}]", self.value, self.low, self.high)
        elif math.isfinite(self.low):
            text = self._rounded("{} [{}, ∞)", self.value, self.low)
        elif math.isfinite(self.high):
            text = self._rounded("{} (-∞, {}]", self.value, self.high)
        else:
            text = self._rounded("{} (-∞, ∞)", self.value)
        return f"{text} {self.unit}" if self.unit else text

    @property
    def basis(self) -> str:
        """What the interval rests on: ``95 %, wilson, n=670``, ``95 %, clt over 9 groups, n=670``.

        That the cases are what is random goes without saying.
        """
        over = "" if self.over == "cases" else f" over {self.over}"
        return f"{_percent(self.level)}, {self.method}{over}, n={self.n}"

    def __str__(self) -> str:
        return f"{self.short} ({self.basis})"

    def to_json(self) -> dict[str, Any]:
        """All fields, at full precision; an infinite bound as ``"inf"`` or ``"-inf"``."""
        document: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("low", "high"):
            if math.isinf(document[name]):
                document[name] = "inf" if document[name] > 0 else "-inf"
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Estimate:
        """The estimate that `to_json` wrote.

        Raises
        ------
        ValueError
            If a field is missing, unknown or invalid.
        """
        values = dict(document)
        try:
            for name in ("low", "high"):
                if values.get(name) in ("inf", "-inf"):
                    values[name] = float(values[name])
            return cls(**values)
        except TypeError as error:
            raise ValueError(f"not an estimate: {error}") from error

    def _rounded(self, template: str, *numbers: float) -> str:
        """The template filled with the numbers, rounded to the decimal that the width asks for."""
        decimals = self._decimals()
        magnitude = max(abs(number) for number in numbers)
        plain = magnitude == 0 or _PLAIN_FROM <= magnitude < _PLAIN_BELOW
        exponent = 0 if plain else _quantized(magnitude, decimals).adjusted()
        places = max(decimals + exponent, 0)
        printed = (
            f"{_quantized(number, decimals).scaleb(-exponent):z.{places}f}" for number in numbers
        )
        text = template.format(*printed)
        if not exponent:
            return text
        return f"({text})e{exponent}" if " " in text else f"{text}e{exponent}"

    def _decimals(self) -> int:
        """The decimal place of the last printed digit: 2 for hundredths, -2 for hundreds."""
        width = self.half_width
        if math.isinf(width):
            finite = [d for d in (self.high - self.value, self.value - self.low) if d < math.inf]
            width = max(finite, default=0.0)
        if width == 0:  # the value itself, without idle zeros
            kept = _DIGITS_WITHOUT_WIDTH[abs(self.value) >= 1]
            digits = Decimal(f"{self.value:.{kept}g}").normalize().as_tuple()
            return -int(digits.exponent)
        mantissa, exponent = f"{width:.2e}".split("e")  # three leading digits
        return (1 if mantissa <= "3.54" else 0) - int(exponent)


def _count(value: object) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ValueError(f"n must be an integer, got {value!r}")
    count = operator.index(value)
    if count < 1:
        raise ValueError(f"n must be at least 1, got {count}")
    if count > _LARGEST_N:
        raise ValueError(f"n must be at most {_LARGEST_N}")
    return count


def _quantized(number: float, decimals: int) -> Decimal:
    """The number, as its shortest decimal form reads, rounded half to even."""
    return Decimal(repr(number)).quantize(Decimal(1).scaleb(-decimals))


def _percent(level: float) -> str:
    """The level in percent, with as many digits as keep it from reading 100 %."""
    candidates = (f"{100 * level:.{digits}g}" for digits in range(4, 18))
    return next(text for text in candidates if float(text) < 100) + " %"
