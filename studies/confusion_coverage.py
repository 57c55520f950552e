"""Do the intervals for metrics of labels reach their level?

Coverage by simulation of confusion matrices, over accuracies from 0.5 to 0.999, 20 to 10 000 cases,
2 to 50 classes, balanced and imbalanced, for independent and for grouped cases. The truth is the
metric of the population's own matrix. ``python studies/confusion_coverage.py`` writes
``docs/tables/confusion_*.md``.

Thousands of matrices are computed at once here, from the library's metrics, slopes and scales; a
test holds that this gives the intervals of the public functions.
"""

import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics import ConfusionMatrix
from evidesk.methods.metrics.clusters import t_critical_value
from evidesk.methods.metrics.label_estimates import FEW_CASES, MOST_OF_RARE
from evidesk.methods.metrics.label_metrics import LabelMetric, label_metric
from evidesk.methods.metrics.margins import Margins, Point
from evidesk.methods.metrics.proportion import POOR_BELOW, critical_value, interval
from evidesk.methods.metrics.scales import scaled_interval
from evidesk.methods.metrics.units import Units, effective_units

Floats = npt.NDArray[np.float64]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
SIZES = (20, 50, 200, 1000, 10_000)
ACCURACIES = (0.5, 0.7, 0.9, 0.97, 0.99, 0.999)
CLASSES = (2, 3, 10, 50)
#: A cell of the grid counts with at least so many runs without a warning.
ENOUGH = 200


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
    room = 1 - bottom / n[:, None]
    errors = (top - p[:, None] * bottom) / np.sqrt(np.where(room > 0, room, np.inf))
    effective = n**2 / np.maximum((bottom**2).sum(axis=1), 1)
    independent = p * (1 - p) * n
    squares = (errors**2).sum(axis=1)
    effect = np.divide(squares, independent, out=n / effective, where=independent > 0)
    units = effective
    if not overall:
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


def few_errors(counts: Floats) -> npt.NDArray[np.bool_]:
    """Samples for which the bootstrap comes with a warning."""
    margins = Margins.of(counts)
    right = margins.hits.sum(axis=-1)
    return np.minimum(right, margins.n - right) < POOR_BELOW


@dataclass(frozen=True)
class Cell:
    """Coverage of one metric's interval in one design, over the runs that do not warn."""

    design: Design
    metric: str
    method: str
    coverage: float
    width: float
    runs: int
    drawn: int

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
        trusted = silent(metric, counts) & np.isfinite(low) & np.isfinite(high)
        if not trusted.any():
            continue
        # Rounding errors decide nothing.
        held = (low <= truth + 1e-12) & (truth - 1e-12 <= high)
        yield Cell(
            design,
            name,
            method,
            float(held[trusted].mean()),
            float((high - low)[trusted].mean()),
            int(trusted.sum()),
            runs,
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
                yield Cell(design, name, method, rate, width, len(held), runs)


def summary(cells: list[Cell]) -> list[str]:
    """Lines of a table: mean and extreme coverage of each metric and method."""
    lines = [
        "| metric | method | designs | mean | lowest | highest | 93 to 97 % | below 93 % | lowest "
        "at |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, method in dict.fromkeys((cell.metric, cell.method) for cell in cells):
        mine = [cell for cell in cells if (cell.metric, cell.method) == (name, method)]
        rates = np.round([100 * cell.coverage for cell in mine], 1)
        worst = mine[int(rates.argmin())]
        within = 100 * np.mean((rates >= 93) & (rates <= 97))
        below = 100 * np.mean(rates < 93)
        lines.append(
            f"| {name} | {method} | {len(mine)} | {rates.mean():.1f} | {rates.min():.1f} | "
            f"{rates.max():.1f} | {within:.0f} % | {below:.0f} % | {described(worst.design)} |"
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


def enough(cells: Iterator[Cell], least: int = ENOUGH) -> list[Cell]:
    """Only cells whose coverage is known well enough."""
    return [cell for cell in cells if cell.runs >= min(least, cell.drawn)]


def main(runs: int = 2_000, bootstraps: int = 400) -> None:
    """Write all tables."""
    cells = enough(
        cell for design in GRID for cell in coverage(design, runs if design.k < 50 else runs // 4)
    )
    grouped = enough(cell for design in GROUPED for cell in coverage(design, runs // 2))
    subset = [d for d in GRID if d.k in (2, 10) and d.n in (50, 200, 1000)]
    subset = [d for d in subset if d.accuracy in (0.7, 0.9)]
    drawn = enough(cell for design in subset for cell in bootstrap_coverage(design, bootstraps))
    counted = f"{runs:,} (for 50 classes {runs // 4:,})"
    tables = {
        "independent": [*summary(cells), "", note(cells, counted)],
        "macro_f1": [*detail(cells, "macro F1"), "", note(cells, counted)],
        "groups": [*summary(grouped), "", note(grouped, f"{runs // 2:,}")],
        "bootstrap": [*summary(drawn), "", note(drawn, f"{bootstraps:,}")],
    }
    TABLES.mkdir(parents=True, exist_ok=True)
    for name, lines in tables.items():
        text = "\n".join([*lines, ""])
        (TABLES / f"confusion_{name}.md").write_text(text)
        sys.stdout.write(f"{name}\n{text}\n")


if __name__ == "__main__":
    main()
