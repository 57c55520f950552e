"""Does the spread say which predictions to leave out? The area under the sparsification error.

Predictions are left out in order of their spread, the most uncertain first, and the mean absolute
error of the rest is compared with that if the largest errors were left out first. Source: Ilg et
al., "Uncertainty estimates and multi-hypotheses networks for optical flow", ECCV 2018, section 4.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.evidence.plot import ACCENT, style
from evidesk.methods.metrics.evaluation import Evaluation
from evidesk.methods.metrics.scores import Sample
from evidesk.methods.surrogates.score_inputs import as_std, as_values, by_row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sparsification:
    """Mean absolute errors of what is left, as a part of that of all rows.

    Attributes
    ----------
    left_out : shape (n,); the share of rows left out, from 0 on.
    by_spread, by_error : shape (n,); leaving out the largest spreads, and the largest errors.
    area : between the two, over the shares: 0 if spreads order rows as errors do. Leaving rows out
        at random has the same area as `at_random` has.
    at_random : the area if spreads said nothing.
    """

    left_out: Floats = field(repr=False)
    by_spread: Floats = field(repr=False)
    by_error: Floats = field(repr=False)
    area: Estimate
    at_random: float

    def __str__(self) -> str:
        return (
            f"Sparsification error (AUSE): {self.area}\n"
            f"  0 if spreads order the rows as errors do, {self.at_random:.3g} if they say nothing"
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Both curves, and the area between them."""
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                ax = plt.subplots(figsize=(5.6, 3.8), layout="constrained")[1]
            percent = 100 * self.left_out
            ax.fill_between(percent, self.by_error, self.by_spread, color=ACCENT, alpha=0.15)
            ax.plot(percent, self.by_spread, color=ACCENT, label="largest spreads left out")
            ax.plot(
                percent,
                self.by_error,
                color="#374151",
                linestyle="--",
                label="largest errors left out",
            )
            ax.axhline(1, color="#9ca3af", linewidth=1.0, linestyle=":")
            ax.set(
                xlabel="predictions left out (%)",
                ylabel="mean absolute error, of all = 1",
                xlim=(0, 100),
                ylim=(0, None),
            )
            ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize="small")
            ax.annotate(f"AUSE {self.area.short}", (4, 0.04), xycoords=("data", "axes fraction"))
        return ax


def sparsification(
    y: npt.ArrayLike,
    mean: npt.ArrayLike,
    std: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    confidence: float = 0.95,
) -> Sparsification:
    """Sparsification curves and the area between them.

    Parameters
    ----------
    y, mean, std : shape (n,) or (n, outputs); of several outputs, errors and spreads are averaged.
    groups : shape (n,), optional; what makes rows belong together.
    confidence : level of the area's interval, which is symmetric in the logarithm.

    Raises
    ------
    ValueError : shapes differ, fewer than two rows or groups, NaN or infinity, ``std`` not above 0,
        or no prediction is off.
    TypeError : not numbers.
    """
    truth = as_values(y, "y")
    centre, spread = as_values(mean, "mean", truth.shape), by_row(as_std(std, truth.shape))
    errors = by_row(np.abs(truth - centre))
    if not errors.any():
        raise ValueError("All predictions are exact: there is nothing to leave out.")
    evaluation = evaluation_of(errors, spread, groups)
    by_spread, by_error = (
        _Curve(errors, order).rest() / errors.mean() for order in (spread, errors)
    )
    return Sparsification(
        np.arange(len(errors)) / len(errors),
        by_spread,
        by_error,
        evaluation.estimates(level=confidence)["std"],
        float(1 - by_error.mean()),
    )


def evaluation_of(errors: Floats, spread: Floats, groups: npt.ArrayLike | None) -> Evaluation:
    """The area for absolute errors and spreads of shape (n,), with its linearised error."""
    n, total = len(errors), float(errors.mean())
    sample = Sample.of_cases(n, groups)
    curves = _Curve(errors, spread), _Curve(errors, errors)
    areas, slopes = zip(*(curve.area(np.full(n, 1 / n)) for curve in curves), strict=True)
    value = max((areas[0] - areas[1]) / total, 0.0)
    influence = (slopes[0] - slopes[1] - value * (errors - total)) / total / n

    def replicate(weights: Floats) -> Floats:
        drawn = sample.drawn(weights, slice(None))
        shares = drawn / drawn.sum(axis=1, keepdims=True)
        by = [np.array([curve.area(row)[0] for row in shares]) for curve in curves]
        return np.asarray((by[0] - by[1]) / (shares @ errors))[:, None]

    return Evaluation(
        metric="AUSE",
        names=("std",),
        values=np.array([value]),
        contributions=sample.sums(influence[None]),
        units=sample.units,
        scale="positive",
        most=np.array([sample.units.effective]),
        replicate=replicate,
        greater_is_better=False,
        delta="clt",
    )


class _Curve:
    """The mean error of the rows with the smallest of some order."""

    def __init__(self, errors: Floats, order: Floats) -> None:
        self.order = np.argsort(order, kind="stable")
        self.errors = errors[self.order]

    def area(self, shares: Floats) -> tuple[float, Floats]:
        """Under the curve, for rows of such shares; and n times what each adds to its error."""
        share = shares[self.order]
        below = np.cumsum(share)
        kept = np.cumsum(share * self.errors) / np.where(below > 0, below, 1)
        area = float(share @ kept)
        # One more row adds its own point to the curve, and moves all points that keep it.
        steps = np.divide(share, below, out=np.zeros_like(share), where=below > 0)
        first = np.cumsum(steps[::-1])[::-1]
        second = np.cumsum((steps * kept)[::-1])[::-1]
        slopes = np.empty_like(share)
        slopes[self.order] = kept - area + self.errors * first - second
        return area, slopes - float(shares @ slopes)

    def rest(self) -> Floats:
        """Shape (n,): the mean error without the first 0, 1, ... rows."""
        means = np.cumsum(self.errors) / np.arange(1, len(self.errors) + 1)
        return np.asarray(means[::-1])
