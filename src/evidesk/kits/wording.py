"""What kits share in speaking of a user's file: names that fit, levels, and methods' warnings."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from evidesk.evidence import printable
from evidesk.methods.metrics import PoorApproximationWarning

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure


def _level(level: Any, check: ValidatorFunctionWrapHandler) -> Any:
    try:
        return check(level)
    except ValidationError:
        raise ValueError("Write a number between 0 and 1, such as 0.95 for 95 %.") from None


#: A confidence level among a kit's parameters.
Level = Annotated[float, Field(gt=0, lt=1), WrapValidator(_level)]


def shown(name: str, longest: int = 80) -> str:
    """A name from the file, fit for a sentence."""
    return cell(" ".join(name.split()), longest)


def cell(name: str, longest: int = 1_000) -> str:
    """A name from the file, fit for a cell of a table: a file can have any name, of any length."""
    half = (longest - 1) // 2
    return printable(name if len(name) <= longest else f"{name[:half]}…{name[-half:]}")


def row_names(names: Iterable[str], longest: int = 40) -> list[str]:
    """The names, fit for the rows of a figure, and still different from each other."""
    short = [shown(name, longest) for name in names]
    return [
        name if short.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(short, start=1)
    ]


def counted(n: int, one: str, many: str) -> str:
    """So many of them: ``1 row``, ``4,150 rows``."""
    return f"{n:,} {one if n == 1 else many}"


def percent(level: float) -> str:
    """The level as ``95 %``."""
    return f"{100 * level:.4g} %"


@contextmanager
def noted() -> Iterator[list[str]]:
    """Collects in a list, each once, what methods warn of: it belongs into the evidence."""
    found: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PoorApproximationWarning)
        yield found
    for each in caught:
        if each.category is not PoorApproximationWarning:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
        elif str(each.message) not in found:
            found.append(str(each.message))


@contextmanager
def drawing() -> Iterator[None]:
    """Draws names in any script: a font shows a box for what it lacks, and the tables have it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield


def root(axes: "Axes") -> "MatplotlibFigure":
    """The figure of axes that were just drawn."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes that were just drawn belong to a figure"
    return figure
