"""Reading a user's table by asking it questions in SQL: it is never loaded, and may be any size.

CSV files are read as text, and what a value says is told by :mod:`evidesk.kits.values`.
"""

import difflib
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import zip_longest
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote

import duckdb
import numpy as np
import numpy.typing as npt

from evidesk.kits.delimited import dialect_of
from evidesk.kits.files import (
    check_gzip,
    check_readable,
    explained,
    format_of,
    name_of,
    parts_of,
)
from evidesk.kits.kit import KitError, Progress, silent
from evidesk.kits.partitions import current
from evidesk.kits.values import Values, labels

_MEMORY = "1GB"  # beyond it DuckDB moves to disk; on four threads it needs a quarter of this
_THREADS = 4
_POLL_SECONDS = 0.1
_TIMES = re.compile(r"DATE|TIMESTAMP.*")


class TableFile:
    """A table in a CSV, TSV (both also with .gz), Parquet, JSON or JSON Lines file.

    A folder of Parquet files is one table, too, if all have the same columns of the same types. Of
    files in folders such as ``fold=1``, ``fold`` is a column.

    Use it as a context manager; SQL given to :meth:`rows` and :meth:`execute` reads the view
    ``cases``, whose columns are spoken of through :meth:`labels` only, so that no name from a file
    ever becomes SQL (hence the ``noqa: S608``).

    Parameters
    ----------
    progress : told of the check of a compressed file, which reads all of it.
    threads : how many DuckDB may use.
    only : of a folder, the only file that is read.
    head_only : for callers who ask for ``columns`` only: without that check, so that it is soon
        done however large the file is.

    Attributes
    ----------
    parts : the files that make up the table.
    columns : the names of the file's columns, in order.
    typed : whether the file states the types of its values, as all but CSV and TSV do.

    Raises
    ------
    KitError : the file is missing, empty, damaged, or not what its suffix says; it is a folder of
        anything but alike Parquet files; its path is not UTF-8; or it unpacks to so much more than
        itself that it looks like a trap.
    """

    def __init__(
        self,
        path: Path,
        progress: Progress,
        *,
        head_only: bool = False,
        threads: int = _THREADS,
        only: Path | None = None,
    ) -> None:
        self.path = path
        self.parts = parts_of(path) if only is None else [only]
        self._keys = {
            unquote(folder.name.partition("=")[0])
            for part in self.parts
            for folder in part.parents
            if folder.is_relative_to(path) and folder != path
        }
        self._format, self._gzipped = format_of(path)
        self.typed = self._format in ("parquet", "json")
        for part in self.parts:
            check_readable(part)
        if self._gzipped and not head_only:
            check_gzip(path, progress)
        self._folder = tempfile.TemporaryDirectory(prefix="evidesk-")
        self._duckdb = duckdb.connect(
            config={
                "memory_limit": _MEMORY,
                "threads": min(threads, os.cpu_count() or 1),
                "temp_directory": self._folder.name,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        try:
            self._duckdb.execute("SET enable_progress_bar = true")
            self._duckdb.execute("SET enable_progress_bar_print = false")
            self._create_view()
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> "TableFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def check_columns(self, *names: str) -> None:
        """Raise KitError, with the nearest names there are, unless the file has these columns."""
        for name in names:
            if name not in self.columns:
                near = difflib.get_close_matches(name, self.columns, n=1, cutoff=0.6)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                listed = ", ".join(map(repr, self.columns[:40]))
                more = ", ..." if len(self.columns) > 40 else ""
                alone = (
                    " The file seems to have one column only: its lines must all have the same "
                    "number of fields, parted by comma, semicolon, tab or |, and the first line "
                    "must hold the columns' names."
                    if len(self.columns) == 1 and not self.typed
                    else ""
                )
                raise KitError(
                    f"{self.path.name} has no column {name!r}.{hint} "
                    f"Its columns are: {listed}{more}.{alone}"
                )

    def name(self, column: str) -> str:
        """SQL for the column as it stands in the file, of whatever type."""
        return self._columns[self.columns.index(column)].name

    def text(self, column: str) -> str:
        """SQL for the column's value as text."""
        return self._columns[self.columns.index(column)].raw

    def states_time(self, column: str) -> bool:
        """Whether the file states that the column holds dates or times."""
        return self.states_type(column) and bool(_TIMES.fullmatch(self.type_of(column)))

    def type_of(self, column: str) -> str:
        """DuckDB's type of the column as it stands in the file."""
        return self._columns[self.columns.index(column)].type

    def labels(self, columns: Mapping[str, str], source: str = "cases") -> str:
        """SQL that selects the labels of ``columns``: names in the file by SQL names of your own.

        ``source`` may be a query that has counted the cases with equal ``name(column)`` before:
        that is much faster. The column ``<own>`` is the label as text, NULL where there is none
        (NULL, NaN or blank); ``<own>_kind`` is one of :data:`~evidesk.kits.values.KINDS`.
        """
        found = {own: self._columns[self.columns.index(name)] for own, name in columns.items()}
        return labels(found, source)

    def rows(
        self, sql: str, progress: Progress, message: str, span: tuple[float, float] = (0.0, 1.0)
    ) -> list[tuple[Any, ...]]:
        """Answer to ``sql``, telling ``progress`` the share of ``span`` that is done.

        Raises
        ------
        KitError : the file cannot be read on.
        Cancelled : ``progress`` raised it; the query has then ended.
        """
        low, high = span
        progress(low, message)
        with ThreadPoolExecutor(max_workers=1) as worker:
            answer = worker.submit(self._asked, sql)
            try:
                while not wait([answer], timeout=_POLL_SECONDS).done:
                    percent = max(0.0, self._duckdb.query_progress())  # -1 before it is known
                    progress(low + (high - low) * min(percent / 100, 1.0), message)
            finally:
                while not answer.done():  # an interrupt that comes too early is forgotten
                    self._duckdb.interrupt()
                    wait([answer], timeout=_POLL_SECONDS)
        return answer.result()

    def arrays(
        self, sql: str, progress: Progress, message: str, span: tuple[float, float] = (0.0, 1.0)
    ) -> list[npt.NDArray[Any]]:
        """As :meth:`rows`, but the columns of the answer as arrays: for long ones without NULL."""
        self.rows(f"CREATE OR REPLACE TEMP TABLE answer AS {sql}", progress, message, span)
        found = self._duckdb.execute("FROM answer").fetchnumpy()
        self._duckdb.execute("DROP TABLE answer")
        return [np.asarray(values) for values in found.values()]

    def tally(
        self,
        name: str,
        sql: str,
        keys: Sequence[str],
        progress: Progress,
        message: str,
        span: tuple[float, float] = (0.0, 1.0),
        *,
        ends: Mapping[str, str] | None = None,
    ) -> None:
        """Make the table ``name`` of counts by the columns ``keys``, in place of any other.

        ``sql`` selects from ``cases`` the keys, whole numbers that add up when tables do, and
        ``ends``: columns of which the ``min`` or ``max`` is kept. Within
        :func:`~evidesk.kits.partitions.on_dask` the workers ask it of each part, and only counts
        travel; the result is the same, but for the order of its rows.

        Raises
        ------
        KitError, Cancelled : as :meth:`rows`, and what the workers raise.
        """
        workers = current()
        if workers is None:
            self.rows(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}", progress, message, span)
            return
        types, merge = dict(self._described(f"({sql})")), ends or {}
        # Of whole numbers, Parquet holds larger ones than 64 bits only as decimals.
        sent = ", ".join(
            f"{column}::DECIMAL(38, 0) AS {column}" if kind == "HUGEINT" else column
            for column, kind in types.items()
        )
        merged = ", ".join(
            column
            if column in keys
            else f"{merge.get(column, 'sum')}({column})::{kind} AS {column}"
            for column, kind in types.items()
        )
        asked = f"SELECT {sent} FROM ({sql})"  # noqa: S608 - own names
        tasks = [(self.path.absolute(), part.absolute(), asked) for part in self.parts]
        with tempfile.TemporaryDirectory(dir=self._folder.name) as folder:
            found = workers.each(_counts_of_part, tasks, progress, message, span)
            for i, counts in enumerate(found):
                (Path(folder) / f"{i}.parquet").write_bytes(counts)
            files = literal(f"{_without_glob(Path(folder))}/*.parquet")
            self.rows(
                f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {merged} "  # noqa: S608 - own names
                f"FROM read_parquet({files}) GROUP BY ALL",
                silent,
                message,
            )

    def first_row_without(self, column: str, progress: Progress) -> str:
        """Which row is the first that has no value: its number, from 1 and not counting the header.

        In a folder, it says also the file: ``7 of part-3.parquet``.
        """
        for part in self.parts:
            with TableFile(self.path, silent, only=part) as table:
                found = table.rows(
                    "SELECT min(row) FROM (SELECT row_number() OVER () AS row, label "  # noqa: S608
                    f"FROM {table.labels({'label': column})}) WHERE label IS NULL",
                    progress,
                    "Looking for the first missing value",
                    (1.0, 1.0),
                )
            if found[0][0] is not None:
                return f"{found[0][0]:,}" + self.place(part)
        raise AssertionError("some value is missing")  # pragma: no cover - who asks has counted

    def place(self, part: Path) -> str:
        """Where a row of that part is, after its number: `` of part-3.parquet``, in a folder."""
        return "" if part == self.path else f" of {name_of(part, self.path)}"

    def states_type(self, column: str) -> bool:
        """Whether the file states the type of the column's values; a folder's name does not."""
        return self._columns[self.columns.index(column)].typed

    def _create_view(self) -> None:
        file = literal(_without_glob(self.parts[0].absolute()))
        compression = f"compression = '{'gzip' if self._gzipped else 'none'}'"
        if self._format == "parquet":
            source = self._parquet()
            described = self._described(source)
        elif self._format == "json":
            source = f"read_json({file}, {compression}, hive_partitioning = false"
            described = self._described(f"{source}, maximum_depth = 1)")
            if [name for name, _ in described] == ["json"] and described[0][1] != "JSON":
                raise KitError(f"{self.path.name} is not a table: each record must be an object.")
            # With its columns stated, a record with other keys is no error, and no number is
            # rounded to the type of the first ones.
            columns = ", ".join(f"{literal(name)}: 'JSON'" for name, _ in described)
            source += f", columns = {{{columns}}})"
            described = self._described(source)
        else:
            source, described = self._csv(file, compression)
        self.columns = [name for name, _ in described]
        self._columns = [
            Values(f"c{i}", kind, self._format if self.typed and name not in self._keys else "text")
            for i, (name, kind) in enumerate(described)
        ]
        names = ", ".join(column.name for column in self._columns)
        self._asked(f"CREATE TEMP VIEW cases AS SELECT * FROM {source} AS t({names})")  # noqa: S608
        if self._format == "json":
            self._check_records()

    def _check_records(self) -> None:
        """Raise KitError if a JSON file is one record of whole columns, as pandas writes it."""
        nested = " AND ".join(
            f"json_type({column.name}) IN ('OBJECT', 'ARRAY')" for column in self._columns
        )
        found = self._asked(f"SELECT {nested} FROM cases LIMIT 2")  # noqa: S608 - own names
        if found == [(True,)]:
            raise KitError(
                f"{self.path.name} holds one record, whose values are whole columns or rows. Write "
                "one record for each row: in pandas, to_json(..., orient='records')."
            )

    def _csv(self, file: str, compression: str) -> tuple[str, list[tuple[str, str]]]:
        """SQL of the file, with nothing left to guess, and the name and type of each column."""
        delimiter, width = dialect_of(self.path, gzipped=self._gzipped, tabs=self._format == "tsv")
        told = (
            f"{file}, {compression}, delim = '{delimiter}', header = true, skip = 0, comment = '', "
            "quote = '\"', escape = '\"', hive_partitioning = false"
        )

        def strict(width: int) -> str:
            columns = ", ".join(f"c{i}: 'VARCHAR'" for i in range(width))
            return f"read_csv({told}, auto_detect = false, columns = {{{columns}}})"

        try:
            described = self._described(f"read_csv({told}, all_varchar = true)")
        except KitError:
            # DuckDB does not say which of the first lines is amiss, unless it is told the columns.
            self._asked(f"SELECT count(*) FROM {strict(width)}")  # noqa: S608 - own names
            raise
        return strict(len(described)), described

    def _parquet(self) -> str:
        """SQL of all parts; raise KitError unless all have the same columns: DuckDB would round 2.7
        to 3 where the first file holds whole numbers.
        """
        parts = {part: part for part in self.parts}
        if self._keys:
            # DuckDB takes keys from the whole path, of which only this end is the table's.
            root = Path(self._folder.name) / "table"
            root.symlink_to(self.path.absolute(), target_is_directory=True)
            parts = {part: root / part.relative_to(self.path) for part in parts}
        files = {part: literal(_without_glob(path.absolute())) for part, path in parts.items()}
        options = f"hive_partitioning = {bool(self._keys)}, hive_types_autocast = false"
        first: list[tuple[str, str]] = []
        for part, file in files.items():
            found = self._described(f"read_parquet({file}, {options})", part)
            first = first or found
            for one, other in zip_longest(first, found, fillvalue=("no column", "nothing")):
                if one != other:
                    raise KitError(
                        f"{self.path.name} is no table: {name_of(self.parts[0], self.path)} has "
                        f"{one[0]!r} of type {one[1]} where {name_of(part, self.path)} has "
                        f"{other[0]!r} of type {other[1]}. Write all its files with the same "
                        "columns and types."
                    )
        return f"read_parquet([{', '.join(files.values())}], {options})"

    def _described(self, source: str, part: Path | None = None) -> list[tuple[str, str]]:
        """Name and DuckDB type of each column."""
        return [(str(row[0]), str(row[1])) for row in self._asked(f"DESCRIBE FROM {source}", part)]

    def _asked(self, sql: str, part: Path | None = None) -> list[tuple[Any, ...]]:
        try:
            return self._duckdb.execute(sql).fetchall()
        except duckdb.Error as error:
            where = part or (self.parts[0] if len(self.parts) == 1 else self.path)
            raise explained(error, name_of(where, self.path), self._format) from error

    def _close(self) -> None:
        self._duckdb.close()
        self._folder.cleanup()


def _counts_of_part(task: tuple[Path, Path, str]) -> bytes:
    """What a Dask worker does: the answer of one part to the query, as the bytes of Parquet."""
    path, part, sql = task
    with (
        TableFile(path, silent, threads=1, only=part) as table,
        tempfile.TemporaryDirectory() as folder,
    ):
        target = Path(folder) / "counts.parquet"
        table.rows(f"COPY ({sql}) TO {literal(str(target))} (FORMAT parquet)", silent, "Counting")
        return target.read_bytes()


def _without_glob(path: Path) -> str:
    """The path with every sign that DuckDB would take for a wildcard put in brackets."""
    return re.sub(r"[*?\[]", r"[\g<0>]", str(path))


def literal(text: str) -> str:
    """The text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
