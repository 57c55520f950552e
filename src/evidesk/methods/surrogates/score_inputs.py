"""Truth and predictions with uncertainty, checked once."""

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.scores import as_scores

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def as_values(values: npt.ArrayLike, name: str, shape: tuple[int, ...] | None = None) -> Floats:
    """Finite numbers of shape (n,) or (n, outputs), or of the given shape.

    Raises
    ------
    ValueError : another shape, fewer than two rows, NaN or infinity.
    TypeError : not numbers.
    """
    found = as_scores(values, name, ndim=2 if np.ndim(values) == 2 else 1)
    _check_shape(found, name, shape)
    return found


def as_std(values: npt.ArrayLike, shape: tuple[int, ...]) -> Floats:
    """Standard deviations above 0.

    Raises
    ------
    ValueError : as :func:`as_values`, or one is not above 0.
    """
    found = as_values(values, "std", shape)
    bad = found.reshape(len(found), -1) <= 0
    if bad.any():
        raise ValueError(
            f"'std' must be above 0; it is not in {int(bad.any(axis=1).sum()):,} row(s), the first "
            f"is row {int(np.argmax(bad.any(axis=1)))}."
        )
    return found


def as_bounds(
    low: npt.ArrayLike, high: npt.ArrayLike, shape: tuple[int, ...]
) -> tuple[Floats, Floats, Mask]:
    """Bounds, and which rows have finite ones: shape (n,). NaN stands for a refused interval.

    Raises
    ------
    ValueError : another shape, infinity, or ``low`` above ``high``.
    TypeError : not numbers.
    """
    bounds = []
    for name, values in (("low", low), ("high", high)):
        array = np.asarray(values)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"'{name}' must hold real numbers. Got values of type {array.dtype}.")
        _check_shape(array, name, shape)
        if np.isinf(array).any():
            raise ValueError(
                f"'{name}' holds infinity: an infinite interval tells nothing. Give NaN where "
                "there is none."
            )
        bounds.append(array.astype(np.float64))
    rows = len(bounds[0])
    told = np.asarray(~np.isnan(bounds[0] + bounds[1]).reshape(rows, -1).any(axis=1))
    crossed = (bounds[0] > bounds[1]).reshape(rows, -1).any(axis=1)
    if crossed.any():
        raise ValueError(
            f"'low' is above 'high' in {int(crossed.sum()):,} row(s), the first is row "
            f"{int(np.argmax(crossed))}."
        )
    return bounds[0], bounds[1], told


def by_row(values: Floats) -> Floats:
    """Shape (n,): the mean over outputs, which are of one row and hence not independent."""
    return values if values.ndim == 1 else np.asarray(values.mean(axis=1))


def _check_shape(found: npt.NDArray[np.generic], name: str, shape: tuple[int, ...] | None) -> None:
    if shape is not None and found.shape != shape:
        raise ValueError(f"'{name}' must have the shape of 'y', {shape}; got {found.shape}.")
    if len(found) < 2 or found.size == 0:
        raise ValueError(
            f"'{name}' must hold at least two rows: one alone cannot tell how much rows differ."
        )
