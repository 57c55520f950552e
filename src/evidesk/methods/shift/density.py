"""How much likelier a row is in the current sample than in the reference: the log-density ratio.

Ridge regressions of the labels on the families of features, each with its own penalty, are put
together by a logistic regression without negative weights: by Bayes' rule its log-odds, less those
of the samples' sizes, are the log-density ratio. What the logistic regression learns from are
leave-one-out scores, so that a family that has learnt its rows by heart gets no weight for it.

Sources: Bickel, Brückner and Scheffer, "Discriminative learning under covariate shift", JMLR 10
(2009) 2137-2155, for density ratios by classifiers; Breiman, "Stacked regressions", Machine
Learning 24 (1996) 49-64, for weights that are not negative.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from evidesk.methods.shift.families import Family, families_for
from evidesk.methods.shift.ridge import Spectrum
from evidesk.methods.shift.samples import Samples

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

#: Standard deviation of the slopes of the logistic regression, as if known beforehand. A score of
#: small differences has slope 4; those of samples that are apart are larger.
_SLOPES = 20.0


@dataclass(frozen=True)
class DensityRatio:
    """A rule that scores rows.

    Attributes
    ----------
    families : those that say something.
    weights, centres : of each family's ridge regression.
    slopes, intercept : of the logistic regression on the families' scores.
    limit : no log-density ratio is beyond it, for so few rows cannot tell.
    """

    families: tuple[Family, ...]
    weights: tuple[Singles, ...]
    centres: tuple[float, ...]
    slopes: Floats
    intercept: float
    limit: float

    @classmethod
    def learn(
        cls, samples: Samples, rows: Mask, labels: Mask, rng: np.random.Generator
    ) -> "DensityRatio":
        """Learn it from those rows of both samples.

        Parameters
        ----------
        rows : shape (n,); what is learnt from.
        labels : shape (n,); which rows count as current.
        """
        is_current = labels[rows]
        n, current = len(is_current), int(is_current.sum())
        centred = (is_current - current / n).astype(np.float32)
        families, weights, centres, scores = [], [], [], []
        for family in families_for(samples, rng):
            spectrum = Spectrum.of(family(samples.design[rows]))
            if spectrum is None:
                continue
            own, left_out = _leave_one_out(spectrum, centred)
            families.append(family)
            weights.append(own)
            centres.append(float(spectrum.mean @ own))
            scores.append(left_out)
        table = np.column_stack(scores) if scores else np.empty((n, 0))
        slopes, intercept = _logistic(table, is_current)
        prior = math.log(current / (n - current))
        return cls(
            tuple(families),
            tuple(weights),
            tuple(centres),
            slopes,
            intercept - prior,
            math.log(max(min(current, n - current), 2)),
        )

    def __call__(self, design: Floats) -> Floats:
        """Shape (n,): the log-density ratio of encoded rows; above 0 for likelier current ones."""
        found = np.full(len(design), self.intercept)
        for family, own, centre, slope in zip(
            self.families, self.weights, self.centres, self.slopes, strict=True
        ):
            if slope > 0:
                found += slope * (family(design) @ own - centre)
        return np.asarray(np.clip(found, -self.limit, self.limit))


def _leave_one_out(spectrum: Spectrum, labels: Singles) -> tuple[Singles, Floats]:
    """Weights of the raw features, and what each row's score would be without its own label."""
    along = spectrum.axes.T @ (spectrum.features.T @ labels)
    kept = spectrum.shrinkage()
    total = float(labels @ labels)
    fitted = (kept * (2 - kept)) @ (along.astype(np.float64) ** 2)
    free = 1 - np.minimum((kept.sum(axis=1) + 1) / spectrum.n, 0.999)
    shrunk = kept[int(np.argmax(1 - (1 - fitted / total) / free**2))]
    weights = np.asarray(spectrum.axes @ (shrunk * along) / spectrum.scale, dtype=np.float32)
    directions = spectrum.features @ spectrum.axes
    # The mean is not left out: its own leave-one-out error is the label itself, upside down.
    leverage = np.minimum(directions.astype(np.float64) ** 2 @ shrunk, 0.99)
    scores = directions.astype(np.float64) @ (shrunk * along)
    return weights, (scores - leverage * labels) / (1 - leverage)


def _logistic(scores: Floats, is_current: Mask) -> tuple[Floats, float]:
    """Slopes from 0 on and intercept of a logistic regression."""
    sign = np.where(is_current, 1.0, -1.0)
    share = is_current.mean()
    start = np.append(np.full(scores.shape[1], 1.0), special.logit(share))

    def loss(theta: Floats) -> tuple[float, Floats]:
        margin = sign * (scores @ theta[:-1] + theta[-1])
        slope = -sign * special.expit(-margin)
        gradient = np.append(slope @ scores + theta[:-1] / _SLOPES**2, slope.sum())
        penalty = float(theta[:-1] @ theta[:-1]) / (2 * _SLOPES**2)
        return float(np.logaddexp(0, -margin).sum()) + penalty, gradient

    bounds = [(0.0, None)] * scores.shape[1] + [(None, None)]
    found = optimize.minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B")
    return np.asarray(found.x[:-1], dtype=np.float64), float(found.x[-1])


def folds_of(
    group: npt.NDArray[np.intp], is_current: Mask, count: int, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Shape (n,): the fold of each row; whole units, dealt out over each sample alike.

    Raises
    ------
    ValueError : fewer units of a sample than folds.
    """
    size = np.bincount(group)
    current = np.bincount(group, weights=is_current)
    kinds = np.where(current == 0, 0, np.where(current == size, 1, 2))
    dealt = np.concatenate([rng.permutation(np.flatnonzero(kinds == kind)) for kind in range(3)])
    fold_of = np.empty(len(size), dtype=np.intp)
    fold_of[dealt] = np.arange(len(size)) % count
    folds = fold_of[group]
    for fold in range(count):
        rest = is_current[folds != fold]
        if rest.all() or not rest.any() or not (~is_current[folds == fold]).any():
            raise ValueError(
                f"Each of {count} folds needs rows (or groups) of both samples. Give more of them."
            )
    return folds
