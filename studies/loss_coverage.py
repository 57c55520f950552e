"""Do the intervals for means of losses, R2, Spearman's correlation, Dice and mAP reach their level?

By simulation. ``python studies/loss_coverage.py`` writes ``docs/tables/loss_*.md``.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from evidesk.methods.metrics import (
    ImageDetections,
    evaluate_detections,
    evaluate_means,
    evaluate_values,
)
from evidesk.methods.metrics.evaluation import Evaluation, IntervalMethod
from evidesk.methods.metrics.means import FEWEST_LOSSES

Floats = npt.NDArray[np.float64]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
METHODS: tuple[IntervalMethod, ...] = ("delta", "percentile", "bca")
#: What the public functions call them.
PUBLIC = {"delta": "clt", "percentile": "percentile", "bca": "bca"}
SIZES = (20, 50, 200, 1000, 10_000)
RESAMPLES = 1_000
#: Runs that share the weights of a bootstrap, which costs little: their samples are independent.
_TOGETHER = 25


@dataclass(frozen=True)
class Coverage:
    """Share of intervals that hold the truth, its Monte-Carlo error, and that of warned samples."""

    share: float
    runs: int
    warned: float = 0.0

    @property
    def error(self) -> float:
        """Monte-Carlo error of the share."""
        return float(np.sqrt(self.share * (1 - self.share) / self.runs))

    def __str__(self) -> str:
        outside = "" if 93 <= round(100 * self.share, 1) <= 97 else "*"
        warned = f" ({100 * self.warned:.0f})" if self.warned >= 0.005 else ""
        return f"{100 * self.share:.1f}{outside}{warned}"


def coverage(
    evaluations: Iterable[Evaluation],
    truth: float,
    method: IntervalMethod,
    seed: int,
    level: float = 0.95,
    fewest: float = 0,
) -> Coverage:
    """Over the models of all evaluations, each of which is one run."""
    held, warned = [], []
    for i, evaluation in enumerate(evaluations):
        found = evaluation.estimates(
            level=level, method=method, resamples=RESAMPLES, random_state=seed + i
        )
        held += [e.low <= truth <= e.high for e in found.values()]
        warned += list(evaluation.most < fewest)
    return Coverage(float(np.mean(held)), len(held), float(np.mean(warned)))


# Losses: the quantile of each distribution at a uniform number, and its mean.

Quantile = Callable[[Floats], Floats]
LOSSES: dict[str, tuple[Quantile, float]] = {
    "MAE, normal errors": (lambda u: np.abs(special.ndtri(u)), float(np.sqrt(2 / np.pi))),
    "MSE, normal errors": (lambda u: special.ndtri(u) ** 2, 1.0),
    "exponential": (lambda u: -np.log1p(-u), 1.0),
    "lognormal": (lambda u: np.exp(special.ndtri(u)), float(np.exp(0.5))),
    "MSE, errors of t(5)": (lambda u: special.stdtrit(5, u) ** 2, 5 / 3),
}
#: Number of groups, cases in each.
GROUPS = ((10, 20), (30, 10), (100, 5))
ICC = 0.3


def losses(
    quantile: Quantile, n: int, runs: int, seed: int, group: int = 1, together: int = _TOGETHER
) -> Iterable[Evaluation]:
    """Means of ``n`` losses; in groups, the normal scores of the losses correlate by ICC."""
    rng = np.random.default_rng(seed)
    groups = None if group == 1 else np.repeat(np.arange(n // group), group)
    for _ in range(runs // together):
        z = rng.normal(size=(together, n))
        if group > 1:
            own = rng.normal(size=(together, n // group)).repeat(group, axis=1)
            z = np.sqrt(1 - ICC) * z + np.sqrt(ICC) * own
        table = quantile(special.ndtr(z))
        named = {str(i): row for i, row in enumerate(table)}
        yield evaluate_means(named, range="positive", groups=groups)


def loss_coverage(
    name: str, n: int, method: IntervalMethod, runs: int, seed: int = 0, group: int = 1
) -> Coverage:
    """Coverage for one distribution."""
    quantile, truth = LOSSES[name]
    sample = losses(quantile, n, runs, seed, group)
    return coverage(sample, truth, method, seed, fewest=FEWEST_LOSSES)


# R2 and Spearman's correlation

TRUE_R2 = (-0.5, 0.1, 0.5, 0.9, 0.99)
TRUE_RHO = (0.0, 0.3, 0.6, 0.9)
SMALL = (20, 50, 200, 1000)
ERRORS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "t(5)": lambda rng, n: rng.standard_t(5, n) / np.sqrt(5 / 3),
}


def explained(r2: float, errors: str, n: int, runs: int, seed: int) -> Iterable[Evaluation]:
    """Predictions x of y = x + error; for R2 below 0 of y that x says nothing about."""
    rng = np.random.default_rng(seed)
    for _ in range(runs):
        x, error = rng.normal(size=n), ERRORS[errors](rng, n)
        if r2 > 0:
            yield evaluate_values("r2", x + error * np.sqrt(1 / r2 - 1), {"": x})
        else:
            yield evaluate_values("r2", error, {"": x * np.sqrt(-r2)})


def r2_coverage(
    r2: float, errors: str, n: int, method: IntervalMethod, runs: int, seed: int = 0
) -> Coverage:
    """Coverage at one true R2."""
    sample = explained(r2, errors, n, runs, seed)
    return coverage(sample, r2, method, seed, fewest=FEWEST_LOSSES)


def ranked(r: float, ties: bool, n: int, runs: int, seed: int) -> Iterable[Evaluation]:
    """Bivariate normal numbers; with ties, rounded to -2, ..., 2."""
    rng = np.random.default_rng(seed)
    for _ in range(runs):
        x = rng.normal(size=n)
        y = r * x + np.sqrt(1 - r**2) * rng.normal(size=n)
        if ties:
            x, y = (np.clip(np.round(v), -2, 2) for v in (x, y))
        yield evaluate_values("spearman", x, {"": y})


def true_spearman(rho: float, ties: bool) -> tuple[float, float]:
    """Pearson's correlation of the normal numbers, and Spearman's of what is observed."""
    r = float(2 * np.sin(np.pi * rho / 6))
    if not ties:
        return r, rho
    edges = np.array([-np.inf, -1.5, -0.5, 0.5, 1.5, np.inf])
    corner = np.array([[_both(a, b, r) for b in edges] for a in edges])
    cells = np.diff(np.diff(corner, axis=0), axis=1)
    share = cells.sum(axis=1)
    rank = np.cumsum(share) - share / 2 - 0.5
    return r, float(rank @ cells @ rank / (rank**2 @ share))


def _both(a: float, b: float, r: float) -> float:
    if np.isneginf(a) or np.isneginf(b):
        return 0.0
    if np.isinf(a) or np.isinf(b):
        return float(special.ndtr(min(a, b)))
    return float(stats.multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf([a, b]))


def spearman_coverage(
    rho: float, ties: bool, n: int, method: IntervalMethod, runs: int, seed: int = 0
) -> Coverage:
    """Coverage at one true correlation."""
    r, truth = true_spearman(rho, ties)
    return coverage(ranked(r, ties, n, runs, seed), truth, method, seed)


# Shares, such as Dice

Draw = Callable[[np.random.Generator, tuple[int, int]], Floats]
SHARES: dict[str, tuple[Draw, float]] = {
    "beta(8, 2)": (lambda rng, shape: rng.beta(8, 2, shape), 0.8),
    "beta(18, 2)": (lambda rng, shape: rng.beta(18, 2, shape), 0.9),
    "beta(4, 0.5)": (lambda rng, shape: rng.beta(4, 0.5, shape), 8 / 9),
    "beta(1, 9)": (lambda rng, shape: rng.beta(1, 9, shape), 0.1),
    "beta(18, 2), 5 % fail": (
        lambda rng, shape: rng.beta(18, 2, shape) * (rng.random(shape) > 0.05),
        0.9 * 0.95,
    ),
    "beta(95, 5), 1 % fail": (
        lambda rng, shape: rng.beta(95, 5, shape) * (rng.random(shape) > 0.01),
        0.95 * 0.99,
    ),
}


def share_coverage(name: str, n: int, method: IntervalMethod, runs: int, seed: int = 0) -> Coverage:
    """Coverage for one distribution of shares."""
    draw, truth = SHARES[name]
    rng = np.random.default_rng(seed)
    tables = (draw(rng, (_TOGETHER, n)) for _ in range(runs // _TOGETHER))
    sample = (
        evaluate_means({str(i): row for i, row in enumerate(table)}, range="share")
        for table in tables
    )
    return coverage(sample, truth, method, seed)


# Detection

IMAGES = (30, 100, 300)
#: The classes' share of objects that are found.
FOUND = {"a": 0.9, "b": 0.7, "c": 0.5}


def images(rng: np.random.Generator, n: int) -> list[ImageDetections]:
    """Images with Poisson numbers of objects and of false alarms; some images are harder."""
    classes = list(FOUND)
    hardness = rng.normal(0, 0.7, n)
    objects = rng.poisson(1.0, (n, 3))
    shares = special.expit(special.logit(np.array(list(FOUND.values()))) - hardness[:, None])
    hits, alarms = rng.binomial(objects, shares), rng.poisson(0.7, (n, 3))
    result = []
    for i in range(n):
        counts = np.concatenate([hits[i], alarms[i]])
        labels = np.repeat(classes + classes, counts)
        good = np.repeat([True] * 3 + [False] * 3, counts)
        scores = rng.normal(size=len(labels)) + 1.5 * good
        there = dict(zip(classes, objects[i].tolist(), strict=True))
        result.append(ImageDetections(labels, scores, good, there))
    return result


def true_map() -> float:
    """Of so many images that its own error does not matter."""
    return float(evaluate_detections({"": images(np.random.default_rng(12345), 40_000)}).values[0])


def map_coverage(
    truth: float, n: int, method: IntervalMethod, runs: int, seed: int = 0
) -> Coverage:
    """Coverage for one number of images."""
    rng = np.random.default_rng(seed)
    sample = (evaluate_detections({"": images(rng, n)}) for _ in range(runs))
    return coverage(sample, truth, method, seed)


# Tables


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def means_table(runs: int) -> str:
    """Means of losses, for independent and for grouped cases."""
    header = ["losses", "method", *(f"n = {n:,}" for n in SIZES)]
    header += [f"{k} groups of {m}" for k, m in GROUPS]
    rows = []
    for name in LOSSES:
        for method in METHODS:
            # The bootstrap of a mean of many cases is the normal interval, and costs a lot.
            sizes = SIZES if method == "delta" else SIZES[:-1]
            cells = [
                str(loss_coverage(name, n, method, runs if n < 10_000 else runs // 4))
                for n in sizes
            ]
            cells += [""] * (len(SIZES) - len(sizes))
            cells += [str(loss_coverage(name, k * m, method, runs, group=m)) for k, m in GROUPS]
            rows.append([name, PUBLIC[method], *cells])
    return table(header, rows)


def r2_table(runs: int) -> str:
    """R2 and Spearman's correlation."""
    header = ["metric", "true value", "method", *(f"n = {n:,}" for n in SMALL)]
    rows = []
    for errors in ERRORS:
        for r2 in TRUE_R2:
            for method in METHODS:
                few, sizes = (runs, SMALL) if method == "delta" else (runs // 4, SMALL[:-1])
                cells = [str(r2_coverage(r2, errors, n, method, few)) for n in sizes]
                cells += [""] * (len(SMALL) - len(sizes))
                rows.append([f"R2, errors {errors}", f"{r2:g}", PUBLIC[method], *cells])
    for ties in (False, True):
        for rho in TRUE_RHO:
            # Rounded numbers tell the bootstraps nothing new.
            for method in METHODS[: 1 if ties else None]:
                few, sizes = (runs, SMALL) if method == "delta" else (runs // 4, SMALL[:2])
                cells = [str(spearman_coverage(rho, ties, n, method, few)) for n in sizes]
                cells += [""] * (len(SMALL) - len(sizes))
                name = "Spearman, five values" if ties else "Spearman, normal"
                truth = f"{true_spearman(rho, ties)[1]:.2f}"
                rows.append([name, truth, PUBLIC[method], *cells])
    return table(header, rows)


def shares_table(runs: int) -> str:
    """Means of shares."""
    header = ["shares", "method", *(f"n = {n:,}" for n in SMALL)]
    rows = []
    for name in SHARES:
        for method in METHODS:
            cells = [
                str(share_coverage(name, n, method, runs if n < 1000 else runs // 2)) for n in SMALL
            ]
            rows.append([name, PUBLIC[method], *cells])
    return table(header, rows)


def map_table(runs: int) -> str:
    """Mean average precision."""
    truth = true_map()
    rows = [
        [method, *(str(map_coverage(truth, n, method, runs)) for n in IMAGES)] for method in METHODS
    ]
    return table(["method", *(f"{n} images" for n in IMAGES)], rows)


def main() -> None:
    """Write all tables."""
    TABLES.mkdir(parents=True, exist_ok=True)
    for name, made, runs in (
        ("means", means_table, 2_000),
        ("r2", r2_table, 1_000),
        ("shares", shares_table, 2_000),
        ("detection", map_table, 400),
    ):
        text = made(runs)
        error = 100 * np.sqrt(0.95 * 0.05 / runs)
        text += (
            f"\nCoverage in % of nominal 95 %, * outside 93 to 97. {runs:,} simulations, in some "
            f"cells a quarter: Monte-Carlo error {error:.1f} and {2 * error:.1f}. In brackets: "
            "% of the samples for which the default method warns.\n"
        )
        (TABLES / f"loss_{name}.md").write_text(text)
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
