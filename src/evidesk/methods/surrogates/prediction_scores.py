"""All scores of a model's predictions at once, overall and by subset."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.metrics.labels import as_labels
from evidesk.methods.metrics.proportion import PoorApproximationWarning, critical_value, proportion
from evidesk.methods.metrics.regression import rmse
from evidesk.methods.metrics.resampling import RandomState
from evidesk.methods.metrics.units import members_of
from evidesk.methods.surrogates.calibration_curve import calibration_curve
from evidesk.methods.surrogates.coverage_by import CoverageBy
from evidesk.methods.surrogates.score_inputs import as_bounds, as_std, as_values, by_row
from evidesk.methods.surrogates.scores import (
    coverage,
    crps,
    error_correlation,
    gaussian_interval,
    interval_score,
    mean_width,
    nll,
    sharpness,
)
from evidesk.methods.surrogates.sparsification import sparsification

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SubsetScores:
    """Scores of some rows; None where there is nothing to score, or too little.

    ``refused`` is the share of rows without an interval; `coverage`, `width` and `interval_score`
    are of the others.
    """

    n: int
    refused: Estimate
    rmse: Estimate | None
    coverage: Estimate | None
    width: Estimate | None
    interval_score: Estimate | None
    nll: Estimate | None = None
    crps: Estimate | None = None
    calibration_error: Estimate | None = None
    sharpness: Estimate | None = None
    sparsification: Estimate | None = None
    correlation: Estimate | None = None

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Those that there are, by name."""
        named = ((one.name, getattr(self, one.name)) for one in fields(self))
        return {name: value for name, value in named if isinstance(value, Estimate)}


