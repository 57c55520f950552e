"""Rao's score test of a signal of given shape on top of a fitted background, for many spectra.

With shares s, counts n and a fitted log-linear background mu with columns x the score is ``U = sum
s (n / mu - 1)``; its information, less what the background's parameters take up, ``I = I_ss - I_sb
I_bb^-1 I_bs`` with ``I_ss = sum s^2 / mu``, ``I_sb = sum s x``, ``I_bb = sum mu x x^T``. The excess
is ``Z = U / sqrt(I)``, and one Newton step gives the yield ``U / I`` with error ``1 / sqrt(I)``.
Nothing is fitted for each mass. Source: Rao, Proc. Cambridge Phil. Soc. 44 (1948) 50-57; with
nuisance parameters, Cox and Hinkley, "Theoretical statistics" (1974), section 9.3.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evidesk.methods.bumphunt.glm import LogLinear

Floats = npt.NDArray[np.float64]

#: A signal of which the background leaves a smaller part of the information cannot be told from it.
_LEFT = 1e-6


@dataclass(frozen=True)
class Scores:
    """Of T spectra and S signals, shapes (T, S).

    Attributes
    ----------
    z : the excess in standard errors.
    information : on the yield; its error is 1 over the root.
    """

    z: Floats
    information: Floats

    @property
    def yields(self) -> Floats:
        """By one Newton step."""
        return self.z / np.sqrt(self.information)


def score(model: LogLinear, counts: Floats, expected: Floats, signals: Floats) -> Scores:
    """The scores of signals of shape (S, bins), in effective counts for a yield of 1."""
    u = (counts / expected - 1) @ signals.T
    alone = (1 / expected) @ (signals**2).T
    crossed = signals @ model.design
    inverse = np.linalg.inv(model.information(expected))
    pairs = (crossed[:, :, None] * crossed[:, None, :]).reshape(len(signals), -1)
    taken = inverse.reshape(len(expected), -1) @ pairs.T
    information = np.maximum(alone - taken, _LEFT * alone)
    return Scores(u / np.sqrt(information), information)


def check_told_apart(model: LogLinear, expected: Floats, signals: Floats, names: list[str]) -> None:
    """Raises
    ------
    ValueError : the background's parameters can take up a whole signal.
    """
    alone = (1 / expected) @ (signals**2).T
    left = score(model, expected, expected, signals).information
    lost = np.flatnonzero((left <= 2 * _LEFT * alone)[0])
    if lost.size:
        raise ValueError(
            f"The background function can take the form of the signal at {names[lost[0]]}: they "
            "cannot be told apart. Use a lower order, a narrower signal or more bins."
        )
