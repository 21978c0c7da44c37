"""Networks as files of TensorFlow Lite: each operator that is written answers as the reference."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.deploy.compressors import CannotCompress
from stages.deploy.exporters.numpy_network import packed
from stages.parts import ENGINES
from stages.runtime.backends.numpy_engine import NumpyEngine
from stages.runtime.errors import ConfigError
from tests.engines import marked

(LITERT,) = marked(["litert"])
pytestmark = list(LITERT.marks)
RNG = np.random.default_rng(0)
PICTURES = RNG.normal(size=(2, 4, 7, 6)).astype(np.float32)
KERNEL = RNG.normal(size=(6, 4, 3, 3)).astype(np.float32)
GROUPED = RNG.normal(size=(6, 2, 3, 3)).astype(np.float32)
DEPTHWISE = RNG.normal(size=(8, 1, 3, 2)).astype(np.float32)
LINEAR = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
CASES = {  # operator: its further inputs and its attributes
    "conv": ("Conv", [KERNEL, KERNEL[:, 0, 0, 0]], {"pads": [1, 1, 1, 1]}),
    "strides": ("Conv", [KERNEL], {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    "uneven pads": ("Conv", [KERNEL], {"pads": [0, 1, 2, 0], "strides": [1, 2]}),
    "dilations": ("Conv", [KERNEL], {"pads": [2, 2, 2, 2], "dilations": [2, 2]}),
    "groups": ("Conv", [GROUPED], {"group": 2}),
    "depthwise": ("Conv", [DEPTHWISE], {"group": 4, "pads": [1, 0, 1, 1]}),
    "maxima": ("MaxPool", [], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "maxima up": ("MaxPool", [], {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    "means": ("AveragePool", [], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "means of stride": (
        "AveragePool",
        [],
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    ),
    "padded means": (
        "AveragePool",
        [],
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
    ),
    "global mean": ("GlobalAveragePool", [], {}),
    "limits": ("Clip", [np.float32(-0.5), np.float32(0.7)], {}),
    "hard sigmoid": ("HardSigmoid", [], {"alpha": 0.3}),
    "hard swish": ("HardSwish", [], {}),
    "leaky": ("LeakyRelu", [], {"alpha": 0.2}),
    "sigmoid": ("Sigmoid", [], {}),
    "channels": ("Mul", [RNG.normal(size=(4, 1, 1)).astype(np.float32)], {}),
    "shares of channels": ("Softmax", [], {"axis": 1}),
    "flat": ("Flatten", [], {}),
    "turned": ("Transpose", [], {"perm": [0, 2, 3, 1]}),
    "mean of sides": ("ReduceMean", [], {"axes": [2, 3], "keepdims": 0}),
    "mean of channels": ("ReduceMean", [], {"axes": [1]}),
    "largest": ("ReduceMax", [], {"axes": [1, 3], "keepdims": 0}),
    "rows": ("Gather", [np.array([3, 0, -2])], {"axis": 1}),
    "part": (
        "Slice",
        [np.array([1, -5]), np.array([4, 7]), np.array([1, 2]), np.array([2, 1])],
        {},
    ),
    "padding": ("Pad", [np.array([0, 1, 0, 2, 0, 0, 1, 0]), np.float32(3)], {}),
    "twice as large": ("Resize", [np.array([]), np.array([1, 1, 2, 2], np.float32)], LINEAR),
    "nearest": (
        "Resize",
        [np.array([]), np.array([1, 1, 2, 2], np.float32)],
        {
            "mode": "nearest",
            "coordinate_transformation_mode": "asymmetric",
            "nearest_mode": "floor",
        },
    ),
}


def model(operator, inputs, attributes, first=True):
    """A convolution, so that channels are last, then the operator, then a rectifier."""
    weights = RNG.normal(size=(4, 4, 1, 1)).astype(np.float32)
    constants = {
        f"c{place}": value.astype(np.float32) if value.size == 0 else value
        for place, value in enumerate(map(np.asarray, inputs))
    }
    middle = "before" if first else "x"
    nodes = [helper.make_node("Conv", ["x", "weights"], ["before"])] if first else []
    nodes.append(helper.make_node(operator, [middle, *constants], ["z"], **attributes))
    tensors = {"weights": weights, **constants} if first else constants
    ends = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *PICTURES.shape[1:]]),
        helper.make_tensor_value_info("z", TensorProto.FLOAT, None),
    ]
    initializers = [numpy_helper.from_array(value, name) for name, value in tensors.items()]
    graph = helper.make_graph(nodes, "case", ends[:1], ends[1:], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def expected(network: onnx.ModelProto, folder) -> np.ndarray:
    (folder / "graph.onnx").write_bytes(network.SerializeToString())
    (folder / "model.npz").write_bytes(packed(folder / "graph.onnx"))
    rows = [NumpyEngine(folder / "model.npz").run({"x": row[None]})["z"] for row in PICTURES]
    return np.concatenate(rows)


def answers(network: dict[str, bytes], folder) -> np.ndarray:
    from stages.runtime.backends.litert import Litert

    return Litert(ENGINES["litert"].place(network, folder)).run({"x": PICTURES})["z"]


@pytest.mark.parametrize("first", [True, False], ids=["channels last", "as in ONNX"])
@pytest.mark.parametrize("case", CASES)
def test_an_operator_answers_as_the_reference(case, first, tmp_path):
    reference = expected(model(*CASES[case], first), tmp_path)

    found = answers(ENGINES["litert"].convert(tmp_path, PICTURES), tmp_path)

    np.testing.assert_allclose(found, reference, atol=2e-5)


def test_equal_networks_have_equal_bytes(tmp_path):
    expected(model(*CASES["conv"]), tmp_path)

    first, second = (ENGINES["litert"].convert(tmp_path, PICTURES) for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    ("numeric", "share", "away"), [("float16", 0.75, 1e-3), ("int8", 0.5, 2e-2)]
)
def test_weights_take_fewer_bytes_and_nearly_keep_the_answer(numeric, share, away, tmp_path):
    kernel = RNG.normal(size=(64, 4, 5, 5)).astype(np.float32)
    reference = expected(model("Conv", [kernel], {}, first=False), tmp_path)
    network = ENGINES["litert"].convert(tmp_path, PICTURES)

    smaller = ENGINES["litert"].compress(network, numeric, [])

    assert len(smaller["model.tflite"]) < share * len(network["model.tflite"])
    found = answers(smaller, tmp_path)
    np.testing.assert_allclose(found, reference, atol=away * np.abs(reference).max())
    assert not np.array_equal(found, reference)


def test_a_network_without_weights_is_not_compressed(tmp_path):
    expected(model("Sigmoid", [], {}, first=False), tmp_path)
    network = ENGINES["litert"].convert(tmp_path, PICTURES)

    with pytest.raises(CannotCompress, match="no weights"):
        ENGINES["litert"].compress(network, "int8", [])


def test_an_attribute_that_cannot_be_written_is_named(tmp_path):
    attributes = {"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"}
    inputs = [np.array([]), np.array([1, 2, 1, 1], np.float32)]
    network = model("Resize", inputs, attributes, first=False)
    (tmp_path / "graph.onnx").write_bytes(network.SerializeToString())

    with pytest.raises(ConfigError, match=r"litert lacks .*Resize of other axes"):
        ENGINES["litert"].convert(tmp_path, PICTURES)
