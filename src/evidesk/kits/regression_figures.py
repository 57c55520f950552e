"""Pictures of predicted numbers, from counts that one pass over a table makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Column, Estimate, Figure, Table, style
from evidesk.evidence.plot import ACCENT
from evidesk.kits.kit import Progress
from evidesk.kits.numbers import histograms
from evidesk.kits.regression_counts import Predictions
from evidesk.kits.sums import Sums
from evidesk.kits.wording import cell, percent, row_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

Floats = npt.NDArray[np.float64]

_FINE = 1_024  # bins in which a range is looked at
_TAIL = 0.001  # share of the cases that a picture may leave out at either end
_MOST_ZOOMS = 12
_NARROWEST = 1e-300  # a part of less could be no float
_CELLS, _STEPS = 48, 12
_FEWEST_BARS, _MOST_BARS = 12, 60
_COLUMNS = 3
_ALIKE = 5  # models whose errors differ more are not drawn on one scale
_EDGE = "#374151"


@dataclass(frozen=True)
class Span:
    """The range that is drawn of a number."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """From end to end; above 0."""
        return self.high - self.low

    def bin(self, value: str, bins: int) -> str:
        """SQL of the number's bin; NULL outside."""
        place = f"floor((({value}) - {self.low!r}) / {self.width / bins!r})::INTEGER"
        inside = f"({value}) BETWEEN {self.low!r} AND {self.high!r}"
        return f"CASE WHEN {inside} THEN least({place}, {bins - 1}) END"

    def edges(self, bins: int) -> Floats:
        """Where the bins end."""
        return np.linspace(self.low, self.high, bins + 1)


@dataclass(frozen=True)
class Picture:
    """What is drawn of one model.

    Attributes
    ----------
    values, errors : the ranges of true and predicted values, and of errors.
    cells : array of shape (true, predicted), cases by true and predicted value.
    bars : array of shape (bars,), cases by error.
    steps : for each range of true values its mean and the mean error with its interval.
    outside : cases that lie outside of the ranges.
    """

    values: Span
    errors: Span
    cells: npt.NDArray[np.int64]
    bars: npt.NDArray[np.int64]
    steps: list[tuple[float, Estimate]]
    outside: int

    @property
    def edges(self) -> Floats:
        """Where the bars end."""
        return self.errors.edges(len(self.bars))


def pictures(
    cases: Predictions,
    chosen: Sequence[str],
    level: float,
    progress: Progress,
    span: tuple[float, float],
) -> dict[str, Picture]:
    """Count what is drawn of the ``chosen`` models, by name."""
    low, high = span
    third = (high - low) / 3
    models = {name: cases.names.index(name) for name in chosen}
    ranges = _ranges(cases, list(models.values()), progress, (low, low + third))
    values, errors = {}, {}
    for i in models.values():
        both = [ranges["y"], ranges[f"p{i}"]]
        values[i] = _wide(Span(min(s.low for s in both), max(s.high for s in both)))
        errors[i] = _wide(ranges[f"e{i}"])
    # Rice's rule, within what a figure can show.
    bars = min(max(round(2 * cases.n ** (1 / 3)), _FEWEST_BARS), _MOST_BARS)
    asked = []
    for i in models.values():
        place = f"{values[i].bin('y', _CELLS)} * {_CELLS} + {values[i].bin(f'p{i}', _CELLS)}"
        asked += [place, errors[i].bin(f"p{i} - y", bars)]
    counted = histograms(
        cases.table,
        cases.source,
        asked,
        progress,
        "Counting for the figures",
        (low + third, low + 2 * third),
    )
    steps = _steps(
        cases, list(models.values()), ranges["y"], level, progress, (low + 2 * third, high)
    )
    found = {}
    for k, (name, i) in enumerate(models.items()):
        cells = _array(counted[2 * k], _CELLS**2).reshape(_CELLS, _CELLS)
        heights = _array(counted[2 * k + 1], bars)
        outside = cases.n - min(int(cells.sum()), int(heights.sum()))
        found[name] = Picture(values[i], errors[i], cells, heights, steps[i], outside)
    return found


def _array(counts: Mapping[int, int], bins: int) -> npt.NDArray[np.int64]:
    found = np.zeros(bins, dtype=np.int64)
    for place, count in counts.items():
        found[place] = count
    return found


def _wide(span: Span) -> Span:
    """The span, or one around its only number."""
    if span.width > _NARROWEST:
        return span
    margin = abs(span.low) / 2 or 0.5
    return Span(span.low - margin, span.high + margin)


