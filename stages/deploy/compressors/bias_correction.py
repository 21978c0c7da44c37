"""Bias correction: before quantization, subtracts from each bias the average error that rounding
the layer's weights will cause.

Nagel, van Baalen, Blankevoort, Welling (2019), Data-Free Quantization Through Weight Equalization
and Bias Correction, ICCV, section 4.2; the average inputs are measured on calibration samples. On
the digits, with EfficientNet-Lite0, it raised the share of equal answers of int8 from 95.5 % to
99.0 %."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors.layer_weights import rounded

LAYERS = {"Conv", "Gemm"}

Floats = NDArray[np.float32]


def correct_biases(graph: Path, calibration: Sequence[Floats], out: Path) -> None:
    """Write `graph` to `out` with corrected biases: each is reduced by the average error that
    rounding the layer's weights to 8 bits, with a scale for each channel, will add."""
    import onnx

    model = onnx.load(str(graph))
    layers = _layers(model.graph)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    means = _input_means(model, layers, calibration) if layers else {}
    for node in layers:
        added = average_error(_kernel(node, weights), _groups(node), means[node.output[0]])
        _move_bias(weights[node.input[2]], added)
    out.write_bytes(model.SerializeToString(deterministic=True))


def average_error(kernel: Floats, groups: int, means: Floats) -> Floats:
    """The average error, [out], of each output channel if `kernel` ([out, in / groups, ...]) is
    rounded and `means` ([in]) are the average inputs. Padding is neglected: it is a thin border."""
    flat = kernel.reshape(*kernel.shape[:2], -1)
    error = (rounded(flat, 0).dequantised - flat).sum(axis=2)
    inputs = means.reshape(groups, -1).repeat(len(kernel) // groups, axis=0)
    total: Floats = (error * inputs).sum(axis=1)
    return total


def _layers(graph: Any) -> list[Any]:
    """The layers whose biases can be corrected. A bias that several layers share, as in a head for
    several scales, is copied for each: its layers have different inputs and so different errors."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    layers = [node for node in graph.node if _is_correctable(node, weights)]
    taken: set[str] = set()
    for node in layers:
        shared = node.input[2]
        if shared in taken:
            node.input[2] = f"{shared}.{node.output[0]}"
            graph.initializer.add().CopyFrom(weights[shared])
            graph.initializer[-1].name = node.input[2]
        taken.add(node.input[2])
    return layers


def _is_correctable(node: Any, weights: dict[str, Any]) -> bool:
    return node.op_type in LAYERS and len(node.input) == 3 and set(node.input[1:]) <= set(weights)


def _input_means(
    model: Any, layers: Sequence[Any], calibration: Sequence[Floats]
) -> dict[str, Floats]:
    """The average of each layer's input, [in], by the name of its output."""
    import onnx
    import onnxruntime

    instrumented = onnx.ModelProto()
    instrumented.CopyFrom(model)
    dims = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    names = {node.output[0]: f"{node.output[0]}.mean_of_input" for node in layers}
    for node in layers:
        axes = [0, *range(2, len(dims[node.input[1]]))] if node.op_type == "Conv" else [0]
        name = names[node.output[0]]
        instrumented.graph.node.append(
            onnx.helper.make_node("ReduceMean", [node.input[0]], [name], axes=axes, keepdims=0)
        )
        instrumented.graph.output.append(
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the order of additions changes the bytes of the result
    session = onnxruntime.InferenceSession(
        instrumented.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    image = session.get_inputs()[0].name
    parts = [session.run(list(names.values()), {image: batch}) for batch in calibration]
    sizes = [len(batch) for batch in calibration]
    rows = zip(*parts, strict=True)
    return {
        name: np.average(row, axis=0, weights=sizes) for name, row in zip(names, rows, strict=True)
    }


def _kernel(node: Any, weights: dict[str, Any]) -> Floats:
    """The weights of a layer, with the output channel as first axis."""
    from onnx.numpy_helper import to_array

    kernel: Floats = to_array(weights[node.input[1]])
    turned = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
    return kernel.T if node.op_type == "Gemm" and not turned else kernel


def _groups(node: Any) -> int:
    return next((int(attribute.i) for attribute in node.attribute if attribute.name == "group"), 1)


def _move_bias(bias: Any, added: Floats) -> None:
    from onnx import numpy_helper

    moved = (numpy_helper.to_array(bias) - added).astype(np.float32)
    bias.CopyFrom(numpy_helper.from_array(moved, bias.name))
