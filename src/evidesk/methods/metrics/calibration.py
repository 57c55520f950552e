"""Expected calibration error: how far are predicted probabilities from what then happens?

The cases are put into bins of their predicted probability; the error is the mean over bins of the
distance between the share of events and the mean prediction (Naeini, Cooper and Hauskrecht, AAAI
2015). Chance alone makes each distance positive, so that the plain average is too large, above all
for a calibrated model (Roelofs et al., AISTATS 2022). Here each bin's distance is a normal variable
``N(lambda d, s**2)``, whose absolute value has the mean and the variance of the folded normal
distribution (Leone, Nelson and Nottingham, Technometrics 3 (1961) 543-550); the ``lambda`` at which
the plain average is as expected gives the error without that bias, and those at which the plain
average is not surprising give the interval. Kumar, Liang and Ma (NeurIPS 2019) take one step of the
same correction.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate
from evidesk.methods.metrics.evaluation import Evaluation, IntervalMethod, check_interval_method
from evidesk.methods.metrics.probability import truth_of
from evidesk.methods.metrics.proportion import PoorApproximationWarning
from evidesk.methods.metrics.resampling import RandomState
from evidesk.methods.metrics.scores import Sample

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
#: Bins of equal width, or of equal numbers of cases.
Strategy = Literal["uniform", "quantile"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

#: Below so many effective cases the interval of the calibration error may be too short.
FEWEST_CASES = 50
_HALVINGS = 60


@dataclass(frozen=True)
class Bins:
    """Predictions and events in bins that are not empty.

    Attributes
    ----------
    index : array of shape (cases,); the bin of each case.
    count, predicted, observed : arrays of shape (bins,); the number of cases (or their weight), the
        mean predicted probability and the share of events.
    """

    index: Indices
    count: Floats
    predicted: Floats
    observed: Floats

    @classmethod
    def of(
        cls, predicted: Floats, events: Floats, bins: int, strategy: Strategy, weight: Floats | None
    ) -> "Bins":
        """Bins of equal width in [0, 1] (an edge belongs to the bin above it), or at quantiles."""
        share = np.linspace(0, 1, bins + 1)[1:-1]
        edges = share if strategy == "uniform" else np.unique(np.quantile(predicted, share))
        index = np.unique(np.searchsorted(edges, predicted, side="right"), return_inverse=True)[1]
        count = np.bincount(index, weight).astype(np.float64)

        def mean(values: Floats) -> Floats:
            weighted = values if weight is None else values * weight
            return np.asarray(np.bincount(index, weighted) / count)

        return cls(index, count, mean(predicted), mean(events))


def check_bins(bins: object, strategy: object) -> None:
    """Raise ValueError unless these are bins."""
    if not isinstance(bins, int | np.integer) or isinstance(bins, bool) or bins < 1:
        raise ValueError(
            f"The 'bins' parameter must be an integer from 1 on. Got {bins!r} instead."
        )
    if strategy not in STRATEGIES:
        raise ValueError(
            f"The 'strategy' parameter must be one of {', '.join(STRATEGIES)}. "
            f"Got {strategy!r} instead."
        )


def predictions_and_events(truth: Floats, table: Floats) -> tuple[Floats, Floats]:
    """What was predicted with which probability, and whether it happened.

    For two classes that is the positive class; for several the class that was called most probable.
    """
    if truth.ndim == 1:
        return table, truth
    top = table.argmax(axis=1)[:, None]
    return np.take_along_axis(table, top, 1)[:, 0], np.take_along_axis(truth, top, 1)[:, 0]


@dataclass(frozen=True)
class _Distances:
    """The weighted distances of the bins, ``d`` and their standard errors ``s``; see the module."""

    d: Floats
    s: Floats
    between: float

    @property
    def plain(self) -> float:
        """The plain average, too large by chance; 0 where it is not more than a rounding error."""
        average = float(np.abs(self.d).sum())
        return average if average > 1e-15 else 0.0

    def moments(self, scale: float) -> tuple[float, float]:
        """Mean and variance of the plain average, if the distances are ``scale * d``."""
        mean, square = scale * self.d, self.s**2
        # Beyond 40 standard errors the folded normal distribution is the normal one.
        ratio = np.divide(mean, self.s, out=40 * np.sign(mean), where=40 * self.s > np.abs(mean))
        folded = self.s * np.sqrt(2 / np.pi) * np.exp(-(ratio**2) / 2)
        folded += mean * special.erf(ratio / np.sqrt(2))
        variance = np.maximum(mean**2 + square - folded**2, 0).sum() + scale**2 * self.between
        return float(folded.sum()), float(variance)

    def solve(self, critical: float) -> float:
        """The error at which the plain average lies ``critical`` standard errors above its mean.

        A plain average below that of a calibrated model is a fluctuation, and must not make the
        upper bound smaller than the average of a calibrated model would.
        """
        if self.plain == 0:
            return 0.0
        target = max(self.plain, self.moments(0.0)[0]) if critical < 0 else self.plain

        def too_small(scale: float) -> bool:
            mean, variance = self.moments(scale)
            return bool(mean + critical * variance**0.5 < target)

        return self.plain * _bisect(too_small, 1 / self.plain)


def _bisect(below: Callable[[float], bool], most: float) -> float:
    """Where ``below`` turns from true to false in [0, most]."""
    low, high = 0.0, most
    if not below(low):
        return low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return high


@dataclass(frozen=True)
class CalibrationEvaluation(Evaluation):
    """Expected calibration errors; their interval is found by inverting a test."""

    distances: tuple[_Distances, ...] = field(default=(), repr=False)

    def estimates(
        self,
        *,
        level: float = 0.95,
        method: IntervalMethod = "delta",
        resamples: int = 2_000,
        random_state: RandomState = None,
    ) -> dict[str, Estimate]:
        """Each model's error with its interval, by name.

        Raises
        ------
        ValueError : ``method`` is a bootstrap, which would add the bias once more.
        """
        check_interval_method(method)
        if method != "delta":
            raise ValueError(
                "The expected calibration error has no bootstrap interval: resampling adds its "
                "bias once more. Use method='delta'."
            )
        critical = self.units.critical_value(level)
        found = {}
        for name, value, distances in zip(self.names, self.values, self.distances, strict=True):
            low, high = (distances.solve(c) for c in (critical, -critical))
            if distances.plain == 0:
                high = 1 - float(special.ndtr(-critical)) ** (1 / self.units.effective)
            found[name] = Estimate(
                value=float(value),
                low=min(low, float(value)),
                high=max(high, float(value)),
                level=float(level),
                method=self.delta,
                n=self.units.n,
                over=self.units.over,
            )
        return found


def calibration_evaluation(
    y_true: npt.ArrayLike,
    probabilities: Mapping[str, npt.ArrayLike],
    *,
    bins: int,
    strategy: Strategy,
    pos_label: Any,
    labels: npt.ArrayLike | None,
    groups: npt.ArrayLike | None,
    sample_weight: npt.ArrayLike | None,
) -> CalibrationEvaluation:
    """The expected calibration error of each model."""
    check_bins(bins, strategy)
    truth, tables = truth_of(y_true, probabilities, pos_label, labels)
    sample = Sample.of_cases(len(truth), groups, sample_weight)
    if sample.units.count < 2:
        raise ValueError(
            "At least two cases are needed: one alone cannot tell how much cases differ."
        )
    weight = np.ones(len(truth)) if sample.weight is None else sample.weight
    rows, distances = [], []
    for table in tables.values():
        predicted, events = predictions_and_events(truth, table)
        found = Bins.of(predicted, events, bins, strategy, sample.weight)
        residuals = events - predicted
        gaps = found.observed - found.predicted
        plain = float(found.count @ np.abs(gaps)) / sample.units.n
        row = weight * (np.sign(gaps)[found.index] * residuals - plain) / sample.units.n
        rows.append(row)
        inflation = 1.0
        if sample.members is not None:
            alone = float(sample.cells.variance(row[None])[0])
            together = float(sample.units.variance(sample.sums(row[None]))[0])
            inflation = max(together / alone, 1.0) if alone > 0 else 1.0
        distances.append(_distances(found, residuals, predicted, weight, inflation))
    contributions = np.stack(rows)
    sums = sample.sums(contributions)
    values = np.array([each.solve(0.0) for each in distances])

    def replicate(weights: Floats) -> Floats:
        # Linearised: the plain average of a resample would be biased once more.
        return np.asarray(values + weights @ sums.T)

    return CalibrationEvaluation(
        metric="expected calibration error",
        names=tuple(tables),
        values=values,
        contributions=sums,
        units=sample.units,
        scale="positive",
        most=np.full(len(values), sample.units.effective),
        replicate=replicate,
        greater_is_better=False,
        delta="folded normal",
        independent=None if sample.members is None else sample.cells.variance(contributions),
        distances=tuple(distances),
    )


def _distances(
    bins: Bins, residuals: Floats, predicted: Floats, weight: Floats, inflation: float
) -> _Distances:
    """Distances with variances that know one more case per bin: an event of the mean prediction.

    A bin of few cases that all went the same way has no variance of its own.
    """
    n, gaps = bins.count.sum(), bins.observed - bins.predicted
    share = bins.count / n
    squares = np.bincount(bins.index, weight**2)
    number = bins.count**2 / squares
    spread = np.bincount(bins.index, weight * (residuals - gaps[bins.index]) ** 2) / bins.count
    expected = np.bincount(bins.index, weight * predicted * (1 - predicted)) / bins.count
    variance = np.maximum(spread * number + expected + gaps**2, expected * number) / number
    errors = share * np.sqrt(inflation * variance / number)
    between = (share @ gaps**2 - (share @ np.abs(gaps)) ** 2) / number.sum() * inflation
    return _Distances(share * gaps, errors, max(float(between), 0.0))


def expected_calibration_error(
    y_true: npt.ArrayLike,
    y_prob: npt.ArrayLike,
    *,
    bins: int = 15,
    strategy: Strategy = "uniform",
    pos_label: Any = None,
    labels: npt.ArrayLike | None = None,
    level: float = 0.95,
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
) -> Estimate:
    """Expected calibration error, freed of the bias of chance, with its interval; 0 is best.

    It is the error of these bins: within a bin, predictions that are too high and too low cancel,
    and finer bins see more.

    Parameters
    ----------
    y_true : array-like of shape (n_cases,); labels.
    y_prob : array-like of shape (n_cases,), the probability of the positive class; or
        (n_cases, n_classes): then that of the class called most probable, and whether it was true.
    bins : number of bins; empty ones do not count.
    strategy : ``uniform``: bins of equal width; ``quantile``: of equal numbers of cases.
    pos_label, labels, level, groups, sample_weight : as in :func:`~evidesk.methods.metrics.brier`.

    Raises
    ------
    ValueError, TypeError : as :func:`~evidesk.methods.metrics.brier`.

    Warns
    -----
    PoorApproximationWarning : there are fewer than 50 cases in effect, or no error at all.
    """
    evaluation = calibration_evaluation(
        y_true,
        {"y_prob": y_prob},
        bins=bins,
        strategy=strategy,
        pos_label=pos_label,
        labels=labels,
        groups=groups,
        sample_weight=sample_weight,
    )
    design = np.nan_to_num(evaluation.design_effects, nan=1.0)
    effective = evaluation.units.n / max(float(design[0]), 1.0)
    if effective < FEWEST_CASES or evaluation.distances[0].plain == 0:
        warnings.warn(
            f"The interval of the expected calibration error is poor for {effective:.3g} cases in "
            f"effect, fewer than {FEWEST_CASES}, or for no error at all.",
            PoorApproximationWarning,
            stacklevel=2,
        )
    return evaluation.estimates(level=level)["y_prob"]
