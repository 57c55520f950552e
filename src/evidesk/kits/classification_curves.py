"""Figures of the kit ``classification`` for scores: curves in their bands, and reliability."""

from typing import Any

import numpy as np

from evidesk.evidence import Column, Figure, Table
from evidesk.kits.classification_figures import figure, titled, wide_axes
from evidesk.kits.wording import percent, shown
from evidesk.methods.metrics.curves import PrecisionRecallCurve, RocCurve
from evidesk.methods.metrics.reliability import ReliabilityDiagram


def curve_figures(
    number: str,
    model: str,
    positive: str,
    roc: RocCurve,
    precision_recall: PrecisionRecallCurve,
    reliability: ReliabilityDiagram | None,
) -> list[Figure]:
    """ROC and precision-recall curve in their bands, and the reliability diagram."""
    level = percent(roc.level)
    figures = []
    for name, curve, what in (
        ("roc", roc, "ROC curve"),
        ("precision-recall", precision_recall, "precision-recall curve"),
    ):
        keys = (
            ("false positive rate", "true positive rate")
            if name == "roc"
            else ("recall", "precision")
        )
        figures.append(
            figure(
                curve.plot(wide_axes(4.4)),
                f"{name}{number}",
                titled(
                    model,
                    f"{what} for {shown(positive, 40)}, with a {level} band for the whole curve",
                ),
                f"{what[0].upper()}{what[1:]} in its band; the area is {curve.area.value:.3f}.",
                _curve_table(f"{name}{number}", what, keys, curve),
            )
        )
    if reliability is not None:
        r = reliability
        axes = r.plot(wide_axes(4.4))
        figures.append(
            figure(
                axes,
                f"reliability{number}",
                titled(
                    model,
                    f"how often {shown(positive, 40)} is true where it is predicted with this "
                    f"probability, {level} intervals of all bins at once",
                ),
                f"Reliability diagram of {len(r.count)} bins; the calibration error is "
                f"{r.error.value:.3f}.",
                Table(
                    f"reliability{number}",
                    "Predicted probabilities and what was true",
                    (
                        Column("cases", "integer", "Cases"),
                        Column("predicted", "number", "Mean prediction"),
                        Column("observed", "number", "Share that is true"),
                        Column("low", "number", "Low"),
                        Column("high", "number", "High"),
                    ),
                    tuple(
                        (int(count), *map(float, others))
                        for count, *others in zip(
                            r.count, r.predicted, r.observed, r.low, r.high, strict=True
                        )
                    ),
                ),
            )
        )
    return figures


def _curve_table(
    name: str, what: str, keys: tuple[str, str], curve: RocCurve | PrecisionRecallCurve
) -> Table:
    """Points of the curve and of its band, in one long table."""
    points = (
        (curve.fpr, curve.tpr) if isinstance(curve, RocCurve) else (curve.recall, curve.precision)
    )
    rows: list[tuple[Any, ...]] = [
        ("curve", float(x), float(y), float(t) if np.isfinite(t) else None, None, None)
        for x, y, t in zip(*points, curve.thresholds, strict=True)
    ]
    rows += [
        ("band", float(x), None, None, float(low), float(high))
        for x, low, high in zip(curve.at, curve.low, curve.high, strict=True)
    ]
    return Table(
        name,
        f"The {what} and its band",
        (
            Column("part", "text", "Part"),
            Column("x", "number", keys[0].capitalize()),
            Column("y", "number", keys[1].capitalize()),
            Column("threshold", "number", "Threshold"),
            Column("low", "number", "Low"),
            Column("high", "number", "High"),
        ),
        tuple(rows),
    )
