"""What it costs to add uncertainty to a network, and what that uncertainty is worth, beside peers.

``python benchmarks/surrogate_peers.py`` writes ``docs/tables/surrogate_peers.md``: all ways on the
clusters of copper and gold, in one run, and all that take a trained network take the same one.
laplace-torch asks for another PyTorch than evidesk, and lives in an environment of its own (``make
bench``). CPU seconds are those of one thread; where a network is trained already, the fastest of
some turns, for other work on the machine only ever adds to it.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from mapie.regression import CrossConformalRegressor, SplitConformalRegressor
from sklearn.model_selection import PredefinedSplit
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[1]))

from studies.fold_coverage import table
from studies.surrogate_emt import LEVEL, Split, judged, splits

from evidesk.methods.surrogates import Conformal, Ensemble, LastLayer, Network
from evidesk.methods.surrogates.scoring_rules import gaussian_nll

Floats = npt.NDArray[np.float64]
Data = dict[str, Split]

ROOT = Path(__file__).parents[1]
TABLES = ROOT / "docs" / "tables"
PEER = ROOT / "benchmarks" / "laplace_torch" / "of_network.py"
PYTHON = ROOT / ".venv" / "laplace" / "bin" / "python"
SHOWN = {"test": "in domain", "shift_T": "hot"}
EPOCHS, BATCH, RATE, MEMBERS, FOLDS = 400, 64, 3e-3, 10, 10
TRAININGS, TURNS = 3, 5
#: Of the normal distribution, for half of what a level of 90 % leaves out.
Z = 1.6448536
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Said:
    """Of the rows of one split; ``std`` is None where a way gives an interval alone."""

    mean: Floats
    low: Floats
    high: Floats
    std: Floats | None = None

    @classmethod
    def normal(cls, mean: Floats, std: Floats) -> "Said":
        return cls(mean, mean - Z * std, mean + Z * std, std)


@dataclass
class Way:
    """CPU seconds and scores of each training; or why there are none."""

    seconds: list[float] = field(default_factory=list)
    scores: list[dict[str, dict[str, float]]] = field(default_factory=list)
    failed: str = ""

    def add(self, cpu: float, said: dict[str, Said], data: Data) -> None:
        self.seconds.append(cpu)
        found = {}
        for split, one in said.items():
            y = data[split].y
            found[split] = judged(y, one.mean, one.low, one.high)
            if one.std is not None:
                found[split]["nll"] = float(np.mean(gaussian_nll(y, one.mean, one.std)))
        self.scores.append(found)


def network(seed: int) -> Network:
    """The network of all ways."""
    return Network(
        (64, 64), epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE, device="cpu",
        random_state=seed,
    )  # fmt: skip


def timed(make: Callable[[], Any], turns: int = 1) -> tuple[float, Any]:
    """CPU seconds of the fastest turn, and what the last one made."""
    seconds = []
    for _ in range(turns):
        began = time.process_time()
        made = make()
        seconds.append(time.process_time() - began)
    return min(seconds), made


def said(data: Data, of: Callable[[Floats], Said]) -> dict[str, Said]:
    """Of each split that is shown."""
    return {split: of(data[split].X) for split in SHOWN}


def of_intervals(head: Any) -> Callable[[Floats], Said]:
    """Ours, with nothing refused; with a standard deviation where there is one."""

    def of(X: Floats) -> Said:
        if isinstance(head, Conformal):
            got = head.predict_interval(X, LEVEL)
            return Said(got.mean, got.low, got.high)
        got = head.predict_interval(X, LEVEL, refuse=False)
        return Said(got.mean, got.low, got.high, head.predict(X, return_std=True)[1])

    return of


def of_mapie(model: Any) -> Callable[[Floats], Said]:
    """Its prediction and interval."""

    def of(X: Floats) -> Said:
        mean, bounds = model.predict_interval(X)
        return Said(np.asarray(mean), bounds[:, 0, 0], bounds[:, 1, 0])

    return of


# The ways


def in_this_process(
    data: Data, trained: Network, seed: int
) -> Iterator[tuple[str, float, Callable[[Floats], Said]]]:
    """Name, CPU seconds and answers of all ways but laplace-torch's."""
    train, val = data["train"], data["val"]
    cpu, head = timed(lambda: LastLayer(trained.module_).fit(*train).calibrate(*val), TURNS)
    yield "`LastLayer`", cpu, of_intervals(head)
    cpu, split = timed(lambda: Conformal(trained).calibrate(*val), TURNS)
    yield "`Conformal`, split", cpu, of_intervals(split)
    cpu, split = timed(lambda: mapie_split(trained, val), TURNS)
    yield "MAPIE, split", cpu, of_mapie(split)
    cpu, ensemble = timed(
        lambda: Ensemble(network(seed), MEMBERS, random_state=seed).fit(*train).calibrate(*val)
    )
    yield f"`Ensemble` of {MEMBERS}", cpu, of_intervals(ensemble)
    cpu, loop = timed(lambda: scikit_learn_loop(train, seed))
    yield f"a loop of {MEMBERS} `MLPRegressor`, their spread", cpu, loop
    cross = Conformal(network(seed), "cv+", folds=FOLDS, random_state=seed)
    cpu, crossed = timed(lambda: cross.fit(*train))
    yield "`Conformal`, CV+", cpu, of_intervals(crossed)
    folds = PredefinedSplit(crossed.cross_.trained.fold)
    cpu, crossed = timed(lambda: mapie_cross(network(seed), train, folds))
    yield "MAPIE, CV+", cpu, of_mapie(crossed)


