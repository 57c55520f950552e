"""Reading a user's table by asking it questions in SQL: it is never loaded, and may be any size.

Labels are compared as what they say: ``1`` and ``1.0`` are the same label, and so are ``true`` and
``True``; ``1_2``, ``007`` and ``1e5`` are names and equal only themselves. CSV files are read as
text and each value is judged by itself, for types guessed from the first rows would round a later
2.7 to 3.
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

import duckdb
import numpy as np
import numpy.typing as npt

from evidesk.kits.files import check_gzip, check_readable, format_of, parts_of
from evidesk.kits.kit import KitError, Progress, silent
from evidesk.kits.partitions import current

_MEMORY = "1GB"  # beyond it DuckDB moves to disk; on four threads it needs a quarter of this
_THREADS = 4
_POLL_SECONDS = 0.1

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


class TableFile:
    """A table in a CSV, TSV (both also with .gz), Parquet, JSON or JSON Lines file.

    A folder of Parquet files is one table, too, if all have the same columns of the same types.

    Use it as a context manager; SQL given to :meth:`rows` and :meth:`execute` reads the view
    ``cases``, whose columns are spoken of through :meth:`labels` only, so that no name from a file
    ever becomes SQL (hence the ``noqa: S608``).

    Parameters
    ----------
    progress : told of the check of a compressed file, which reads all of it.
    threads : how many DuckDB may use.
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
    ) -> None:
        self.path = path
        self.parts = parts_of(path)
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
        return f"c{self.columns.index(column)}"

    def type_of(self, column: str) -> str:
        """DuckDB's type of the column as it stands in the file."""
        return self._types[self.columns.index(column)]

    def labels(self, columns: Mapping[str, str], source: str = "cases") -> str:
        """SQL that selects the labels of ``columns``: names in the file by SQL names of your own.

        ``source`` may be a query that has counted the cases with equal ``name(column)`` before:
        that is much faster. The column ``<own>`` is the label as text, NULL where there is none
        (NULL, NaN or blank); ``<own>_kind`` is one of :data:`KINDS`.
        """
        sql = source
        # Each layer computes once what the next ones use several times.
        for layer in (
            {f"{own}_raw": self._raw(name) for own, name in columns.items()},
            {f"{own}_number": self._number(own) for own in columns},
            {f"{own}_kind": self._kind(name, own) for own, name in columns.items()},
            {own: _LABEL.format(own=own) for own in columns},
        ):
            values = ", ".join(f"{value} AS {name}" for name, value in layer.items())
            sql = f"(SELECT *, {values} FROM {sql})"  # noqa: S608
        return sql

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
    ) -> None:
        """Make the table ``name`` of counts by the columns ``keys``.

        ``sql`` selects from ``cases`` the keys and whole numbers that add up when tables do. Within
        :func:`~evidesk.kits.partitions.on_dask` the workers ask it of each part, and only counts
        travel; the result is the same, but for the order of its rows.

        Raises
        ------
        KitError, Cancelled : as :meth:`rows`, and what the workers raise.
        """
        workers = current()
        if workers is None:
            self.rows(f"CREATE TEMP TABLE {name} AS {sql}", progress, message, span)
            return
        by = ", ".join(keys)
        whole = f"SELECT {by}, COLUMNS(* EXCLUDE ({by}))::BIGINT FROM ({sql})"  # noqa: S608
        tasks = [(str(part.absolute()), whole) for part in self.parts]
        files: list[str] = []
        for counts in workers.each(_counts_of_part, tasks, progress, message, span):
            file = Path(self._folder.name) / f"{name}-{len(files)}.parquet"
            file.write_bytes(counts)
            files.append(_quoted(str(file)))
        merged = f"SELECT {by}, sum(COLUMNS(* EXCLUDE ({by})))::BIGINT"
        self.rows(
            f"CREATE TEMP TABLE {name} AS {merged} FROM read_parquet([{', '.join(files)}]) "
            f"GROUP BY {by}",
            silent,
            message,
        )

    def first_row_without(self, column: str, progress: Progress) -> str:
        """Which row is the first that has no value: its number, from 1 and not counting the header.

        In a folder, it says also the file: ``7 of part-3.parquet``.
        """
        for part in self.parts:
            with TableFile(part, silent) as table:
                found = table.rows(
                    "SELECT min(row) FROM (SELECT row_number() OVER () AS row, label "  # noqa: S608
                    f"FROM {table.labels({'label': column})}) WHERE label IS NULL",
                    progress,
                    "Looking for the first missing value",
                    (1.0, 1.0),
                )
            if found[0][0] is not None:
                return f"{found[0][0]:,}" + (f" of {part.name}" if part != self.path else "")
        raise AssertionError("some value is missing")  # pragma: no cover - who asks has counted

    def _raw(self, column: str) -> str:
        """SQL for the column's value as text."""
        name = self.name(column)
        if self._format == "parquet":
            return f"CAST({name} AS VARCHAR)"
        if self._format == "json":
            text = f"{name}->>'$'"
            return f"CASE json_type({name}) WHEN 'VARCHAR' THEN {text} ELSE {name}::VARCHAR END"
        return f"trim({name})"

    def _number(self, own: str) -> str:
        """SQL for the value as a number, NULL where it is none."""
        number = f"TRY_CAST({own}_raw AS DOUBLE)"
        if self.typed:
            return number
        return f"CASE WHEN regexp_full_match({own}_raw, '{_PLAIN}') THEN {number} END"

    def _kind(self, column: str, own: str) -> str:
        """SQL for the kind of the column's value."""
        if self._format == "parquet":
            return f"'{_kind_of(self._types[self.columns.index(column)])}'"
        if self._format == "json":
            return (
                f"CASE json_type({self.name(column)}) WHEN 'VARCHAR' THEN 'text' "
                "WHEN 'BOOLEAN' THEN 'true/false' WHEN 'ARRAY' THEN 'other values' "
                "WHEN 'OBJECT' THEN 'other values' ELSE 'numbers' END"
            )
        return _KIND_OF_TEXT.format(own=own)

    def _create_view(self) -> None:
        files = [_quoted(_without_glob(part.absolute())) for part in self.parts]
        file = files[0]
        compression = f"compression = '{'gzip' if self._gzipped else 'none'}'"
        if self._format == "parquet":
            source = f"read_parquet([{', '.join(files)}], hive_partitioning = false)"
            self._check_alike(files)
        elif self._format == "json":
            source = f"read_json({file}, {compression}, hive_partitioning = false"
            described = self._described(f"{source}, maximum_depth = 1)")
            if [name for name, _ in described] == ["json"] and described[0][1] != "JSON":
                raise KitError(f"{self.path.name} is not a table: each record must be an object.")
            # With its columns stated, a record with other keys is no error, and no number is
            # rounded to the type of the first ones.
            columns = ", ".join(f"{_quoted(name)}: 'JSON'" for name, _ in described)
            source += f", columns = {{{columns}}})"
        else:
            delimiter = ", delim = '\t'" if self._format == "tsv" else ""
            source = (
                f"read_csv({file}, {compression}, header = true, skip = 0, comment = '', "
                "quote = '\"', escape = '\"', all_varchar = true, hive_partitioning = false"
                f"{delimiter})"
            )
        described = self._described(source)
        self.columns = [name for name, _ in described]
        self._types = [kind for _, kind in described]
        names = ", ".join(f"c{i}" for i in range(len(described)))
        self._asked(f"CREATE TEMP VIEW cases AS SELECT * FROM {source} AS t({names})")  # noqa: S608

    def _check_alike(self, files: Sequence[str]) -> None:
        """Raise KitError unless all files have the same columns: DuckDB would round 2.7 to 3 where
        the first file holds whole numbers.
        """
        first: list[tuple[str, str]] = []
        for part, file in zip(self.parts, files, strict=True):
            found = self._described(f"read_parquet({file}, hive_partitioning = false)", part)
            first = first or found
            for one, other in zip_longest(first, found, fillvalue=("no column", "nothing")):
                if one != other:
                    raise KitError(
                        f"{self.path.name} is no table: {self.parts[0].name} has "
                        f"{one[0]!r} of type {one[1]} where {part.name} has {other[0]!r} of type "
                        f"{other[1]}. Write all its files with the same columns and types."
                    )

    def _described(self, source: str, part: Path | None = None) -> list[tuple[str, str]]:
        """Name and DuckDB type of each column."""
        return [(str(row[0]), str(row[1])) for row in self._asked(f"DESCRIBE FROM {source}", part)]

    def _asked(self, sql: str, part: Path | None = None) -> list[tuple[Any, ...]]:
        try:
            return self._duckdb.execute(sql).fetchall()
        except duckdb.Error as error:
            raise _explained(error, part or self.path, self._format) from error

    def _close(self) -> None:
        self._duckdb.close()
        self._folder.cleanup()


