"""Do comparisons of two models keep their error rate, and do their intervals reach their level?

McNemar's tests and the intervals of paired proportions: by exact enumeration of all counts, beside
the intervals of Wald, Bonett and Price (2012), Tango (1998), and Newcombe (1998, method 10; by
simulation). Differences of other metrics: by simulation; ``grouped_differences.py`` has those of
grouped cases. What not to do, the unpaired test and the overlap of intervals, is there too.
``python studies/comparison_error.py`` writes ``docs/tables/comparison_*.md``.
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from evidesk.methods.metrics import (
    PoorApproximationWarning,
    difference,
    evaluate_labels,
    mcnemar_interval,
    mcnemar_p_value,
    proportion_interval,
)
from evidesk.methods.metrics.evaluation import Evaluation, mean_evaluation
from evidesk.methods.metrics.mcnemar import MCNEMAR_METHODS, McNemarMethod
from evidesk.methods.metrics.score_metrics import evaluate_scores

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Interval = tuple[Floats, Floats]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
SIZES = (20, 50, 200, 1000)
#: The share of cases that tell the models apart.
APART = (0.02, 0.05, 0.1, 0.2, 0.4)
#: How one-sided these are: 0 for equal models, 1 if only A is ever right alone.
BALANCE = (0.0, 0.2, 0.5, 0.8)
Z = float(stats.norm.ppf(0.975))


# Tests and intervals of counts, by exact enumeration


def false_alarms(method: McNemarMethod, n: int, apart: Floats, level: float) -> Floats:
    """Probability of a false alarm at each share of cases that tell equal models apart."""
    m = np.arange(n + 1)
    a = m[:, None]
    rejected = mcnemar_p_value(m, np.maximum(a - m, 0), method=method) <= level
    given = np.where(m <= a, stats.binom.pmf(m, a, 0.5), 0.0)
    return stats.binom.pmf(m, n, apart[:, None]) @ (given * rejected).sum(axis=1)


def outcomes(n: int, only_a: float, only_b: float) -> tuple[Counts, Counts, Floats]:
    """The counts that occur when each case is one for A alone, B alone or neither; their shares.

    Counts further than 7 standard deviations away are left out, less than 1e-10 in all.
    """

    def near(p: float) -> Counts:
        reach = 7 * np.sqrt(n * p * (1 - p)) + 7
        return np.arange(max(0, int(n * p - reach)), min(n, int(n * p + reach)) + 1)

    a, b = np.meshgrid(near(only_a), near(only_b), indexing="ij")
    a, b = a[a + b <= n], b[a + b <= n]
    log_share = (
        special.gammaln(n + 1)
        - special.gammaln(a + 1)
        - special.gammaln(b + 1)
        - special.gammaln(n - a - b + 1)
        + special.xlogy(a, only_a)
        + special.xlogy(b, only_b)
        + special.xlogy(n - a - b, 1 - only_a - only_b)
    )
    return a, b, np.exp(log_share)


def wald(a: Counts, b: Counts, n: int) -> Interval:
    gap = (a - b) / n
    reach = Z * np.sqrt((a + b) / n - gap**2) / np.sqrt(n)
    return gap - reach, gap + reach


def bonett_price(a: Counts, b: Counts, n: int) -> Interval:
    p, q = (a + 1) / (n + 2), (b + 1) / (n + 2)
    reach = Z * np.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return np.maximum(p - q - reach, -1), np.minimum(p - q + reach, 1)


def tango(a: Counts, b: Counts, n: int) -> Interval:
    """The differences that the score test does not reject, by halving."""

    def beyond(gap: Floats) -> Floats:
        linear = (2 * n - a + b) * gap - a - b
        constant = -b * gap * (1 - gap)
        root = np.sqrt(np.maximum(linear**2 - 8 * n * constant, 0))
        variance = n * ((root - linear) / (2 * n) + gap * (1 - gap))
        return (a - b - n * gap) ** 2 > Z**2 * variance

    ends = []
    for end in (-1.0, 1.0):
        outside, inside = np.full(a.shape, end), (a - b) / n
        for _ in range(50):
            middle = (outside + inside) / 2
            out = beyond(middle)
            outside, inside = np.where(out, middle, outside), np.where(out, inside, middle)
        ends.append(inside)
    return ends[0], ends[1]


def newcombe(both: Counts, a: Counts, b: Counts, n: int) -> Interval:
    """Method 10: square-and-add of Wilson's intervals, with the continuity-corrected phi."""
    neither = n - both - a - b
    first, second = both + a, both + b
    low, high = proportion_interval(np.stack([first, second]), n, method="wilson-score")
    scale = np.sqrt(first * (n - first) * second * (n - second).astype(float))
    cross = both * neither - a * b
    corrected = np.where(cross > 0, np.maximum(cross - n / 2, 0), cross)
    phi = np.divide(corrected, scale, out=np.zeros(a.shape), where=scale > 0)
    p, q = first / n, second / n

    def reach(x: Floats, y: Floats) -> Floats:
        return np.sqrt(np.maximum(x**2 - 2 * phi * x * y + y**2, 0))

    return p - q - reach(p - low[0], high[1] - q), p - q + reach(q - low[1], high[0] - p)


