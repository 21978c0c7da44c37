"""What every compressor promises. A new one is tested here the day it is on the board."""

import numpy as np
import pytest
from onnx import TensorProto, helper, load, numpy_helper

from stages.deploy.compressors import CannotCompress
from stages.deploy.compressors.float16 import Float16
from stages.deploy.compressors.int8 import Int8
from stages.deploy.saturation.layers import layers_of
from stages.parts import COMPRESSORS
from stages.runtime.backends.onnxruntime import OnnxRuntime
from stages.runtime.processor import INSTRUCTION_SETS

UNUSED = {"ai.onnx.ml": 5, "com.microsoft": 1, "org.pytorch.aten": 1}
NAMES = [name for name in COMPRESSORS if name.startswith("onnx/")]
RNG = np.random.default_rng(0)
PICTURES = [RNG.standard_normal((4, 3, 16, 16)).astype(np.float32) for _ in range(4)]


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    """A convolution, a ReLU, a mean and a matrix: 40,000 weights."""

    def weight(name, *shape):
        return numpy_helper.from_array((RNG.standard_normal(shape) / 8).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["image", "kernel", "shift"], ["mapped"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["mapped"], ["kept"]),
        helper.make_node("GlobalAveragePool", ["kept"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "matrix", "bias"], ["logits"]),
    ]
    weights = [weight("kernel", 256, 3, 3, 3), weight("shift", 256), weight("matrix", 256, 128)]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 128])
    body = helper.make_graph(nodes, "g", [image], [logits], [*weights, weight("bias", 128)])
    path = tmp_path_factory.mktemp("graph") / "graph.onnx"
    # ONNX Runtime's tools declare sets of operators that nothing uses, which older ones refuse
    sets = [helper.make_opsetid(*opset) for opset in {"": 17, **UNUSED}.items()]
    model = helper.make_model(body, opset_imports=sets, ir_version=10)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="module", params=NAMES)
def compressed(request, graph, tmp_path_factory):
    out = tmp_path_factory.mktemp("compressed") / "out.onnx"
    COMPRESSORS[request.param]().compress(graph, PICTURES, out)
    return out


def test_it_is_not_larger(compressed, graph):
    assert compressed.stat().st_size <= graph.stat().st_size


def test_it_takes_and_gives_float32_under_the_same_names(compressed):
    body = load(str(compressed)).graph

    for tensor, name in ((body.input[0], "image"), (body.output[0], "logits")):
        assert tensor.name == name
        assert tensor.type.tensor_type.elem_type == TensorProto.FLOAT


def test_it_declares_no_operators_that_it_does_not_use_and_no_newer_format(compressed):
    file = load(str(compressed))

    assert [(opset.domain, opset.version) for opset in file.opset_import] == [("", 17)]
    assert file.ir_version == 8


@pytest.mark.parametrize("n", [1, 5])
def test_it_answers_nearly_the_same_for_any_batch(compressed, graph, n):
    pictures = np.concatenate(PICTURES)[:n]
    expected = OnnxRuntime(graph).run({"image": pictures})["logits"]

    logits = OnnxRuntime(compressed).run({"image": pictures})["logits"]

    assert logits.shape == expected.shape
    assert np.corrcoef(logits.ravel(), expected.ravel())[0, 1] > 0.99


@pytest.fixture(scope="module", params=NAMES)
def with_shared_weights(request, tmp_path_factory):
    """A network whose layers share weights, compressed, and its number format."""
    folder = tmp_path_factory.mktemp("shared")
    shared, out = folder / "shared.onnx", folder / "out.onnx"
    shared.write_bytes(network_of_shared_weights())
    COMPRESSORS[request.param]().compress(shared, PICTURES, out)
    return shared, out, COMPRESSORS[request.param].numeric


@pytest.mark.parametrize("on", INSTRUCTION_SETS)
def test_layers_may_share_weights_on_every_processor(with_shared_weights, on):
    shared, out, numeric = with_shared_weights

    outputs = OnnxRuntime(out, numeric=numeric, on=on).run({"image": PICTURES[0]})

    expected = OnnxRuntime(shared).run({"image": PICTURES[0]})
    for output in expected:
        assert np.corrcoef(outputs[output].ravel(), expected[output].ravel())[0, 1] > 0.99


