"""Do the intervals of waiting times and the forecast reach their level, with as few cases as a unit
has in a year?

Waiting times are Weibull; each person entered at a uniformly random moment of a window and is
followed to its end, as open vouchers are, the window's length chosen for the wanted share of
censored. ``python studies/waiting_coverage.py`` writes ``docs/tables/waiting_curve.md``,
``waiting_median.md`` and ``waiting_forecast.md``.
"""

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from evidesk.methods.waiting import (
    KaplanMeier,
    Method,
    NotReached,
    gamma_poisson_forecast,
    kaplan_meier,
)

Floats = npt.NDArray[np.float64]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
SIZES = (7, 14, 30, 100, 300)
CENSORED = (0.0, 0.3, 0.6)
SHARES = (0.9, 0.75, 0.5, 0.25, 0.1)
METHODS: tuple[Method, ...] = ("beta-product", "log-log")
#: Weibull: waiting that ends at a constant rate, and one that ends the sooner the shorter it was.
SHAPES = (1.0, 0.7)


def window(shape: float, censored: float) -> float:
    """How long the window is in which so many are censored; the Weibull's scale is 1."""
    if not censored:
        return math.inf

    def excess(length: float) -> float:
        # The mean of exp(-u**shape) over u from 0 to the length.
        mean = special.gammainc(1 / shape, length**shape) * special.gamma(1 + 1 / shape) / length
        return float(mean - censored)

    return float(optimize.brentq(excess, 1e-6, 1e6))


