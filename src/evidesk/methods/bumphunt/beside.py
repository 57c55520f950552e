"""Which background to estimate a signal with: of an order that is chosen beside the signal.

A signal bends the spectrum, and an order that is chosen as if there were none takes up a part of
it: yields come out too small, and limits exclude what is there. For estimates each signal is
therefore in the fit while the order is chosen. One parameter is added to the chosen ones, since one
that is needed but does not show biases the yield. (Testing for a signal, whose hypothesis is that
there is none, has no such trouble.)
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evidesk.methods.bumphunt.order import Ladder, choose
from evidesk.methods.bumphunt.profile import Profile

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Beside:
    """Signals that are estimated with the same background.

    Attributes
    ----------
    some : which of the signals.
    order : of the background.
    data : the likelihood of their yields.
    asimov : the same with the fits without a signal in place of the counts.
    """

    some: Ints
    order: int
    data: Profile
    asimov: Profile


def order_indices(ladder: Ladder, counts: Floats, signals: Floats) -> Ints:
    """Which of the ladder's backgrounds each signal is estimated with, shape (S,).

    Parameters
    ----------
    counts : shape (S, bins), or (1, bins) for all signals.
    signals : shape (S, bins).
    """
    if ladder.alpha is None:
        return np.zeros(len(signals), dtype=np.intp)
    reached = []
    for background in ladder.backgrounds:
        profile = Profile(background.model, counts, signals)
        reached.append(profile.log_likelihood(profile.maximum()[0]))
    chosen = choose(np.array(reached), ladder.alpha)
    return np.minimum(chosen + 1, len(ladder.backgrounds) - 1)


def beside(ladder: Ladder, counts: Floats, signals: Floats) -> Iterator[Beside]:
    """The signals by the background that they are estimated with; parameters as above."""
    indices = order_indices(ladder, counts, signals)
    for index in np.unique(indices):
        some = np.flatnonzero(indices == index)
        background = ladder.backgrounds[index]
        own = counts if len(counts) == 1 else counts[some]
        without = background.model.fit(own).expected
        yield Beside(
            some,
            background.order,
            Profile(background.model, own, signals[some]),
            Profile(background.model, without, signals[some]),
        )
