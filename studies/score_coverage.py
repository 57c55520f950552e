"""Do the intervals and bands of metrics of scores reach their level?

Scores are simulated: two normal distributions of equal width, or two exponential ones, whose tails
are a harder case. True values come from integration over the distributions. ``python
studies/score_coverage.py`` writes ``docs/tables/score_*.md``; names of tables may follow.
"""

import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate
from evidesk.methods.metrics import (
    PoorApproximationWarning,
    PrecisionRecallCurve,
    RocCurve,
    auroc,
    average_precision,
    brier,
    evaluate_scores,
    expected_calibration_error,
    log_loss,
    precision_recall_curve,
    roc_curve,
)

Floats = npt.NDArray[np.float64]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
AREAS = (0.6, 0.8, 0.9, 0.95, 0.99)
PREVALENCES = (0.5, 0.2, 0.05)
SIZES = (20, 50, 200, 1000, 10_000)
#: Quantiles at which true values are summed.
_GRID = (np.arange(400_000) + 0.5) / 400_000


@dataclass(frozen=True)
class Population:
    """Scores of two classes with a known AUROC, and a model's probabilities.

    ``sharpness`` 1 makes the probabilities of a normal population the true ones; 2 doubles their
    log-odds.
    """

    area: float
    prevalence: float
    exponential: bool = False
    sharpness: float = 1.0

    @cached_property
    def shift(self) -> float:
        """Distance of the means, or ratio of the scales."""
        if self.exponential:
            return self.area / (1 - self.area)
        return float(np.sqrt(2) * special.ndtri(self.area))

    def scores(
        self, y: npt.NDArray[np.bool_], noise: Floats | None = None, seed: int = 0
    ) -> Floats:
        """Scores of cases with labels ``y``."""
        rng = np.random.default_rng(seed)
        if self.exponential:
            return rng.exponential(np.where(y, self.shift, 1.0))
        return (rng.normal(size=len(y)) if noise is None else noise) + self.shift * y

    def probabilities(self, scores: Floats) -> Floats:
        """The model's probabilities."""
        odds = special.logit(self.prevalence) + self.shift * scores - self.shift**2 / 2
        return np.asarray(special.expit(self.sharpness * odds))

    def quantiles(self, positive: bool) -> Floats:
        """Scores of a class, evenly over its probability."""
        if self.exponential:
            return -np.log(_GRID) * (self.shift if positive else 1.0)
        return np.asarray(special.ndtri(_GRID) + self.shift * positive)

    def above(self, scores: Floats, positive: bool) -> Floats:
        """Share of a class with a higher score."""
        if self.exponential:
            return np.exp(-scores / (self.shift if positive else 1.0))
        return np.asarray(special.ndtr(self.shift * positive - scores))

    def tpr(self, fpr: Floats) -> Floats:
        """The true ROC curve."""
        if self.exponential:
            return np.asarray(fpr ** (1 / self.shift))
        return np.asarray(special.ndtr(special.ndtri(fpr) + self.shift))

    def precision(self, recall: Floats) -> Floats:
        """The true precision-recall curve."""
        if self.exponential:
            fpr = recall**self.shift
        else:
            fpr = special.ndtr(special.ndtri(recall) - self.shift)
        hits = self.prevalence * recall
        return np.asarray(hits / (hits + (1 - self.prevalence) * fpr))

    def truth(self, metric: str, bins: int = 15) -> float:
        """The metric of the whole population."""
        if metric == "auroc":
            return self.area
        if metric == "average_precision":
            return float(self.precision(_GRID).mean())
        p = [self.probabilities(self.quantiles(positive)) for positive in (False, True)]
        share = (1 - self.prevalence, self.prevalence)
        if metric == "brier":
            return float(share[0] * np.mean(p[0] ** 2) + share[1] * np.mean((1 - p[1]) ** 2))
        if metric == "log_loss":
            return float(-share[0] * np.mean(np.log1p(-p[0])) - share[1] * np.mean(np.log(p[1])))
        gaps = np.zeros(bins)
        for y in (0, 1):
            index = np.minimum((p[y] * bins).astype(int), bins - 1)
            gaps += share[y] * np.bincount(index, y - p[y], bins) / len(_GRID)
        return float(np.abs(gaps).sum())