def network_of_shared_weights() -> bytes:
    """The same convolution on a picture and on its half, as a detector's head on two scales."""
    kernel = (RNG.standard_normal((16, 3, 3, 3)) / 8).astype(np.float32)
    weights = [
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(np.zeros(16, np.float32), "shift"),
    ]
    nodes = [
        helper.make_node("AveragePool", ["image"], ["half"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["image", "kernel", "shift"], ["large"]),
        helper.make_node("Conv", ["half", "kernel", "shift"], ["small"]),
    ]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 16, side, side])
        for name, side in (("large", 14), ("small", 6))
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 16, 16])
    body = helper.make_graph(nodes, "g", [image], outputs, weights)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(body, opset_imports=opset, ir_version=8).SerializeToString()


def test_equal_input_makes_equal_bytes(compressed, request, graph, tmp_path):
    again = tmp_path / "again.onnx"

    COMPRESSORS[request.node.callspec.params["compressed"]]().compress(graph, PICTURES, again)

    assert again.read_bytes() == compressed.read_bytes()


@pytest.mark.parametrize("name", list(COMPRESSORS))
def test_it_says_what_it_is(name):
    part = COMPRESSORS[name]

    assert f"{part.format}/{part.numeric}" == name
    assert 0 < part.tolerance < 0.5
    assert 0 < part.least_agreement <= 1
    assert isinstance(part.needs_samples, bool)


def test_float16_halves_weights_that_fit_and_are_worth_it(tmp_path):
    """16 numbers are worth a cast, 15 are not; 65504 is the largest that fits."""
    graph, out = tmp_path / "graph.onnx", tmp_path / "out.onnx"
    weights = {
        "few": np.ones(15, np.float32),
        "enough": np.full(16, -1 / 3, np.float32),
        "largest": np.full(16, -65504, np.float32),
        "larger": np.append(np.ones(16), 65505).astype(np.float32),
        "undefined": np.append(np.ones(16), np.nan).astype(np.float32),
        "whole": np.arange(16),
    }
    graph.write_bytes(sums_of(weights))

    Float16().compress(graph, [], out)

    file = load(str(out)).graph
    tensors = {each.name: numpy_helper.to_array(each) for each in file.initializer}
    halved = {name for name in weights if f"{name}.float16" in tensors}
    assert halved == {"enough", "largest"}
    assert tensors["enough.float16"].dtype == np.float16
    assert tensors["enough.float16"].tolist() == np.full(16, -1 / 3, np.float16).tolist()
    assert set(weights) - halved <= set(tensors)
    casts = [node for node in file.node if node.op_type == "Cast" and node.name.endswith(".cast")]
    assert sorted(node.output[0] for node in casts) == ["enough", "largest"]
    found = OnnxRuntime(out).run({"x": np.ones(1, np.float32)})
    np.testing.assert_allclose(found["enough.sum"], -16 / 3, rtol=1e-3)


def test_float16_says_if_no_weight_fits(tmp_path):
    (tmp_path / "graph.onnx").write_bytes(sums_of({"larger": np.full(16, 70000, np.float32)}))

    with pytest.raises(CannotCompress, match="no weights that fit into float16"):
        Float16().compress(tmp_path / "graph.onnx", [], tmp_path / "out.onnx")


def test_int8_says_if_there_is_nothing_to_calibrate_with_or_no_way(graph, tmp_path):
    (tmp_path / "rubbish.onnx").write_bytes(b"rubbish")

    with pytest.raises(CannotCompress, match="no training samples to calibrate"):
        Int8().compress(graph, [], tmp_path / "out.onnx")
    with pytest.raises(CannotCompress, match="cannot quantise this network: "):
        Int8().compress(tmp_path / "rubbish.onnx", PICTURES, tmp_path / "out.onnx")


def test_remarks_of_the_quantiser_reach_no_log(graph, tmp_path, caplog):
    Int8().compress(graph, PICTURES, tmp_path / "out.onnx")

    assert caplog.records == []


