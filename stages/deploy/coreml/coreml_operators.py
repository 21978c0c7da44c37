"""Lowers each operator of ONNX to operators of Core ML."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stages.deploy.c_source.graph import Node
from stages.deploy.coreml.coreml_lowering import (
    OPERATORS,
    Array,
    CoremlLowering,
    lacking,
    operator,
    program_of,
)

__all__ = ["OPERATORS", "program_of"]  # with every operator registered

UNARY = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Sqrt": "sqrt",
    "Exp": "exp",
    "Log": "log",
    "Abs": "abs",
    "Floor": "floor",
}
BINARY = {
    "Add": "add",
    "Sub": "sub",
    "Mul": "mul",
    "Div": "real_div",
    "Pow": "pow",
    "Max": "maximum",
    "Min": "minimum",
}
REDUCING = {"ReduceMean": "reduce_mean", "ReduceSum": "reduce_sum", "ReduceMax": "reduce_max"}
HIGHEST_OF_RELU6 = 6


@operator(*UNARY)
def unary(work: CoremlLowering, node: Node) -> Any:
    """Each number by itself."""
    return getattr(work.builder, UNARY[node.operator])(x=work.value(node.inputs[0]))


@operator("Neg")
def negative(work: CoremlLowering, node: Node) -> Any:
    """Each number with the other sign."""
    return work.builder.mul(x=work.value(node.inputs[0]), y=np.float32(-1))


@operator("Identity", "Dropout")
def identity(work: CoremlLowering, node: Node) -> Any:
    """The same array under another name."""
    return work.value(node.inputs[0])


@operator("LeakyRelu")
def leaky_relu(work: CoremlLowering, node: Node) -> Any:
    """Negative numbers by a factor."""
    alpha = np.float32(node.attributes.get("alpha", 0.01))
    return work.builder.leaky_relu(x=work.value(node.inputs[0]), alpha=alpha)


@operator("HardSigmoid")
def hard_sigmoid(work: CoremlLowering, node: Node) -> Any:
    """A straight line within 0 and 1."""
    alpha, beta = (
        np.float32(node.attributes.get(key, default))
        for key, default in (("alpha", 0.2), ("beta", 0.5))
    )
    return work.builder.sigmoid_hard(x=work.value(node.inputs[0]), alpha=alpha, beta=beta)


@operator("HardSwish")
def hard_swish(work: CoremlLowering, node: Node) -> Any:
    """A number times a straight line within 0 and 1."""
    x = work.value(node.inputs[0])
    line = work.builder.sigmoid_hard(x=x, alpha=np.float32(1 / 6), beta=np.float32(0.5))
    return work.builder.mul(x=x, y=line)


@operator("Clip")
def clip(work: CoremlLowering, node: Node) -> Any:
    """Numbers within limits."""
    x = work.value(node.inputs[0])
    low, high = (
        None if limit is None else np.float32(np.asarray(limit).reshape(()))
        for limit in (work.constant(node, place, "limits") for place in (1, 2))
    )
    if low == 0 and high == HIGHEST_OF_RELU6:
        return work.builder.relu6(x=x)
    if low is not None:
        x = work.builder.maximum(x=x, y=low)
    return x if high is None else work.builder.minimum(x=x, y=high)


@operator(*BINARY)
def binary(work: CoremlLowering, node: Node) -> Any:
    """Two arrays, number by number; Max and Min of several, two at a time."""
    operands = [work.value(name) for name in node.inputs]
    found = operands[0]
    for operand in operands[1:]:
        found = getattr(work.builder, BINARY[node.operator])(x=found, y=operand)
    return found


@operator("QuantizeLinear")
def quantize(work: CoremlLowering, node: Node) -> Any:
    """Whole numbers of 8 bits, as numbers with a point."""
    scale, zero = _scale(work, node)
    lowest, highest = (0, 255) if zero.dtype == np.uint8 else (-128, 127)
    divided = work.builder.mul(x=work.value(node.inputs[0]), y=1 / scale)
    moved = work.builder.add(x=work.builder.round(x=divided), y=np.float32(zero))
    within = work.builder.maximum(x=moved, y=np.float32(lowest))
    return work.builder.minimum(x=within, y=np.float32(highest))


@operator("DequantizeLinear")
def dequantize(work: CoremlLowering, node: Node) -> Any:
    """The numbers that such whole numbers stand for."""
    scale, zero = _scale(work, node)
    moved = work.builder.sub(x=work.value(node.inputs[0]), y=np.float32(zero))
    return work.builder.mul(x=moved, y=scale)


def _scale(work: CoremlLowering, node: Node) -> tuple[Any, Array]:
    """The scale and zero of a whole activation."""
    scale, zero = (work.constant(node, place, "scale") for place in (1, 2))
    if scale is None or zero is None or np.size(scale) != 1:
        raise lacking(f"{node.operator} with a scale for each channel")
    return np.float32(np.asarray(scale).reshape(())), np.asarray(zero).reshape(())


@operator("BatchNormalization")
def batch_normalization(work: CoremlLowering, node: Node) -> Any:
    """Each channel by the statistics of training."""
    scale, shift, mean, variance = (
        np.asarray(work.constant(node, place, "statistics"), np.float64) for place in range(1, 5)
    )
    factor = scale / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    across = (1, -1, *[1] * (len(work.shape(node.inputs[0])) - 2))
    factors, shifts = (
        numbers.astype(np.float32).reshape(across) for numbers in (factor, shift - mean * factor)
    )
    return work.builder.add(x=work.builder.mul(x=work.value(node.inputs[0]), y=factors), y=shifts)


def _windows(node: Node, axes: int) -> dict[str, Any]:
    """Strides and padding of a convolution or pooling on pictures of `axes` sides."""
    if node.attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise lacking(f"{node.operator} with auto_pad")
    pads = list(node.attributes.get("pads") or [0] * (2 * axes))
    between = [int(pads[place]) for axis in range(axes) for place in (axis, axes + axis)]
    strides = [int(step) for step in node.attributes.get("strides") or [1] * axes]
    return {"strides": strides, "pad_type": "custom", "pad": between}


@operator("Conv")
def conv(work: CoremlLowering, node: Node) -> Any:
    """A convolution with constant weights."""
    weight = work.constant(node, 1, "weights")
    bias = work.constant(node, 2, "biases")
    if weight is None:
        raise lacking("Conv without weights")
    axes = np.ndim(weight) - 2
    dilations = [int(step) for step in node.attributes.get("dilations") or [1] * axes]
    return work.builder.conv(
        x=work.value(node.inputs[0]),
        weight=np.asarray(weight, np.float32),
        bias=np.zeros(len(weight), np.float32) if bias is None else np.asarray(bias, np.float32),
        dilations=dilations,
        groups=int(node.attributes.get("group", 1)),
        **_windows(node, axes),
    )


@operator("MaxPool", "AveragePool")
def pool(work: CoremlLowering, node: Node) -> Any:
    """The largest number of each window, or the mean of those that are not padding."""
    sides = [int(side) for side in node.attributes["kernel_shape"]]
    if set(node.attributes.get("dilations") or [1]) != {1}:
        raise lacking(f"{node.operator} with dilations")
    fields = {"kernel_sizes": sides, **_windows(node, len(sides))}
    fields["ceil_mode"] = bool(node.attributes.get("ceil_mode", 0))
    x = work.value(node.inputs[0])
    if node.operator == "MaxPool":
        return work.builder.max_pool(x=x, **fields)
    counted = bool(node.attributes.get("count_include_pad", 0))
    if counted and fields["ceil_mode"]:
        raise lacking("AveragePool that counts its padding and rounds up")
    return work.builder.avg_pool(x=x, exclude_padding_from_average=not counted, **fields)


@operator("GlobalAveragePool")
def global_average_pool(work: CoremlLowering, node: Node) -> Any:
    """The mean of each channel; the axes stay."""
    axes = list(range(2, len(work.shape(node.inputs[0]))))
    return work.builder.reduce_mean(x=work.value(node.inputs[0]), axes=axes, keep_dims=True)


@operator("Gemm")
def gemm(work: CoremlLowering, node: Node) -> Any:
    """A product of a matrix with constant weights, and a sum."""
    return _linear(work, node, *work.dense(node))


@operator("MatMul")
def mat_mul(work: CoremlLowering, node: Node) -> Any:
    """A product of matrices."""
    if node.inputs[1] in work.graph.constants and len(work.shape(node.inputs[1])) == 2:
        weight = np.asarray(work.graph.constants[node.inputs[1]])
        return _linear(work, node, weight.T, np.zeros(weight.shape[1]))
    first, second = (work.value(name) for name in node.inputs)
    return work.builder.matmul(x=first, y=second)


def _linear(work: CoremlLowering, node: Node, rows: Array, biases: Array) -> Any:
    weight = np.ascontiguousarray(rows, np.float32)
    bias = np.asarray(biases, np.float32)
    return work.builder.linear(x=work.value(node.inputs[0]), weight=weight, bias=bias)


@operator("Softmax")
def softmax(work: CoremlLowering, node: Node) -> Any:
    """Shares that sum to 1 along an axis."""
    axis = int(node.attributes.get("axis", -1))
    return work.builder.softmax(x=work.value(node.inputs[0]), axis=axis)


@operator(*REDUCING)
def reduce(work: CoremlLowering, node: Node) -> Any:
    """One number over axes."""
    return getattr(work.builder, REDUCING[node.operator])(
        x=work.value(node.inputs[0]),
        axes=work.reduced_axes(node),
        keep_dims=bool(node.attributes.get("keepdims", 1)),
    )


@operator("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def view(work: CoremlLowering, node: Node) -> Any:
    """The same numbers in order, in another shape."""
    shape = [int(side) for side in work.shape(node.outputs[0])]
    return work.builder.reshape(x=work.value(node.inputs[0]), shape=shape)


@operator("Transpose")
def transpose(work: CoremlLowering, node: Node) -> Any:
    """The axes in another order."""
    axes = len(work.shape(node.inputs[0]))
    order = [int(axis) for axis in node.attributes.get("perm") or reversed(range(axes))]
    return work.builder.transpose(x=work.value(node.inputs[0]), perm=order)


@operator("Concat")
def concat(work: CoremlLowering, node: Node) -> Any:
    """Arrays one after the other along an axis."""
    values = [work.value(name) for name in node.inputs]
    return work.builder.concat(values=values, axis=int(node.attributes["axis"]))


@operator("Split")
def split(work: CoremlLowering, node: Node) -> Any:
    """Parts of an array along an axis."""
    sides = [work.shape(name) for name in node.outputs]
    return tuple(
        _slice(work, node, shape, *places)
        for shape, places in zip(sides, work.parts(node), strict=True)
    )


@operator("Slice")
def slice_(work: CoremlLowering, node: Node) -> Any:
    """A part of an array."""
    return _slice(work, node, work.shape(node.outputs[0]), *work.slice_places(node))


def _slice(
    work: CoremlLowering,
    node: Node,
    sides: Sequence[int],
    begins: Sequence[int],
    strides: Sequence[int],
) -> Any:
    ends = [b + (side - 1) * s + 1 for b, side, s in zip(begins, sides, strides, strict=True)]
    return work.builder.slice_by_index(
        x=work.value(node.inputs[0]), begin=list(begins), end=ends, stride=list(strides)
    )


@operator("Pad")
def pad(work: CoremlLowering, node: Node) -> Any:
    """An array with more around it, of one number."""
    if node.attributes.get("mode", "constant") not in ("constant", b"constant"):
        raise lacking("Pad that does not repeat one number")
    stated, value = work.constant(node, 1, "widths"), work.constant(node, 2, "number")
    pads = node.attributes.get("pads") if stated is None else stated
    if pads is None or min(pads) < 0 or len(node.inputs) > 3:
        raise lacking("Pad that takes away, or of some axes")
    axes = len(work.shape(node.inputs[0]))
    widths = [int(pads[place]) for axis in range(axes) for place in (axis, axes + axis)]
    number = np.float32(0 if value is None else np.asarray(value).reshape(()))
    x = work.value(node.inputs[0])
    return work.builder.pad(x=x, pad=widths, mode="constant", constant_val=number)


@operator("Gather")
def gather(work: CoremlLowering, node: Node) -> Any:
    """The rows of an axis that a constant names, in its order."""
    rows = work.constant(node, 1, "places")
    if rows is None or np.ndim(rows) > 1:
        raise lacking("Gather of places in several axes")
    shape = work.shape(node.inputs[0])
    axis = int(node.attributes.get("axis", 0)) % len(shape)
    places = np.asarray(rows, np.int32)
    places = np.where(places < 0, places + shape[axis], places).astype(np.int32)
    return work.builder.gather(x=work.value(node.inputs[0]), indices=places, axis=axis)


@operator("Resize")
def resize(work: CoremlLowering, node: Node) -> Any:
    """A picture of another size, by the nearest number or linearly."""
    source, out, mode, places = work.resized(node)
    x, whole = work.value(node.inputs[0]), all(b % a == 0 for a, b in zip(source, out, strict=True))
    if mode == "nearest" and places in ("asymmetric", "half_pixel") and whole:
        factors = [after // before for before, after in zip(source[2:], out[2:], strict=True)]
        return work.builder.upsample_nearest_neighbor(
            x=x, scale_factor_height=factors[0], scale_factor_width=factors[1]
        )
    if mode == "linear" and places in ("half_pixel", "pytorch_half_pixel"):
        return work.builder.resize_bilinear(
            x=x,
            target_size_height=out[2],
            target_size_width=out[3],
            sampling_mode="UNALIGN_CORNERS",
        )
    raise lacking(f"Resize with mode {mode} and {places}")
