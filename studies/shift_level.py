"""Does the two-sample test hold its level?

By simulation. ``python studies/shift_level.py`` writes ``docs/tables/shift_level.md``; a number as
argument makes so many repetitions of each cell; 1,000 take about four hours of CPU, half of them
for 500 features of 10,000 rows. What the test finds where something shifts, the benchmark beside
other packages tells (``benchmarks/shift.py``).
"""

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import signal

from evidesk.methods.shift.methods import Question, answer, choose
from evidesk.methods.shift.samples import Samples
from evidesk.methods.shift.two_sample import arranged

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int, bool], Any]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
RUNS = 1000
LEVELS = (0.01, 0.05, 0.10)
#: So many relabellings that each level is a whole number of their ranks.
RELABELLINGS = 99
PROCESSES = 2


# Samples: (generator, rows, features, whether it is the current sample)


def normal(rng: np.random.Generator, n: int, d: int, _: bool) -> Floats:
    return rng.standard_normal((n, d))


def cauchy(rng: np.random.Generator, n: int, d: int, _: bool) -> Floats:
    return rng.standard_cauchy((n, d))


def counts(rng: np.random.Generator, n: int, d: int, _: bool) -> Floats:
    return rng.poisson(0.5, (n, d)).astype(float)


def gaps(rng: np.random.Generator, n: int, d: int, _: bool) -> Floats:
    """A fifth of the values is missing."""
    values = rng.standard_normal((n, d))
    values[rng.random((n, d)) < 0.2] = np.nan
    return values


NULLS: dict[str, Draw] = {"normal": normal, "Cauchy": cauchy, "counts": counts, "gaps": gaps}


def mean(rng: np.random.Generator, n: int, d: int, current: bool) -> Floats:
    """+ 0.3 in one feature."""
    values = rng.standard_normal((n, d))
    values[:, 0] += 0.3 * current
    return values


def correlation(rng: np.random.Generator, n: int, d: int, current: bool) -> Floats:
    """0.5 between two features."""
    values = rng.standard_normal((n, d))
    if current:
        values[:, 1] = 0.5 * values[:, 0] + math.sqrt(0.75) * values[:, 1]
    return values


def all_pairs(rng: np.random.Generator, n: int, d: int, current: bool) -> Floats:
    """A correlation of 0.1 between all features."""
    values = rng.standard_normal((n, d))
    if current:
        values = math.sqrt(0.9) * values + math.sqrt(0.1) * rng.standard_normal((n, 1))
    return values


def blobs(rng: np.random.Generator, n: int, d: int, current: bool) -> Floats:
    """Nine blobs in two features, which are correlated within each."""
    centres = 10.0 * rng.integers(0, 3, (n, 2))
    noise = rng.standard_normal((n, 2))
    if current:
        noise[:, 1] = 0.75 * noise[:, 0] + math.sqrt(1 - 0.75**2) * noise[:, 1]
    return centres + noise


def tail(rng: np.random.Generator, n: int, d: int, current: bool) -> Floats:
    """Student's t with 3 degrees of freedom, of the same variance."""
    return rng.standard_t(3, (n, d)) / math.sqrt(3) if current else rng.standard_normal((n, d))


def xor(rng: np.random.Generator, n: int, d: int, current: bool) -> Floats:
    """The sign of a third feature is the product of two others' signs, in one row of three."""
    values = rng.standard_normal((n, d))
    if current:
        bound = rng.random(n) < 1 / 3
        signed = np.abs(values[:, 2]) * np.sign(values[:, 0] * values[:, 1])
        values[:, 2] = np.where(bound, signed, values[:, 2])
    return values


def rare(rng: np.random.Generator, n: int, d: int, current: bool) -> Floats:
    """One row of twenty lies in a small cluster."""
    values = rng.standard_normal((n, d))
    if current:
        chosen = rng.random(n) < 0.05
        values[chosen] = 0.3 * values[chosen] + np.r_[2.5, 2.5, np.zeros(d - 2)]
    return values


SHIFTS: dict[str, Draw] = {
    "mean": mean,
    "correlation": correlation,
    "all-pairs correlation": all_pairs,
    "blobs": blobs,
    "tail": tail,
    "xor": xor,
    "rare cluster": rare,
}


def cycle(rows: int, kept: float) -> tuple[float, float]:
    """Coefficients of a series that swings once in so many rows, and keeps that of its swing from
    one row to the next.
    """
    return 2 * kept * math.cos(2 * math.pi / rows), -(kept**2)


