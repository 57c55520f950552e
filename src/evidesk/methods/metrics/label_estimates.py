"""One model's metric of labels with its interval, and warnings where that is not to be trusted."""

import numpy as np

from evidesk.evidence import Estimate
from evidesk.methods.metrics.cautions import (
    filled_groups,
    warn,
    warn_of_few_groups,
    warn_of_unequal_weights,
    weighted_cases,
)
from evidesk.methods.metrics.clusters import design_effect, t_critical_value
from evidesk.methods.metrics.evaluation import INTERVAL_METHODS, IntervalMethod
from evidesk.methods.metrics.label_metrics import LabelMetric, same
from evidesk.methods.metrics.label_table import LabelTable
from evidesk.methods.metrics.margins import Floats
from evidesk.methods.metrics.proportion import (
    METHODS,
    POOR_BELOW,
    Method,
    critical_value,
    interval,
)
from evidesk.methods.metrics.resampling import RandomState
from evidesk.methods.metrics.units import Units, effective_units, weighted_units

#: With fewer true cases of some class, an average over classes is called poorly known.
FEW_CASES = 5
#: With fewer cases in all, weighted kappa is called poorly known.
FEW_FOR_COSTS = 50
#: An average weighted by the classes' shares only if such classes hold more than this share.
MOST_OF_RARE = 0.25


