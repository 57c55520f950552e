"""Networks in files: their tensors by name, and what is needed to build them anew."""

import hashlib
from typing import Any

import numpy.typing as npt
import torch
from torch import nn

from evidesk.methods.surrogates.layers import Scaled, to_numpy
from evidesk.methods.surrogates.members import build_core
from evidesk.methods.surrogates.network import Network

Arrays = dict[str, npt.NDArray[Any]]

_SCALES = ("x_mean", "x_scale", "y_mean", "y_scale")


def arrays_of(module: nn.Module) -> Arrays:
    """The module's tensors by name."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in module.state_dict().items()}


def rebuilt(network: Network, arrays: Arrays) -> nn.Module:
    """The trained network of a `Network` with these settings, from its tensors.

    Raises
    ------
    ValueError : the network that is built has other tensors.
    """
    scales = [to_numpy(arrays[name]) for name in _SCALES]
    core = build_core(network, scales[0].shape, len(scales[2]), 0)
    module = Scaled(core, *scales)
    try:
        module.load_state_dict({name: torch.from_numpy(one) for name, one in arrays.items()})
    except RuntimeError as error:
        raise ValueError(
            f"The stored network does not fit the one that is built: {str(error).splitlines()[-1]}"
        ) from error
    return module.eval()


def digest_of(module: nn.Module) -> str:
    """The same for the same module with the same tensors."""
    found = hashlib.sha256()
    for name, array in sorted(arrays_of(module).items()):
        found.update(f"{name}{array.dtype}{array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()
