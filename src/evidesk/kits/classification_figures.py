"""Figures and tables of the kit ``classification``: metrics, classes and confusions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evidesk.evidence import Column, Estimate, Figure, Table, forest_plot, style
from evidesk.evidence.plot import ACCENT
from evidesk.kits.class_shares import Codes, Shares
from evidesk.kits.wording import cell, drawing, percent, root, row_names, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Classes that a confusion matrix can show so that its cells are read.
MOST_IN_MATRIX = 20
#: Up to so many classes, cells of the matrix without a case are shown with their interval.
_FEW = 6
_MOST_ROWS = 40
_MOST_PAIRS = 25
_MOST_CLASS_ROWS = 5_000
_WIDTH = 7.2
_DARK = "#1f2937"
_SECOND = "#D55E00"
_SHARES = ("recall", "precision", "f1", "iou")
_TITLES = {"recall": "Recall", "precision": "Precision", "f1": "F1", "iou": "IoU"}
_CLASS_COLUMNS = (
    Column("class", "text", "Class"),
    Column("metric", "text", "Metric"),
    Column("value", "number", "Value"),
    Column("low", "number", "Low"),
    Column("high", "number", "High"),
    Column("n", "integer", "Cases"),
)


def metrics_table(estimates: Mapping[str, Mapping[str, Estimate]]) -> Table:
    """Each model's metrics; ``estimates`` are by model and by the metric's name."""
    return Table(
        "metrics",
        "Metrics of each model",
        (
            Column("model", "text", "Model"),
            Column("metric", "text", "Metric"),
            Column("value", "number", "Value"),
            Column("low", "number", "Low"),
            Column("high", "number", "High"),
            Column("n", "integer", "Cases"),
            Column("method", "text", "Interval"),
        ),
        tuple(
            (cell(model), metric, e.value, e.low, e.high, e.n, _interval(e))
            for model, found in estimates.items()
            for metric, e in found.items()
        ),
    )


def _interval(estimate: Estimate) -> str:
    over = "" if estimate.over == "cases" else f" over {estimate.over}"
    return f"{estimate.method}{over}"


def metric_figures(estimates: Mapping[str, Mapping[str, Estimate]], data: Table) -> list[Figure]:
    """One forest plot of all metrics of one model, or of all models for each metric."""
    first = next(iter(estimates.values()))
    level = percent(next(iter(first.values())).level)
    if len(estimates) == 1:
        return [
            figure(
                forest_plot(first),
                "metrics",
                f"Metrics with {level} intervals",
                f"Interval plot of {len(first)} metrics: "
                + ", ".join(f"{name} {e.value:.3f}" for name, e in first.items())
                + ".",
                data,
            )
        ]
    names = dict(zip(estimates, row_names(estimates), strict=True))
    figures = []
    for metric in first:
        rows = {names[m]: found[metric] for m, found in estimates.items() if metric in found}
        values = [e.value for e in rows.values()]
        figures.append(
            figure(
                forest_plot(rows, xlabel=metric),
                f"metric-{_slug(metric)}",
                f"{metric[0].upper()}{metric[1:]} with {level} intervals",
                f"Interval plot of the {metric} of {len(rows)} models, from {min(values):.3f} to "
                f"{max(values):.3f}.",
                data,
            )
        )
    return figures


def classes_table(labels: Sequence[str], shares: Mapping[str, Mapping[str, Shares]]) -> Table:
    """Recall, precision, F1 and IoU of each class; of very many, of the most frequent ones."""
    rows: list[tuple[Any, ...]] = []
    for model, found in shares.items():
        seen = found["recall"].n + found["precision"].n
        most = np.argsort(-seen, kind="stable")[: max(1, _MOST_CLASS_ROWS // len(shares))]
        rows += [(cell(model), *row) for row in _class_rows(labels, np.sort(most), found, _SHARES)]
    columns = (Column("model", "text", "Model"), *_CLASS_COLUMNS)
    return Table("classes", "Each class", columns, tuple(rows))


def _class_rows(
    labels: Sequence[str], classes: Codes, found: Mapping[str, Shares], keys: Sequence[str]
) -> list[tuple[Any, ...]]:
    return [
        (
            cell(labels[c]),
            _TITLES[key],
            *(float(getattr(found[key], end)[c]) for end in ("value", "low", "high")),
            int(found[key].n[c]),
        )
        for c in classes.tolist()
        for key in keys
        if found[key].n[c] > 0
    ]


def classes_figure(
    name: str, model: str, labels: Sequence[str], found: Mapping[str, Shares], level: float
) -> Figure:
    """Recall and precision of each class; of many, of those with the lowest recall."""
    recall, precision = found["recall"], found["precision"]
    rows = np.flatnonzero(recall.n + precision.n > 0)
    known = np.where(recall.n > 0, recall.value, 2)
    some = len(rows) > _MOST_ROWS
    if some:
        rows = rows[np.argsort(known[rows], kind="stable")[:_MOST_ROWS]]
    names = row_names([labels[int(c)] for c in rows])
    with style(), drawing():
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(_WIDTH, 1.2 + 0.38 * len(rows)), layout="constrained")
        for shares, colour, mark, shift, word in (
            (recall, ACCENT, "o", -0.13, "recall"),
            (precision, _SECOND, "s", 0.13, "precision"),
        ):
            there = shares.n[rows] > 0
            at, y = rows[there], np.flatnonzero(there) + shift
            ax.hlines(y, shares.low[at], shares.high[at], color=colour, linewidth=1.8)
            ax.plot(shares.value[at], y, mark, color=colour, markersize=5, label=word)
        ax.set_yticks(range(len(rows)), names, parse_math=False)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        ax.spines["left"].set_visible(False)
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    return figure(
        ax,
        name,
        titled(
            model,
            f"recall and precision of each class, with {percent(level)} intervals"
            + (f" (the {_MOST_ROWS} with the lowest recall)" if some else ""),
        ),
        f"For each of {len(rows)} classes its recall and its precision with intervals.",
        Table(
            name,
            "Recall and precision of each class",
            _CLASS_COLUMNS,
            tuple(_class_rows(labels, rows, found, ("recall", "precision"))),
        ),
    )


def confusion_figure(
    name: str,
    model: str,
    labels: Sequence[str],
    cells: tuple[Codes, Codes, Shares],
    level: float,
) -> Figure:
    """The confusion matrix with the interval of each cell, or the most confused pairs."""
    truth, said, shares = cells
    table = Table(
        name,
        titled(model, "how often each true class got each prediction"),
        (
            Column("true", "text", "True"),
            Column("predicted", "text", "Predicted"),
            Column("cases", "integer", "Cases"),
            Column("share", "number", "Share of the true class"),
            Column("low", "number", "Low"),
            Column("high", "number", "High"),
        ),
        tuple(
            (cell(labels[t]), cell(labels[s]), int(count), value, low, high)
            for t, s, count, n, value, low, high in zip(
                truth,
                said,
                shares.count,
                shares.n,
                shares.value,
                shares.low,
                shares.high,
                strict=True,
            )
            if n > 0 and (count > 0 or len(labels) <= _FEW)
        ),
    )
    if len(labels) <= MOST_IN_MATRIX:
        with drawing():
            axes = _matrix(row_names(labels, 24), cells)
        title = f"confusion matrix, shares of the true class with {percent(level)} intervals"
        alt = f"Confusion matrix of {len(labels)} classes, each cell with its share and interval."
    else:
        errors = np.flatnonzero((truth != said) & (shares.count > 0))
        errors = errors[np.argsort(-shares.count[errors], kind="stable")[:_MOST_PAIRS]]
        errors = errors[np.argsort(-shares.value[errors], kind="stable")]
        if not len(errors):
            errors = np.arange(min(len(truth), _MOST_PAIRS))
        pairs = row_names(
            [f"{shown(labels[truth[i]], 24)} → {shown(labels[said[i]], 24)}" for i in errors], 60
        )
        rows = {
            pair: Estimate(
                float(shares.value[i]),
                float(shares.low[i]),
                float(shares.high[i]),
                level,
                "wilson",
                int(shares.n[i]),
            )
            for pair, i in zip(pairs, errors, strict=True)
        }
        with drawing():
            axes = forest_plot(rows, xlabel="share of the true class")
        title = f"the pairs that are confused most (true → predicted), {percent(level)} intervals"
        alt = f"Interval plot of the {len(rows)} pairs of classes that are confused most."
    return figure(axes, name, titled(model, title), alt, table)


def _matrix(names: Sequence[str], cells: tuple[Codes, Codes, Shares]) -> "Axes":
    from matplotlib.colors import LinearSegmentedColormap

    truth, said, shares = cells
    k = len(names)
    grid = np.zeros((k, k))
    grid[truth, said] = shares.value
    colours = LinearSegmentedColormap.from_list("evidesk", ["#ffffff", ACCENT])
    with style():
        ax = wide_axes(1.6 + max(0.62 * k, 1.8))
        # Errors are few where a model is any good: the root lets them be seen.
        ax.imshow(np.sqrt(grid), cmap=colours, vmin=0, vmax=1)
        for t, s, n, count, value, low, high in zip(
            truth, said, shares.n, shares.count, shares.value, shares.low, shares.high, strict=True
        ):
            if n == 0 or (count == 0 and k > _FEW):
                continue
            colour = "white" if np.sqrt(value) > 0.6 else _DARK
            ax.text(s, t - 0.03, _two(value), ha="center", va="bottom", fontsize=9, color=colour)
            ax.text(
                s,
                t + 0.06,
                f"{_two(low, '0')}–{_two(high)}",
                ha="center",
                va="top",
                fontsize=6.5,
                color=colour,
            )
        turn: dict[str, Any] = {"rotation": 45, "ha": "left", "rotation_mode": "anchor"}
        ax.set_xticks(range(k), names, parse_math=False, **(turn if _turned(names) else {}))
        ax.set_yticks(range(k), names, parse_math=False)
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")
        ax.set(xlabel="predicted", ylabel="true")
        ax.grid(visible=False)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_xticks(np.arange(k + 1) - 0.5, minor=True)
        ax.set_yticks(np.arange(k + 1) - 0.5, minor=True)
        ax.grid(which="minor", color="#e5e7eb", linewidth=0.8)
        ax.tick_params(which="minor", length=0)
    return ax


def figure(axes: "Axes", name: str, title: str, alt: str, data: Table) -> Figure:
    """What was drawn, as a figure."""
    with drawing():
        return Figure.from_matplotlib(root(axes), name=name, title=title, alt=alt, data=data)


def titled(model: str, title: str) -> str:
    """The title, after the model's name where there are several."""
    return f"{shown(model, 60)}: {title}" if model else title[0].upper() + title[1:]


def _two(share: float, little: str = "<.01") -> str:
    """A share with two digits and without the zero: ``.94``, ``1``, ``0``, ``<.01``."""
    if 0 < share < 0.005:
        return little
    text = f"{share:.2f}"
    return {"0.00": "0", "1.00": "1"}.get(text, text[1:])


def _turned(names: Sequence[str]) -> bool:
    """Whether names over the columns would run into each other."""
    longest = max(map(len, names))
    return longest > (14 if len(names) <= 4 else 4)


def wide_axes(height: float) -> "Axes":
    """Axes in the middle of a figure as wide as the others, which pages scale to their width."""
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    size = max(_WIDTH, height + 0.4), height
    with style():
        drawn, ax = plt.subplots(figsize=size, layout="constrained")
    drawn.add_artist(Line2D((0, 1), (0, 0), alpha=0))
    return ax


def _slug(metric: str) -> str:
    return "-".join(metric.lower().split())