def estimate(
    table: LabelTable,
    metric: LabelMetric,
    *,
    level: float = 0.95,
    method: Method | IntervalMethod | None = None,
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Estimate:
    """The metric of a table's only model.

    Parameters
    ----------
    method : by default ``wilson`` for a metric that is a proportion, or a monotone map of one, and
        ``delta`` for every other.

    Raises
    ------
    ValueError : ``level`` is not in (0, 1); ``method`` is none for this metric; the metric is not
        defined, or needs more cases.
    """
    z = critical_value(level)
    method = method or ("delta" if metric.share is None else "wilson")
    if method in INTERVAL_METHODS:
        if method != "delta":
            _warn_if_bootstrap_is_poor(table)
        found = table.evaluate(metric).estimates(
            level=level,
            method=method,
            resamples=resamples,
            random_state=random_state,
        )
        return found[table.names[0]]
    if method not in METHODS or metric.share is None:
        known = INTERVAL_METHODS if metric.share is None else (*METHODS, *INTERVAL_METHODS)
        raise ValueError(
            f"The 'method' parameter must be one of {', '.join(known)} for {metric.name}. "
            f"Got {method!r} instead."
        )
    return _share_estimate(table, metric, z, level, method)


def _share_estimate(
    table: LabelTable, metric: LabelMetric, z: float, level: float, method: Method
) -> Estimate:
    """A proportion by its own interval, and then the map of it that the metric is."""
    assert metric.share is not None
    by, ratio, label = metric.share
    truth, said = table.truth, table.predicted[0]
    counts = np.ones(len(truth)) if table.counts is None else table.counts
    top, bottom = _parts(table, metric)
    cases = round(float((bottom > 0) @ counts))
    over = "cases" if table.members is None else table.units.over
    share, low, high = 0.0, 0.0, 1.0
    if cases:
        weights = counts if table.weights is None else counts * table.weights
        count, n = float(top @ weights), float(bottom @ weights)
        share, effect = count / n, 1.0
        if table.members is not None:
            held, all_held = (
                np.bincount(table.members, part * weights).astype(np.float64)
                for part in (top, bottom)
            )
            ones = np.ones(len(held))
            effect, careful = ratio_effect(held, all_held, ones, z)
            if ratio is None:  # as the function accuracy does
                errors = held - share * all_held
                known = effective_units(errors, Units(all_held, ones, grouped=True))
                careful = t_critical_value(z, float(known))
            z = careful
            if np.count_nonzero(all_held) == 1 and ratio is not None:
                warn(
                    f"Of the {metric.name} of {_some(table, [label])} nothing is known: only one "
                    f"group has cases that are {ratio.needs}."
                )
        elif table.weights is not None:
            effect, _ = ratio_effect(top * table.weights, bottom * table.weights, counts, z)
            errors = (top - share * bottom) * table.weights
            known = weighted_units(errors, Units(table.weights, counts))
            z = t_critical_value(z, float(known))
        effective = np.asarray(count / effect), np.asarray(n / effect)
        if method == "normal":
            _warn_if_normal_is_poor(*map(float, effective))
        low, high = (float(bound) for bound in interval(*effective, z, method))
    classes = np.asarray(len(np.union1d(truth, said)))
    value, *ends = (float(by(np.asarray(at), classes)[0]) for at in (share, low, high))
    return Estimate(
        value=value,
        low=min(*ends, value),
        high=max(*ends, value),
        level=float(level),
        method=method,
        n=cases or table.units.n,
        over=over,
    )


def ratio_effect(top: Floats, bottom: Floats, repeat: Floats, z: float) -> tuple[float, float]:
    """Design effect of a ratio of sums over units, and the critical value for it."""
    held = bottom > 0
    top, bottom, repeat = top[held], bottom[held], repeat[held]
    if repeat.sum() < 2:  # one group alone tells nothing of how groups differ
        return float(bottom.sum()), t_critical_value(z, 1 + 1e-9)
    share = (top @ repeat) / (bottom @ repeat)
    errors = (top - share * bottom) / np.sqrt(1 - bottom / (bottom @ repeat))
    effective = float(effective_units(errors, Units(bottom, repeat, grouped=True)))
    return float(design_effect(top[None], bottom, repeat)[0]), t_critical_value(z, effective)


def warn_of(table: LabelTable, *metrics: LabelMetric) -> None:
    """Warn once of what the data do not tell about metrics that differ in the class at most."""
    metric = metrics[0]
    few = _few(table, metric)
    if few:
        warn(
            f"Fewer than {FEW_CASES} true cases: {_some(table, few)}. What so few cases say of a "
            f"class, and classes that the sample may not hold at all, make {metric.name} less "
            "certain than its interval says. More cases help; accuracy and MCC depend less on "
            "rare classes."
        )
    undefined = sorted({label for each in metrics for label in _undefined(table, each)})
    if undefined and metric.ratio is not None:
        warn(
            f"{metric.name} is 0 / 0, and counts as 0, where no case is {metric.ratio.needs}: "
            f"{_some(table, undefined)}."
        )
    if metric.cost is not None and table.cases < FEW_FOR_COSTS:
        warn(
            f"{metric.name} of {table.cases} cases, fewer than {FEW_FOR_COSTS}, depends on whether "
            "a large error is among them; its interval may cover the truth less often than it "
            "says. More cases help, or kappa without weights."
        )
    if metric.scale == "correlation" and table.cases < 3 * np.count_nonzero(
        table.margins.present.any(axis=0)
    ):
        warn(
            f"{metric.name} rests on fewer than three cases for each class: its interval may cover "
            "the truth less often than it says. More cases help, or accuracy."
        )
    if metric.name == "MCC":
        named = zip(table.names, table.predicted, strict=True)
        for name, said in (("y_true", table.truth), *named):
            if (said == said[:1]).all():
                warn(f"MCC is 0 / 0, and counts as 0: '{name}' is one class in every case.")


def warn_of_units(table: LabelTable, *metrics: LabelMetric) -> None:
    """Warn once where few groups, or few cases of large weight, decide a model's metrics.

    They are metrics that differ in the class at most.
    """
    if table.members is None and table.weights is None:
        return
    counts = np.ones(len(table.truth)) if table.counts is None else table.counts
    found: list[tuple[float, LabelMetric]] = []
    for metric in metrics:
        top, bottom = _parts(table, metric)
        if not bottom.any():
            continue
        if table.members is None:
            assert table.weights is not None
            few = weighted_cases(top, bottom, table.weights, counts)
        else:
            amounts = counts if table.weights is None else counts * table.weights
            held, all_held = (
                np.bincount(table.members, part * amounts).astype(np.float64)
                for part in (top, bottom)
            )
            few = filled_groups(held, all_held, np.ones(len(held)))
        found.append((few, metric))
    if not found:
        return
    few, least = min(found, key=lambda pair: pair[0])
    what = least.name
    if isinstance(least.average, int):
        what += f" of {_some(table, [least.average])}"
    tell = warn_of_unequal_weights if table.members is None else warn_of_few_groups
    tell(what, few)


def _parts(table: LabelTable, metric: LabelMetric) -> tuple[Floats, Floats]:
    """What each case adds to the metric's share, or to the accuracy where it is none."""
    truth, said = table.truth, table.predicted[0]
    _, ratio, label = metric.share or (same, None, 0)
    if ratio is None:
        return (truth == said).astype(np.float64), np.ones(len(truth))
    return ratio.of_cases(truth, said, label)


def _few(table: LabelTable, metric: LabelMetric) -> list[int]:
    """Classes of so few cases that they make the metric less certain than its interval says."""
    alike = metric.average == "macro" or metric.cost is not None
    if not alike and metric.average != "weighted":
        return []
    margins, true = table.margins, table.margins.true[0]
    if table.weights is not None:  # weights are no cases
        true = np.bincount(table.truth, table.counts, table.k)
    rare = true < FEW_CASES
    if not np.count_nonzero(rare):
        return []
    rare &= margins.present.any(axis=0)
    if not alike and true[rare].sum() <= MOST_OF_RARE * true.sum():
        return []
    few: list[int] = np.flatnonzero(rare).tolist()
    return few


def _undefined(table: LabelTable, metric: LabelMetric) -> list[int]:
    """Classes that the metric looks at, for which the ratio of some model is 0 / 0."""
    if metric.ratio is None:
        return []
    nothing = metric.ratio.parts(table.margins)[1] <= 0
    if isinstance(metric.average, int):
        return [metric.average] if nothing[:, metric.average].any() else []
    if not np.count_nonzero(nothing):
        return []
    looked_at = table.margins.present if metric.average == "macro" else table.margins.true > 0
    found: list[int] = np.flatnonzero((nothing & looked_at.any(axis=0)).any(axis=0)).tolist()
    return found


def _some(table: LabelTable, numbers: list[int]) -> str:
    names = [repr(table.labels[i].item()) for i in numbers[:10]]
    more = f" and {len(numbers) - 10} more" if len(numbers) > 10 else ""
    return ("class " if len(numbers) == 1 else "classes ") + ", ".join(names) + more


def _warn_if_bootstrap_is_poor(table: LabelTable) -> None:
    right = table.truth == table.predicted[0]
    counts = np.ones(len(right)) if table.counts is None else table.counts
    rarer = min(float(counts[right].sum()), float(counts[~right].sum()))
    if rarer < POOR_BELOW:
        warn(
            f"The bootstrap is poor: with {rarer:g} cases, below {POOR_BELOW}, that are "
            f"{'wrong' if right @ counts > rarer else 'right'} its resamples hardly differ, and "
            "the interval covers the truth less often than it says. Leave out 'method'."
        )


def _warn_if_normal_is_poor(count: float, n: float) -> None:
    expected = min(count, n - count)
    if expected < POOR_BELOW:
        warn(
            f"The normal approximation is poor: n min(p, 1 - p) = {expected:.3g} is below "
            f"{POOR_BELOW}, and the interval covers the truth less often than it says. "
            "Use method='wilson'."
        )
