"""Do the tests that tell where samples differ, and what that means for a model, hold their levels?

By simulation. ``python studies/shift_where.py`` writes ``docs/tables/shift_where_*.md``.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.methods.shift.attribution import Regressions, marginal_statistics, pair_statistics
from evidesk.methods.shift.discovery import false_discovery
from evidesk.methods.shift.harm import adverse_shift
from evidesk.methods.shift.regions import regions_of
from evidesk.methods.shift.relabelling import Relabelling
from evidesk.methods.shift.rows import row_evidence
from evidesk.methods.shift.samples import Samples
from evidesk.methods.shift.weighting import accuracy_under_shift

Floats = npt.NDArray[np.float64]
Pair = tuple[Floats, Floats]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
DRAWN = 199


def followers(rng: np.random.Generator, n: int, shift: float, d: int, scale: float = 1) -> Floats:
    """The first feature shifts, and the others follow it as they always do."""
    first = scale * rng.standard_normal(n) + shift
    return np.column_stack([first, 0.8 * first[:, None] + 0.6 * rng.standard_normal((n, d - 1))])


def none(rng: np.random.Generator, m: int, n: int) -> Pair:
    return followers(rng, m, 0, 5), followers(rng, n, 0, 5)


def mean(rng: np.random.Generator, m: int, n: int) -> Pair:
    x, y = rng.standard_normal((m, 5)), rng.standard_normal((n, 5))
    y[:, 0] += 0.3
    return x, y


def correlation(rng: np.random.Generator, m: int, n: int) -> Pair:
    x, y = rng.standard_normal((m, 5)), rng.standard_normal((n, 5))
    y[:, 1] = 0.5 * y[:, 0] + np.sqrt(0.75) * y[:, 1]
    return x, y


def cause(rng: np.random.Generator, m: int, n: int) -> Pair:
    return followers(rng, m, 0, 5), followers(rng, n, 1.0, 5)


def spread(rng: np.random.Generator, m: int, n: int) -> Pair:
    return followers(rng, m, 0, 5), followers(rng, n, 0, 5, 1.5)


#: Which features differ alone, which beyond the others, and which pairs hang together otherwise.
SHIFTS: dict[
    str,
    tuple[
        Callable[[np.random.Generator, int, int], Pair], set[int], set[int], set[tuple[int, int]]
    ],
] = {
    "none": (none, set(), set(), set()),
    "mean of one of five by 0.3": (mean, {0}, {0}, set()),
    "correlation of two of five, 0.5": (correlation, set(), {0, 1}, {(0, 1)}),
    "mean by 1, which four others follow": (cause, set(range(5)), {0}, set()),
    "spread by 1.5, which four others follow": (
        spread, set(range(5)), {0}, {(i, j) for i in range(5) for j in range(i + 1, 5)},
    ),
}  # fmt: skip


def p_values(statistics: Floats, against: Floats | None = None) -> Floats:
    null = statistics[:, 1:] if against is None else against
    as_large = (null >= statistics[:, :1] * (1 - 1e-6)).sum(axis=1)
    return np.asarray((1 + as_large) / (1 + null.shape[1]))


def judge(p: Floats, true: set[int]) -> list[float]:
    """False rejections at 5 %, false discoveries at 20 % by both corrections, and power at 5 %."""
    alike = [i for i in range(len(p)) if i not in true]
    found: list[float] = [float((p[alike] <= 0.05).mean()) if alike else np.nan]
    for correction in ("bh", "by"):
        taken = false_discovery(p, correction) <= 0.2
        found.append(taken[alike].sum() / max(taken.sum(), 1))
    found.append(float((p[sorted(true)] <= 0.05).mean()) if true else np.nan)
    return found


def features(name: str, m: int, n: int, runs: int, seed: int = 0) -> Floats:
    """Shape (3, 4): `judge` alone and beyond the others, and for pairs: any false rejection at 5 %
    (adjusted), twice nothing, and power.
    """
    make, alone, beyond, pairs_true = SHIFTS[name]
    results = []
    for run in range(runs):
        rng = np.random.default_rng((seed, run))
        samples = Samples.of(*make(rng, m, n))
        rows = Relabelling.of_rows(samples.is_current)
        marginal = p_values(marginal_statistics(samples, rows, DRAWN, rng))
        drawn = Regressions.of(samples).conditional_statistics(rows, DRAWN, rng)
        conditional = p_values(np.array(list(drawn)))
        told = pair_statistics(samples, rows, DRAWN, rng)
        assert told is not None
        pairs, statistics = told
        p = p_values(statistics, statistics[:, 1:].max(axis=0)[None])
        wrong = [one for one, pair in zip(p, pairs, strict=True) if pair not in pairs_true]
        right = [one <= 0.05 for one, pair in zip(p, pairs, strict=True) if pair in pairs_true]
        of_pairs = [
            float(min(wrong) <= 0.05) if wrong else np.nan,
            np.nan,
            np.nan,
            float(np.mean(right)) if right else np.nan,
        ]
        results.append([judge(marginal, alone), judge(conditional, beyond), of_pairs])
    return np.asarray(np.mean(results, axis=0))


def rows_study(n: int, strange: float, runs: int, seed: int = 0) -> tuple[float, float, float]:
    """False discovery rate among rows at 20 %, its standard error, and the share of strange rows
    that are found.
    """
    wrong, found = [], []
    for run in range(runs):
        rng = np.random.default_rng((seed, run))
        x, y = rng.standard_normal((n, 3)), rng.standard_normal((n // 2, 3))
        count = round(strange * len(y))
        y[:count] = 0.3 * y[:count] + 3
        samples = Samples.of(x, y)
        relabelling = Relabelling.of_rows(samples.is_current)
        told = row_evidence(samples, relabelling, np.zeros(samples.n), 0.2, "bh", rng)
        wrong.append((told.unlike >= count).sum() / max(len(told.unlike), 1))
        found.append((told.unlike < count).sum() / max(count, 1))
    return float(np.mean(wrong)), float(np.std(wrong) / np.sqrt(runs)), float(np.mean(found))


def regions_study(n: int, runs: int, seed: int = 0) -> tuple[float, int]:
    """Coverage of the shares of all regions at 95 %, and how many there were."""
    big = np.random.default_rng(99).standard_normal((2, 200_000, 2))
    big[1, :, 0] += 0.8
    held = []
    for run in range(runs):
        rng = np.random.default_rng((seed, run))
        x, y = rng.standard_normal((2, n, 2))
        y[:, 0] += 0.8
        samples = Samples.of(x, y)
        for region in regions_of(samples, Relabelling.of_rows(samples.is_current), 0.95, rng):
            for cases, share in zip(big, (region.reference, region.current), strict=True):
                inside = np.ones(len(cases), dtype=bool)
                for one in region.conditions:
                    inside &= one.holds(cases[:, int(one.feature[1:])])
                held.append(share.low <= inside.mean() <= share.high)
    return float(np.mean(held)), len(held)


def harm(m: int, n: int, kind: str, runs: int, seed: int = 0) -> float:
    """Share of false alarms at 5 %."""
    rejected = []
    for run in range(runs):
        rng = np.random.default_rng((seed, run))
        scores, groups = rng.standard_normal(m + n), None
        if kind == "ties":
            scores = np.round(scores)
        if kind == "groups of 5":
            groups = np.repeat(np.arange((m + n) // 5), 5)
            scores = scores + rng.standard_normal((m + n) // 5)[groups]
        found = adverse_shift(
            scores[:m], scores[m:], groups=groups, permutations=99, random_state=rng
        )
        rejected.append(found.adverse)
    return float(np.mean(rejected))


def weighting(
    delta: float, m: int, n: int, loss: bool, runs: int, seed: int = 0
) -> tuple[float, float, float, float, float]:
    """Coverage at 95 % where told, share told, effective rows, bias and standard deviation."""
    grid = np.linspace(-8, 8, 4001)
    density = np.exp(-(grid**2) / 2)
    density /= density.sum()
    right = special.expit(1.5 - 1.5 * (grid + delta))
    truth = float((np.exp(0.5 * (grid + delta)) if loss else right) @ density)
    held, effective, errors = [], [], []
    for run in range(runs):
        rng = np.random.default_rng((seed, run))
        x, y = rng.standard_normal((m, 3)), rng.standard_normal((n, 3))
        y[:, 0] += delta
        known = (
            rng.exponential(np.exp(0.5 * x[:, 0]))
            if loss
            else rng.random(m) < special.expit(1.5 - 1.5 * x[:, 0])
        )
        told = accuracy_under_shift(x, y, known, random_state=rng)
        effective.append(told.effective)
        if told.estimate is not None:
            held.append(told.estimate.low <= truth <= told.estimate.high)
            errors.append(told.estimate.value - truth)
    few = not held
    return (
        np.nan if few else float(np.mean(held)),
        len(held) / runs,
        float(np.mean(effective)),
        np.nan if few else float(np.mean(errors)),
        np.nan if few else float(np.std(errors)),
    )


def table(header: list[str], rows: list[list[str]], note: str) -> str:
    """A Markdown table."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{note}\n"