def _ranges(
    cases: Predictions, models: Sequence[int], progress: Progress, span: tuple[float, float]
) -> dict[str, Span]:
    """Of truth, predictions and errors, without the few numbers that would squeeze all others.

    Where nearly all cases share a few of many bins, these bins are looked at again, finer.
    """
    seen = cases.seen
    sql = {"y": "y"}
    for i in models:
        sql |= {f"p{i}": f"p{i}", f"e{i}": f"p{i} - y"}
    found = {
        name: Span(seen.lowest[name], seen.highest[name])
        if name in seen.lowest
        else Span(-seen.largest[name], seen.largest[name])
        for name in sql
    }
    crowded = [name for name in sql if found[name].width > _NARROWEST]
    for _ in range(_MOST_ZOOMS):
        if not crowded:
            break
        counted = histograms(
            cases.table,
            cases.source,
            [found[name].bin(sql[name], _FINE) for name in crowded],
            progress,
            "Looking at the ranges",
            span,
        )
        looked_at, crowded = crowded, []
        for name, counts in zip(looked_at, counted, strict=True):
            cumulated = np.cumsum(_array(counts, _FINE)) / cases.n
            first = int(np.searchsorted(cumulated, _TAIL, side="right"))
            last = int(np.searchsorted(cumulated, cumulated[-1] - _TAIL))
            bins = last + 1 - first
            if bins > _FINE // 4 and name[0] != "e":
                continue
            edges, margin = found[name].edges(_FINE), bins // 8 + 1
            low, high = max(first - margin, 0), min(last + 1 + margin, _FINE)
            found[name] = Span(float(edges[low]), float(edges[high]))
            if bins < _FINE // 16 and edges[high] - edges[low] > 1e-9 * np.abs(edges).max():
                crowded.append(name)
    return found


def _steps(
    cases: Predictions,
    models: Sequence[int],
    values: Span,
    level: float,
    progress: Progress,
    span: tuple[float, float],
) -> dict[int, list[tuple[float, Estimate]]]:
    """Mean error in ranges of the true value that hold two cases or groups."""
    values = _wide(values)
    y = f"(y - {values.low!r}) / {values.width!r}"
    terms = {"y": f"CASE WHEN {y} BETWEEN 0 AND 1 THEN {y} ELSE 0 END"}
    terms |= {f"e{i}": cases.error(i)[0] for i in models}
    products = [("y", "y"), *((f"e{i}", f"e{i}") for i in models)]
    source = f"(SELECT *, {values.bin('y', _STEPS)} AS step FROM {cases.source})"  # noqa: S608
    sums = Sums(
        cases.table, "steps", source, terms, products, ["step", *cases.keys.columns], progress, span
    )
    found: dict[int, list[tuple[float, Estimate]]] = {i: [] for i in models}
    units = "n" if not cases.keys.grouped else "1"
    several = cases.table.rows(
        f"SELECT step FROM steps WHERE step IS NOT NULL GROUP BY step HAVING sum({units}) > 1 "  # noqa: S608
        "ORDER BY step",
        progress,
        "Adding up",
        (span[1], span[1]),
    )
    for (step,) in several:
        where = f"step = {step}"
        at = values.low + values.width * float(sums.moments(["y"], where).means[0])
        for i in models:
            moments, unit = sums.moments([f"e{i}"], where), cases.error(i)[1]
            mean = moments.evaluation("mean error", ["mean"], moments.means * unit, [[unit]])
            found[i].append((at, mean.estimates(level=level)["mean"]))
    return found


def predicted_figure(found: Mapping[str, Picture], unit: str) -> Figure:
    """Predicted against true values."""
    figure, panels = _panels(found, "true value", "predicted value", unit)
    with style():
        for axes, picture in zip(panels, found.values(), strict=True):
            _draw_cells(axes, picture)
    rows = [
        (cell(name), *ends, int(picture.cells[i, j]))
        for name, picture in found.items()
        for i, j in zip(*np.nonzero(picture.cells), strict=True)
        for ends in [(*_ends(picture.values, _CELLS, i), *_ends(picture.values, _CELLS, j))]
    ]
    columns = (
        Column("model", "text", "Model"),
        Column("true_from", "number", "True from", unit),
        Column("true_to", "number", "to", unit),
        Column("predicted_from", "number", "Predicted from", unit),
        Column("predicted_to", "number", "to", unit),
        Column("cases", "integer", "Cases"),
    )
    title = "Predicted against true values; on the line, they are equal"
    return Figure.from_matplotlib(
        figure,
        name="predicted",
        title=title,
        alt=f"For each of {len(found)} model(s) the density of cases by true and predicted value, "
        "around the line where both are equal.",
        data=Table("predicted", title, columns, tuple(rows)),
    )


