"""Where does the scatter of scores come from: folds, seeds, or the chance of the cases?

Sources of the formulas
-----------------------
Searle, Casella and McCulloch, "Variance components" (1992), section 4.3, for the two-way layout;
Burdick and Graybill, "Confidence intervals on variance components" (1992), section 3.3, for their
intervals by modified large samples; Cochran, "The combination of estimates from different
experiments", Biometrics 10 (1954) 101-129, for the test of excess.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate, style
from evidesk.methods.metrics.clusters import t_critical_value
from evidesk.methods.metrics.folds import SelectedOn, check_selection, fold_members
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.scores import as_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class VarianceComponents:
    """Where the scatter of scores over folds and seeds comes from, as standard deviations.

    Attributes
    ----------
    mean : the mean score. Its interval is that of the folds: seeds are few and share them.
    fold : between folds. It holds the chance of which cases a fold tests, see ``cases``.
    seed : between seeds.
    rest : what neither explains: how seeds and folds interact.
    cases : the part of ``fold`` that chance alone gives, for a fold has only so many cases: a
        bare number; None where the cases are not known.
    excess_statistic, excess_p_value : is there more between folds than that? Cochran's chi-squared
        with ``folds - 1`` degrees of freedom; None where the cases are not known.
    """

    mean: Estimate
    fold: Estimate
    seed: Estimate
    rest: Estimate
    cases: float | None = None
    excess_statistic: float | None = None
    excess_p_value: float | None = None

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the standard deviations, with their intervals; returns the axes."""
        parts = {"folds": self.fold, "seeds": self.seed, "rest": self.rest}
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                ax = plt.subplots(figsize=(7.2, 2.2), layout="constrained")[1]
            for row, part in enumerate(parts.values()):
                ax.plot((part.low, part.high), (row, row), color="#0b6e6e")
                ax.plot(part.value, row, "o", color="#0b6e6e")
            if self.cases is not None:
                ax.axvline(self.cases, color="#d55e00", linestyle="--", linewidth=1)
                ax.annotate(
                    "chance of the fold's cases",
                    (self.cases, 1),
                    (4, -2),
                    xycoords=("data", "axes fraction"),
                    textcoords="offset points",
                    va="top",
                    color="#d55e00",
                    fontsize="small",
                )
            ax.set_yticks(range(len(parts)), list(parts))
            ax.set_ylim(len(parts) - 0.5, -0.5)
            ax.set_xlim(left=0)
            ax.grid(visible=False, axis="y")
            ax.set_xlabel(f"standard deviation{f' / {self.fold.unit}' if self.fold.unit else ''}")
        return ax

    def __str__(self) -> str:
        lines = [f"mean {self.mean}"]
        parts = {"folds": self.fold, "seeds": self.seed, "the rest": self.rest}
        lines += [f"  sd of {name}: {part.short}" for name, part in parts.items()]
        if self.excess_p_value is not None:
            lines.append(
                f"  by chance of the cases alone folds would have {self.cases:.3g}; more than that:"
                f" p = {self.excess_p_value:.2g}"
            )
        return "\n".join(lines)


