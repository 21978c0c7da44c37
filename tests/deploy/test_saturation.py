"""The sums of an int8 network, counted in numpy, are those of the engine."""

from itertools import product

import numpy as np
import pytest

from stages.deploy.saturation.layers import Layer, NotCounted, Window, layers_of
from stages.deploy.saturation.network import (
    _batches,
    _layer_sums,
    network_sums,
    read_network_sums,
)
from stages.deploy.saturation.pair_sums import PairSums, accumulated, pair_sums
from stages.runtime.backends.onnxruntime import OnnxRuntime
from tests.deploy import int8_network
from tests.deploy.simulated import Exact, Saturating

SATURATING = ["stem", "grouped", "dilated", "odd"]
RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The folder of a small int8 network, and the inputs of it and of its layers."""
    folder = tmp_path_factory.mktemp("small")
    return folder, int8_network.make(folder)


def layer(weights, *, groups=1, window=None, zero_point=0) -> Layer:
    return Layer("y", "x", "w", zero_point, np.array(weights, np.int8), groups, window)


@pytest.mark.parametrize(
    ("weights", "activations", "saturated", "furthest"),
    [
        ([[127, 127]], [[255, 255]], 1, 64770 - 32767),
        ([[-128, -128]], [[255, 255]], 1, 65280 - 32768),
        ([[127, -127]], [[255, 255]], 0, 0),
        ([[127, 0, 127, 0]], [[255, 255, 255, 255]], 0, 0),  # a pair is two neighbours
        ([[0, 127, 127, 0]], [[255, 255, 255, 255]], 0, 0),  # from an even place on
        ([[64, 64]], [[255, 255]], 0, 0),
        ([[127, 2]], [[255, 191]], 0, 0),  # 32767 is the last that fits
        ([[127, 2]], [[255, 192]], 1, 2),
        ([[0, 0, 127]], [[255, 255, 255]], 0, 0),  # an odd last one stands alone
    ],
)
def test_a_pair_beyond_16_bits_is_counted(weights, activations, saturated, furthest):
    found = pair_sums(layer(weights), np.array(activations, np.uint8))

    assert (found.saturated, found.furthest) == (saturated, furthest)


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dilation", [1, 2])
def test_all_sums_are_those_of_a_plain_loop(channels, groups, stride, dilation):
    weights = RNG.integers(-128, 128, (4, channels, 3, 2))
    window = Window((stride, 1), (dilation, 1), (1, 0, 2, 1))
    network_layer = layer(weights, groups=groups, window=window, zero_point=7)
    activations = RNG.integers(100, 256, (2, channels * groups, 6, 5)).astype(np.uint8)

    counted = pair_sums(network_layer, activations)
    sums = {
        saturating: accumulated(network_layer, activations, saturating)
        for saturating in (True, False)
    }

    looped = {kind: looped_sums(network_layer, activations, kind) for kind in (True, False)}
    assert (counted.total, counted.saturated) == looped[True][1:]
    assert counted.saturated > 10
    for saturating in (True, False):
        np.testing.assert_array_equal(sums[saturating], looped[saturating][0])


def looped_sums(network_layer: Layer, activations, saturating):
    """[places, out], how many pairs, how many of them beyond 16 bits: the slow way."""
    before, after = network_layer.window.pads[:2], network_layer.window.pads[2:]
    around = [(0, 0), (0, 0), *zip(before, after, strict=True)]
    padded = np.pad(activations, around, constant_values=network_layer.zero_point).astype(int)
    (out, inside, rows, columns), (down, right) = (
        network_layer.weights.shape,
        network_layer.window.strides,
    )
    reach = [
        network_layer.window.dilations[k] * (network_layer.weights.shape[2 + k] - 1) + 1
        for k in (0, 1)
    ]
    heights = range(0, padded.shape[2] - reach[0] + 1, down)
    widths = range(0, padded.shape[3] - reach[1] + 1, right)
    found, pairs, beyond = [], 0, 0
    for sample, top, left in product(range(len(padded)), heights, widths):
        row = []
        for channel in range(out):
            first = channel // (out // network_layer.groups) * inside
            products = [
                padded[
                    sample,
                    first + c,
                    top + y * network_layer.window.dilations[0],
                    left + x * network_layer.window.dilations[1],
                ]
                * int(network_layer.weights[channel, c, y, x])
                for y, x, c in product(range(rows), range(columns), range(inside))
            ]
            total = -network_layer.zero_point * int(
                network_layer.weights[channel].astype(int).sum()
            )
            for start in range(0, len(products), 2):
                pair = sum(products[start : start + 2])
                pairs += 1
                beyond += not -32768 <= pair <= 32767
                total += min(max(pair, -32768), 32767) if saturating else pair
            row.append(total)
        found.append(row)
    return np.array(found), pairs, beyond


def test_32_bit_sums_are_what_the_engine_here_computes(small):
    folder, inputs = small
    network = folder / "network.onnx"

    simulated = Exact(network).run({"image": inputs["network"]})

    expected = OnnxRuntime(network, numeric="int8").run({"image": inputs["network"]})
    np.testing.assert_allclose(simulated["logits"], expected["logits"], rtol=1e-6)


def test_just_the_layers_whose_pairs_saturate_answer_differently(small):
    folder, inputs = small
    network = folder / "network.onnx"

    counted = network_sums(network, [inputs["network"]])

    different = []
    for network_layer in layers_of(network):
        name = network_layer.output.removesuffix(".sum")
        sums = [accumulated(network_layer, inputs[name], kind) for kind in (True, False)]
        different += [name] if (sums[0] != sums[1]).any() else []
    assert [name.removesuffix(".sum") for name in counted.saturating_layers] == different
    assert different == SATURATING
    answers = [engine(network).run({"image": inputs["network"]}) for engine in (Exact, Saturating)]
    assert np.abs(answers[0]["logits"] - answers[1]["logits"]).max() > 1


def test_counting_does_not_depend_on_how_samples_come(small):
    folder, inputs = small
    pictures = inputs["network"]

    counts = [
        network_sums(folder / "network.onnx", samples)
        for samples in ([pictures[:8], pictures[8:]], [pictures[:5], pictures[5:]])
    ]

    assert counts[0] == counts[1] == read_network_sums(counts[0].record())
    assert (counts[0].samples, counts[0].windows) == (2, len(pictures))


def test_a_float_network_has_no_sums_in_16_bits(small):
    folder, inputs = small

    counted = network_sums(folder / "float.onnx", [inputs["network"]])

    assert (counted.total, counted.layers) == (0, ())


def test_layers_that_share_weights_are_not_counted_in_silence(small, tmp_path):
    import onnx

    model = onnx.load(str(small[0] / "network.onnx"))
    convs = [node for node in model.graph.node if node.op_type == "Conv"]
    convs[1].input[1] = convs[0].input[1]
    onnx.save(model, str(tmp_path / "shared.onnx"))

    with pytest.raises(NotCounted, match="1 layers share weights with another"):
        layers_of(tmp_path / "shared.onnx")


def test_a_layer_of_another_kind_is_not_counted_in_silence(small, tmp_path):
    import onnx

    model = onnx.load(str(small[0] / "network.onnx"))
    conv = next(node for node in model.graph.node if node.op_type == "Conv")
    conv.attribute.append(onnx.helper.make_attribute("auto_pad", "SAME_UPPER"))
    onnx.save(model, str(tmp_path / "padded.onnx"))

    with pytest.raises(NotCounted, match="pads by itself: SAME_UPPER"):
        layers_of(tmp_path / "padded.onnx")


def quantised(kind, weight, path, *, zero=None, weight_kind=np.int8, **attributes):
    """An ONNX file with one layer between a dequantised activation and a dequantised weight."""
    from onnx import TensorProto, helper, numpy_helper

    tensors = {"scale": np.float32(1), "w": np.array(weight, weight_kind)}
    tensors["w_zero"] = np.zeros((), weight_kind)
    inputs = ["x", "scale"]
    if zero is not None:
        tensors["zero"] = np.array(zero, np.uint8)
        inputs.append("zero")
    nodes = [
        helper.make_node("DequantizeLinear", inputs, ["given"]),
        helper.make_node("DequantizeLinear", ["w", "scale", "w_zero"], ["weight"]),
        helper.make_node(kind, ["given", "weight"], ["y"], name="layer", **attributes),
    ]
    sides = [
        helper.make_tensor_value_info(name, type_, None)
        for name, type_ in (("x", TensorProto.UINT8), ("y", TensorProto.FLOAT))
    ]
    constants = [
        numpy_helper.from_array(np.asarray(value), name) for name, value in tensors.items()
    ]
    graph = helper.make_graph(nodes, "one", sides[:1], sides[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def test_a_convolution_is_read_with_all_that_moves_it(tmp_path):
    weights = RNG.integers(-128, 128, (4, 3, 3, 2))
    moved = {"strides": [2, 1], "dilations": [1, 3], "pads": [0, 1, 2, 3], "group": 2}

    (plain,) = layers_of(quantised("Conv", weights, tmp_path / "plain.onnx"))
    (full,) = layers_of(quantised("Conv", weights, tmp_path / "full.onnx", zero=9, **moved))

    assert (plain.output, plain.activations, plain.kernel) == ("y", "x", "w")
    assert (plain.zero_point, plain.groups) == (0, 1)
    assert plain.window == Window((1, 1), (1, 1), (0, 0, 0, 0))
    assert (full.zero_point, full.groups) == (9, 2)
    assert full.window == Window((2, 1), (1, 3), (0, 1, 2, 3))
    np.testing.assert_array_equal(full.weights, weights)


@pytest.mark.parametrize(
    ("kind", "attributes", "turned"),
    [("MatMul", {}, False), ("Gemm", {}, False), ("Gemm", {"transB": 1}, True)],
)
def test_a_matrix_is_read_with_its_outputs_first(tmp_path, kind, attributes, turned):
    weights = np.arange(6).reshape(3, 2)

    (found,) = layers_of(quantised(kind, weights, tmp_path / "g.onnx", **attributes))

    np.testing.assert_array_equal(found.weights, weights if turned else weights.T)
    assert found.window is None


def test_padding_that_is_none_or_said_in_numbers_is_read(tmp_path):
    for pad in ("NOTSET", "VALID"):
        path = quantised("Conv", np.ones((2, 1, 1, 1)), tmp_path / "g.onnx", auto_pad=pad)

        assert len(layers_of(path)) == 1


def test_other_numbers_than_unsigned_times_signed_are_not_counted_in_silence(tmp_path):
    path = quantised("MatMul", np.ones((3, 2)), tmp_path / "g.onnx", weight_kind=np.uint8)

    with pytest.raises(NotCounted, match="layer multiplies uint8 with uint8"):
        layers_of(path)


@pytest.mark.parametrize(
    ("shape", "groups", "expected"),
    [((4, 1, 3, 3), 4, True), ((4, 1, 3, 3), 1, False), ((8, 1, 3, 3), 4, False)],
)
def test_a_layer_is_depthwise_if_each_group_has_one_input_and_one_output(shape, groups, expected):
    depthwise = layer(np.full(shape, 127), groups=groups, window=Window((1, 1), (1, 1), (0,) * 4))

    counted = pair_sums(depthwise, np.full((1, groups, 3, 3), 255, np.uint8))

    assert depthwise.depthwise is expected
    assert (counted.total == 0) is expected


def test_a_layer_of_one_channel_is_not_depthwise():
    assert not layer(np.ones((1, 1, 3, 3))).depthwise


def test_products_are_in_the_order_of_rows_columns_and_channels():
    weights = np.arange(12).reshape(1, 2, 3, 2)

    assert layer(weights).ordered.tolist() == [[0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]]


def test_what_any_input_could_make_of_a_layer_is_bounded_by_its_largest_channel():
    found = _layer_sums(layer([[1, -2, 3], [4, -5, 0]]), PairSums(8, 0, 0))

    assert found == ("y", PairSums(8, 0, 0), 9 * 255, -5)


@pytest.mark.parametrize(
    ("sizes", "expected"), [([3, 7, 9], [8, 8, 3]), ([8, 8], [8, 8]), ([20], [8, 8, 4]), ([], [])]
)
def test_windows_are_shown_by_eights(sizes, expected):
    numbers = iter(range(sum(sizes)))
    samples = [np.array([[next(numbers)] for _ in range(size)], np.float32) for size in sizes]

    batches = list(_batches(samples))

    assert [len(batch) for batch in batches] == expected
    assert [int(row[0]) for batch in batches for row in batch] == list(range(sum(sizes)))


def test_sums_of_batches_add_up_and_the_furthest_is_the_furthest_of_all(small):
    folder, inputs = small
    pictures = inputs["network"]

    whole = network_sums(folder / "network.onnx", [pictures])
    halves = [network_sums(folder / "network.onnx", [part]) for part in np.split(pictures, 2)]

    assert (whole.samples, halves[0].samples, whole.windows, halves[0].windows) == (1, 1, 16, 8)
    for both, first, second in zip(whole.layers, halves[0].layers, halves[1].layers, strict=True):
        assert both.pairs.total == first.pairs.total + second.pairs.total
        assert both.pairs.saturated == first.pairs.saturated + second.pairs.saturated
        assert both.pairs.furthest == max(first.pairs.furthest, second.pairs.furthest)
    assert max(each.pairs.furthest for each in whole.layers) > 0