def _counts_of_part(task: tuple[str, str]) -> bytes:
    """What a Dask worker does: the answer of one file to the query, as the bytes of Parquet."""
    path, sql = task
    with TableFile(Path(path), silent, threads=1) as table, tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "counts.parquet"
        table.rows(f"COPY ({sql}) TO {_quoted(str(target))} (FORMAT parquet)", silent, "Counting")
        return target.read_bytes()


def _without_glob(path: Path) -> str:
    """The path with every sign that DuckDB would take for a wildcard put in brackets."""
    return re.sub(r"[*?\[]", r"[\g<0>]", str(path))


def _quoted(text: str) -> str:
    """The text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _kind_of(duckdb_type: str) -> str:
    if duckdb_type == "BOOLEAN":
        return "true/false"
    if _NUMBERS.fullmatch(duckdb_type):
        return "numbers"
    return "text" if _TEXTS.fullmatch(duckdb_type) else "other values"


def _explained(error: duckdb.Error, path: Path, format: str) -> KitError:
    """DuckDB's complaint in words of the user's file."""
    complaint = str(error)
    line = re.search(r"Line: (\d+)|in line (\d+)|record/value (\d+)", complaint)
    where = f" at line {next(filter(None, line.groups()))}" if line else ""
    if "not utf-8" in complaint.lower():
        why = f"is not encoded in UTF-8{where}. Save it as UTF-8 and try again."
    elif "Expected Number of Columns" in complaint:
        why = f"has another number of fields{where} than in its header. Mend that line."
    elif "quote" in complaint and "unterminated" in complaint.lower():
        why = f"has a quotation mark{where} that is never closed. Mend that line."
    elif isinstance(error, duckdb.OutOfMemoryException):
        why = f"needs more room than there is, in memory or on disk: {complaint.splitlines()[0]}"
    else:
        kind = {"csv": "CSV", "tsv": "TSV", "json": "JSON", "parquet": "Parquet"}[format]
        unlike = "" if format in ("json", "parquet") else " its lines do not all end alike,"
        why = f"cannot be read as {kind}{where}: it is damaged,{unlike} or its suffix is wrong."
    return KitError(f"{path.name} {why}")
