"""The smooth background's expected counts: a family's functions, integrated over each bin.

A function at the bin's centre times its width is not its integral. Here the integral is taken
(Gauss-Legendre), and its logarithm expanded to first order around the fit, which is repeated until
it stays: the fit is that of the integrals, and the model around it is log-linear in every bin.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evidesk.methods.bumphunt.families import Family
from evidesk.methods.bumphunt.glm import SMALLEST, LogLinear
from evidesk.methods.bumphunt.histogram import Spectrum

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_NODES = 5
_MOST_ROUNDS = 50
_SETTLED = 1e-7
#: Columns whose part of its own is smaller than this are combinations of the others.
_COLLINEAR = 1e-9


@dataclass(frozen=True)
class Background:
    """A background fitted to one spectrum.

    Attributes
    ----------
    model : expected effective counts near the fit, all bins; at ``b = 0`` it is the fit itself,
        and there the columns have unit information: ``b`` is in standard errors.
    coefficients, covariance : of the family's own terms, shapes (K,) and (K, K).
    used : shape (bins,); the bins that were fitted.
    """

    model: LogLinear
    coefficients: Floats
    covariance: Floats
    used: Mask

    @property
    def order(self) -> int:
        """How many terms."""
        return len(self.coefficients)

    @property
    def expected(self) -> Floats:
        """Shape (bins,); effective counts."""
        return self.model.reference

    @property
    def on_used(self) -> LogLinear:
        """The model of the bins that were fitted."""
        return LogLinear(self.model.offset[self.used], self.model.design[self.used])


class NoFitError(ValueError):
    """The events are too few, or not such, that a function of that order could be fitted."""


class Bins:
    """A family's terms within the bins of a spectrum."""

    def __init__(self, spectrum: Spectrum, family: Family, used: Mask | None = None) -> None:
        points, weights = np.polynomial.legendre.leggauss(_NODES)
        half = np.diff(spectrum.edges)[:, None] / 2
        nodes = spectrum.centres[:, None] + half * points
        low, high = spectrum.edges[[0, -1]]
        columns = family.columns(nodes.ravel(), float(low), float(high))
        # Orthonormal combinations, from which each order has the first ones.
        q, self._triangle = np.linalg.qr(columns)
        self.columns = q.reshape(*nodes.shape, -1)
        self.weights = half * weights / spectrum.scale[:, None]
        self.spectrum, self.family = spectrum, family
        self.used = np.ones(len(half), dtype=bool) if used is None else used
        self._check()

    def _check(self) -> None:
        diagonal = np.abs(np.diag(self._triangle))
        scales = np.linalg.norm(self._triangle, axis=0)
        if (diagonal < _COLLINEAR * scales).any():
            term = int(np.argmin(diagonal / scales))
            raise ValueError(
                f"Term {term + 1} of the {self.family.name} is a combination of those before it "
                f"on these bins. Use a family with fewer terms."
            )

    @property
    def filled(self) -> int:
        """How many of the bins that are fitted have events."""
        return int((self.spectrum.counts[self.used] > 0).sum())

    def fit(self, order: int) -> Background:
        """The fit with so many terms.

        Raises
        ------
        NoFitError : the bins with events are too few, or no maximum was found.
        """
        if self.filled <= order:
            raise NoFitError(
                f"The {self.family.name} with {order} parameters needs at least {order + 1} bins "
                f"with events; there are {self.filled}. Use narrower bins, a wider range, or a "
                "lower order."
            )
        counts = self.spectrum.counts[self.used]
        b = self._start(order)
        for _ in range(_MOST_ROUNDS):
            model, triangle = self._around(b)
            near = LogLinear(model.offset[self.used], model.design[self.used])
            found = near.fit(counts[None])
            move = found.coefficients[0]
            b = b + np.linalg.solve(triangle, move)
            if np.abs(move).max() < _SETTLED:
                break
        else:
            raise NoFitError(
                f"The fit of {order} parameters of the {self.family.name} found no maximum: the "
                f"{counts.sum():,.0f} events are too few, or lie in too few bins. Use a lower "
                "order."
            )
        model, triangle = self._around(b)
        # From b = 0 in standard errors to the family's own terms.
        to_own = np.linalg.inv(triangle @ self._triangle[:order, :order])
        own = np.linalg.solve(self._triangle[:order, :order], b)
        return Background(model, own, to_own @ to_own.T, self.used)

    def _start(self, order: int) -> Floats:
        """Least squares of the logarithms, with their counts as weights."""
        counts = self.spectrum.counts[self.used] + 0.5
        widths = self.weights.sum(axis=1)[self.used]
        root = np.sqrt(counts)
        terms = self.columns[self.used, :, :order].mean(axis=1)
        found: Floats = np.linalg.lstsq(
            terms * root[:, None], np.log(counts / widths) * root, rcond=None
        )[0]
        return found

    def _around(self, b: Floats) -> tuple[LogLinear, Floats]:
        """The model around ``b``, and the triangle that makes steps of ``b`` standard errors."""
        terms = self.columns[..., : len(b)]
        density = self.weights * np.exp(np.maximum(terms @ b, SMALLEST))
        expected = density.sum(axis=1)
        slopes = (density[..., None] * terms).sum(axis=1) / expected[:, None]
        root = np.sqrt(expected)[self.used, None]
        triangle = np.linalg.qr(slopes[self.used] * root)[1]
        design = np.linalg.solve(triangle.T, slopes.T).T
        return LogLinear(np.log(expected), design), triangle
