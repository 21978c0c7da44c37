"""Counts the multiply-accumulates of an ONNX network."""

from collections.abc import Sequence
from math import prod
from typing import Any

CONVOLUTIONS = {"Conv", "ConvTranspose"}
PRODUCTS = {"MatMul", "Gemm"}


def macs_of_graph(network: bytes, shape: Sequence[int]) -> int:
    """The multiply-accumulates of the convolutions and matrix products of the ONNX file `network`
    for one window of `shape`; other layers are left out, as is usual.

    A product is its output's size times the number of terms of each sum. Raises ValueError if the
    shape of a layer's output does not follow from the window's."""
    import onnx

    model = onnx.load_model_from_string(network)
    _fix_input(model.graph.input[0], shape)
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    sides = {tensor.name: list(tensor.dims) for tensor in inferred.initializer}
    sides |= {
        node.output[0]: list(node.attribute[0].t.dims)
        for node in inferred.node
        if node.op_type == "Constant" and node.attribute[0].HasField("t")
    }
    values = (*inferred.input, *inferred.value_info, *inferred.output)
    sides |= {value.name: _sides(value) for value in values if value.name not in sides}
    return sum(_terms(node, sides) for node in inferred.node)


def _terms(node: Any, sides: dict[str, list[int]]) -> int:
    if node.op_type not in CONVOLUTIONS | PRODUCTS:
        return 0
    output, second = sides.get(node.output[0], []), sides.get(node.input[1], [])
    if not output or not second or not all(output) or not all(second):
        raise ValueError(f"the shape of {node.output[0]} is not known")
    if node.op_type == "Conv":
        return prod(output) * prod(second[1:])  # weights: [outputs, inputs of the group, ...]
    if node.op_type == "ConvTranspose":
        return prod(sides[node.input[0]]) * prod(second[1:])
    transposed = any(item.name == "transB" and item.i for item in node.attribute)
    return prod(output) * (second[-1] if transposed else second[-2 if len(second) > 1 else 0])


def _sides(value: Any) -> list[int]:
    return [side.dim_value for side in value.type.tensor_type.shape.dim]


def _fix_input(value: Any, shape: Sequence[int]) -> None:
    """Make `value` a batch of one window of `shape`."""
    dimensions = value.type.tensor_type.shape.dim
    for dimension, side in zip(dimensions, (1, *shape), strict=True):
        dimension.ClearField("dim_param")
        dimension.dim_value = side
