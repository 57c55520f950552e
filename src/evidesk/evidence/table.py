"""Tables, and how they are written to CSV without loss."""

from __future__ import annotations

import csv
import io
import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from evidesk.evidence.checks import (
    LONGEST_NAME,
    check_most,
    check_name,
    check_number,
    check_slug,
    check_text,
    check_unique,
)

__all__ = ["Cell", "Column", "Kind", "Table"]

Kind = Literal["text", "integer", "number"]
Cell = str | int | float | None

MAX_COLUMNS = 1_000
_LONGEST_CELL = 100_000  # Python's CSV reader stops at 131 072
_LARGEST_INTEGER = 1_024  # bits, the range of a float


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    name:
        The header in the CSV file, unique in its table.
    kind:
        ``"text"``, ``"integer"`` or ``"number"``.
    title:
        The header for people; empty stands for the name.
    unit:
        The unit of the numbers; empty for pure numbers and text.

    Raises
    ------
    ValueError
        If the name is empty or the kind is none of the three.
    """

    name: str
    kind: Kind
    title: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        check_name("a column's name", self.name)
        check_text(f"the title of column {self.name!r}", self.title, longest=LONGEST_NAME)
        check_text(f"the unit of column {self.name!r}", self.unit, longest=LONGEST_NAME)
        if self.kind not in get_args(Kind):
            raise ValueError(
                f"the kind of column {self.name!r} must be text, integer or number, "
                f"got {self.kind!r}"
            )

    @property
    def heading(self) -> str:
        """The header for people, with the unit."""
        title = self.title or self.name
        return f"{title} [{self.unit}]" if self.unit else title


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns.

    Parameters
    ----------
    name:
        The file's name without suffix: lower-case letters, digits, ``_`` and ``-``.
    title:
        What the table shows, for people.
    columns:
        1 to 1,000; names are unique.
    rows:
        Tuples as long as there are columns. Text is never None; a missing number is None,
        and NaN is refused. NumPy scalars become Python's numbers.

    Raises
    ------
    ValueError
        If a row has the wrong length or a cell the wrong kind; the message names both.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        check_slug("a table's name", self.name)
        check_name(f"the title of table {self.name!r}", self.title)
        object.__setattr__(self, "columns", tuple(self.columns))
        if not self.columns:
            raise ValueError(f"table {self.name!r} has no columns")
        check_most(f"columns of table {self.name!r}", self.columns, MAX_COLUMNS)
        check_unique(f"column names of table {self.name!r}", [c.name for c in self.columns])
        object.__setattr__(self, "rows", self._checked(self.rows))

    def to_csv(self) -> str:
        """The table as CSV (RFC 4180: lines end with CR LF), floats at full precision."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow([column.name for column in self.columns])
        writer.writerows(
            [repr(cell) if isinstance(cell, float) else cell for cell in row] for row in self.rows
        )
        return text.getvalue()

    @classmethod
    def from_csv(cls, text: str, *, name: str, title: str, columns: Iterable[Column]) -> Table:
        """The table that `to_csv` wrote.

        Raises
        ------
        ValueError
            If the header is not that of the columns, or a cell does not fit its column.
        """
        columns = tuple(columns)
        header = [column.name for column in columns]
        try:
            lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error as error:
            raise ValueError(f"not CSV: {error}") from error
        if lines[:1] != [header]:
            raise ValueError(f"the header must be {header}, got {lines[:1]}")
        rows = tuple(
            tuple(
                _parsed(cell, columns[i].kind) if i < len(columns) else cell
                for i, cell in enumerate(line)
            )
            for line in lines[1:]
        )
        return cls(name=name, title=title, columns=columns, rows=rows)

    def _checked(self, rows: Iterable[Iterable[Cell]]) -> tuple[tuple[Cell, ...], ...]:
        kinds = [column.kind for column in self.columns]
        checked = []
        for number, given in enumerate(rows, start=1):
            row = tuple(given)
            if len(row) != len(self.columns):
                raise ValueError(
                    f"row {number} of table {self.name!r} has {len(row)} cells "
                    f"for {len(self.columns)} columns"
                )
            try:
                checked.append(tuple(_cell(*pair) for pair in zip(row, kinds, strict=True)))
            except ValueError as error:
                raise ValueError(f"row {number} of table {self.name!r}: {error}") from error
        return tuple(checked)


def _cell(value: object, kind: Kind) -> Cell:
    """The value as its column's kind, or ValueError."""
    if kind == "text":
        check_text("a text cell", value)
        text = str(value)
        if len(text) > _LONGEST_CELL:
            raise ValueError(f"a text cell of {len(text)} characters; at most {_LONGEST_CELL}")
        return text
    if value is None:
        return None
    if kind == "integer":
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise ValueError(f"a cell of kind integer cannot be {value!r}")
        integer = operator.index(value)
        if integer.bit_length() > _LARGEST_INTEGER:
            raise ValueError(f"an integer of more than {_LARGEST_INTEGER} bits")
        return integer
    number = check_number("a cell of kind number", value)
    if math.isnan(number):
        raise ValueError("NaN in a number column; a missing number is None")
    return number


def _parsed(text: str, kind: Kind) -> Cell:
    if kind == "text":
        return text
    if not text:
        return None
    return int(text) if kind == "integer" else float(text)
