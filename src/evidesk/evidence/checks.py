"""Checks that the parts of the document share."""

from __future__ import annotations

import re

# Lower case only, and none of the device names of Windows: the name becomes a file's name
# on every system, also where `A.csv` and `a.csv` are one file.
_SLUG = re.compile(r"(?!(?:con|prn|aux|nul|com\d|lpt\d)\Z)[a-z0-9][a-z0-9_-]{0,63}\Z")


def check_text(field: str, value: object) -> None:
    """Raise ValueError unless the value is text that UTF-8 can hold."""
    if not isinstance(value, str):
        raise ValueError(f"{field} must be text, got {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{field} holds a character that UTF-8 cannot: {value!r}") from error


def check_sentence(field: str, value: object) -> None:
    """Raise ValueError unless the value is text with something in it."""
    check_text(field, value)
    if not str(value).strip():
        raise ValueError(f"{field} must not be empty")


def check_slug(field: str, value: object) -> None:
    """Raise ValueError unless the value can name a file on every system."""
    if not isinstance(value, str) or not _SLUG.match(value):
        raise ValueError(
            f"{field} must name a file: 1 to 64 of a-z, 0-9, _ and -, a letter or digit first; "
            f"got {value!r}"
        )


def check_unique(field: str, names: list[str]) -> None:
    """Raise ValueError if a name comes twice."""
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{field} must be unique, {name!r} comes {names.count(name)} times")
