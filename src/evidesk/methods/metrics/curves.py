"""ROC and precision-recall curves with bands that hold at all points at once.

The shares of positive and of negative cases above each threshold get Clopper-Pearson intervals.
Where the threshold is not known, both move the curve, so that the band at a false positive rate
``x`` reaches from the largest lower to the largest upper bound of the true positive rates at all
thresholds that may have it, as in Campbell, "Advances in statistical methodology for the evaluation
of diagnostic and laboratory tests", Statistics in Medicine 13 (1994) 499-508. Equal local levels
for all order statistics (Aldor-Noiman et al., The American Statistician 67 (2013) 249-260) take the
place of his Kolmogorov-Smirnov bands, which are too wide at the ends. Where scores of both classes
tie, the curve is a straight line between two thresholds, and the band is bounded by straight lines
between their bounds: where both thresholds' rates are within theirs, so is every point between. The
local level that makes the whole band hold its level depends on the numbers of cases, and hardly on
the curve; a formula fitted to simulations gives it.

A precision-recall curve is the ROC curve seen otherwise, and so is its band; where the ROC curve is
straight, it is a hyperbola (Davis and Goadrich, "The relationship between precision-recall and ROC
curves", ICML 2006).
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.evidence.plot import ACCENT, style
from evidesk.methods.metrics.auroc import AUROC
from evidesk.methods.metrics.average_precision import AVERAGE_PRECISION
from evidesk.methods.metrics.clusters import t_critical_value
from evidesk.methods.metrics.proportion import critical_value, interval
from evidesk.methods.metrics.ranking import Ranking
from evidesk.methods.metrics.ranking_metrics import (
    RankingMetric,
    class_design_effects,
    ranking_evaluation,
)
from evidesk.methods.metrics.scores import BinaryScores, Sample, as_scores, positives_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

#: Points that a curve keeps, and points at which a band is told.
POINTS = 500
#: The prevalence has this share of a precision-recall band's error: all of it at recall 1, where
#: the precision is the prevalence. The ROC curve's own errors coincide with few of these.
_PREVALENCE_SHARE = 0.8
# log(local level) in a = log(1 - level), u = log(smaller class), v = log(larger / smaller class):
# 1, a, u, v, u^2, v^2, u v, a u, a v, a^2. Fitted by studies/score_bands.py; the first is lowered
# by 0.07, for the fit errs by a tenth.
_FIT = (1.000, 0.583, -0.772, -0.230, 0.064, 0.019, -0.014, 0.039, 0.070, 0.029)
_FITTED_UP_TO = 1_000.0, 30_000.0


@dataclass(frozen=True)
class RocCurve:
    """The ROC curve, and a band for the true one.

    Attributes
    ----------
    thresholds, fpr, tpr : arrays of shape (points,); a case is called positive if its score is at
        least the threshold. The first threshold is infinite. At most 500 points are kept.
    at, low, high : arrays of shape (500,); the band of the true positive rate at false positive
        rates ``at``.
    area : the AUROC with its interval.
    level : of the band, for all its points at once if ``simultaneous``, else for each alone.
    """

    thresholds: Floats = field(repr=False)
    fpr: Floats = field(repr=False)
    tpr: Floats = field(repr=False)
    at: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    area: Estimate
    level: float
    simultaneous: bool

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the curve in its band; returns the axes."""
        with style():
            ax = _axes(ax)
            _draw(ax, self, self.fpr, self.tpr, f"AUROC {self.area.short}")
            ax.plot((0, 1), (0, 1), color="#374151", linestyle="--", linewidth=1.0)
            ax.set(xlabel="false positive rate", ylabel="true positive rate")
            ax.legend(loc="lower right")
        return ax

    def __str__(self) -> str:
        return _described("ROC curve", self, f"AUROC {self.area}")


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """The precision-recall curve, and a band for the true one; attributes as in `RocCurve`.

    Attributes
    ----------
    thresholds, recall, precision, fpr : arrays of shape (points,).
    at, low, high : arrays of shape (500,); the band of the precision at recalls ``at``.
    area : the average precision with its interval.
    prevalence : share of positive cases, the precision of calling every case positive.
    level, simultaneous : of the band.
    """

    thresholds: Floats = field(repr=False)
    recall: Floats = field(repr=False)
    precision: Floats = field(repr=False)
    fpr: Floats = field(repr=False)
    at: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    area: Estimate
    prevalence: Estimate
    level: float
    simultaneous: bool

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the curve in its band; returns the axes."""
        with style():
            ax = _axes(ax)
            recall, fpr = _filled(self.recall, self.fpr)
            precision = _precision(np.array(self.prevalence.value), recall, fpr)
            # Up to the first threshold, the ROC curve is straight from its origin on.
            recall, precision = np.append(0.0, recall), np.append(precision[0], precision)
            _draw(ax, self, recall, precision, f"average precision {self.area.short}")
            ax.axhline(self.prevalence.value, color="#374151", linestyle="--", linewidth=1.0)
            ax.set(xlabel="recall", ylabel="precision")
            ax.legend(loc="lower left")
        return ax

    def __str__(self) -> str:
        return _described("Precision-recall curve", self, f"average precision {self.area}")


def roc_curve(
    y_true: npt.ArrayLike | BinaryScores,
    y_score: npt.ArrayLike | None = None,
    *,
    pos_label: Any = None,
    level: float = 0.95,
    simultaneous: bool = True,
    groups: npt.ArrayLike | None = None,
) -> RocCurve:
    """ROC curve with a band, which needs no bootstrap.

    Parameters
    ----------
    y_true, y_score, pos_label : as in :func:`~evidesk.methods.metrics.auroc`, for two classes.
    level : confidence level of the band and of the area, in (0, 1).
    simultaneous : whether the whole true curve lies in the band with probability ``level``, or each
        point of it. A band for each point is cautious: it holds its level or a little more.
    groups : array-like of shape (n_cases,), optional; what makes cases belong together. The cases
        of each class are then divided by their design effect.

    Raises
    ------
    ValueError, TypeError : as :func:`~evidesk.methods.metrics.auroc`.
    """
    counts, area, sizes, t = _prepared(AUROC, y_true, y_score, pos_label, level, groups)
    tp, fp, thresholds = _cumulated(counts)
    hits, alarms = _bounds(tp, fp, sizes, level, t, simultaneous=simultaneous)
    at = np.linspace(0, 1, POINTS)
    low = np.interp(at, alarms[1], hits[0], left=0.0)
    low[-1] = 1.0  # where every case is called positive
    kept = _kept(fp / fp[-1], tp / tp[-1])
    return RocCurve(
        thresholds=thresholds[kept],
        fpr=(fp / fp[-1])[kept],
        tpr=(tp / tp[-1])[kept],
        at=at,
        low=low,
        high=np.interp(at, alarms[0], hits[1]),
        area=area,
        level=float(level),
        simultaneous=simultaneous,
    )


def precision_recall_curve(
    y_true: npt.ArrayLike | BinaryScores,
    y_score: npt.ArrayLike | None = None,
    *,
    pos_label: Any = None,
    level: float = 0.95,
    simultaneous: bool = True,
    groups: npt.ArrayLike | None = None,
) -> PrecisionRecallCurve:
    """Precision-recall curve with a band; parameters and errors as in :func:`roc_curve`.

    The band is that of the ROC curve, seen from the recall, joined with a Clopper-Pearson interval
    of the prevalence, for the precision depends on it. The cases must be a random sample; where
    positives were picked, the precision is that of the picked cases.
    """
    counts, area, sizes, t = _prepared(AVERAGE_PRECISION, y_true, y_score, pos_label, level, groups)
    tp, fp, thresholds = _cumulated(counts)
    hits, alarms = _bounds(tp, fp, sizes, level, t, simultaneous=simultaneous)
    n = sizes[0] + sizes[1]
    share = np.array(tp[-1] / (tp[-1] + fp[-1]))
    low, high = interval(share * n, np.array(n), _student(level, t), "wilson")
    prevalence = Estimate(
        value=float(share),
        low=float(low),
        high=float(high),
        level=float(level),
        method="wilson",
        n=area.n,
        over=area.over,
    )
    outer = _student(1 - _PREVALENCE_SHARE * (1 - level), t)
    bottom, top = interval(share * n, np.array(n), outer, "clopper-pearson")
    at = np.linspace(0, 1, POINTS)
    called = tp + fp > 0
    recall, precision = (tp / tp[-1])[called], tp[called] / (tp + fp)[called]
    kept = _kept(recall, precision)
    most = np.interp(at, hits[0], alarms[1], right=1.0)
    # Of thresholds whose recalls have the same bound, the first has the lowest false positive rate.
    fewest = np.interp(np.nextafter(at, 0), hits[1], alarms[0])
    return PrecisionRecallCurve(
        thresholds=thresholds[called][kept],
        recall=recall[kept],
        precision=precision[kept],
        fpr=(fp / fp[-1])[called][kept],
        at=at,
        low=_precision(bottom, at, most),
        high=_precision(top, at, fewest),
        area=area,
        prevalence=prevalence,
        level=float(level),
        simultaneous=simultaneous,
    )


def local_level(level: float, positives: float, negatives: float) -> float:
    """The level's complement of the Clopper-Pearson intervals that make up a simultaneous band.

    Fitted for 5 to 30,000 cases in a class; beyond, it is that of the nearest numbers. Coverage is
    measured in ``docs/scores.md``.
    """
    few, many = sorted((max(positives, 1.0), max(negatives, 1.0)))
    smaller = min(few, _FITTED_UP_TO[0])
    a, u = np.log1p(-level), np.log(smaller)
    v = np.log(min(many / few, _FITTED_UP_TO[1] / smaller))
    terms = (1, a, u, v, u * u, v * v, u * v, a * u, a * v, a * a)
    return float(min(np.exp(np.dot(_FIT, terms)), 1 - level + 0.25 * level))


def _prepared(
    metric: RankingMetric,
    y_true: npt.ArrayLike | BinaryScores,
    y_score: npt.ArrayLike | None,
    pos_label: Any,
    level: float,
    groups: npt.ArrayLike | None,
) -> tuple[BinaryScores, Estimate, tuple[float, float], float]:
    """Counts, area, effective numbers of positives and negatives, and effective groups."""
    if y_score is not None and np.ndim(y_score) != 1:
        raise ValueError(
            "The 'y_score' parameter must have shape (n_cases,) for a curve. Draw one for each "
            "class, with its column and 'pos_label'."
        )
    evaluation = ranking_evaluation(
        metric,
        y_true,
        {"y_score": y_score},
        pos_label=pos_label,
        average="macro",
        labels=None,
        groups=groups,
        sample_weight=None,
    )
    area = evaluation.estimates(level=level)["y_score"]
    if isinstance(y_true, BinaryScores) or y_score is None:
        counts = cast("BinaryScores", y_true)
        return counts, area, (counts.positives.sum(), counts.negatives.sum()), np.inf
    counts = BinaryScores.from_arrays(y_true, y_score, pos_label=pos_label)
    m, n = float(counts.positives.sum()), float(counts.negatives.sum())
    if groups is None:
        return counts, area, (m, n), np.inf
    positive = positives_of(y_true, pos_label)
    ranking = Ranking.of_cases(positive, as_scores(y_score, "y_score"), None)
    sample = Sample.of_cases(len(positive), groups)
    of_positives, of_negatives = class_design_effects(AUROC, ranking, sample)
    return counts, area, (m / of_positives, n / of_negatives), sample.units.effective


def _cumulated(counts: BinaryScores) -> tuple[Floats, Floats, Floats]:
    """Numbers of positives and negatives at or above each threshold, which fall from infinity."""
    tp, fp = (
        np.append(0.0, np.cumsum(side[::-1])) for side in (counts.positives, counts.negatives)
    )
    return tp, fp, np.append(np.inf, counts.values[::-1])


def _bounds(
    tp: Floats,
    fp: Floats,
    sizes: tuple[float, float],
    level: float,
    groups: float,
    *,
    simultaneous: bool,
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Low and high bounds of the shares of positives and of negatives above each threshold."""
    local = local_level(level, *sizes) if simultaneous else 1 - level
    z = _student(1 - local, groups)
    hits, alarms = (
        interval(counts * (size / counts[-1]), np.array(size), z, "clopper-pearson")
        for counts, size in ((tp, sizes[0]), (fp, sizes[1]))
    )
    return hits, alarms


