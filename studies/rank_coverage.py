"""Do the confidence sets of ranks hold all true ranks at once, as often as they say?

By simulation of models that are right or wrong on cases that are hard or easy for all of them, and
of scores with long tails. Models that are equally good share their places, and the set must hold
all of these. ``python studies/rank_coverage.py`` writes ``docs/tables/rank_coverage.md``.
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from evidesk.methods.metrics import PoorApproximationWarning, mcnemar_p_value, rank
from evidesk.methods.metrics.ranks import Ranks

Floats = npt.NDArray[np.float64]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
MODELS = (3, 10, 30)
SIZES = (50, 200, 1000)
OPTIONS: dict[str, dict[str, Any]] = {
    "exact, Holm": {"test": "exact"},
    "mid-p, Holm": {"test": "mid-p"},
    "t, Holm": {"test": "t"},
    "t, max-t": {"test": "t", "method": "max-t", "resamples": 1000},
}


@dataclass(frozen=True)
class Design:
    """Models of given quality: what is drawn, and which options judge it."""

    name: str
    truth: Callable[[int], Floats]
    draw: Callable[[Floats, int, np.random.Generator], Floats]
    options: tuple[str, ...]
    grouped: bool = False


def answers(accuracies: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Right or wrong, in cases that are hard or easy for all."""
    ease = (rng.standard_normal(n) + rng.standard_normal((len(accuracies), n))) / np.sqrt(2)
    return ease < stats.norm.ppf(accuracies)[:, None]


def losses(means: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Scores with long tails, in cases that are hard or easy for all."""
    return means[:, None] + rng.exponential(size=n) + rng.exponential(size=(len(means), n))


def grouped(means: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Scores in groups of 5, each of which suits some models better."""
    suits = rng.standard_normal((len(means), n // 5)).repeat(5, axis=1)
    return means[:, None] + suits + rng.standard_normal((len(means), n))


def equal(value: float) -> Callable[[int], Floats]:
    return lambda models: np.full(models, value)


def thirds(middle: float, step: float) -> Callable[[int], Floats]:
    """A third of the models better by a step, a third worse."""
    return lambda models: middle + step * (1 - np.arange(models) * 3 // models)


DESIGNS = (
    Design("right or wrong, all equal", equal(0.8), answers, tuple(OPTIONS)),
    Design("right or wrong, in thirds", thirds(0.8, 0.08), answers, tuple(OPTIONS)),
    Design("long tails, all equal", equal(0.0), losses, ("t, Holm", "t, max-t")),
    Design("groups of 5, all equal", equal(0.0), grouped, ("t, Holm", "t, max-t"), True),
)


def holds(found: Ranks, truth: Floats) -> bool:
    """Whether every model's set holds all the places that it truly has."""
    for name, (low, high) in found.sets.items():
        value = truth[int(name) - 1]
        if low > 1 + np.sum(truth > value) or high < np.sum(truth >= value):
            return False
    return True


def coverage(
    design: Design, models: int, n: int, runs: int, seed: int
) -> dict[str, tuple[float, float]]:
    """How often all sets hold, and how many places a set has on average."""
    rng = np.random.default_rng(seed)
    truth = design.truth(models)
    members = np.arange(n) // 5 if design.grouped else None
    counted = {name: [0.0, 0.0] for name in design.options}
    for _ in range(runs):
        scores = design.draw(truth, n, rng)
        for name in design.options:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", PoorApproximationWarning)
                found = rank(scores, groups=members, random_state=rng, **OPTIONS[name])
            counted[name][0] += holds(found, truth)
            counted[name][1] += np.mean([high - low + 1 for low, high in found.sets.values()])
    return {name: (held / runs, places / runs) for name, (held, places) in counted.items()}


def unadjusted(models: int, n: int, runs: int, seed: int) -> float:
    """How often single tests at 5 % claim no difference between models that are equal."""
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(runs):
        right = answers(np.full(models, 0.8), n, rng)
        both = right.astype(int) @ right.T.astype(int)
        only = np.diag(both)[:, None] - both
        held += bool(np.all(mcnemar_p_value(only, only.T) > 0.05))
    return held / runs


def table(runs: int) -> Iterator[str]:
    """The lines of the table for people."""
    yield (
        f"**All ranks held at once, in % of {runs:,} simulations at 95 % (Monte-Carlo error "
        f"about {100 * np.sqrt(0.05 * 0.95 / runs):.1f}); in brackets the mean number of places "
        "in a set**"
    )
    yield ""
    yield f"| scores | models | n | {' | '.join(OPTIONS)} | single tests at 5 % |"
    yield f"| --- | ---: | ---: |{' ---: |' * (len(OPTIONS) + 1)}"
    seed = 0
    for design in DESIGNS:
        for models in MODELS:
            for n in SIZES:
                found = coverage(design, models, n, runs, seed)
                cells = [
                    f"{100 * found[name][0]:.1f} ({found[name][1]:.3g})" if name in found else ""
                    for name in OPTIONS
                ]
                naive = (
                    f"{100 * unadjusted(models, n, runs, seed):.1f}" if design is DESIGNS[0] else ""
                )
                yield f"| {design.name} | {models} | {n:,} | {' | '.join(cells)} | {naive} |"
                seed += 1


def main(runs: int = 1_000) -> None:
    """Write the table."""
    TABLES.mkdir(parents=True, exist_ok=True)
    text = "\n".join([*table(runs), ""])
    (TABLES / "rank_coverage.md").write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
