"""The columns of an event."""

import numpy as np
import pytest

from evidesk.generate.features import COLUMNS, features
from evidesk.generate.particles import invariant_mass, transverse
from evidesk.generate.selection import Pairs

from .toys import ToyPythia, momenta, toy_pairs, toy_subjets


def columns(pairs):
    return dict(zip(COLUMNS, features(pairs, toy_subjets).T, strict=True))


def by_hand(order):
    """One event of a wide jet, of three particles, and a narrow one, of four."""
    wide = momenta(np.array([900.0, 400, 200]), np.array([0.2, -0.3, 0.0]), np.zeros(3))
    narrow = momenta(np.full(4, 350.0), np.array([0.01, -0.01, 0.02, -0.02]), np.full(4, np.pi))
    jets = [(wide, narrow)[i] for i in order]
    return Pairs(
        np.array([[jet.sum(axis=0) for jet in jets]]),
        np.array([[len(jet) for jet in jets]]),
        np.concatenate(jets),
    )


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_lighter_jet_comes_first_whichever_leads(order):
    pairs = by_hand(order)
    found = columns(pairs)
    assert (found["nconst1"], found["nconst2"]) == (4, 3)
    assert found["pt1_TeV"] == pytest.approx(1.4, rel=1e-3)
    assert found["pt2_TeV"] == pytest.approx(1.5, rel=1e-3)
    heavy, light = sorted(invariant_mass(pairs.jets[0]) / 1_000, reverse=True)
    assert found["mJ1_TeV"] == pytest.approx(light)
    assert found["dmJ_TeV"] == pytest.approx(heavy - light)
    assert found["mjj_TeV"] == pytest.approx(invariant_mass(pairs.jets[0].sum(axis=0)) / 1_000)
    assert found["eta1"] == pytest.approx(0, abs=1e-6)
    assert found["tau1_1"] == pytest.approx(0.015, rel=0.01)
    # The toy subjets of the wide jet: one on its first particle, one on the other two.
    rest = by_hand((0, 1)).constituents[1:3].sum(axis=0)
    y = 0.5 * np.log((rest[3] + rest[2]) / (rest[3] - rest[2]))
    tau2 = (400 * abs(-0.3 - y) + 200 * min(abs(y), 0.2)) / 1_500
    assert found["tau21_2"] == pytest.approx(tau2 / (found["tau1_2"] + 1e-5))
    assert found["tau32_2"] == pytest.approx(0, abs=1e-9)


def test_columns_of_many_events_are_those_of_each():
    pairs = toy_pairs(ToyPythia("signal", 3).events(20))
    every = features(pairs, toy_subjets)
    assert every.shape == (20, len(COLUMNS))
    assert np.isfinite(every).all()
    assert (every[:, COLUMNS.index("dmJ_TeV")] >= 0).all()
    chosen = np.arange(20) == 13
    assert features(pairs.take(chosen), toy_subjets) == pytest.approx(every[13:14])
    both = every[13, [COLUMNS.index("pt1_TeV"), COLUMNS.index("pt2_TeV")]]
    assert sorted(both) == pytest.approx(sorted(transverse(pairs.jets[13]) / 1_000))


def test_no_event_has_no_row():
    nothing = Pairs(np.empty((0, 2, 4)), np.empty((0, 2), dtype=int), np.empty((0, 4)))
    assert features(nothing, toy_subjets).shape == (0, len(COLUMNS))
