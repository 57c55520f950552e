"""Do the intervals and tests of cross-validation hold their level, with models really trained?

By simulation: ridge regression and nearest centroids, whose true risks are known in closed form.
``python studies/fold_coverage.py`` writes ``docs/tables/fold_*.md``.
"""

import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from evidesk.methods.metrics import (
    PoorApproximationWarning,
    corrected_resampled_t,
    cross_validation_clt,
    variance_components,
)
from evidesk.methods.metrics.folds import FOLD_VARIANCES

Floats = npt.NDArray[np.float64]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
SIZES = (50, 200, 1000)
#: Features; each has this effect, or shifts the classes' centres by it.
D, EFFECT, SHIFT = 5, 0.5, 0.4


def ridge(x: Floats, y: Floats, penalty: float = 1.0) -> Floats:
    """Coefficients of ridge regression."""
    return np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y)


def regression_run(rng: np.random.Generator, n: int, k: int) -> tuple[Floats, Floats, float]:
    """Squared errors and folds of a cross-validation, and the mean true risk of its models."""
    x = rng.normal(size=(n, D))
    y = EFFECT * x.sum(axis=1) + rng.normal(size=n)
    folds, losses, risks = np.arange(n) % k, np.empty(n), []
    for fold in range(k):
        test = folds == fold
        w = ridge(x[~test], y[~test])
        losses[test] = (y[test] - x[test] @ w) ** 2
        risks.append(1 + ((w - EFFECT) ** 2).sum())
    return losses, folds, float(np.mean(risks))


def classification_run(rng: np.random.Generator, n: int, k: int) -> tuple[Floats, Floats, float]:
    """Right or wrong by the nearer centroid, and the mean true accuracy."""
    y = np.arange(n) // 2 % 2
    rng.shuffle(y)
    x = rng.normal(size=(n, D)) + SHIFT * (2 * y[:, None] - 1)
    folds, right, truths = rng.permutation(np.arange(n) % k), np.empty(n), []
    for fold in range(k):
        test = folds == fold
        one, zero = x[~test & (y == 1)].mean(axis=0), x[~test & (y == 0)].mean(axis=0)
        w, b = one - zero, (one @ one - zero @ zero) / 2
        right[test] = (x[test] @ w > b) == y[test]
        size, centre = np.linalg.norm(w), SHIFT * w.sum()
        truths.append(special.ndtr((centre - b) / size) / 2 + special.ndtr((centre + b) / size) / 2)
    return right, folds, float(np.mean(truths))


LEARNERS: dict[str, Callable[[np.random.Generator, int, int], tuple[Floats, Floats, float]]] = {
    "nearest centroid, accuracy": classification_run,
    "ridge, squared error": regression_run,
}


def clt_coverage(
    learner: str, n: int, k: int, runs: int, seed: int = 0, level: float = 0.95
) -> dict[str, float]:
    """Coverage of CV-CLT by its variance, and of the plain t interval of the fold values."""
    rng = np.random.default_rng(seed)
    held: dict[str, list[bool]] = {name: [] for name in (*FOLD_VARIANCES, "t of folds")}
    for _ in range(runs):
        scores, folds, truth = LEARNERS[learner](rng, n, k)
        for variance in FOLD_VARIANCES:
            e = cross_validation_clt(
                scores, folds, range="positive", variance=variance, level=level
            )
            held[variance].append(e.low <= truth <= e.high)
        means = np.bincount(folds, scores) / np.bincount(folds)
        reach = stats.t.ppf((1 + level) / 2, k - 1) * stats.sem(means)
        held["t of folds"].append(bool(abs(means.mean() - truth) <= reach))
    return {name: float(np.mean(each)) for name, each in held.items()}


#: Splits: how many tests, on what part of the cases, whether folds partition them.
SPLITS = {
    "10-fold cross-validation": (10, 0.1, True),
    "10 times 10-fold cross-validation": (100, 0.1, True),
    "15 holdouts of 20 %": (15, 0.2, False),
    "100 holdouts of 20 %": (100, 0.2, False),
}


def equal_algorithms(
    rng: np.random.Generator, n: int, splits: str, gap: float = 0.0
) -> tuple[Floats, Floats, float]:
    """Errors of two ridge regressions in each split, one on half of the features each.

    Without a ``gap`` both halves say as much about y, so that the algorithms are equally good.
    """
    count, part, partition = SPLITS[splits]
    x = rng.normal(size=(n, 2 * D))
    y = x @ np.repeat([EFFECT + gap, EFFECT], D) + rng.normal(size=n)
    tests = []
    while len(tests) < count:
        order = rng.permutation(n)
        if partition:
            tests += np.array_split(order, round(1 / part))
        else:
            tests.append(order[: round(part * n)])
    errors = np.empty((2, count))
    for i, test in enumerate(tests):
        train = np.ones(n, dtype=bool)
        train[test] = False
        for half in range(2):
            own = slice(half * D, (half + 1) * D)
            w = ridge(x[train, own], y[train])
            errors[half, i] = np.mean((y[test] - x[test, own] @ w) ** 2)
    return errors[0], errors[1], part


