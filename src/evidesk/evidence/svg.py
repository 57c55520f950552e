"""Which SVG documents are accepted: those that only draw.

An allow-list, for what browsers can do in an image grows with each of them: the elements and
attributes that Matplotlib writes and the basic shapes, no reference out of the document, and in
styles only the functions that colour and move.
"""

from __future__ import annotations

import re
from xml.parsers import expat

__all__ = ["check_svg"]

# fmt: off
_ELEMENTS = frozenset({
    "svg", "g", "defs", "title", "desc", "style", "use", "image", "text", "tspan",
    "path", "rect", "circle", "ellipse", "line", "polyline", "polygon",
    "clipPath", "pattern", "linearGradient", "radialGradient", "stop",
    "filter", "feColorMatrix", "feComposite",
})
_ATTRIBUTES = frozenset({
    "id", "version", "type", "style", "transform", "viewBox", "preserveAspectRatio",
    "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "dx", "dy",
    "d", "points", "width", "height", "offset", "rotate", "in", "in2", "operator",
    "k1", "k2", "k3", "k4", "values",
    "clip-path", "clip-rule", "clipPathUnits", "patternUnits", "patternTransform",
    "patternContentUnits", "gradientUnits", "gradientTransform", "filter", "filterUnits",
    "fill", "fill-opacity", "fill-rule", "opacity", "stroke", "stroke-dasharray",
    "stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit",
    "stroke-opacity", "stroke-width", "stop-color", "stop-opacity", "shape-rendering",
    "text-rendering", "image-rendering", "font-family", "font-size", "font-style",
    "font-weight", "text-anchor", "dominant-baseline",
})
_FUNCTIONS = frozenset({
    "rgb", "rgba", "hsl", "hsla", "matrix", "translate", "rotate", "scale", "skewx", "skewy",
})
# fmt: on
_SVG = "http://www.w3.org/2000/svg "  # as expat writes a name: its namespace, a space, itself
_HREFS = ("href", "http://www.w3.org/1999/xlink href")
_EMBEDDED = re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=\s]*\Z")
_LOCAL_URL = re.compile(r"(?<![^\s:;,{])url\(\s*(['\"]?)#[^\s'\"()]+\1\s*\)", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s:;,(){}]")
_DEEPEST = 100  # elements in one another; a browser's own stack ends somewhere, too


def check_svg(svg: str) -> None:
    """Raise ValueError, saying what is refused, unless the text is an SVG that only draws."""
    drawing = _Drawing()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.XmlDeclHandler = drawing.declare
    parser.StartDoctypeDeclHandler = drawing.refuse_doctype
    parser.ProcessingInstructionHandler = drawing.refuse_instruction
    parser.StartElementHandler = drawing.open
    parser.CharacterDataHandler = drawing.write
    parser.EndElementHandler = drawing.close
    try:
        parser.Parse(svg, True)
    except expat.ExpatError as error:
        raise ValueError(f"not an SVG document: {error}") from error
    drawing.finish()


class _Drawing:
    """A document, checked as its parts arrive."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._ids: list[str] = []  # of the open elements, empty where there is none
        self._style: list[str] = []
        self._repeated: set[str] = set()  # what `use` draws again
        self._repeating: set[str] = set()  # what has a `use` in it

    def declare(self, _version: str, encoding: str | None, _standalone: int) -> None:
        # In another encoding a browser would read other letters than were checked here.
        if encoding is not None and encoding.lower() != "utf-8":
            raise ValueError(f"the encoding {encoding!r} is refused; an image is UTF-8")

    def refuse_doctype(self, *_: object) -> None:
        raise ValueError("a document type is refused, for it can define entities; remove it")

    def refuse_instruction(self, target: str, _text: str) -> None:
        raise ValueError(f"the processing instruction {target!r} is refused; remove it")

    def open(self, name: str, attributes: dict[str, str]) -> None:
        element = name.removeprefix(_SVG)
        if not self._open and name != f"{_SVG}svg":
            raise ValueError(f"not an SVG document: its root is {name!r}, not {_SVG + 'svg'!r}")
        if not name.startswith(_SVG) or element not in _ELEMENTS:
            raise ValueError(f"the element {element!r} is refused; an image only draws")
        if self._open[-1:] == ["style"]:
            raise ValueError(f"the element {element!r} in a style is refused")
        if len(self._open) >= _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} elements in one another are refused")
        self._open.append(element)
        self._ids.append(attributes.get("id", ""))
        for key, value in attributes.items():
            self._check_attribute(element, key, value)

    def write(self, text: str) -> None:
        if self._open[-1] == "style":
            self._style.append(text)

    def close(self, _name: str) -> None:
        if self._open.pop() == "style":
            # As a whole: comments and CDATA cut a text into pieces that hide what it says.
            _check_style("".join(self._style))
            self._style.clear()
        self._ids.pop()

    def finish(self) -> None:
        # Ten that draw ten that draw ten: a small file that no browser ever ends to draw.
        if both := self._repeated & self._repeating:
            raise ValueError(
                f"what is drawn again, {sorted(both)[0]!r}, draws something again; refused"
            )

    def _check_attribute(self, element: str, key: str, value: str) -> None:
        if key in _HREFS:
            self._check_reference(element, value)
        elif key not in _ATTRIBUTES:
            raise ValueError(f"the attribute {key!r} is refused; an image only draws")
        elif key != "id":
            _check_style(value)

    def _check_reference(self, element: str, target: str) -> None:
        if element == "use":
            self._repeated.add(target.removeprefix("#"))
            self._repeating.update(filter(None, self._ids))
        embedded = element == "image" and _EMBEDDED.match(target)
        if not target.startswith("#") and not embedded:
            raise ValueError(f"a reference to {target[:80]!r} is refused; embed what it shows")


def _check_style(style: str) -> None:
    """Raise ValueError if the text, read as CSS, could load something."""
    for sign, meaning in {"\\": "an escape", "@": "an @-rule"}.items():
        if sign in style:
            raise ValueError(f"{meaning} in a style or attribute is refused: {style[:80]!r}")
    *before, _ = _LOCAL_URL.sub(" ", style).split("(")
    for text in before:
        function = _BETWEEN.split(text)[-1]
        if function.lower() not in _FUNCTIONS:
            raise ValueError(
                f"'{function[-80:]}(' in a style or attribute is refused: "
                "an image moves, colours, and refers with url(#...) to its own parts"
            )
