"""Rao's score test of a signal of given shape on top of a fitted background, for many spectra.

With counts n, a fitted log-linear background mu with columns x, and weights w = s / mu of a signal
of shares s the score is ``U = sum w (n - mu)``. The fit has ``sum x (n - mu) = 0``, so that any
combination of the columns can be taken off the weights; what is left of them after regression on
the columns, ``v = w - x a``, has no part that the background could take up: ``U = sum v (n - mu)``
has the variance ``V = sum v^2 mu``, and the excess is ``Z = U / sqrt(V)``. Nothing is fitted for
each mass. Source: Rao, Proc. Cambridge Phil. Soc. 44 (1948) 50-57; with nuisance parameters, Cox
and Hinkley, "Theoretical statistics" (1974), section 9.3.

The weights are those of the data's fit for all toys, which is right to second order, and ``s / (mu
+ s)``: the score at a yield of one event instead of none. Where events are many that is the same;
where they are few, no bin in which next to nothing is expected can outweigh all others.
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
    information = model.information(model.reference[None])[0]
    parts = np.linalg.solve(information, model.design.T @ (weights * model.reference).T)
    left = weights - (model.design @ parts).T
    u = (counts - expected) @ left.T
    root = np.sqrt(np.maximum(expected @ (left**2).T, _LEFT * (expected @ (weights**2).T)))
    raised = np.maximum((left * signals).sum(axis=1), _LEFT * (weights * signals).sum(axis=1))
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
