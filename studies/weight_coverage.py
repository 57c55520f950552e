"""Do intervals of weighted metrics reach their level?

Coverage by simulation with ``sample_weight``: equal, moderately and heavily varying weights, which
have nothing to do with what is right, or are larger where cases are harder. The truth is the
weighted metric of the population. ``python studies/weight_coverage.py`` writes
``docs/tables/confusion_weights.md``.
"""

import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from evidesk.evidence import Estimate
from evidesk.methods.metrics import (
    PoorApproximationWarning,
    auroc,
    average_precision,
    f1,
    precision,
    recall,
)

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
SIZES = (50, 200, 1000)
#: Standard deviation of the weights' logarithm; n / n_eff = exp(spread**2), that is 1, 1.3, 4.8.
SPREADS = {"equal": 0.0, "moderate": 0.5, "heavy": 1.25}
#: How much harder cases are, in logits or standard deviations, per standard deviation of log w.
HARDER = 1.0
SCORE_METRICS = {"AUROC": auroc, "average precision": average_precision}
SHARES = {2: np.array([0.7, 0.3]), 3: np.array([0.5, 0.3, 0.2])}
_Z, _P = np.polynomial.hermite_e.hermegauss(101)
_P = _P / _P.sum()


@dataclass(frozen=True)
class Design:
    """A population and a sample of it.

    ``level`` is the weighted share of right answers, or the weighted AUROC, for the average
    precision too; ``harder`` tells whether cases of larger weight are harder.
    """

    metric: str
    n: int
    level: float
    weights: str
    harder: bool

    @property
    def seed(self) -> int:
        return zlib.crc32(repr(self).encode())

    @property
    def slope(self) -> float:
        return HARDER if self.harder else 0.0

    @property
    def spread(self) -> float:
        return SPREADS[self.weights]

    @property
    def ranks(self) -> bool:
        """Whether the metric is of scores."""
        return self.metric in SCORE_METRICS

    @property
    def truth(self) -> float:
        """The weighted metric of the population, in which errors go to the other classes alike."""
        right = self.level
        if self.metric == "average precision":
            return average_precision_of_normals(right, self.slope, SHARES[2][1])
        if self.metric in ("accuracy", "recall", "AUROC"):
            return right
        shares = SHARES[3 if self.metric == "macro F1" else 2]
        predicted = shares * right + (1 - shares) * (1 - right) / (len(shares) - 1)
        if self.metric == "precision":
            return float(shares[-1] * right / predicted[-1])
        each = 2 * shares * right / (shares + predicted)
        return float(each[-1] if self.metric == "F1" else each.mean())


def average_precision_of_normals(auroc: float, slope: float, share: float) -> float:
    """Of positives' scores that are normal and as far from the negatives' as the AUROC says.

    The negatives' are standard normal, the positives' vary by ``slope`` more; they make up
    ``share`` of the population.
    """
    spread = np.sqrt(1 + slope**2)
    scores = np.sqrt(2 + slope**2) * stats.norm.ppf(auroc) + spread * _Z
    found, false = share * stats.norm.sf(_Z), (1 - share) * stats.norm.sf(scores)
    return float(_P @ (found / (found + false)))


def offset(design: Design) -> float:
    """The logit of the chance of a case of middling weight, so that the weighted mean is right.

    Under the weighted distribution the standardised log-weight is normal around ``spread``.
    """

    def excess(logit: float) -> float:
        chance = special.expit(logit - design.slope * (_Z + design.spread))
        return float(_P @ chance) - design.level

    return float(optimize.brentq(excess, -20, 20))


def drawn(design: Design, rng: np.random.Generator) -> tuple[Codes, Floats, Floats]:
    """Classes of the cases, standardised log-weights, and weights."""
    k = 3 if design.metric == "macro F1" else 2
    truth = rng.choice(k, design.n, p=SHARES[k])
    z = rng.standard_normal(design.n)
    return truth, z, np.exp(design.spread * z)


