"""The coarse detector: how large its errors are, and what it does not see."""

import numpy as np
import pytest

from evidesk.generate.detector import measured, resolution
from evidesk.generate.particles import (
    CHARGED,
    ELECTROMAGNETIC,
    NEUTRAL,
    Particles,
    azimuth,
    pseudorapidity,
)

ALL_KINDS = np.array([CHARGED, ELECTROMAGNETIC, NEUTRAL])


def particle(pt, eta, phi=0.0, mass=0.0):
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    return [px, py, pz, np.sqrt(px**2 + py**2 + pz**2 + mass**2)]


def many(kind, momentum, n=20_000):
    return Particles(np.array([n]), np.tile(momentum, (n, 1)), np.full(n, kind))


def test_resolutions_are_those_worked_out():
    found = resolution(ALL_KINDS, np.full(3, 25.0), np.full(3, 100.0))
    assert found == pytest.approx([np.sqrt(2) * 0.01, np.hypot(0.02, 0.01), np.hypot(0.12, 0.05)])


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_energies_spread_by_the_resolution_around_the_truth(kind):
    momentum = particle(100, 1.0, mass=0.14)
    seen = measured(many(kind, momentum), np.random.default_rng(1))
    ratio = seen.momenta[:, 3] / momentum[3]
    sigma = float(resolution(np.array([kind]), np.array([momentum[3]]), np.array([100.0]))[0])
    n = len(ratio)
    assert n == 20_000
    assert ratio.mean() == pytest.approx(1, abs=4 * sigma / np.sqrt(n))
    assert ratio.std() == pytest.approx(sigma, rel=4 / np.sqrt(2 * n))


def test_directions_are_exact():
    true = np.array([particle(50, 0.7, 2.0), particle(30, -1.9, -1.0, 0.94)])
    seen = measured(Particles(np.array([2]), true, np.full(2, NEUTRAL)), np.random.default_rng(2))
    assert pseudorapidity(seen.momenta) == pytest.approx([0.7, -1.9])
    assert azimuth(seen.momenta) == pytest.approx([2.0, -1.0])


def test_soft_and_forward_particles_are_not_seen():
    true = np.array(
        [particle(20, 3.4), particle(20, 3.6), particle(20, -3.6), particle(0.4, 0),
         [0, 0, 900.0, 900.0], particle(0.6, 0)]
    )  # fmt: skip
    particles = Particles(np.array([3, 3]), true, np.full(6, CHARGED))
    with np.errstate(all="raise"):
        seen = measured(particles, np.random.default_rng(3))
    assert seen.counts.tolist() == [1, 1]
    assert seen.momenta[:, 2] == pytest.approx(true[[0, 5], 2], rel=0.05)


def test_the_momentum_that_counts_is_the_measured_one():
    # Half of the particles at the edge are measured above it.
    seen = measured(many(CHARGED, particle(0.5, 0)), np.random.default_rng(4))
    assert seen.counts[0] == pytest.approx(10_000, abs=4 * np.sqrt(5_000))


def test_an_energy_is_never_negative():
    # A neutral hadron of 0.3 GeV has an error of 110 %.
    seen = measured(many(NEUTRAL, particle(0.3, 0)), np.random.default_rng(5))
    assert (seen.momenta[:, 3] > 0.5).all()
    assert 0 < len(seen.momenta) < 20_000


def test_a_particle_without_energy_is_not_seen():
    # Pythia has such photons.
    nothing = Particles(np.array([1]), np.zeros((1, 4)), np.array([ELECTROMAGNETIC]))
    with np.errstate(all="raise"):
        assert measured(nothing, np.random.default_rng(6)).counts.tolist() == [0]
