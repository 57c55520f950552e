"""Train networks side by side: shuffled batches, early stopping, checkpoints.

Everything random comes from a member's own seed and the number of the epoch, so that a training
that was interrupted goes on exactly as it would have.
"""

import hashlib
import math
import os
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim.adamw import adamw

from evidesk.methods.surrogates import storage
from evidesk.methods.surrogates.layers import Stack

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]

#: Seconds between two checkpoints.
CHECKPOINT_EVERY = 20.0
#: Numbers that are shuffled at a time.
_BLOCK = 2**22


@dataclass(frozen=True)
class Schedule:
    """How to train.

    Attributes
    ----------
    epochs, batch_size : at most so many passes over the rows, in batches of so many rows.
    learning_rate : of Adam, at first; it goes down to 0 by a cosine.
    weight_decay : of Adam, decoupled (arXiv:1711.05101).
    patience : epochs without a better loss on the held-out rows after which a member stops; None
        trains for all epochs.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int | None


@dataclass
class State:
    """Where a training stands after so many epochs.

    Attributes
    ----------
    epoch : how many are done.
    tensors, best : those of the stack as they are, and as they were where its losses were least.
    mean, square, steps : of each parameter of the stack, what AdamW knows of its gradients: their
        running mean, that of their squares, and how many there were.
    best_loss, best_epoch, stopped : of each member, shape (members,).
    losses : of each epoch, those of the members.
    """

    epoch: int
    tensors: list[Tensor]
    mean: list[Tensor]
    square: list[Tensor]
    steps: list[Tensor]
    best: list[Tensor]
    best_loss: Tensor
    best_epoch: Tensor
    stopped: Tensor
    losses: list[list[float]] = field(default_factory=list)


def chosen_device(device: str) -> str:
    """``auto`` is a GPU if there is one.

    Raises
    ------
    ValueError : there is no such device.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"The 'device' parameter must be auto, cpu or a device that PyTorch finds here. Got "
            f"{device!r} instead: {str(error).splitlines()[0]}"
        ) from error
    return device


