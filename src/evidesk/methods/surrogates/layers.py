"""PyTorch modules: a perceptron, one that works in the user's units, and many that train as one."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Floats = npt.NDArray[np.float64]


class Activation(NamedTuple):
    """A function of one number: as a module, and as a function with its slope.

    ``forward`` returns the result and the derivative there; it may overwrite its argument.
    """

    module: Callable[[], nn.Module]
    forward: Callable[[Tensor], tuple[Tensor, Tensor]]


def _silu(z: Tensor) -> tuple[Tensor, Tensor]:
    share = torch.sigmoid(z)
    found = z.mul_(share)
    # The derivative is h + s (1 - h): one exponential is enough for both.
    return found, torch.lerp(found, found.new_ones(()), share, out=share)


def _relu(z: Tensor) -> tuple[Tensor, Tensor]:
    return torch.relu(z), (z > 0).to(z.dtype)


def _tanh(z: Tensor) -> tuple[Tensor, Tensor]:
    found = torch.tanh(z)
    return found, 1 - found * found


ACTIVATIONS = {
    "silu": Activation(nn.SiLU, _silu),
    "relu": Activation(nn.ReLU, _relu),
    "tanh": Activation(nn.Tanh, _tanh),
}


def perceptron(sizes: Sequence[int], activation: str) -> nn.Sequential:
    """Linear layers of these sizes, with an activation between each two."""
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), ACTIVATIONS[activation].module()]
    return nn.Sequential(*layers[:-1])


class Scaled(nn.Module):
    """A network between standardised inputs and outputs, for inputs and outputs in their units.

    The units are those of the data in double precision; the network is in single precision.
    """

    x_mean: Tensor
    x_scale: Tensor
    y_mean: Tensor
    y_scale: Tensor

    def __init__(
        self,
        core: nn.Module,
        x_mean: Floats,
        x_scale: Floats,
        y_mean: Floats,
        y_scale: Floats,
    ) -> None:
        super().__init__()
        self.core = core
        for name, array in (
            ("x_mean", x_mean),
            ("x_scale", x_scale),
            ("y_mean", y_mean),
            ("y_scale", y_scale),
        ):
            self.register_buffer(name, torch.as_tensor(array, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Shape (rows, features) -> (rows, outputs)."""
        core: Tensor = self.core(self.standardised(x))
        return core.double() * self.y_scale + self.y_mean

    def standardised(self, x: Tensor) -> Tensor:
        """The network's own input."""
        return ((x.double() - self.x_mean) / self.x_scale).float()


class Stack(Protocol):
    """Networks that train side by side.

    Attributes
    ----------
    members : how many networks.
    tensors : what they learn; the first axis is that of the members.
    parameters : the same, as the optimiser takes it: as few tensors as can be.
    """

    members: int
    tensors: list[Tensor]
    parameters: list[Tensor]

    def predict(self, x: Tensor) -> Tensor:
        """Shape (members, rows, features) -> (members, rows, outputs)."""
        ...

    def backward(self, x: Tensor, y: Tensor) -> Tensor:
        """Squared errors of each member, summed, shape (members,).

        Sets the gradients of their means' sum.
        """
        ...


class PerceptronStack:
    """Perceptrons of the same sizes, multiplied as batches of matrices.

    For small networks a step costs mostly what its calls cost, and these are the same for one
    network and for ten. The gradients are written out, for automatic ones would add half as much;
    all parameters lie in one piece of memory, and their gradients in another, for one call of the
    optimiser. Rows are the last axis inside, for libraries are slow to multiply by a matrix of one
    column, as the last layer's would be.
    """

    def __init__(self, cores: Sequence[nn.Sequential], activation: str) -> None:
        self.members = len(cores)
        self._cores = cores
        self._activation = ACTIVATIONS[activation]
        parts = [
            torch.stack(alike).detach()
            for alike in zip(*(core.parameters() for core in cores), strict=True)
        ]
        memory = torch.cat([one.flatten() for one in parts])
        memory.grad = torch.zeros_like(memory)
        self.parameters = [memory]
        self.tensors = _cut(memory, parts)
        for tensor, gradient in zip(self.tensors, _cut(memory.grad, parts), strict=True):
            tensor.grad = gradient
        self._layers = _pairs(self.tensors)
        self._gradients = _pairs(_cut(memory.grad, parts))

    def predict(self, x: Tensor) -> Tensor:
        """Shape (members, rows, features) -> (members, rows, outputs)."""
        return self._forward(x)[0].transpose(1, 2)

    def _forward(self, x: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """What comes out, what enters each layer, and the slopes between."""
        entered, slopes = [x.transpose(1, 2)], []
        for weights, biases in self._layers[:-1]:
            found, slope = self._activation.forward(torch.baddbmm(biases, weights, entered[-1]))
            entered.append(found)
            slopes.append(slope)
        weights, biases = self._layers[-1]
        return torch.baddbmm(biases, weights, entered[-1]), entered, slopes

    def backward(self, x: Tensor, y: Tensor) -> Tensor:
        """Squared errors of each member, summed; sets the gradients of their means' sum."""
        found, entered, slopes = self._forward(x)
        error = found - y.transpose(1, 2)
        gradient = error * (2 / (y.shape[1] * y.shape[2]))
        for layer in reversed(range(len(self._layers))):
            of_weights, of_biases = self._gradients[layer]
            # Copied, for they may come in half precision.
            of_weights.copy_(torch.bmm(gradient, entered[layer].transpose(1, 2)))
            of_biases.copy_(gradient.sum(2, keepdim=True))
            if layer:
                weights, _ = self._layers[layer]
                gradient = torch.bmm(weights.transpose(1, 2), gradient).mul_(slopes[layer - 1])
        return (error * error).sum((1, 2))

    @torch.no_grad()
    def unstack(self) -> None:
        """Write the tensors back into the networks that they came from."""
        for member, core in enumerate(self._cores):
            for parameter, tensor in zip(core.parameters(), self.tensors, strict=True):
                parameter.copy_(tensor[member])


def _cut(memory: Tensor, parts: Sequence[Tensor]) -> list[Tensor]:
    """Views of one piece of memory, of the shapes of these parts."""
    pieces = memory.split_with_sizes([one.numel() for one in parts])
    return [piece.view(one.shape) for piece, one in zip(pieces, parts, strict=True)]


def _pairs(tensors: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Of each layer its weights and its biases, the latter as a column for each member."""
    return [
        (weights, biases[:, :, None])
        for weights, biases in zip(tensors[::2], tensors[1::2], strict=True)
    ]


class ModuleStack:
    """One network of any kind, with automatic gradients."""

    members = 1

    def __init__(self, core: nn.Module) -> None:
        self._core = core
        self.tensors: list[Tensor] = [one for one in core.parameters() if one.requires_grad]
        self.parameters = self.tensors

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """Shape (1, rows, ...) -> (1, rows, outputs)."""
        self._core.eval()
        found: Tensor = self._core(x[0])[None]
        return found

    def backward(self, x: Tensor, y: Tensor) -> Tensor:
        """Squared errors, summed, shape (1,); sets the gradients of their mean."""
        self._core.train()
        for tensor in self.tensors:
            tensor.grad = None
        loss = nn.functional.mse_loss(self._core(x[0]).float(), y[0])
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()[None] * y.numel()

    def unstack(self) -> None:
        """The network holds its own tensors; it is only to be used from now on."""
        self._core.eval()


def to_numpy(value: Any) -> Floats:
    """An array in double precision of a tensor, or of what is one already."""
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    return np.asarray(value, dtype=np.float64)
