"""Metrics with error bars: evidesk beside its peers, on the same data, in one run.

``python benchmarks/metrics.py`` writes ``docs/tables/metrics_benchmark.md``; words from the names
of the work as arguments choose some of it and only print. Every cell is a process of its own: CPU
seconds are the median of several runs after one to warm up, and peak memory is what the process
grew by during them. Bootstraps of slow peers run with fewer resamples and are scaled to what was
asked; the table says so.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

TABLE = Path(__file__).parents[1] / "docs" / "tables" / "metrics_benchmark.md"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
Work = Callable[[], Any]
LONG_ENOUGH = 0.005  # seconds between two readings of the clock


@dataclass(frozen=True)
class Peer:
    """One way to do the work: `prepare` gets the data and returns what is timed.

    ``share`` is which part of the work it does, for peers too slow to do all.
    """

    package: str
    prepare: Callable[..., Work]
    share: float = 1.0
    note: str = ""


@dataclass(frozen=True)
class Task:
    """The same work for all peers; the first one is evidesk."""

    name: str
    data: Callable[[], tuple[np.ndarray, ...]]
    peers: tuple[Peer, ...]


def labels(n: int, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, k, n)
    return y_true, np.where(rng.random(n) < 0.9, y_true, rng.integers(0, k, n))


def scores(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A third positives; two models whose scores correlate, as probabilities."""
    rng = np.random.default_rng(0)
    y_true = (rng.random(n) < 1 / 3).astype(int)
    shared = rng.normal(size=n) + 1.5 * y_true
    a, b = (shared + rng.normal(scale=0.5, size=n) for _ in range(2))
    return y_true, 1 / (1 + np.exp(-a)), 1 / (1 + np.exp(-b))


# Accuracy


def _accuracy_evidesk(y_true: np.ndarray, y_pred: np.ndarray) -> Work:
    from evidesk.methods.metrics import accuracy

    return lambda: accuracy(y_true, y_pred)


def _accuracy_statsmodels(y_true: np.ndarray, y_pred: np.ndarray) -> Work:
    from statsmodels.stats.proportion import proportion_confint

    return lambda: proportion_confint(np.sum(y_true == y_pred), len(y_true), method="wilson")


def _accuracy_scipy(y_true: np.ndarray, y_pred: np.ndarray) -> Work:
    from scipy.stats import binomtest

    return lambda: binomtest(int(np.sum(y_true == y_pred)), len(y_true)).proportion_ci(
        method="wilson"
    )


def _accuracy_confidenceinterval(y_true: np.ndarray, y_pred: np.ndarray) -> Work:
    from confidenceinterval import accuracy_score

    return lambda: accuracy_score(y_true, y_pred, method="wilson")


def _boot_accuracy_evidesk(y_true: np.ndarray, y_pred: np.ndarray) -> Work:
    from evidesk.methods.metrics import evaluate

    return lambda: evaluate("accuracy", y_true, {"a": y_pred}).estimates(
        method="percentile", resamples=1000, random_state=0
    )


def _boot_accuracy_scipy(y_true: np.ndarray, y_pred: np.ndarray) -> Work:
    from scipy.stats import bootstrap

    right = (y_true == y_pred).astype(float)
    return lambda: bootstrap(
        (right,), np.mean, n_resamples=1000, batch=10, method="percentile", rng=0
    )


def _boot_sklearn(metric: str) -> Callable[..., Work]:
    def prepare(y_true: np.ndarray, y_pred: np.ndarray, *_: np.ndarray) -> Work:
        from sklearn import metrics

        chosen = {
            "accuracy": metrics.accuracy_score,
            "macro F1": lambda t, p: metrics.f1_score(t, p, average="macro"),
            "auroc": metrics.roc_auc_score,
        }[metric]

        def loop() -> list[float]:
            rng = np.random.default_rng(0)
            picks = (rng.integers(len(y_true), size=len(y_true)) for _ in range(20))
            return [chosen(y_true[pick], y_pred[pick]) for pick in picks]

        return loop

    return prepare