OWN: dict[str, Callable[[Counts, Counts, int], Interval]] = {
    method: lambda a, b, n, method=method: mcnemar_interval(a, b, n, method=method)
    for method in MCNEMAR_METHODS
}
INTERVALS = OWN | {"Wald": wald, "Bonett-Price": bonett_price, "Tango": tango}


def interval_coverage(
    interval: Callable[[Counts, Counts, int], Interval], n: int, apart: float, balance: float
) -> tuple[float, float]:
    """Coverage and mean width where ``apart`` of the cases tell the models apart."""
    p, q = apart * (1 + balance) / 2, apart * (1 - balance) / 2
    a, b, share = outcomes(n, p, q)
    low, high = interval(a, b, n)
    held = (low <= p - q + 1e-12) & (p - q - 1e-12 <= high)
    return float(share @ held), float(share @ (high - low))


def newcombe_coverage(
    n: int, apart: float, balance: float, runs: int, seed: int
) -> tuple[float, float]:
    """The same for Newcombe's interval, which needs the cases that both have right: half."""
    p, q = apart * (1 + balance) / 2, apart * (1 - balance) / 2
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n, [(1 - apart) / 2, p, q, (1 - apart) / 2], size=runs)
    low, high = newcombe(counts[:, 0], counts[:, 1], counts[:, 2], n)
    return float(np.mean((low <= p - q) & (p - q <= high))), float(np.mean(high - low))


def naive_rates(
    n: int, accuracy: float, apart: float, balance: float, runs: int, seed: int
) -> dict[str, float]:
    """How often each rule says "different"."""
    p, q = apart * (1 + balance) / 2, apart * (1 - balance) / 2
    both = accuracy - apart / 2
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n, [both, p, q, 1 - both - apart], size=runs)
    a, b = counts[:, 1], counts[:, 2]
    first, second = (counts[:, 0] + a) / n, (counts[:, 0] + b) / n
    error = np.sqrt((first * (1 - first) + second * (1 - second)) / n)
    right = np.stack([counts[:, 0] + a, counts[:, 0] + b])
    low, high = proportion_interval(right, n, method="wilson-score")
    return {
        "McNemar mid-p": float(np.mean(mcnemar_p_value(a, b) <= 0.05)),
        "McNemar exact": float(np.mean(mcnemar_p_value(a, b, method="exact") <= 0.05)),
        "unpaired z-test": float(np.mean(np.abs(first - second) > Z * error)),
        "intervals do not overlap": float(np.mean((low[0] > high[1]) | (low[1] > high[0]))),
    }


# Differences of any metric, by simulation


@dataclass(frozen=True)
class Design:
    """What is compared, how to draw it, and the true difference."""

    metric: str
    cases: str
    draw: Callable[[np.random.Generator], Evaluation]
    truth: float
    methods: tuple[str, ...] = ("delta",)


def right_answers(n: int, apart: float, balance: float) -> Design:
    p, q = apart * (1 + balance) / 2, apart * (1 - balance) / 2

    def draw(rng: np.random.Generator) -> Evaluation:
        u = rng.random(n)
        scores = np.stack([u < p, (u >= p) & (u < p + q)])
        return mean_evaluation("accuracy", ("a", "b"), scores, scale="proportion")

    return Design("accuracy", f"{n}, {apart:.0%} apart", draw, p - q)