@dataclass(frozen=True)
class Coverage:
    """How often intervals hold the truth, and how often they warn."""

    covered: float
    width: float
    warned: float
    covered_unwarned: float

    @classmethod
    def of(cls, runs: Iterable[tuple[Estimate, bool]], truth: float) -> "Coverage":
        """From estimates and whether each came with a warning."""
        found = [(e.low <= truth <= e.high, e.high - e.low, warned) for e, warned in runs]
        covered, width, warned = (np.array(column) for column in zip(*found, strict=True))
        quiet = covered[warned == 0]
        return cls(
            float(covered.mean()),
            float(np.median(width)),
            float(warned.mean()),
            float(quiet.mean()) if len(quiet) else float("nan"),
        )

    def __str__(self) -> str:
        text = f"{100 * self.covered:.1f}, {100 * self.width:.2g}"
        if self.warned >= 0.9995:
            return f"*{text}*"
        return f"{text} (*{100 * self.warned:.0f}*)" if self.warned >= 0.005 else text


def noticed(function: Callable[[], Estimate]) -> tuple[Estimate, bool]:
    """The estimate, and whether it came with a warning."""
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always", PoorApproximationWarning)
        estimate = function()
    return estimate, bool(raised)


def labels(
    rng: np.random.Generator, n: int, prevalence: float, fewest: int = 1
) -> npt.NDArray[np.bool_]:
    """Labels of ``n`` random cases, with at least ``fewest`` of each class."""
    while True:
        y: npt.NDArray[np.bool_] = rng.random(n) < prevalence
        if fewest <= y.sum() <= n - fewest:
            return y


METRICS: dict[str, Callable[..., Estimate]] = {
    "auroc": auroc,
    "average_precision": average_precision,
    "brier": brier,
    "log_loss": log_loss,
    "ece": expected_calibration_error,
}


def measure(metric: str, population: Population, n: int, runs: int, seed: int = 0) -> Coverage:
    """Coverage of the default interval of a metric."""
    rng = np.random.default_rng([seed, n, round(1000 * population.area)])
    found = []
    for _ in range(runs):
        y = labels(rng, n, population.prevalence)
        scores = population.scores(y, seed=rng.integers(2**63))
        if metric not in ("auroc", "average_precision"):
            scores = population.probabilities(scores)
        found.append(noticed(lambda y=y, scores=scores: METRICS[metric](y, scores)))
    return Coverage.of(found, population.truth(metric))


def measure_methods(population: Population, n: int, runs: int) -> dict[str, float]:
    """Coverage of the AUROC's intervals by several methods."""
    rng = np.random.default_rng([1, n])
    hits: dict[str, list[bool]] = {
        name: [] for name in ("delong", "DeLong without logit", "percentile", "bca")
    }
    for run in range(runs):
        y = labels(rng, n, population.prevalence, fewest=5)  # for a bootstrap's sake
        scores = population.scores(y, seed=rng.integers(2**63))
        plain = evaluate_scores("auroc", y, {"a": scores})
        reach = 1.959964 * plain.errors[0]
        hits["DeLong without logit"].append(abs(plain.values[0] - population.area) <= reach)
        for method in ("delong", "percentile", "bca"):
            estimate, _ = noticed(
                lambda y=y, scores=scores, method=method, run=run: auroc(
                    y, scores, method=method, resamples=500, random_state=run
                )
            )
            hits[method].append(estimate.low <= population.area <= estimate.high)
    return {name: float(np.mean(covered)) for name, covered in hits.items()}


@dataclass(frozen=True)
class Design:
    """Groups of cases whose scores have a part in common, of variance ``shared`` of 1.

    ``own_label``: whether each group has one label, as images of one patient have.
    """

    name: str
    sizes: tuple[int, ...]
    shared: float
    own_label: bool


DESIGNS = (
    Design("40 groups of 5, labels vary", (5,) * 40, 0.5, False),
    Design("40 groups of 5, one label each", (5,) * 40, 0.5, True),
    Design("100 groups of 5, one label each", (5,) * 100, 0.5, True),
    Design("30 groups of 20, one label each", (20,) * 30, 0.3, True),
    Design(
        "40 groups of 2 to 82, labels vary", tuple(round(2 * 1.1**i) for i in range(40)), 0.3, False
    ),
    Design("20 groups of 10, labels vary", (10,) * 20, 0.3, False),
    Design("40 groups of 5, nothing in common", (5,) * 40, 0.0, False),
)


def grouped(
    design: Design, population: Population, rng: np.random.Generator
) -> tuple[npt.NDArray[np.bool_], Floats, npt.NDArray[np.intp]]:
    """Labels, scores and groups of one sample."""
    members = np.repeat(np.arange(len(design.sizes)), design.sizes)
    y = labels(rng, len(design.sizes) if design.own_label else len(members), population.prevalence)
    y = y[members] if design.own_label else y
    common = rng.normal(size=len(design.sizes))[members] * np.sqrt(design.shared)
    noise = common + rng.normal(size=len(members)) * np.sqrt(1 - design.shared)
    return y, population.scores(y, noise), members


