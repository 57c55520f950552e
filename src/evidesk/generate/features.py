"""What is kept of an event: the mass of its two jets, and fourteen numbers about them."""

from collections.abc import Callable

import numpy as np

from evidesk.generate.particles import (
    Floats,
    Integers,
    invariant_mass,
    pseudorapidity,
    transverse,
)
from evidesk.generate.selection import Pairs, dijet_mass
from evidesk.generate.substructure import subjettiness

Subjets = Callable[[Floats, Integers, int], Floats]

#: Jet 1 is the lighter of the two leading jets, jet 2 the heavier one.
COLUMNS = (
    "mjj_TeV",
    "mJ1_TeV",
    "dmJ_TeV",
    "tau21_1",
    "tau21_2",
    "tau32_1",
    "tau32_2",
    "pt1_TeV",
    "pt2_TeV",
    "eta1",
    "eta2",
    "nconst1",
    "nconst2",
    "tau1_1",
    "tau1_2",
)
_GEV_PER_TEV = 1_000.0
#: Keeps the ratio finite for a jet that lies on its axis.
_TINY = 1e-5


def features(pairs: Pairs, subjets: Subjets) -> Floats:
    """The columns of each event, shape (events, 15); each jet has three constituents or more.

    Parameters
    ----------
    pairs : the events.
    subjets : finds N subjets of each jet, as :func:`evidesk.generate.jets.subjets` does.
    """
    jets, sizes = pairs.jets.reshape(-1, 4), pairs.sizes.ravel()
    tau1, tau2, tau3 = (
        subjettiness(pairs.constituents, sizes, axes)
        for axes in (
            jets[:, np.newaxis],
            subjets(pairs.constituents, sizes, 2),
            subjets(pairs.constituents, sizes, 3),
        )
    )
    each = np.stack(
        [
            invariant_mass(jets) / _GEV_PER_TEV,
            tau2 / (tau1 + _TINY),
            tau3 / (tau2 + _TINY),
            transverse(jets) / _GEV_PER_TEV,
            pseudorapidity(jets),
            sizes,
            tau1,
        ],
        axis=-1,
    ).reshape(-1, 2, 7)
    lighter_first = np.argsort(each[:, :, 0], axis=1, kind="stable")
    each = np.take_along_axis(each, lighter_first[:, :, np.newaxis], axis=1)
    mass = each[:, :, 0]
    return np.column_stack(
        [
            dijet_mass(pairs.jets) / _GEV_PER_TEV,
            mass[:, 0],
            mass[:, 1] - mass[:, 0],
            # Jet 1 and jet 2 of one quantity, then of the next.
            each[:, :, 1:].transpose(0, 2, 1).reshape(-1, 12),
        ]
    )
