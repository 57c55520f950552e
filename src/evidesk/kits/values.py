"""What the values of a table say, in SQL: their text, number, kind and label.

Labels are compared as what they say: ``1`` and ``1.0`` are the same label, and so are ``true`` and
``True``; ``1_2``, ``007`` and ``1e5`` are names and equal only themselves. Text without a type, as
in CSV files, is judged value by value, for types guessed from the first rows would round a later
2.7 to 3.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: What a value can be.
KINDS = ("numbers", "true/false", "text", "other values")

# What a program writes for a number. Labels such as 007, 1_2 and 1e5 are names, though DuckDB reads
# them as 7, 12 and 100000. Programs that write an exponent give it a sign (R: 1e+05) or a decimal
# point before it (Java: 1.0E5), and names of classes have neither.
_WHOLE = "(0|[1-9][0-9]*)"
_PLAIN = rf"\s*[+-]?({_WHOLE}([eE][+-][0-9]+)?|({_WHOLE}\.[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)\s*"
_KIND_OF_TEXT = """CASE
    WHEN {own}_number IS NOT NULL THEN 'numbers'
    WHEN lower({own}_raw) IN ('true', 'false') THEN 'true/false'
    ELSE 'text' END"""
# Beyond 2**53 doubles merge neighbouring integers: there the text decides.
_LABEL = """CASE
    WHEN trim({own}_raw) = '' OR lower({own}_raw) = 'nan' THEN NULL
    WHEN {own}_kind = 'true/false' THEN lower({own}_raw)
    WHEN {own}_kind <> 'numbers' OR abs({own}_number) >= 9007199254740992 THEN {own}_raw
    WHEN {own}_number = trunc({own}_number) THEN TRY_CAST({own}_number AS BIGINT)::VARCHAR
    ELSE {own}_number::VARCHAR END"""

_NUMBERS = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)")
_TEXTS = re.compile(r"(VARCHAR|ENUM.*|UUID|DATE|TIME.*)")


@dataclass(frozen=True)
class Values:
    """A column of a table.

    Attributes
    ----------
    name : SQL of the column as it stands in the file.
    type : DuckDB's type of it.
    format : what it is read from, ``parquet`` or ``json``, which state types, or ``text``.
    """

    name: str
    type: str
    format: str

    @property
    def typed(self) -> bool:
        """Whether the file states the type of each value."""
        return self.format != "text"

    @property
    def raw(self) -> str:
        """SQL for the value as text."""
        if self.format == "parquet":
            return f"CAST({self.name} AS VARCHAR)"
        if self.format == "json":
            text = f"{self.name}->>'$'"
            return (
                f"CASE json_type({self.name}) WHEN 'VARCHAR' THEN {text} "
                f"ELSE {self.name}::VARCHAR END"
            )
        return f"trim({self.name})"

    def number(self, own: str) -> str:
        """SQL for the value ``<own>_raw`` as a number, NULL where it is none."""
        number = f"TRY_CAST({own}_raw AS DOUBLE)"
        if self.typed:
            return number
        return f"CASE WHEN regexp_full_match({own}_raw, '{_PLAIN}') THEN {number} END"

    def kind(self, own: str) -> str:
        """SQL for the kind of the value ``<own>_raw``."""
        if self.format == "parquet":
            return f"'{_kind_of(self.type)}'"
        if self.format == "json":
            return (
                f"CASE json_type({self.name}) WHEN 'VARCHAR' THEN 'text' "
                "WHEN 'BOOLEAN' THEN 'true/false' WHEN 'ARRAY' THEN 'other values' "
                "WHEN 'OBJECT' THEN 'other values' ELSE 'numbers' END"
            )
        return _KIND_OF_TEXT.format(own=own)


def labels(columns: Mapping[str, Values], source: str) -> str:
    """SQL that adds labels to ``source``; see :meth:`evidesk.kits.table.TableFile.labels`."""
    sql = source
    # Each layer computes once what the next ones use several times.
    for layer in (
        {f"{own}_raw": values.raw for own, values in columns.items()},
        {f"{own}_number": values.number(own) for own, values in columns.items()},
        {f"{own}_kind": values.kind(own) for own, values in columns.items()},
        {own: _LABEL.format(own=own) for own in columns},
    ):
        listed = ", ".join(f"{value} AS {name}" for name, value in layer.items())
        sql = f"(SELECT *, {listed} FROM {sql})"  # noqa: S608
    return sql


def _kind_of(duckdb_type: str) -> str:
    if duckdb_type == "BOOLEAN":
        return "true/false"
    if _NUMBERS.fullmatch(duckdb_type):
        return "numbers"
    return "text" if _TEXTS.fullmatch(duckdb_type) else "other values"