def _student(level: float, groups: float) -> float:
    z = critical_value(level)
    return z if np.isinf(groups) else t_critical_value(z, groups)


def _precision(prevalence: Floats, recall: Floats, fpr: Floats) -> Floats:
    """Precision at a recall and a false positive rate; at 0 / 0 all that can be: low 0, high 1."""
    hits, alarms = prevalence * recall, (1 - prevalence) * fpr
    return np.divide(hits, hits + alarms, out=np.ones_like(recall), where=hits + alarms > 0)


def _kept(x: Floats, y: Floats) -> npt.NDArray[np.intp]:
    """At most `POINTS` points of a curve, evenly along its way."""
    if len(x) <= POINTS:
        return np.arange(len(x))
    way = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    return np.unique(np.searchsorted(way, np.linspace(0, way[-1], POINTS)).clip(max=len(x) - 1))


def _filled(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """A polygonal line with further points wherever ``x`` goes by more than a hundredth."""
    parts = np.ceil(100 * np.diff(x)).clip(min=1).astype(int)
    known = np.append(0, np.cumsum(parts))
    points = np.arange(known[-1] + 1)
    return np.interp(points, known, x), np.interp(points, known, y)


def _axes(ax: "Axes | None") -> "Axes":
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(4.8, 4.8), layout="constrained")
    return ax


def _draw(
    ax: "Axes", curve: RocCurve | PrecisionRecallCurve, x: Floats, y: Floats, label: str
) -> None:
    ax.fill_between(
        curve.at, curve.low, curve.high, color=ACCENT, alpha=0.18, linewidth=0, label=_band(curve)
    )
    ax.plot(x, y, color=ACCENT, drawstyle="default", label=label)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")


def _band(curve: RocCurve | PrecisionRecallCurve) -> str:
    return (
        f"{100 * curve.level:.4g} % band, {'whole curve' if curve.simultaneous else 'each point'}"
    )


def _described(name: str, curve: RocCurve | PrecisionRecallCurve, area: str) -> str:
    width = float(np.mean(curve.high - curve.low))
    return f"{name}: {area}\n{_band(curve)}, mean width {width:.3f}"
