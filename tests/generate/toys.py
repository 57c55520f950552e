"""Toy events, for tests without Pythia and FastJet: two jets back to back, of four particles each,
and jets found by knowing where they are.
"""

import numpy as np

from evidesk.generate.particles import CHARGED, Particles
from evidesk.generate.pythia import CrossSection
from evidesk.generate.selection import Pairs

SIZE = 4


def momenta(pt, eta, phi):
    """Massless ones; along the last axis."""
    parts = np.broadcast_arrays(pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta))
    return np.stack([*parts, pt * np.cosh(eta)], axis=-1)


class ToyPythia:
    """As `evidesk.generate.pythia.Pythia`; its signal is broader."""

    def __init__(self, process, seed):
        assert 1 <= seed <= 900_000_000
        self.settings = (f"{process} by seed {seed}",)
        self.cross_section = CrossSection(5.0, 0.1)
        self.width = {"background": 0.05, "signal": 0.2}[process]
        self.rng = np.random.default_rng(seed)

    def events(self, number):
        pt = self.rng.uniform(250, 600, (number, 2, 1)) * self.rng.dirichlet(
            np.full(SIZE, 5.0), (number, 2)
        ) * SIZE  # fmt: skip
        eta, phi = self.rng.normal(0, self.width, (2, number, 2, SIZE))
        found = momenta(pt, eta, phi + np.array([[0], [np.pi]]))
        return Particles(
            np.full(number, 2 * SIZE), found.reshape(-1, 4), np.full(number * 2 * SIZE, CHARGED)
        )


def toy_pairs(particles):
    """The first four particles of each event are one jet, the next four the other."""
    assert (particles.counts == 2 * SIZE).all()
    jets = particles.momenta.reshape(-1, 2, SIZE, 4)
    return Pairs(jets.sum(axis=2), np.full(jets.shape[:2], SIZE), particles.momenta)


def toy_subjets(constituents, sizes, number):
    """Each of the first constituents, and the rest together."""
    jets = np.split(constituents, np.cumsum(sizes)[:-1]) if len(sizes) else []
    found = [[*jet[: number - 1], jet[number - 1 :].sum(axis=0)] for jet in jets]
    return np.array(found).reshape(-1, number, 4)