def _boot_torchmetrics(metric: str) -> Callable[..., Work]:
    def prepare(y_true: np.ndarray, y_pred: np.ndarray, *_: np.ndarray) -> Work:
        import torch
        from torchmetrics import classification
        from torchmetrics.wrappers import BootStrapper

        torch.set_num_threads(1)
        make = {
            "accuracy": lambda: classification.MulticlassAccuracy(10, average="micro"),
            "macro F1": lambda: classification.MulticlassF1Score(10, average="macro"),
            "auroc": classification.BinaryAUROC,
        }[metric]
        truth, predicted = torch.tensor(y_true), torch.tensor(y_pred)

        def run() -> Any:
            torch.manual_seed(0)
            boot = BootStrapper(make(), num_bootstraps=20, quantile=torch.tensor([0.025, 0.975]))
            boot.update(predicted, truth)
            return boot.compute()

        return run

    return prepare


# Macro F1


def _f1_evidesk(method: str, resamples: int = 1000) -> Callable[..., Work]:
    def prepare(y_true: np.ndarray, y_pred: np.ndarray) -> Work:
        from evidesk.methods.metrics import f1

        options = {} if method == "delta" else {"resamples": resamples, "random_state": 0}
        return lambda: f1(y_true, y_pred, average="macro", method=method, **options)

    return prepare


def _f1_confidenceinterval(method: str, resamples: int = 0) -> Callable[..., Work]:
    def prepare(y_true: np.ndarray, y_pred: np.ndarray) -> Work:
        from confidenceinterval import f1_score

        options = {"n_resamples": resamples} if resamples else {}
        return lambda: f1_score(y_true, y_pred, average="macro", method=method, **options)

    return prepare


# AUROC


def _auroc_evidesk(method: str) -> Callable[..., Work]:
    def prepare(y_true: np.ndarray, a: np.ndarray, _: np.ndarray) -> Work:
        from evidesk.methods.metrics import auroc

        options = {} if method == "delong" else {"resamples": 1000, "random_state": 0}
        return lambda: auroc(y_true, a, method=method, **options)

    return prepare


def _auroc_confidenceinterval(y_true: np.ndarray, a: np.ndarray, _: np.ndarray) -> Work:
    from confidenceinterval import roc_auc_score

    return lambda: roc_auc_score(y_true, a)


def _paired_evidesk(y_true: np.ndarray, a: np.ndarray, b: np.ndarray) -> Work:
    from evidesk.methods.metrics import compare

    return lambda: compare(y_true, a, b, metric="auroc")


def _paired_mlstatkit(y_true: np.ndarray, a: np.ndarray, b: np.ndarray) -> Work:
    from MLstatkit import Delong_test

    return lambda: Delong_test(y_true, a, b)


def _boot_auroc_mlstatkit(y_true: np.ndarray, a: np.ndarray, _: np.ndarray) -> Work:
    from MLstatkit import Bootstrapping

    return lambda: Bootstrapping(y_true, a, metric_str="roc_auc", n_bootstraps=20)


SCALED = "20 resamples, scaled"
TASKS = (
    *(
        Task(
            f"accuracy, n = {n:,}",
            lambda n=n: labels(n),
            (
                Peer("evidesk", _accuracy_evidesk),
                Peer("statsmodels", _accuracy_statsmodels),
                Peer("scipy", _accuracy_scipy),
                Peer("confidenceinterval", _accuracy_confidenceinterval),
            ),
        )
        for n in (10_000, 1_000_000)
    ),
    *(
        Task(
            f"macro F1, 10 classes, n = {n:,}",
            lambda n=n: labels(n),
            (
                Peer("evidesk", _f1_evidesk("delta")),
                Peer("confidenceinterval", _f1_confidenceinterval("takahashi")),
            ),
        )
        for n in (10_000, 1_000_000)
    ),
    *(
        Task(
            f"AUROC, DeLong, n = {n:,}",
            lambda n=n: scores(n),
            (
                Peer("evidesk", _auroc_evidesk("delong")),
                Peer("confidenceinterval", _auroc_confidenceinterval),
            ),
        )
        for n in (10_000, 100_000, 1_000_000)
    ),
    *(
        Task(
            f"two AUROCs, paired DeLong, n = {n:,}",
            lambda n=n: scores(n),
            (Peer("evidesk", _paired_evidesk), Peer("MLstatkit", _paired_mlstatkit)),
        )
        for n in (10_000, 100_000, 1_000_000)
    ),
    Task(
        "bootstrap accuracy, B = 1,000, n = 100,000",
        lambda: labels(100_000),
        (
            Peer("evidesk", _boot_accuracy_evidesk),
            Peer("scipy", _boot_accuracy_scipy, note="batch=10"),
            Peer("scikit-learn", _boot_sklearn("accuracy"), 0.02, SCALED),
            Peer("torchmetrics", _boot_torchmetrics("accuracy"), 0.02, SCALED),
        ),
    ),
    Task(
        "bootstrap macro F1, B = 1,000, n = 100,000",
        lambda: labels(100_000),
        (
            Peer("evidesk", _f1_evidesk("percentile")),
            Peer("scikit-learn", _boot_sklearn("macro F1"), 0.02, SCALED),
            Peer("torchmetrics", _boot_torchmetrics("macro F1"), 0.02, SCALED),
        ),
    ),
    Task(
        "bootstrap AUROC, exact, B = 1,000, n = 100,000",
        lambda: scores(100_000),
        (
            Peer("evidesk", _auroc_evidesk("percentile")),
            Peer("scikit-learn", _boot_sklearn("auroc"), 0.02, SCALED),
            Peer("torchmetrics", _boot_torchmetrics("auroc"), 0.02, SCALED),
            Peer("MLstatkit", _boot_auroc_mlstatkit, 0.02, SCALED),
        ),
    ),
    Task(
        "BCa macro F1, B = 100, n = 10,000",
        lambda: labels(10_000),
        (
            Peer("evidesk", _f1_evidesk("bca", 100)),
            Peer("confidenceinterval", _f1_confidenceinterval("bootstrap_bca", 100)),
        ),
    ),
)


