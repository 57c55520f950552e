"""What a kit is: a method made ready for a user's data.

A kit is one pydantic model of parameters and one function
``run(parameters, progress) -> Evidence``. From the model come the command line's options, the
desk's form and the API's JSON schema.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict

from evidesk.evidence import Evidence


class KitError(Exception):
    """The user's input cannot be used; the message says what is wrong, where, and what to do."""


class Cancelled(Exception):
    """The user asked for the run to end."""


class Progress(Protocol):
    """Told by a running kit how far it is; may raise :class:`Cancelled`."""

    def __call__(self, done: float, message: str) -> None:
        """``done`` is the share of the work behind us, in [0, 1]; ``message`` says what is next."""


def silent(done: float, message: str) -> None:
    """Progress for callers who do not want to hear of it."""


class Role:
    """Marks what a parameter refers to, so that each face can offer the right thing.

    ``file`` is a file of the user's (the first one is the command line's argument, and a choice
    among the voucher's files in the desk); ``column`` and ``columns`` are names in that file.
    """

    def __init__(self, name: str) -> None:
        self.name = name


#: A file of the user's. Its content is hashed into the evidence's provenance.
InputFile = Annotated[Path, Role("file")]
#: The name of a column in the input file.
ColumnName = Annotated[str, Role("column")]


class Parameters(BaseModel):
    """Base of every kit's parameters: immutable, and unknown names are an error.

    Give each field a ``title`` (a short label) and a ``description`` (one helpful sentence).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @classmethod
    def file_fields(cls) -> list[str]:
        """Names of the parameters that are files of the user's."""
        return [name for name in cls.model_fields if cls.role_of(name) == "file"]

    @classmethod
    def role_of(cls, field: str) -> str | None:
        """What the parameter ``field`` refers to: ``file``, ``column`` or nothing special."""
        return next(
            (
                m.name
                for m in _markers(cls.model_fields[field].annotation)
                + cls.model_fields[field].metadata
                if isinstance(m, Role)
            ),
            None,
        )


def _markers(annotation: Any) -> list[Any]:
    """Metadata hidden inside ``list[Annotated[...]]`` or ``Annotated[...] | None``."""
    found = list(getattr(annotation, "__metadata__", ()))
    for inner in getattr(annotation, "__args__", ()):
        found += _markers(inner)
    return found


@dataclass(frozen=True)
class Kit:
    """A method made ready for a user's data.

    Attributes
    ----------
    name : the word on the command line, lower case.
    title : a few words for a list.
    question : the scientist's question that the kit answers.
    parameters : the model that the faces are made from.
    run : does the work; raises :class:`KitError` for input it cannot use. It returns evidence
        without provenance: whoever executes the kit adds that.
    """

    name: str
    title: str
    question: str
    parameters: type[Parameters]
    run: Callable[[Any, Progress], Evidence]


def installed() -> dict[str, Kit]:
    """Every kit that an installed package offers, by name, in order of name."""
    return {point.name: point.load() for point in sorted(entry_points(group="evidesk.kits"))}


def load(name: str) -> Kit:
    """The kit of that name; raises :class:`KitError` if none is installed."""
    points = entry_points(group="evidesk.kits")
    if name not in points.names:
        raise KitError(f"There is no kit {name!r}. Installed: {', '.join(sorted(points.names))}.")
    kit: Kit = points[name].load()
    return kit
