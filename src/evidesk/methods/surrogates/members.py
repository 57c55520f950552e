"""The networks of an ensemble, or the single one: built, trained and asked."""

import math
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
import torch
from joblib import Parallel, delayed, effective_n_jobs
from torch import Tensor, nn

from evidesk.methods.surrogates.layers import (
    ACTIVATIONS,
    ModuleStack,
    PerceptronStack,
    Scaled,
    perceptron,
    to_numpy,
)
from evidesk.methods.surrogates.training import (
    Schedule,
    chosen_device,
    train,
    without_gpu_memory,
)

if TYPE_CHECKING:
    from evidesk.methods.surrogates.network import Network

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]
Scales = tuple[tuple[Floats, Floats], tuple[Floats, Floats]]
Path = str | os.PathLike[str]


def train_members(
    network: "Network",
    rows: tuple[Floats, Floats],
    scales: Scales,
    held: npt.NDArray[np.bool_],
    seeds: Sequence[int],
    *,
    progress: Progress,
    checkpoint: Path | None,
    n_jobs: int | None,
) -> tuple[list[nn.Module], Floats]:
    """One trained network for each seed, and their losses, shape (epochs, members).

    A network that is out of patience before the others has NaN from there on.
    """
    device = chosen_device(network.device)
    try:
        return _train_on(device, network, rows, scales, held, seeds, progress, checkpoint, n_jobs)
    except torch.OutOfMemoryError as error:
        without_gpu_memory(error)
    return _train_on("cpu", network, rows, scales, held, seeds, progress, checkpoint, n_jobs)


def _train_on(
    device: str,
    network: "Network",
    rows: tuple[Floats, Floats],
    scales: Scales,
    held: npt.NDArray[np.bool_],
    seeds: Sequence[int],
    progress: Progress,
    checkpoint: Path | None,
    n_jobs: int | None,
) -> tuple[list[nn.Module], Floats]:
    standard = [
        torch.as_tensor((values - mean) / scale, dtype=torch.float32)
        for values, (mean, scale) in zip(rows, scales, strict=True)
    ]
    learn = torch.from_numpy(~held)
    learnt = standard[0][learn], standard[1][learn]
    by = (standard[0][~learn], standard[1][~learn]) if held.any() else None
    schedule = Schedule(
        int(network.epochs),
        int(network.batch_size),
        float(network.learning_rate),
        float(network.weight_decay),
        network.patience,
    )
    cores = [build_core(network, rows[0].shape[1:], rows[1].shape[1], seed) for seed in seeds]
    at_once = min(len(seeds), effective_n_jobs(n_jobs))
    # Perceptrons side by side, in as many stacks as train at once; others each by itself.
    activation = network.activation if network.build is None else None
    size = 1 if activation is None else math.ceil(len(seeds) / at_once)
    jobs = [
        (
            cores[at : at + size], activation, device, learnt, by, schedule,
            seeds[at : at + size],
            f"{os.fspath(checkpoint)}.{at}" if checkpoint and size < len(seeds) else checkpoint,
        )
        for at in range(0, len(seeds), size)
    ]  # fmt: skip
    done: list[tuple[list[nn.Module], Floats]] = []

    def tell(share: float) -> None:
        progress((len(done) + share) / len(jobs))

    # In other processes nobody listens: what is done there is told when it is back.
    trained: Iterable[tuple[list[nn.Module], Floats]] = (
        (_train_some(*job, tell) for job in jobs)
        if at_once == 1
        else Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(_train_some)(*job, None) for job in jobs
        )
    )
    for one in trained:
        done.append(one)
        if at_once > 1:
            tell(0.0)
    losses = np.full((max(len(own) for _, own in done), len(seeds)), np.nan)
    for number, (_, own) in enumerate(done):
        losses[: len(own), number * size : number * size + own.shape[1]] = own
    found = [core for some, _ in done for core in some]
    return [Scaled(one, *scales[0], *scales[1]).eval() for one in found], losses


def _train_some(
    cores: list[nn.Module],
    activation: str | None,
    device: str,
    learnt: tuple[Tensor, Tensor],
    held: tuple[Tensor, Tensor] | None,
    schedule: Schedule,
    seeds: Sequence[int],
    checkpoint: Path | None,
    progress: Progress | None,
) -> tuple[list[nn.Module], Floats]:
    """Perceptrons of this activation, side by side, or a single module of another kind."""
    for core in cores:
        core.to(device)
    stack: ModuleStack | PerceptronStack = (
        ModuleStack(cores[0])
        if activation is None
        else PerceptronStack(cast("list[nn.Sequential]", cores), activation)
    )

    def there(rows: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return rows[0].to(device), rows[1].to(device)

    losses = train(
        stack,
        there(learnt),
        None if held is None else there(held),
        schedule,
        seeds,
        progress=progress or (lambda _share: None),
        checkpoint=checkpoint,
    )
    stack.unstack()
    return [core.cpu() for core in cores], losses


def build_core(network: "Network", features: tuple[int, ...], outputs: int, seed: int) -> nn.Module:
    """A network that is not trained yet, its first weights from the seed.

    Raises
    ------
    ValueError : there is no such activation.
    TypeError : what ``build`` returns is no module.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if network.build is None:
            if network.activation not in ACTIVATIONS:
                raise ValueError(
                    f"The 'activation' parameter must be one of {', '.join(ACTIVATIONS)}. Got "
                    f"{network.activation!r}."
                )
            return perceptron(network.sizes(features[0], outputs), network.activation)
        core = network.build(features[0], outputs)
    if not isinstance(core, nn.Module):
        raise TypeError(f"'build' must return a torch.nn.Module, and returned {type(core)}.")
    return core


@torch.no_grad()
def predict(modules: Sequence[nn.Module], X: Floats) -> Floats:
    """Shape (modules, rows, outputs), of rows in the data's units."""
    rows = torch.from_numpy(np.require(X, requirements=["C", "W"]))
    return np.stack([to_numpy(one(rows)) for one in modules])
