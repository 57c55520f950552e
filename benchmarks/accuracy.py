"""Accuracy with an interval: evidesk beside its peers, on the same labels, in one run.

``python benchmarks/accuracy.py`` writes ``docs/tables/accuracy_benchmark.md``. A peer that is not
installed is named as such. Times are CPU seconds of this process, the median of several runs.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from evidesk.methods.metrics import Accuracies, accuracy, proportion_interval

TABLE = Path(__file__).parents[1] / "docs" / "tables" / "accuracy_benchmark.md"
REPEATS = 15


def evidesk_labels(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[float, float]:
    estimate = accuracy(y_true, y_pred)
    return estimate.low, estimate.high


def numpy_statsmodels(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[float, float]:
    from statsmodels.stats.proportion import proportion_confint

    return proportion_confint(np.sum(y_true == y_pred), len(y_true), method="wilson")


def numpy_scipy(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[float, float]:
    from scipy.stats import binomtest

    found = binomtest(int(np.sum(y_true == y_pred)), len(y_true))
    return tuple(found.proportion_ci(method="wilson"))


def confidenceinterval_labels(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[float, float]:
    from confidenceinterval import accuracy_score

    return accuracy_score(y_true, y_pred, confidence_level=0.95, method="wilson")[1]


def scipy_bootstrap(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[float, float]:
    from scipy.stats import bootstrap

    right = (y_true == y_pred).astype(float)
    found = bootstrap((right,), np.mean, n_resamples=1000, batch=10, method="percentile", rng=0)
    return tuple(found.confidence_interval)


PEERS: dict[str, tuple[str, Callable[..., tuple[float, float]]]] = {
    "evidesk": ("evidesk", evidesk_labels),
    "statsmodels proportion_confint": ("statsmodels", numpy_statsmodels),
    "scipy binomtest": ("scipy", numpy_scipy),
    "confidenceinterval": ("confidenceinterval", confidenceinterval_labels),
    "scipy bootstrap, 1,000 resamples": ("scipy", scipy_bootstrap),
}


def cpu_seconds(work: Callable[[], object], repeats: int) -> float:
    """Median CPU time of one run, after one to warm up."""
    work()
    spent = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return statistics.median(spent)


def lines() -> list[str]:
    rng = np.random.default_rng(0)
    table = ["| peer | n | CPU seconds | 95 % interval |", "| --- | ---: | ---: | --- |"]
    for n in (10_000, 1_000_000):
        y_true = rng.integers(0, 10, n)
        y_pred = np.where(rng.random(n) < 0.9, y_true, (y_true + 1) % 10)
        for name, (package, interval) in PEERS.items():
            if find_spec(package) is None:
                table.append(f"| {name} | {n:,} | not installed | |")
                continue
            is_slow = interval is scipy_bootstrap
            if is_slow and n > 100_000:
                continue
            work = partial(interval, y_true, y_pred)
            seconds = cpu_seconds(work, 3 if is_slow else REPEATS)
            low, high = work()
            table.append(f"| {name} | {n:,} | {seconds:.2g} | {low:.5f} to {high:.5f} |")
    counts = rng.integers(0, 1001, 1000)
    many = {str(i): int(count) for i, count in enumerate(counts)}
    for name, work in (
        ("1,000 models as estimates", partial(Accuracies.from_counts, many, 1000)),
        ("1,000 intervals as arrays", partial(proportion_interval, counts, 1000)),
    ):
        table.append(f"| evidesk, {name} | 1,000 | {cpu_seconds(work, REPEATS):.2g} | |")
    note = "statsmodels and SciPy take a count; it comes from `np.sum(y_true == y_pred)`."
    return [*table, "", note]


if __name__ == "__main__":
    text = "\n".join([*lines(), ""])
    TABLE.write_text(text)
    sys.stdout.write(text)
