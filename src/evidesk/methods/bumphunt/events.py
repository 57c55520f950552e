"""Columns of a table, as a hunt needs them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def columns_by_name(data: Any, resonance: str, features: Sequence[str]) -> tuple[Floats, Floats]:
    """The resonant variable, shape (n,), and the features, shape (n, features).

    Parameters
    ----------
    data : a data frame (pandas, polars), a mapping of columns, or a structured array.
    resonance, features : names of columns.

    Raises
    ------
    ValueError : a column is missing or holds no numbers, or columns differ in length.
    """
    if isinstance(features, str) or not features:
        raise ValueError(f"'features' must be a list of names of columns. Got {features!r}.")
    columns = [_column(data, name) for name in (resonance, *features)]
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise ValueError(f"The columns have different lengths: {sorted(lengths)}.")
    return columns[0], np.stack(columns[1:], axis=1)


def _column(data: Any, name: str) -> Floats:
    try:
        values = np.asarray(data[name])
    except Exception as error:  # each kind of table has an error of its own for this
        raise ValueError(f"There is no column {name!r} in the data.") from error
    if values.ndim != 1 or values.dtype.kind not in "iufb":
        raise ValueError(
            f"The column {name!r} must hold one number for each event. Got shape {values.shape} of "
            f"type {values.dtype}."
        )
    return values.astype(np.float64)
