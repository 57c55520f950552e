"""What a resonance looks like in the spectrum: the share of its events in each bin."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]

#: Of the bins' edges, a mass and a width, the share of the events in each bin.
Shape = Callable[[Floats, float, float], npt.ArrayLike]


def gaussian(edges: Floats, mass: float, width: float) -> Floats:
    """A normal distribution around ``mass`` with standard deviation ``width``."""
    scaled = (edges - mass) / width
    # From the nearer tail, so that differences keep their digits.
    upper = scaled[:-1] > 0
    found: Floats = np.where(
        upper,
        special.ndtr(-scaled[:-1]) - special.ndtr(-scaled[1:]),
        special.ndtr(scaled[1:]) - special.ndtr(scaled[:-1]),
    )
    return found


def shares(edges: Floats, masses: Floats, widths: Floats, shape: Any) -> Floats:
    """The share in each bin of each width and mass, shape (widths, masses, bins).

    Parameters
    ----------
    widths : shape (widths, masses).

    Raises
    ------
    ValueError : the shape makes numbers that are no shares, or has next to no events in the bins.
    """
    if not callable(shape):
        raise ValueError(
            "The 'shape' parameter must be a function of the bins' edges, a mass and a width. Got "
            f"{shape!r} instead."
        )
    found = np.empty((*widths.shape, len(edges) - 1))
    for index in np.ndindex(widths.shape):
        mass, width = float(masses[index[1]]), float(widths[index])
        values = np.asarray(shape(edges, mass, width), dtype=np.float64)
        what = f"The signal shape at mass {mass:g} and width {width:g}"
        if values.shape != (len(edges) - 1,) or not np.isfinite(values).all():
            raise ValueError(
                f"{what} must be {len(edges) - 1} finite numbers, one for each bin; got shape "
                f"{values.shape}."
            )
        if (values < 0).any() or values.sum() > 1 + 1e-6:
            raise ValueError(
                f"{what} must be shares of its events, from 0 to 1 and of at most 1 in all; they "
                f"go from {values.min():.3g} and add up to {values.sum():.3g}."
            )
        if values.sum() < 0.05:
            raise ValueError(f"{what} has less than 5 % of its events in the spectrum's bins.")
        found[index] = values
    return found


def default_masses(edges: Floats, width: Callable[[float], float] | float) -> Floats:
    """One width apart, and two widths from the ends: nearer to them the background is not held
    from both sides.
    """
    of = width if callable(width) else lambda _mass: width
    low, high = float(edges[0]), float(edges[-1])
    found = [low + 2 * of(low)]
    while (following := found[-1] + of(found[-1])) <= high - 2 * of(following):
        found.append(following)
    if found[-1] > high - 2 * of(found[-1]):
        raise ValueError(
            f"A signal of width {of(low):g} is too wide for a spectrum from {low:g} to {high:g}."
        )
    return np.array(found)


def widths_at(masses: Floats, widths: Any) -> Floats:
    """Shape (widths, masses) of numbers or of functions of the mass.

    Raises
    ------
    ValueError : there is none, or one is not finite and above 0.
    """
    several = widths if isinstance(widths, list | tuple | np.ndarray) else [widths]
    if not len(several):
        raise ValueError("At least one width is needed.")
    try:
        found = np.array(
            [[float(one(m)) if callable(one) else float(one) for m in masses] for one in several]
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Widths must be numbers, or functions that make one of a mass; got {widths!r}."
        ) from error
    if not (np.isfinite(found) & (found > 0)).all():
        raise ValueError(f"Widths must be finite and above 0; got {found.min():g}.")
    return found
