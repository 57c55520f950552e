"""What a kit is: a method made ready for a user's data.

A kit is one pydantic model of parameters and one function
``run(parameters, progress) -> Evidence``. From the model come the command line's options, the
desk's form and the API's JSON schema.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Protocol, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

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

    ``file`` is a file of the user's, or several of them (an argument on the command line; an option
    where none need be given; the first one is a choice among the voucher's files in the desk);
    ``column`` is the name of a column in it.
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
    def takes_many(cls, field: str) -> bool:
        """Whether the parameter ``field`` is a list."""
        return unwrap(cls.model_fields[field].annotation)[1]

    def given_files(self) -> dict[str, list[Path]]:
        """The files of the user's that are given, by parameter; in their order where several."""
        given = {name: getattr(self, name) for name in self.file_fields()}
        listed = {name: one if isinstance(one, list) else [one] for name, one in given.items()}
        return {name: files for name, files in listed.items() if files not in ([], [None])}

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

    @classmethod
    def placeholder_of(cls, field: str) -> str:
        """What stands for the value of ``field`` in a line to fill in: FILE, COLUMN or VALUE."""
        role = cls.role_of(field)
        return role.upper() if role else "VALUE"


def unwrap(annotation: Any) -> tuple[Any, bool, bool]:
    """What a parameter's annotation says to a face that offers it.

    Returns
    -------
    The plain type inside, whether it is a list of such, and whether it may be None:
    ``list[Annotated[str, ...]] | None`` gives ``(str, True, True)``.
    """
    is_list = is_optional = False
    while True:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            annotation = arguments[0]
        elif origin in (Union, UnionType):
            is_optional = True
            annotation = next(a for a in arguments if a is not NoneType)
        elif origin is list:
            is_list = True
            annotation = arguments[0]
        else:
            return annotation, is_list, is_optional


def option_of(field: str) -> str:
    """The command line's option for the parameter ``field``, such as ``--random-state``."""
    return f"--{field.replace('_', '-')}"


def complaints(fault: ValidationError) -> list[tuple[str, str]]:
    """Each complaint of the model: the parameter that it is about, or "", and what to do."""
    return [
        # pydantic's own word before what a kit's validator says.
        (".".join(map(str, error["loc"])), error["msg"].removeprefix("Value error, "))
        for error in fault.errors()
    ]


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
    partitioned : whether Dask's workers can count or read its tables part by part, or train.
    arrays : whether it reads npz, npy, HDF5 and ROOT files, too, and whole arrays for columns.
    resumes : whether `run` takes a third argument, None or a folder: there it notes how far it is,
        and goes on from what an earlier run with the same parameters and data has noted. The
        evidence is the same as that of a run that was never cut off.
    """

    name: str
    title: str
    question: str
    parameters: type[Parameters]
    run: Callable[..., Evidence]
    partitioned: bool = False
    arrays: bool = False
    resumes: bool = False

    @property
    def usage(self) -> str:
        """The command line with what must be given, such as ``evidesk run KIT FILE --out DIR``."""
        words = ["evidesk run", self.name]
        for name, info in self.parameters.model_fields.items():
            if not info.is_required():
                if self.parameters.role_of(name) == "file" and self.parameters.takes_many(name):
                    words.append("[FILE ...]")
                continue
            if self.parameters.role_of(name) != "file":
                words.append(option_of(name))
            if unwrap(info.annotation)[0] is not bool:
                words.append(self.parameters.placeholder_of(name))
        return " ".join([*words, "--out DIR"])


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
