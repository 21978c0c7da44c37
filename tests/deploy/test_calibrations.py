"""What the further forms of int8 do that plain int8 does not."""

import tracemalloc

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.deploy.compressors import CannotCompress
from stages.deploy.compressors.int8 import Int8, Int8Percentile
from stages.deploy.compressors.int8_mixed import Int8Mixed, worst_layers
from stages.deploy.compressors.int8_weight_only import Int8WeightOnly
from stages.deploy.compressors.layer_sensitivity import (
    Sensitivity,
    quantisation_of,
    sensitivities,
)
from stages.deploy.compressors.layer_weights import layers_with_weights, rounded
from stages.deploy.saturation.layers import layers_of
from stages.runtime.backends.onnxruntime import OnnxRuntime
from stages.runtime.backends.sums import Sums
from stages.runtime.processor import INSTRUCTION_SETS

RNG = np.random.default_rng(0)
WIDTH = 16


def chain(path, *matrices, relu=True):
    """A network of matrix products, one after the other, with a ReLU between."""
    nodes, weights, last = [], [], "x"
    for place, matrix in enumerate(matrices):
        weights.append(numpy_helper.from_array(matrix.astype(np.float32), f"w{place}"))
        bias = np.zeros(matrix.shape[1], np.float32)
        weights.append(numpy_helper.from_array(bias, f"b{place}"))
        names, result = [last, f"w{place}", f"b{place}"], f"sum{place}"
        nodes.append(helper.make_node("Gemm", names, [result], name=f"layer{place}"))
        last = result
        if relu and place + 1 < len(matrices):
            nodes.append(helper.make_node("Relu", [result], [f"relu{place}"], name=f"r{place}"))
            last = f"relu{place}"
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", matrices[0].shape[0]])
    y = helper.make_tensor_value_info(last, TensorProto.FLOAT, ["n", matrices[-1].shape[1]])
    graph = helper.make_graph(nodes, "chain", [x], [y], weights)
    opset = [helper.make_opsetid("", 17)]
    path.write_bytes(
        helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    )
    return path


def matrix(rows=WIDTH, columns=WIDTH):
    return RNG.standard_normal((rows, columns)) / rows**0.5


def scale_of_input(path) -> float:
    graph = onnx.load(str(path)).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    (node,) = (
        each for each in graph.node if each.op_type == "QuantizeLinear" and each.input[0] == "x"
    )
    return float(tensors[node.input[1]])


def test_a_rare_large_value_does_not_set_the_range(tmp_path):
    batches = [RNG.random((40_000, WIDTH)).astype(np.float32) for _ in range(2)]
    batches[1][0, 0] = 1000
    graph = chain(tmp_path / "graph.onnx", matrix())

    Int8().compress(graph, batches, tmp_path / "minmax.onnx")
    Int8Percentile().compress(graph, batches, tmp_path / "out.onnx")

    assert scale_of_input(tmp_path / "minmax.onnx") == pytest.approx(1000 / 255, rel=0.01)
    assert scale_of_input(tmp_path / "out.onnx") < 0.01 * 1000 / 255
    assert [path.name for path in tmp_path.glob("*.json")] == []


def test_batches_of_a_percentile_may_differ_in_size(tmp_path):
    graph = chain(tmp_path / "graph.onnx", matrix())
    batches = [RNG.random((n, WIDTH)).astype(np.float32) for n in (10, 10, 4)]

    Int8Percentile().compress(graph, batches, tmp_path / "out.onnx")

    assert len(layers_of(tmp_path / "out.onnx")) == 1


def test_a_percentile_holds_the_activations_of_one_batch_at_a_time(tmp_path):
    graph = chain(tmp_path / "graph.onnx", matrix(WIDTH, 4096), matrix(4096, 4))

    def peak(batches: int) -> int:
        samples = [RNG.random((64, WIDTH)).astype(np.float32) for _ in range(batches)]
        tracemalloc.start()
        Int8Percentile().compress(graph, samples, tmp_path / "out.onnx")
        bytes_used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return bytes_used

    peak(2)  # imports

    assert peak(32) < 2 * peak(4)  # all activations of 32 batches are 8 times those of 4


def test_weights_are_rounded_with_a_scale_for_each_output_channel():
    weights = np.array([[1.0, -0.5], [100.0, 26.4], [0.0, 0.0]], np.float32)

    found = rounded(weights, axis=0)

    assert found.scales.ravel() == pytest.approx([1 / 127, 100 / 127, 1])
    assert found.values.tolist() == [[127, -64], [127, 34], [0, 0]]
    assert np.abs(found.dequantised - weights).max() <= 0.5 * found.scales.max()


