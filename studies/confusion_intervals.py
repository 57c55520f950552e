"""Intervals of thousands of confusion matrices at once, and which of them come with a warning.

Made of the library's metrics, slopes and scales; a test holds that this gives the intervals of the
public functions. ``confusion_coverage.py`` measures with it.
"""

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.cautions import FEWEST_GROUPS, SMALL_GROUPS
from evidesk.methods.metrics.clusters import t_critical_value
from evidesk.methods.metrics.label_estimates import FEW_CASES, FEW_FOR_COSTS, MOST_OF_RARE
from evidesk.methods.metrics.label_metrics import LabelMetric
from evidesk.methods.metrics.margins import Margins, Point
from evidesk.methods.metrics.proportion import POOR_BELOW, critical_value, interval
from evidesk.methods.metrics.scales import scaled_interval
from evidesk.methods.metrics.units import Units, effective_units

Floats = npt.NDArray[np.float64]


def delta_intervals(metric: LabelMetric, counts: Floats, level: float) -> tuple[Floats, Floats]:
    """The delta method's interval of each sample of independent or grouped cases."""
    grouped = counts.ndim == 4
    whole = counts.sum(axis=1) if grouped else counts
    n = whole.sum(axis=(-2, -1))
    point = metric.at(Margins.of(whole, metric.cost))
    variance = _squares(point, whole, metric) * n / (n - 1)
    critical: Floats | float = critical_value(level)
    most, unseen = point.cases, point.unseen
    if metric.cost is not None and not grouped:
        errors = _slopes(point, metric).reshape(len(counts), -1)
        critical = np.array(
            [
                t_critical_value(float(critical), float(effective_units(row, Units.of_cases(case))))
                for row, case in zip(errors, counts.reshape(errors.shape), strict=True)
            ]
        )
    if grouped:
        groups = counts.shape[1]
        sums = _contributions(point, counts, metric)
        clustered = (sums**2).sum(axis=1) * groups / (groups - 1)
        one_voice = n / groups
        independent = _squares(point, whole, metric)
        effects = np.divide(clustered, independent, out=one_voice * 1.0, where=independent > 0)
        variance, most = np.maximum(clustered, independent), most / one_voice
        unseen = unseen * np.maximum(effects, 1) ** 2
        effective = effective_units(sums, Units.of_groups(np.full(groups, n[0] / groups)))
        critical = np.array([t_critical_value(float(critical), units) for units in effective])
    return scaled_interval(metric.scale, point.value, variance + unseen, critical, most)


def _slopes(point: Point, metric: LabelMetric) -> Floats:
    """Derivative by every cell, shape (runs, k, k)."""
    k = point.slopes.hits.shape[-1]
    truth, said = np.divmod(np.arange(k * k), k)
    cost = None if metric.cost is None else metric.cost.ravel()
    return point.slopes.at(truth, said, cost).reshape(-1, k, k)


def _squares(point: Point, counts: Floats, metric: LabelMetric) -> Floats:
    return np.einsum("rij,rij->r", counts, _slopes(point, metric) ** 2)


def _contributions(point: Point, counts: Floats, metric: LabelMetric) -> Floats:
    return np.einsum("rgij,rij->rg", counts, _slopes(point, metric))


def wilson_intervals(metric: LabelMetric, counts: Floats, level: float) -> tuple[Floats, Floats]:
    """The proportion's interval of each sample; from 0 to 1 where the denominator is 0."""
    assert metric.share is not None
    by, ratio, label = metric.share
    margins = Margins.of(counts)
    if ratio is None:
        top, bottom = margins.hits.sum(axis=-1), margins.n
    else:
        top, bottom = (part[..., label] for part in ratio.parts(margins))
    z: Floats | float = critical_value(level)
    if counts.ndim == 4:
        effect, z = _effects(top, bottom, float(z), overall=ratio is None)
        top, bottom = top.sum(axis=1) / effect, bottom.sum(axis=1) / effect
    known = bottom > 0
    low, high = interval(np.where(known, top, 0), np.where(known, bottom, 1), z, "wilson")
    low, high = np.where(known, low, 0.0), np.where(known, high, 1.0)
    classes = np.asarray(counts.shape[-1])
    return by(low, classes)[0], by(high, classes)[0]


