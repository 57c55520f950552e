"""Reading a user's table by asking it questions in SQL: it is never loaded, and may be any size.

Labels are compared as what they say: ``1`` and ``1.0`` are the same label, and so are ``true`` and
``True``; ``1_2``, ``007`` and ``1e5`` are names and equal only themselves. CSV files are read as
text and each value is judged by itself, for types guessed from the first rows would round a later
2.7 to 3.
"""

import difflib
import gzip
import os
import re
import tempfile
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from evidesk.kits.kit import KitError, Progress

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}
_MEMORY = "1GB"  # beyond it DuckDB moves to disk; on four threads it needs a quarter of this
_THREADS = 4
_POLL_SECONDS = 0.1
_CHUNK = 2**20
_GZIP_SHARE = 0.2
# Tables of predictions shrink by 5 to 100 times, and gzip can do 1,032 times.
_SUSPICIOUS_BYTES = 2**28
_SUSPICIOUS_RATIO = 300

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

    Use it as a context manager; SQL given to :meth:`rows` and :meth:`execute` reads the view
    ``cases``, whose columns are spoken of through :meth:`labels` only, so that no name from a file
    ever becomes SQL (hence the ``noqa: S608``).

    Parameters
    ----------
    progress : told of the check of a compressed file, which reads all of it.
    head_only : for callers who ask for ``columns`` only: without that check, so that it is soon
        done however large the file is.

    Attributes
    ----------
    columns : the names of the file's columns, in order.
    typed : whether the file states the types of its values, as all but CSV and TSV do.

    Raises
    ------
    KitError : the file is missing, a folder, empty, damaged, or not what its suffix says; its path
        is not UTF-8; or it unpacks to so much more than itself that it looks like a trap.
    """

    def __init__(self, path: Path, progress: Progress, *, head_only: bool = False) -> None:
        self.path = path
        self._format, self._gzipped = _format_of(path)
        self.typed = self._format in ("parquet", "json")
        _check_readable(path)
        if self._gzipped and not head_only:
            _check_gzip(path, progress)
        self._folder = tempfile.TemporaryDirectory(prefix="evidesk-")
        self._duckdb = duckdb.connect(
            config={
                "memory_limit": _MEMORY,
                "threads": min(_THREADS, os.cpu_count() or 1),
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

    def labels(self, columns: Mapping[str, str]) -> str:
        """SQL that selects the labels of ``columns``: names in the file by SQL names of your own.

        Its column ``<own>`` is the label as text, NULL where there is none (NULL, NaN or blank);
        ``<own>_kind`` is one of :data:`KINDS`.
        """
        sql = "cases"
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

    def first_row_without(self, column: str, progress: Progress) -> int:
        """Number of the first row, from 1 and not counting the header, that has no value."""
        found = self.rows(
            "SELECT min(row) FROM (SELECT row_number() OVER () AS row, label "  # noqa: S608
            f"FROM {self.labels({'label': column})}) WHERE label IS NULL",
            progress,
            "Looking for the first missing value",
            (1.0, 1.0),
        )
        return int(found[0][0])

    def _name(self, column: str) -> str:
        return f"c{self.columns.index(column)}"

    def _raw(self, column: str) -> str:
        """SQL for the column's value as text."""
        name = self._name(column)
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
                f"CASE json_type({self._name(column)}) WHEN 'VARCHAR' THEN 'text' "
                "WHEN 'BOOLEAN' THEN 'true/false' WHEN 'ARRAY' THEN 'other values' "
                "WHEN 'OBJECT' THEN 'other values' ELSE 'numbers' END"
            )
        return _KIND_OF_TEXT.format(own=own)

    def _create_view(self) -> None:
        file = _quoted(_without_glob(self.path.absolute()))
        compression = f"compression = '{'gzip' if self._gzipped else 'none'}'"
        if self._format == "parquet":
            source = f"read_parquet({file}, hive_partitioning = false)"
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

    def _described(self, source: str) -> list[tuple[str, str]]:
        """Name and DuckDB type of each column."""
        return [(str(row[0]), str(row[1])) for row in self._asked(f"DESCRIBE FROM {source}")]

    def _asked(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            return self._duckdb.execute(sql).fetchall()
        except duckdb.Error as error:
            raise _explained(error, self.path, self._format) from error

    def _close(self) -> None:
        self._duckdb.close()
        self._folder.cleanup()


def _format_of(path: Path) -> tuple[str, bool]:
    """The format by the file's suffix, and whether it is gzipped."""
    name = path.name.lower()
    gzipped = name.endswith(".gz")
    suffix = Path(name.removesuffix(".gz")).suffix
    if suffix not in _SUFFIXES or (gzipped and suffix == ".parquet"):
        raise KitError(
            f"{path.name}: the name of a table must end in .csv, .tsv, .json, .jsonl, .ndjson "
            "(each also with .gz) or .parquet."
        )
    return _SUFFIXES[suffix], gzipped


def _check_readable(path: Path) -> None:
    try:
        str(path.absolute()).encode()
        if path.is_dir():
            raise KitError(f"{path.name} is a folder; name one file in it.")
        with path.open("rb") as file:
            if not file.read(1):
                raise KitError(f"{path.name} is empty: it has no bytes. Was it saved completely?")
    except FileNotFoundError:
        raise KitError(f"There is no file {path}.") from None
    except UnicodeEncodeError:
        raise KitError(f"The path {str(path)!r} is not UTF-8. Rename the file or folder.") from None
    except (OSError, ValueError) as error:
        raise KitError(f"{path.name} cannot be opened: {error}.") from error


def _check_gzip(path: Path, progress: Progress) -> None:
    """Read the compressed file to its end: only this compares its checksums; DuckDB does not."""
    size = path.stat().st_size
    try:
        with path.open("rb") as raw, gzip.open(raw) as content:
            if not content.read(1):
                raise KitError(f"{path.name} is empty: nothing is compressed in it.")
            while content.read(_CHUNK):
                if content.tell() > max(_SUSPICIOUS_BYTES, _SUSPICIOUS_RATIO * size):
                    raise KitError(
                        f"{path.name} unpacks to more than {_SUSPICIOUS_RATIO} times its size, as "
                        "traps do. If you trust it, unpack it and give the unpacked file."
                    )
                progress(_GZIP_SHARE * min(raw.tell() / size, 1.0), "Checking the compressed file")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise KitError(
            f"{path.name} is damaged or cut off ({error}). Copy it anew, or compress it again."
        ) from error


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
