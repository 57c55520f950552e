"""Spectra for the tests of the bump hunt."""

from pathlib import Path

import numpy as np

from evidesk.methods.bumphunt import Spectrum, dijet

DIJET = dijet(13.0)
MASSES = np.linspace(2.95, 4.35, 29)


def resolution(mass):
    return 0.03 * mass


def dijets(signal=0, bins=60, seed=0):
    """The simulated dijets without a resonance, or with so many events of it."""
    with np.load(Path(__file__).parents[2] / "data" / "dijets" / "spectrum.npz") as file:
        edges, counts, resonance = file["edges"], file["background"], file["signal"]
    step = (len(edges) - 1) // bins
    if signal:
        rng = np.random.default_rng(seed)
        counts = counts + rng.multinomial(signal, resonance / resonance.sum())
    return Spectrum.from_counts(counts.reshape(bins, step).sum(axis=1), edges[::step])


def falling(events, bins=40, seed=0, slope=3.0):
    """Exponentially distributed masses from 100 to 200."""
    rng = np.random.default_rng(seed)
    share = -np.log1p(-rng.random(events) * (1 - np.exp(-slope))) / slope
    return Spectrum.from_events(100 + 100 * share, bins, range=(100, 200))