def errors_figure(found: Mapping[str, Picture], unit: str) -> Figure:
    """How the errors are distributed."""
    figure, panels = _panels(
        found, "error: predicted less true value", "cases", unit, "", shared=True
    )
    with style():
        for axes, picture in zip(panels, found.values(), strict=True):
            axes.stairs(picture.bars, picture.edges, fill=True, color=ACCENT, alpha=0.75)
            axes.axvline(0, color=_EDGE, linestyle="--", linewidth=1.0)
    rows = [
        (cell(name), *_ends(picture.errors, len(picture.bars), i), int(count))
        for name, picture in found.items()
        for i, count in enumerate(picture.bars)
    ]
    columns = (
        Column("model", "text", "Model"),
        Column("from", "number", "Error from", unit),
        Column("to", "number", "to", unit),
        Column("cases", "integer", "Cases"),
    )
    title = "Distribution of the errors"
    return Figure.from_matplotlib(
        figure,
        name="errors",
        title=title,
        alt=f"Histogram of the errors of each of {len(found)} model(s), with a line at 0.",
        data=Table("error_counts", title, columns, tuple(rows)),
    )


def bias_figure(found: Mapping[str, Picture], unit: str, level: float) -> Figure:
    """The mean error where the truth is low, and where it is high."""
    figure, panels = _panels(found, "true value", "mean error", unit, shared=True)
    with style():
        for axes, picture in zip(panels, found.values(), strict=True):
            at = [place for place, _ in picture.steps]
            means = [e.value for _, e in picture.steps]
            axes.fill_between(
                at,
                [e.low for _, e in picture.steps],
                [e.high for _, e in picture.steps],
                color=ACCENT,
                alpha=0.25,
                linewidth=0,
            )
            axes.plot(at, means, "o-", color=ACCENT, markersize=4)
            axes.axhline(0, color=_EDGE, linestyle="--", linewidth=1.0)
    rows = [
        (cell(name), at, e.n, e.value, e.low, e.high)
        for name, picture in found.items()
        for at, e in picture.steps
    ]
    columns = (
        Column("model", "text", "Model"),
        Column("true", "number", "Mean true value", unit),
        Column("n", "integer", "Cases"),
        Column("error", "number", "Mean error", unit),
        Column("low", "number", "Low", unit),
        Column("high", "number", "High", unit),
    )
    title = f"Mean error by true value, each with its {percent(level)} interval"
    return Figure.from_matplotlib(
        figure,
        name="bias",
        title=title,
        alt=f"For each of {len(found)} model(s) the mean error in ranges of the true value, with "
        "a band for its interval and a line at 0.",
        data=Table("bias", title, columns, tuple(rows)),
    )


def _ends(span: Span, bins: int, i: int) -> tuple[float, float]:
    edges = span.edges(bins)
    return float(edges[i]), float(edges[i + 1])


def _panels(
    found: Mapping[str, Picture],
    xlabel: str,
    ylabel: str,
    unit: str,
    y_unit: str | None = None,
    *,
    shared: bool = False,
) -> "tuple[MatplotlibFigure, list[Axes]]":
    """One panel for each model, with its name; ``shared`` axes if the errors are alike in size."""
    from matplotlib import pyplot as plt

    across = min(len(found), _COLUMNS)
    down = -(-len(found) // across)
    widths = [picture.errors.width for picture in found.values()]
    shared = shared and max(widths) < _ALIKE * min(widths)
    with style():
        figure, grid = plt.subplots(
            down,
            across,
            figsize=(max(4.6, 3.2 * across), 0.4 + (3.4 if across == 1 else 2.9) * down),
            layout="constrained",
            squeeze=False,
            sharex=shared,
            sharey=shared,
        )
        panels = list(grid.flat)
        for extra in panels[len(found) :]:
            extra.remove()
        panels = panels[: len(found)]
        for axes, name in zip(panels, row_names(found, 28), strict=True):
            axes.set_title(name, parse_math=False, fontsize="medium")
        if y_unit is None:
            y_unit = unit
        figure.supxlabel(f"{xlabel} [{unit}]" if unit else xlabel, fontsize="medium")
        figure.supylabel(f"{ylabel} [{y_unit}]" if y_unit else ylabel, fontsize="medium")
    return figure, panels


def _draw_cells(axes: "Axes", picture: Picture) -> None:
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    low, high = picture.values.low, picture.values.high
    cells = np.ma.masked_equal(picture.cells.T, 0)
    shades = LinearSegmentedColormap.from_list("evidesk", ["#a9d3d0", ACCENT, "#052f2f"])
    axes.imshow(
        cells,
        origin="lower",
        extent=(low, high, low, high),
        cmap=shades,
        norm=LogNorm(1, max(2, int(picture.cells.max()))),
        interpolation="nearest",
    )
    axes.plot((low, high), (low, high), color=_EDGE, linestyle="--", linewidth=1.0)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
