"""Class labels as arrays: what counts as a label, and what is refused."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[Any]

_KINDS = {"b": "true/false", "i": "number", "u": "number", "f": "number", "U": "text", "T": "text"}


def as_labels(values: npt.ArrayLike, name: str) -> Labels:
    """Labels as a one-dimensional array of one kind: text, numbers or true/false.

    Raises
    ------
    ValueError : not one-dimensional, empty, or labels are missing (None, NaN, NA, masked).
    TypeError : the labels mix kinds, or are of a kind that is no label.
    """
    array = values if isinstance(values, np.ndarray) else _as_array(values)
    if array.ndim != 1:
        raise ValueError(f"'{name}' must be one-dimensional, got an array of shape {array.shape}.")
    if array.size == 0:
        raise ValueError(f"'{name}' is empty: at least one case is needed.")
    if type(array) is not np.ndarray:
        _refuse_missing(np.flatnonzero(np.ma.getmaskarray(array)), name)
        array = np.asarray(array)
    kind = array.dtype.kind
    if kind == "O":
        _refuse_missing(np.flatnonzero([is_missing(value) for value in array]), name)
        kinds = {_kind_of(value, name): (i, value) for i, value in reversed([*enumerate(array)])}
        if len(kinds) > 1:
            raise TypeError(f"'{name}' mixes kinds of labels: {_examples(kinds)}.")
        return np.array(array.tolist())
    if kind == "f":
        _refuse_missing(np.flatnonzero(np.isnan(array)), name)
    if kind not in _KINDS:
        kind_of_labels(array, name)
    return array


def _as_array(values: npt.ArrayLike) -> Labels:
    # NumPy would make text of the 1 in ["a", 1], and numbers of the True in [True, 2], silently.
    return np.asanyarray(values, dtype=object if isinstance(values, (list, tuple)) else None)


def kind_of_labels(labels: Labels, name: str) -> str:
    """``text``, ``number`` or ``true/false``; raises TypeError for anything else."""
    try:
        return _KINDS[labels.dtype.kind]
    except KeyError:
        raise TypeError(
            f"'{name}' must hold text, numbers or true/false, got values of type {labels.dtype}."
        ) from None


def check_same_kind(y_true: Labels, y_pred: Labels, name: str) -> None:
    """Raise unless ``y_pred`` has the length and the kind of labels of ``y_true``."""
    if len(y_true) != len(y_pred):
        raise ValueError(
            f"'y_true' and '{name}' must have the same length, got {len(y_true)} and {len(y_pred)}."
        )
    if y_true.dtype is y_pred.dtype:
        return
    kind, other = kind_of_labels(y_true, "y_true"), kind_of_labels(y_pred, name)
    if kind != other:
        raise TypeError(
            f"'y_true' holds labels of kind {kind} and '{name}' of kind {other}: "
            "they would never be equal. Convert one of them."
        )


def _refuse_missing(positions: npt.NDArray[np.intp], name: str) -> None:
    if positions.size:
        raise ValueError(
            f"'{name}' has {positions.size} missing label(s), the first at index {positions[0]}. "
            "Drop these cases, or give them a label of their own."
        )


def is_missing(value: object) -> bool:
    """Whether it is None, NaN, or one of pandas' signs for a missing value."""
    # NaN is the number unlike itself; NA and NaT of pandas are known by their types' names.
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float | np.floating) and bool(value != value))
    )


def _kind_of(value: object, name: str) -> str:
    if isinstance(value, bool | np.bool_):
        return "true/false"
    if isinstance(value, int | float | np.integer | np.floating):
        return "number"
    if isinstance(value, str):
        return "text"
    raise TypeError(
        f"'{name}' must hold text, numbers or true/false, got a value of type "
        f"{type(value).__name__}."
    )


def _examples(kinds: dict[str, tuple[int, object]]) -> str:
    examples: Iterable[str] = (
        f"{kind} ({value!r} at index {index})" for kind, (index, value) in sorted(kinds.items())
    )
    return " and ".join(examples)
