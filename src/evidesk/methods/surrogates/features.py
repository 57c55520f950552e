"""What the layers before the last one make of the inputs of a PyTorch network."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from evidesk.methods.surrogates.layers import Scaled, to_numpy

Floats = npt.NDArray[np.float64]


class Tap:
    """Reads features off a network while it predicts.

    Raises
    ------
    TypeError : the network is no ``torch.nn.Module``.
    ValueError : it has no layer of that name, or no linear layer if no name is given.
    """

    def __init__(self, module: nn.Module, layer: str | None) -> None:
        if not isinstance(module, nn.Module):
            raise TypeError(
                f"A torch.nn.Module or a Network is needed, and {type(module).__name__} was given."
            )
        self._module, self._layer = module, layer
        named = dict(module.named_modules())
        if layer is not None and layer not in named:
            some = ", ".join(repr(name) for name in list(named)[1:9])
            raise ValueError(f"The module has no layer {layer!r}; its layers are {some}.")
        self._watched = (
            [one for one in named.values() if isinstance(one, nn.Linear)]
            if layer is None
            else [named[layer]]
        )
        if not self._watched:
            raise ValueError(
                "The module has no linear layer. Give the name of the layer whose output are the "
                "features."
            )
        first = next((one for one in module.parameters() if one.is_floating_point()), None)
        self._device = torch.device("cpu") if first is None else first.device
        single = first is None or isinstance(module, Scaled)
        self._dtype = torch.float64 if single else first.dtype  # type: ignore[union-attr]

    @torch.no_grad()
    def __call__(self, X: Floats) -> tuple[Floats, Floats]:
        """Features with a constant one, shape (rows, F), and predictions, shape (rows, outputs).

        Raises
        ------
        ValueError : the module does not take such rows, or does not give one output for each.
        """
        caught: list[Tensor] = []

        def before(_module: nn.Module, given: tuple[Any, ...]) -> None:
            caught.append(given[0])

        def after(_module: nn.Module, _given: tuple[Any, ...], result: Tensor) -> None:
            caught.append(result)

        hooks = [
            one.register_forward_pre_hook(before)
            if self._layer is None
            else one.register_forward_hook(after)
            for one in self._watched
        ]
        was_training = self._module.training
        self._module.eval()
        rows = torch.from_numpy(np.require(X, requirements=["C", "W"])).to(
            self._device, self._dtype
        )
        try:
            found = self._module(rows)
        except (RuntimeError, IndexError, TypeError) as error:
            raise ValueError(
                f"The module does not take rows of shape {X.shape[1:]}: "
                f"{str(error).splitlines()[0]}"
            ) from error
        finally:
            self._module.train(was_training)
            for hook in hooks:
                hook.remove()
        outputs = to_numpy(found)
        if outputs.ndim == 1:
            outputs = outputs[:, None]
        if outputs.ndim != 2 or len(outputs) != len(X):
            raise ValueError(
                f"The module must give a number or a vector for each row; of {len(X)} rows it made "
                f"shape {tuple(np.shape(outputs))}."
            )
        # The last one called is the last one in the network, whatever the order of their names.
        last = caught[-1] if caught else None
        if last is None or len(last) != len(X):
            raise ValueError("The layer was not used, or does not have one result for each row.")
        features = to_numpy(last.reshape(len(X), -1))
        return np.hstack([features, np.ones((len(X), 1))]), outputs