def measure_groups(
    metric: str, design: Design, area: float, runs: int
) -> tuple[Coverage, Coverage]:
    """Coverage of the interval that knows the groups, and of the one that does not."""
    population = Population(area, 0.4, sharpness=2.0 if metric == "ece" else 1.0)
    rng = np.random.default_rng([2, len(design.sizes), round(100 * area)])
    knowing, ignoring = [], []
    for _ in range(runs):
        y, scores, members = grouped(design, population, rng)
        if metric not in ("auroc", "average_precision"):
            scores = population.probabilities(scores)
        for found, groups in ((knowing, members), (ignoring, None)):
            found.append(
                noticed(
                    lambda y=y, scores=scores, groups=groups: METRICS[metric](
                        y, scores, groups=groups
                    )
                )
            )
    truth = population.truth(metric)
    return Coverage.of(knowing, truth), Coverage.of(ignoring, truth)


def _held(found: RocCurve | PrecisionRecallCurve, truth: Floats) -> bool:
    """Whether the whole true curve lies in the band."""
    return bool(np.all((found.low <= truth + 1e-9) & (truth - 1e-9 <= found.high)))


def measure_band(
    population: Population,
    positives: int,
    negatives: int,
    runs: int,
    level: float = 0.95,
    design: Design | None = None,
) -> tuple[float, float]:
    """How often the bands of the ROC and precision-recall curves hold the whole true curve.

    For a precision-recall curve the prevalence is random; the ROC curve has fixed numbers.
    """
    rng = np.random.default_rng([3, positives, negatives])
    hits = []
    x = np.linspace(0, 1, 500)
    curve, other = population.tpr(x), population.precision(np.maximum(x, 1e-12))
    for _ in range(runs):
        if design is None:
            y = np.arange(positives + negatives) < positives
            scores, members = population.scores(y, seed=rng.integers(2**63)), None
            mixed = labels(rng, positives + negatives, population.prevalence)
            again = population.scores(mixed, seed=rng.integers(2**63))
        else:
            y, scores, members = grouped(design, population, rng)
            mixed, again = y, scores
        roc = roc_curve(y, scores, groups=members, level=level)
        pr = precision_recall_curve(mixed, again, groups=members, level=level)
        hits.append((_held(roc, curve), _held(pr, other)))
    first, second = np.mean(hits, axis=0)
    return float(first), float(second)


#: How often scores of three values are given to positives and to negatives.
CATEGORIES = np.array([[0.3, 0.3, 0.4], [0.2, 0.3, 0.5]])


def measure_tied_band(cases: int, runs: int, level: float = 0.95) -> tuple[float, float]:
    """As `measure_band`, for scores of three values: the ROC curve is straight between them."""
    rng = np.random.default_rng([4, cases])
    tpr, fpr = np.insert(CATEGORIES.cumsum(axis=1), 0, 0.0, axis=1)
    x = np.linspace(0, 1, 500)
    curve, alarms = np.interp(x, fpr, tpr), np.interp(x, tpr, fpr)
    # At a recall of 0, as just above it.
    other = np.r_[tpr[1] / (tpr[1] + fpr[1]), x[1:] / (x[1:] + alarms[1:])]
    hits = []
    for _ in range(runs):
        y = rng.random(cases) < 0.5
        scores = -np.where(y, *(rng.choice(3, cases, p=shares) for shares in CATEGORIES))
        roc = roc_curve(y, scores, level=level)
        pr = precision_recall_curve(y, scores, level=level)
        hits.append((_held(roc, curve), _held(pr, other)))
    first, second = np.mean(hits, axis=0)
    return float(first), float(second)


def _table(heading: str, columns: list[str], rows: list[list[str]]) -> list[str]:
    right = len(columns) - 1
    return [
        f"**{heading}**",
        "",
        f"| {' | '.join(columns)} |",
        f"| --- |{' ---: |' * right}",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]