def mapie_split(trained: Network, val: Split) -> Any:
    """Around the trained network."""
    model = SplitConformalRegressor(trained, confidence_level=LEVEL, prefit=True)
    return model.conformalize(val.X, val.y)


def mapie_cross(untrained: Network, train: Split, folds: PredefinedSplit) -> Any:
    """On the very folds of ours, of whole trajectories."""
    model = CrossConformalRegressor(untrained, confidence_level=LEVEL, cv=folds)
    return model.fit_conformalize(train.X, train.y)


def scikit_learn_loop(train: Split, seed: int) -> Callable[[Floats], Said]:
    """Mean and spread of networks of scikit-learn's, one trained after the other."""
    (centre, scale), (low, unit) = ((one.mean(0), one.std(0)) for one in train[:2])
    members = [
        MLPRegressor(
            hidden_layer_sizes=(64, 64), batch_size=BATCH, max_iter=EPOCHS,
            learning_rate_init=RATE, alpha=0.0, n_iter_no_change=EPOCHS,
            random_state=MEMBERS * seed + number,
        ).fit((train.X - centre) / scale, (train.y - low) / unit)
        for number in range(MEMBERS)
    ]  # fmt: skip

    def of(X: Floats) -> Said:
        found = np.stack([one.predict((X - centre) / scale) for one in members]) * unit + low
        return Said.normal(found.mean(0), found.std(0, ddof=1))

    return of


