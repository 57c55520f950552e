"""The cuts, and their book-keeping."""

import numpy as np
import pytest

from evidesk.generate.selection import CutFlow, Pairs, dijet_mass, select

from .toys import momenta


def pairs(*events):
    """Each event: pt, eta of both jets and their sizes; the constituents are numbered."""
    one = np.array([event[:4] for event in events], dtype=float)
    jets = np.stack([momenta(one[:, 0], one[:, 1], 0.0), momenta(one[:, 2], one[:, 3], np.pi)], 1)
    sizes = np.array([event[4:] for event in events])
    return Pairs(jets, sizes, np.arange(4 * sizes.sum(), dtype=float).reshape(-1, 4))


GOOD = (1_500, 0.0, 1_500, 0.0, 3, 4)


def test_the_mass_of_two_jets_is_that_worked_out():
    # Massless: m^2 = 2 pt1 pt2 (cosh(eta1 - eta2) - cos(phi1 - phi2)).
    found = dijet_mass(pairs(GOOD, (1_300, 0.5, 1_200, -0.5, 3, 3)).jets)
    assert found == pytest.approx([3_000, np.sqrt(2 * 1_300 * 1_200 * (np.cosh(1.0) + 1))])


@pytest.mark.parametrize(
    ("event", "stopped_at"),
    [
        (GOOD, None),
        ((1_190, 0.8, 1_190, -0.8, 9, 9), "leading_pt"),
        ((1_210, 0.8, 1_190, -0.8, 9, 9), None),
        ((1_190, 0.8, 1_210, -0.8, 9, 9), None),
        ((1_500, 2.6, 1_500, 2.6, 9, 9), "central"),
        ((1_500, -2.4, 1_500, -2.6, 9, 9), "central"),
        ((1_500, -2.4, 1_500, -2.4, 9, 9), None),
        ((1_390, 0.0, 1_390, 0.0, 9, 9), "mass_window"),
        ((1_410, 0.0, 1_410, 0.0, 9, 9), None),
        ((2_290, 0.0, 2_290, 0.0, 9, 9), None),
        ((2_310, 0.0, 2_310, 0.0, 9, 9), "mass_window"),
        ((1_500, 0.0, 1_500, 0.0, 2, 9), "constituents"),
        ((1_500, 0.0, 1_500, 0.0, 9, 2), "constituents"),
    ],
)
def test_each_cut_stops_what_it_should(event, stopped_at):
    kept, flow = select(pairs(event), generated=5)
    names = ["two_jets", "leading_pt", "central", "mass_window", "constituents"]
    passed = len(names) if stopped_at is None else names.index(stopped_at)
    assert [getattr(flow, name) for name in names] == [1] * passed + [0] * (len(names) - passed)
    assert flow.generated == 5
    assert len(kept.jets) == (stopped_at is None)


def test_what_is_kept_stays_together():
    all_of = pairs(GOOD, (1_000, 0, 1_000, 0, 5, 6), (1_600, 0, 1_600, 0, 4, 3))
    kept, flow = select(all_of, generated=3)
    assert np.array_equal(kept.jets, all_of.jets[[0, 2]])
    assert kept.sizes.tolist() == [[3, 4], [4, 3]]
    # Seven of the first event, eleven left out, seven of the last.
    assert np.array_equal(kept.constituents, np.delete(all_of.constituents, range(7, 18), axis=0))
    assert flow == CutFlow(3, 3, 2, 2, 2, 2)


def test_no_event_is_fine():
    nothing = Pairs(np.empty((0, 2, 4)), np.empty((0, 2), dtype=int), np.empty((0, 4)))
    kept, flow = select(nothing, generated=7)
    assert len(kept.jets) == 0
    assert flow == CutFlow(generated=7)


def test_flows_add_up():
    total = CutFlow(10, 8, 6, 5, 4, 3) + CutFlow(1_000, 100, 90, 80, 70, 60)
    assert total == CutFlow(1_010, 108, 96, 85, 74, 63)
    assert str(total) == (
        "generated 1,010, two_jets 108, leading_pt 96, central 85, mass_window 74, constituents 63"
    )
