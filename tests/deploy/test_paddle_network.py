"""Networks in Paddle, rounded and not, beside ONNX Runtime, and the gradient of rounding."""

import numpy as np
import onnx
import paddle
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.deploy.compressors.int8 import Int8
from stages.deploy.compressors.paddle_network import (
    FakeQuantise,
    PaddleNetwork,
    UnsupportedOperator,
)
from stages.deploy.conformance.networks import input_of, reference_network, task_of
from stages.deploy.device.untrained_network import windows_of
from stages.deploy.exporters.onnx import GRAPH
from stages.runtime.backends.onnxruntime import OnnxRuntime
from tests import makers
from tests.deploy.int8_network import float_network
from tests.runtime.test_numpy_engine import LAYERS, PICTURE, network, whole

LACKING = {"reflected", "nearest, half pixels", "linear", "linear, aligned"}
UNROUNDED = [name for name in LAYERS if LAYERS[name][0] != "QuantizeLinear"]
FAMILIES = ["small_image", "mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet", "nanodet"]
FAMILIES += ["yamnet", "small_audio", "logmel_segments", "mobile_ssd", "inception_v3"]


def both(path, window):
    """The outputs of ONNX Runtime and of Paddle for `window`, in order."""
    engine = OnnxRuntime(path)
    expected = engine.run({engine.inputs[0]: window})
    with paddle.no_grad():
        found = PaddleNetwork(onnx.load(str(path))).run(paddle.to_tensor(window))
    return list(expected.values()), [output.numpy() for output in found]


@pytest.mark.parametrize("name", [name for name in UNROUNDED if name not in LACKING])
def test_an_operator_computes_what_onnx_says(name, tmp_path):
    operator, constants, attributes = LAYERS[name]

    expected, found = both(network(tmp_path / "n.onnx", operator, constants, attributes), PICTURE)

    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5, atol=1e-5)


