"""Four-momenta, against values worked out by hand."""

import numpy as np
import pytest

from evidesk.generate.particles import (
    CHARGED,
    ELECTROMAGNETIC,
    NEUTRAL,
    Particles,
    azimuth,
    invariant_mass,
    pseudorapidity,
    rapidity,
    transverse,
)

MOMENTA = np.array(
    [
        [3.0, 4.0, 12.0, 13.0],  # massless
        [0.0, -1.0, 0.0, 1.25],  # across the beam
        [-2.0, 0.0, -1.0, 3.0],  # a mass of 2
    ]
)


def test_quantities_are_those_worked_out():
    assert transverse(MOMENTA) == pytest.approx([5, 1, 2])
    assert pseudorapidity(MOMENTA) == pytest.approx([np.log(25 / 5), 0, -0.4812118])
    assert rapidity(MOMENTA) == pytest.approx([np.log(5), 0, -0.5 * np.log(2)])
    assert azimuth(MOMENTA) == pytest.approx([0.9272952, -np.pi / 2, np.pi])
    assert invariant_mass(MOMENTA) == pytest.approx([0, 0.75, 2])


def test_any_shape_is_taken():
    stacked = np.stack([MOMENTA, MOMENTA])
    for quantity in (transverse, pseudorapidity, rapidity, azimuth, invariant_mass):
        assert quantity(stacked).shape == (2, 3)
        assert np.array_equal(quantity(stacked)[1], quantity(MOMENTA))


def test_a_mass_that_rounding_makes_imaginary_is_zero():
    momentum = np.array([[1e3, 0, 1e3, np.nextafter(np.sqrt(2) * 1e3, 0)]])
    assert invariant_mass(momentum) == [0]


def test_the_beam_is_infinitely_far_forward_without_a_warning():
    along = np.array([[0, 0, 5.0, 5.0], [0, 0, -5.0, 5.0], [0, 0, 0, 0]])
    with np.errstate(all="raise"):
        assert np.array_equal(pseudorapidity(along), [np.inf, -np.inf, 0])


def test_taking_particles_keeps_events_in_order_and_also_empty_ones():
    kind = np.array([CHARGED, NEUTRAL, ELECTROMAGNETIC])
    particles = Particles(np.array([2, 0, 1]), MOMENTA, kind)
    taken = particles.take(np.array([False, True, True]))
    assert taken.counts.tolist() == [1, 0, 1]
    assert np.array_equal(taken.momenta, MOMENTA[1:])
    assert taken.kind.tolist() == [NEUTRAL, ELECTROMAGNETIC]
    assert particles.take(np.zeros(3, dtype=bool)).counts.tolist() == [0, 0, 0]