def estimator(design: Design) -> Callable[[np.random.Generator, bool], Estimate]:
    """From a generator to the estimate of a fresh sample, heeding the weights or not."""
    if design.ranks:
        rate = SCORE_METRICS[design.metric]
        # Scores of positives are normal, lower where they are harder.
        shift = np.sqrt(2 + design.slope**2) * stats.norm.ppf(design.level)
        shift += design.slope * design.spread

        def of_scores(rng: np.random.Generator, heeding: bool) -> Estimate:
            truth, z, weights = drawn(design, rng)
            scores = rng.standard_normal(design.n) + truth * (shift - design.slope * z)
            return rate(truth, scores, sample_weight=weights if heeding else None)

        return of_scores

    middle = offset(design)
    function, options = {
        "accuracy": (recall, {"average": "micro"}),
        "recall": (recall, {"pos_label": 1}),
        "precision": (precision, {"pos_label": 1}),
        "F1": (f1, {"pos_label": 1}),
        "macro F1": (f1, {"average": "macro"}),
    }[design.metric]

    def of_labels(rng: np.random.Generator, heeding: bool) -> Estimate:
        truth, z, weights = drawn(design, rng)
        k = 3 if design.metric == "macro F1" else 2
        right = rng.random(design.n) < special.expit(middle - design.slope * z)
        said = np.where(right, truth, (truth + rng.integers(1, k, design.n)) % k)
        return function(truth, said, sample_weight=weights if heeding else None, **options)

    return of_labels


@dataclass(frozen=True)
class Cell:
    """Coverage over the runs without a warning, their share, and coverage over all."""

    quiet: float
    share: float
    every: float


def coverage(design: Design, runs: int, heeding: bool = True) -> Cell:
    """Of so many simulated samples that hold all classes."""
    rng = np.random.default_rng(design.seed)
    estimate = estimator(design)
    held, told = [], []
    while len(held) < runs:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", PoorApproximationWarning)
            try:
                found = estimate(rng, heeding)
            except ValueError:  # a class is missing
                continue
        held.append(found.low <= design.truth <= found.high)
        told.append(bool(caught))
    quiet = np.array(held)[~np.array(told)]
    share = len(quiet) / runs
    return Cell(float(quiet.mean()) if share else np.nan, share, float(np.mean(held)))


METRICS = ("accuracy", "recall", "precision", "F1", "macro F1", *SCORE_METRICS)
WEIGHTINGS = tuple(
    (name, harder) for name in SPREADS for harder in (False, True) if name != "equal"
)


def designs(metric: str) -> Iterator[tuple[Design, ...]]:
    """The designs of a row of the table: all weightings for a size and a level."""
    for n in SIZES:
        for level in (0.8, 0.95) if metric in SCORE_METRICS else (0.7, 0.9, 0.97):
            yield (
                Design(metric, n, level, "equal", False),
                *(Design(metric, n, level, *weighting) for weighting in WEIGHTINGS),
            )


def shown(cell: Cell) -> str:
    """Coverage without a warning, and in italics how often there is one; all where most are."""
    warned = f" *{100 * (1 - cell.share):.0f}*" if cell.share < 0.995 else ""
    if cell.share < 0.5:
        return f"*{100 * cell.every:.1f}*{warned}"
    return f"{100 * cell.quiet:.1f}{warned}"


def table(runs: int) -> Iterator[str]:
    """Lines of the table."""
    error = 100 * np.sqrt(0.95 * 0.05 / runs)
    yield (
        f"**Weighted metrics: coverage of 95 % intervals in % ({runs:,} simulations, Monte-Carlo "
        f"error about {error:.1f}); the last column ignores heavy weights of harder cases**"
    )
    yield ""
    heads = [f"{name}{', harder' if harder else ''}" for name, harder in WEIGHTINGS]
    yield f"| metric | n | right or AUROC | equal | {' | '.join(heads)} | ignored |"
    yield f"| --- | ---: | ---: |{' ---: |' * (len(heads) + 2)}"
    for metric in METRICS:
        for row in designs(metric):
            cells = [shown(coverage(design, runs)) for design in row]
            ignored = coverage(row[-1], runs // 4, heeding=False)
            cells.append(f"{100 * ignored.every:.1f}")
            first = row[0]
            yield f"| {metric} | {first.n:,} | {first.level} | {' | '.join(cells)} |"


def main(runs: int = 1_000) -> None:
    """Write the table."""
    text = "\n".join([*table(runs), ""])
    TABLES.mkdir(parents=True, exist_ok=True)
    (TABLES / "confusion_weights.md").write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