def variance_components(
    scores: npt.ArrayLike,
    folds: npt.ArrayLike | None = None,
    *,
    level: float = 0.95,
    unit: str = "",
    checkpoint: str | None = None,
    selected_on: SelectedOn | None = None,
) -> VarianceComponents:
    """Folds, seeds, cases: where does the scatter come from?

    Each of the same seeds trains in each fold: a two-way layout. The components are those of the
    analysis of variance, 0 where they come out negative, with the intervals of modified large
    samples.

    Parameters
    ----------
    scores : array-like of shape (n_cases, seeds), the score of each case (such as right or wrong)
        by the model of each seed; then ``folds`` names the fold of each case. Or, without
        ``folds``, of shape (folds, seeds): the score of each fold.
    folds : array-like of shape (n_cases,), optional.
    level : confidence level in (0, 1).
    unit : the unit of the scores.
    checkpoint, selected_on : as in :func:`check_selection`.

    Raises
    ------
    ValueError : fewer than two folds or two seeds, NaN or infinity, or a parameter is none.
    SelectedOnTestError : see :func:`check_selection`.
    """
    check_selection(checkpoint=checkpoint, selected_on=selected_on)
    z = critical_value(level)
    table = as_scores(scores, "scores", ndim=2)
    by_fold, sizes = table, None
    if folds is not None:
        members = fold_members(folds, len(table))
        sizes = np.bincount(members)
        by_fold = np.stack([np.bincount(members, column) for column in table.T], axis=1)
        by_fold = by_fold / sizes[:, None]
    k, m = by_fold.shape
    if k < 2 or m < 2:
        raise ValueError(f"'scores' must hold at least two folds and two seeds, got {k} and {m}.")
    grand = float(by_fold.mean())
    fold_means, seed_means = by_fold.mean(axis=1), by_fold.mean(axis=0)
    rest = by_fold - fold_means[:, None] - seed_means + grand
    squares = {
        "fold": (m * float(((fold_means - grand) ** 2).sum()) / (k - 1), k - 1, m),
        "seed": (k * float(((seed_means - grand) ** 2).sum()) / (m - 1), m - 1, k),
    }
    left, degrees = float((rest**2).sum()) / ((k - 1) * (m - 1)), (k - 1) * (m - 1)
    tail = float(special.ndtr(-z))

    def sd(value: float, low: float, high: float, *, over: str, n: int) -> Estimate:
        value = math.sqrt(max(value, 0))
        return Estimate(
            value=value,
            low=min(math.sqrt(max(low, 0)), value),
            high=max(math.sqrt(max(high, 0)), value),
            level=float(level),
            method="variance components",
            n=n,
            unit=unit,
            over=over,
        )

    fold, seed = (
        sd(
            (square - left) / per,
            *_difference(square, own, left, degrees, tail, per),
            over=f"{own + 1} {name}s",
            n=own + 1,
        )
        for name, (square, own, per) in squares.items()
    )
    residual = sd(
        left,
        left * degrees / float(special.chdtri(degrees, tail)),
        left * degrees / float(special.chdtri(degrees, 1 - tail)),
        over=f"{k} folds and {m} seeds",
        n=k * m,
    )
    half_width = t_critical_value(z, k) * float(fold_means.std(ddof=1)) / math.sqrt(k)
    mean = Estimate(
        grand,
        grand - half_width,
        grand + half_width,
        float(level),
        "t",
        k * m if sizes is None else int(sizes.sum()),
        unit,
        over=f"{k} folds",
    )
    if sizes is None:
        return VarianceComponents(mean, fold, seed, residual)
    by_case = table.mean(axis=1)
    chance = float(by_case.var(ddof=1)) / sizes
    if chance.min() <= 0:
        return VarianceComponents(mean, fold, seed, residual)
    excess = float(((fold_means - grand) ** 2 / chance).sum())
    return VarianceComponents(
        mean,
        fold,
        seed,
        residual,
        cases=float(np.sqrt(chance.mean())),
        excess_statistic=excess,
        excess_p_value=float(special.chdtrc(k - 1, excess)),
    )


def _difference(
    first: float, own: int, second: float, other: int, tail: float, per: int
) -> tuple[float, float]:
    """Interval of the component ``(first - second) / per`` of two expected mean squares."""

    def factors(degrees: int) -> tuple[float, float]:
        lower = 1 - degrees / special.chdtri(degrees, tail)
        upper = degrees / special.chdtri(degrees, 1 - tail) - 1
        return float(lower), float(upper)

    (g1, h1), (g2, h2) = factors(own), factors(other)
    gap = first - second
    return (
        (gap - math.hypot(g1 * first, h2 * second)) / per,
        (gap + math.hypot(h1 * first, g2 * second)) / per,
    )
