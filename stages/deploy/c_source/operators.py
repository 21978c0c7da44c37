"""Operators in float32, which compute in 8 bits where they can."""

from collections.abc import Sequence
from math import inf, prod
from typing import NamedTuple

import numpy as np

from stages.deploy.c_source.graph import Node
from stages.deploy.c_source.integer_operators import (
    integer_add,
    integer_average,
    integer_conv,
    integer_pointwise,
)
from stages.deploy.c_source.lowering import (
    Array,
    Lowering,
    Operand,
    Struct,
    Value,
    lacking,
    operator,
)
from stages.deploy.c_source.moves import AXES, sides_of, steps_of
from stages.deploy.c_source.windows import Geometry, conv_window, over_axes, pool_window


class FoldedConvolution(NamedTuple):
    """Weights [outputs, inputs of a group, height, width] with a bias for each output, the limits
    of an activation behind it, and the name of what is computed in the end. `normalised`: a batch
    normalization is folded into weights and bias."""

    weights: Array
    bias: Array
    low: float
    high: float
    name: str
    normalised: bool


@operator("Conv")
def conv(work: Lowering, node: Node) -> None:
    weights = _weights(work, node)
    shape = work.graph.shapes[node.inputs[0]]
    if weights.ndim != 4:
        raise lacking(f"Conv over {weights.ndim - 2} axes")
    window = conv_window(node, shape, weights.shape)
    _convolved(work, node, weights, work.constant(node, 2, "bias"), window)


@operator("Gemm", "MatMul")
def dense(work: Lowering, node: Node) -> None:
    """A product with a matrix of weights is a 1x1 convolution of one pixel."""
    weights = _weights(work, node)
    shape = work.graph.shapes[node.inputs[0]]
    if weights.ndim != 2 or prod(shape[:-1]) != 1 or node.attributes.get("transA"):
        raise lacking(f"{node.operator} of {'x'.join(map(str, shape))} numbers")
    if node.attributes.get("alpha", 1.0) != 1 or node.attributes.get("beta", 1.0) != 1:
        raise lacking(f"{node.operator} with alpha or beta")
    rows = weights if node.attributes.get("transB") else weights.T
    window = Geometry.dense(*reversed(rows.shape))
    bias = work.constant(node, 2, "bias")
    _convolved(work, node, rows[:, :, None, None], bias, window)


def _weights(work: Lowering, node: Node) -> Array:
    found = work.constant(node, 1, "second input")
    if found is None:
        raise lacking(f"{node.operator} without weights")
    return found


def _convolved(
    work: Lowering, node: Node, weights: Array, bias: Array | None, window: Geometry
) -> None:
    found = _with_activation(work, node, weights, bias)
    work.multiplications += window.multiplications
    shape = work.graph.shapes[node.outputs[0]]
    value = None
    if not found.normalised:
        value = integer_conv(work, node, (found.low, found.high), found.name, window)
    if value is None:
        value = work.emit(
            "conv_f32",
            [work.operand(node.inputs[0]), _f32(found.weights), _f32(found.bias)],
            shape,
            [window.record, found.low, found.high],
        )
    work.values[node.outputs[0]] = value


def _with_activation(
    work: Lowering, node: Node, weights: Array, bias: Array | None
) -> FoldedConvolution:
    """The convolution with the batch normalization and the activation that alone follow it."""
    name = node.outputs[0]
    weights = np.asarray(weights, np.float64)
    offsets = np.zeros(len(weights)) if bias is None else np.asarray(bias, np.float64).reshape(-1)
    user = work.graph.sole_user(name)
    normalised = user is not None and user.operator == "BatchNormalization"
    if user is not None and normalised:
        factor, shift = _affine(work, user)
        weights, offsets = weights * factor.reshape(-1, 1, 1, 1), offsets * factor + shift
        work.fuse(user, node.outputs[0])
        name = user.outputs[0]
        user = work.graph.sole_user(name)
    low, high = -inf, inf
    if user is not None and user.operator in ("Relu", "Clip"):
        low, high = _limits(work, user)
        work.fuse(user, node.outputs[0])
        name = user.outputs[0]
    return FoldedConvolution(weights, offsets, low, high, name, normalised)


def _affine(work: Lowering, node: Node) -> tuple[Array, Array]:
    """Factor and shift of each channel by a batch normalization."""
    scale, shift, mean, variance = (
        np.asarray(work.constant(node, place, "statistics"), np.float64) for place in range(1, 5)
    )
    factor = scale / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    return factor, shift - mean * factor


def _limits(work: Lowering, node: Node) -> tuple[float, float]:
    if node.operator == "Relu":
        return 0.0, inf
    low, high = work.constant(node, 1, "minimum"), work.constant(node, 2, "maximum")
    return (
        -inf if low is None else float(np.asarray(low).reshape(())),
        inf if high is None else float(np.asarray(high).reshape(())),
    )


