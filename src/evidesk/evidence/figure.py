"""Figures: an SVG image, what it shows in words, and the data behind it."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.parsers import expat

from evidesk.evidence.checks import check_sentence, check_slug, check_text
from evidesk.evidence.table import Table

if TYPE_CHECKING:
    import matplotlib.figure

__all__ = ["Figure"]

_ACTIVE = {"script", "foreignobject", "iframe", "embed", "object", "handler", "set", "animate"}
_URL = re.compile(r"@import|url\(\s*['\"]?\s*(?P<embedded>#|data:image/)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Figure:
    """An image with its data.

    Parameters
    ----------
    name:
        The file's name without suffix: lower-case letters, digits, ``_`` and ``-``.
    title:
        A caption for people.
    svg:
        The image, an SVG document without scripts, document type and outside references.
    alt:
        What the image shows, for those who do not see it.
    data:
        The numbers that are drawn.

    Raises
    ------
    ValueError
        If the alternative text is empty, or the SVG is broken or could act by itself.
    """

    name: str
    title: str
    svg: str
    alt: str
    data: Table

    def __post_init__(self) -> None:
        check_slug("a figure's name", self.name)
        check_sentence(f"the title of figure {self.name!r}", self.title)
        check_sentence(f"the alternative text of figure {self.name!r}", self.alt)
        check_text(f"the image of figure {self.name!r}", self.svg)
        if not isinstance(self.data, Table):
            raise ValueError(f"the data of figure {self.name!r} must be a Table")
        try:
            _check_svg(self.svg)
        except ValueError as error:
            raise ValueError(f"the image of figure {self.name!r}: {error}") from error

    @classmethod
    def from_matplotlib(
        cls, fig: matplotlib.figure.Figure, *, name: str, title: str, alt: str, data: Table
    ) -> Figure:
        """The figure that Matplotlib draws, in the same bytes every time; closes ``fig``.

        Letters are drawn as paths: an image inside a page sees none of the page's fonts, and
        replaced fonts would move the text over the marks it belongs to.
        """
        import matplotlib as mpl
        import matplotlib.pyplot as plt

        target = io.StringIO()
        # The salt fixes the identifiers that Matplotlib otherwise draws at random.
        with mpl.rc_context({"svg.hashsalt": "evidesk", "svg.fonttype": "path"}):
            fig.savefig(target, format="svg", metadata={"Date": None}, bbox_inches="tight")
        plt.close(fig)
        svg = re.sub(r"<!DOCTYPE[^>]*>\s*", "", target.getvalue(), count=1)
        return cls(name=name, title=title, svg=svg, alt=alt, data=data)


def _check_svg(svg: str) -> None:
    """Raise ValueError unless the text is an SVG document that only draws."""
    elements: list[str] = []

    def refuse_doctype(*_: object) -> None:
        raise ValueError("a document type is refused, for it can define entities; remove it")

    def check_element(name: str, attributes: dict[str, str]) -> None:
        elements.append(name.rpartition(":")[2].lower())
        if elements[-1] in _ACTIVE:
            raise ValueError(f"the element {name!r} is refused; an image only draws")
        for key, value in attributes.items():
            attribute = key.rpartition(":")[2].lower()
            if attribute.startswith("on"):
                raise ValueError(f"the attribute {key!r} is refused; an image does not act")
            if attribute in ("href", "src") and not value.strip().startswith(("#", "data:image/")):
                raise ValueError(f"a reference to {value!r} is refused; embed what it shows")
            _check_style(value)

    def check_characters(text: str) -> None:
        if elements[-1] == "style":
            _check_style(text)

    parser = expat.ParserCreate()
    parser.buffer_text = True  # else a style arrives in pieces that hide what they say
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = check_element
    parser.CharacterDataHandler = check_characters
    try:
        parser.Parse(svg, True)
    except expat.ExpatError as error:
        raise ValueError(f"not an SVG document: {error}") from error
    if elements[0] != "svg":
        raise ValueError(f"not an SVG document: its root is {elements[0]!r}")


def _check_style(style: str) -> None:
    if "\\" in style:
        raise ValueError(f"an escape in a style or attribute is refused: {style!r}")
    for match in _URL.finditer(style):
        if not match["embedded"]:
            raise ValueError(f"a reference to outside is refused: {style!r}")