def percent(share: float) -> str:
    return "" if np.isnan(share) else f"{100 * share:.1f}"


def error_of(share: float, runs: int) -> str:
    """The Monte-Carlo error, for a note."""
    return f"{100 * np.sqrt(share * (1 - share) / runs):.1f}"


def features_table(runs: int) -> str:
    rows = []
    for name in SHIFTS:
        for m, n in ((100, 100), (500, 300)):
            found = features(name, m, n, runs)
            cells = [*found[0], *found[1], found[2, 0], found[2, 3]]
            rows.append([name, f"{m} + {n}", *map(percent, cells)])
    kinds = ("type-I error", "FDR, bh", "FDR, by", "power")
    header = [f"{which}: {kind}" for which in ("alone", "beyond") for kind in kinds]
    return table(
        ["shift", "rows", *header, "pairs: any false", "pairs: power"],
        rows,
        f"In %. Type-I error, power and any false pair at nominal 5 %, false discovery rate (FDR) "
        f"at nominal 20 %; {runs:,} simulations, Monte-Carlo error of a single test at most "
        f"{error_of(0.05, runs)}, of an FDR {error_of(0.2, runs)}.",
    )


def rows_table(runs: int) -> str:
    rows = []
    for n in (100, 400):
        for strange in (0.0, 0.05, 0.2):
            wrong, error, found = rows_study(n, strange, runs)
            limit = percent(0.2 * (1 - strange))
            shown = percent(found) if strange else ""
            rows.append(
                [f"{n} + {n // 2}", percent(strange), percent(wrong), percent(error), limit, shown]
            )
    return table(
        ["rows", "strange rows", "FDR", "its error", "at most", "found"],
        rows,
        f"In % at a nominal false discovery rate of 20 %; {runs:,} simulations.",
    )


