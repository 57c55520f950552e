"""What the extra ``pythia`` installs, imported only when it is needed."""

from importlib import import_module
from importlib.metadata import version
from typing import Any


class MissingExtra(ImportError):
    """The extra ``pythia`` is not installed; the message says how to install it."""


def load(module: str) -> Any:
    """The module, such as ``pythia8mc``.

    Raises
    ------
    MissingExtra : it is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtra(
            f"Generating dijets needs {module}. Install it with: pip install 'evidesk[pythia]'",
            name=module,
        ) from None


def versions() -> dict[str, str]:
    """What the events depend on beside the seed."""
    return {name: version(name) for name in ("pythia8mc", "fastjet", "numpy")}