def sample(
    n: int, shape: float, length: float, rng: np.random.Generator, ties: bool = False
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Durations and whether their event was seen; with ``ties`` in whole tenths of the scale."""
    waits = rng.weibull(shape, n)
    follow = rng.uniform(0, length, n) if math.isfinite(length) else np.full(n, np.inf)
    if ties:
        waits, follow = np.ceil(waits * 10) / 10, np.ceil(follow * 10) / 10
    return np.minimum(waits, follow), waits <= follow


def truth(times: Floats, shape: float, ties: bool = False) -> Floats:
    """The true share that still waits after the times."""
    if ties:
        times = np.floor(times * 10 + 1e-9) / 10
    return np.exp(-(times**shape))


def band_holds(curve: KaplanMeier, shape: float) -> bool | None:
    """Whether the band holds the truth from the first to the last event; None without a band."""
    inside = curve.times[curve.survival > 0]
    if not len(inside):
        return None
    low, high = curve.band_at(inside)
    at = truth(inside, shape)
    # The truth falls until the next step: there it is lowest.
    before = truth(inside[1:], shape)
    return bool(np.all((low <= at) & (at <= high)) and np.all(before >= low[:-1]))


def curve_coverage(
    n: int, shape: float, censored: float, method: Method, runs: int, seed: int, ties: bool = False
) -> tuple[list[float], float, float]:
    """Coverage at each of SHARES, of the whole curve, and the share of samples with a band."""
    rng = np.random.default_rng(seed)
    times = (-np.log(np.array(SHARES))) ** (1 / shape)
    length, hits, held = window(shape, censored), np.zeros(len(SHARES)), []
    for _ in range(runs):
        curve = kaplan_meier(*sample(n, shape, length, rng, ties), method=method)
        low, high = curve.interval_at(times)
        at = truth(times, shape, ties)
        hits += (low <= at) & (at <= high)
        if method == "beta-product" and not ties:
            held.append(band_holds(curve, shape))
    known = [one for one in held if one is not None]
    return list(hits / runs), float(np.mean(known or [np.nan])), len(known) / runs


def median_coverage(
    n: int, shape: float, censored: float, method: Method, runs: int, seed: int
) -> tuple[float, float, float]:
    """How often the median's interval holds the true one, where there is a median; how often there
    is one; and how often its interval has an end.
    """
    rng = np.random.default_rng(seed)
    true, length = math.log(2) ** (1 / shape), window(shape, censored)
    hits = there = ends = 0
    for _ in range(runs):
        try:
            median = kaplan_meier(*sample(n, shape, length, rng), method=method).median
        except NotReached:
            continue
        there += 1
        hits += median.low <= true <= median.high
        ends += median.high < math.inf
    return hits / max(there, 1), there / runs, ends / max(there, 1)


def forecast_coverage(
    rate: float, periods: int, runs: int, seed: int, dispersion: float = 1.0
) -> tuple[float, float]:
    """How often the next count is in the interval, and the interval's mean width.

    With a ``dispersion`` above 1 each period has a rate of its own (Gamma), and its counts'
    variance is ``dispersion`` times their mean.
    """
    rng = np.random.default_rng(seed)
    hits, width = 0, 0.0
    for _ in range(runs):
        rates = np.full(periods + 1, rate)
        if dispersion > 1:
            rates = rng.gamma(rate / (dispersion - 1), dispersion - 1, periods + 1)
        *counts, following = rng.poisson(rates)
        found = gamma_poisson_forecast(counts).next_count
        hits += found.low <= following <= found.high
        width += found.high - found.low
    return hits / runs, width / runs


def _marked(coverage: float, runs: int, level: float = 0.95) -> str:
    """In percent, with a star where it is below the level by more than 3 Monte-Carlo errors."""
    if math.isnan(coverage):
        return ""
    error = math.sqrt(level * (1 - level) / runs)
    return f"{100 * coverage:.1f}{'*' if coverage < level - 3 * error else ''}"


def _table(header: Sequence[str], rows: list[list[str]], words: int) -> str:
    aligned = ["---"] * words + ["---:"] * (len(header) - words)
    lines = [header, aligned, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def curve_table(runs: int) -> str:
    """Pointwise and simultaneous coverage."""
    rows = []
    for n in SIZES:
        for censored in CENSORED:
            for method in METHODS:
                at, whole, bands = curve_coverage(n, 1.0, censored, method, runs, seed=n)
                band = f"{_marked(whole, runs)} ({100 * bands:.0f})" if bands else ""
                cells = [_marked(one, runs) for one in at]
                rows.append([str(n), f"{100 * censored:.0f} %", method, *cells, band])
    for n in (7, 14, 100):
        for method in METHODS:
            at, _, _ = curve_coverage(n, 1.0, 0.3, method, runs, n, ties=True)
            cells = [_marked(one, runs) for one in at]
            rows.append([str(n), "30 %, ties", method, *cells, ""])
    header = ["n", "censored", "method", *(f"S = {s}" for s in SHARES), "whole curve"]
    return _table(header, rows, words=3)


def median_table(runs: int) -> str:
    """Coverage of the median's interval, where there is a median."""
    rows = []
    for n in SIZES:
        for censored in CENSORED:
            cells = []
            for shape in SHAPES:
                for method in METHODS:
                    hit, there, ends = median_coverage(n, shape, censored, method, runs, seed=n)
                    cells.append(f"{_marked(hit, int(runs * there) or 1)} ({100 * ends:.0f})")
            rows.append([str(n), f"{100 * censored:.0f} %", f"{100 * there:.0f}", *cells])
    names = [f"{method}, Weibull {shape:g}" for shape in SHAPES for method in METHODS]
    return _table(["n", "censored", "reached", *names], rows, words=2)


def forecast_table(runs: int) -> str:
    """Coverage of the predictive interval."""
    rows = []
    for rate in (0.5, 1.75, 3.5, 12.0, 60.0):
        for periods in (2, 4, 8):
            cells = []
            for dispersion in (1.0, 1.5, 3.0):
                hit, width = forecast_coverage(rate, periods, runs, periods, dispersion)
                cells.append(f"{_marked(hit, runs)}, {width:.1f}")
            rows.append([f"{rate:g}", str(periods), *cells])
    names = [f"variance {d:g} times the mean" for d in (1.0, 1.5, 3.0)]
    return _table(["rate per quarter", "quarters", *names], rows, words=0)


def main(runs: int = 4000) -> None:
    """Write the tables."""
    TABLES.mkdir(parents=True, exist_ok=True)
    for name, make in (
        ("curve", curve_table),
        ("median", median_table),
        ("forecast", forecast_table),
    ):
        text = make(runs)
        (TABLES / f"waiting_{name}.md").write_text(text)
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
