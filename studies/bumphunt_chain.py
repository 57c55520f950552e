"""How often does a whole hunt find something where there is nothing?

Pseudo-experiments without a signal, each hunted from the events to the p-values: the scan of the
spectrum, the scan after a cut that was learnt anew, and counting against the template where the
closure gate lets it. ``python studies/bumphunt_chain.py`` writes
``docs/tables/bumphunt_chain.md``; a number as argument makes so many pseudo-experiments.
"""

import math
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evidesk.methods.bumphunt import BumpHunt, TreeEnsemble, Window

Floats = npt.NDArray[np.float64]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
RUNS = 1000
PROCESSES = 2
LEVELS = (0.05, 0.01)
#: Of a spectrum that falls as in the simulated dijets.
EVENTS, LOW, HIGH, SLOPE = 20_000, 2.8, 4.6, 0.72
WINDOW = Window(3.3, 3.7, 2.9, 4.1)
FEATURES = ("a", "b", "c")
#: How far the features go along with the mass, per unit of it.
PULLS = {"independent of the mass": 0.0, "pulled along": 0.4}


@dataclass(frozen=True)
class Outcome:
    """The p-values of one pseudo-experiment; NaN where counting was blocked."""

    before: float
    after: float
    counted: float


def events(pull: float, rng: np.random.Generator) -> dict[str, Floats]:
    """Masses of a falling exponential, and three features of which one has a heavy tail."""
    share = rng.uniform(0, 1 - math.exp(-(HIGH - LOW) / SLOPE), EVENTS)
    mass = LOW - SLOPE * np.log1p(-share)
    shift = pull * (mass - 3.5)
    return {
        "m": mass,
        "a": rng.standard_normal(EVENTS) + shift,
        "b": rng.gamma(2.0, 1.0, EVENTS) + shift,
        "c": rng.beta(2.0, 5.0, EVENTS),
    }


def hunted(pull: float, seed: int) -> Outcome:
    """Hunt in one pseudo-experiment."""
    rng = np.random.default_rng([seed, round(100 * pull)])
    hunt = BumpHunt(
        "m", FEATURES, WINDOW, classifier=TreeEnsemble(members=1, iterations=30),
        efficiency=0.02, bins=np.linspace(LOW, HIGH, 61), resolution=0.08, toys=199,
        random_state=seed,
    )  # fmt: skip
    found = hunt.scan(events(pull, rng)).best
    return Outcome(
        found.inclusive.p_global.value,
        found.p_window.value,
        math.nan if found.count is None else found.count.p_local,
    )


def _of(task: tuple[float, int]) -> Outcome:
    return hunted(*task)


def outcomes(pull: float, runs: int) -> Iterator[Outcome]:
    """Of so many pseudo-experiments."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        yield from pool.map(_of, [(pull, seed) for seed in range(runs)], chunksize=4)


def row(name: str, what: str, p: Floats) -> str:
    """How often p-values are at most each level, of those that there are."""
    there = p[~np.isnan(p)]
    cells = []
    for level in LEVELS:
        share = float((there <= level + 1e-9).mean()) if there.size else math.nan
        error = math.sqrt(max(share * (1 - share), 1e-6) / max(there.size, 1))
        cells.append(f"{100 * share:.1f} ± {100 * error:.1f}")
    return f"| {name} | {what} | {there.size:,} | {' | '.join(cells)} |"


def chain_table(runs: int) -> str:
    """A row for each kind of features and each p-value."""
    lines = [
        "| features | p-value | hunts | at 5 % | at 1 % |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for name, pull in PULLS.items():
        found = list(outcomes(pull, runs))
        for what, p in (
            ("of the spectrum before the cut", [one.before for one in found]),
            ("of the spectrum after the cut, learnt anew", [one.after for one in found]),
            ("of counting against the template, where not blocked", [one.counted for one in found]),
        ):
            lines.append(row(name, what, np.array(p)))
            print(lines[-1], flush=True)
    lines += [
        "",
        "How often the p-values of whole hunts without a signal are at most nominal, in % ± "
        f"Monte-Carlo error: {EVENTS:,} events with three features, cut at 2 %, 199 toys for each "
        "scan, template chosen by closure (auto).",
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    (TABLES / "bumphunt_chain.md").write_text(
        chain_table(int(arguments[0]) if arguments else RUNS), encoding="utf-8"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