def _effects(top: Floats, bottom: Floats, z: float, overall: bool) -> tuple[Floats, Floats]:
    """Design effects and critical values, as those of the library, for many samples."""
    n = np.maximum(bottom.sum(axis=1), 1)
    p = top.sum(axis=1) / n
    raw = top - p[:, None] * bottom
    room = 1 - bottom / n[:, None]
    errors = raw / np.sqrt(np.where(room > 0, room, np.inf))
    effective = n**2 / np.maximum((bottom**2).sum(axis=1), 1)
    independent = p * (1 - p) * n
    squares = (errors**2).sum(axis=1)
    effect = np.divide(squares, independent, out=n / effective, where=independent > 0)
    if overall:
        units = effective_units(raw, Units.of_groups(bottom[0]))
    else:
        units = np.full(len(n), 1.0)
        for run, (row, sizes) in enumerate(zip(errors, bottom, strict=True)):
            if np.count_nonzero(sizes) > 1:
                held = sizes > 0
                ones = np.ones(np.count_nonzero(held))
                units[run] = effective_units(row[held], Units(sizes[held], ones, grouped=True))
    critical = [t_critical_value(z, max(float(count), 1 + 1e-9)) for count in units]
    return np.maximum(effect, 1), np.array(critical)


def silent(metric: LabelMetric, counts: Floats) -> npt.NDArray[np.bool_]:
    """Samples for which the metric comes without a warning."""
    margins = Margins.of(counts.sum(axis=1) if counts.ndim == 4 else counts)
    quiet = np.ones(len(counts), dtype=bool)
    if metric.cost is not None:
        quiet &= margins.n >= FEW_FOR_COSTS
    if metric.scale == "correlation":
        quiet &= margins.n >= 3 * np.count_nonzero(margins.present, axis=-1)
    if counts.ndim == 4:
        quiet &= filled_groups(metric, counts) >= FEWEST_GROUPS
    rare = (margins.true < FEW_CASES) & margins.present
    if metric.average == "macro" or metric.cost is not None:
        quiet &= ~rare.any(axis=-1)
    if metric.average == "weighted":
        quiet &= (margins.true * rare).sum(axis=-1) <= MOST_OF_RARE * margins.n
    if metric.ratio is not None:
        known = metric.ratio.parts(margins)[1] > 0
        if isinstance(metric.average, int):
            quiet &= known[..., metric.average]
        else:
            quiet &= (known | (margins.true == 0)).all(axis=-1)
    if metric.name == "MCC":
        for part in (margins.true, margins.predicted):
            quiet &= np.count_nonzero(part, axis=-1) > 1
    return quiet


def filled_groups(metric: LabelMetric, counts: Floats) -> Floats:
    """How many whole groups the rarer of right and wrong cases would fill."""
    margins = Margins.of(counts)
    if metric.share is None or metric.share[1] is None:
        top, bottom = margins.hits.sum(axis=-1), margins.n
    else:
        _, ratio, label = metric.share
        top, bottom = (part[..., label] for part in ratio.parts(margins))
    squares, n = (bottom**2).sum(axis=1), np.maximum(bottom.sum(axis=1), 1)
    groups = n**2 / np.maximum(squares, 1)
    rarer = np.minimum(top.sum(axis=1), n - top.sum(axis=1)) / n
    return np.where((rarer > 0) & (n > SMALL_GROUPS * groups), rarer * groups, np.inf)


def few_errors(counts: Floats) -> npt.NDArray[np.bool_]:
    """Samples for which the bootstrap comes with a warning."""
    margins = Margins.of(counts)
    right = margins.hits.sum(axis=-1)
    return np.minimum(right, margins.n - right) < POOR_BELOW
