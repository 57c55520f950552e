"""Kits: methods made ready for a user's data."""

from evidesk.kits.kit import (
    Cancelled,
    ColumnName,
    InputFile,
    Kit,
    KitError,
    Parameters,
    Progress,
    complaints,
    installed,
    load,
    option_of,
    silent,
    unwrap,
)
from evidesk.kits.remaining import Remaining, rounded, words

__all__ = [
    "Cancelled",
    "ColumnName",
    "InputFile",
    "Kit",
    "KitError",
    "Parameters",
    "Progress",
    "Remaining",
    "complaints",
    "installed",
    "load",
    "option_of",
    "rounded",
    "silent",
    "unwrap",
    "words",
]