@dataclass(frozen=True)
class PredictionScores:
    """Scores overall and by subset.

    Attributes
    ----------
    overall : of all rows.
    subsets : by name; empty if none were named.
    level : the intervals' nominal one.
    notes : what a reader has to know of the estimates.
    """

    overall: SubsetScores
    subsets: Mapping[str, SubsetScores]
    level: float
    notes: tuple[str, ...] = ()

    @property
    def coverage(self) -> CoverageBy:
        """Coverage of all rows and of each subset."""
        parts = {"all rows": self.overall, **self.subsets}
        found = {
            name: replace(one.coverage, null_value=self.level)
            for name, one in parts.items()
            if one.coverage is not None
        }
        untold = {name: "too few intervals" for name, one in parts.items() if one.coverage is None}
        return CoverageBy(found, self.level, untold)

    def __str__(self) -> str:
        parts = {"all rows": self.overall, **self.subsets}
        names = [name for name in _TITLES if any(name in one.estimates for one in parts.values())]
        header = ["", *parts]
        rows = [["rows", *(f"{one.n:,}" for one in parts.values())]]
        for name in names:
            told = [one.estimates.get(name) for one in parts.values()]
            rows.append([_TITLES[name], *("-" if e is None else e.short for e in told)])
        widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
        lines = [
            "  ".join(
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in (header, *rows)
        ]
        return "\n".join([*lines, "", str(self.coverage), *(f"Note: {one}" for one in self.notes)])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Coverage overall and by subset, against the nominal level; returns the axes."""
        return self.coverage.plot(ax)


_TITLES = {
    "rmse": "RMSE",
    "coverage": "coverage",
    "width": "width",
    "interval_score": "interval score",
    "refused": "refused",
    "nll": "NLL",
    "crps": "CRPS",
    "calibration_error": "calibration error",
    "sharpness": "sharpness",
    "sparsification": "AUSE",
    "correlation": "spread and error",
}


def score_predictions(
    y: npt.ArrayLike,
    mean: npt.ArrayLike,
    std: npt.ArrayLike | None = None,
    low: npt.ArrayLike | None = None,
    high: npt.ArrayLike | None = None,
    *,
    level: float = 0.9,
    groups: npt.ArrayLike | None = None,
    subset: npt.ArrayLike | None = None,
    confidence: float = 0.95,
    unit: str = "",
    random_state: RandomState = None,
) -> PredictionScores:
    """Score predictions by their standard deviations, their intervals, or both.

    Parameters
    ----------
    y, mean : shape (n,) or (n, outputs), in ``unit``.
    std : the same shape, optional; of normal predictions.
    low, high : the same shape, optional; intervals, NaN where refused. By default the central ones
        of the normal predictions.
    level : of the intervals.
    groups : shape (n,), optional; what makes rows belong together.
    subset : shape (n,), optional; a name for each row, such as ``"in domain"`` or ``"hot"``.
    confidence : of the estimates' intervals.
    unit : of ``y``.
    random_state : of the calibration error's interval.

    Raises
    ------
    ValueError : shapes differ, fewer than two rows or groups, NaN or infinity in ``y``, ``mean`` or
        ``std``; neither ``std`` nor both bounds; a level outside (0, 1).
    TypeError : not numbers.
    """
    critical_value(level), critical_value(confidence)
    truth = as_values(y, "y")
    centre = as_values(mean, "mean", truth.shape)
    spread = None if std is None else as_std(std, truth.shape)
    if (low is None) != (high is None) or (low is None and spread is None):
        raise ValueError("Give 'std', or both 'low' and 'high', or all three.")
    if low is None or high is None:
        assert spread is not None
        low, high = gaussian_interval(centre, spread, level)
    bottom, top, told = as_bounds(low, high, truth.shape)
    n = len(truth)
    members = None if groups is None else members_of(groups, n)
    labels = None if subset is None else as_labels(subset, "subset")
    if labels is not None and len(labels) != n:
        raise ValueError(f"'subset' must name one for each of {n} rows, got {len(labels)}.")

    notes: list[str] = []

    def of(rows: npt.NDArray[np.bool_], name: str) -> SubsetScores:
        parts = _Rows(
            truth[rows],
            centre[rows],
            None if spread is None else spread[rows],
            bottom[rows],
            top[rows],
            level,
            None if members is None else members[rows],
            confidence,
            unit,
            random_state,
        ).scores()
        found: dict[str, Estimate | None] = {}
        poor = []
        for key, score in parts:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", PoorApproximationWarning)
                try:
                    found[key] = score()
                except (
                    ValueError
                ) as error:  # all is checked but that there are enough of these rows
                    found[key] = None
                    notes.append(f"{_TITLES[key]}, {name}: {error}")
            if caught:
                poor.append(_TITLES[key])
        if poor:
            notes.append(
                f"{', '.join(poor)}, {name}: few rows or groups bear these, and their intervals "
                "may cover the truth less often than they say. More of them help."
            )
        refused = proportion(int((~told[rows]).sum()), int(rows.sum()), level=confidence)
        return SubsetScores(n=int(rows.sum()), refused=refused, **found)

    overall = of(np.ones(n, dtype=bool), "all rows")
    subsets = {}
    if labels is not None:
        subsets = {str(one): of(labels == one, f"'{one}'") for one in np.unique(labels)}
    return PredictionScores(overall, subsets, float(level), tuple(notes))


@dataclass(frozen=True)
class _Rows:
    """Checked rows to score."""

    y: Floats
    mean: Floats
    std: Floats | None
    low: Floats
    high: Floats
    level: float
    groups: npt.NDArray[np.intp] | None
    confidence: float
    unit: str
    random_state: RandomState

    def scores(self) -> Iterator[tuple[str, Callable[[], Estimate]]]:
        """What to score, by name, each to be computed when it is called."""
        how: _How = {"groups": self.groups, "confidence": self.confidence}
        bounds = self.y, self.low, self.high
        errors = np.sqrt(by_row((self.y - self.mean) ** 2))
        yield (
            "rmse",
            lambda: rmse(
                np.zeros(len(errors)),
                errors,
                groups=self.groups,
                level=self.confidence,
                unit=self.unit,
            ),
        )
        yield "coverage", lambda: coverage(*bounds, **how)
        yield "width", lambda: mean_width(*bounds[1:], unit=self.unit, **how)
        yield (
            "interval_score",
            lambda: interval_score(*bounds, level=self.level, unit=self.unit, **how),
        )
        if self.std is None:
            return
        std, normal = self.std, (self.y, self.mean, self.std)
        yield "nll", lambda: nll(*normal, **how)
        yield "crps", lambda: crps(*normal, unit=self.unit, **how)
        yield (
            "calibration_error",
            lambda: calibration_curve(*normal, random_state=self.random_state, **how).error,
        )
        yield "sharpness", lambda: sharpness(std, unit=self.unit, **how)
        if by_row(std).min() < by_row(std).max():
            yield "sparsification", lambda: sparsification(*normal, **how).area
            yield "correlation", lambda: error_correlation(*normal, **how)


class _How(TypedDict):
    groups: npt.NDArray[np.intp] | None
    confidence: float
