"""Do the intervals for metrics of labels reach their level?

Coverage by simulation of confusion matrices, over accuracies from 0.5 to 0.999, 20 to 10 000 cases,
2 to 50 classes, balanced and imbalanced, for independent and for grouped cases. The truth is the
metric of the population's own matrix. ``python studies/confusion_coverage.py`` writes
``docs/tables/confusion_*.md``.
"""

import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from confusion_intervals import delta_intervals, few_errors, silent, wilson_intervals

from evidesk.methods.metrics import ConfusionMatrix
from evidesk.methods.metrics.label_metrics import LabelMetric, label_metric
from evidesk.methods.metrics.margins import Margins

Floats = npt.NDArray[np.float64]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
SIZES = (20, 50, 200, 1000, 10_000)
ACCURACIES = (0.5, 0.7, 0.9, 0.97, 0.99, 0.999)
CLASSES = (2, 3, 10, 50)
#: A design counts among the unwarned ones if at least this share of its samples is. Else the few
#: unwarned samples are an odd choice, and all of them are judged together.
ENOUGH = 0.5


@dataclass(frozen=True)
class Design:
    """Population and sample: classes, accuracy, cases; or groups of cases."""

    k: int
    balanced: bool
    n: int
    accuracy: float
    groups: int = 0  # of n / groups cases each; 0 for independent cases
    class_icc: float = 0.0  # how alike the true classes of a group are
    icc: float = 0.3  # how alike the correctness of a group's cases is

    @property
    def seed(self) -> int:
        return zlib.crc32(repr(self).encode())

    @property
    def shares(self) -> Floats:
        """Share of each class."""
        weights = np.ones(self.k) if self.balanced else 0.6 ** np.arange(self.k)
        return weights / weights.sum()

    @property
    def population(self) -> Floats:
        """Probability of each cell: errors go to the other classes alike."""
        errors = np.full((self.k, self.k), (1 - self.accuracy) / (self.k - 1))
        np.fill_diagonal(errors, self.accuracy)
        return self.shares[:, None] * errors


GRID = tuple(
    Design(k, balanced, n, accuracy)
    for k in CLASSES
    for balanced in (True, False)
    for n in SIZES
    for accuracy in ACCURACIES
)
GROUPED = tuple(
    Design(k, balanced, groups * size, accuracy, groups, class_icc)
    for groups, size in ((10, 20), (40, 5), (30, 20), (200, 5))
    for k, balanced in ((2, True), (2, False), (10, True))
    for accuracy in (0.7, 0.9, 0.97)
    for class_icc in (0.0, 0.3)
)


def metrics(k: int) -> dict[str, LabelMetric]:
    """The metrics studied, by name; the class of class-wise ones is the rarest, the last."""
    rare = k - 1
    return {
        "accuracy": label_metric("accuracy"),
        "recall of a class": label_metric("recall", rare),
        "precision of a class": label_metric("precision", rare),
        "specificity of a class": label_metric("specificity", rare),
        "Jaccard of a class": label_metric("jaccard", rare),
        "F1 of a class": label_metric("f1", rare),
        "F2 of a class": label_metric("fbeta", rare, beta=2.0),
        "macro F1": label_metric("f1", "macro"),
        "macro recall": label_metric("recall", "macro"),
        "macro precision": label_metric("precision", "macro"),
        "macro Jaccard": label_metric("jaccard", "macro"),
        "balanced accuracy": label_metric("balanced_accuracy"),
        "weighted F1": label_metric("f1", "weighted"),
        "weighted precision": label_metric("precision", "weighted"),
        "MCC": label_metric("mcc"),
        "Cohen's kappa": label_metric("cohen_kappa"),
        "quadratic kappa": label_metric("cohen_kappa", weights="quadratic", k=k),
    }


def matrices(design: Design, runs: int) -> Floats:
    """Counts of simulated samples, shape (runs, k, k) or (runs, groups, k, k)."""
    rng = np.random.default_rng(design.seed)
    k, p = design.k, design.accuracy
    if not design.groups:
        drawn = rng.multinomial(design.n, design.population.ravel(), size=runs)
        return drawn.reshape(runs, k, k).astype(np.float64)
    shape = (runs, design.groups)
    classes = np.broadcast_to(design.shares, (*shape, k))
    if design.class_icc:
        # Dirichlet whose weights sum to 1 / icc - 1 has intraclass correlation icc.
        classes = rng.dirichlet(design.shares * (1 / design.class_icc - 1), size=shape)
    right = rng.beta(p * (1 / design.icc - 1), (1 - p) * (1 / design.icc - 1), size=shape)
    cells = np.repeat(((1 - right) / (k - 1))[..., None], k * k, axis=-1).reshape(*shape, k, k)
    cells[..., np.arange(k), np.arange(k)] = right[..., None]
    cells *= classes[..., None]
    flat = cells.reshape(*shape, k * k)
    size = design.n // design.groups
    return rng.multinomial(size, flat / flat.sum(-1, keepdims=True)).reshape(*shape, k, k) * 1.0


