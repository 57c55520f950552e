"""The networks of an ensemble, or the single one: built, trained and asked."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
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
    schedule = Schedule(
        int(network.epochs),
        int(network.batch_size),
        float(network.learning_rate),
        float(network.weight_decay),
        network.patience,
    )

    def on_device(which: Tensor) -> tuple[Tensor, Tensor]:
        return standard[0][which].to(device), standard[1][which].to(device)

    learnt, by = on_device(learn), on_device(~learn) if held.any() else None
    cores = [build_core(network, rows[0].shape[1:], rows[1].shape[1], seed) for seed in seeds]
    if network.build is None:
        stack = PerceptronStack([one.to(device) for one in cores], network.activation)  # type: ignore[misc]
        losses = train(stack, learnt, by, schedule, seeds, progress=progress, checkpoint=checkpoint)
        stack.unstack()
    else:
        cores, losses = _one_by_one(
            cores, device, learnt, by, schedule, seeds, progress, checkpoint, n_jobs
        )
    return [Scaled(one.cpu(), *scales[0], *scales[1]).eval() for one in cores], losses


def _one_by_one(
    cores: list[nn.Module],
    device: str,
    rows: tuple[Tensor, Tensor],
    held: tuple[Tensor, Tensor] | None,
    schedule: Schedule,
    seeds: Sequence[int],
    progress: Progress,
    checkpoint: Path | None,
    n_jobs: int | None,
) -> tuple[list[nn.Module], Floats]:
    from joblib import Parallel, delayed

    def one(number: int) -> tuple[nn.Module, Floats]:
        core = cores[number].to(device)
        stack = ModuleStack(core)
        # In other processes nobody listens.
        tell = progress if n_jobs in (None, 1) else (lambda _share: None)
        path = None if checkpoint is None else f"{os.fspath(checkpoint)}.{number}"
        losses = train(
            stack,
            rows,
            held,
            schedule,
            seeds[number : number + 1],
            progress=lambda share: tell((number + share) / len(seeds)),
            checkpoint=path,
        )
        stack.unstack()
        return core, losses

    done = Parallel(n_jobs=n_jobs)(delayed(one)(number) for number in range(len(seeds)))
    longest = max(len(losses) for _, losses in done)
    losses = np.full((longest, len(seeds)), np.nan)
    for number, (_, own) in enumerate(done):
        losses[: len(own), number] = own[:, 0]
    return [core for core, _ in done], losses


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
