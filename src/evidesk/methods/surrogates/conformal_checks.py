"""What a conformal calibration refuses or warns of before any interval is made."""

import hashlib
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.labels import as_labels

Floats = npt.NDArray[np.float64]
Digests = npt.NDArray[np.uint64]


class DuplicatedRowsWarning(UserWarning):
    """Rows of the calibration are rows of the training, too."""


def as_targets(y: npt.ArrayLike, n: int) -> Floats:
    """Finite targets, shape (n, outputs).

    Raises
    ------
    ValueError : another length or number of dimensions, no rows, NaN or infinity.
    TypeError : not numbers.
    """
    array = np.asarray(y)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"'y' must hold real numbers. Got values of type {array.dtype}.")
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(
            "'y' must be of shape (n,) or (n, outputs), with at least one row; got shape "
            f"{array.shape}."
        )
    if len(array) != n:
        raise ValueError(f"'X' and 'y' must have as many rows as each other: {n} and {len(array)}.")
    values = array.astype(np.float64).reshape(len(array), -1)
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        raise ValueError(
            f"'y' must be finite: {int(bad.sum()):,} row(s) hold NaN or infinity, the first is row "
            f"{int(np.argmax(bad))}. Leave these rows out."
        )
    return values


def check_varies(y: Floats) -> None:
    """Raise ValueError if an output, of shape (n, outputs), is constant: nothing can be learnt."""
    constant = np.flatnonzero((y == y[0]).all(axis=0))
    if len(y) > 1 and len(constant):
        which = "'y'" if y.shape[1] == 1 else f"Output {constant[0]} of 'y'"
        raise ValueError(
            f"{which} is constant ({y[0, constant[0]]:g} in all {len(y):,} rows): there is nothing "
            "to learn and no error to calibrate. Leave it out."
        )


def digests(X: Any, y: Floats) -> Digests:
    """A number for each row of inputs and targets, the same for rows with the same values."""
    table = np.asarray(X.toarray() if hasattr(X, "toarray") else X)
    table = table.reshape(len(table), -1)
    try:
        table = table.astype(np.float64)
        rows = np.ascontiguousarray(np.hstack([table, y]) + 0.0)  # -0 and 0 are one value
        texts = [row.tobytes() for row in rows]
    except (TypeError, ValueError):
        texts = [
            repr((list(map(str, row)), own.tolist())).encode()
            for row, own in zip(table, y, strict=True)
        ]
    found = [hashlib.blake2b(text, digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(found), dtype=np.uint64)


def warn_of_duplicates(training: Digests, calibration: Digests, stacklevel: int) -> int:
    """Warn of calibration rows, inputs and targets, that were trained on; how many these are."""
    count = int(np.isin(calibration, training).sum())
    if count:
        warnings.warn(
            f"{count:,} of {len(calibration):,} calibration rows are also in the training data, "
            "value for value. The model knows their answers, so that their errors are too small "
            "and the intervals too short. Calibrate on rows that were not trained on.",
            DuplicatedRowsWarning,
            stacklevel=stacklevel,
        )
    return count


def warn_of_repeats(rows: Digests, fold: npt.NDArray[np.intp], stacklevel: int) -> int:
    """Warn of rows that are also in another fold; how many these are."""
    distinct, own = np.unique(rows, return_inverse=True)
    first, last = np.full(len(distinct), len(rows)), np.full(len(distinct), -1)
    np.minimum.at(first, own, fold)
    np.maximum.at(last, own, fold)
    count = int((first < last)[own].sum())
    if count:
        warnings.warn(
            f"{count:,} of {len(rows):,} rows are in several folds, value for value. The model of "
            "a fold knows their answers, so that their errors are too small and the intervals too "
            "short. Drop the repeats, or give each set of them a group of its own.",
            DuplicatedRowsWarning,
            stacklevel=stacklevel,
        )
    return count


def check_apart(training: Any, calibration: npt.ArrayLike) -> None:
    """Raise ValueError if a group has rows in the training and in the calibration."""
    # Names of both are compared as texts, as one may be read from a file as numbers.
    names = np.unique(np.asarray(as_labels(calibration, "groups")).astype(str))
    shared = names[np.isin(names, training)]
    if len(shared):
        shown = ", ".join(shared[:5]) + (" ..." if len(shared) > 5 else "")
        raise ValueError(
            f"{len(shared):,} group(s) have rows both in the training and in the calibration: "
            f"{shown}. Rows of a group are alike, so that the errors would look too small. Put "
            "whole groups on one side, for example with scikit-learn's GroupShuffleSplit."
        )