@dataclass(frozen=True)
class Cell:
    """Coverage of one metric's interval in one design.

    ``coverage`` and ``width`` are over the ``runs`` that do not warn, of the ``drawn`` ones that
    have an interval; ``every`` is the coverage over all of these.
    """

    design: Design
    metric: str
    method: str
    coverage: float
    width: float
    runs: int
    drawn: int
    every: float

    @property
    def error(self) -> float:
        """Monte-Carlo standard error of the coverage."""
        return float(np.sqrt(self.coverage * (1 - self.coverage) / self.runs))


def coverage(design: Design, runs: int, level: float = 0.95) -> Iterator[Cell]:
    """Of all metrics in one design."""
    counts = matrices(design, runs)
    for name, metric in metrics(design.k).items():
        truth = float(metric.at(Margins.of(design.population, metric.cost)).value)
        method = "delta" if metric.share is None else "wilson"
        make = delta_intervals if metric.share is None else wilson_intervals
        with np.errstate(all="ignore"):
            low, high = make(metric, counts, level)
        given = np.isfinite(low) & np.isfinite(high)
        trusted = silent(metric, counts) & given
        # Rounding errors decide nothing.
        held = (low <= truth + 1e-12) & (truth - 1e-12 <= high)
        some = trusted if trusted.any() else given
        yield Cell(
            design,
            name,
            method,
            float(held[some].mean()),
            float((high - low)[some].mean()),
            int(trusted.sum()),
            int(given.sum()),
            float(held[given].mean()),
        )


BOOTSTRAPPED = {
    "macro F1": {"metric": "f1", "average": "macro"},
    "balanced accuracy": {"metric": "balanced_accuracy"},
    "MCC": {"metric": "mcc"},
}


def bootstrap_coverage(design: Design, runs: int, level: float = 0.95) -> Iterator[Cell]:
    """Of the bootstraps, by the library's own functions; 1 000 resamples."""
    samples = matrices(design, runs)
    for name, options in BOOTSTRAPPED.items():
        metric = metrics(design.k)[name]
        truth = float(metric.at(Margins.of(design.population)).value)
        samples_kept = samples[silent(metric, samples) & ~few_errors(samples)]
        for method in ("percentile", "bca"):
            held, widths = [], []
            for seed, counts in enumerate(samples_kept):
                found = ConfusionMatrix.from_counts(counts).estimate(
                    **options, method=method, level=level, resamples=1000, random_state=seed
                )
                held.append(found.low <= truth <= found.high)
                widths.append(found.high - found.low)
            if held:
                rate, width = float(np.mean(held)), float(np.mean(widths))
                yield Cell(design, name, method, rate, width, len(held), runs, np.nan)


def summary(cells: list[Cell]) -> list[str]:
    """Lines of a table: mean and extreme coverage of each metric and method."""
    lines = [
        "| metric | method | designs | mean | lowest | highest | 93 to 97 % | below 93 % | lowest "
        "at | warned |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: |",
    ]
    for name, method in dict.fromkeys((cell.metric, cell.method) for cell in cells):
        mine = [cell for cell in cells if (cell.metric, cell.method) == (name, method)]
        rates = np.round([100 * cell.coverage for cell in mine], 1)
        worst = mine[int(rates.argmin())]
        within = 100 * np.mean((rates >= 93) & (rates <= 97))
        below = 100 * np.mean(rates < 93)
        lines.append(
            f"| {name} | {method} | {len(mine)} | {rates.mean():.1f} | {rates.min():.1f} | "
            f"{rates.max():.1f} | {within:.0f} % | {below:.0f} % | {described(worst.design)} | "
            f"{100 - 100 * np.mean([cell.runs / cell.drawn for cell in mine]):.0f} % |"
        )
    return lines