def losses(n: int, shape: str, gap: float) -> Design:
    def draw(rng: np.random.Generator) -> Evaluation:
        common = rng.standard_normal(n)
        own = rng.standard_normal((2, n)) if shape == "normal" else rng.exponential(size=(2, n))
        own[0] *= 1 if shape == "normal" else 1 + gap
        own[0] += gap if shape == "normal" else 0
        return mean_evaluation("loss", ("a", "b"), own + common)

    return Design(f"mean loss, {shape}", f"{n}", draw, gap, ("delta", "percentile", "bca"))


def auroc(positives: int, negatives: int, first: float, second: float) -> Design:
    """Normal scores whose AUROCs are ``first`` and ``second``, correlated by 1/2."""
    truth = np.repeat([1, 0], [positives, negatives])
    shift = np.sqrt(2) * stats.norm.ppf([first, second])

    def draw(rng: np.random.Generator) -> Evaluation:
        common, own = rng.standard_normal(len(truth)), rng.standard_normal((2, len(truth)))
        scores = (common + own) / np.sqrt(2) + shift[:, None] * truth
        return evaluate_scores("auroc", truth, {"a": scores[0], "b": scores[1]})

    name = f"AUROC {first:g} and {second:g}"
    return Design(name, f"{positives} + {negatives}", draw, first - second)


def macro_f1(n: int, second: float) -> Design:
    """Three classes of shares .6, .3, .1; one model is right in .8, the other in ``second``."""

    def sample(rng: np.random.Generator, size: int) -> Evaluation:
        truth = rng.choice(3, size, p=[0.6, 0.3, 0.1])
        hard = rng.random(size)
        wrong = (truth + rng.integers(1, 3, (2, size))) % 3
        luck = (hard + rng.random((2, size))) / 2
        # The mean of two uniform numbers is below t with probability 1 - 2 (1 - t)**2.
        limit = 1 - np.sqrt((1 - np.array([0.8, second])) / 2)
        said = np.where(luck < limit[:, None], truth, wrong)
        return evaluate_labels(
            "f1", truth, {"a": said[0], "b": said[1]}, average="macro", labels=[0, 1, 2]
        )

    large = sample(np.random.default_rng(0), 1_000_000)
    truth = 0.0 if second == 0.8 else float(large.values[0] - large.values[1])
    methods = ("delta", "percentile", "bca") if n <= 200 else ("delta",)
    return Design("macro F1", f"{n}", lambda rng: sample(rng, n), truth, methods)


DESIGNS = (
    *(right_answers(n, apart, x) for n in (50, 200) for apart in (0.1, 0.3) for x in (0, 0.5)),
    *(
        losses(n, s, gap)
        for n in (20, 50, 200)
        for s in ("normal", "exponential")
        for gap in (0, 0.4)
    ),
    *(
        auroc(*sizes, *values)
        for sizes in ((5, 45), (10, 40), (25, 25), (10, 190), (50, 150), (100, 900))
        for values in ((0.8, 0.8), (0.8, 0.7), (0.95, 0.9))
    ),
    *(macro_f1(n, second) for n in (100, 200, 1000) for second in (0.8, 0.7)),
)


def difference_rates(
    design: Design, method: str, runs: int, seed: int, resamples: int = 500
) -> tuple[float, float, float]:
    """Share of intervals that hold the truth, that exclude 0, and of runs that were warned of."""
    rng = np.random.default_rng(seed)
    held = rejected = warned = 0
    for _ in range(runs):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", PoorApproximationWarning)
            found = difference(
                design.draw(rng), "a", "b", method=method, resamples=resamples, random_state=rng
            )
        held += found.estimate.low <= design.truth <= found.estimate.high
        rejected += found.p_value <= 0.05
        warned += bool(caught)
    return held / runs, rejected / runs, warned / runs


# Tables


def error_of(share: float, runs: int) -> float:
    """Monte-Carlo error."""
    return float(np.sqrt(share * (1 - share) / runs))


