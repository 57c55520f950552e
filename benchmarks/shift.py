"""Two-sample tests: evidesk beside its peers, on the same data, in one run.

``python benchmarks/shift.py`` writes ``docs/tables/shift_benchmark.md`` (what a test costs) and
``docs/tables/shift_peers.md`` (level and power). ``speed`` or ``power`` as an argument makes one of
them, and a number gives the CPU seconds that a test may spend on each scenario. The peers want
other versions of NumPy than evidesk, and live in an environment of their own (``make bench``).

It takes more than an hour, so every cell is kept in ``var/shift_benchmark.json`` as it is measured,
and not measured again while it is there.
"""

import json
import math
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.two_sample.pairs import NULL, REAL, ROOT, SCENARIOS, SIMULATED, Scenario
from benchmarks.two_sample.ways import ALPHA, BYTES, CPU_SECONDS, WAYS

TABLES = ROOT / "docs" / "tables"
KEPT = ROOT / "var" / "shift_benchmark.json"
PEERS = ROOT / ".venv" / "two_sample" / "bin" / "python"
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
OURS = "evidesk auto"
SIZES = (10_000, 100_000)
FEATURES = 10
REPETITIONS = 200
#: CPU seconds of a test on a scenario, and so many times that on the null, which decides validity.
SECONDS, MORE_ON_NULL = 60.0, 4
PROCESSES = 2
INVALID = "**not valid**"
#: Fewer repetitions say too little.
FEWEST = 20

Cell = dict[str, Any]


# Measuring


def run(words: list[str]) -> Cell:
    """What `two_sample/ways.py` says in a fresh process, or why it does not."""
    package = WAYS[words[1]].package
    python = sys.executable if package == "evidesk" else str(PEERS)
    if not Path(python).exists():
        return {"failed": "not installed"}
    done = subprocess.run(
        [python, str(ROOT / "benchmarks" / "two_sample" / "ways.py"), *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | ONE_THREAD,
    )
    if done.returncode == 0:
        return dict(json.loads(done.stdout))
    if done.returncode == -signal.SIGXCPU:
        return {"failed": f"over {CPU_SECONDS} s"}
    signs = ("MemoryError", "allocate", "bad_alloc")
    if done.returncode == -signal.SIGKILL or any(sign in done.stderr for sign in signs):
        return {"failed": f"over {BYTES // 2**30} GiB"}
    return {"failed": (done.stderr.strip().splitlines() or ["no word"])[-1]}


class Kept:
    """Cells by name, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cells: dict[str, Cell] = json.loads(path.read_text()) if path.exists() else {}
        self.lock = Lock()

    def cell(self, key: str, measure: Callable[[], Cell]) -> Cell:
        if key not in self.cells:
            found = measure()
            with self.lock:
                self.cells[key] = found
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.write_text(json.dumps(self.cells))
            print(key, str(found)[:120], file=sys.stderr, flush=True)
        return self.cells[key]


def measure_power(
    kept: Kept, scenarios: Iterable[Scenario], repetitions: int, seconds: float
) -> None:
    """Every test on the same pairs of samples; where something shifts, every valid one."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(PROCESSES) as pool:
        for scenario in scenarios:
            file = Path(folder) / f"{scenario.name}.npz"
            x, y = scenario.pairs(repetitions)
            np.savez(file, x=x, y=y)
            asked = [
                name
                for name, way in WAYS.items()
                if scenario.n <= way.most_rows
                and (scenario is NULL or verdict(kept, name) not in ("score only", INVALID))
            ]
            budget = seconds * (MORE_ON_NULL if scenario is NULL else 1)

            def of(name: str, file: Path = file, budget: float = budget) -> Cell:
                words = ["p", name, str(file), str(budget)]
                return kept.cell(f"{file.stem}: {name}", lambda: run(words))

            list(pool.map(of, asked))


def measure_cost(kept: Kept, sizes: Iterable[int]) -> None:
    """One test after the other; what is too much for a size is not tried at a larger one."""
    given_up: set[str] = set()
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "pair.npz"
            rng = np.random.default_rng(0)
            np.savez(file, x=rng.normal(size=(n, FEATURES)), y=rng.normal(size=(n, FEATURES)))
            for name, way in WAYS.items():
                if name in given_up or n > way.most_rows:
                    continue
                words = ["speed", name, str(file)]
                cell = kept.cell(f"{n}: {name}", lambda words=words: run(words))
                if "failed" in cell:
                    given_up.add(name)


# Judging


def rejected(cell: Cell) -> np.ndarray:
    """Of each pair, whether the test rejects; empty for one that has no p-value."""
    p = np.array(cell.get("p", []), dtype=float)
    return (p <= ALPHA + 1e-9)[~np.isnan(p)]


def verdict(kept: Kept, name: str) -> str:
    """Whether the test's p-value is one: "valid" if no more rejections than chance explains."""
    cell = kept.cells.get(f"{NULL.name}: {name}", {})
    found = rejected(cell)
    if not found.size:
        return "score only" if "p" in cell else "not measured"
    if found.size < FEWEST:
        return "too few runs"
    bound = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / found.size)
    return "valid" if found.mean() <= bound else INVALID


def percent(found: np.ndarray) -> str:
    """Share and its Monte-Carlo error (Agresti and Coull's, which is not 0 for shares of 0 and 1),
    and the repetitions where they are fewer than asked for.
    """
    n = found.size
    share = (found.sum() + 2) / (n + 4)
    text = f"{100 * found.mean():.0f} ± {100 * math.sqrt(share * (1 - share) / (n + 4)):.0f}"
    return text if n >= REPETITIONS else f"{text} [{n}]"


