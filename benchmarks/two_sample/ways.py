"""Two-sample tests by name, ours and peers', each from two samples to a p-value.

Run by ``benchmarks/shift.py`` in a process of its own, under whichever interpreter has the package:
``python ways.py p NAME FILE SECONDS`` prints the p-values of as many of the file's pairs of
samples as that CPU time lets it test, and ``python ways.py speed NAME FILE`` what one test
costs. Data that a test draws by chance (trees, permutations) are seeded by the pair's number.
"""

import json
import logging
import math
import os
import resource
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

Test = Callable[[np.ndarray, np.ndarray, int], float]
ALPHA = 0.05
#: What a test may cost where costs are measured.
CPU_SECONDS, BYTES = 180, 9 * 2**30


@dataclass(frozen=True)
class Way:
    """A test as a user of the package would run it.

    Attributes
    ----------
    test : (reference, current, seed) to a p-value; 0 or 1 for peers that only raise a flag, and NaN
        for those that only give a score.
    learns : whether it fits a model to tell the samples apart.
    most_rows : of a sample, beyond which a single test takes minutes.
    """

    package: str
    test: Test
    learns: bool = False
    most_rows: float = math.inf


# evidesk


def _evidesk(method: str) -> Test:
    def test(x: np.ndarray, y: np.ndarray, seed: int) -> float:
        from evidesk.methods.shift import two_sample_test

        return two_sample_test(x, y, method=method, random_state=seed).p_value.value

    return test


# hyppo


def _hyppo(name: str) -> Test:
    def test(x: np.ndarray, y: np.ndarray, seed: int) -> float:
        from hyppo import ksample

        np.random.seed(seed)
        return float(getattr(ksample, name)().test(x, y)[1])

    return test


def _hyppo_mgc(x: np.ndarray, y: np.ndarray, seed: int) -> float:
    from hyppo.ksample import KSample

    return float(KSample("MGC").test(x, y, reps=100, random_state=seed)[1])


# alibi-detect


def _alibi_ks(x: np.ndarray, y: np.ndarray, _: int) -> float:
    from alibi_detect.cd import KSDrift

    found = KSDrift(x, p_val=ALPHA).predict(y)["data"]
    # Its own correction is of the level, not of the p-values.
    return min(1.0, float(np.min(found["p_val"])) * x.shape[1])


def _alibi_pairs(name: str) -> Test:
    def test(x: np.ndarray, y: np.ndarray, seed: int) -> float:
        import torch
        from alibi_detect import cd

        torch.manual_seed(seed)
        detector = getattr(cd, name)(
            x.astype(np.float32), backend="pytorch", p_val=ALPHA, n_permutations=100
        )
        return float(detector.predict(y.astype(np.float32))["data"]["p_val"])

    return test


def _alibi_forest(**options: Any) -> Test:
    def test(x: np.ndarray, y: np.ndarray, seed: int) -> float:
        from alibi_detect.cd import ClassifierDrift
        from sklearn.ensemble import RandomForestClassifier

        model = RandomForestClassifier(random_state=seed)
        detector = ClassifierDrift(
            x, model, backend="sklearn", p_val=ALPHA, preds_type="probs", seed=seed, **options
        )
        return float(detector.predict(y)["data"]["p_val"])

    return test


def _alibi_spot(x: np.ndarray, y: np.ndarray, seed: int) -> float:
    import torch
    from alibi_detect.cd import SpotTheDiffDrift

    torch.manual_seed(seed)
    detector = SpotTheDiffDrift(
        x.astype(np.float32), backend="pytorch", p_val=ALPHA, epochs=10, seed=seed
    )
    return float(detector.predict(y.astype(np.float32))["data"]["p_val"])


# samesame: takes scores, and says that they have to be of rows that were not learnt from


def _samesame(scores: str) -> Test:
    def test(x: np.ndarray, y: np.ndarray, seed: int) -> float:
        from samesame import test_shift
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.model_selection import train_test_split

        rows, label = np.concatenate([x, y]), np.repeat([0, 1], [len(x), len(y)])
        forest = RandomForestClassifier(oob_score=scores == "out-of-bag", random_state=seed)
        if scores == "out-of-bag":
            score = forest.fit(rows, label).oob_decision_function_[:, 1]
        else:
            learn, rows, of, label = train_test_split(
                rows, label, test_size=0.5, stratify=label, random_state=seed
            )
            score = forest.fit(learn, of).predict_proba(rows)[:, 1]
        return float(
            test_shift(score[label == 0], score[label == 1], n_resamples=999, rng=seed).pvalue
        )

    return test


# sbi's c2st: five-fold accuracy of a forest of 100 trees, of rows standardised by the reference


def _c2st(x: np.ndarray, y: np.ndarray, seed: int) -> float:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import KFold, cross_val_score

    rows = (np.concatenate([x, y]) - x.mean(axis=0)) / x.std(axis=0)
    label = np.repeat([0, 1], [len(x), len(y)])
    forest = RandomForestClassifier(random_state=seed)
    cross_val_score(forest, rows, label, cv=KFold(5, shuffle=True, random_state=seed))
    return math.nan


# evidently


