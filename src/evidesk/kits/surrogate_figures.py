"""What the kit ``surrogate`` shows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evidesk.evidence import Column, Figure, Table
from evidesk.evidence.plot import ACCENT, style
from evidesk.kits.surrogate_trust import Totals, Trust
from evidesk.kits.wording import cell, percent, root
from evidesk.methods.surrogates import (
    CalibrationCurve,
    PredictionScores,
    SpreadErrors,
    calibration_curve,
    spread_against_error,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SCORES = {
    "coverage": "Coverage",
    "rmse": "RMSE",
    "width": "Width",
    "interval_score": "Interval score",
    "nll": "Negative log-likelihood",
    "crps": "CRPS",
    "calibration_error": "Calibration error",
    "sharpness": "Sharpness",
    "sparsification": "AUSE",
    "correlation": "Correlation of spread and error",
}
_MOST_DRAWN = 400


@dataclass(frozen=True)
class First:
    """Of the test that is most like the training: its name, and how its errors go with what was
    predicted of them; None where no standard deviations were predicted.
    """

    name: str
    curve: CalibrationCurve | None = None
    spread: SpreadErrors | None = None

    @classmethod
    def of(cls, found: Trust) -> "First":
        """The test of that name, or the first one."""
        names = [one.name for one in found.parts.tests]
        name = next((one for one in names if one.lower() == "test"), names[0])
        tried = found.tried
        if tried.std is None:
            return cls(name)
        rows = tried.part == name
        y, mean, std = (one[rows].ravel() for one in (tried.truth, tried.mean, tried.std))
        outputs = tried.truth.shape[1]
        groups = None if tried.groups is None else np.repeat(tried.groups[rows], outputs)
        return cls(
            name,
            calibration_curve(y, mean, std, groups=groups, random_state=0),
            spread_against_error(y, mean, std, groups=groups),
        )


def surrogate_tables(found: Trust, first: First, level: float) -> dict[str, Table]:
    """Scores by part, the curve, totals, and what to compute next; by name."""
    tables = {"scores": _scores("scores", "Scores of each test", found.scores)}
    if found.total_scores is not None and found.independent_scores is not None:
        tables["totals"] = _scores(
            "totals", f"Totals, with intervals of {percent(level)}", found.total_scores
        )
        tables["independent"] = _scores(
            "independent",
            "Totals, if errors of points were independent",
            found.independent_scores,
        )
    if first.curve is not None and first.spread is not None:
        tables["calibration"] = _curve(first.name, first.curve)
        tables["spread"] = _spread(first.name, first.spread)
    if found.next_rows:
        tables["next"] = Table(
            "next",
            "Rows to compute next, the most telling first",
            (
                Column("part", "text", "Part"),
                Column("row", "integer", "Row, from 0 on"),
                Column("score", "number", "How far out of domain"),
            ),
            tuple((cell(part), row, score) for part, row, score in found.next_rows),
        )
    return tables


def surrogate_figures(
    found: Trust, first: First, level: float, tables: Mapping[str, Table]
) -> Iterator[Figure]:
    """Coverage by part, the calibration curve, spread against error, and totals."""
    parts = ", ".join(found.scores.subsets)
    yield Figure.from_matplotlib(
        root(found.scores.plot()),
        name="coverage",
        title=f"Where intervals of {percent(level)} hold, and where not",
        alt=f"Observed coverage with intervals for {parts}, and the nominal level.",
        data=tables["scores"],
    )
    if first.curve is not None and first.spread is not None:
        yield Figure.from_matplotlib(
            root(first.curve.plot()),
            name="calibration",
            title=f"Intervals of every level, in {first.name}",
            alt="Observed against nominal coverage, with a band, and the diagonal.",
            data=tables["calibration"],
        )
        yield Figure.from_matplotlib(
            root(first.spread.plot()),
            name="spread",
            title=f"Predicted spread against errors, in {first.name}",
            alt="Root mean squared error in bins of the predicted spread.",
            data=tables["spread"],
        )
    if found.totals is not None:
        yield Figure.from_matplotlib(
            root(_draw_totals(found.totals)),
            name="totals",
            title="Totals of systems: predicted with their intervals, and true",
            alt="For each system the predicted total with its interval, over the true one.",
            data=tables["totals"],
        )


def _curve(name: str, curve: CalibrationCurve) -> Table:
    return Table(
        "calibration",
        f"Intervals of every level, in {cell(name)}",
        (
            Column("nominal", "number", "Nominal"),
            Column("observed", "number", "Observed"),
            Column("low", "number", "Low"),
            Column("high", "number", "High"),
        ),
        tuple(
            tuple(map(float, row))
            for row in zip(curve.nominal, curve.observed, curve.low, curve.high, strict=True)
        ),
    )


def _spread(name: str, spread: SpreadErrors) -> Table:
    return Table(
        "spread",
        f"Predicted spread and errors, in {cell(name)}",
        (
            Column("spread", "number", "Predicted spread"),
            Column("error", "number", "Root mean squared error"),
            Column("low", "number", "Low"),
            Column("high", "number", "High"),
        ),
        tuple(
            (float(centre), one.value, one.low, one.high)
            for centre, one in zip(spread.centres, spread.errors.values(), strict=True)
        ),
    )


def _scores(name: str, title: str, scores: PredictionScores) -> Table:
    return Table(
        name,
        title,
        (
            Column("part", "text", "Test"),
            Column("score", "text", "Score"),
            Column("value", "number", "Value"),
            Column("low", "number", "Low"),
            Column("high", "number", "High"),
            Column("n", "integer", "Rows"),
        ),
        tuple(
            (cell(part), told, one.value, one.low, one.high, found.n)
            for part, found in scores.subsets.items()
            for key, told in _SCORES.items()
            if (one := found.estimates.get(key)) is not None
        ),
    )


def _draw_totals(totals: Totals) -> "Axes":
    from matplotlib import pyplot as plt

    colours = (ACCENT, "#D55E00", "#0072B2", "#CC79A7", "#56B4E9", "#E69F00")
    with style():
        axes = plt.subplots(figsize=(6.4, 5.0), layout="constrained")[1]
        for number, name in enumerate(dict.fromkeys(totals.part.tolist())):
            rows = np.flatnonzero(totals.part == name)[:_MOST_DRAWN]
            low, high = totals.low[rows], totals.high[rows]
            axes.errorbar(
                totals.truth[rows], totals.value[rows],
                np.stack([totals.value[rows] - low, high - totals.value[rows]]),
                fmt="o", markersize=3, linewidth=0.8, alpha=0.7,
                color=colours[number % len(colours)], label=name,
            )  # fmt: skip
        ends = [float(totals.truth.min()), float(totals.truth.max())]
        axes.plot(ends, ends, color="#374151", linestyle="--", linewidth=1)
        axes.set(xlabel="True total", ylabel="Predicted total")
        axes.legend()
    return axes
