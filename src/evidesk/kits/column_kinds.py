"""What the columns of a table hold, for kits that compare one table with another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from evidesk.kits.kit import KitError, silent
from evidesk.kits.numbers import first_row, numbers
from evidesk.kits.table import TableFile
from evidesk.kits.wording import shown

#: What a column holds; of an empty one nobody knows what may come.
ColumnKind = Literal["numbers", "times", "categories", "empty"]
#: What they are called.
TOLD = {"numbers": "numbers", "times": "dates", "categories": "text", "empty": "nothing"}

# ISO 8601, of which a space instead of the T is the commonest deviation.
_LOCAL = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)?"
_ZONED = rf"{_LOCAL[:-1]}(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)"
_COMMA = r"[+-]?[0-9]+([.][0-9]{3})*,[0-9]+([eE][+-]?[0-9]+)?"
#: A column of which this share is of one kind is meant to be of it.
_NEARLY = 0.9
#: Of fewer rows, all texts may be different by chance.
_FEWEST_NAMES = 20


@dataclass(frozen=True)
class Held:
    """What a column holds.

    Attributes
    ----------
    numbers, texts : how many of its values are numbers, and how many are not.
    times : how many of the texts are dates or times of ISO 8601, all with or all without a zone.
    commas : how many of the texts look like numbers with a decimal comma.
    """

    kind: ColumnKind
    numbers: int = 0
    texts: int = 0
    times: int = 0
    commas: int = 0


def held_by(table: TableFile, names: Sequence[str]) -> dict[str, Held]:
    """What each of the columns holds.

    Raises
    ------
    KitError : one of them holds infinite numbers.
    """
    own = {f"v{i}": name for i, name in enumerate(names) if not table.states_time(name)}
    counts: dict[str, tuple[int, ...]] = {}
    if own:
        asked = [
            f"count_if(coalesce({condition}, false)) AS {one}_{i}"
            for one, name in own.items()
            for i, condition in enumerate(_conditions(one, _text(table, name)))
        ]
        sql = f"SELECT {', '.join(asked)} FROM {numbers(table, own)}"  # noqa: S608 - own names
        table.tally("held", sql, [], silent, "Looking at the columns")
        found = iter(table.rows("FROM held", silent, "Looking at the columns")[0])
        counts = {name: tuple(next(found) for _ in range(6)) for name in own.values()}
    return {
        name: _held(table, name, *counts[name]) if name in counts else Held("times")
        for name in names
    }


def seconds(table: TableFile, name: str) -> str:
    """SQL of a column of dates or times as seconds since 1970, NULL where there is none."""
    if table.states_time(name):
        return f"epoch({table.name(name)})::DOUBLE"
    text = _text(table, name)
    return (
        f"CASE WHEN {_matches(text, _LOCAL)} THEN epoch(TRY_CAST({text} AS TIMESTAMP)) "
        f"WHEN {_matches(text, _ZONED)} THEN epoch(TRY_CAST({text} AS TIMESTAMPTZ)) END::DOUBLE"
    )


def first_unlike(table: TableFile, name: str, kind: ColumnKind) -> str:
    """The first value that is not of ``kind``, numbers or times, and its row, for a sentence."""
    unlike = "v_fault = 'text'"
    if kind == "times":
        unlike = f"v_fault IS DISTINCT FROM 'missing' AND {seconds(table, name)} IS NULL"
    return _first(table, name, f"{unlike} AND {_text(table, name)} <> ''")


def check_decimal_points(table: TableFile, held: Mapping[str, Held]) -> None:
    """Raise KitError if a column holds numbers with a decimal comma."""
    for name, one in held.items():
        values = one.numbers + one.texts
        if one.commas and one.numbers + one.commas >= _NEARLY * values:
            text = _text(table, name)
            raise KitError(
                f"Column {shown(name)} of {table.path.name} holds numbers with a comma, such as "
                f"{_first(table, name, _matches(text, _COMMA))}. Write them with a decimal point "
                "and without marks of thousands, such as 1234.5 (pandas reads them with decimal="
                "','). If they are no numbers, name it among the columns of categories "
                f"(--category)."
            )


def mixed(table: TableFile, name: str, held: Held) -> str | None:
    """What is said of a column of categories that seems meant to hold numbers or dates."""
    kind: ColumnKind = "times" if held.times > held.numbers else "numbers"
    alike, values = max(held.times, held.numbers), held.numbers + held.texts
    if not alike or alike < _NEARLY * values:
        return None
    return (
        f"Column {shown(name)} was taken as categories: {alike:,} of the {values:,} values in "
        f"{table.path.name} are {TOLD[kind]}, but not {first_unlike(table, name, kind)}. Leave "
        f"such values empty for a column of {TOLD[kind]}, or name it among the columns of "
        "categories (--category)."
    )


def name_rows(samples: Sequence[npt.NDArray[np.object_]]) -> tuple[int, int] | None:
    """How many texts there are, and how many rows have one, if they are (nearly) all different.

    That must hold for each of the samples, which are the values of one column, None if missing.
    """
    there = [[text for text in one if text is not None] for one in samples]
    different = [len(set(one)) for one in there]
    named = all(few >= _NEARLY * len(one) for few, one in zip(different, there, strict=True))
    largest = max(map(len, there))
    return (sum(different), sum(map(len, there))) if named and largest >= _FEWEST_NAMES else None


def left_out(name: str, counted: tuple[int, int]) -> str:
    """What is said of a column that is left out because it names rows."""
    return (
        f"Column {shown(name)} has {counted[0]:,} different texts in {counted[1]:,} rows, as a "
        "name or number of each row has: it was left out, for it tells nothing of how rows are "
        "distributed. Name it among the columns, or those of categories, to keep it."
    )


def _conditions(own: str, text: str) -> list[str]:
    is_text = f"{own}_fault = 'text' AND {text} <> ''"

    def of_text(condition: str) -> str:
        # Looked at in texts alone: columns of numbers are read as fast as without.
        return f"CASE WHEN {is_text} THEN {condition} ELSE false END"

    return [
        f"{own}_fault IS NULL",
        f"{own}_fault = 'infinite'",
        is_text,
        of_text(f"{_matches(text, _LOCAL)} AND TRY_CAST({text} AS TIMESTAMP) IS NOT NULL"),
        of_text(f"{_matches(text, _ZONED)} AND TRY_CAST({text} AS TIMESTAMPTZ) IS NOT NULL"),
        of_text(_matches(text, _COMMA)),
    ]


def _held(
    table: TableFile,
    name: str,
    numbers: int,
    infinite: int,
    texts: int,
    local: int,
    zoned: int,
    commas: int,
) -> Held:
    if infinite and not texts:
        raise KitError(
            f"Column {shown(name)} of {table.path.name} has {infinite:,} infinite "
            "number(s). Leave these rows out, or leave the values empty: that a value is "
            "missing is information, too."
        )
    times = max(local, zoned)
    kind: ColumnKind = "categories"
    if not texts:
        kind = "numbers" if numbers else "empty"
    elif times == texts and not numbers + infinite:
        kind = "times"
    return Held(kind, numbers + infinite, texts, times, commas)


def _first(table: TableFile, name: str, condition: str) -> str:
    row, value = first_row(table, "v", name, condition, silent)
    return f"{shown(value)!r} in row {row}"


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, '{pattern}')"


def _text(table: TableFile, name: str) -> str:
    return f"trim({table.text(name)})"