def regions_table(runs: int) -> str:
    rows = []
    for n in (150, 600):
        share, count = regions_study(n, runs)
        rows.append([f"{n} + {n}", percent(share), f"{count:,}", error_of(0.95, count)])
    return table(
        ["rows", "coverage", "intervals", "Monte-Carlo error"],
        rows,
        "Coverage in % of nominal 95 %, of the shares of both samples in all regions of a tree.",
    )


def harm_table(runs: int) -> str:
    rows = [
        [f"{m} + {n}", *(percent(harm(m, n, kind, runs)) for kind in ("", "ties", "groups of 5"))]
        for m, n in ((30, 20), (200, 100))
    ]
    return table(
        ["rows", "continuous", "ties", "groups of 5"],
        rows,
        f"False alarms in % at nominal 5 %; {runs:,} simulations, Monte-Carlo error "
        f"{error_of(0.05, runs)}.",
    )


def weighting_table(runs: int) -> str:
    rows = []
    for loss in (False, True):
        for delta in (0.0, 0.5, 1.0, 2.0):
            for m, n in ((200, 200), (800, 400)):
                held, told, effective, bias, deviation = weighting(delta, m, n, loss, runs)
                rows.append(
                    [
                        f"{'loss' if loss else 'accuracy'}, mean by {delta:g}",
                        f"{m} + {n}",
                        percent(held),
                        percent(told),
                        f"{effective:.0f}",
                        "" if np.isnan(bias) else f"{bias:.3f}",
                        "" if np.isnan(deviation) else f"{deviation:.3f}",
                    ]
                )
    return table(
        ["outcome and shift", "rows", "coverage", "told", "effective rows", "bias", "deviation"],
        rows,
        f"Coverage in % of nominal 95 % where an estimate is told, and how often it is; {runs:,} "
        f"simulations, Monte-Carlo error {error_of(0.95, runs)}.",
    )


def main() -> None:
    """Write all tables; ``scale`` of the numbers of simulations may be given."""
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    TABLES.mkdir(parents=True, exist_ok=True)
    for name, made, runs in (
        ("harm", harm_table, 2_000),
        ("regions", regions_table, 500),
        ("rows", rows_table, 200),
        ("features", features_table, 500),
        ("weighting", weighting_table, 300),
    ):
        text = made(max(round(scale * runs), 10))
        (TABLES / f"shift_where_{name}.md").write_text(text)
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
