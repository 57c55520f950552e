"""Which events are kept, and the count of those that pass each cut."""

from dataclasses import astuple, dataclass, fields

import numpy as np

from evidesk.generate.particles import (
    Booleans,
    Floats,
    Integers,
    invariant_mass,
    pseudorapidity,
    transverse,
)

#: In GeV.
MIN_JET_PT, MIN_LEADING_PT = 200.0, 1_200.0
MASS_WINDOW = (2_800.0, 4_600.0)
MAX_JET_ETA = 2.5
#: Three subjets need as many constituents.
MIN_CONSTITUENTS = 3


@dataclass(frozen=True)
class CutFlow:
    """How many events are left after each cut.

    Attributes
    ----------
    generated : all events.
    two_jets : at least two jets with a transverse momentum above 200 GeV.
    leading_pt : the leading jet is above 1.2 TeV.
    central : both leading jets have an absolute pseudorapidity below 2.5.
    mass_window : the two leading jets have an invariant mass between 2.8 and 4.6 TeV.
    constituents : both have three constituents or more. These events are kept.
    """

    generated: int = 0
    two_jets: int = 0
    leading_pt: int = 0
    central: int = 0
    mass_window: int = 0
    constituents: int = 0

    def __add__(self, other: "CutFlow") -> "CutFlow":
        return CutFlow(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __str__(self) -> str:
        return ", ".join(f"{one.name} {getattr(self, one.name):,}" for one in fields(self))


@dataclass(frozen=True)
class Pairs:
    """The two leading jets of some events.

    Attributes
    ----------
    jets : shape (events, 2, 4), in GeV.
    sizes : shape (events, 2); how many constituents they have.
    constituents : shape (constituents, 4), in GeV, one jet after the other.
    """

    jets: Floats
    sizes: Integers
    constituents: Floats

    def take(self, chosen: Booleans) -> "Pairs":
        """Only the chosen events; shape (events,)."""
        theirs = np.repeat(np.repeat(chosen, 2), self.sizes.ravel())
        return Pairs(self.jets[chosen], self.sizes[chosen], self.constituents[theirs])


def select(pairs: Pairs, generated: int) -> tuple[Pairs, CutFlow]:
    """The events that pass all cuts, and how many of those generated passed each."""
    jets = pairs.jets
    mass = dijet_mass(jets)
    passed = np.ones(len(jets), dtype=bool)
    left = []
    for cut in (
        transverse(jets).max(axis=1) > MIN_LEADING_PT,
        (np.abs(pseudorapidity(jets)) < MAX_JET_ETA).all(axis=1),
        (mass > MASS_WINDOW[0]) & (mass < MASS_WINDOW[1]),
        (pairs.sizes >= MIN_CONSTITUENTS).all(axis=1),
    ):
        passed &= cut
        left.append(int(passed.sum()))
    return pairs.take(passed), CutFlow(generated, len(jets), *left)


def dijet_mass(jets: Floats) -> Floats:
    """Invariant mass of pairs of jets, shape (events, 2, 4), in GeV."""
    return invariant_mass(jets.sum(axis=1))
