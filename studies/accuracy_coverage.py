"""Do the intervals for accuracy reach their level?

Independent cases: the coverage of every method by exact enumeration of the binomial distribution,
over true accuracies from 0.5 to 0.999. Grouped cases: coverage by simulation of beta-binomial
groups. ``python studies/accuracy_coverage.py`` writes ``docs/tables/accuracy_coverage.csv`` and
``.md``.
"""

import csv
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

from evidesk.methods.metrics import (
    METHODS,
    Accuracies,
    Method,
    PoorApproximationWarning,
    proportion_interval,
)

Floats = npt.NDArray[np.float64]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
SIZES = (20, 50, 200, 1000, 10_000)
ACCURACIES = np.linspace(0.5, 0.999, 4991)
SHOWN = (0.9, 0.99)


@dataclass(frozen=True)
class Design:
    """Groups of cases: their sizes, the true accuracy, the correlation within a group."""

    name: str
    sizes: tuple[int, ...]
    accuracy: float
    icc: float


UNEQUAL = tuple(round(2 * 1.1**i) for i in range(40))  # 2 to 82 cases, 882 in all
DESIGNS = (
    Design("40 groups of 5", (5,) * 40, 0.9, 0.3),
    Design("40 groups of 5", (5,) * 40, 0.8, 0.3),
    Design("30 groups of 20", (20,) * 30, 0.9, 0.5),
    Design("30 groups of 20", (20,) * 30, 0.8, 0.5),
    Design("40 groups of 2 to 82", UNEQUAL, 0.8, 0.3),
    Design("10 groups of 2 to 144", (2, 3, 5, 8, 13, 21, 34, 55, 89, 144), 0.8, 0.3),
    Design("10 groups of 20", (20,) * 10, 0.8, 0.3),
    Design("200 groups of 5", (5,) * 200, 0.9, 0.3),
    Design("40 groups of 5", (5,) * 40, 0.8, 0.0),
    # Of these nearly all samples are warned of.
    Design("30 groups of 20", (20,) * 30, 0.97, 0.3),
    Design("40 groups of 2 to 82", UNEQUAL, 0.97, 0.3),
)


def exact_coverage(method: Method, n: int, accuracies: Floats, level: float = 0.95) -> Floats:
    """Coverage at each true accuracy, without simulation.

    Both bounds grow with the number of right answers, so those whose interval holds the true
    accuracy are a run of neighbours, and its probability a difference of two.
    """
    low, high = _intervals(method, n, level)
    first = np.searchsorted(high, accuracies, side="left")
    last = np.searchsorted(low, accuracies, side="right") - 1
    return stats.binom.cdf(last, n, accuracies) - stats.binom.cdf(first - 1, n, accuracies)


def exact_width(method: Method, n: int, accuracies: Floats, level: float = 0.95) -> Floats:
    """Expected width at each true accuracy."""
    low, high = _intervals(method, n, level)
    return stats.binom.pmf(np.arange(n + 1), n, accuracies[:, None]) @ (high - low)


def _intervals(method: Method, n: int, level: float) -> tuple[Floats, Floats]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoorApproximationWarning)
        return proportion_interval(np.arange(n + 1), n, level=level, method=method)


def clustered_coverage(
    design: Design, method: Method, runs: int, random_state: int, level: float = 0.95
) -> tuple[float, float, float, float]:
    """Coverage and mean width of the intervals that ignore the groups and that know them."""
    rng = np.random.default_rng(random_state)
    sizes = np.array(design.sizes)
    p, icc = design.accuracy, design.icc
    shape = (runs, len(sizes))
    # Beta with a + b = 1 / icc - 1 has intraclass correlation icc.
    chance = (
        rng.beta(p * (1 / icc - 1), (1 - p) * (1 / icc - 1), shape) if icc else np.full(shape, p)
    )
    correct = rng.binomial(sizes, chance)
    found: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoorApproximationWarning)
        for counts, n in ((correct.sum(axis=1), sizes.sum()), (correct, sizes)):
            named = {str(run): right for run, right in enumerate(counts)}
            estimates = Accuracies.from_counts(named, n, level=level, method=method).estimates
            found += [
                float(np.mean([e.low <= p <= e.high for e in estimates.values()])),
                float(np.mean([e.high - e.low for e in estimates.values()])),
            ]
    ignoring, ignoring_width, knowing, knowing_width = found
    return ignoring, ignoring_width, knowing, knowing_width


