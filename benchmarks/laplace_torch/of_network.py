"""What laplace-torch makes of a network that is trained already.

Run by ``benchmarks/surrogate_peers.py`` under the interpreter that has the package:
``python of_network.py FILE TURNS`` reads the network and standardised rows from an npz file and
prints, for each way, the CPU seconds of the fastest of so many turns, and means and standard
deviations of the rows of each split.
"""

import json
import sys
import time
from importlib.metadata import version

import numpy as np
import torch
from laplace import Laplace
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

#: Which weights, and the structure of the Hessian.
WAYS = {"last layer, full": ("last_layer", "full"), "all weights, Kronecker": ("all", "kron")}
#: Of the hyperparameters' Adam, as in the package's example of a regression.
STEPS, RATE = 100, 0.1


def network(arrays: dict[str, np.ndarray]) -> nn.Sequential:
    """Linear layers with SiLU between them, of the arrays ``0.weight``, ``0.bias``, ``2.weight``"""
    numbers = sorted(int(name.split(".")[0]) for name in arrays if name.endswith(".weight"))
    layers: list[nn.Module] = []
    for number in numbers:
        outputs, inputs = arrays[f"{number}.weight"].shape
        layers += [nn.Linear(inputs, outputs), nn.SiLU()]
    found = nn.Sequential(*layers[:-1])
    found.load_state_dict(
        {name: torch.from_numpy(one) for name, one in arrays.items() if name[0].isdigit()}
    )
    return found


def fitted(model: nn.Module, rows: DataLoader, way: str) -> object:
    """The posterior, prior and noise by the marginal likelihood."""
    weights, structure = WAYS[way]
    posterior = Laplace(model, "regression", subset_of_weights=weights, hessian_structure=structure)
    posterior.fit(rows)
    log_prior, log_noise = (torch.zeros(1, requires_grad=True) for _ in range(2))
    optimiser = torch.optim.Adam([log_prior, log_noise], lr=RATE)
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss = -posterior.log_marginal_likelihood(log_prior.exp(), log_noise.exp())
        loss.backward()
        optimiser.step()
    return posterior


def main(path: str, turns: int) -> None:
    """Print the answer as JSON."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with np.load(path) as file:
        arrays = dict(file)
    model = network(arrays)
    pair = TensorDataset(*(torch.from_numpy(arrays[name]) for name in ("train_x", "train_y")))
    rows = DataLoader(pair, batch_size=len(pair))
    answer: dict[str, object] = {"version": version("laplace-torch")}
    for way in WAYS:
        fitted(model, rows, way)  # what is imported and set up once
        seconds = []
        for _ in range(turns):
            began = time.process_time()
            posterior = fitted(model, rows, way)
            seconds.append(time.process_time() - began)
        found: dict[str, object] = {"cpu": min(seconds)}
        noise = float(posterior.sigma_noise)
        for name in arrays:
            if name.startswith("split_"):
                with torch.no_grad():
                    mean, variance = posterior(torch.from_numpy(arrays[name]))
                std = np.sqrt(variance.numpy().reshape(-1) + noise**2)
                found[name.removeprefix("split_")] = [
                    mean.numpy().reshape(-1).tolist(),
                    std.tolist(),
                ]
        answer[way] = found
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