def alarms_table(runs: int) -> Iterator[str]:
    apart = np.linspace(0.01, 0.6, 60)
    yield (
        "**False alarms in % of tests at 5 %, exactly: mean over 1 to 60 % of cases that tell the "
        "models apart (highest)**"
    )
    yield ""
    yield f"| test | {' | '.join(f'n = {n:,}' for n in SIZES)} |"
    yield f"| --- |{' ---: |' * len(SIZES)}"
    for method in MCNEMAR_METHODS:
        rates = [100 * false_alarms(method, n, apart, 0.05) for n in SIZES]
        cells = [f"{r.mean():.1f} ({r.max():.2f})" for r in rates]
        yield f"| McNemar {method} | {' | '.join(cells)} |"
    yield ""
    settings = [(n, x) for n in (200, 1000) for x in (0.0, 0.4)]
    yield (
        '**How often each rule says "different", in %, with accuracies about 0.9 and 6 % of cases '
        f"that tell the models apart ({runs:,} simulations, Monte-Carlo error at most 0.4)**"
    )
    yield ""
    heads = [f"n = {n:,}, {'equal' if x == 0 else f'{6 * x:.1f} points'}" for n, x in settings]
    yield f"| rule | {' | '.join(heads)} |"
    yield f"| --- |{' ---: |' * len(heads)}"
    found = [naive_rates(n, 0.9, 0.06, x, runs, seed) for seed, (n, x) in enumerate(settings)]
    for rule in found[0]:
        yield f"| {rule} | {' | '.join(f'{100 * rates[rule]:.1f}' for rates in found)} |"


def intervals_table(runs: int) -> Iterator[str]:
    yield (
        "**Coverage in % of 95 % intervals: mean (lowest to highest) over the settings with at "
        "least five cases that tell the models apart; mean width in points. Exact, but Newcombe's "
        f"({runs:,} simulations)**"
    )
    yield ""
    yield f"| interval | {' | '.join(f'n = {n:,}' for n in SIZES)} |"
    yield f"| --- |{' ---: |' * len(SIZES)}"
    cells: dict[str, list[list[str]]] = {name: [[], []] for name in [*INTERVALS, "Newcombe"]}
    for n in SIZES:
        settings = [(p, x) for p in APART for x in BALANCE]
        for name in cells:
            found = [
                newcombe_coverage(n, p, x, runs, seed)
                if name == "Newcombe"
                else interval_coverage(INTERVALS[name], n, p, x)
                for seed, (p, x) in enumerate(settings)
            ]
            for several, kept in enumerate(cells[name]):
                part = [
                    f for f, (p, _) in zip(found, settings, strict=True) if (n * p >= 5) == several
                ]
                if not part:
                    kept.append("-")
                    continue
                held, width = 100 * np.array(part).T
                kept.append(
                    f"{held.mean():.1f} ({held.min():.1f} to {held.max():.1f}), {width.mean():.2g}"
                )
    for name, (_, several) in cells.items():
        yield f"| {name} | {' | '.join(several)} |"
    yield ""
    yield "**The same with fewer than five such cases**"
    yield ""
    few_sizes = [i for i, n in enumerate(SIZES) if n * min(APART) < 5]
    yield f"| interval | {' | '.join(f'n = {SIZES[i]:,}' for i in few_sizes)} |"
    yield f"| --- |{' ---: |' * len(few_sizes)}"
    for name, (few, _) in cells.items():
        yield f"| {name} | {' | '.join(few[i] for i in few_sizes)} |"


def differences_table(runs: int) -> Iterator[str]:
    yield (
        f"**Paired differences: coverage in % / p at most 5 % in % of samples ({runs:,} "
        f"simulations for `delta`, {runs // 4:,} of 500 resamples for the bootstraps; "
        f"Monte-Carlo error about {100 * error_of(0.95, runs):.1f} and "
        f"{100 * error_of(0.95, runs // 4):.1f})**"
    )
    yield ""
    yield "| metric | cases | difference | delta | warned | percentile | bca |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for seed, design in enumerate(DESIGNS):
        cells, warned = [], 0.0
        for method in ("delta", "percentile", "bca"):
            if method not in design.methods:
                cells.append("")
                continue
            times = runs if method == "delta" else runs // 4
            held, rejected, told = difference_rates(design, method, times, seed)
            cells.append(f"{100 * held:.1f} / {100 * rejected:.1f}")
            warned = told if method == "delta" else warned
        cells.insert(1, f"{100 * warned:.0f}")
        yield f"| {design.metric} | {design.cases} | {design.truth:.3g} | {' | '.join(cells)} |"


def main(runs: int = 4_000) -> None:
    """Write the tables."""
    TABLES.mkdir(parents=True, exist_ok=True)
    for name, lines in (
        ("tests", alarms_table(5 * runs)),
        ("intervals", intervals_table(5 * runs)),
        ("differences", differences_table(runs)),
    ):
        text = "\n".join([*lines, ""])
        (TABLES / f"comparison_{name}.md").write_text(text)
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