def test_each_of_several_outputs(tmp_path):
    path = network(tmp_path / "n.onnx", "Split", [whole(1, 3)], {"axis": 1}, outputs=2)

    for expected, found in zip(*both(path, PICTURE), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", sorted(LACKING))
def test_what_is_lacking_is_said_by_name(name, tmp_path):
    operator, constants, attributes = LAYERS[name]
    path = network(tmp_path / "n.onnx", operator, constants, attributes)

    with pytest.raises(UnsupportedOperator, match=f"^{operator} 'y0': "):
        both(path, PICTURE)


def test_numbers_are_rounded_to_whole_steps_within_limits_and_halves_to_even_ones():
    x = paddle.to_tensor([-9.0, -1.1, -0.75, -0.25, 0.0, 0.2, 0.25, 0.3, 0.75, 1.4, 9.0])

    found = FakeQuantise.apply(x, paddle.to_tensor([0.5]), -2.0, 3.0)

    expected = [-1.0, -1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.5, 1.5]
    assert found.tolist() == expected


def test_the_gradient_passes_rounding_within_the_limits_and_stops_beyond():
    x = paddle.to_tensor([-1.3, -1.2, -0.3, 0.1, 1.7, 1.8], stop_gradient=False)
    factors = paddle.to_tensor([2.0, 3.0, 4.0, 5.0, 6.0, 7.0])

    (FakeQuantise.apply(x, paddle.to_tensor([0.5]), -2.0, 3.0) * factors).sum().backward()

    assert x.grad.tolist() == [0.0, 3.0, 4.0, 5.0, 6.0, 0.0]


@pytest.mark.parametrize("is_constant", [True, False])
def test_the_gradient_of_a_scale_is_the_step_beyond_the_limits_and_the_rounding_within(is_constant):
    x = paddle.to_tensor([-4.0, 0.1, 0.9, 4.0], stop_gradient=is_constant)
    scale = paddle.to_tensor([0.5], stop_gradient=False)
    factors = paddle.to_tensor([1.0, 10.0, 100.0, 1000.0])

    (FakeQuantise.apply(x, scale, -2.0, 3.0) * factors).sum().backward()

    # beyond: -2 and 3 steps; within: 0.2 steps are rounded to 0, 1.8 to 2
    assert scale.grad.item() == pytest.approx(-2 - 10 * 0.2 + 100 * 0.2 + 1000 * 3)


@pytest.fixture
def quantised(tmp_path):
    """A network of 8 bits, and pictures."""
    rng = np.random.default_rng(0)
    float_network(tmp_path / "float.onnx", rng)
    pictures = 2 * rng.random((16, 3, 24, 24)).astype(np.float32)
    Int8().compress(tmp_path / "float.onnx", [pictures], tmp_path / "int8.onnx")
    return tmp_path / "int8.onnx", pictures


def test_a_quantised_network_computes_what_its_file_says(quantised):
    expected, found = both(*quantised)

    assert np.abs(found[0] - expected[0]).mean() < 2e-3 * expected[0].std()


def test_every_8_bit_weight_and_its_bias_are_trainable_and_are_the_files_numbers(quantised):
    model = onnx.load(str(quantised[0]))
    tensors = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}

    found = PaddleNetwork(model).trainable

    read = {node.input[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    whole_numbers = {name for name in read if name in tensors}
    assert set(found) == whole_numbers
    assert {tensors[name].dtype.name for name in found} == {"int8", "int32"}
    for name, numbers in found.items():
        np.testing.assert_array_equal(numbers.whole(), tensors[name])
        assert numbers.whole().dtype == tensors[name].dtype


def test_weights_begin_where_they_were_before_they_were_rounded(quantised):
    path, _ = quantised
    floats = onnx.load(str(path.with_name("float.onnx"))).graph.initializer
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in floats}
    found = PaddleNetwork(onnx.load(str(path)))
    before = {name: numbers.whole() for name, numbers in found.trainable.items()}

    found.start_from(weights)

    for name, numbers in found.trainable.items():
        np.testing.assert_array_equal(numbers.whole(), before[name])
        if numbers.unit == 1:
            start = numbers.parameter.numpy() * numbers.scales.numpy()
            np.testing.assert_allclose(start, weights[name.removesuffix("_quantized")], atol=1e-6)


def test_the_gradient_reaches_every_trainable_number(quantised):
    path, pictures = quantised
    found = PaddleNetwork(onnx.load(str(path)))

    sum((output**2).mean() for output in found.run(paddle.to_tensor(pictures))).backward()

    for parameter in found.parameters:
        assert float(parameter.grad.abs().max()) > 0


def test_the_file_gets_other_scales_of_activations_and_of_the_biases_that_depend_on_them(
    quantised, tmp_path
):
    path, pictures = quantised
    model = onnx.load(str(path))
    found = PaddleNetwork(model)
    for growth in found.growth.values():
        growth.set_value(np.full(1, 0.05, np.float32))
    arrays = found.arrays()
    for tensor in model.graph.initializer:
        if tensor.name in arrays:
            tensor.CopyFrom(numpy_helper.from_array(arrays[tensor.name], tensor.name))
    changed = tmp_path / "changed.onnx"
    onnx.save(model, str(changed))

    expected = next(iter(OnnxRuntime(changed).run({"image": pictures}).values()))
    with paddle.no_grad():
        outputs = found.run(paddle.to_tensor(pictures))[0].numpy()

    before = next(iter(OnnxRuntime(path).run({"image": pictures}).values()))
    assert np.abs(outputs - expected).mean() < 2e-3 * expected.std()
    assert np.abs(outputs - before).mean() > 2e-3 * expected.std()


def test_numbers_counts_what_all_operators_compute(tmp_path):
    path = network(tmp_path / "n.onnx", "ReduceMean", [], {"axes": [2, 3], "keepdims": 0})

    assert PaddleNetwork(onnx.load(str(path))).numbers(paddle.to_tensor(PICTURE)) == 2 * 4


def test_constants_are_computed_once_and_an_unknown_operator_among_them_is_named():
    node = helper.make_node("Sin", ["c"], ["s"])
    total = helper.make_node("Add", ["x", "s"], ["y"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    constant = numpy_helper.from_array(np.ones(1, np.float32), "c")
    model = helper.make_model(helper.make_graph([node, total], "g", ends[:1], ends[1:], [constant]))

    with pytest.raises(UnsupportedOperator, match=r"^Sin$"):
        PaddleNetwork(model)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_computes_what_onnx_runtime_does(family, tmp_path):
    store, windows = makers.store(tmp_path), windows_of(input_of(family), task_of(family))[:2]

    with reference_network(family, store, makers.resources(store.cache)) as graphs:
        outputs = both(graphs / GRAPH, windows)

    for expected, found in zip(*outputs, strict=True):
        assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