def test_int8_has_unsigned_activations_and_signed_weights_by_channel(graph, tmp_path):
    Int8().compress(graph, PICTURES, tmp_path / "out.onnx")

    first, last = layers_of(tmp_path / "out.onnx")
    assert (first.weights.shape, last.weights.shape) == ((256, 3, 3, 3), (128, 256))
    every_channel = np.abs(first.weights.reshape(256, -1).astype(int)).max(axis=1)
    assert (every_channel >= 127).all()  # each has a scale of its own


def quantised(path) -> set[str]:
    """The tensors that are rounded to 8 bits."""
    nodes = load(str(path)).graph.node
    return {node.input[0] for node in nodes if node.op_type == "QuantizeLinear"}


def test_int8_leaves_statistics_of_inner_maps_and_what_follows_them_in_float(tmp_path):
    graph, out = tmp_path / "graph.onnx", tmp_path / "out.onnx"
    graph.write_bytes(network_with_statistics("Sqrt"))

    Int8().compress(graph, PICTURES, out)

    assert {"image", "inner"} <= quantised(out) <= {"image", "mapped", "inner", "remapped", "last"}
    assert len(layers_of(out)) == 2, "both convolutions, and not the matrix"
    expected, found = (OnnxRuntime(path).run({"image": PICTURES[0]}) for path in (graph, out))
    assert np.corrcoef(found["logits"].ravel(), expected["logits"].ravel())[0, 1] > 0.99


def test_int8_quantises_the_head_of_a_network_without_statistics(tmp_path):
    graph, out = tmp_path / "graph.onnx", tmp_path / "out.onnx"
    graph.write_bytes(network_with_statistics("Relu"))

    Int8().compress(graph, PICTURES, out)

    assert {"image", "inner", "features", "deviation", "all"} <= quantised(out)
    assert len(layers_of(out)) == 3


def network_with_statistics(root: str) -> bytes:
    """Two convolutions; a matrix on the mean of the second map, and on the mean, the `root` of the
    variance and the maximum of the first one, as of an inner map."""
    shapes = {"first": (16, 3, 3, 3), "second": (16, 16, 3, 3), "matrix": (64, 4)}
    weights = [
        numpy_helper.from_array((RNG.standard_normal(shape) / 4).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    weights.append(numpy_helper.from_array(np.zeros(4, np.float32), "bias"))

    def node(operator, inputs, output, **attributes):
        return helper.make_node(operator, inputs, [output], name=output, **attributes)

    nodes = [
        node("Conv", ["image", "first"], "mapped", pads=[1, 1, 1, 1]),
        node("Relu", ["mapped"], "inner"),
        node("Conv", ["inner", "second"], "remapped", pads=[1, 1, 1, 1]),
        node("Relu", ["remapped"], "last"),
        node("ReduceMean", ["last"], "features", axes=[2, 3], keepdims=0),
        node("ReduceMean", ["inner"], "centre", axes=[2, 3], keepdims=1),
        node("Sub", ["inner", "centre"], "centred"),
        node("Mul", ["centred", "centred"], "squares"),
        node("ReduceMean", ["squares"], "variance", axes=[2, 3], keepdims=0),
        node(root, ["variance"], "deviation"),
        node("Flatten", ["centre"], "mean"),
        node("ReduceMax", ["inner"], "maximum", axes=[2, 3], keepdims=0),
        node("Concat", ["features", "mean", "deviation", "maximum"], "all", axis=1),
        node("Gemm", ["all", "matrix", "bias"], "logits"),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 4])
    body = helper.make_graph(nodes, "statistics", [image], [logits], weights)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(body, opset_imports=opset, ir_version=8).SerializeToString()


def sums_of(weights) -> bytes:
    """A network that adds each of `weights` up, cast to floats, and its input."""
    nodes, outputs = [], []
    for name in weights:
        nodes.append(helper.make_node("Cast", [name], [f"{name}.f"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("ReduceSum", [f"{name}.f"], [f"{name}.s"], keepdims=0))
        nodes.append(helper.make_node("Add", [f"{name}.s", "zero"], [f"{name}.sum"]))
        outputs.append(helper.make_tensor_value_info(f"{name}.sum", TensorProto.FLOAT, [1]))
    nodes.insert(0, helper.make_node("Sub", ["x", "x"], ["zero"]))
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    body = helper.make_graph(nodes, "sums", [image], outputs, tensors)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(body, opset_imports=opset, ir_version=8).SerializeToString()