def rejections(
    n: int, splits: str, runs: int, seed: int = 0, gap: float = 0.0
) -> tuple[float, float]:
    """Share of runs in which the corrected and the plain t test see a difference, at 5 %."""
    rng = np.random.default_rng(seed)
    corrected, plain = [], []
    for _ in range(runs):
        a, b, part = equal_algorithms(rng, n, splits, gap)
        corrected.append(corrected_resampled_t(a, b, test_fraction=part).p_value < 0.05)
        plain.append(stats.ttest_rel(a, b).pvalue < 0.05)
    return float(np.mean(corrected)), float(np.mean(plain))


#: Standard deviations of folds, seeds and the rest; the first as in imagenette.
COMPONENTS = ((1.2, 0.1, 0.5), (1.0, 1.0, 1.0), (0.0, 0.5, 1.0))


def component_coverage(
    sds: tuple[float, float, float], folds: int, seeds: int, runs: int, seed: int = 0
) -> list[float]:
    """Coverage of the intervals of the three standard deviations."""
    rng = np.random.default_rng(seed)
    held = []
    for _ in range(runs):
        table = (
            sds[0] * rng.normal(size=(folds, 1))
            + sds[1] * rng.normal(size=seeds)
            + sds[2] * rng.normal(size=(folds, seeds))
        )
        parts = variance_components(table)
        found = (parts.fold, parts.seed, parts.rest)
        held.append([e.low <= sd <= e.high for e, sd in zip(found, sds, strict=True)])
    return [float(share) for share in np.mean(held, axis=0)]


def table(header: list[str], rows: list[list[str]], note: str) -> str:
    """A Markdown table."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{note}\n"


def error_of(share: float, runs: int) -> str:
    """The largest Monte-Carlo error, for a note."""
    return f"{100 * np.sqrt(share * (1 - share) / runs):.1f}"


def clt_table(runs: int) -> str:
    """Coverage of CV-CLT."""
    rows = []
    for learner in LEARNERS:
        for n in SIZES:
            for k in (5, 10):
                found = clt_coverage(learner, n, k, runs)
                cells = [f"{100 * share:.1f}" for share in found.values()]
                rows.append([learner, f"{n:,}", str(k), *cells])
    return table(
        ["learner", "n", "folds", *FOLD_VARIANCES, "t of folds"],
        rows,
        f"Coverage in % of nominal 95 %; {runs:,} simulations, Monte-Carlo error "
        f"{error_of(0.95, runs)}.",
    )


def t_table(runs: int) -> str:
    """Type-I error and power of the corrected resampled t."""
    rows = []
    for splits in SPLITS:
        for n in (100, 400):
            few = runs if SPLITS[splits][0] < 50 else runs // 4
            corrected, plain = rejections(n, splits, few)
            power, _ = rejections(n, splits, few, seed=1, gap=0.2)
            rows.append(
                [splits, str(n), *(f"{100 * share:.1f}" for share in (corrected, plain, power))]
            )
    return table(
        ["splits", "n", "type-I error, corrected", "type-I error, plain t", "power, corrected"],
        rows,
        f"In % at nominal 5 %; {runs:,} simulations, for 100 splits a quarter; Monte-Carlo error "
        f"{error_of(0.05, runs)} and {error_of(0.05, runs // 4)}.",
    )


def components_table(runs: int) -> str:
    """Coverage of the intervals of variance components."""
    rows = []
    for sds in COMPONENTS:
        for folds, seeds in ((5, 3), (10, 5), (20, 6)):
            found = component_coverage(sds, folds, seeds, runs)
            truth = " / ".join(f"{sd:g}" for sd in sds)
            rows.append([truth, f"{folds} x {seeds}", *(f"{100 * share:.1f}" for share in found)])
    return table(
        ["true sd of folds / seeds / rest", "folds x seeds", "folds", "seeds", "rest"],
        rows,
        f"Coverage in % of nominal 95 %; {runs:,} simulations, Monte-Carlo error "
        f"{error_of(0.95, runs)}.",
    )


def main() -> None:
    """Write all tables."""
    warnings.simplefilter("ignore", PoorApproximationWarning)
    TABLES.mkdir(parents=True, exist_ok=True)
    for name, made, runs in (
        ("clt", clt_table, 2_000),
        ("resampled_t", t_table, 1_000),
        ("components", components_table, 4_000),
    ):
        text = made(runs)
        (TABLES / f"fold_{name}.md").write_text(text)
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