def peak_rss() -> int:
    """The most memory that this process has held since the mark was reset, in bytes."""
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in status if line.startswith("VmHWM")).split()[1])


def timed(work: Work, calls: int = 1) -> float:
    """CPU seconds of one of so many calls."""
    begun = time.process_time()
    for _ in range(calls):
        work()
    return (time.process_time() - begun) / calls


def measure(task: Task, peer: Peer) -> dict[str, Any]:
    """CPU seconds and memory of one cell; runs in the child."""
    warnings.simplefilter("ignore")
    work = peer.prepare(*task.data())
    begun = time.process_time()
    if peer.share == 1:
        work()  # imports, caches
    once = time.process_time() - begun
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_rss()
    # Reading the clock takes as long as some of the work: many calls between two readings.
    calls = max(1, int(LONG_ENOUGH / max(timed(work), 1e-7))) if once < LONG_ENOUGH else 1
    spent = []
    while len(spent) < 3 or (sum(spent) * calls < 1 and len(spent) < 200):
        spent.append(timed(work, calls))
        if max(once, spent[-1]) > 5:
            break
    seconds = statistics.median(spent) / peer.share
    return {"seconds": seconds, "peak": peak_rss() - before}


def cell(task: Task, peer: Peer) -> dict[str, Any] | None:
    """The cell from a fresh process, or None if the peer is not installed."""
    try:
        version(peer.package)
    except PackageNotFoundError:
        return None
    words = [sys.executable, __file__, "--cell", task.name, str(task.peers.index(peer))]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=os.environ | ONE_THREAD
    )
    if done.returncode:
        raise SystemExit(f"{task.name}, {peer.package}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def rows(task: Task) -> list[str]:
    found = [(peer, cell(task, peer)) for peer in task.peers]
    ours = found[0][1]
    assert ours is not None
    lines = []
    for peer, measured in found:
        name = f"{peer.package} ({peer.note})" if peer.note else peer.package
        if measured is None:
            lines.append(f"| {task.name} | {name} | not installed | | |")
            continue
        ratio = "" if measured is ours else f"{measured['seconds'] / ours['seconds']:.3g}"
        lines.append(
            f"| {task.name} | {name} | {measured['seconds']:.2g} | "
            f"{measured['peak'] / 2**20:.1f} | {ratio} |"
        )
    return lines


def machine() -> str:
    packages = sorted({peer.package for task in TASKS for peer in task.peers} | {"numpy"})
    known = []
    for package in packages:
        try:
            known.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"One thread of {cpu}, Python {platform.python_version()}, {', '.join(known)}."


def main(words: list[str]) -> None:
    if words[:1] == ["--cell"]:
        task = next(task for task in TASKS if task.name == words[1])
        print(json.dumps(measure(task, task.peers[int(words[2])])))
        return
    header = [
        "| work | by | CPU seconds | peak MiB | times evidesk's |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    chosen = [task for task in TASKS if all(word in task.name for word in words)]
    text = "\n".join([*header, *(row for task in chosen for row in rows(task)), "", machine(), ""])
    sys.stdout.write(text)
    if not words:
        TABLE.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
