"""What the background looks like in a signal region: one protocol for all ways to know it.

A template learns on the sidebands how the features are distributed given the resonant variable, and
makes background events at the places in the signal region where it is asked for them.
"""

from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.resampling import RandomState

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class TemplateSample:
    """Background events that a template made.

    Attributes
    ----------
    x : shape (n, features).
    origin : shape (n,); which sideband event each one was made from, so that an event and what was
        made of it are never on both sides of a training. None where they are made from none.
    """

    x: Floats
    origin: Ints | None


@runtime_checkable
class Template(Protocol):
    """Background events in a signal region, learnt on its sidebands."""

    def fit(self, m: npt.ArrayLike, x: npt.ArrayLike) -> Self:
        """Learn from sideband events: ``m`` of shape (n,), ``x`` of shape (n, features)."""
        ...

    def sample(self, m: npt.ArrayLike, random_state: RandomState = None) -> TemplateSample:
        """One background event at each value of the resonant variable, shape (k,).

        At most as many as it was fitted on: more of them would look like more knowledge than the
        sideband holds.
        """
        ...


def check_fit(m: npt.ArrayLike, x: npt.ArrayLike, fewest: int = 2) -> tuple[Floats, Floats]:
    """Sideband events as arrays of shape (n,) and (n, features).

    Raises
    ------
    ValueError : the shapes do not fit, values are not finite, or there are too few events.
    """
    mass, rows = np.asarray(m, dtype=np.float64), np.asarray(x, dtype=np.float64)
    if mass.ndim != 1 or rows.ndim != 2 or len(mass) != len(rows):
        raise ValueError(
            "A template needs the resonant variable of shape (n,) and features of shape "
            f"(n, features). Got {mass.shape} and {rows.shape}."
        )
    if not (np.isfinite(mass).all() and np.isfinite(rows).all()):
        raise ValueError("A template needs finite values. There are NaN or infinite ones.")
    if len(mass) < fewest:
        raise ValueError(f"The sidebands hold {len(mass)} events; at least {fewest} are needed.")
    return mass, rows


def drawn(events: int, m: npt.ArrayLike, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """Where events are wanted, and a different sideband event for each.

    Raises
    ------
    ValueError : more are wanted than there are sideband events; or a place is not finite.
    """
    places = np.asarray(m, dtype=np.float64)
    if places.ndim != 1 or not np.isfinite(places).all():
        raise ValueError("'m' must be a list of finite values of the resonant variable.")
    if len(places) > events:
        raise ValueError(
            f"The template was fitted on {events:,} sideband events and cannot make "
            f"{len(places):,}: repeated ones would look like more knowledge than there is."
        )
    return places, rng.permutation(events)[: len(places)]