def lead(kept: Kept, scenario: Scenario, name: str) -> tuple[float, float]:
    """By how much the test rejects more often than ours on the same pairs, and its error."""
    theirs = rejected(kept.cells.get(f"{scenario.name}: {name}", {})).astype(float)
    ours = rejected(kept.cells.get(f"{scenario.name}: {OURS}", {})).astype(float)
    n = min(theirs.size, ours.size)
    if n < FEWEST:
        return 0.0, math.inf
    difference = theirs[:n] - ours[:n]
    return float(difference.mean()), float(difference.std(ddof=1) / math.sqrt(n))


def is_ahead(kept: Kept, scenario: Scenario, name: str) -> bool:
    difference, error = lead(kept, scenario, name)
    return name != OURS and difference > 2 * error


# Tables


def power_rows(kept: Kept, scenarios: tuple[Scenario, ...]) -> list[str]:
    heads = [f"{one.name}, {one.n} + {one.n}" for one in scenarios]
    lines = [f"| test | p-value | {' | '.join(heads)} |", "| --- | --- |" + " ---: |" * len(heads)]
    for name in WAYS:
        of, cells = verdict(kept, name), []
        for scenario in scenarios:
            cell = kept.cells.get(f"{scenario.name}: {name}", {})
            found = rejected(cell)
            text = percent(found) if found.size else "failed" if "failed" in cell else ""
            ahead = of == "valid" and scenario is not NULL and is_ahead(kept, scenario, name)
            cells.append(f"**{text}**" if ahead else text)
        lines.append(f"| {name} | {of} | {' | '.join(cells)} |")
    return lines


def best_peers(kept: Kept, scenarios: Iterable[Scenario]) -> list[str]:
    """Beside ours, the valid peer that rejects most often in each scenario."""
    lines = [
        "| scenario | evidesk auto | best valid peer | its power | its lead, same pairs |",
        "| --- | ---: | --- | ---: | ---: |",
    ]
    peers = [
        name for name, way in WAYS.items()
        if way.package != "evidesk" and verdict(kept, name) == "valid"
    ]  # fmt: skip
    for scenario in scenarios:
        powers = {
            name: rejected(kept.cells.get(f"{scenario.name}: {name}", {}))
            for name in (OURS, *peers)
        }
        known = [name for name in peers if powers[name].size >= FEWEST]
        if not known or not powers[OURS].size:
            continue
        best = max(known, key=lambda name: lead(kept, scenario, name)[0])
        difference, error = lead(kept, scenario, best)
        lines.append(
            f"| {scenario.name} | {percent(powers[OURS])} | {best} | {percent(powers[best])} | "
            f"{100 * difference:+.0f} ± {100 * error:.0f} |"
        )
    return lines


def cost_rows(kept: Kept) -> list[str]:
    lines = [
        "| rows | by | p-value | CPU seconds | wall seconds | peak MiB | times evidesk auto |",
        "| ---: | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for n in SIZES:
        ours = kept.cells.get(f"{n}: {OURS}", {}).get("cpu", math.nan)
        for name in WAYS:
            cell = kept.cells.get(f"{n}: {name}", {"failed": "not tried"})
            start = f"| {n:,} + {n:,} | {name} | {verdict(kept, name)} |"
            if "failed" in cell:
                least = f"> {CPU_SECONDS / ours:.0f}" if "over 180 s" in cell["failed"] else ""
                lines.append(f"{start} {cell['failed']} | | | {least} |")
            else:
                lines.append(
                    f"{start} {cell['cpu']:.3g} | {cell['wall']:.3g} | {cell['peak'] / 2**20:.0f} "
                    f"| {cell['cpu'] / ours:.3g} |"
                )
    return lines


def machine(kept: Kept) -> str:
    known = {
        f"{WAYS[key.split(': ')[-1]].package} {cell['version']}"
        for key, cell in kept.cells.items()
        if "version" in cell
    }
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"One thread of {cpu}, Python {platform.python_version()}, {', '.join(sorted(known))}."


def power_table(kept: Kept) -> str:
    return "\n".join(
        [
            *power_rows(kept, (NULL, *SIMULATED)),
            "",
            *power_rows(kept, REAL),
            "",
            *best_peers(kept, (*SIMULATED, *REAL)),
            "",
            f"Rejections at {100 * ALPHA:g} % in percent ± Monte-Carlo error, of {REPETITIONS} "
            "pairs of samples, which are the same for all tests, or of as many as the time allowed "
            "[in brackets]. Bold: a valid test that is ahead of evidesk auto on the same pairs by "
            "more than two standard errors. Valid: where nothing shifts, at most three standard "
            "errors above the level, which chance does to one valid test in 700. The best peer is "
            f"that of many with at least {FEWEST} runs, and hence flattered.",
            "",
            machine(kept),
            "",
        ]
    )


def cost_table(kept: Kept) -> str:
    return "\n".join(
        [
            *cost_rows(kept),
            "",
            f"Standard normal samples with {FEATURES} features; at most {CPU_SECONDS} s of CPU and "
            f"{BYTES // 2**30} GiB, and not tried with more rows where that was not enough.",
            "",
            machine(kept),
            "",
        ]
    )


def main(words: list[str]) -> None:
    seconds = next((float(word) for word in words if word.isdigit()), SECONDS)
    chosen = [word for word in words if not word.isdigit()] or ["power", "speed"]
    kept = Kept(KEPT)
    if "power" in chosen:
        measure_power(kept, SCENARIOS, REPETITIONS, seconds)
        (TABLES / "shift_peers.md").write_text(power_table(kept), encoding="utf-8")
    if "speed" in chosen:
        measure_cost(kept, SIZES)
        (TABLES / "shift_benchmark.md").write_text(cost_table(kept), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
