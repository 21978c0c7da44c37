"""How much each layer of a network hurts when it alone is quantised to 8 bits: the error of the
network's outputs, measured layer by layer on samples that set no range.

As with bias correction, activations are rounded at a layer's input, weights with a scale for each
output channel."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors.layer_weights import LayerWeights, layers_with_weights, rounded

LARGEST = 255  # of unsigned activations
LEAST_VARIANCE = 1e-12  # of an output, below which it says nothing

Floats = NDArray[np.float32]
Batches = Sequence[Floats]


class Sensitivity(NamedTuple):
    """A layer by its node's `name`: the `error` that it causes alone, a share of the variance of
    the network's outputs, and the number of its `weights`."""

    name: str
    error: float
    weights: int


def sensitivities(model: Any, ranges_on: Batches, measured_on: Batches) -> list[Sensitivity]:
    """The sensitivity of each layer of the ONNX `model`, whose nodes have names, in the graph's
    order. `ranges_on`: batches that set the ranges of activations; `measured_on`: others, on which
    errors are measured."""
    layers = list(layers_with_weights(model.graph))
    ranges = _input_ranges(model, layers, ranges_on)
    expected = _outputs(model, measured_on)
    sizes = {tensor.name: int(np.prod(tensor.dims)) for tensor in model.graph.initializer}
    found = []
    for layer in layers:
        quantised = with_quantised_layer(model, layer, *ranges[layer.node.input[0]])
        error = output_error(expected, _outputs(quantised, measured_on))
        found.append(Sensitivity(layer.node.name, error, sizes[layer.weights]))
    return found


def with_quantised_layer(model: Any, layer: LayerWeights, low: float, high: float) -> Any:
    """A copy of `model` in which the input of `layer`, from `low` to `high`, and its weights are
    rounded to 8 bits."""
    import onnx
    from onnx import numpy_helper

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    tensors = {tensor.name: tensor for tensor in copy.graph.initializer}
    place = [node.name for node in copy.graph.node].index(layer.node.name)
    node, weights = copy.graph.node[place], numpy_helper.to_array(tensors[layer.weights])
    scale, zero = quantisation_of(low, high)
    names = {key: f"{layer.node.name}.quantised.{key}" for key in ("w", "s", "z", "q", "x")}
    copy.graph.initializer.extend(
        [
            numpy_helper.from_array(rounded(weights, layer.axis).dequantised, names["w"]),
            numpy_helper.from_array(np.float32(scale), names["s"]),
            numpy_helper.from_array(np.uint8(zero), names["z"]),
        ]
    )
    parameters = [names["s"], names["z"]]
    make = onnx.helper.make_node
    pair = [
        make("QuantizeLinear", [node.input[0], *parameters], [names["q"]]),
        make("DequantizeLinear", [names["q"], *parameters], [names["x"]]),
    ]
    node.input[0], node.input[1] = names["x"], names["w"]
    nodes = [*copy.graph.node[:place], *pair, *copy.graph.node[place:]]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


def quantisation_of(low: float, high: float) -> tuple[float, int]:
    """The scale and the zero point of unsigned 8 bits that hold 0 and `low` to `high`."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / LARGEST or 1.0
    return scale, round(-low / scale)


def _input_ranges(
    model: Any, layers: Sequence[LayerWeights], batches: Batches
) -> Mapping[str, tuple[float, float]]:
    """The lowest and highest value of each layer's input, by its name."""
    import onnx

    names = list(dict.fromkeys(layer.node.input[0] for layer in layers))
    measuring = onnx.ModelProto()
    measuring.CopyFrom(model)
    del measuring.graph.output[:]
    for name in names:
        for operator in ("ReduceMin", "ReduceMax"):
            output = f"{name}.{operator}"
            measuring.graph.node.append(
                onnx.helper.make_node(operator, [name], [output], keepdims=0)
            )
            value = onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, [])
            measuring.graph.output.append(value)
    values = np.array(_by_batch(measuring, batches), np.float64)  # [batches, 2 * inputs]
    return {
        name: (float(values[:, 2 * place].min()), float(values[:, 2 * place + 1].max()))
        for place, name in enumerate(names)
    }


def _outputs(model: Any, batches: Batches) -> list[Floats]:
    """The outputs of `model` for all samples of `batches`."""
    return [np.concatenate(parts) for parts in zip(*_by_batch(model, batches), strict=True)]


def _by_batch(model: Any, batches: Batches) -> list[list[Floats]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the order of additions changes the result
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    return [session.run(None, {name: batch}) for batch in batches]


def output_error(expected: Sequence[Floats], found: Sequence[Floats]) -> float:
    """The mean squared error of `found`, a share of the variance of `expected`; the mean over the
    outputs."""
    shares = [
        float(np.square(after - before).mean() / max(before.var(), LEAST_VARIANCE))
        for before, after in zip(expected, found, strict=True)
    ]
    return float(np.mean(shares))
