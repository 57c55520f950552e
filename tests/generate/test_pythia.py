"""Real events; see conftest.py for when these tests are collected."""

from types import SimpleNamespace

import numpy as np
import pytest

from evidesk.generate import generate_dijets
from evidesk.generate.particles import CHARGED, ELECTROMAGNETIC, NEUTRAL, invariant_mass
from evidesk.generate.pythia import PROCESSES, Pythia


@pytest.mark.parametrize("process", PROCESSES)
def test_visible_particles_are_told_by_kind(process):
    source = Pythia(process, 11)
    found = source.events(20)
    assert len(found.counts) == 20
    assert found.counts.sum() == len(found.momenta) == len(found.kind)
    assert (found.counts > 50).all()
    # Of the energy, pions take most: two thirds charged, one third photons.
    share = [found.momenta[found.kind == kind, 3].sum() for kind in
             (CHARGED, ELECTROMAGNETIC, NEUTRAL)] / found.momenta[:, 3].sum()  # fmt: skip
    assert share == pytest.approx([0.6, 0.25, 0.15], abs=0.1)
    # Photons have no mass, and neutral hadrons the one of a kaon or more.
    masses = invariant_mass(found.momenta)
    assert np.median(masses[found.kind == ELECTROMAGNETIC]) < 1e-3
    assert masses[found.kind == NEUTRAL].min() > 0.49
    assert f"Random:seed = {11}" in source.settings
    section = source.cross_section
    assert section.value > 5 * section.error > 0


def test_a_seed_makes_the_same_events():
    one, again, other = (Pythia("signal", seed).events(3).momenta for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert one.shape != other.shape


def test_settings_that_pythia_does_not_know_are_an_error(monkeypatch):
    monkeypatch.setitem(PROCESSES, "signal", ("34:mass = 3",))
    with pytest.raises(RuntimeError, match="refuses its settings for signal events"):
        Pythia("signal", 1)


def test_no_more_events_are_an_error_and_no_endless_loop(monkeypatch):
    source = Pythia("background", 1)
    nothing = source._pythia.nextBatch(1)[:0]
    monkeypatch.setattr(source, "_pythia", SimpleNamespace(nextBatch=lambda number: nothing))
    with pytest.raises(RuntimeError, match="no more events"):
        source.events(5)


def test_dijets_are_made_from_beginning_to_end():
    told = []
    made = generate_dijets(60, 30, seed=4, progress=lambda *now: told.append(now))
    again = generate_dijets(60, 30, seed=4)
    assert np.array_equal(made.x, again.x)
    assert np.array_equal(made.label, again.label)
    assert np.isfinite(made.x).all()
    assert told[-1] == (1, "signal events")
    background, signal = (run.cut_flow for run in made.runs)
    assert 5 < background.constituents < 45
    assert 15 < signal.constituents <= 30
    # The resonance's mass is in its place.
    assert np.median(made.x[made.label == 1, 0]) == pytest.approx(3.5, abs=0.1)
    assert made.versions["pythia8mc"]
