"""The independent pieces of a sample, and what statistics of it owe to them.

To first order every metric here is a sum over independent units: ``metric(sample) - truth`` is
about the sum of the units' *contributions* (the empirical influence function over n, summed over
the cases of a unit). One formula for the covariance of such sums then serves independent and
grouped cases, one model and many, an estimate and a paired difference. Sources: Huber, "Robust
statistics" (1981), section 6.2, for the linearisation; :mod:`evidesk.methods.metrics.clusters` for
the correction of small samples.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.methods.metrics.clusters import effective_groups, t_critical_value
from evidesk.methods.metrics.labels import as_labels
from evidesk.methods.metrics.proportion import critical_value

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Units:
    """Independent units of a sample: single cases, or groups of cases that belong together.

    Attributes
    ----------
    sizes : array of shape (units,); how many cases each unit holds (or their weight).
    repeat : array of shape (units,); how many units there are that are just like this one, so that
        a million cases with four different answers are four units.
    grouped : whether the units are groups.
    """

    sizes: Floats
    repeat: Floats
    grouped: bool = False

    @classmethod
    def of_cases(cls, repeat: npt.ArrayLike) -> "Units":
        """Independent cases; ``repeat`` says how many there are of each kind."""
        counts = np.asarray(repeat, dtype=np.float64)
        return cls(np.broadcast_to(1.0, counts.shape), counts)

    @classmethod
    def of_groups(cls, sizes: npt.ArrayLike) -> "Units":
        """Groups of the given numbers of cases.

        Raises
        ------
        ValueError : fewer than two groups.
        """
        cases = np.asarray(sizes, dtype=np.float64)
        if len(cases) < 2:
            raise ValueError(
                "The 'groups' parameter must name at least two groups: one group alone cannot "
                "tell how much groups differ."
            )
        return cls(cases, np.ones_like(cases), grouped=True)

    @cached_property
    def n(self) -> int:
        """Number of cases."""
        return round(float(self.sizes @ self.repeat))

    @cached_property
    def count(self) -> int:
        """Number of units."""
        return round(float(np.add.reduce(self.repeat)))

    @property
    def over(self) -> str:
        """What is random, in the words of :class:`~evidesk.evidence.Estimate`."""
        return f"{self.count} groups" if self.grouped else "cases"

    @cached_property
    def effective(self) -> float:
        """Number of units of equal size that would say as much."""
        return effective_groups(self.sizes, self.repeat)

    def critical_value(self, level: float, *, student: bool = False) -> float:
        """Quantile of a studentised error: normal for cases, Student's t for groups.

        Few units tell their own variance badly, hence t with as many degrees of freedom as there
        are effective units, less one. ``student`` asks for it with cases too: a mean of measured
        values needs it, while a share's variance comes from the share itself.
        """
        z = critical_value(level)
        return t_critical_value(z, self.effective) if self.grouped or student else z

    def tail_probability(self, statistic: Floats, *, student: bool = False) -> Floats:
        """Two-sided p-value of a studentised ``statistic``; the inverse of `critical_value`."""
        below = -np.abs(statistic)
        by_t = self.grouped or student
        one_sided = special.stdtr(self.effective - 1, below) if by_t else special.ndtr(below)
        tails: Floats = 2 * np.asarray(one_sided)
        return tails

    def covariance(self, contributions: Floats) -> Floats:
        """Covariance of statistics, from what each unit contributes to their errors.

        Parameters
        ----------
        contributions : array of shape (statistics, units), whose ``repeat``-weighted sum over
            units is 0 in each row.

        Returns
        -------
        Array of shape (statistics, statistics).
        """
        corrected = contributions * np.sqrt(self._corrected_repeat)
        return np.asarray(corrected @ corrected.T)

    def variance(self, contributions: Floats) -> Floats:
        """Only the diagonal of :meth:`covariance`, without the rest."""
        return np.asarray(contributions**2 @ self._corrected_repeat)

    @cached_property
    def _corrected_repeat(self) -> Floats:
        # Bell and McCaffrey: a unit pulls the statistic towards itself by its share of the sample.
        # Where all units are of one size, one number says what a million would.
        sizes = self.sizes[:1] if self.sizes.strides == (0,) else self.sizes
        return self.repeat / (1 - sizes / (self.sizes @ self.repeat))


def degrees_of_freedom(squares: Floats, fourths: Floats, units: Units) -> Floats:
    """How well the variance of each statistic is known: degrees of freedom for Student's t.

    Those of the chi-square distribution that varies as much as the estimated variance does, 2 n /
    (kurtosis - 1) (Satterthwaite): few where a few units make most of the variance, such as the few
    cases in which one model alone is right, or the few positive cases of an AUROC.

    Parameters
    ----------
    squares, fourths : sums of the contributions' second and fourth powers over the units.
    """
    pieces = np.divide(squares**2, fourths, out=np.zeros_like(squares), where=fourths > 0)
    inverse = (1 / np.maximum(pieces, 0.5) - 1 / units.count) / 2
    return 1 / np.maximum(inverse, 1 / max(units.effective - 1, 1))


def even_moments(errors: Floats, repeat: Floats) -> tuple[Floats, Floats]:
    """Sums of the second and fourth powers over the units, shape (..., units)."""
    squared = errors * errors  # NumPy's powers are slow above the second
    return squared @ repeat, squared * squared @ repeat


def effective_units(errors: Floats, units: Units) -> Floats:
    """How many units of equal weight tell as much of the variance of ``errors``.

    ``errors`` has shape (..., units). Without any error the sizes of the units are all there is.
    """
    squares, fourths = even_moments(errors, units.repeat)
    degrees = degrees_of_freedom(squares, fourths, units)
    return np.asarray(
        np.where(squares > 0, np.minimum(degrees + 1, units.effective), units.effective)
    )


def weighted_units(contributions: Floats, units: Units) -> Floats:
    """How many units of equal weight tell as much of what unequal weights add to a variance.

    ``contributions`` has shape (..., units): errors times the weights, which are the units' sizes.
    The variance of right and wrong answers follows from their share. That of the contributions is
    only known from the cases that happen to have large weights: with the degrees of freedom that
    it has fewer than that of the errors alone. Equal weights take none away.
    """
    pieces = []
    for parts in (contributions, contributions / units.sizes):
        squares, fourths = even_moments(parts, units.repeat)
        pieces.append(np.divide(squares**2, fourths, out=np.ones_like(squares), where=fourths > 0))
    lost = (1 / np.maximum(pieces[0], 0.5) - 1 / np.maximum(pieces[1], 0.5)) / 2
    return np.asarray(1 + 1 / np.maximum(lost, 1e-12))


def members_of(groups: npt.ArrayLike, n: int) -> npt.NDArray[np.intp]:
    """The number of each case's group, from 0 on.

    Raises
    ------
    ValueError : ``groups`` has another length than ``n`` cases, or missing names.
    TypeError : ``groups`` mixes kinds of names.
    """
    names = as_labels(groups, "groups")
    if len(names) != n:
        raise ValueError(
            f"The 'groups' parameter must name a group for each of {n} cases, got {len(names)}."
        )
    return np.unique(names, return_inverse=True)[1]
