"""Rounded weights make an error on average; it is known, and is taken out."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.deploy.compressors.bias_correction import average_error, correct_biases
from stages.runtime.backends.onnxruntime import OnnxRuntime

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_the_average_error_is_that_of_the_layer_with_rounded_weights(groups):
    kernel = RNG.standard_normal((12, 6 // groups, 1, 1)).astype(np.float32)
    means = RNG.standard_normal(6).astype(np.float32)

    found = average_error(kernel, groups, means)

    scale = np.abs(kernel).max(axis=(1, 2, 3), keepdims=True) / 127
    error = (np.rint(kernel / scale) * scale - kernel)[:, :, 0, 0]
    each, inputs = 12 // groups, 6 // groups
    for out in range(12):
        first = out // each * inputs
        assert found[out] == pytest.approx(error[out] @ means[first : first + inputs], abs=1e-5)


def test_a_channel_of_zeros_has_no_error():
    assert average_error(np.zeros((1, 2, 3, 3), np.float32), 1, np.ones(2)).tolist() == [0]


@pytest.mark.parametrize("turned", [0, 1])
def test_a_corrected_network_answers_as_before_once_its_weights_are_rounded(tmp_path, turned):
    matrix = (RNG.standard_normal((64, 8)) ** 3).astype(np.float32)
    inputs = [RNG.random((5, 64)).astype(np.float32) for _ in range(10)]
    path = dense(matrix.T if turned else matrix, turned, tmp_path / "graph.onnx")

    correct_biases(path, inputs, tmp_path / "corrected.onnx")

    every = np.concatenate(inputs)
    scale = np.abs(matrix).max(axis=0) / 127
    rounded = np.rint(matrix / scale) * scale
    moved = bias_of(tmp_path / "corrected.onnx")
    before, after = every @ (rounded - matrix), every @ (rounded - matrix) + moved
    assert np.abs(after.mean(axis=0)).max() < 1e-5 < np.abs(before.mean(axis=0)).max()
    assert OnnxRuntime(tmp_path / "corrected.onnx").inputs == ("image",)


def test_a_layer_used_twice_is_corrected_for_what_it_sees_each_time(tmp_path):
    matrix = (RNG.standard_normal((64, 8)) ** 3).astype(np.float32)
    inputs = [RNG.random((5, 64)).astype(np.float32) for _ in range(10)]
    path = twice(matrix, tmp_path / "graph.onnx")

    correct_biases(path, inputs, tmp_path / "corrected.onnx")

    graph = onnx.load(str(tmp_path / "corrected.onnx")).graph
    biases = [node.input[2] for node in graph.node if node.op_type == "Gemm"]
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    assert len(set(biases)) == 2
    np.testing.assert_allclose(tensors[biases[1]], 3 * tensors[biases[0]], rtol=1e-4)
    assert np.abs(tensors[biases[0]]).max() > 0


def twice(matrix, path):
    """A dense layer of the input, and the same layer of three times the input."""
    nodes = [
        helper.make_node("Gemm", ["image", "matrix", "bias"], ["once"]),
        helper.make_node("Mul", ["image", "three"], ["larger"]),
        helper.make_node("Gemm", ["larger", "matrix", "bias"], ["again"]),
    ]
    initializers = [
        numpy_helper.from_array(matrix, "matrix"),
        numpy_helper.from_array(np.zeros(8, np.float32), "bias"),
        numpy_helper.from_array(np.array([3], np.float32), "three"),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 64])
    outs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 8])
        for name in ("once", "again")
    ]
    graph = helper.make_graph(nodes, "twice", [image], outs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def dense(matrix, turned, path):
    node = helper.make_node("Gemm", ["image", "matrix", "bias"], ["logits"], transB=turned)
    initializers = [
        numpy_helper.from_array(np.ascontiguousarray(matrix), "matrix"),
        numpy_helper.from_array(np.zeros(8, np.float32), "bias"),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 64])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 8])
    graph = helper.make_graph([node], "dense", [image], [logits], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def bias_of(path):
    initializers = onnx.load(str(path)).graph.initializer
    return numpy_helper.to_array(next(tensor for tensor in initializers if tensor.name == "bias"))


@pytest.mark.parametrize("groups", [1, 2])
def test_a_convolution_is_corrected_for_the_means_of_its_channels(tmp_path, groups):
    kernel = (RNG.standard_normal((4, 6 // groups, 1, 1)) ** 3).astype(np.float32)
    inputs = [RNG.random((n, 6, 3, 5)).astype(np.float32) for n in (1, 4)]
    path = convolution(kernel, groups, tmp_path / "graph.onnx")

    correct_biases(path, inputs, tmp_path / "corrected.onnx")

    every = np.concatenate(inputs)  # batches of different sizes: each sample counts the same
    expected = 0.25 - average_error(kernel, groups, every.mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(bias_of(tmp_path / "corrected.onnx"), expected, rtol=1e-4)


def test_a_layer_without_a_bias_stays_as_it_is(tmp_path):
    kernel = RNG.standard_normal((4, 6, 1, 1)).astype(np.float32)
    path = convolution(kernel, 1, tmp_path / "graph.onnx", biased=False)
    inputs = [RNG.random((2, 6, 3, 5)).astype(np.float32)]

    correct_biases(path, inputs, tmp_path / "corrected.onnx")

    before, after = (
        OnnxRuntime(file).run({"image": inputs[0]})["logits"]
        for file in (path, tmp_path / "corrected.onnx")
    )
    np.testing.assert_array_equal(before, after)


def convolution(kernel, groups, path, biased=True):
    names = ["image", "kernel", *(["bias"] if biased else [])]
    node = helper.make_node("Conv", names, ["logits"], **({"group": groups} if groups > 1 else {}))
    tensors = [
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(np.full(len(kernel), 0.25, np.float32), "bias"),
    ]
    sides = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", count, "h", "w"])
        for name, count in (("image", 6), ("logits", len(kernel)))
    ]
    tensors = tensors if biased else tensors[:1]
    graph = helper.make_graph([node], "conv", sides[:1], sides[1:], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path
