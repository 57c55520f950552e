"""N-subjettiness, against values worked out by hand."""

import numpy as np
import pytest

from evidesk.generate.substructure import subjettiness

from .test_detector import particle


def test_one_and_two_axes_by_hand():
    # 60 GeV at 0.3 and 40 GeV at 0.2 from the axis, on either side.
    jet = np.array([particle(60, 0.3), particle(40, -0.2)])
    axis = np.array([[particle(100, 0.0)]])
    assert subjettiness(jet, np.array([2]), axis) == pytest.approx([0.6 * 0.3 + 0.4 * 0.2])
    assert subjettiness(jet, np.array([2]), jet[np.newaxis]) == pytest.approx([0], abs=1e-12)


def test_each_constituent_belongs_to_its_nearest_axis():
    jet = np.array([particle(50, 0.0), particle(30, 0.0, 0.4), particle(20, 0.1, 0.4)])
    axes = np.array([[particle(50, 0.0), particle(30, 0.0, 0.4)]])
    assert subjettiness(jet, np.array([3]), axes) == pytest.approx([0.2 * 0.1])


def test_distances_go_around():
    jet = np.array([particle(10, 0.0, 3.1), particle(10, 0.3, -3.1)])
    axis = np.array([[particle(20, 0.0, 3.1)]])
    around = 2 * np.pi - 6.2
    assert subjettiness(jet, np.array([2]), axis) == pytest.approx([np.hypot(0.3, around) / 2])


def test_an_axis_with_a_mass_is_where_its_rapidity_is():
    jet = np.array([particle(10, 1.0)])
    heavy = np.array([[particle(100, 1.0, mass=100)]])
    pz, energy = heavy[0, 0, 2:]
    assert subjettiness(jet, np.array([1]), heavy) == pytest.approx([1 - np.arctanh(pz / energy)])


def test_jets_are_kept_apart():
    constituents = np.array([particle(10, 0.1), particle(10, 2.0), particle(30, 2.4)])
    axes = np.array([[particle(10, 0.0)], [particle(40, 2.0)]])
    assert subjettiness(constituents, np.array([1, 2]), axes) == pytest.approx([0.1, 0.3])
    none = subjettiness(np.empty((0, 4)), np.array([], dtype=int), np.empty((0, 2, 4)))
    assert none.shape == (0,)
