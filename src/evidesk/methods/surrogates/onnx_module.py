"""The PyTorch module of an ONNX network."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Floats = npt.NDArray[np.float64]


class OnnxModule(nn.Module):  # type: ignore[misc,unused-ignore]
    """All layers but the last in onnxruntime, and the last one here.

    Parameters
    ----------
    session : of onnxruntime; it gives what the last layer is given.
    given : name of its input.
    weight, bias : shapes (outputs, features) and (outputs,); of the last layer.
    """

    def __init__(self, session: Any, given: str, weight: Floats, bias: Floats) -> None:
        super().__init__()
        self._session, self._given = session, given
        self._kind = np.float64 if "double" in session.get_inputs()[0].type else np.float32
        self.last = nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
        with torch.no_grad():
            self.last.weight.copy_(torch.from_numpy(weight))
            self.last.bias.copy_(torch.from_numpy(bias))

    def forward(self, rows: Tensor) -> Tensor:
        """Predictions, shape (rows, outputs).

        Raises
        ------
        RuntimeError : the network does not take such rows.
        """
        try:
            [features] = self._session.run(None, {self._given: rows.numpy().astype(self._kind)})
        except Exception as error:  # onnxruntime's errors have no common class
            raise RuntimeError(str(error)) from error
        found: Tensor = self.last(torch.from_numpy(np.asarray(features, dtype=np.float64)))
        return found