@operator("BatchNormalization")
def batch_normalization(work: Lowering, node: Node) -> None:
    factor, shift = _affine(work, node)
    shape = work.graph.shapes[node.inputs[0]]
    across = (1, -1, *[1] * (len(shape) - 2))
    source: Operand = work.operand(node.inputs[0])
    for kernel, values in (("mul_f32", factor), ("add_f32", shift)):
        operands = [source, _f32(values.reshape(across))]
        value = _binary(work, kernel, operands, [shape, values.reshape(across).shape], shape)
        source = value.buffer
    work.values[node.outputs[0]] = value


@operator("Relu", "Clip", "LeakyRelu", "HardSigmoid", "HardSwish", "Sigmoid", "Tanh", "Sqrt", "Exp",
          "Log", "Abs", "Neg", "Floor")  # fmt: skip
def pointwise(work: Lowering, node: Node) -> None:
    """A function of each number; of 8-bit numbers, a table."""
    shape = work.graph.shapes[node.outputs[0]]
    value = integer_pointwise(work, node)
    if value is None:
        kernel, arguments = _function(work, node)
        value = work.emit(
            kernel,
            [work.operand(node.inputs[0])],
            shape,
            [prod(shape), *arguments],
            in_place=True,
        )
    work.values[node.outputs[0]] = value


def _function(work: Lowering, node: Node) -> tuple[str, list[float]]:
    attributes = node.attributes
    match node.operator:
        case "Relu" | "Clip":
            return "clip_f32", list(_limits(work, node))
        case "LeakyRelu":
            return "leaky_relu_f32", [attributes.get("alpha", 0.01)]
        case "HardSigmoid":
            return "hard_sigmoid_f32", [attributes.get("alpha", 0.2), attributes.get("beta", 0.5)]
        case "HardSwish":
            return "hard_swish_f32", []
    return f"{node.operator.lower()}_f32", []


@operator("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min")
def arithmetic(work: Lowering, node: Node) -> None:
    if len(node.inputs) != 2:
        raise lacking(f"{node.operator} of {len(node.inputs)} arrays")
    value = integer_add(work, node)
    if value is None:
        shapes = [work.shape(name) for name in node.inputs]
        operands = [work.operand(name) for name in node.inputs]
        shape = work.graph.shapes[node.outputs[0]]
        value = _binary(work, f"{node.operator.lower()}_f32", operands, shapes, shape)
    work.values[node.outputs[0]] = value


def _binary(
    work: Lowering,
    kernel: str,
    operands: Sequence[Operand],
    shapes: Sequence[tuple[int, ...]],
    shape: tuple[int, ...],
) -> Value:
    first, second = (_strides(each, shape) for each in shapes)
    arguments = [Struct("nn_broadcast", {"shape": sides_of(shape), "a": first, "b": second})]
    whole = isinstance(operands[0], str) and prod(shapes[0]) == prod(shape)
    return work.emit(kernel, operands, shape, arguments, in_place=whole)


@operator("MaxPool", "AveragePool", "GlobalAveragePool")
def pool(work: Lowering, node: Node) -> None:
    shape = work.graph.shapes[node.inputs[0]]
    if len(shape) != 4:
        raise lacking(f"{node.operator} over {len(shape) - 2} axes")
    window = pool_window(node, shape)
    _pooled(work, node, window, node.operator == "MaxPool")


@operator("ReduceMean", "ReduceMax")
def reduce(work: Lowering, node: Node) -> None:
    """A mean or maximum over axes that lie side by side is a pooling with a window as long."""
    axes = work.constant(node, 1, "axes")
    among = node.attributes.get("axes") if axes is None else [int(axis) for axis in axes]
    window = over_axes(node.operator, work.graph.shapes[node.inputs[0]], among)
    _pooled(work, node, window, node.operator == "ReduceMax")


def _pooled(work: Lowering, node: Node, window: Geometry, largest: bool) -> None:
    source, shape = work.values[node.inputs[0]], work.graph.shapes[node.outputs[0]]
    value: Value | None
    if largest:
        kernel = "max_pool_f32" if source.quantization is None else "max_pool_u8"
        quantization = source.quantization
        value = work.emit(
            kernel, [source.buffer], shape, [window.record], quantization=quantization
        )
    else:
        value = integer_average(work, node, window)
        if value is None:
            operand = work.operand(node.inputs[0])
            value = work.emit("average_pool_f32", [operand], shape, [window.record])
    work.values[node.outputs[0]] = value


@operator("Softmax")
def softmax(work: Lowering, node: Node) -> None:
    shape = work.graph.shapes[node.inputs[0]]
    axis = node.attributes.get("axis", -1) % len(shape)
    arguments = [prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])]
    operand = work.operand(node.inputs[0])
    work.values[node.outputs[0]] = work.emit("softmax_f32", [operand], shape, arguments)


def _strides(shape: Sequence[int], whole: Sequence[int]) -> list[int]:
    """The steps of an array of `shape` that is repeated to `whole`, with leading zeros."""
    steps = [0 if side == 1 else step for side, step in zip(shape, steps_of(shape), strict=True)]
    return [0] * (AXES - len(shape)) + steps


def _f32(values: Array) -> Array:
    return np.ascontiguousarray(values, np.float32)
