"""Further files of evidence: what programs go on from, such as the state of a watch."""

from __future__ import annotations

from dataclasses import dataclass

from evidesk.evidence.checks import check_name, check_slug, check_text

__all__ = ["File"]


@dataclass(frozen=True, slots=True)
class File:
    """A text that a program can go on from; people read the tables and figures.

    Parameters
    ----------
    name:
        The file's name without suffix: lower-case letters, digits, ``_`` and ``-``.
    title:
        What the file is, for people.
    text:
        Its content, JSON. Whoever uses it checks it: evidence keeps it as it is.

    Raises
    ------
    ValueError
        If the name cannot name a file, the title is empty, or the text holds control characters.
    """

    name: str
    title: str
    text: str

    def __post_init__(self) -> None:
        check_slug("a file's name", self.name)
        check_name(f"the title of file {self.name!r}", self.title)
        check_text(f"the text of file {self.name!r}", self.text)
