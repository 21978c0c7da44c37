"""The layers of the numpy engine, each beside ONNX Runtime."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.deploy.exporters.numpy_network import packed
from stages.runtime.backends.numpy_engine import NumpyEngine
from stages.runtime.backends.onnxruntime import OnnxRuntime
from stages.runtime.errors import ConfigError, InfrastructureError

RNG = np.random.default_rng(0)
PICTURE = RNG.standard_normal((2, 4, 9, 11)).astype(np.float32)
POSITIVE = np.abs(PICTURE) + np.float32(0.1)


def weights(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def whole(*numbers):
    return np.array(numbers, np.int64)


def conv(weight, *bias, **attributes):
    return ("Conv", [weight, *bias], attributes)


def resize(mode, place, *scales, **attributes):
    inputs = [None, np.array([1, 1, *scales], np.float32)]
    return ("Resize", inputs, {"mode": mode, "coordinate_transformation_mode": place, **attributes})


ZERO = np.array(131, np.uint8)
SCALES, ZEROS = np.array([0.1, 0.2, 0.03, 0.4], np.float32), np.zeros(4, np.int8)
LAYERS = {
    "conv": conv(weights(6, 4, 3, 3)),
    "conv with bias": conv(weights(6, 4, 1, 1), weights(6)),
    "conv with strides": conv(weights(6, 4, 3, 2), strides=[2, 3], pads=[1, 0, 2, 1]),
    "conv with dilations": conv(weights(6, 4, 3, 2), dilations=[2, 3], pads=[2, 2, 2, 2]),
    "conv in groups": conv(weights(6, 2, 3, 3), group=2, pads=[1, 1, 1, 1]),
    "conv by channel": conv(weights(4, 1, 3, 3), weights(4), group=4, strides=[2, 2]),
    "conv by channel, wider": conv(weights(8, 1, 3, 3), group=4),
    "max": ("MaxPool", [], {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 1]}),
    "max, up": ("MaxPool", [], {"kernel_shape": [2, 3], "strides": [2, 2], "ceil_mode": 1}),
    "mean": ("AveragePool", [], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "mean, strides": ("AveragePool", [], {"kernel_shape": [2, 2], "strides": [2, 2]}),
    "mean with padding": (
        "AveragePool",
        [],
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
    ),
    "global mean": ("GlobalAveragePool", [], {}),
    "normalization": (
        "BatchNormalization",
        [weights(4), weights(4), weights(4), np.abs(weights(4))],
        {"epsilon": 1e-3},
    ),
    "clip": ("Clip", [np.float32(-0.5), np.float32(0.7)], {}),
    "clip below": ("Clip", [np.float32(-0.5)], {}),
    "hard sigmoid": ("HardSigmoid", [], {"alpha": 0.3, "beta": 0.4}),
    "hard swish": ("HardSwish", [], {}),
    "leaky": ("LeakyRelu", [], {"alpha": 0.2}),
    "sigmoid": ("Sigmoid", [], {}),
    "softmax": ("Softmax", [], {"axis": 1}),
    "mean of axes": ("ReduceMean", [], {"axes": [2, 3], "keepdims": 0}),
    "sum of axes": ("ReduceSum", [whole(-1)], {"keepdims": 1}),
    "max of axes": ("ReduceMax", [], {"axes": [3], "keepdims": 1}),
    "power": ("Pow", [np.float32(2)], {}),
    "quotient": ("Div", [np.float32(3)], {}),
    "flat": ("Flatten", [], {"axis": 2}),
    "another shape": ("Reshape", [whole(0, 2, -1, 11)], {}),
    "axes in another order": ("Transpose", [], {"perm": [0, 2, 3, 1]}),
    "axes reversed": ("Transpose", [], {}),
    "a new axis": ("Unsqueeze", [whole(1, 3)], {}),
    "joined": ("Concat", [weights(2, 3, 9, 11)], {"axis": 1}),
    "a part": ("Slice", [whole(1, 2), whole(4, 100), whole(1, 3), whole(1, 3)], {}),
    "backwards": ("Slice", [whole(-1), whole(-1000), whole(2), whole(-2)], {}),
    "rows": ("Gather", [whole(3, 0, 0)], {"axis": 1}),
    "padding": ("Pad", [whole(0, 0, 1, 2, 0, 0, 3, 0), np.float32(5)], {}),
    "reflected": ("Pad", [whole(0, 0, 1, 2, 0, 0, 3, 0)], {"mode": "reflect"}),
    "nearest": resize("nearest", "asymmetric", 2, 2, nearest_mode="floor"),
    "nearest, half pixels": resize("nearest", "half_pixel", 2, 1.5),
    "linear": resize("linear", "half_pixel", 2, 3),
    "linear, aligned": resize("linear", "align_corners", 2, 3),
    "quantized": ("QuantizeLinear", [np.float32(0.02), ZERO], {}),
    "quantized by channel": ("QuantizeLinear", [SCALES, ZEROS], {"axis": 1}),
}


def network(path, operator, constants, attributes, outputs=1):
    """An ONNX file of one node, that reads the picture and then `constants`."""
    names = [("" if value is None else f"c{k}") for k, value in enumerate(constants)]
    node = helper.make_node(
        operator, ["x", *names], [f"y{k}" for k in range(outputs)], **attributes
    )
    tensors = [
        numpy_helper.from_array(np.asarray(value), name)
        for name, value in zip(names, constants, strict=True)
        if name
    ]
    kind = TensorProto.FLOAT
    if operator == "QuantizeLinear":
        kind = TensorProto.UINT8 if constants[1] is ZERO else TensorProto.INT8
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None] * 4)]
    found = [helper.make_tensor_value_info(f"y{k}", kind, None) for k in range(outputs)]
    graph = helper.make_graph([node], "g", ends, found, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def both(path, picture=PICTURE):
    """The outputs of ONNX Runtime and of the numpy engine, in order."""
    beside = path.with_suffix(".npz")
    beside.write_bytes(packed(path))
    engines = OnnxRuntime(path), NumpyEngine(beside)
    return [list(engine.run({"x": picture}).values()) for engine in engines]


@pytest.mark.parametrize("name", list(LAYERS))
def test_a_layer_computes_what_onnx_says(name, tmp_path):
    operator, constants, attributes = LAYERS[name]

    (expected,), (found,) = both(network(tmp_path / "n.onnx", operator, constants, attributes))

    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_one_of_several_outputs(tmp_path):
    path = network(tmp_path / "n.onnx", "Split", [whole(1, 3)], {"axis": 1}, outputs=2)

    expected, found = both(path)

    for part, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(part, wanted)


def test_a_number_that_was_quantized_is_restored(tmp_path):
    path = network(tmp_path / "n.onnx", "QuantizeLinear", [SCALES, ZEROS], {"axis": 1})
    quantized = NumpyEngine(_npz(path)).run({"x": PICTURE})["y0"]
    restored = tmp_path / "r.onnx"
    node = helper.make_node("DequantizeLinear", ["x", "s", "z"], ["y"], axis=1)
    ends = [helper.make_tensor_value_info("x", TensorProto.INT8, [None] * 4)]
    out = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    tensors = [numpy_helper.from_array(SCALES, "s"), numpy_helper.from_array(ZEROS, "z")]
    model = helper.make_model(
        helper.make_graph([node], "g", ends, out, tensors),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    restored.write_bytes(model.SerializeToString())

    (expected,), (found,) = both(restored, quantized)

    np.testing.assert_array_equal(found, expected)
    inside = np.abs(PICTURE) < 126 * SCALES.reshape(-1, 1, 1)
    assert np.all((np.abs(found - PICTURE) <= SCALES.reshape(-1, 1, 1) / 2 + 1e-6)[inside])


@pytest.mark.parametrize(
    ("operator", "attributes", "lacking"),
    [("Hardmax", {}, "Hardmax"), ("Concat", {"axis": 1, "frobs": 3}, "Concat with frobs")],
)
def test_what_is_lacking_is_told_by_name_when_it_is_packed(operator, attributes, lacking, tmp_path):
    path = network(tmp_path / "n.onnx", operator, [], attributes)

    with pytest.raises(ConfigError, match=f"lacks operators of this network: {lacking}"):
        packed(path)


def test_an_input_of_another_shape_is_told_with_the_layer(tmp_path):
    path = network(tmp_path / "n.onnx", "Conv", [weights(6, 4, 3, 3)], {})

    with pytest.raises(InfrastructureError, match=r"cannot run on .*\(1, 3, 9, 9\).*Conv 'y0'"):
        NumpyEngine(_npz(path)).run({"x": np.zeros((1, 3, 9, 9), np.float32)})


def _npz(path):
    path.with_suffix(".npz").write_bytes(packed(path))
    return path.with_suffix(".npz")
