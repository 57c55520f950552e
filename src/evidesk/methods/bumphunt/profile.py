"""The likelihood of a signal's yield, with the background fitted anew for each yield.

Many signals (masses) at once, each on its own spectrum or all on the same. The yield's maximum is
found by Fisher's scoring, which is Rao's score step taken until it stays; its interval holds the
yields whose 2 ln L is within z^2 of the maximum (Wilks).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evidesk.methods.bumphunt.glm import LogLinear

Floats = npt.NDArray[np.float64]

_MOST_STEPS = 100
_SETTLED = 1e-6  # of the yield's error
_HALVINGS = 32
#: A negative signal takes at most so much of the background of any bin.
_MOST_TAKEN = 0.95


@dataclass(frozen=True)
class Profile:
    """The likelihood of yields of S signals.

    Attributes
    ----------
    model : of the background, near its fit.
    counts : shape (S, bins) or (1, bins).
    signals : shape (S, bins); effective counts for a yield of 1.
    """

    model: LogLinear
    counts: Floats
    signals: Floats

    def log_likelihood(self, yields: Floats) -> Floats:
        """Shape (S,), of yields of shape (S,)."""
        return self._fit(yields)[1]

    @property
    def least(self) -> Floats:
        """Shape (S,); below these yields the expected counts would be negative."""
        with np.errstate(divide="ignore", over="ignore"):
            room = np.where(self.signals > 0, self.model.reference / self.signals, np.inf)
        return np.asarray(-_MOST_TAKEN * room.min(axis=1))

    def maximum(self) -> tuple[Floats, Floats]:
        """The yields of the largest likelihood and their errors by Fisher's information, (S,)."""
        yields, least = np.zeros(len(self.signals)), self.least
        for _ in range(_MOST_STEPS):
            u, information = self._score(yields)
            moved = np.maximum(yields + u / information, least)
            step = np.abs(moved - yields) * np.sqrt(information)
            yields = moved
            if step.max() < _SETTLED:
                break
        return yields, 1 / np.sqrt(self._score(yields)[1])

    def significance(self, yields: Floats) -> Floats:
        """Signed root of 2 ln L between these yields, of the largest likelihood, and 0: shape (S,)
        (arXiv:1007.1727, equations 12 and 52).
        """
        gain = 2 * (self.log_likelihood(yields) - self.log_likelihood(np.zeros_like(yields)))
        found: Floats = np.sign(yields) * np.sqrt(np.maximum(gain, 0))
        return found

    def interval(self, yields: Floats, errors: Floats, z: float) -> tuple[Floats, Floats]:
        """Where 2 ln L has fallen by z^2 from its maximum; the lower end not below `least`."""
        top = self.log_likelihood(yields)

        def has_fallen(at: Floats) -> npt.NDArray[np.bool_]:
            return np.asarray(2 * (top - self.log_likelihood(at)) >= z**2)

        ends = []
        for sign in (-1, 1):
            least = self.least if sign < 0 else np.full_like(yields, -np.inf)
            near, far = yields, np.maximum(yields + sign * z * errors, least)
            while (inside := ~has_fallen(far) & (far > least)).any():
                far = np.where(inside, np.maximum(yields + 2 * (far - yields), least), far)
            for _ in range(_HALVINGS):
                middle = (near + far) / 2
                fallen = has_fallen(middle)
                near, far = np.where(fallen, near, middle), np.where(fallen, middle, far)
            ends.append(far)
        return ends[0], ends[1]

    def _fit(self, yields: Floats) -> tuple[Floats, Floats]:
        """All that is expected, and the log-likelihood."""
        extra = yields[:, None] * self.signals
        counts = np.broadcast_to(self.counts, extra.shape)
        fits = self.model.fit(counts, extra)
        return fits.expected, fits.log_likelihood

    def _score(self, yields: Floats) -> tuple[Floats, Floats]:
        """The score of each yield and its information, less what the background takes up."""
        expected, _ = self._fit(yields)
        background = expected - yields[:, None] * self.signals
        u = (self.signals * (self.counts / expected - 1)).sum(axis=1)
        weighted = background / expected
        alone = (self.signals**2 / expected).sum(axis=1)
        crossed = (self.signals * weighted) @ self.model.design
        both = self.model.information(background * weighted)
        solved = np.linalg.solve(both, crossed[..., None])[..., 0]
        return u, alone - (crossed * solved).sum(axis=1)
