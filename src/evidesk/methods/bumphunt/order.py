"""How many parameters the background needs: by likelihood ratio, not by goodness of fit.

A fit can be good overall and still lie so far off in one place that a bump seems to stand there.
The likelihood ratio of one order and the next sees such a smooth misfit with all its strength
(Wilks, Annals of Mathematical Statistics 9 (1938) 60-62, for its chi-squared distribution).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.methods.bumphunt.background import Background, Bins, NoFitError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

#: Orders whose next parameter is that significant in the data are not tried on toys.
_PLAIN = 1e-8


@dataclass(frozen=True)
class OrderStep:
    """From one order to the next.

    Attributes
    ----------
    order : the number of parameters to start from.
    gain : 2 ln L that the next parameter adds.
    p_value : of "this parameter is 0", by chi-squared with one degree of freedom.
    taken : whether the step was taken.
    """

    order: int
    gain: float
    p_value: float
    taken: bool


def least_gain(alpha: float) -> float:
    """2 ln L that a parameter must add to be taken: the chi-squared quantile."""
    return float(special.chdtri(1, alpha))


def choose(log_likelihoods: Floats, alpha: float) -> Ints:
    """The first order, counted from 0, after which no parameter is significant.

    Parameters
    ----------
    log_likelihoods : shape (orders, T), from simple to flexible.
    alpha : significance level of each step.

    Returns
    -------
    Shape (T,).
    """
    enough = 2 * np.diff(log_likelihoods, axis=0) >= least_gain(alpha)
    stops = np.concatenate([~enough, np.ones((1, log_likelihoods.shape[1]), dtype=bool)])
    return np.asarray(np.argmax(stops, axis=0))


def steps_of(orders: Sequence[int], log_likelihoods: Floats, alpha: float) -> list[OrderStep]:
    """Each step that was asked about, for one spectrum, shape (orders,)."""
    chosen = int(choose(log_likelihoods[:, None], alpha)[0])
    gains = np.maximum(2 * np.diff(log_likelihoods), 0)
    return [
        OrderStep(order, float(gain), float(special.chdtrc(1, gain)), index < chosen)
        for index, (order, gain) in enumerate(zip(orders, gains[: chosen + 1], strict=False))
    ]


@dataclass(frozen=True)
class Choice:
    """The chosen fits of T spectra: shapes (T,), (T, bins)."""

    index: Ints
    expected: Floats


@dataclass(frozen=True)
class Ladder:
    """Fits of one spectrum by a family's orders, and the choice among them.

    Attributes
    ----------
    backgrounds : from simple to flexible.
    steps : those that were asked about.
    chosen : index of the chosen order.
    alpha : significance level of each step; None if the order was given.
    """

    backgrounds: tuple[Background, ...]
    steps: tuple[OrderStep, ...]
    chosen: int
    alpha: float | None

    @classmethod
    def of(cls, bins: Bins, order: int | None, alpha: float) -> "Ladder":
        """The fit of a given order, or of the one that likelihood ratios choose.

        Raises
        ------
        NoFitError : the simplest order, or the given one, cannot be fitted.
        """
        if order is not None:
            return cls((bins.fit(order),), (), 0, None)
        family, counts = bins.family, bins.spectrum.counts[bins.used]
        found = [bins.fit(family.smallest)]
        # An order takes part if bins are left over that could say that it is wrong.
        with suppress(NoFitError):
            while found[-1].order < min(family.largest, bins.filled - 2):
                found.append(bins.fit(found[-1].order + 1))
        expected = [one.expected[bins.used] for one in found]
        values = np.array([(counts * np.log(mu) - mu).sum() for mu in expected])
        steps = steps_of([one.order for one in found], values, alpha)
        chosen = sum(step.taken for step in steps)
        return cls(tuple(found), tuple(steps), chosen, alpha)

    @property
    def best(self) -> Background:
        """The fit of the chosen order."""
        return self.backgrounds[self.chosen]

    def choose(self, counts: Floats) -> Choice:
        """Fit other spectra, near this one, and choose their orders anew; shape (T, bins)."""
        if self.alpha is None:
            fits = self.best.on_used.fit(counts)
            return Choice(np.zeros(len(counts), dtype=np.intp), fits.expected)
        first = next(
            (i for i, step in enumerate(self.steps) if not step.taken or step.p_value > _PLAIN),
            self.chosen,
        )
        enough = least_gain(self.alpha)
        fits = self.backgrounds[first].on_used.fit(counts)
        index = np.full(len(counts), first, dtype=np.intp)
        expected, reached = fits.expected, fits.log_likelihood
        climbing = np.arange(len(counts))
        for above in range(first + 1, len(self.backgrounds)):
            fits = self.backgrounds[above].on_used.fit(counts[climbing])
            higher = 2 * (fits.log_likelihood - reached[climbing]) >= enough
            climbing = climbing[higher]
            if not climbing.size:
                break
            index[climbing] = above
            expected[climbing] = fits.expected[higher]
            reached[climbing] = fits.log_likelihood[higher]
        return Choice(index, expected)

    @property
    def cautious(self) -> Background:
        """The fit with one parameter more than were chosen; that of a given order.

        One that the data need but that did not show biases what is told from the chosen fit.
        """
        return self.backgrounds[min(self.chosen + 1, len(self.backgrounds) - 1)]
