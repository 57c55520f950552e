"""Particles of many events in flat arrays, and what four-momenta tell.

A four-momentum is (px, py, pz, E) in GeV, along the last axis of an array.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

#: What the detector tells apart.
CHARGED, ELECTROMAGNETIC, NEUTRAL = range(3)


@dataclass(frozen=True)
class Particles:
    """The particles of some events, one event after the other.

    Attributes
    ----------
    counts : shape (events,); how many particles each event has.
    momenta : shape (particles, 4), in GeV.
    kind : shape (particles,); CHARGED, ELECTROMAGNETIC (photons and electrons) or NEUTRAL.
    """

    counts: Integers
    momenta: Floats
    kind: Integers

    def take(self, chosen: Booleans) -> "Particles":
        """Only the chosen particles; shape (particles,). Events stay, if need be empty."""
        event = np.repeat(np.arange(len(self.counts)), self.counts)
        counts = np.bincount(event[chosen], minlength=len(self.counts))
        return Particles(counts, self.momenta[chosen], self.kind[chosen])


def transverse(momenta: Floats) -> Floats:
    """Transverse momentum, in GeV."""
    return np.asarray(np.hypot(momenta[..., 0], momenta[..., 1]))


def pseudorapidity(momenta: Floats) -> Floats:
    """Infinite along the beam; zero for a momentum of zero."""
    pt, pz = transverse(momenta), momenta[..., 2]
    along = np.copysign(np.where(pz == 0, 0.0, np.inf), pz)
    return np.arcsinh(np.divide(pz, pt, out=along, where=pt > 0))


def rapidity(momenta: Floats) -> Floats:
    """Defined for particles that are not massless along the beam."""
    energy, pz = momenta[..., 3], momenta[..., 2]
    return np.asarray(0.5 * np.log((energy + pz) / (energy - pz)))


def azimuth(momenta: Floats) -> Floats:
    """In (-pi, pi]."""
    return np.asarray(np.arctan2(momenta[..., 1], momenta[..., 0]))


def invariant_mass(momenta: Floats) -> Floats:
    """In GeV; zero where rounding would make its square negative."""
    squared = momenta[..., 3] ** 2 - np.sum(momenta[..., :3] ** 2, axis=-1)
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))
