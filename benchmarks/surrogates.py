"""What ensembles of small networks and their last layers cost, beside loops of peers.

``python benchmarks/surrogates.py`` writes ``docs/tables/surrogate_training.md``. Everything is
measured in CPU seconds on one thread, in turns, and the fastest turn is shown: other work on the
machine only ever adds to it.
"""

import platform
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sklearn
import torch
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))

from studies.fold_coverage import table
from studies.surrogate_emt import splits

from evidesk.methods.surrogates import Ensemble, LastLayer, Network

Floats = npt.NDArray[np.float64]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
EPOCHS, BATCH, RATE, MEMBERS = 400, 64, 3e-3, 10


def pytorch_loop(X: Floats, y: Floats) -> None:
    """One network as PyTorch's documentation trains it, with the faster fused Adam."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(28, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1)
    )
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)
    loss = nn.MSELoss()
    rows, targets = (
        torch.as_tensor((one - one.mean(0)) / one.std(0), dtype=torch.float32)
        for one in (X, y[:, None])
    )
    for _ in range(EPOCHS):
        order = torch.randperm(len(rows))
        for at in range(0, len(rows), BATCH):
            chosen = order[at : at + BATCH]
            optimiser.zero_grad()
            loss(net(rows[chosen]), targets[chosen]).backward()
            optimiser.step()


def scikit_learn(X: Floats, y: Floats) -> None:
    """Ten multi-layer perceptrons of scikit-learn, one after the other, for all epochs."""
    rows, targets = (X - X.mean(0)) / X.std(0), (y - y.mean()) / y.std()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        for seed in range(MEMBERS):
            MLPRegressor(
                hidden_layer_sizes=(64, 64), batch_size=BATCH, max_iter=EPOCHS,
                learning_rate_init=RATE, alpha=0.0, n_iter_no_change=EPOCHS, random_state=seed,
            ).fit(rows, targets)  # fmt: skip


def network(**changes: object) -> Network:
    """Our network with the settings of all."""
    settings = {
        "epochs": EPOCHS, "batch_size": BATCH, "learning_rate": RATE, "device": "cpu",
        "random_state": 0,
    }  # fmt: skip
    return Network((64, 64), **settings | changes)  # type: ignore[arg-type]


def seconds(run: Callable[[], object]) -> float:
    """CPU time of one run."""
    began = time.process_time()
    run()
    return time.process_time() - began


def measured(turns: int) -> dict[str, float]:
    """CPU seconds by name: the least of the turns."""
    data = splits()
    X, y, _ = data["train"]
    trained = network().fit(X, y).module_
    ways: dict[str, Callable[[], object]] = {
        "1 network, a loop in PyTorch": lambda: pytorch_loop(X, y),
        "1 network, `Network`": lambda: network().fit(X, y),
        "10 networks, `Ensemble`": lambda: Ensemble(network(), MEMBERS, random_state=0).fit(X, y),
        "10 networks, scikit-learn's `MLPRegressor`": lambda: scikit_learn(X, y),
        "last layer of a trained network: fit": lambda: LastLayer(trained).fit(X, y),
        "last layer of a trained network: fit and calibrate": lambda: (
            LastLayer(trained).fit(X, y).calibrate(*data["val"])
        ),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    ways["1 network, `Network`"]()  # what is imported and set up once
    for _ in range(turns):
        for name, way in ways.items():
            found[name].append(seconds(way))
    return {name: min(one) for name, one in found.items()}


def training_table(turns: int) -> str:
    """All ways, in CPU seconds and in networks trained by a loop."""
    found = measured(turns)
    one, ours = found["1 network, a loop in PyTorch"], found["10 networks, `Ensemble`"]
    rows = [
        [name, f"{cpu:.3g}", f"{cpu / one:.3g}", f"{cpu / ours:.3g}"] for name, cpu in found.items()
    ]
    return table(
        ["what", "CPU seconds", "in single networks", "in ensembles"],
        rows,
        f"Networks 28-64-64-1 of 480 rows, {EPOCHS} epochs in batches of {BATCH}, Adam; fastest of "
        f"{turns} turns, CPU time of one thread. Single network: the loop in PyTorch, with "
        "automatic gradients and fused Adam. The last layer is calibrated on 150 rows. Python "
        f"{platform.python_version()}, PyTorch {torch.__version__}, scikit-learn "
        f"{sklearn.__version__}.",
    )


def main() -> None:
    """Write the table."""
    torch.set_num_threads(1)
    with threadpool_limits(1):
        text = training_table(7)
    (TABLES / "surrogate_training.md").write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
