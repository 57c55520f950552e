"""Numbers in a user's table: checked, and summed so that every run finds the very same.

Sums of floats depend on their order, and a table is read by several threads. So each term becomes
a whole number of tiny steps first, and whole numbers add up to the same in any order.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import frexp, ldexp

from evidesk.kits.kit import KitError, Progress, silent
from evidesk.kits.table import TableFile
from evidesk.kits.wording import shown

#: Steps from 0 to the largest term: about as many as a float between 1 and 2 has.
STEPS = 2**52

#: What may be wrong with a number, and what to call it.
_FAULTS = {
    "missing": "no value",
    "text": "something that is no number",
    "infinite": "an infinite number",
}
_NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*")
#: Fourth powers of larger numbers are near the end of what floats hold.
_LARGEST = 1e70


@dataclass(frozen=True)
class Survey:
    """What a first look at columns of numbers says.

    Attributes
    ----------
    n : number of cases.
    lowest, highest : of each column, by its SQL name.
    largest : the largest size of each difference that was asked for, by its SQL name.
    """

    n: int
    lowest: dict[str, float]
    highest: dict[str, float]
    largest: dict[str, float]


def numbers(table: TableFile, columns: Mapping[str, str], source: str = "cases") -> str:
    """SQL that selects ``columns`` as numbers: names in the file by SQL names of your own.

    Its column ``<own>`` is the number, NULL where there is none; ``<own>_fault`` says why, as
    ``missing``, ``text`` or ``infinite``, and is NULL where nothing is wrong. A file that states
    its types is believed: a text is no number there, whatever it says.
    """
    kinds = _types(table, columns)
    layers: list[dict[str, str]] = [{}, {}]
    for own, name in columns.items():
        raw, kind = table.name(name), kinds[own]
        missing, text = f"{raw} IS NULL", "false"
        if kind == "JSON":
            json = f"coalesce(json_type({raw}), 'NULL')"
            value = f"TRY_CAST({raw}::VARCHAR AS DOUBLE)"
            missing = f"{json} = 'NULL'"
            text = f"{json} IN ('VARCHAR', 'BOOLEAN', 'ARRAY', 'OBJECT')"
        elif _NUMBERS.fullmatch(kind):
            value = f"{raw}::DOUBLE"
        elif table.states_type(name):
            value, text = "NULL::DOUBLE", "true"
        else:
            # DuckDB reads 1_2 as 12.
            value = f"CASE WHEN NOT contains({raw}, '_') THEN TRY_CAST(trim({raw}) AS DOUBLE) END"
            missing += f" OR trim({raw}) = ''"
        layers[0] |= {f"{own}_value": value, f"{own}_missing": missing, f"{own}_text": text}
        layers[1][f"{own}_fault"] = (
            f"CASE WHEN {own}_missing OR isnan({own}_value) THEN 'missing' "
            f"WHEN {own}_text OR {own}_value IS NULL THEN 'text' "
            f"WHEN isinf({own}_value) THEN 'infinite' END"
        )
        layers[1][own] = (
            f"CASE WHEN NOT {own}_missing AND NOT {own}_text AND isfinite({own}_value) "
            f"THEN {own}_value END"
        )
    sql = source
    for layer in layers:
        values = ", ".join(f"{value} AS {name}" for name, value in layer.items())
        sql = f"(SELECT *, {values} FROM {sql})"  # noqa: S608 - own names
    return sql


def _types(table: TableFile, columns: Mapping[str, str]) -> dict[str, str]:
    """DuckDB's type of each column, by your own names."""
    listed = ", ".join(f"{table.name(name)} AS {own}" for own, name in columns.items())
    found = table.rows(f"DESCRIBE SELECT {listed} FROM cases", silent, "Looking at the columns")  # noqa: S608 - own names
    return {str(row[0]): str(row[1]) for row in found}


