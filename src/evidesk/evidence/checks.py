"""Checks that the parts of the document share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sized
from functools import lru_cache

# Lower case only, and none of the device names of Windows: the name becomes a file's name
# on every system, also where `A.csv` and `a.csv` are one file.
_SLUG = re.compile(r"(?!(?:con|prn|aux|nul|com\d|lpt\d)\Z)[a-z0-9][a-z0-9_-]{0,63}\Z")

# What moves a terminal's cursor, recolours it or turns the direction of writing could make a
# text say what it does not: control characters but tab and line feed (category Cc), the
# embeddings, overrides and isolates of direction; surrogates, which UTF-8 cannot hold; and the
# two that XML cannot hold.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)

LONGEST_SENTENCE = 5_000
LONGEST_NAME = 500


def printable(text: str) -> str:
    """The text with U+FFFD for each character that evidence refuses.

    These are control characters other than tab and line feed, the characters that turn the
    direction of writing (U+202A to U+202E, U+2066 to U+2069), lone surrogates, and the two
    that XML, and so an image, cannot hold (U+FFFE, U+FFFF).
    """
    return _UNPRINTABLE.sub("\ufffd", text)


def check_text(field: str, value: object, *, longest: int | None = None) -> None:
    """Raise ValueError unless the value is printable text of at most so many characters."""
    if not isinstance(value, str):
        raise ValueError(f"{field} must be text, got {value!r}")
    if longest is not None and len(value) > longest:
        raise ValueError(
            f"{field} must have at most {longest} characters, got {len(value)}: {value[:40]!r}…"
        )
    if found := _UNPRINTABLE.search(value):
        if "\ud800" <= found[0] <= "\udfff":
            raise ValueError(f"{field} holds a character that UTF-8 cannot: {found[0]!r}")
        raise ValueError(
            f"{field} holds the control character {found[0]!r}, which could make a terminal or "
            "a page show something else; evidesk.evidence.printable(text) replaces it"
        )


def check_sentence(field: str, value: object, *, longest: int = LONGEST_SENTENCE) -> None:
    """Raise ValueError unless the value is printable text with something in it."""
    check_text(field, value, longest=longest)
    if not str(value).strip():
        raise ValueError(f"{field} must not be empty")


def check_name(field: str, value: object) -> None:
    """Raise ValueError unless the value is a name or title: a short text that says something."""
    if type(value) is not str:
        check_sentence(field, value, longest=LONGEST_NAME)
    else:
        _check_known_name(field, value)


@lru_cache(maxsize=1024)
def _check_known_name(field: str, value: str) -> None:
    """A few names come with every estimate: what passed once passes at once."""
    check_sentence(field, value, longest=LONGEST_NAME)


def check_slug(field: str, value: object) -> None:
    """Raise ValueError unless the value can name a file on every system."""
    if not isinstance(value, str) or not _SLUG.match(value):
        raise ValueError(
            f"{field} must name a file: 1 to 64 of a-z, 0-9, _ and -, a letter or digit first; "
            f"got {value!r}"
        )


def check_number(field: str, value: object) -> float:
    """The value as a float, or ValueError: truth values and text are no numbers here."""
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise ValueError(f"{field} must be a number, got {value!r}")
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError(f"{field} is beyond the largest float, 1.8e308") from error


def check_most(field: str, values: Sized, most: int) -> None:
    """Raise ValueError if there are more values than a reader can be expected to read."""
    if len(values) > most:
        raise ValueError(f"at most {most} {field} are possible, got {len(values)}")


def check_unique(field: str, names: Iterable[str]) -> None:
    """Raise ValueError if a name comes twice."""
    name, count = max(Counter(names).items(), key=lambda item: item[1], default=("", 0))
    if count > 1:
        raise ValueError(f"{field} must be unique, {name!r} comes {count} times")
