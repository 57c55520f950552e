"""Where a resonance is looked for, and where the background is learnt from."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class EmptyWindowError(ValueError):
    """A signal region or a sideband holds no events, or too few."""


@dataclass(frozen=True)
class Window:
    """A signal region ``[low, high)`` with a sideband on either side.

    Attributes
    ----------
    low, high : the signal region, in the unit of the resonant variable.
    outer_low, outer_high : the outer ends of the sidebands ``[outer_low, low)`` and
        ``[high, outer_high)``.
    blind : a stretch that belongs to neither, as a signal may be in it; or None.

    Raises
    ------
    ValueError : the edges are not finite or not in this order.
    """

    low: float
    high: float
    outer_low: float
    outer_high: float
    blind: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        edges = (self.outer_low, self.low, self.high, self.outer_high)
        if not all(math.isfinite(edge) for edge in edges):
            raise ValueError(f"A window's edges must be finite. Got {edges}.")
        if not all(a < b for a, b in itertools.pairwise(edges)):
            raise ValueError(
                "A window needs outer_low < low < high < outer_high: a signal region with a "
                f"sideband on either side. Got {edges}."
            )
        if self.blind is not None and not self.blind[0] < self.blind[1]:
            raise ValueError(f"The blind stretch must have low < high. Got {self.blind}.")

    @classmethod
    def around(cls, centre: float, width: float, sideband: float) -> "Window":
        """A signal region of this width with sidebands of this width each."""
        if not (width > 0 and sideband > 0):
            raise ValueError(
                f"'width' and 'sideband' must be above 0. Got width={width!r}, "
                f"sideband={sideband!r}."
            )
        low, high = centre - width / 2, centre + width / 2
        return cls(low, high, low - sideband, high + sideband)

    @property
    def centre(self) -> float:
        """The middle of the signal region."""
        return (self.low + self.high) / 2

    def signal_region(self, m: npt.ArrayLike) -> Mask:
        """Which events lie in the signal region: shape of ``m``."""
        values = np.asarray(m, dtype=np.float64)
        return (values >= self.low) & (values < self.high)

    def sidebands(self, m: npt.ArrayLike) -> Mask:
        """Which events lie in one of the two sidebands: shape of ``m``."""
        return self._lower(m) | self._upper(m)

    def check(self, m: npt.ArrayLike, fewest: int = 1) -> None:
        """Make sure that each of the three regions has so many events.

        Raises
        ------
        EmptyWindowError : one has fewer.
        """
        for where, low, high, inside in (
            ("signal region", self.low, self.high, self.signal_region(m)),
            ("lower sideband", self.outer_low, self.low, self._lower(m)),
            ("upper sideband", self.high, self.outer_high, self._upper(m)),
        ):
            count = int(inside.sum())
            if count < fewest:
                raise EmptyWindowError(
                    f"The {where} [{low:g}, {high:g}) holds {_events(count)}; at least {fewest:,} "
                    "are needed. Move or widen it, or leave this window out."
                )

    def validation(self) -> tuple["Window", "Window"]:
        """Two windows without signal that ask of a template what this window asks of it.

        The half of a sideband next to the signal region stands for it, in turn the lower and the
        upper one, and the rest of both sidebands is what a template is fitted on. The signal
        region itself stays blind, so that a template has to bridge a longer way than it will have
        to in the hunt.
        """
        blind = (self.low, self.high)
        lower, upper = (self.outer_low + self.low) / 2, (self.high + self.outer_high) / 2
        return (
            Window(lower, self.low, self.outer_low, self.outer_high, blind),
            Window(self.high, upper, self.outer_low, self.outer_high, blind),
        )

    def __str__(self) -> str:
        return f"[{self.low:g}, {self.high:g})"

    def _lower(self, m: npt.ArrayLike) -> Mask:
        values = np.asarray(m, dtype=np.float64)
        return (values >= self.outer_low) & (values < self.low) & self._seen(values)

    def _upper(self, m: npt.ArrayLike) -> Mask:
        values = np.asarray(m, dtype=np.float64)
        return (values >= self.high) & (values < self.outer_high) & self._seen(values)

    def _seen(self, values: Floats) -> Mask:
        if self.blind is None:
            return np.ones(values.shape, dtype=bool)
        return (values < self.blind[0]) | (values >= self.blind[1])


def windows_over(
    low: float, high: float, *, width: float, sideband: float, step: float | None = None
) -> tuple[Window, ...]:
    """Windows side by side whose signal regions cover ``[low, high)`` less the outer sidebands.

    Parameters
    ----------
    low, high : where there are events.
    width : of a signal region.
    sideband : of each of its sidebands.
    step : from one signal region to the next; by default their width, so that they do not overlap.

    Raises
    ------
    ValueError : not one window fits, or a width is not above 0.
    """
    stride = width if step is None else step
    if not (width > 0 and sideband > 0 and stride > 0):
        raise ValueError(
            f"'width', 'sideband' and 'step' must be above 0. Got width={width!r}, "
            f"sideband={sideband!r}, step={step!r}."
        )
    room = high - low - width - 2 * sideband
    if not room > -1e-9 * width:
        raise ValueError(
            f"No window fits into [{low:g}, {high:g}): a signal region of {width:g} with two "
            f"sidebands of {sideband:g} takes {width + 2 * sideband:g}."
        )
    first = low + sideband + width / 2
    return tuple(
        Window.around(first + number * stride, width, sideband)
        for number in range(math.floor(room / stride + 1e-9) + 1)
    )


def check_windows(windows: "Window | Sequence[Window]") -> tuple[Window, ...]:
    """One window or several, as a tuple.

    Raises
    ------
    ValueError : there is none.
    TypeError : something is no window.
    """
    found = (windows,) if isinstance(windows, Window) else tuple(windows)
    if not found:
        raise ValueError("At least one window is needed.")
    for one in found:
        if not isinstance(one, Window):
            raise TypeError(f"A window must be a Window. Got {one!r}.")
    return found


def _events(count: int) -> str:
    return {0: "no events", 1: "1 event"}.get(count, f"{count:,} events")
