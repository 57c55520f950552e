"""Dijet events for the tests: a table with a resonance in it, or none."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from evidesk.methods.bumphunt import TreeEnsemble, Window

PATH = Path(__file__).parents[2] / "data" / "dijets_events" / "events.npz"
FEATURES = ["mJ1", "dmJ", "tau21_1", "tau21_2"]
#: Its sidebands are as wide as need be for 30,000 events.
WINDOW = Window(3.3, 3.7, 2.9, 4.3)
EDGES = np.linspace(2.8, 4.6, 37)


@lru_cache
def events():
    """All: columns by name, and which events are of the resonance."""
    with np.load(PATH) as file:
        values = file["values"] / 1e4
        return dict(zip(file["columns"].tolist(), values.T, strict=True)), file["is_signal"]


def table(signals=0, background=15_000):
    """So many events of the background and of the resonance: columns and labels."""
    columns, is_signal = events()
    taken = np.sort(
        np.r_[np.flatnonzero(~is_signal)[:background], np.flatnonzero(is_signal)[:signals]]
    )
    return {name: values[taken] for name, values in columns.items()}, is_signal[taken]


def arrays(signals=0):
    """Resonant variable and features."""
    columns, _ = table(signals, 30_000)
    return columns["mjj"], np.stack([columns[name] for name in FEATURES], axis=1)


def quick():
    """Trees that learn fast."""
    return TreeEnsemble(members=1, iterations=20)