def survey(
    table: TableFile,
    columns: Mapping[str, str],
    differences: Mapping[str, str],
    progress: Progress,
    span: tuple[float, float],
) -> Survey:
    """Look at all numbers once.

    Parameters
    ----------
    columns : names in the file by SQL names of your own.
    differences : SQL of differences of these, by SQL names of your own.

    Raises
    ------
    KitError : there are no rows; a value is missing, no number or infinite, and in which row; or
        a number is so large that its square is not finite.
    """
    lowest, highest = ({own: f"{end}_{own}" for own in columns} for end in ("low", "high"))
    asked = ["count(*) AS n"]
    asked += [
        f"count_if({own}_fault = '{fault}') AS {own}_{fault}"
        for own in columns
        for fault in _FAULTS
    ]
    asked += [f"min({own}) AS {lowest[own]}, max({own}) AS {highest[own]}" for own in columns]
    asked += [f"max(abs({sql})) AS most_{own}" for own, sql in differences.items()]
    most = {own: f"most_{own}" for own in differences}
    table.tally(
        "survey",
        f"SELECT {', '.join(asked)} FROM {numbers(table, columns)}",  # noqa: S608 - own names
        [],
        progress,
        f"Looking at the numbers in {table.path.name}",
        span,
        ends=dict.fromkeys(lowest.values(), "min")
        | dict.fromkeys([*highest.values(), *most.values()], "max"),
    )
    ((n, *found),) = table.rows("FROM survey", progress, "Looking at the numbers", (span[1],) * 2)
    if not n:
        raise KitError(f"{table.path.name} has columns but no rows.")
    for own, name in columns.items():
        for fault in _FAULTS:
            if count := found.pop(0):
                raise _faulty(table, own, name, fault, count, n, progress)
    extremes, sizes = found[: 2 * len(columns)], found[2 * len(columns) :]
    result = Survey(
        n,
        dict(zip(columns, extremes[::2], strict=True)),
        dict(zip(columns, extremes[1::2], strict=True)),
        dict(zip(differences, sizes, strict=True)),
    )
    for own, name in columns.items():
        if max(-result.lowest[own], result.highest[own]) > _LARGEST:
            raise KitError(
                f"The column {name!r} of {table.path.name} holds numbers beyond {_LARGEST:g}, "
                "too large for their powers. Give them in a larger unit."
            )
    return result


def _faulty(
    table: TableFile, own: str, name: str, fault: str, count: int, n: int, progress: Progress
) -> KitError:
    row, value = first_row(table, own, name, f"{own}_fault = '{fault}'", progress)
    said = "" if fault == "missing" else f", {shown(value)!r}"
    advice = {
        "missing": "Remove these rows, or predict something for each case.",
        "text": "Write numbers with a decimal point, such as 1234.5, and nothing else.",
        "infinite": "Remove these rows, or mend what made the numbers.",
    }[fault]
    return KitError(
        f"{table.path.name} has {_FAULTS[fault]} in {count:,} of {n:,} rows in column {name!r} "
        f"(first in row {row}{said}). Rows are counted from 1 without the header. {advice}"
    )


def first_row(
    table: TableFile, own: str, name: str, condition: str, progress: Progress
) -> tuple[str, str]:
    """Which row is the first of those for which ``condition`` holds, and what stands there.

    The condition is SQL on the columns of :func:`numbers` with that one of your own.
    """
    for part in table.parts:
        with TableFile(table.path, silent, only=part) as one:
            found = one.rows(
                f"SELECT row, left({one.name(name)}::VARCHAR, 100) FROM "  # noqa: S608 - own names
                f"(SELECT row_number() OVER () AS row, * FROM {numbers(one, {own: name})}) "
                f"WHERE {condition} ORDER BY row LIMIT 1",
                progress,
                "Looking for the first such row",
                (1.0, 1.0),
            )
        if found:
            row, value = found[0]
            return f"{row:,}" + table.place(part), str(value)
    raise AssertionError("such rows were there when they were counted")


def histograms(
    table: TableFile,
    source: str,
    bins: Sequence[str],
    progress: Progress,
    message: str,
    span: tuple[float, float],
) -> list[dict[int, int]]:
    """How many rows of ``source`` each bin holds, for each of the SQL ``bins`` of whole numbers.

    Rows whose bin is NULL are not counted.
    """
    asked = ", ".join(f"histogram({bin}) AS h{i}" for i, bin in enumerate(bins))
    listed = ", ".join(f"h{i}" for i in range(len(bins)))
    table.tally(
        "histograms",
        "SELECT which, unnest(map_keys(counted)) AS bin, "  # noqa: S608 - own names
        f"unnest(map_values(counted))::BIGINT AS n FROM (SELECT unnest(range({len(bins)})) "
        f"AS which, unnest([{listed}]) AS counted FROM (SELECT {asked} FROM {source}))",
        ["which", "bin"],
        progress,
        message,
        span,
    )
    found: list[dict[int, int]] = [{} for _ in bins]
    for which, bin, n in table.rows("FROM histograms", progress, message, (span[1],) * 2):
        found[which][bin] = n
    return found


def scale_of(*sizes: float) -> float:
    """The power of two above all sizes, 1 if they are 0: dividing by it rounds nothing."""
    largest = max(map(abs, sizes), default=0.0)
    return ldexp(1.0, frexp(largest)[1]) if largest else 1.0


def exact_sum(term: str) -> str:
    """SQL of the sum of ``term``, which lies in [-1, 1], in steps of ``1 / STEPS``."""
    return f"sum(round(({term}) * {STEPS})::BIGINT)"


def check_roles(roles: Sequence[tuple[str, str | None]]) -> None:
    """Raise KitError if a column has two roles; ``roles`` are pairs of role and column."""
    seen: dict[str, str] = {}
    for role, name in roles:
        if name is None:
            continue
        if name in seen:
            both = f"as {role} twice" if seen[name] == role else f"as {seen[name]} and as {role}"
            raise KitError(f"The column {name!r} is named {both}. Name it once.")
        seen[name] = role
