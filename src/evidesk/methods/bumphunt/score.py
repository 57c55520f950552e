"""Rao's score test of a signal of given shape on top of a fitted background, for many spectra.

With counts n, a fitted log-linear background mu with columns x, and weights w = s / mu of a signal
of shares s the score is ``U = sum w (n - mu)``. Its variance, less what the background's parameters
take up, is ``V = V_ww - V_wb V_bb^-1 V_bw`` with ``V_ww = sum w^2 mu``, ``V_wb = sum w x mu``,
``V_bb = sum x x^T mu``; the excess is ``Z = U / sqrt(V)``. Nothing is fitted for each mass. Source:
Rao, Proc. Cambridge Phil. Soc. 44 (1948) 50-57; with nuisance parameters, Cox and Hinkley,
"Theoretical statistics" (1974), section 9.3.

The weights are those of the data for all toys, and ``s / (mu + s)``: the score at a yield of one
event instead of none. Where events are many that is the same; where they are few, no bin in which
next to nothing is expected can outweigh all others.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evidesk.methods.bumphunt.glm import LogLinear

Floats = npt.NDArray[np.float64]

#: Less than that of the variance is rounding errors.
_LEFT = 1e-9
#: A signal whose error is so many times smaller if the background is known cannot be told from it.
_TAKEN = 1e-3


@dataclass(frozen=True)
class Scores:
    """Of T spectra and S signals, shapes (T, S).

    Attributes
    ----------
    z : the excess in standard errors.
    yields, errors : of a signal that explains it, to first order.
    """

    z: Floats
    yields: Floats
    errors: Floats


def score(model: LogLinear, counts: Floats, expected: Floats, signals: Floats) -> Scores:
    """The scores of signals.

    Parameters
    ----------
    model : the background, whose reference is the fit to the data.
    counts, expected : shape (T, bins); spectra and the model's fits to them.
    signals : shape (S, bins); effective counts for a yield of 1.
    """
    event = signals / signals.sum(axis=1, keepdims=True)
    weights = signals / (model.reference + event)
    u = (counts - expected) @ weights.T
    size, k = len(weights), model.design.shape[1]
    pairs = (weights[:, None, :] * model.design.T).reshape(size * k, -1)
    crossed = (expected @ pairs.T).reshape(-1, size, k)
    taken = crossed @ np.linalg.inv(model.information(expected))
    alone = expected @ (weights**2).T
    variance = np.maximum(alone - (taken * crossed).sum(axis=2), _LEFT * alone)
    # By how much one event of signal raises the score, beside the background's new fit.
    full = (weights * signals).sum(axis=1)
    raised = np.maximum(full - (taken * (signals @ model.design)).sum(axis=2), _LEFT * full)
    root = np.sqrt(variance)
    return Scores(u / root, u / raised, root / raised)


def check_told_apart(model: LogLinear, signals: Floats, names: list[str]) -> None:
    """Raises
    ------
    ValueError : the background's parameters can take up a whole signal.
    """
    expected = model.reference[None]
    errors = score(model, expected, expected, signals).errors[0]
    alone = LogLinear(model.offset, model.design * 0)
    lost = np.flatnonzero(score(alone, expected, expected, signals).errors[0] < _TAKEN * errors)
    if lost.size:
        raise ValueError(
            f"The background function can take the form of the signal at {names[lost[0]]}: they "
            "cannot be told apart. Use a lower order, a narrower signal or more bins."
        )
