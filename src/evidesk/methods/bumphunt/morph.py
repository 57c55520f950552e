"""Sideband events moved into the signal region, feature by feature."""

from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

from evidesk.methods.bumphunt.templates import TemplateSample, check_fit, drawn
from evidesk.methods.metrics.resampling import RandomState, generator

Floats = npt.NDArray[np.float64]

#: Quantiles between which a feature is interpolated; beyond the outer ones it moves along.
LEVELS = np.concatenate([[0.002, 0.01], np.linspace(0.03, 0.97, 40), [0.99, 0.998]])
#: Slices of the resonant variable in which quantiles are counted, and events that one needs.
_MOST_SLICES, _EVENTS_IN_SLICE = 20, 200


class MorphTemplate(BaseEstimator):  # type: ignore[misc]
    """Each quantile of each feature is a polynomial in the resonant variable.

    An event moves from ``m`` to ``m'`` with its feature's quantile kept: from between the
    quantile curves at ``m`` to between the same ones at ``m'``. Where the curves differ by a shift
    and a factor, this is the move of a location and a scale; but a feature that has an end, as a
    mass that cannot be negative, keeps it, where location and scale would push events beyond it.
    What the features do together is left as it is.

    Parameters
    ----------
    degree : of the polynomials. Fitted on both sidebands, they are interpolated in between. 1 for
        sidebands about as wide as the signal region; much wider ones may bend and need 2.

    Attributes
    ----------
    curves_ : shape (features, degree + 1, levels), coefficients by rising power of the resonant
        variable, which is mapped from its range to [-1, 1].
    """

    def __init__(self, degree: int = 1) -> None:
        self.degree = degree

    def fit(self, m: npt.ArrayLike, x: npt.ArrayLike) -> Self:
        """Fit the curves to the quantiles of slices with equally many events.

        Raises
        ------
        ValueError : as all templates do; or the degree is none, or the resonant variable has too
            few different values for it.
        """
        if isinstance(self.degree, bool) or not isinstance(self.degree, int) or self.degree < 0:
            raise ValueError(f"'degree' must be an integer from 0 on. Got {self.degree!r}.")
        mass, rows = check_fit(m, x, fewest=2 * (self.degree + 1))
        slices = max(self.degree + 1, min(_MOST_SLICES, len(mass) // _EVENTS_IN_SLICE))
        parts = np.array_split(np.argsort(mass, kind="stable"), slices)
        places = np.array([mass[part].mean() for part in parts])
        if len(np.unique(places)) <= self.degree:
            raise ValueError(
                f"The resonant variable has too few different values in the sidebands for "
                f"polynomials of degree {self.degree}."
            )
        self.low_, self.high_ = float(mass.min()), float(mass.max())
        powers = self._powers(places)
        quantiles = np.stack([np.quantile(rows[part], LEVELS, axis=0) for part in parts])
        self.curves_ = np.stack(
            [np.linalg.lstsq(powers, one, rcond=None)[0] for one in quantiles.transpose(2, 0, 1)]
        )
        self.m_, self.x_ = mass, rows
        return self

    def sample(self, m: npt.ArrayLike, random_state: RandomState = None) -> TemplateSample:
        """Different sideband events, moved to the places ``m``.

        Raises
        ------
        ValueError : there are fewer sideband events.
        """
        places, origin = drawn(len(self.x_), m, generator(random_state))
        before, after = self._powers(self.m_[origin]), self._powers(places)
        moved = [
            _moved(values, _rising(before @ curve), _rising(after @ curve))
            for values, curve in zip(self.x_[origin].T, self.curves_, strict=True)
        ]
        return TemplateSample(np.stack(moved, axis=1), origin)

    def _powers(self, mass: Floats) -> Floats:
        half = (self.high_ - self.low_) / 2
        unit = (mass - self.low_) / half - 1 if half else np.zeros_like(mass)
        return np.vander(unit, self.degree + 1, increasing=True)


def _rising(curves: Floats) -> Floats:
    """Curves of shape (n, levels) that may cross, put in order."""
    return np.sort(curves, axis=1)


def _moved(values: Floats, before: Floats, after: Floats) -> Floats:
    """Values of shape (n,) from between curves of shape (n, levels) to between others."""
    below = np.clip((before <= values[:, None]).sum(axis=1) - 1, 0, before.shape[1] - 2)
    row = np.arange(len(values))
    low, high = before[row, below], before[row, below + 1]
    inside = np.clip(values, low, high)
    share = (inside - low) / np.maximum(high - low, np.finfo(np.float64).tiny)
    start, end = after[row, below], after[row, below + 1]
    found: Floats = start + share * (end - start) + (values - inside)
    return found