def coverage_table(
    metric: str, runs: int, exponential: bool = False, sharpness: float = 1.0
) -> str:
    """The coverage of a metric over the whole grid."""
    rows = []
    for prevalence in PREVALENCES:
        for area in AREAS:
            population = Population(area, prevalence, exponential, sharpness)
            row = [f"{prevalence}", f"{area}", f"{population.truth(metric):.3f}"]
            for n in SIZES:
                fewer = max(runs // 4, 100) if n >= 10_000 else runs
                enough = n * prevalence >= 2
                row.append(str(measure(metric, population, n, fewer)) if enough else "")
            rows.append(row)
    kind = "exponential scores" if exponential else "normal scores"
    odds = {1.0: "", 2.0: ", log-odds doubled"}[sharpness]
    title = f"{_NAMES[metric]}, {kind}{odds}: coverage in %, median width in points"
    header = ["prevalence", "AUROC", "truth", *(f"n = {n:,}" for n in SIZES)]
    return "\n".join(_table(title, header, rows))


_NAMES = {
    "auroc": "AUROC",
    "average_precision": "Average precision",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "ece": "Expected calibration error",
}


def group_table(runs: int) -> str:
    """The coverage with and without groups."""
    rows = []
    for design in DESIGNS:
        for area in (0.8, 0.95):
            cells = []
            for metric in METRICS:
                knowing, ignoring = measure_groups(metric, design, area, runs)
                cells.append(f"{100 * knowing.covered:.1f} ({100 * ignoring.covered:.1f})")
            rows.append([design.name, f"{design.shared}", f"{area}", *cells])
    header = ["groups", "in common", "AUROC", *_NAMES.values()]
    return "\n".join(_table("Coverage in % with `groups=`, in brackets without", header, rows))


def method_table(runs: int) -> str:
    """The coverage of the AUROC by method."""
    rows = []
    for area, n, prevalence in (
        (0.8, 50, 0.2),
        (0.95, 50, 0.2),
        (0.95, 200, 0.5),
        (0.95, 200, 0.05),
        (0.99, 200, 0.5),
        (0.9, 1000, 0.2),
    ):
        found = measure_methods(Population(area, prevalence), n, runs)
        rows.append(
            [
                f"{area}, n = {n}, prevalence {prevalence}",
                *(f"{100 * covered:.1f}" for covered in found.values()),
            ]
        )
    header = ["AUROC", "delong", "DeLong without logit", "percentile", "bca"]
    return "\n".join(_table("Coverage of the AUROC in % by method, normal scores", header, rows))


def band_table(runs: int) -> str:
    """How often whole curves lie in their bands."""
    rows = []
    for positives, negatives in ((10, 40), (25, 25), (100, 100), (50, 950), (500, 500)):
        for area in (0.6, 0.8, 0.95):
            row = [f"{positives} + {negatives}", f"{area}"]
            for exponential in (False, True):
                share = positives / (positives + negatives)
                population = Population(area, share, exponential)
                fewer = runs if positives + negatives < 1000 else runs // 2
                row += [
                    f"{100 * covered:.1f}"
                    for covered in measure_band(population, positives, negatives, fewer)
                ]
            rows.append(row)
    for design in (DESIGNS[0], DESIGNS[1], DESIGNS[5]):
        covered = measure_band(Population(0.8, 0.4), 0, 0, runs, design=design)
        rows.append([design.name, "0.8", *(f"{100 * share:.1f}" for share in covered), "", ""])
    for cases in (50, 400):
        covered = measure_tied_band(cases, runs)
        rows.append(
            [
                f"{cases} cases, 3 different scores",
                "0.565",
                *(f"{100 * share:.1f}" for share in covered),
                "",
                "",
            ]
        )
    header = [
        "positives + negatives",
        "AUROC",
        "ROC, normal",
        "PR, normal",
        "ROC, exponential",
        "PR, exponential",
    ]
    title = "Share of whole curves within their 95 % band, in %"
    return "\n".join(_table(title, header, rows))


def both(metric: str, runs: int, **options: Any) -> str:
    """The coverage of a metric for an easy and a hard population."""
    return f"{coverage_table(metric, runs)}\n{coverage_table(metric, runs, **options)}"


TABLE_OF: dict[str, Callable[[int], str]] = {
    "score_auroc": lambda runs: both("auroc", runs, exponential=True),
    "score_average_precision": lambda runs: both("average_precision", runs, exponential=True),
    "score_losses": lambda runs: "\n".join(
        coverage_table(metric, runs) for metric in ("brier", "log_loss")
    ),
    "score_calibration": lambda runs: both("ece", runs // 2, sharpness=2.0),
    "score_methods": lambda runs: method_table(runs // 2),
    "score_groups": lambda runs: group_table(runs // 2),
    "score_bands": lambda runs: band_table(runs // 2),
}


def main(names: Iterable[str] = (), runs: int = 1_000) -> None:
    """Write the tables, or those that are named."""
    TABLES.mkdir(parents=True, exist_ok=True)
    for name in names or TABLE_OF:
        text = TABLE_OF[name](runs)
        (TABLES / f"{name}.md").write_text(text)
        sys.stdout.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