#: Autoregressive series: what a row takes from the one before it, and from the one before that.
SERIES: dict[str, tuple[float, ...]] = {
    "0.8": (0.8,),
    "0.98, cycle of 12 rows": cycle(12, 0.98),
    "0.95, cycle of 24 rows": cycle(24, 0.95),
}
#: Rows after which a series has forgotten how it began.
BEGINNING = 600


# Tests


@dataclass(frozen=True)
class Design:
    """A cell of a table."""

    draw: str
    m: int
    n: int
    d: int
    #: Rows in a group, or in a block of a series.
    group: int = 0
    #: Which of the series, if any.
    series: str = ""

    @property
    def name(self) -> str:
        of = f"{self.draw}, groups of {self.group}" if self.group and not self.series else self.draw
        return f"series ({self.series}), blocks of {self.group}" if self.series else of


def p_value(design: Design, seed: int) -> float:
    """Of one pair of samples."""
    rng = np.random.default_rng([seed, design.m, design.n, design.d, design.group])
    draw = (NULLS | SHIFTS)[design.draw]
    options: dict[str, Any] = {}
    if design.series:
        noise = draw(rng, BEGINNING + design.m + design.n, design.d, False)
        taken = np.r_[1, -np.array(SERIES[design.series])]
        x, y = np.split(signal.lfilter([1], taken, noise, axis=0)[BEGINNING:], [design.m])
        options["block_length"] = design.group
    else:
        x, y = draw(rng, design.m, design.d, False), draw(rng, design.n, design.d, True)
    if design.group and not design.series:
        groups = np.r_[np.arange(design.m) // design.group,
                       design.m + np.arange(design.n) // design.group]  # fmt: skip
        _, number = np.unique(groups, return_inverse=True)
        common = rng.standard_normal((number.max() + 1, design.d))[number]
        x, y = x + common[: design.m], y + common[design.m :]
        options["groups"] = groups
    samples, relabelling = arranged(
        Samples.of(x, y), options.get("groups"), options.get("block_length")
    )
    method, _ = choose(samples, None)
    # What `two_sample_test` asks, without the size of the effect, which takes half of its time.
    asked = Question(
        samples, relabelling, 0.95, RELABELLINGS, None, np.random.default_rng(seed), lambda _: None
    )
    return answer(method, asked).p_value.value


def p_values(design: Design, runs: int) -> Floats:
    return np.array([p_value(design, seed) for seed in range(runs)])


def rejections(design: Design, runs: int) -> Mapping[float, float]:
    """The share of p-values at most each level."""
    found = p_values(design, runs)
    return {level: float((found <= level + 1e-9).mean()) for level in LEVELS}


def _of_many(designs: list[Design], runs: int) -> Iterator[Mapping[float, float]]:
    with ProcessPoolExecutor(PROCESSES) as pool:
        yield from pool.map(rejections, designs, [runs] * len(designs))


def level_designs() -> list[Design]:
    found = [
        Design("normal", n, n // ratio, d)
        for n in (30, 100, 200, 1_000, 10_000)
        for d in (1, 5, 50, 500)
        for ratio in (1, 10)
        if n // ratio >= 3
    ]
    found += [Design(draw, 200, 200, 5) for draw in ("Cauchy", "counts", "gaps")]
    found += [Design("normal", 120, 120, 5, group=6), Design("normal", 300, 60, 2, group=10)]
    found += [
        Design("normal", 600, 600, 2, group=length, series=name)
        for name in SERIES
        for length in (20, 60)
    ]
    return found


def row(design: Design, runs: int, found: Mapping[float, float]) -> str:
    """Of the table."""
    cells = [
        f"{100 * share:.1f} ± {100 * math.sqrt(max(share * (1 - share), 1e-6) / runs):.1f}"
        for share in found.values()
    ]
    return (
        f"| {design.name} | {design.m:,} + {design.n:,} | {design.d} | {runs:,} | "
        f"{' | '.join(cells)} |"
    )


def write(designs: list[Design], runs: int) -> None:
    """A table of rejections, each with its Monte-Carlo error."""
    heads = " | ".join(f"at {100 * a:g} %" for a in LEVELS)
    lines = [
        f"| samples | rows | features | runs | {heads} |",
        "| --- | ---: | ---: | ---: |" + " ---: |" * len(LEVELS),
    ]
    for design, found in zip(designs, _of_many(designs, runs), strict=True):
        lines.append(row(design, runs, found))
        print(lines[-1], flush=True)
    (TABLES / "shift_level.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> None:
    write(level_designs(), int(arguments[0]) if arguments else RUNS)


if __name__ == "__main__":
    main(sys.argv[1:])
