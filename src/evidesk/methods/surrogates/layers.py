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
    """A function of one number: as a module, as a function, and its gradient.

    ``backward`` takes the gradient with respect to the result, the argument and the result.
    """

    module: Callable[[], nn.Module]
    forward: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor, Tensor], Tensor]


ACTIVATIONS = {
    "silu": Activation(
        nn.SiLU, nn.functional.silu, lambda g, z, _h: torch.ops.aten.silu_backward(g, z)
    ),
    "relu": Activation(nn.ReLU, torch.relu, lambda g, _z, h: g * (h > 0)),
    "tanh": Activation(nn.Tanh, torch.tanh, lambda g, _z, h: g * (1 - h * h)),
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
    """Networks that train side by side; tensors have a first axis of members."""

    members: int
    tensors: list[Tensor]

    def predict(self, x: Tensor) -> Tensor:
        """Shape (members, rows, features) -> (members, rows, outputs)."""
        ...

    def backward(self, x: Tensor, y: Tensor) -> Tensor:
        """Squared loss of each member, shape (members,); sets the gradients of its sum."""
        ...


class PerceptronStack:
    """Perceptrons of the same sizes, multiplied as batches of matrices.

    For small networks a step costs mostly what its calls cost, and these are the same for one
    network and for ten. The gradients are written out, for automatic ones would add half as much.
    """

    def __init__(self, cores: Sequence[nn.Sequential], activation: str) -> None:
        self.members = len(cores)
        self._cores = cores
        self._activation = ACTIVATIONS[activation]
        linear = [[one for one in core if isinstance(one, nn.Linear)] for core in cores]
        self.tensors: list[Tensor] = []
        with torch.no_grad():
            for layers in zip(*linear, strict=True):
                weights = torch.stack([one.weight.T for one in layers]).contiguous()
                biases = torch.stack([one.bias for one in layers])[:, None].contiguous()
                self.tensors += [weights, biases]
        for tensor in self.tensors:
            tensor.requires_grad_(True)

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """Shape (members, rows, features) -> (members, rows, outputs)."""
        return self._forward(x)[-1]

    def _forward(self, x: Tensor) -> list[Tensor]:
        """The input of each layer, what comes out of it, the next one's input, and so on."""
        found = [x]
        layers = len(self.tensors) // 2
        for layer in range(layers):
            weights, biases = self.tensors[2 * layer : 2 * layer + 2]
            found.append(torch.baddbmm(biases, found[-1], weights))
            if layer < layers - 1:
                found.append(self._activation.forward(found[-1]))
        return found

    @torch.no_grad()
    def backward(self, x: Tensor, y: Tensor) -> Tensor:
        """Squared loss of each member, shape (members,); sets the gradients of its sum."""
        found = self._forward(x)
        error = found.pop() - y
        gradient = error * (2 / (y.shape[1] * y.shape[2]))
        for layer in reversed(range(len(self.tensors) // 2)):
            weights, biases = self.tensors[2 * layer : 2 * layer + 2]
            entered = found.pop()
            weights.grad = torch.bmm(entered.transpose(1, 2), gradient).to(weights.dtype)
            biases.grad = gradient.sum(1, keepdim=True).to(biases.dtype)
            if layer:
                gradient = torch.bmm(gradient, weights.transpose(1, 2).to(gradient.dtype))
                gradient = self._activation.backward(gradient, found.pop(), entered)
        return (error * error).mean((1, 2))

    @torch.no_grad()
    def unstack(self) -> None:
        """Write the tensors back into the networks that they came from."""
        for member, core in enumerate(self._cores):
            linear = [one for one in core if isinstance(one, nn.Linear)]
            for layer, module in enumerate(linear):
                module.weight.copy_(self.tensors[2 * layer][member].T)
                module.bias.copy_(self.tensors[2 * layer + 1][member, 0])


class ModuleStack:
    """One network of any kind, with automatic gradients."""

    members = 1

    def __init__(self, core: nn.Module) -> None:
        self._core = core
        self.tensors: list[Tensor] = [one for one in core.parameters() if one.requires_grad]

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """Shape (1, rows, ...) -> (1, rows, outputs)."""
        self._core.eval()
        found: Tensor = self._core(x[0])[None]
        return found

    def backward(self, x: Tensor, y: Tensor) -> Tensor:
        """Squared loss, shape (1,); sets its gradients."""
        self._core.train()
        for tensor in self.tensors:
            tensor.grad = None
        loss = nn.functional.mse_loss(self._core(x[0]).float(), y[0])
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()[None]

    def unstack(self) -> None:
        """The network holds its own tensors; it is only to be used from now on."""
        self._core.eval()


def to_numpy(value: Any) -> Floats:
    """An array in double precision of a tensor, or of what is one already."""
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    return np.asarray(value, dtype=np.float64)
