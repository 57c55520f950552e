"""A trained network from an ONNX file: a description of its layers, in which there is no code.

Files of PyTorch's own (pickles, TorchScript, exported programs) are or hold pickled objects, which
can do anything when they are read. Every framework writes ONNX.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evidesk.methods.surrogates.extra import needs_torch_extra

if TYPE_CHECKING:
    from torch import nn

Floats = npt.NDArray[np.float64]


class _OtherFilesError(Exception):
    """Weights lie elsewhere."""


def onnx_network(content: bytes) -> "nn.Module":
    """The network as a PyTorch module, whose last linear layer is a layer of PyTorch.

    It maps (rows, features) to (rows, outputs). The layers before the last one run in
    onnxruntime, on the processor.

    Parameters
    ----------
    content : the bytes of the ONNX file.

    Raises
    ------
    ValueError : they are no ONNX model, take their weights from other files, have several inputs or
        outputs, use operators that onnxruntime does not know, or do not end in a linear layer.
    ImportError : onnx, onnxruntime or PyTorch is missing.
    """
    onnx, runtime = _installed("onnx"), _installed("onnxruntime")
    with needs_torch_extra():
        from evidesk.methods.surrogates.onnx_module import OnnxModule
    try:
        model = onnx.load_model_from_string(content)
        graph = model.graph
        if any(one.external_data for one in graph.initializer):
            raise _OtherFilesError
        onnx.checker.check_model(model)
    except _OtherFilesError:
        raise ValueError(
            "The ONNX model takes weights from other files. Save it as one file, with all weights."
        ) from None
    except Exception as error:  # protobuf and onnx raise what they like
        raise ValueError(f"This is no ONNX model, or a damaged one: {_line(error)}") from error
    weights = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    inputs = [one.name for one in graph.input if one.name not in weights]
    outputs = [one.name for one in graph.output]
    if len(inputs) != 1 or len(outputs) != 1:
        raise ValueError(
            f"The network needs one input and one output; it has {len(inputs)} and {len(outputs)}."
        )
    features, weight, bias = _last_linear(graph, outputs[0], weights, onnx)
    del graph.output[:]
    graph.output.append(onnx.helper.make_empty_tensor_value_info(features))
    try:
        session = runtime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's errors have no common class
        raise ValueError(f"onnxruntime cannot run this network: {_line(error)}") from error
    return OnnxModule(session, inputs[0], weight, bias)


def _last_linear(
    graph: Any, output: str, weights: dict[str, npt.NDArray[Any]], onnx: Any
) -> tuple[str, Floats, Floats]:
    """What the last layer is given, and its weight (outputs, features) and bias (outputs,)."""
    made_by = {name: node for node in graph.node for name in node.output}
    node = made_by.get(output)
    bias: npt.NDArray[Any] | None = None
    if node is not None and node.op_type == "Add":
        known = [one for one in node.input if one in weights]
        rest = [one for one in node.input if one not in weights]
        if len(known) == len(rest) == 1:
            bias, node = weights[known[0]], made_by.get(rest[0])
    if node is not None and node.op_type in ("Gemm", "MatMul") and node.input[1] in weights:
        weight = np.asarray(weights[node.input[1]], dtype=np.float64)
        options = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        plain = options.get("alpha", 1) == options.get("beta", 1) == 1
        if weight.ndim == 2 and plain and not options.get("transA"):
            weight = np.array(
                weight if options.get("transB") else weight.T
            )  # the file's is not ours
            if len(node.input) > 2 and node.input[2] in weights:
                bias = weights[node.input[2]]
            own = np.zeros(len(weight)) if bias is None else np.asarray(bias, dtype=np.float64)
            return node.input[0], weight, np.broadcast_to(own.ravel(), len(weight)).copy()
    raise ValueError(
        "The network does not end in a linear layer, whose rigidity could be told. Save it without "
        "what comes after its last linear layer, or take conformal intervals."
    )


def _installed(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise ImportError(
            f"Reading an ONNX file needs {name}. Install it with: pip install 'evidesk[onnx]'"
        ) from None


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
