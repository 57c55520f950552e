"""How much likelier each row is among new inputs than in the calibration.

Sources: Tibshirani, Barber, Candès and Ramdas, "Conformal prediction under covariate shift",
NeurIPS 32 (2019), section 2.3, for density ratios by a classifier; Kong, "A note on importance
sampling using standardized weights" (1992), for the effective sample size.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.methods.shift.density import DensityRatio, folds_of
from evidesk.methods.shift.samples import Samples
from evidesk.methods.shift.weighting import FEWEST_EFFECTIVE
from evidesk.methods.surrogates.conformal_calibration import Calibration
from evidesk.methods.surrogates.conformal_quantiles import effective_size, fewest_units

Floats = npt.NDArray[np.float64]

_FOLDS = 5


@dataclass(frozen=True)
class ShiftWeights:
    """Weights of calibration rows, and the rules that give new rows theirs.

    Attributes
    ----------
    samples : how columns become numbers.
    rules : log-density ratios, each learnt without a fold.
    weights : shape (n_calibration,); by the rule that does not know the row.
    effective : how many rows of equal weight the calibration is worth.
    """

    samples: Samples
    rules: tuple[DensityRatio, ...]
    weights: Floats
    effective: float

    @classmethod
    def learn(cls, calibration: Any, new: Any, rng: np.random.Generator) -> "ShiftWeights":
        """From both samples' inputs alone.

        Raises
        ------
        ValueError, TypeError : as :func:`~evidesk.methods.shift.two_sample_test`.
        """
        samples = Samples.of(calibration, new)
        m = samples.sizes[0]
        folds = folds_of(np.arange(samples.n), samples.is_current, _FOLDS, rng)
        rules, log_ratio = [], np.empty(m)
        for fold in range(_FOLDS):
            held = folds == fold
            rule = DensityRatio.learn(samples, ~held, samples.is_current, rng)
            log_ratio[held[:m]] = rule(samples.design[:m][held[:m]])
            rules.append(rule)
        weights = np.exp(log_ratio)
        return cls(samples, tuple(rules), weights, effective_size(weights))

    def of(self, X: Any) -> Floats:
        """Shape (n,): the weights of new rows, the geometric mean over the rules."""
        design = self.samples.encode(X)
        return np.asarray(np.exp(np.mean([rule(design) for rule in self.rules], axis=0)))

    def quantiles(self, calibration: Calibration, X: Any, level: float) -> tuple[Floats, str]:
        """Shape (n, outputs): the weighted quantile of each new row; NaN where refused, and why."""
        weights = self.of(X)
        if lacking := self.lacking(level):
            return np.full((len(weights), calibration.scores.shape[1]), np.nan), lacking
        found = calibration.quantile(level, self.weights, weights)
        beyond = np.isinf(found)
        found[beyond] = np.nan
        if not beyond.any():
            return found, ""
        return found, (
            "the calibration has next to no rows like these, so that their intervals would be "
            "infinite; label some of them, and calibrate on them"
        )

    def lacking(self, level: float) -> str:
        """Why the weighted calibration tells too little; empty if it tells enough."""
        needed = max(FEWEST_EFFECTIVE, fewest_units(level))
        if self.effective >= needed:
            return ""
        return (
            f"the new rows are so unlike the calibration that its {len(self.weights):,} rows are "
            f"worth only {self.effective:.0f} of equal weight, and {needed} are needed; label some "
            "of the new rows, and calibrate on them"
        )
