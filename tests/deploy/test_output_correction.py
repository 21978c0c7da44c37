"""What int8 adds to the outputs on average is taken out of the last bias."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.deploy.compressors.int8 import Int8
from stages.deploy.compressors.output_correction import correct_output
from stages.runtime.backends.onnxruntime import OnnxRuntime

RNG = np.random.default_rng(0)
MATRIX = RNG.standard_normal((32, 4)).astype(np.float32)
INPUTS = [RNG.random((8, 32)).astype(np.float32) for _ in range(10)]


def dense(path: Path, bias: float = 0.0, shared: bool = False, outputs: int = 1) -> Path:
    """A dense layer whose biases are all `bias`; `shared`: another layer has the same one."""
    nodes = [helper.make_node("Gemm", ["image", "matrix", "bias"], ["out0"])]
    if shared:
        nodes = [
            helper.make_node("Gemm", ["image", "matrix", "bias"], ["inner"]),
            helper.make_node("Gemm", ["inner", "square", "bias"], ["out0"]),
        ]
    nodes += [helper.make_node("Identity", ["out0"], [f"out{k}"]) for k in range(1, outputs)]
    tensors = [
        numpy_helper.from_array(MATRIX, "matrix"),
        numpy_helper.from_array(MATRIX[:4], "square"),
        numpy_helper.from_array(np.full(4, bias, np.float32), "bias"),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 32])
    outs = [
        helper.make_tensor_value_info(f"out{k}", TensorProto.FLOAT, ["n", 4])
        for k in range(outputs)
    ]
    graph = helper.make_graph(nodes, "dense", [image], outs, tensors)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return path


def outputs_of(path: Path) -> np.ndarray:
    network = OnnxRuntime(path)
    return np.concatenate([next(iter(network.run({"image": rows}).values())) for rows in INPUTS])


def test_an_average_error_is_taken_out_of_the_bias(tmp_path):
    reference, wrong = dense(tmp_path / "a.onnx"), dense(tmp_path / "b.onnx", bias=0.7)

    assert correct_output(reference, wrong, INPUTS)

    np.testing.assert_allclose(outputs_of(wrong), outputs_of(reference), atol=1e-4)


def test_a_small_error_is_left(tmp_path):
    reference, near = dense(tmp_path / "a.onnx"), dense(tmp_path / "b.onnx", bias=0.01)
    before = near.read_bytes()

    assert not correct_output(reference, near, INPUTS)
    assert near.read_bytes() == before


@pytest.mark.parametrize("unfit", [{"shared": True}, {"outputs": 2}])
def test_a_network_without_a_last_bias_of_its_own_is_left(tmp_path, unfit):
    reference = dense(tmp_path / "a.onnx", **unfit)
    wrong = dense(tmp_path / "b.onnx", bias=0.7, **unfit)

    assert not correct_output(reference, wrong, INPUTS)


def test_int8_has_no_average_error_where_it_rounds_small_values_to_zero(tmp_path):
    graph = with_small_values(tmp_path / "graph.onnx")

    Int8().compress(graph, INPUTS, tmp_path / "int8.onnx")

    expected, found = outputs_of(graph), outputs_of(tmp_path / "int8.onnx")
    assert np.abs((found - expected).mean(axis=0)).max() < 0.1 * expected.std()


def with_small_values(path: Path) -> Path:
    """Two dense layers. Of the four values between them one is the first input, up to 1, and three
    are so small that 8 bits make them zero; but their weights are large."""
    first = np.zeros((32, 4), np.float32)
    first[0, 0] = 1
    small = np.array([0, 1, 1, 1], np.float32) * 0.4 / 255
    second = np.full((4, 4), 40, np.float32)
    second[0] = MATRIX[0]
    tensors = [
        numpy_helper.from_array(first, "first"),
        numpy_helper.from_array(small, "small"),
        numpy_helper.from_array(second, "second"),
        numpy_helper.from_array(np.zeros(4, np.float32), "bias"),
    ]
    nodes = [
        helper.make_node("Gemm", ["image", "first", "small"], ["inner"]),
        helper.make_node("Gemm", ["inner", "second", "bias"], ["out"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 32])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", 4])
    graph = helper.make_graph(nodes, "small", [image], [out], tensors)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return path
