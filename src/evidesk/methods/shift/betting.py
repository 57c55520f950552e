"""Bets on which row is the current one, and a purse that many of them share.

A current row is put into a bag with reference rows that nobody has looked at yet. If there is no
shift, each row of the bag is equally likely to be the current one, so that a bet which pays its
probability for the current row, times the size of the bag, gains nothing on average: a stake that
grows large is evidence of a shift, whenever one looks. Whatever a bet learns from earlier bags, and
whatever the rule that it bets by, this stays so; what it learns well makes the stake grow faster.

Sources: Podkopaev and Ramdas, "Sequential predictive two-sample and independence testing", NeurIPS
36 (2023), for betting with a classifier on pairs, of which a bag is a matched set with many
controls; Ville, "Etude critique de la notion de collectif" (1939), for the chance that the stake
ever exceeds a bound; Herbster and Warmuth, "Tracking the best expert", Machine Learning 32 (1998)
151-178, for shares that find back into play; MacKay, "The evidence framework applied to
classification networks", Neural Computation 4 (1992) 720-736, for bets that are the bolder the more
is known.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evidesk.methods.shift.families import Family

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

#: How large a shift a bet expects: what the variances of the log-density ratio's terms sum to.
STRENGTHS: tuple[float, ...] = (0.1, 0.5)
#: Of how many current rows a bet remembers: all of them, or about the last so many.
MEMORIES: tuple[float, ...] = (np.inf, 200.0)
#: The share of the purse that is not staked at first.
_KEPT = 0.2
#: Of the purse, what is dealt out anew after the first block, half as much after the second, ...
_DEALT = 0.1


@dataclass(frozen=True)
class Coordinates:
    """A family's features of rows, in directions that do not vary together in rows known before.

    Attributes
    ----------
    columns : which columns of the design the family looks at.
    mean, scale : shape (q,), of the known rows' features.
    variances, axes : shapes (q,) and (q, q), of the standardised features.
    known : how many rows these come from.
    """

    family: Family
    columns: npt.NDArray[np.intp]
    mean: Floats
    scale: Floats
    variances: Floats
    axes: Floats
    known: int

    @classmethod
    def of(cls, family: Family, columns: npt.NDArray[np.intp], rows: Floats) -> "Coordinates":
        features = family(rows[:, columns]).astype(np.float64)
        mean = features.mean(axis=0)
        # What never varied here may do so later: it is taken to be rarer than one row in n.
        scale = np.maximum(features.std(axis=0), 1 / np.sqrt(len(rows)))
        standard = (features - mean) / scale
        variances, axes = np.linalg.eigh(standard.T @ standard / len(rows))
        return cls(family, columns, mean, scale, np.maximum(variances, 0.0), axes, len(rows))

    def features(self, rows: Floats) -> Floats:
        """Standardised, shape (n, q)."""
        found = self.family(rows[:, self.columns]).astype(np.float64)
        return np.asarray((found - self.mean) / self.scale)


class Learner:
    """Bets of one family: a linear log-density ratio, learnt from the mean features of current and
    of reference rows.

    With weights ``w ~ N(0, strength / q)`` and means known as well as so many rows tell, the
    posterior of ``w`` is normal in each direction (linear discriminant analysis as ridge
    regression). The bet is a softmax of ``w @ features``, damped by how little is known of ``w``.

    Attributes
    ----------
    current : shape (memories, q); sums of the current rows' features, older ones fading.
    weight : shape (memories,); of how many rows.
    reference : shape (q,), and ``controls`` the number of rows: those of the bags.
    """

    def __init__(self, coordinates: Coordinates) -> None:
        self.coordinates = coordinates
        q = len(coordinates.mean)
        self.current: Floats = np.zeros((len(MEMORIES), q))
        self.weight: Floats = np.zeros(len(MEMORIES))
        self.reference: Floats = np.zeros(q)
        self.controls = 0

    def log_payoffs(self, bags: Floats, *, learn: bool) -> Floats:
        """What each bet on each of a block's bags multiplies its stake by, as a logarithm.

        Every bag is bet on by what the bags before it have taught.

        Parameters
        ----------
        bags : shape (block, 1 + controls, width); the first row of each is the current one.
        learn : whether the block is whole, and to be remembered.

        Returns
        -------
        Shape (strengths * memories, block).
        """
        block, size, width = bags.shape
        axes, variances = self.coordinates.axes, self.coordinates.variances
        features = self.coordinates.features(bags.reshape(-1, width))
        along = (features @ axes).reshape(block, size, -1)
        features = features.reshape(block, size, -1)
        q = features.shape[2]
        seen = (self.current @ axes)[:, None] + _sum_before(along[:, 0])
        rows = (self.weight[:, None] + np.arange(block))[:, :, None]
        others = self.reference @ axes + _sum_before(along[:, 1:].sum(axis=1))
        known = self.coordinates.known + self.controls + (size - 1) * np.arange(block)[:, None]
        # Without a row yet there is nothing to expect: the prior alone, around no shift.
        apart = np.where(rows > 0, seen / np.maximum(rows, 1e-9) - others / known, 0.0)
        error = 1 / np.maximum(rows, 1e-9) + 1 / known
        prior = np.array(STRENGTHS)[:, None, None, None] / q
        # Shape (strengths, memories, block, q).
        shrunk = prior / (prior * variances + error)
        score = np.einsum("bkq,smbq->smbk", along, shrunk * apart)
        spread = ((along - along.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        # The mean variance of the difference of two rows' scores; logistic by probit.
        unknown = 2 / (size - 1) * np.einsum("bq,smbq->smb", spread, shrunk * error)
        score /= np.sqrt(1 + np.pi / 8 * unknown)[..., None]
        if learn:
            self._learn(features)
        score -= score.max(axis=-1, keepdims=True)
        found = np.log(size) + score[..., 0] - np.log(np.exp(score).sum(axis=-1))
        return np.asarray(found.reshape(-1, block))

    def _learn(self, features: Floats) -> None:
        block, size, _ = features.shape
        fading = np.exp(-block / np.array(MEMORIES))
        self.current = (self.current + features[:, 0].sum(axis=0)) * fading[:, None]
        self.weight = (self.weight + block) * fading
        self.reference = self.reference + features[:, 1:].sum(axis=(0, 1))
        self.controls += block * (size - 1)


def _sum_before(rows: Floats) -> Floats:
    """Sum of the rows above each, without itself."""
    found = np.zeros_like(rows)
    np.cumsum(rows[:-1], axis=0, out=found[1:])
    return found


class Purse:
    """One unit of money, of which each bet has a share and some is kept.

    Attributes
    ----------
    shares : shape (1 + bets,), logarithms; the first is kept. They sum to 1.
    log_wealth : of the purse, at the end of the last whole block.
    blocks : how many there were.
    """

    def __init__(self, bets: int) -> None:
        self._first = np.log(np.r_[_KEPT, np.full(bets, (1 - _KEPT) / bets)])
        self.shares: Floats = self._first
        self.log_wealth = 0.0
        self.blocks = 0

    def path(self, log_payoffs: Floats) -> Floats:
        """Logarithm of the wealth after each bag, shape (block,), of payoffs (bets, block)."""
        stakes = self.shares[1:, None] + np.cumsum(log_payoffs, axis=1)
        return np.asarray(
            self.log_wealth + np.logaddexp(self.shares[0], np.logaddexp.reduce(stakes))
        )

    def settle(self, log_payoffs: Floats) -> None:
        """End a whole block; a part of the wealth is dealt out as at first, so that a bet which has
        lost all comes back when the stream changes.
        """
        stakes = self.shares + np.r_[0.0, np.cumsum(log_payoffs, axis=1)[:, -1]]
        total = float(np.logaddexp.reduce(stakes))
        self.blocks += 1
        dealt = _DEALT / self.blocks
        self.shares = np.logaddexp(np.log1p(-dealt) + stakes - total, np.log(dealt) + self._first)
        self.log_wealth += total
