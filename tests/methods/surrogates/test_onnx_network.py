"""Networks from ONNX files: what is read, and what is refused."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from evidesk.methods.surrogates import LastLayer, onnx_network
from evidesk.methods.surrogates.onnx_network import _installed

RNG = np.random.default_rng


def model(
    seed=0, last="Gemm", kind=np.float32, outputs=1, after=(), opset=17, trans=1, attributes=None
):
    """Two inputs, eight neurons, and a last layer."""
    rng = RNG(seed)
    first, second = rng.normal(size=(8, 2)), rng.normal(size=(outputs, 8))
    arrays = {"w1": first, "b1": rng.normal(size=8), "b2": rng.normal(size=outputs)}
    arrays["w2"] = second if trans else second.T
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"], transB=1),
        helper.make_node("Tanh", ["h"], ["phi"]),
    ]
    if last == "Gemm":
        nodes.append(
            helper.make_node("Gemm", ["phi", "w2", "b2"], ["y"], transB=trans, **(attributes or {}))
        )
    elif last == "MatMul":
        arrays["w2"] = second.T
        nodes += [
            helper.make_node("MatMul", ["phi", "w2"], ["z"]),
            helper.make_node("Add", ["z", "b2"], ["y"]),
        ]
    else:
        nodes.append(helper.make_node(last, ["phi"], ["y"]))
    name = "y"
    for number, operator in enumerate(after):
        nodes.append(helper.make_node(operator, [name], [f"y{number}"]))
        name = f"y{number}"
    tensor = TensorProto.FLOAT if kind == np.float32 else TensorProto.DOUBLE
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", tensor, ["n", 2])],
        [helper.make_tensor_value_info(name, tensor, ["n", None])],
        [numpy_helper.from_array(array.astype(kind), name) for name, array in arrays.items()],
    )
    found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    return found, arrays | {"w2": second}


def expected(arrays, x):
    phi = np.tanh(x @ arrays["w1"].T + arrays["b1"])
    return phi @ arrays["w2"].T + arrays["b2"]


@pytest.mark.parametrize(
    ("options", "digits"),
    [
        ({}, 5),
        ({"last": "MatMul"}, 5),
        ({"trans": 0}, 5),
        ({"kind": np.float64, "outputs": 3}, 12),
    ],
)
def test_it_predicts_as_the_file_says(options, digits):
    torch = pytest.importorskip("torch")
    found, arrays = model(**options)
    network = onnx_network(found.SerializeToString())
    x = RNG(1).normal(size=(20, 2))
    np.testing.assert_allclose(
        network(torch.from_numpy(x)).detach().numpy(), expected(arrays, x), atol=10.0**-digits
    )


def test_its_last_layer_tells_where_it_can_be_trusted():
    found, arrays = model()
    rng = RNG(2)
    x, new = rng.normal(size=(300, 2)), rng.normal(size=(200, 2))
    y, truth = (expected(arrays, one)[:, 0] + rng.normal(0, 0.1, len(one)) for one in (x, new))
    head = LastLayer(onnx_network(found.SerializeToString())).fit(x[:150], y[:150])
    head.calibrate(x[150:], y[150:])
    bounds = head.predict_interval(new, 0.9, refuse=False)
    assert 0.82 < ((truth >= bounds.low) & (truth <= bounds.high)).mean() < 0.97
    assert head.ood_score(new + 20).min() > head.threshold_
    with pytest.raises(ValueError, match="does not take rows"):
        LastLayer(onnx_network(found.SerializeToString())).fit(rng.normal(size=(9, 5)), y[:9])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"after": ["Relu"]}, "does not end in a linear layer"),
        ({"last": "Relu"}, "does not end in a linear layer"),
        ({"attributes": {"alpha": 2.0}}, "does not end in a linear layer"),
        ({"after": ["Nonsense"]}, "no ONNX model|cannot run"),
    ],
)
def test_networks_without_a_last_layer_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        onnx_network(model(**options)[0].SerializeToString())


def test_a_sum_of_two_layers_is_no_last_layer():
    found, _ = model()
    found.graph.node.append(helper.make_node("Add", ["y", "y"], ["twice"]))
    found.graph.output[0].name = "twice"
    with pytest.raises(ValueError, match="does not end in a linear layer"):
        onnx_network(found.SerializeToString())


def test_a_network_without_biases_has_none():
    torch = pytest.importorskip("torch")
    found, arrays = model()
    del found.graph.node[-1].input[2]
    network = onnx_network(found.SerializeToString())
    x = RNG(1).normal(size=(5, 2))
    np.testing.assert_allclose(
        network(torch.from_numpy(x)).detach().numpy(), expected(arrays | {"b2": 0}, x), atol=1e-5
    )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"import os", b"\x80\x04\x95pickle"])
def test_what_is_no_model_is_refused(content):
    with pytest.raises(ValueError, match="no ONNX model"):
        onnx_network(content)


def test_weights_in_other_files_are_refused():
    found, _ = model()
    weight = found.graph.initializer[0]
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../etc/passwd")
    with pytest.raises(ValueError, match="weights from other files"):
        onnx_network(found.SerializeToString())


def test_several_inputs_are_refused():
    found, _ = model()
    found.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))
    with pytest.raises(ValueError, match=r"it has 2 and 1"):
        onnx_network(found.SerializeToString())


def test_operators_that_nobody_knows_are_refused():
    found, _ = model()
    found.graph.node[1].domain = "own"
    found.graph.node[1].op_type = "Magic"
    found.opset_import.append(onnx.helper.make_opsetid("own", 1))
    with pytest.raises(ValueError, match="onnxruntime cannot run this network"):
        onnx_network(found.SerializeToString())


def test_what_is_missing_is_named():
    with pytest.raises(ImportError, match=r"pip install 'evidesk\[onnx\]'"):
        _installed("no_such_package")
