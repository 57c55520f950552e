"""How good is the model on a current sample without labels, if only the inputs have shifted?

Reference rows whose outcomes are known are weighted by how much likelier they are in the current
sample. What a regression of the outcomes on the inputs predicts for the current rows is taken
first, and the weighted mean corrects what it missed: so errors of the weights and errors of the
regression only count where both go together.

Sources: Shimodaira, "Improving predictive inference under covariate shift by weighting the
log-likelihood function", Journal of Statistical Planning and Inference 90 (2000) 227-244, for
weights; Robins, Rotnitzky and Zhao, "Estimation of regression coefficients when some regressors are
not always observed", JASA 89 (1994) 846-866, for the correction; Chernozhukov et al.,
"Double/debiased machine learning for treatment and structural parameters", Econometrics Journal 21
(2018) C1-C68, for its error with weights and regressions that are learnt on other folds; Kong, "A
note on importance sampling using standardized weights" (1992), for the effective sample size.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.metrics.accuracy import accuracy
from evidesk.methods.metrics.clusters import t_critical_value
from evidesk.methods.metrics.means import evaluate_means
from evidesk.methods.metrics.proportion import critical_value, interval
from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.metrics.scores import as_scores
from evidesk.methods.shift.density import DensityRatio, folds_of
from evidesk.methods.shift.families import families_for
from evidesk.methods.shift.order import order_warning
from evidesk.methods.shift.ridge import Spectrum
from evidesk.methods.shift.samples import Samples
from evidesk.methods.shift.two_sample import arranged

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

#: Fewer effective rows tell nothing.
FEWEST_EFFECTIVE = 30
#: The largest share of current rows that may lie where the reference has none.
MOST_OUTSIDE = 0.1
_FOLDS = 5
_REMEDY = "give 'groups', in a series the numbers of long blocks"


@dataclass(frozen=True)
class ShiftedScore:
    """A mean outcome on the current sample, told from the reference's.

    Attributes
    ----------
    estimate : on the current sample; None if it cannot be told.
    reason : why it cannot be told; empty if it can.
    reference : the plain mean on the reference.
    effective : how many rows of equal weight tell as much as the weighted ones.
    outside : the share of current rows that are less like the reference than any reference row.
    weights : shape (n_reference,), of mean 1.
    warnings : what a reader has to know.
    """

    estimate: Estimate | None
    reason: str
    reference: Estimate
    effective: float
    outside: float
    weights: Floats = field(repr=False)
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = (
            f"cannot be told. {self.reason}"
            if self.estimate is None
            else f"{self.estimate}\n  It holds if only the inputs have shifted: rows with the same "
            "inputs have the same outcomes in both samples."
        )
        lines = [
            f"On the current sample: {told}",
            f"  On the reference: {self.reference}",
            f"  The weighted reference tells as much as {self.effective:.0f} rows.",
        ]
        return "\n".join([*lines, *(f"  Note: {one}" for one in self.warnings)])


def accuracy_under_shift(
    X: Any,
    Y: Any,
    scores: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    level: float = 0.95,
    random_state: RandomState = None,
) -> ShiftedScore:
    """Estimate a model's accuracy, or mean loss, on a current sample that has no labels yet.

    Parameters
    ----------
    X : the reference's inputs, as in :func:`two_sample_test`: rows whose outcome is known and that
        the model was not trained on.
    Y : the current sample's inputs.
    scores : array-like of shape (n_X,): whether the model was right on each row of X (0 and 1, or
        true and false), or its loss there.
    groups : array-like of shape (n_X + n_Y,), optional; what makes rows belong together, first of X
        and then of Y. For rows in order of time, the number of the block that a row is in, where
        blocks are much longer than the series remembers: here neighbouring blocks do not change
        places, so that none of the labelled rows needs to be left out between them.
    level : of the intervals.
    random_state : of folds and waves.

    Returns
    -------
    The interval is Wilson's for 0 and 1, else Student's, which is too short for losses with a heavy
    tail (``studies/shift_where.py``: 82 to 92 % at nominal 95 % if they are exponential and some of
    the inputs have shifted). No estimate, but the reason, if the
    weighted rows tell as little as fewer than 30 equal ones, or if more than a tenth of the current
    rows lie where the reference has none.

    Raises
    ------
    ValueError : the samples or the scores do not fit each other, or too few rows (or groups) for
        five folds.
    TypeError : a sample, a column or the scores are of a wrong type.
    """
    critical_value(level)
    samples = Samples.of(X, Y)
    m, n = samples.sizes
    outcome = as_scores(scores, "scores")
    if len(outcome) != m:
        raise ValueError(
            f"The 'scores' parameter must have one score for each of the {m:,} rows of the "
            f"reference, got {len(outcome):,}."
        )
    _, relabelling = arranged(samples, groups, None)
    told = "" if groups is not None else order_warning(samples, "intervals are too short", _REMEDY)
    rng = generator(random_state)
    folds = folds_of(relabelling.group, samples.is_current, _FOLDS, rng)
    log_ratio, predicted = np.empty(samples.n), np.zeros(samples.n)
    for fold in range(_FOLDS):
        held = folds == fold
        rule = DensityRatio.learn(samples, ~held, samples.is_current, rng)
        log_ratio[held] = rule(samples.design[held])
        regression = _regression(samples, ~held, outcome, rng)
        predicted[:m] += np.where(held[:m], regression[:m], 0)
        predicted[m:] += regression[m:] / _FOLDS

    weights = np.exp(log_ratio[:m])
    shares = weights / weights.sum()
    effective = 1 / float(shares @ shares)
    # Beyond all of the reference: there nothing is known of the outcomes.
    outside = float((log_ratio[m:] > log_ratio[:m].max()).mean())
    members = relabelling.group if relabelling.in_groups else None
    binary = bool(np.isin(outcome, (0, 1)).all())
    of_reference = None if members is None else members[:m]
    if binary:
        reference = accuracy(outcome == 1, np.ones(m, dtype=bool), level=level, groups=of_reference)
    else:
        found = evaluate_means({"scores": outcome}, groups=of_reference)
        reference = found.estimates(level=level, method="delta")["scores"]
    reason = _reason(effective, outside)
    estimate = None
    if not reason:
        # What the regression predicts, and what it misses on weighted reference rows.
        left = outcome - predicted[:m]
        missed = float(shares @ left)
        value = float(predicted[m:].mean()) + missed
        errors = np.concatenate(
            [
                # A row draws the mean to itself by its share.
                shares * (left - missed) / (1 - shares),
                (predicted[m:] - predicted[m:].mean()) / n,
            ]
        )
        units = effective
        if members is not None:
            errors = np.bincount(members, errors)
            units = min(effective, float(len(np.unique(members[:m]))))
            errors = errors * math.sqrt(units / (units - 1))
        over = "cases" if members is None else f"{len(np.unique(members))} groups"
        estimate = _estimate(value, float(errors @ errors), binary, units, level, m, over)
    return ShiftedScore(
        estimate,
        reason,
        reference,
        effective,
        outside,
        weights / weights.mean(),
        (told,) if told else (),
    )


def _reason(effective: float, outside: float) -> str:
    if outside > MOST_OUTSIDE:
        return (
            f"{100 * outside:.0f} % of the current rows lie where the reference has none, so that "
            "its outcomes say nothing of theirs. Label some of these rows."
        )
    if effective < FEWEST_EFFECTIVE:
        return (
            f"The weighted reference tells as little as {effective:.0f} rows; "
            f"{FEWEST_EFFECTIVE} are needed. Label some current rows, or get more reference rows "
            "like them."
        )
    return ""


def _regression(samples: Samples, rows: Mask, outcome: Floats, rng: np.random.Generator) -> Floats:
    """Shape (n,): outcomes that are predicted from the inputs, learnt from the reference among the
    ``rows``, by the family that explains new rows best; their mean if none does.
    """
    learn = np.flatnonzero(rows & ~samples.is_current)
    known = outcome[learn]  # the reference comes first
    found, best = np.full(samples.n, known.mean()), 0.0
    size = float(np.abs(known - known.mean()).max())
    if size == 0:
        return found
    centred = ((known - known.mean()) / size).astype(np.float32)
    for family in families_for(samples, rng):
        features = family(samples.design)
        spectrum = Spectrum.of(features[learn])
        if spectrum is None:
            continue
        explained = float(spectrum.explained(centred[:, None])[0])
        if explained > best:
            best = explained
            found = known.mean() + size * spectrum.scores(features, centred)
    return np.asarray(np.clip(found, known.min(), known.max()))


def _estimate(
    value: float,
    variance: float,
    binary: bool,
    units: float,
    level: float,
    m: int,
    over: str,
) -> Estimate:
    """From ``m`` reference rows that tell as much as so many independent units."""
    t = t_critical_value(critical_value(level), units)
    if not binary:
        half = t * math.sqrt(variance)
        return Estimate(value, value - half, value + half, level, "weighted", m, over=over)
    value = min(max(value, 0.0), 1.0)
    # As many equal rows as would have this variance; where nothing varies, the weights alone tell.
    largest = value * (1 - value)
    size = min(largest / variance, float(m)) if largest > 0 and variance > 0 else units
    low, high = interval(value * size, size, t, "wilson")
    return Estimate(value, float(low), float(high), level, "weighted", m, over=over)