@dataclass(frozen=True)
class Row:
    """One line of the table; coverages are shares, widths in units of accuracy."""

    cases: str
    n: int
    accuracy: str
    icc: float
    method: str
    coverage: float
    lowest_coverage: float | None
    monte_carlo_error: float | None
    width: float
    coverage_ignoring_groups: float | None = None


def study(runs: int) -> Iterator[Row]:
    """All rows of the table."""
    for n in SIZES:
        for method in METHODS:
            coverage = exact_coverage(method, n, ACCURACIES)
            width = exact_width(method, n, ACCURACIES[::10])
            yield Row(
                cases="independent",
                n=n,
                accuracy="0.5 to 0.999",
                icc=0.0,
                method=method,
                coverage=round(float(coverage.mean()), 4),
                lowest_coverage=round(float(coverage.min()), 4),
                monte_carlo_error=None,
                width=round(float(width.mean()), 4),
            )
            at_shown = exact_coverage(method, n, np.array(SHOWN))
            width_shown = exact_width(method, n, np.array(SHOWN))
            for accuracy, at, wide in zip(SHOWN, at_shown, width_shown, strict=True):
                yield Row(
                    cases="independent",
                    n=n,
                    accuracy=str(accuracy),
                    icc=0.0,
                    method=method,
                    coverage=round(float(at), 4),
                    lowest_coverage=None,
                    monte_carlo_error=None,
                    width=round(float(wide), 4),
                )
    for seed, design in enumerate(DESIGNS):
        for method in METHODS:
            ignoring, _, knowing, width = clustered_coverage(design, method, runs, seed)
            yield Row(
                cases=design.name,
                n=sum(design.sizes),
                accuracy=str(design.accuracy),
                icc=design.icc,
                method=method,
                coverage=round(knowing, 4),
                lowest_coverage=None,
                monte_carlo_error=round(float(np.sqrt(knowing * (1 - knowing) / runs)), 4),
                width=round(width, 4),
                coverage_ignoring_groups=round(ignoring, 4),
            )


def markdown(rows: list[Row], runs: int) -> str:
    """The table for people."""

    def cell(row: Row) -> str:
        lowest = "" if row.lowest_coverage is None else f" (lowest {100 * row.lowest_coverage:.1f})"
        return f"{100 * row.coverage:.1f}{lowest}, {100 * row.width:.2g}"

    lines = []
    for accuracy in ("0.5 to 0.999", *map(str, SHOWN)):
        heading = "averaged over accuracies" if "to" in accuracy else "at accuracy"
        lines += [
            f"**Coverage in %, then mean width in percentage points, {heading} {accuracy}**",
            "",
            f"| method | {' | '.join(f'n = {n:,}' for n in SIZES)} |",
            f"| --- |{' ---: |' * len(SIZES)}",
        ]
        for method in METHODS:
            cells = [
                cell(row)
                for row in rows
                if (row.cases, row.accuracy, row.method) == ("independent", accuracy, method)
            ]
            lines.append(f"| {method} | {' | '.join(cells)} |")
        lines.append("")
    error = 100 * max(row.monte_carlo_error or 0 for row in rows)
    lines += [
        "**Grouped cases: coverage in % with `groups=`, in brackets without "
        f"({runs:,} simulations, Monte-Carlo error at most {error:.1f})**",
        "",
        f"| groups | accuracy | ICC | {' | '.join(METHODS)} |",
        f"| --- | ---: | ---: |{' ---: |' * len(METHODS)}",
    ]
    for design in DESIGNS:
        cells = [
            f"{100 * row.coverage:.1f} ({100 * (row.coverage_ignoring_groups or 0):.1f})"
            for row in rows
            if (row.cases, row.accuracy, row.icc) == (design.name, str(design.accuracy), design.icc)
        ]
        lines.append(f"| {design.name} | {design.accuracy} | {design.icc} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def main(runs: int = 10_000) -> None:
    """Write both tables."""
    rows = list(study(runs))
    TABLES.mkdir(parents=True, exist_ok=True)
    with (TABLES / "accuracy_coverage.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(asdict(rows[0])), lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    text = markdown(rows, runs)
    (TABLES / "accuracy_coverage.md").write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