def laplace_torch(data: Data, trained: Network, python: Path = PYTHON) -> dict[str, Any]:
    """Its answer on the same network, from a process of its own: of each way, and its version.

    Raises
    ------
    RuntimeError : it failed.
    """
    module = trained.module_
    centre, unit = (float(one[0]) for one in (module.y_mean, module.y_scale))
    train = data["train"]
    arrays = {name: one.numpy() for name, one in module.core.state_dict().items()}

    def standardised(X: Floats) -> npt.NDArray[np.float32]:
        return np.asarray(module.standardised(torch.from_numpy(X)).numpy())

    arrays["train_x"] = standardised(train.X)
    arrays["train_y"] = ((train.y[:, None] - centre) / unit).astype(np.float32)
    arrays |= {f"split_{split}": standardised(data[split].X) for split in SHOWN}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.npz"
        np.savez(file, **arrays)
        done = subprocess.run(
            [str(python), str(PEER), str(file), str(TURNS)],
            capture_output=True, text=True, check=False, env=os.environ | THREADS,
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no word"])[-1])
    answer = dict(json.loads(done.stdout))
    for way in answer.values():
        if isinstance(way, dict):
            for split in SHOWN:
                mean, std = (unit * np.array(one) for one in way[split])
                way[split] = Said.normal(mean + centre, std)
    return answer


def measured(trainings: int) -> tuple[dict[str, Way], list[str]]:
    """All ways by name, and the versions of the peers."""
    data = splits()
    found: dict[str, Way] = {"the network alone": Way()}
    versions = [f"{name} {version(name)}" for name in ("mapie", "scikit-learn", "torch")]
    for seed in range(trainings):
        cpu, trained = timed(lambda seed=seed: network(seed).fit(*data["train"]))
        found["the network alone"].seconds.append(cpu)
        for name, seconds, of in in_this_process(data, trained, seed):
            found.setdefault(name, Way()).add(seconds, said(data, of), data)
            if name == "`LastLayer`":
                add_laplace(found, data, trained, versions)
    return found, list(dict.fromkeys(versions))


def add_laplace(found: dict[str, Way], data: Data, trained: Network, versions: list[str]) -> None:
    """Its ways beside ours, if it is there."""
    if not PYTHON.exists():
        found["laplace-torch"] = Way(failed="not installed")
        return
    answer = laplace_torch(data, trained)
    versions.append(f"laplace-torch {answer.pop('version')}")
    for name, way in answer.items():
        found.setdefault(f"laplace-torch, {name}", Way()).add(way.pop("cpu"), way, data)


# The table


def cells(way: Way) -> list[str]:
    """Coverages, interval scores and NLL, in and out of domain: means ± their standard errors."""
    found = []
    for key, factor, digits in (("coverage", 100, 1), ("score", 1, 1), ("nll", 1, 2)):
        for split in SHOWN:
            values = factor * np.array([one[split].get(key, np.nan) for one in way.scores])
            if not len(values) or np.isnan(values).any():
                found.append("")
                continue
            error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
            found.append(f"{values.mean():.{digits}f} ± {error:.{digits}f}")
    return found


def peers_table(trainings: int) -> str:
    """Everything."""
    found, versions = measured(trainings)
    rows = [
        [name, way.failed or f"{min(way.seconds):.2g}", *cells(way)] for name, way in found.items()
    ]
    heads = [
        f"{score} {where}"
        for score in ("covered (%)", "interval score", "NLL")
        for where in SHOWN.values()
    ]
    return table(
        ["way", "CPU seconds", *heads],
        rows,
        "Energies of clusters of copper and gold, in meV per atom, at nominal 90 %, intervals with "
        f"none refused. Networks 28-64-64-1, {EPOCHS} epochs, 480 training and 150 calibration "
        f"clusters; means of {trainings} trainings ± their standard error, and the fastest of "
        "their times. In each training `LastLayer`, laplace-torch and both splits take the same "
        "trained network, and their time is what they add to it; the ensembles and CV+ train their "
        "own, in that time. laplace-torch takes noise and prior by the marginal likelihood, in "
        "100 steps, from the training alone; the loop's spread is not calibrated either. "
        "`Conformal` counts trajectories, of which 25 calibrate; MAPIE counts clusters, and its "
        f"CV+ has the folds of ours. One thread, Python {platform.python_version()}, "
        f"{', '.join(versions)}.",
    )


def main() -> None:
    """Write the table."""
    warnings.simplefilter("ignore")  # scikit-learn's, that a network has not converged
    torch.set_num_threads(1)
    with threadpool_limits(1):
        text = peers_table(TRAININGS)
    (TABLES / "surrogate_peers.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
