"""Poisson regressions of many spectra at once.

The model is log-linear, ``ln mu = offset + design b``, so that its likelihood is concave and
Newton's method finds the maximum in few steps; McCullagh and Nelder, "Generalized linear models"
(1989), section 2.5. All spectra take their steps together.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]

_MOST_STEPS = 60
#: No step changes the logarithm of an expected count by more.
LONGEST_STEP = 2.0
#: A step that promises less of 2 ln L is the last: the one after it would be of its square.
_ENOUGH = 1e-4
#: Beside a signal that is held the steps are of Fisher's scoring, and shrink more slowly.
_ENOUGH_BESIDE = 1e-9
#: A negative signal takes at most all but this share of the background.
LEAST_SHARE = 1e-6
#: Logarithm of the least that is expected in a bin: far from 0, and none is 0.
SMALLEST = -200.0
#: Keeps the equations solvable where a toy has no events that could tell.
_RIDGE = 1e-10


@dataclass(frozen=True)
class Fits:
    """Fits of T spectra.

    Attributes
    ----------
    coefficients : shape (T, K).
    expected : shape (T, bins); with what is held beside the background.
    log_likelihood : shape (T,); ``sum(n ln mu - mu)``.
    converged : shape (T,).
    """

    coefficients: Floats
    expected: Floats
    log_likelihood: Floats
    converged: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LogLinear:
    """Expected counts ``exp(offset + design b)``.

    Attributes
    ----------
    offset : shape (bins,).
    design : shape (bins, K).
    """

    offset: Floats
    design: Floats

    def at(self, b: Floats) -> Floats:
        """Expected counts, shape (T, bins), for coefficients of shape (T, K)."""
        logarithm = self.offset + b @ self.design.T
        return np.asarray(np.exp(np.maximum(logarithm, SMALLEST)))

    @property
    def reference(self) -> Floats:
        """Shape (bins,); expected counts at ``b = 0``."""
        found: Floats = self.at(np.zeros((1, self.design.shape[1])))[0]
        return found

    @cached_property
    def _products(self) -> Floats:
        """Shape (bins, K * K); of each two columns."""
        columns = self.design
        return (columns[:, :, None] * columns[:, None, :]).reshape(len(columns), -1)

    def information(self, expected: Floats) -> Floats:
        """Fisher's information on ``b``, shape (T, K, K), where so much is expected."""
        k = self.design.shape[1]
        found: Floats = (expected @ self._products).reshape(-1, k, k)
        return found + _RIDGE * np.eye(k)

    def fit(self, counts: Floats, extra: Floats | None = None) -> Fits:
        """Fit each of the spectra, starting at ``b = 0``.

        Parameters
        ----------
        counts : shape (T, bins).
        extra : shape (T, bins); what is expected beside the background, and is held.
        """
        total = len(counts)
        b = np.zeros((total, self.design.shape[1]))
        converged = np.zeros(total, dtype=bool)
        live = np.arange(total)
        enough = _ENOUGH if extra is None else _ENOUGH_BESIDE
        for _ in range(_MOST_STEPS):
            some = slice(None) if len(live) == total else live
            step, gain = self._step(counts[some], b[some], None if extra is None else extra[some])
            b[some] += step
            done = gain < enough
            converged[live[done]] = True
            live = live[~done]
            if not len(live):
                break
        expected = self.at(b)
        if extra is not None:
            expected = np.maximum(expected + extra, LEAST_SHARE * expected)
        log_likelihood = np.einsum("tb,tb->t", counts, np.log(expected)) - expected.sum(axis=1)
        return Fits(b, expected, log_likelihood, converged)

    def _step(self, counts: Floats, b: Floats, extra: Floats | None) -> tuple[Floats, Floats]:
        """Newton's step for each spectrum, and how much it promises of 2 ln L."""
        background = self.at(b)
        if extra is None:
            gradient = (counts - background) @ self.design
            information = self.information(background)
        else:
            share = background / np.maximum(background + extra, LEAST_SHARE * background)
            gradient = (counts * share - background) @ self.design
            information = self.information(background * share)
        step = np.asarray(np.linalg.solve(information, gradient[..., None])[..., 0], np.float64)
        gain = (gradient * step).sum(axis=1)
        longest = np.abs(step @ self.design.T).max(axis=1)
        short = longest > LONGEST_STEP
        step[short] *= (LONGEST_STEP / longest[short])[:, None]
        gain[short] = np.inf
        return step, gain


def deviance(counts: Floats, expected: Floats) -> Floats:
    """``2 sum(n ln(n / mu) - n + mu)``, shape (T,): 2 ln L of the counts themselves less that of
    the fit.
    """
    found: Floats = 2 * (special.rel_entr(counts, expected) - counts + expected).sum(axis=-1)
    return found
