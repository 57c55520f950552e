"""Figures: an SVG image, what it shows in words, and the data behind it."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evidesk.evidence.checks import check_name, check_sentence, check_slug, check_text
from evidesk.evidence.svg import check_svg
from evidesk.evidence.table import Table

if TYPE_CHECKING:
    import matplotlib.figure

__all__ = ["Figure"]

# Matplotlib's own description of the file; who made it when stands in the provenance.
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


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
        The image: an SVG document that only draws, as `from_matplotlib` makes it. It has no
        scripts, links, animations, document type or processing instructions, and refers to
        nothing but its own parts and embedded PNG and JPEG images.
    alt:
        What the image shows, for those who do not see it.
    data:
        The numbers that are drawn.

    Raises
    ------
    ValueError
        If the alternative text is empty, or the SVG is broken or could do more than draw.
    """

    name: str
    title: str
    svg: str
    alt: str
    data: Table

    def __post_init__(self) -> None:
        check_slug("a figure's name", self.name)
        check_name(f"the title of figure {self.name!r}", self.title)
        check_sentence(f"the alternative text of figure {self.name!r}", self.alt)
        check_text(f"the image of figure {self.name!r}", self.svg)
        if not isinstance(self.data, Table):
            raise ValueError(f"the data of figure {self.name!r} must be a Table")
        try:
            check_svg(self.svg)
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
            fig.savefig(target, format="svg", metadata=_NO_METADATA, bbox_inches="tight")
        plt.close(fig)
        svg = re.sub(r"<!DOCTYPE[^>]*>\s*", "", target.getvalue(), count=1)
        return cls(name=name, title=title, svg=svg, alt=alt, data=data)
