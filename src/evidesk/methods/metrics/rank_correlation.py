"""Spearman's rank correlation: do predictions rank the cases as the truth does?

It is Pearson's correlation of the ranks, and hence a function of the distributions of both values
under the cases' weights, which are cumulative sums once the cases are sorted.

Sources of the formulas
-----------------------
Croux and Dehon, "Influence functions of the Spearman and Kendall correlation measures", Statistical
Methods & Applications 19 (2010) 497-515, here with ties. For small samples: Bonett and Wright,
"Sample size requirements for estimating Pearson, Kendall and Spearman correlations", Psychometrika
65 (2000) 23-28, whose variance of Fisher's z is ``(1 + rho**2 / 2) / (n - 3)``.
"""

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.evaluation import Evaluation
from evidesk.methods.metrics.scores import Sample

Floats = npt.NDArray[np.float64]

#: Below so many cases or groups the interval may be too short.
FEWEST_RANKS = 10
#: Ranks rarely vary less than this part of Bonett and Wright's variance, few cases that say so do.
_LEAST_OF_BONETT_WRIGHT = 0.8**2


class _Ranked:
    """Numbers sorted once, so that their distribution under any weights is a cumulative sum."""

    def __init__(self, values: Floats) -> None:
        self.order = np.argsort(values, kind="stable")
        ordered = values[self.order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        sizes = np.diff(starts, append=len(values))
        self.ties = len(starts) < len(values)
        self.first = np.repeat(starts, sizes)
        self.end = np.repeat(starts + sizes, sizes)
        self.rank = np.empty_like(self.order)
        self.rank[self.order] = np.arange(len(values))

    def below(self, weight: Floats) -> Floats:
        """Weight of the cases with a lower value, those with the same counting half.

        From and to shape (..., cases).
        """
        sums = np.zeros((*weight.shape[:-1], weight.shape[-1] + 1))
        np.cumsum(weight[..., self.order], axis=-1, out=sums[..., 1:])
        if self.ties:
            halved = (sums[..., self.first] + sums[..., self.end]) / 2
        else:
            halved = (sums[..., :-1] + sums[..., 1:]) / 2
        return np.asarray(halved[..., self.rank])

    def above(self, weight: Floats) -> Floats:
        """The same of the cases with a higher value."""
        return np.asarray(weight.sum(axis=-1, keepdims=True) - self.below(weight))


def spearman_evaluation(
    names: tuple[str, ...], truth: Floats, table: Floats, sample: Sample
) -> Evaluation:
    """Pearson's correlation of the ranks; ties share the mean of theirs."""
    for name, values in (("y_true", truth), *zip(names, table, strict=True)):
        if np.all(values == values[0]):
            raise ValueError(
                f"Spearman's correlation is not defined: '{name}' is constant and ranks nothing."
            )
    weight = np.ones(len(truth)) if sample.weight is None else sample.weight
    share = weight / weight.sum()
    of_truth = _Ranked(truth)
    of_models = [_Ranked(values) for values in table]
    f = of_truth.below(share)
    f_slope = 2 * (f - 0.5) ** 2 + 4 * of_truth.above(share * (f - 0.5))
    values, contributions = np.empty(len(names)), np.empty_like(table)
    for i, ranked in enumerate(of_models):
        g = ranked.below(share)
        a, b = f - 0.5, g - 0.5
        covariance, f_variance, g_variance = share @ (a * b), share @ a**2, share @ b**2
        # One more case at (x, y) adds its own product, and lifts the ranks of all above x, or y.
        slope = a * b + of_truth.above(share * b) + ranked.above(share * a)
        g_slope = 2 * b**2 + 4 * ranked.above(share * b)
        scale = np.sqrt(f_variance * g_variance)
        value = covariance / scale
        influence = slope / scale - value * (f_slope / f_variance + g_slope / g_variance) / 4
        contributions[i] = share * (influence - share @ influence)
        values[i] = min(max(value, -1.0), 1.0)

    def replicate(weights: Floats) -> Floats:
        drawn = sample.drawn(weights, slice(None))
        drawn = drawn / drawn.sum(axis=1, keepdims=True)
        a = of_truth.below(drawn) - 0.5
        columns = []
        for ranked in of_models:
            b = ranked.below(drawn) - 0.5
            covariance, left, right = (
                np.einsum("ij,ij,ij->i", drawn, p, q) for p, q in ((a, b), (a, a), (b, b))
            )
            scale = np.sqrt(left * right)
            known = scale > 1e-12
            ratio = covariance / np.where(known, scale, 1)
            columns.append(np.where(known, np.clip(ratio, -1, 1), np.nan))
        return np.stack(columns, axis=1)

    n = sample.cells.effective
    normal = (1 - values**2) ** 2 * (1 + values**2 / 2) / max(n - 3, 1)
    variance = sample.units.variance(sample.sums(contributions))
    known = np.full(len(values), sample.units.effective)
    return Evaluation(
        metric="Spearman's correlation",
        names=names,
        values=values,
        contributions=sample.sums(contributions),
        units=sample.units,
        scale="correlation",
        most=known,
        replicate=replicate,
        delta="clt",
        independent=None if sample.members is None else sample.cells.variance(contributions),
        unseen=np.maximum(_LEAST_OF_BONETT_WRIGHT * normal - variance, 0),
        effective=known,
    )
