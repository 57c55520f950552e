"""The files of a user's: can they be read, what are they, and which digest do they have?"""

import gzip
import hashlib
import os
import zlib
from pathlib import Path

from evidesk.evidence import Input
from evidesk.kits.kit import KitError, Progress

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

    Files whose name begins with a dot or an underscore are notes of the program that wrote the
    folder, and no part of the table.

    Raises
    ------
    KitError : the folder holds no Parquet files, or other folders that do; or it cannot be read.
    """
    try:
        if not path.is_dir():
            return [path]
        inside = sorted(path.iterdir(), key=lambda one: os.fsencode(one.name))
        visible = [one for one in inside if not one.name.startswith((".", "_"))]
        parts = [one for one in visible if one.suffix.lower() == ".parquet" and one.is_file()]
        nested = [one for one in visible if one.is_dir() and any(one.rglob("*.parquet"))]
    except (OSError, ValueError) as error:
        raise KitError(f"{path} cannot be read: {error}.") from error
    if nested:
        raise KitError(
            f"{path} is a folder that holds folders with Parquet files, such as "
            f"{nested[0].name}. What the folders' names say is not read: write one folder with all "
            "the files in it, and what the names say as a column."
        )
    if not parts:
        raise KitError(
            f"{path} is a folder; name one file in it. Only a folder of .parquet files is "
            "read as one table."
        )
    return parts


def input_of(path: Path) -> Input:
    """What provenance says of the file, or of the folder of Parquet files.

    A folder's digest is that of the list of its files' digests, as this line prints it::

        cd FOLDER && LC_ALL=C sha256sum *.parquet | sha256sum

    Raises
    ------
    KitError : there is no such file, it cannot be read, or evidence cannot hold its name.
    """
    try:
        if not path.is_dir():
            return Input.of(path)
        digest, size = hashlib.sha256(), 0
        for part in parts_of(path):
            with part.open("rb") as stream:
                own = hashlib.file_digest(stream, "sha256").hexdigest()
                size += stream.tell()
            digest.update(own.encode() + b"  " + os.fsencode(part.name) + b"\n")
        return Input(f"{path.absolute().name}/", digest.hexdigest(), size)
    except FileNotFoundError:
        raise KitError(f"There is no file {path}.") from None
    except OSError as fault:
        raise KitError(f"{path} cannot be read: {fault.strerror}.") from None
    except ValueError:
        raise KitError(
            f"The file's name {path.name!r} is not UTF-8, or holds control characters. "
            "Rename the file and try again."
        ) from None


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
