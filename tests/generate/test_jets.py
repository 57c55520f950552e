"""Jets and subjets as FastJet finds them; see conftest.py for when these tests are collected."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

from evidesk.generate.jets import leading_pairs, subjets
from evidesk.generate.particles import CHARGED, Particles, transverse
from evidesk.generate.selection import Pairs

from .toys import ToyPythia, momenta, toy_pairs


def event(*jets):
    """Particles of one event: each jet is pt, eta and phi of its axis, and its particles' share."""
    return np.concatenate(
        [
            momenta(pt * np.array(shares), eta + 0.1 * np.arange(len(shares)), phi)
            for pt, eta, phi, shares in jets
        ]
    )


def test_the_two_leading_jets_are_found_in_order():
    first = event((300, 0, 0, [0.6, 0.4]), (500, 1.0, 3.0, [1.0]), (400, -1.0, 1.5, [0.3] * 3))
    alone = event((900, 0, 0, [1.0]), (199, 0, 3.0, [1.0]))
    last = event((250, 0, 0, [1.0]), (260, 0, 3.0, [0.5, 0.5]))
    all_of = np.concatenate([first, alone, last])
    counts = np.array([len(first), len(alone), 0, len(last)])
    pairs = leading_pairs(Particles(counts, all_of, np.full(len(all_of), CHARGED)))
    assert transverse(pairs.jets) == pytest.approx(np.array([[500, 360], [260, 250]]), rel=0.01)
    assert pairs.sizes.tolist() == [[1, 3], [2, 1]]
    # The constituents are those of their jet.
    jet = np.repeat(np.arange(4), pairs.sizes.ravel())
    total = np.stack([np.bincount(jet, axis) for axis in pairs.constituents.T], axis=-1)
    assert total == pytest.approx(pairs.jets.reshape(-1, 4))


def test_jets_are_those_of_the_toy():
    particles = ToyPythia("background", 1).events(50)
    found, known = leading_pairs(particles), toy_pairs(particles)
    strong = (transverse(known.jets) > 200).all(axis=1)
    assert len(found.jets) == strong.sum() > 40
    order = np.argsort(-transverse(known.jets[strong]), axis=1)[:, :, np.newaxis]
    assert found.jets == pytest.approx(np.take_along_axis(known.jets[strong], order, axis=1))


def test_subjets_are_where_the_particles_are_close():
    jet = momenta(np.array([100.0, 90, 50, 45, 30]), np.array([0.0, 0.05, 0.5, 0.52, -0.6]), 0.0)
    sizes = np.array([5])
    two, three = (subjets(jet, sizes, number)[0] for number in (2, 3))
    # kt joins 0 and 1, 2 and 3; then the soft one, as its momentum is the smallest: at
    # (30 * 0.62)^2 against (95 * 0.49)^2.
    assert sorted(transverse(three)) == pytest.approx([30, 95, 190], rel=0.01)
    assert sorted(transverse(two)) == pytest.approx([95, 220], rel=0.01)


def test_far_constituents_stay_in_the_jet():
    jet = momenta(np.array([100.0, 10, 80]), np.array([-0.9, 0.9, -0.8]), 0.0)
    (two,) = subjets(jet, np.array([3]), 2)
    assert two.sum(axis=0) == pytest.approx(jet.sum(axis=0))


def test_as_many_subjets_as_constituents_are_these():
    jet = momenta(np.array([100.0, 10, 80]), np.array([-0.4, 0.4, 0.0]), 0.0)
    both = subjets(np.concatenate([jet, 2 * jet]), np.array([3, 3]), 3)
    assert both.shape == (2, 3, 4)
    for found, own in zip(both, (jet, 2 * jet), strict=True):
        assert sorted(transverse(found)) == pytest.approx(sorted(transverse(own)))


def test_nothing_is_found_in_nothing():
    none = Particles(np.zeros(2, dtype=int), np.empty((0, 4)), np.empty(0, dtype=int))
    pairs = leading_pairs(none)
    assert isinstance(pairs, Pairs)
    assert (pairs.jets.shape, pairs.sizes.shape) == ((0, 2, 4), (0, 2))
    assert pairs.constituents.shape == (0, 4)
    assert subjets(pairs.constituents, pairs.sizes.ravel(), 2).shape == (0, 2, 4)


def test_warnings_are_left_as_they_are():
    before = warnings.formatwarning
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        subjets(momenta(np.array([2.0, 1.0]), np.array([0.0, 0.1]), 0.0), np.array([2]), 2)
    assert not told
    assert warnings.formatwarning is before


def test_no_banner_is_printed():
    code = (
        "import numpy as np; from evidesk.generate.jets import subjets; "
        "subjets(np.array([[3., 0, 0, 3], [0, 2., 0, 2]]), np.array([2]), 2)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
