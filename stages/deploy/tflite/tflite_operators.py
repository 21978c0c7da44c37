"""Lowers operators that work number by number, over axes, on matrices, and on shapes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.deploy.c_source.graph import Node
from stages.deploy.c_source.graph_reader import PICTURE
from stages.deploy.tflite.convolutions import limits_of
from stages.deploy.tflite.tflite_lowering import (
    OPERATORS,
    PLACE_IN_LAST,
    TO_LAST,
    TfliteLowering,
    lacking,
    lowered,
    operator,
)

__all__ = ["OPERATORS", "lowered"]  # with every operator registered

Array = NDArray[Any]
UNARY = {
    "Relu": "RELU",
    "Sigmoid": "LOGISTIC",
    "Tanh": "TANH",
    "Sqrt": "SQRT",
    "Exp": "EXP",
    "Log": "LOG",
    "Abs": "ABS",
    "Neg": "NEG",
    "Floor": "FLOOR",
    "HardSwish": "HARD_SWISH",
}
BINARY = {
    "Add": ("ADD", "AddOptions"),
    "Sub": ("SUB", "SubOptions"),
    "Mul": ("MUL", "MulOptions"),
    "Div": ("DIV", "DivOptions"),
    "Pow": ("POW", "PowOptions"),
    "Max": ("MAXIMUM", "MaximumMinimumOptions"),
    "Min": ("MINIMUM", "MaximumMinimumOptions"),
}
REDUCING = {"ReduceMean": "MEAN", "ReduceSum": "SUM", "ReduceMax": "REDUCE_MAX"}
VIEWS = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")


@operator(*UNARY)
def unary(work: TfliteLowering, node: Node) -> None:
    """Each number by itself."""
    value = work.value(node.inputs[0])
    out = work.output(node, value.channels_last)
    work.file.operator(UNARY[node.operator], [value.tensor], [out])


@operator("Identity", "Dropout")
def identity(work: TfliteLowering, node: Node) -> None:
    """The same array under another name."""
    work.values[node.outputs[0]] = work.value(node.inputs[0])


@operator("LeakyRelu")
def leaky_relu(work: TfliteLowering, node: Node) -> None:
    """Negative numbers by a factor."""
    value, alpha = work.value(node.inputs[0]), float(node.attributes.get("alpha", 0.01))
    out = work.output(node, value.channels_last)
    work.file.operator("LEAKY_RELU", [value.tensor], [out], "LeakyReluOptions", alpha=alpha)


@operator("Clip")
def clip(work: TfliteLowering, node: Node) -> None:
    """Numbers within limits."""
    value, (low, high) = work.value(node.inputs[0]), limits_of(work, node)
    _within(work, node, value.tensor, value.channels_last, low, high)


@operator("HardSigmoid")
def hard_sigmoid(work: TfliteLowering, node: Node) -> None:
    """A straight line within 0 and 1."""
    value = work.value(node.inputs[0])
    tensor, shape = value.tensor, work.file.shape(value.tensor)
    for name, key, default in (("MUL", "alpha", 0.2), ("ADD", "beta", 0.5)):
        number = np.array(node.attributes.get(key, default), np.float32)
        options = "MulOptions" if name == "MUL" else "AddOptions"
        tensor = work.emit(name, [tensor, work.file.constant(number)], shape, options)
    _within(work, node, tensor, value.channels_last, 0.0, 1.0)


def _within(
    work: TfliteLowering, node: Node, tensor: int, channels_last: bool, low: float, high: float
) -> None:
    """Write `tensor`, within limits, as the output of `node`."""
    out = work.output(node, channels_last)
    if low == 0 and high in (6.0, np.inf):
        return work.file.operator("RELU6" if high == 6 else "RELU", [tensor], [out])
    limits = [("MAXIMUM", low), ("MINIMUM", high)]
    for number, (name, limit) in enumerate(limits):
        constant = work.file.constant(np.array(np.clip(limit, -3.4e38, 3.4e38), np.float32))
        target = out if number else work.new(work.file.shape(out))
        work.file.operator(name, [tensor, constant], [target], "MaximumMinimumOptions")
        tensor = target
    return None


@operator(*BINARY)
def binary(work: TfliteLowering, node: Node) -> None:
    """Two arrays, number by number; Max and Min of several, two at a time."""
    shape = work.shape(node.outputs[0])
    name, options = BINARY[node.operator]
    last = len(shape) == PICTURE and _any_last(work, node.inputs)
    operands = [_operand(work, operand, last, len(shape)) for operand in node.inputs]
    if len(operands) == 1:
        return identity(work, node)
    tensor = operands[0]
    for number, operand in enumerate(operands[1:], start=2):
        is_end = number == len(operands)
        ordered = [shape[axis] for axis in TO_LAST] if last else list(shape)
        target = work.output(node, last) if is_end else work.new(ordered)
        work.file.operator(name, [tensor, operand], [target], options)
        tensor = target
    return None


def _any_last(work: TfliteLowering, names: Sequence[str]) -> bool:
    """Whether an operand has its channels last, and each that is computed has four axes."""
    computed = [name for name in names if name not in work.graph.constants]
    pictures = all(len(work.shape(name)) == PICTURE for name in computed)
    return pictures and any(work.value(name).channels_last for name in computed)


def _operand(work: TfliteLowering, name: str, last: bool, axes: int) -> int:
    """The tensor of an operand, with as many `axes` as the result, and its channels last if the
    result has."""
    if name in work.graph.constants:
        values = np.asarray(work.graph.constants[name], np.float32)
        values = values.reshape((1,) * (axes - values.ndim) + values.shape)
        return work.file.constant(values.transpose(TO_LAST) if last else values)
    tensor, shape = (work.last if last else work.first)(name), work.shape(name)
    padded = (1,) * (axes - len(shape)) + shape
    return tensor if len(shape) == axes else work.reshape(tensor, padded)


@operator("BatchNormalization")
def batch_normalization(work: TfliteLowering, node: Node) -> None:
    """Each channel by the statistics of training."""
    scale, shift, mean, variance = (
        np.asarray(work.constant(node, place, "statistics"), np.float64) for place in range(1, 5)
    )
    factor = scale / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    value, axes = work.value(node.inputs[0]), len(work.shape(node.inputs[0]))
    across = (-1,) if value.channels_last else (-1, *[1] * (axes - 2))
    factors, shifts = (
        work.file.constant(numbers.astype(np.float32).reshape(across))
        for numbers in (factor, shift - mean * factor)
    )
    shape = work.file.shape(value.tensor)
    scaled = work.emit("MUL", [value.tensor, factors], shape, "MulOptions")
    out = work.output(node, value.channels_last)
    work.file.operator("ADD", [scaled, shifts], [out], "AddOptions")


@operator("Gemm")
def gemm(work: TfliteLowering, node: Node) -> None:
    """A product of a matrix with constant weights, and a sum."""
    _fully_connected(work, node, *work.dense(node))


@operator("MatMul")
def mat_mul(work: TfliteLowering, node: Node) -> None:
    """A product of matrices."""
    if node.inputs[1] in work.graph.constants:
        weight = np.asarray(work.graph.constants[node.inputs[1]])
        if weight.ndim == 2:
            return _fully_connected(work, node, weight.T, np.zeros(weight.shape[1]))
    inputs = [work.first(name) for name in node.inputs]
    out = work.output(node, False)
    return work.file.operator("BATCH_MATMUL", inputs, [out], "BatchMatMulOptions")


def _fully_connected(work: TfliteLowering, node: Node, rows: Array, biases: Array) -> None:
    weights = work.file.constant(np.ascontiguousarray(rows, np.float32))
    constants = [weights, work.file.constant(np.asarray(biases, np.float32))]
    inputs, out = [work.first(node.inputs[0]), *constants], work.output(node, False)
    several = len(work.shape(node.inputs[0])) != 2
    work.file.operator(
        "FULLY_CONNECTED", inputs, [out], "FullyConnectedOptions", keepNumDims=several
    )


@operator("Softmax")
def softmax(work: TfliteLowering, node: Node) -> None:
    """Shares that sum to 1 along an axis, the last one in the file."""
    name, axes = node.inputs[0], len(work.shape(node.inputs[0]))
    axis = int(node.attributes.get("axis", -1)) % axes
    value = work.value(name)
    if work.axis(axis, name) == axes - 1:
        out = work.output(node, value.channels_last)
        work.file.operator("SOFTMAX", [value.tensor], [out], "SoftmaxOptions", beta=1.0)
        return
    order = [place for place in range(axes) if place != axis] + [axis]
    turned = work.transpose(work.first(name), order)
    shares = work.emit("SOFTMAX", [turned], work.file.shape(turned), "SoftmaxOptions", beta=1.0)
    back = [order.index(place) for place in range(axes)]
    _as_output(work, node, work.transpose(shares, back))


@operator(*REDUCING)
def reduce(work: TfliteLowering, node: Node) -> None:
    """One number over axes."""
    name, shape = node.inputs[0], work.shape(node.inputs[0])
    axes = work.reduced_axes(node)
    keeps = bool(node.attributes.get("keepdims", 1))
    remaining = [axis for axis in range(len(shape)) if axis not in axes]
    value = work.value(name)
    places = [PLACE_IN_LAST[axis] for axis in remaining] if value.channels_last else remaining
    as_it_is = keeps or places == sorted(places)
    tensor = value.tensor if as_it_is else work.first(name)
    last = value.channels_last and as_it_is
    positions = [PLACE_IN_LAST[axis] if last else axis for axis in axes]
    constant = work.file.constant(np.array(sorted(positions), np.int32))
    out = work.output(node, last and keeps)
    operator_name = REDUCING[node.operator]
    work.file.operator(operator_name, [tensor, constant], [out], "ReducerOptions", keepDims=keeps)


@operator(*VIEWS)
def view(work: TfliteLowering, node: Node) -> None:
    """The same numbers in order, in another shape."""
    _as_output(work, node, work.first(node.inputs[0]))


def _as_output(work: TfliteLowering, node: Node, tensor: int) -> None:
    """Write `tensor`, with its axes as in ONNX, as the output of `node`."""
    sides = list(work.shape(node.outputs[0]))
    out = work.output(node, False)
    places = work.file.constant(np.array(sides, np.int32))
    work.file.operator("RESHAPE", [tensor, places], [out], "ReshapeOptions", newShape=sides)


@operator("Transpose")
def transpose(work: TfliteLowering, node: Node) -> None:
    """The axes in another order."""
    axes = len(work.shape(node.inputs[0]))
    order = node.attributes.get("perm") or list(reversed(range(axes)))
    value = work.value(node.inputs[0])
    if value.channels_last:
        order = [PLACE_IN_LAST[axis] for axis in order]
    _as_output(work, node, work.transpose(value.tensor, list(order)))


@operator("Concat")
def concat(work: TfliteLowering, node: Node) -> None:
    """Arrays one after the other along an axis."""
    shape = work.shape(node.outputs[0])
    axis, last = int(node.attributes["axis"]) % len(shape), _any_last(work, node.inputs)
    tensors = [
        _operand(work, name, last, len(shape)) if name in work.graph.constants
        else (work.last if last else work.first)(name)
        for name in node.inputs
    ]  # fmt: skip
    out, place = work.output(node, last), PLACE_IN_LAST[axis] if last else axis
    work.file.operator("CONCATENATION", tensors, [out], "ConcatenationOptions", axis=place)


@operator("Split")
def split(work: TfliteLowering, node: Node) -> None:
    """Parts of an array along an axis."""
    for place, places in enumerate(work.parts(node)):
        _slice(work, node, place, *places)


@operator("Slice")
def slice_(work: TfliteLowering, node: Node) -> None:
    """A part of an array."""
    _slice(work, node, 0, *work.slice_places(node))


def _slice(
    work: TfliteLowering, node: Node, place: int, begins: Sequence[int], strides: Sequence[int]
) -> None:
    """Write what begins at `begins` as the output of `node` at `place`; axes as in ONNX."""
    value = work.value(node.inputs[0])
    out = work.output(node, value.channels_last, place)
    sides = work.shape(node.outputs[place])
    ends = [b + (side - 1) * s + 1 for b, side, s in zip(begins, sides, strides, strict=True)]
    order = TO_LAST if value.channels_last else range(len(sides))
    lists = [[numbers[axis] for axis in order] for numbers in (begins, ends, strides)]
    constants = [work.file.constant(np.array(numbers, np.int32)) for numbers in lists]
    work.file.operator("STRIDED_SLICE", [value.tensor, *constants], [out], "StridedSliceOptions")


@operator("Pad")
def pad(work: TfliteLowering, node: Node) -> None:
    """An array with more around it, of one number."""
    if node.attributes.get("mode", "constant") not in ("constant", b"constant"):
        raise lacking("Pad that does not repeat one number")
    stated, value = work.constant(node, 1, "widths"), work.constant(node, 2, "number")
    pads = node.attributes.get("pads") if stated is None else stated
    if pads is None or min(pads) < 0 or len(node.inputs) > 3:
        raise lacking("Pad that takes away, or of some axes")
    source, axes = work.value(node.inputs[0]), len(work.shape(node.inputs[0]))
    order = TO_LAST if source.channels_last else range(axes)
    widths = np.array([[pads[axis], pads[axes + axis]] for axis in order], np.int32)
    number = 0.0 if value is None else float(np.asarray(value).reshape(()))
    inputs = [source.tensor, work.file.constant(widths)]
    out = work.output(node, source.channels_last)
    if number == 0:
        return work.file.operator("PAD", inputs, [out], "PadOptions")
    inputs.append(work.file.constant(np.array([number], np.float32)))
    return work.file.operator("PADV2", inputs, [out], "PadV2Options")


@operator("Gather")
def gather(work: TfliteLowering, node: Node) -> None:
    """The rows of an axis that a constant names, in its order."""
    rows = work.constant(node, 1, "places") if node.inputs[0] in work.values else None
    if rows is None or np.ndim(rows) > 1:
        raise lacking("Gather of places in several axes, or of a constant")
    name, shape = node.inputs[0], work.shape(node.inputs[0])
    axis = int(node.attributes.get("axis", 0)) % len(shape)
    places = np.asarray(rows, np.int64).reshape(-1)
    places = np.where(places < 0, places + shape[axis], places)
    constant = work.file.constant(places.astype(np.int32))
    if np.ndim(rows) == 1:
        value, place = work.value(name), work.axis(axis, name)
        inputs, out = [value.tensor, constant], work.output(node, value.channels_last)
        return work.file.operator("GATHER", inputs, [out], "GatherOptions", axis=place)
    single = [*shape[:axis], 1, *shape[axis + 1 :]]
    inputs = [work.first(name), constant]
    return _as_output(work, node, work.emit("GATHER", inputs, single, "GatherOptions", axis=axis))