@pytest.mark.parametrize(("turned", "axis"), [(0, 1), (1, 0)])
def test_the_output_channels_of_a_matrix_are_found(turned, axis):
    node = helper.make_node("Gemm", ["x", "w"], ["y"], transB=turned)
    tensor = numpy_helper.from_array(np.zeros((4, 6), np.float32), "w")
    graph = helper.make_graph([node], "g", [], [], [tensor])

    (layer,) = layers_with_weights(graph)

    assert (layer.weights, layer.axis) == ("w", axis)


def test_weight_only_has_a_quarter_of_the_size_and_the_arithmetic_of_floats(tmp_path):
    graph = chain(tmp_path / "graph.onnx", matrix(256, 512), matrix(512, 64))
    samples = RNG.standard_normal((20, 256)).astype(np.float32)

    Int8WeightOnly().compress(graph, [], tmp_path / "out.onnx")

    assert (tmp_path / "out.onnx").stat().st_size < 0.3 * graph.stat().st_size
    assert layers_of(tmp_path / "out.onnx") == []
    expected, found = (
        next(iter(OnnxRuntime(path, numeric="int8_weight_only").run({"x": samples}).values()))
        for path in (graph, tmp_path / "out.onnx")
    )
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()
    for name in INSTRUCTION_SETS:
        assert OnnxRuntime.sums("int8_weight_only", name) == Sums.FLOAT


def test_weight_only_says_if_no_layer_is_worth_it(tmp_path):
    graph = chain(tmp_path / "graph.onnx", matrix(4, 4))

    with pytest.raises(CannotCompress, match="No layer of the network has 256 weights"):
        Int8WeightOnly().compress(graph, [], tmp_path / "out.onnx")


def test_a_layer_alone_makes_the_error_of_its_rounded_input_and_weights(tmp_path):
    weights = matrix().astype(np.float32)
    graph = chain(tmp_path / "graph.onnx", weights)
    samples = RNG.random((50, WIDTH)).astype(np.float32)

    (found,) = sensitivities(onnx.load(str(graph)), [samples[:25]], [samples[25:]])

    scale, zero = quantisation_of(float(samples[:25].min()), float(samples[:25].max()))
    rounded_input = (np.clip(np.rint(samples[25:] / scale) + zero, 0, 255) - zero) * scale
    difference = rounded_input @ rounded(weights, 1).dequantised - samples[25:] @ weights
    expected = np.square(difference).mean() / (samples[25:] @ weights).var()
    assert found.name == "layer0"
    assert found.weights == WIDTH * WIDTH
    assert found.error == pytest.approx(expected, rel=1e-3)


def test_the_worst_layers_stay_in_float_until_the_others_make_a_quarter_of_the_error():
    errors = {"a": 1.0, "b": 6.0, "c": 2.0, "d": 1.0}
    layers = [Sensitivity(name, error, 10) for name, error in errors.items()]

    assert worst_layers(layers) == ["b"], "b and c would be half of the weights"
    assert worst_layers([*layers, Sensitivity("large", 0.0, 200)]) == ["b", "c"]
    assert worst_layers([]) == []


def test_mixed_precision_leaves_the_layer_in_float_that_hurts_most(tmp_path):
    ruined = matrix()
    ruined[:, :4] *= 1e-3
    ruined[0, :4] = 10  # on an input that is always zero: the other weights are rounded to nothing
    good, large = matrix(), matrix(WIDTH, 256)
    graph = chain(tmp_path / "graph.onnx", good, ruined, matrix(), large, matrix(256, 256))
    samples = RNG.random((40, WIDTH)).astype(np.float32)
    model = onnx.load(str(graph))
    worst = max(sensitivities(model, [samples[::2]], [samples[1::2]]), key=lambda item: item.error)

    Int8Mixed().compress(graph, [samples], tmp_path / "out.onnx")

    names = {node.name for node in onnx.load(str(tmp_path / "out.onnx")).graph.node}
    quantised = {layer.output for layer in layers_of(tmp_path / "out.onnx")}
    place = int(worst.name.removeprefix("layer"))
    assert worst.name in names
    assert f"sum{place}" not in quantised
    assert len(quantised) < 5


def test_mixed_precision_needs_samples_that_set_no_range(tmp_path):
    graph = chain(tmp_path / "graph.onnx", matrix())

    with pytest.raises(CannotCompress, match="two samples or more"):
        Int8Mixed().compress(graph, [np.ones((1, WIDTH), np.float32)], tmp_path / "out.onnx")