def train(
    stack: Stack,
    rows: tuple[Tensor, Tensor],
    held: tuple[Tensor, Tensor] | None,
    schedule: Schedule,
    seeds: Sequence[int],
    *,
    progress: Progress,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Floats:
    """Train all members of the stack on standardised rows.

    Parameters
    ----------
    stack : changed in place.
    rows, held : inputs and outputs to learn from, and those by which to stop early.
    seeds : one for each member: of the order of its rows.
    checkpoint : a file to write where the training stands, and to go on from if it is there.

    Returns
    -------
    Shape (epochs, members): the mean loss of each epoch; of the held-out rows, if there are some.

    Raises
    ------
    ValueError : the checkpoint is of another training, or the loss is not finite.
    """
    x, y = rows
    batches = math.ceil(len(x) / schedule.batch_size)
    state = _begin(stack)
    digest = ""
    if checkpoint is not None:
        digest = _digest(rows, held, schedule, seeds, stack)
        if Path(checkpoint).exists():
            _resume(state, checkpoint, digest)
    saved = time.monotonic()
    mixed = torch.autocast("cuda", torch.bfloat16) if x.device.type == "cuda" else nullcontext()
    while state.epoch < schedule.epochs and not bool(state.stopped.all()):
        total = torch.zeros(stack.members, device=x.device)
        for number, (inputs, outputs) in enumerate(
            _batches(x, y, seeds, state.epoch, schedule.batch_size)
        ):
            done = (state.epoch + number / batches) / schedule.epochs
            with mixed:
                total += stack.backward(inputs, outputs)
            rate = schedule.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
            _step(stack, state, rate, schedule.weight_decay)
        state.epoch += 1
        losses = total / y.numel() if held is None else _held_loss(stack, held)
        if not bool(torch.isfinite(losses).all()):
            raise ValueError(
                f"The loss is not finite any more after {state.epoch} epochs. Take a smaller "
                f"'learning_rate' than {schedule.learning_rate:g}."
            )
        state.losses.append(losses.tolist())
        if schedule.patience is not None:
            _note_best(state, losses, schedule.patience)
        if checkpoint is not None and time.monotonic() - saved > CHECKPOINT_EVERY:
            _save(state, checkpoint, digest)
            saved = time.monotonic()
        try:
            progress(state.epoch / schedule.epochs)
        except BaseException:  # cancelled from outside
            if checkpoint is not None:
                _save(state, checkpoint, digest)
            raise
    if checkpoint is not None:
        _save(state, checkpoint, digest)
    if schedule.patience is not None:
        with torch.no_grad():
            for tensor, best in zip(stack.tensors, state.best, strict=True):
                tensor.copy_(best)
    return np.array(state.losses)


def without_gpu_memory(error: torch.OutOfMemoryError) -> None:
    """Tell that the processor goes on with what was too much for the GPU."""
    warnings.warn(
        f"The GPU has too little memory for this training, which is done on the processor instead: "
        f"{str(error).splitlines()[0]}",
        RuntimeWarning,
        stacklevel=3,
    )


def _begin(stack: Stack) -> State:
    device = stack.tensors[0].device
    return State(
        epoch=0,
        tensors=stack.tensors,
        mean=[torch.zeros_like(one) for one in stack.parameters],
        square=[torch.zeros_like(one) for one in stack.parameters],
        steps=[torch.zeros((), device=device) for _ in stack.parameters],
        best=[one.detach().clone() for one in stack.tensors],
        best_loss=torch.full((stack.members,), math.inf, device=device),
        best_epoch=torch.zeros(stack.members, device=device),
        stopped=torch.zeros(stack.members, dtype=torch.bool, device=device),
    )


@torch.no_grad()
def _step(stack: Stack, state: State, rate: float, decay: float) -> None:
    """Move the parameters as `torch.optim.AdamW` does, without what its object adds to a call."""
    learning = [
        (parameter, parameter.grad, mean, square, steps)
        for parameter, mean, square, steps in zip(
            stack.parameters, state.mean, state.square, state.steps, strict=True
        )
        if parameter.grad is not None
    ]
    parameters, gradients, means, squares, steps = ([*one] for one in zip(*learning, strict=True))
    adamw(
        parameters, gradients, means, squares, [], steps, fused=True, amsgrad=False,
        beta1=0.9, beta2=0.999, lr=rate, weight_decay=decay, eps=1e-8, maximize=False,
    )  # fmt: skip


def _batches(x: Tensor, y: Tensor, seeds: Sequence[int], epoch: int, size: int) -> Any:
    """Batches of shape (members, size, ...): each member has its own order of the rows."""
    orders = np.stack([np.random.default_rng([seed, epoch]).permutation(len(x)) for seed in seeds])
    order = torch.from_numpy(orders).to(x.device)
    per_row = len(seeds) * max(1, x[0].numel() + y[0].numel())
    block = size * max(1, _BLOCK // (per_row * size))
    for start in range(0, len(x), block):
        rows = order[:, start : start + block]
        # Several times faster than x[rows].
        inputs, outputs = (
            one.index_select(0, rows.flatten()).view(*rows.shape, *one.shape[1:]) for one in (x, y)
        )
        yield from zip(torch.split(inputs, size, 1), torch.split(outputs, size, 1), strict=True)


def _held_loss(stack: Stack, held: tuple[Tensor, Tensor]) -> Tensor:
    x, y = held
    found = stack.predict(x.expand(stack.members, *x.shape))
    return ((found - y) ** 2).mean((1, 2))


def _note_best(state: State, losses: Tensor, patience: int) -> None:
    """Keep what is best so far of each member; a member that has stopped stays as it is."""
    better = (losses < state.best_loss) & ~state.stopped
    state.best_loss = torch.where(better, losses, state.best_loss)
    state.best_epoch = torch.where(better, torch.full_like(losses, state.epoch), state.best_epoch)
    with torch.no_grad():
        for best, tensor in zip(state.best, state.tensors, strict=True):
            which = better.view(-1, *[1] * (best.dim() - 1))
            best.copy_(torch.where(which, tensor, best))
    state.stopped |= state.epoch - state.best_epoch >= patience


def _digest(
    rows: tuple[Tensor, Tensor],
    held: tuple[Tensor, Tensor] | None,
    schedule: Schedule,
    seeds: Sequence[int],
    stack: Stack,
) -> str:
    """What training this is: its rows, its schedule, its seeds, its networks at the start."""
    found = hashlib.sha256(repr((asdict(schedule), [int(one) for one in seeds])).encode())
    for tensor in [*rows, *(held or ()), *stack.tensors]:
        array = tensor.detach().cpu().numpy()
        found.update(repr(array.shape).encode())
        found.update(array.tobytes())
    return found.hexdigest()


_LISTS = ("tensors", "mean", "square", "steps", "best")
_SINGLE = ("best_loss", "best_epoch", "stopped")


def _save(state: State, path: str | os.PathLike[str], digest: str) -> None:
    arrays = {
        f"{name}.{number}": tensor.detach().cpu().numpy()
        for name in _LISTS
        for number, tensor in enumerate(getattr(state, name))
    }
    arrays |= {name: getattr(state, name).cpu().numpy() for name in _SINGLE}
    arrays["losses"] = np.array(state.losses, dtype=np.float64)
    document = {"digest": digest, "epoch": state.epoch}
    storage.write(path, arrays, document)


def _resume(state: State, path: str | os.PathLike[str], digest: str) -> None:
    arrays, document = storage.read(path)
    if document.get("digest") != digest:
        raise ValueError(
            f"The checkpoint {os.fspath(path)!r} is of another training: other rows, another "
            "schedule, other seeds or networks. Give another path, or remove it."
        )
    with torch.no_grad():
        for name in _LISTS:
            for number, tensor in enumerate(getattr(state, name)):
                # A file holds a single number as an array of one.
                tensor.copy_(torch.from_numpy(arrays[f"{name}.{number}"]).view_as(tensor))
    for name in _SINGLE:
        setattr(state, name, torch.from_numpy(arrays[name]).to(getattr(state, name).device))
    state.epoch = document["epoch"]
    state.losses = arrays["losses"].tolist()
