"""The files of a user's: can they be read, what are they, and which digest do they have?"""

import gzip
import hashlib
import os
import re
import zlib
from pathlib import Path

import duckdb

from evidesk.evidence import Input
from evidesk.kits.kit import KitError, Progress, silent
from evidesk.kits.partitions import current

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}
_CHUNK = 2**20
_GZIP_SHARE = 0.2
# Tables of predictions shrink by 5 to 100 times, and gzip can do 1,032 times.
_SUSPICIOUS_BYTES = 2**28
_SUSPICIOUS_RATIO = 300


def parts_of(path: Path) -> list[Path]:
    """The files that make up the table: the file itself, or the Parquet files of a folder by name.

    They may lie in folders named after what their rows have in common, such as ``fold=1`` (as Hive
    partitions tables). Files and folders whose name begins with a dot or an underscore are notes
    of the program that wrote the folder, and no part of the table.

    Raises
    ------
    KitError : the folder holds no Parquet files, or other folders that do; or it cannot be read.
    """
    try:
        if not path.is_dir():
            return [path]
        parts, nested = _found_in(path)
    except (OSError, ValueError) as error:
        raise KitError(f"{path} cannot be read: {error}.") from error
    if nested:
        raise KitError(
            f"{path} is a folder that holds folders with Parquet files, such as "
            f"{nested[0].name}. Put all the files into one folder, or name the folders after what "
            "their rows have in common, as in fold=1."
        )
    if not parts:
        raise KitError(
            f"{path} is a folder; name one file in it. Only a folder of .parquet files is "
            "read as one table."
        )
    return sorted(parts, key=lambda part: os.fsencode(name_of(part, path)))


def _found_in(folder: Path) -> tuple[list[Path], list[Path]]:
    """Parquet files here and in folders with a key, and the other folders that hold some."""
    parts, nested = [], []
    for one in sorted(folder.iterdir()):
        if one.name.startswith((".", "_")):
            continue
        if not one.is_dir():
            parts += [one] if one.suffix.lower() == ".parquet" and one.is_file() else []
        elif one.name.find("=") > 0:
            inside = _found_in(one)
            parts += inside[0]
            nested += inside[1]
        elif any(one.rglob("*.parquet")):
            nested.append(one)
    return parts, nested


def name_of(part: Path, table: Path) -> str:
    """The name of a part of a table: in a folder, its path from there."""
    return part.name if part == table else part.relative_to(table).as_posix()


def input_of(path: Path) -> Input:
    """What provenance says of the file, or of the folder of Parquet files.

    A folder's digest is that of the list of its files' digests, as this line prints it (with
    ``*/*.parquet`` for files in folders such as ``fold=1``)::

        cd FOLDER && LC_ALL=C sha256sum *.parquet | sha256sum

    Within :func:`~evidesk.kits.partitions.on_dask` the workers read the files of a folder.

    Raises
    ------
    KitError : there is no such file, it cannot be read, or evidence cannot hold its name.
    """
    try:
        if not path.is_dir():
            return Input.of(path)
        parts, workers = [part.absolute() for part in parts_of(path)], current()
        if workers is None:
            found = [_digest(part) for part in parts]
        else:
            found = list(workers.each(_digest, parts, silent, "Hashing", (0.0, 0.0)))
        own = {part: (digest, size) for part, digest, size in found}
        total = hashlib.sha256()
        for part in parts:
            name = os.fsencode(name_of(part, path.absolute()))
            total.update(own[part][0].encode() + b"  " + name + b"\n")
        size = sum(size for _, size in own.values())
        return Input(f"{path.absolute().name}/", total.hexdigest(), size)
    except FileNotFoundError:
        raise KitError(f"There is no file {path}.") from None
    except OSError as fault:
        raise KitError(f"{path} cannot be read: {fault.strerror}.") from None
    except ValueError:
        raise KitError(
            f"The file's name {path.name!r} is not UTF-8, or holds control characters. "
            "Rename the file and try again."
        ) from None


def _digest(part: Path) -> tuple[Path, str, int]:
    """The file, its sha256 and its size."""
    try:
        with part.open("rb") as stream:
            return part, hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell()
    except OSError as fault:
        raise KitError(f"{part} cannot be read: {fault.strerror}.") from None


def format_of(path: Path) -> tuple[str, bool]:
    """The format by the file's suffix, and whether it is gzipped; a folder's is Parquet."""
    if path.is_dir():
        return "parquet", False
    name = path.name.lower()
    gzipped = name.endswith(".gz")
    suffix = Path(name.removesuffix(".gz")).suffix
    if suffix not in _SUFFIXES or (gzipped and suffix == ".parquet"):
        raise KitError(
            f"{path.name}: the name of a table must end in .csv, .tsv, .json, .jsonl, .ndjson "
            "(each also with .gz) or .parquet."
        )
    return _SUFFIXES[suffix], gzipped


def check_readable(path: Path) -> None:
    """Raise KitError unless the file is there, may be read, and holds something."""
    try:
        str(path.absolute()).encode()
        with path.open("rb") as file:
            if not file.read(1):
                raise KitError(f"{path.name} is empty: it has no bytes. Was it saved completely?")
    except FileNotFoundError:
        raise KitError(f"There is no file {path}.") from None
    except UnicodeEncodeError:
        raise KitError(f"The path {str(path)!r} is not UTF-8. Rename the file or folder.") from None
    except (OSError, ValueError) as error:
        raise KitError(f"{path.name} cannot be opened: {error}.") from error


def check_gzip(path: Path, progress: Progress) -> None:
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


def explained(error: duckdb.Error, name: str, format: str) -> KitError:
    """DuckDB's complaint in words of the user's file."""
    complaint = str(error)
    line = re.search(r"Line: (\d+)|in line (\d+)|record/value (\d+)", complaint)
    number = next(filter(None, line.groups())) if line else None
    where = f" at line {number}" if number else ""
    if "not utf-8" in complaint.lower():
        return not_utf_8(name, number)
    if fields := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", complaint):
        # DuckDB stops counting at the first field too many.
        more = " or more" if int(fields[2]) > int(fields[1]) else ""
        why = (
            f"has another number of fields{where} than in its header: {fields[2]}{more} instead of "
            f"{fields[1]}. Mend that line; a value that holds the delimiter needs quotation marks."
        )
    elif "maximum_object_size" in complaint:
        why = (
            "holds a record of more than 16 MB. Write one record for each row: in pandas, "
            "to_json(..., orient='records')."
        )
    elif "quote" in complaint and "unterminated" in complaint.lower():
        why = f"has a quotation mark{where} that is never closed. Mend that line."
    elif isinstance(error, duckdb.OutOfMemoryException):
        why = f"needs more room than there is, in memory or on disk: {complaint.splitlines()[0]}"
    else:
        kind = {"csv": "CSV", "tsv": "TSV", "json": "JSON", "parquet": "Parquet"}[format]
        unlike = "" if format in ("json", "parquet") else " its lines do not all end alike,"
        why = f"cannot be read as {kind}{where}: it is damaged,{unlike} or its suffix is wrong."
    return KitError(f"{name} {why}")


def not_utf_8(name: str, line: int | str | None) -> KitError:
    """What is said of a text file in another encoding."""
    where = f" at line {line}" if line else ""
    return KitError(f"{name} is not encoded in UTF-8{where}. Save it as UTF-8 and try again.")