def warned_of(cells: list[Cell]) -> list[str]:
    """Lines of a table: the designs in which most samples are warned of, over all samples."""
    lines = [
        "| metric | designs | mean | lowest | below 93 % | lowest at |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for name in dict.fromkeys(cell.metric for cell in cells):
        mine = [cell for cell in cells if cell.metric == name]
        rates = np.round([100 * cell.coverage for cell in mine], 1)
        lines.append(
            f"| {name} | {len(mine)} | {rates.mean():.1f} | {rates.min():.1f} | "
            f"{100 * np.mean(rates < 93):.0f} % | {described(mine[int(rates.argmin())].design)} |"
        )
    return lines


def described(design: Design) -> str:
    """A design in few words."""
    cases = f"n = {design.n:,}"
    if design.groups:
        cases = f"{design.groups} groups of {design.n // design.groups}"
    balance = "" if design.balanced else " imbalanced"
    return f"{cases}, {design.k}{balance} classes, accuracy {design.accuracy}"


def note(cells: list[Cell], runs: str) -> str:
    """How certain the table is."""
    error = 100 * max(cell.error for cell in cells)
    return f"*{runs} simulated samples for each design; Monte-Carlo error at most {error:.1f}.*"


def detail(cells: list[Cell], metric: str) -> list[str]:
    """Lines of a table: coverage of one metric in every design of the grid."""
    found = {cell.design: cell for cell in cells if cell.metric == metric}
    lines = [
        f"| classes | n | {' | '.join(f'accuracy {p}' for p in ACCURACIES)} |",
        f"| --- | ---: |{' ---: |' * len(ACCURACIES)}",
    ]
    for design in dict.fromkeys((d.k, d.balanced, d.n) for d in found):
        k, balanced, n = design
        row = (found.get(Design(k, balanced, n, p)) for p in ACCURACIES)
        shown = ("warns" if cell is None else f"{100 * cell.coverage:.1f}" for cell in row)
        name = f"{k}" if balanced else f"{k}, imbalanced"
        lines.append(f"| {name} | {n:,} | {' | '.join(shown)} |")
    return lines


def parted(cells: Iterable[Cell]) -> tuple[list[Cell], list[Cell]]:
    """Cells of designs that are mostly not warned of; and all samples of those that mostly are."""
    quiet, warned = [], []
    for cell in cells:
        if cell.runs >= ENOUGH * cell.drawn:
            quiet.append(cell)
        else:
            warned.append(replace(cell, coverage=cell.every, runs=cell.drawn))
    return quiet, warned


def independent(runs: int) -> dict[str, list[str]]:
    """Tables of independent cases."""
    fewer = runs // 2
    cells, warned = parted(
        cell for design in GRID for cell in coverage(design, runs if design.k < 50 else fewer)
    )
    counted = f"{runs:,} (for 50 classes {fewer:,})"
    return {
        "independent": [*summary(cells), "", note(cells, counted)],
        "warned": [*warned_of(warned), "", note(warned, counted)],
        "macro_f1": [*detail(cells, "macro F1"), "", note(cells, counted)],
    }


def groups(runs: int) -> dict[str, list[str]]:
    """Tables of grouped cases."""
    cells, warned = parted(cell for design in GROUPED for cell in coverage(design, runs))
    return {
        "groups": [*summary(cells), "", note(cells, f"{runs:,}")],
        "groups_warned": [*warned_of(warned), "", note(warned, f"{runs:,}")],
    }


def bootstrap(runs: int) -> dict[str, list[str]]:
    """Table of the bootstraps."""
    fewer = 400 * runs // 3_000
    designs = [d for d in GRID if d.k in (2, 10) and d.n in (50, 200, 1000)]
    designs = [d for d in designs if d.accuracy in (0.7, 0.9)]
    cells, _ = parted(cell for design in designs for cell in bootstrap_coverage(design, fewer))
    return {"bootstrap": [*summary(cells), "", note(cells, f"{fewer:,}")]}


PARTS = {"independent": independent, "groups": groups, "bootstrap": bootstrap}


def main(names: Iterable[str] = (), runs: int = 3_000) -> None:
    """Write the tables of all parts, or of those that are named."""
    TABLES.mkdir(parents=True, exist_ok=True)
    for part in names or PARTS:
        for name, lines in PARTS[part](runs).items():
            text = "\n".join([*lines, ""])
            (TABLES / f"confusion_{name}.md").write_text(text)
            sys.stdout.write(f"{name}\n{text}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
