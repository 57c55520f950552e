"""What parts the fields of a CSV file, judged by its first lines.

DuckDB's own guess takes a file for one column of text when a single one of the first lines has
another number of fields than the others. So it is told the delimiter on which most lines agree, and
then says which line does not.
"""

import codecs
import csv
import gzip
import io
import zlib
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from evidesk.kits.files import not_utf_8
from evidesk.kits.kit import KitError
from evidesk.kits.wording import shown

#: Where two part the lines equally well, it is the first: names and numbers hold commas, too.
_DELIMITERS = {"\t": "tabs", ";": "semicolons", "|": "the sign |", ",": "commas"}
_HEAD = 2**18
_MOST_RECORDS = 1_000

_Records = list[tuple[int, list[str]]]


class _Guess(NamedTuple):
    """How well a delimiter parts the first lines.

    Attributes
    ----------
    fits : whether most lines have as many fields as the first one.
    share : that of the lines which have the commonest number of fields, ``width``.
    """

    fits: bool
    share: float
    width: int
    delimiter: str
    records: _Records

    @property
    def header(self) -> int:
        """How many fields the first line has."""
        return len(self.records[0][1])


def dialect_of(path: Path, *, gzipped: bool, tabs: bool) -> tuple[str, int]:
    """What parts the fields of the file, a comma for a single column; and how many its header has.

    ``tabs`` says that the file's suffix promises tabs.

    Raises
    ------
    KitError : it is not UTF-8; most of the first lines have another number of fields than the very
        first one, so that it is no header; or something else than tabs parts them in spite of the
        suffix.
    """
    text, cut = _head(path, gzipped)
    guesses = [one for each in _DELIMITERS if (one := _guess(_records(text, cut, each), each))]
    best = max(guesses, key=lambda one: (one.fits, one.share), default=None)
    if tabs and (best is None or best.delimiter != "\t"):
        if best is None or not best.fits:
            return "\t", 1
        raise KitError(
            f"{path.name} has {_DELIMITERS[best.delimiter]} between its fields, and its suffix "
            "promises tabs. Rename it to end in .csv."
        )
    if best is None:
        return ",", 1
    if not best.fits and best.share > 0.5:
        line = next(number for number, fields in best.records if len(fields) == best.width)
        first = shown(text.splitlines()[0])
        raise KitError(
            f"{path.name}: line 1, {first!r}, has {best.header:,} field(s) and line {line:,} has "
            f"{best.width:,}, parted by {_DELIMITERS[best.delimiter]}. The first line must hold "
            "the names of all columns: remove what stands above them, or complete it."
        )
    return (best.delimiter, best.header) if best.header > 1 else (",", 1)


def _guess(records: _Records, delimiter: str) -> _Guess | None:
    """None if the delimiter parts no line."""
    widths = Counter(len(fields) for _, fields in records if len(fields) > 1)
    if not widths:
        return None
    [(width, count)] = widths.most_common(1)
    share = count / sum(bool(fields) for _, fields in records)
    return _Guess(share > 0.5 and len(records[0][1]) == width, share, width, delimiter, records)


def _head(path: Path, gzipped: bool) -> tuple[str, bool]:
    """The beginning of the file, and whether there is more; nothing where it cannot be unpacked."""
    try:
        with gzip.open(path) if gzipped else path.open("rb") as file:
            head = file.read(_HEAD)
    except (OSError, EOFError, zlib.error):  # of which DuckDB tells
        return "", False
    try:
        # Unlike bytes.decode, it does not mind a last letter that is cut off.
        return codecs.getincrementaldecoder("utf-8-sig")().decode(head), len(head) == _HEAD
    except UnicodeDecodeError as error:
        raise not_utf_8(path.name, head[: error.start].count(b"\n") + 1) from error


def _records(text: str, cut: bool, delimiter: str) -> _Records:
    """The first records, with the number of the line in which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found, line = [], 1
    try:
        for fields in islice(reader, _MOST_RECORDS):
            found.append((line, fields))
            line = reader.line_num + 1
    except csv.Error:  # a field of more than 128 KiB
        cut = False
    return found[:-1] if cut and len(found) > 1 else found
