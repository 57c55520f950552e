"""Kits: methods made ready for a user's data."""

from evidesk.kits.kit import (
    Cancelled,
    ColumnName,
    InputFile,
    Kit,
    KitError,
    Parameters,
    Progress,
    installed,
    load,
    silent,
)

__all__ = [
    "Cancelled",
    "ColumnName",
    "InputFile",
    "Kit",
    "KitError",
    "Parameters",
    "Progress",
    "installed",
    "load",
    "silent",
]