def _evidently(rule: str) -> Test:
    def test(x: np.ndarray, y: np.ndarray, _: int) -> float:
        import pandas as pd
        from evidently import Report
        from evidently.presets import DataDriftPreset

        names = [f"x{number}" for number in range(x.shape[1])]
        reference, current = (pd.DataFrame(one, columns=names) for one in (x, y))
        found = Report([DataDriftPreset()]).run(current, reference).dict()["metrics"]
        share = next(one["value"]["share"] for one in found if "Drifted" in one["metric_name"])
        return 0.0 if share >= (0.5 if rule == "dataset" else 1e-9) else 1.0

    return test


# frouros, menelaus


def _frouros_mmd(x: np.ndarray, y: np.ndarray, seed: int) -> float:
    from frouros.callbacks import PermutationTestDistanceBased
    from frouros.detectors.data_drift import MMD

    callback = PermutationTestDistanceBased(
        num_permutations=100, num_jobs=1, random_state=seed, name="permutation"
    )
    detector = MMD(callbacks=[callback])
    detector.fit(X=x)
    return float(detector.compare(X=y)[1]["permutation"]["p_value"])


def _menelaus_tree(x: np.ndarray, y: np.ndarray, seed: int) -> float:
    import pandas as pd
    from menelaus.data_drift import KdqTreeBatch

    np.random.seed(seed)
    detector = KdqTreeBatch(alpha=ALPHA)
    detector.set_reference(pd.DataFrame(x))
    detector.update(pd.DataFrame(y))
    return 0.0 if detector.drift_state == "drift" else 1.0


WAYS: dict[str, Way] = {
    "evidesk auto": Way("evidesk", _evidesk("auto")),
    "evidesk combination": Way("evidesk", _evidesk("combination")),
    "evidesk prequential": Way("evidesk", _evidesk("prequential"), learns=True),
    "hyppo Energy": Way("hyppo", _hyppo("Energy")),
    "hyppo MMD": Way("hyppo", _hyppo("MMD")),
    "hyppo Hotelling": Way("hyppo", _hyppo("Hotelling")),
    "hyppo MGC": Way("hyppo", _hyppo_mgc, most_rows=200),
    "alibi-detect KS": Way("alibi-detect", _alibi_ks),
    "alibi-detect MMD": Way("alibi-detect", _alibi_pairs("MMDDrift")),
    "alibi-detect LSDD": Way("alibi-detect", _alibi_pairs("LSDDDrift")),
    "alibi-detect forest": Way("alibi-detect", _alibi_forest(), learns=True),
    "alibi-detect forest, out-of-bag": Way(
        "alibi-detect", _alibi_forest(use_oob=True), learns=True
    ),
    "alibi-detect SpotTheDiff": Way("alibi-detect", _alibi_spot, learns=True),
    "samesame, held-out forest": Way("samesame", _samesame("held-out"), learns=True),
    "samesame, out-of-bag forest": Way("samesame", _samesame("out-of-bag"), learns=True),
    "c2st (as in sbi)": Way("scikit-learn", _c2st, learns=True),
    "evidently, any column": Way("evidently", _evidently("any")),
    "evidently, dataset": Way("evidently", _evidently("dataset")),
    "frouros MMD": Way("frouros", _frouros_mmd, most_rows=5_000),
    "menelaus KdqTree": Way("menelaus", _menelaus_tree),
}


def spent() -> float:
    """CPU seconds of this process and of those it waited for."""
    return sum(
        one.ru_utime + one.ru_stime
        for one in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def warm_up(way: Way) -> None:
    """Imports, and what is compiled at first use."""
    rng = np.random.default_rng(0)
    way.test(rng.normal(size=(60, 5)), rng.normal(size=(60, 5)), 0)


def p_values(way: Way, x: np.ndarray, y: np.ndarray, seconds: float) -> list[float]:
    """Of the pairs x[i] and y[i], the first ones that so many CPU seconds are enough for."""
    warm_up(way)
    begun, found = spent(), []
    for seed in range(len(x)):
        found.append(way.test(x[seed], y[seed], seed))
        if spent() - begun > seconds or math.isnan(found[-1]):
            break
    return found


def peak_rss() -> int:
    """The most memory that this process has held since the mark was reset, in bytes."""
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in status if line.startswith("VmHWM")).split()[1])


def cost(way: Way, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Seconds and bytes of one test: the median of three where it takes less than two seconds.

    Beyond the time the process is killed, beyond the memory it gets no more of it.
    """
    warm_up(way)
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    limit = math.ceil(spent()) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
    Path("/proc/self/clear_refs").write_text("5")
    before, runs = peak_rss(), []
    while not runs or (len(runs) < 3 and sum(run[0] for run in runs) < 2):
        cpu, wall = spent(), time.perf_counter()
        way.test(x, y, 0)
        runs.append((spent() - cpu, time.perf_counter() - wall))
    return {
        "cpu": statistics.median(run[0] for run in runs),
        "wall": statistics.median(run[1] for run in runs),
        "peak": peak_rss() - before,
    }


def main(words: list[str]) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    asked, name, file, *rest = words
    way = WAYS[name]
    data = np.load(file)
    said = os.dup(1)
    os.dup2(2, 1)  # peers draw bars and talk
    if asked == "p":
        found: Any = {"p": p_values(way, data["x"], data["y"], float(rest[0]))}
    else:
        found = cost(way, data["x"], data["y"])
    os.write(said, json.dumps(found | {"version": version(way.package)}).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
