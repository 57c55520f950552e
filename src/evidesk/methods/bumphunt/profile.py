"""The likelihood of a signal's yield, with the background fitted anew for each yield.

Many signals (masses) at once, each on its own spectrum or all on the same. The maximum is found by
Fisher's scoring in the yield and the background's coefficients together, with steps that are cut
where they would lose; a yield's interval holds those whose 2 ln L is within z^2 of the maximum
(Wilks).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from evidesk.methods.bumphunt.glm import LEAST_SHARE, LONGEST_STEP, LogLinear

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

_MOST_STEPS = 100
#: A step that promises less of 2 ln L is the last.
_ENOUGH = 1e-9
#: Of a step that loses, so much is tried next; what is cut to less than the second is given up.
_CUT, _SHORTEST = 0.25, 1e-5
_HALVINGS = 26
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
        """The yields of the largest likelihood and their errors, by Fisher's information, (S,)."""
        total, least, event = len(self.signals), self.least, 1 / self.signals.sum(axis=1)
        # From one event on: at 0, bins in which next to nothing is expected would hold it there.
        yields, b = event.copy(), np.zeros((total, self.model.design.shape[1]))
        length, live = np.ones(total), np.arange(total)
        reached = self._joint(live, yields, b).log_likelihood
        for _ in range(_MOST_STEPS):
            step = self._joint(live, yields[live], b[live]).step(yields[live] <= least[live])
            size = length[live]
            moved = np.maximum(yields[live] + size * step.yields, least[live])
            new = b[live] + size[:, None] * step.b
            found = self._joint(live, moved, new).log_likelihood
            better = found >= reached[live] - _ENOUGH
            rows = live[better]
            yields[rows], b[rows], reached[rows] = moved[better], new[better], found[better]
            length[live] = np.where(better, 1.0, _CUT * size)
            live = live[~(better & (size == 1) & (step.gain < _ENOUGH)) & (size > _SHORTEST)]
            if not live.size:
                break
        every = np.arange(total)
        left = self._joint(every, np.maximum(yields, event), b).information_on_yield
        return yields, 1 / np.sqrt(left)

    def _joint(self, rows: Ints, yields: Floats, b: Floats) -> "_Joint":
        """The likelihood of some of the signals, and its derivatives."""
        counts = self.counts if len(self.counts) == 1 else self.counts[rows]
        return _Joint(self.model, counts, self.signals[rows], yields, b)

    def significance(self, yields: Floats) -> Floats:
        """Signed root of 2 ln L between these yields, of the largest likelihood, and 0: shape (S,)
        (arXiv:1007.1727, equation 12).
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


@dataclass(frozen=True)
class _Step:
    yields: Floats
    b: Floats
    gain: Floats


class _Joint:
    """The likelihood at given yields (S,) and coefficients of the background (S, K)."""

    def __init__(
        self, model: LogLinear, counts: Floats, signals: Floats, yields: Floats, b: Floats
    ) -> None:
        self.model, self.signals = model, signals
        self.background = model.at(b)
        total = self.background + yields[:, None] * signals
        self.expected = np.maximum(total, LEAST_SHARE * self.background)
        self.ratio = counts / self.expected
        self.log_likelihood: Floats = (counts * np.log(self.expected) - self.expected).sum(axis=1)

    @cached_property
    def _parts(self) -> tuple[Floats, Floats, Floats]:
        """Information on the yield, of the yield with b, and on b."""
        share = self.background / self.expected
        alone = (self.signals**2 / self.expected).sum(axis=1)
        crossed = (self.signals * share) @ self.model.design
        return alone, crossed, self.model.information(self.background * share)

    @cached_property
    def information_on_yield(self) -> Floats:
        """Less what the background's coefficients take up."""
        alone, crossed, both = self._parts
        solved = np.linalg.solve(both, crossed[..., None])[..., 0]
        return np.asarray(alone - (crossed * solved).sum(axis=1))

    def step(self, at_least: npt.NDArray[np.bool_]) -> _Step:
        """Fisher's scoring step; yields that can fall no further stay, if they would."""
        _, crossed, both = self._parts
        of_yield = (self.signals * (self.ratio - 1)).sum(axis=1)
        of_b = (self.background * (self.ratio - 1)) @ self.model.design
        solved = np.linalg.solve(both, np.stack([of_b, crossed], axis=2))
        left = self.information_on_yield
        moved = (of_yield - (crossed * solved[..., 0]).sum(axis=1)) / left
        moved = np.where(at_least & (moved < 0), 0.0, moved)
        turned = solved[..., 0] - moved[:, None] * solved[..., 1]
        gain = moved**2 * left + (of_b * solved[..., 0]).sum(axis=1)
        longest = np.abs(turned @ self.model.design.T).max(axis=1)
        cut = np.minimum(1.0, LONGEST_STEP / np.maximum(longest, LONGEST_STEP))
        return _Step(moved * cut, turned * cut[:, None], np.where(cut < 1, np.inf, gain))
