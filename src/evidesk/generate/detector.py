"""A coarse detector: it measures energies with an error, and sees neither soft nor forward ones.

It stands in for a simulation of a detector, with resolutions that are typical of one at the LHC.
"""

import numpy as np

from evidesk.generate.particles import (
    CHARGED,
    ELECTROMAGNETIC,
    Floats,
    Integers,
    Particles,
    pseudorapidity,
    transverse,
)

#: In GeV; what is softer is not seen.
MIN_PT = 0.5
MAX_ETA = 3.5


def resolution(kind: Integers, energy: Floats, pt: Floats) -> Floats:
    """Relative standard deviation of a measured energy; shapes (particles,), energies in GeV.

    Two terms each, added in quadrature: 1 % and 1e-4 pt for charged particles, 10 % / sqrt(E) and
    1 % for photons and electrons, 60 % / sqrt(E) and 5 % for neutral hadrons.
    """
    stochastic = 1 / np.sqrt(energy)
    return np.select(
        [kind == CHARGED, kind == ELECTROMAGNETIC],
        [np.hypot(0.01, 1e-4 * pt), np.hypot(0.10 * stochastic, 0.01)],
        np.hypot(0.60 * stochastic, 0.05),
    )


def measured(particles: Particles, rng: np.random.Generator) -> Particles:
    """The particles that are seen, with their energies as measured and their directions as true.

    A four-momentum is scaled as a whole; an energy measured below zero is one of zero.
    """
    momenta = particles.momenta
    visible = (np.abs(pseudorapidity(momenta)) < MAX_ETA) & (momenta[:, 3] > 0)
    true = particles.take(visible)
    sigma = resolution(true.kind, true.momenta[:, 3], transverse(true.momenta))
    scale = np.maximum(1 + sigma * rng.standard_normal(len(sigma)), 0)
    seen = Particles(true.counts, true.momenta * scale[:, np.newaxis], true.kind)
    return seen.take(transverse(seen.momenta) > MIN_PT)
