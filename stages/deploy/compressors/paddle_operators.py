"""The operators of ONNX in Paddle, through which gradients flow: with them fine-tuning computes a
network.

An operator takes its inputs in their order, None for one that is left out, and its attributes by
name. Inputs are tensors of Paddle where they depend on the network's input; shapes and constants
are arrays of numpy. A picture's axes are [n, channels, height, width]."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import paddle
import paddle.nn.functional as F

from stages.runtime.backends import numpy_shapes  # noqa: F401 - registers its layers
from stages.runtime.backends.numpy_layers import LAYERS, registers

Operator = Callable[..., Any]
Tensor = Any  # of Paddle
Array = Any  # of numpy

TYPES = {1: "float32", 6: "int32", 7: "int64", 9: "bool", 11: "float64"}  # by ONNX's numbers
POOLS = {1: (F.max_pool1d, F.avg_pool1d), 2: (F.max_pool2d, F.avg_pool2d)}  # by spatial axes
CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d}

OPERATORS: dict[str, Operator] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: a / b,
    "Pow": lambda x, power: x**power,
    "Sqrt": paddle.sqrt,
    "Exp": paddle.exp,
    "Log": paddle.log,
    "Abs": paddle.abs,
    "Neg": lambda x: -x,
    "Tanh": paddle.tanh,
    "Relu": F.relu,
    "Sigmoid": F.sigmoid,
    "MatMul": paddle.matmul,
    "Identity": lambda x: x,
    "Flatten": LAYERS["Flatten"],  # arrays of numpy and tensors of Paddle are reshaped alike
    "Reshape": LAYERS["Reshape"],
    "Shape": lambda x, *, start=0, end=None: np.array(x.shape[start:end], np.int64),
}


operator = registers(OPERATORS)


@operator("Conv")
def conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor = None,
    *,
    kernel_shape: Sequence[int] = (),
    strides: Sequence[int] = (),
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> Tensor:
    """A convolution along one axis or two."""
    axes = x.ndim - 2
    units, padding = [1] * axes, _padding(pads, axes, auto_pad)
    return CONVOLUTIONS[axes](
        x, weight, bias, list(strides) or units, padding, list(dilations) or units, group
    )


@operator("MaxPool")
def max_pool(x: Tensor, **attributes: Any) -> Tensor:
    """The largest number of each window."""
    return _pooled(x, 0, **attributes)


@operator("AveragePool")
def average_pool(x: Tensor, *, count_include_pad: int = 0, **attributes: Any) -> Tensor:
    """The mean of each window; padding counts only with `count_include_pad`."""
    return _pooled(x, 1, exclusive=not count_include_pad, **attributes)


def _pooled(
    x: Tensor,
    kind: int,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] = (),
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    ceil_mode: int = 0,
    auto_pad: str = "NOTSET",
    storage_order: int = 0,
    **options: Any,
) -> Tensor:
    axes = x.ndim - 2
    if any(step != 1 for step in dilations):
        raise ValueError("pooling with dilations is not supported")
    padding = _padding(pads, axes, auto_pad)
    steps = list(strides) or [1] * axes
    return POOLS[axes][kind](
        x, list(kernel_shape), steps, padding, ceil_mode=bool(ceil_mode), **options
    )


def _padding(pads: Sequence[int], axes: int, auto_pad: str) -> list[int]:
    """ONNX has the widths before each axis, then those after; Paddle has pairs."""
    if auto_pad not in ("NOTSET", "VALID"):
        raise ValueError(f"auto_pad {auto_pad} is not supported")
    widths = list(pads) or [0] * 2 * axes
    if widths[:axes] == widths[axes:]:
        return widths[:axes]
    return [width for axis in range(axes) for width in (widths[axis], widths[axes + axis])]


@operator("GlobalAveragePool")
def global_average_pool(x: Tensor) -> Tensor:
    """The mean of each channel; the axes stay."""
    return x.mean(list(range(2, x.ndim)), keepdim=True)


@operator("BatchNormalization")
def batch_normalization(
    x: Tensor,
    scale: Tensor,
    shift: Tensor,
    mean: Tensor,
    variance: Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
) -> Tensor:
    """Each channel by the statistics of training."""
    factor = scale / paddle.sqrt(variance + epsilon)
    across = [-1, *[1] * (x.ndim - 2)]
    return x * factor.reshape(across) + (shift - mean * factor).reshape(across)


@operator("Gemm")
def gemm(
    a: Tensor,
    b: Tensor,
    c: Tensor = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Tensor:
    """A product of matrices, and a sum."""
    found = alpha * paddle.matmul(a, b, bool(transA), bool(transB))
    return found if c is None else found + beta * c


@operator("Max")
def maximum(first: Tensor, *further: Tensor) -> Tensor:
    """The largest of several numbers."""
    for other in further:
        first = paddle.maximum(first, other)
    return first


@operator("Min")
def minimum(first: Tensor, *further: Tensor) -> Tensor:
    """The smallest of several numbers."""
    for other in further:
        first = paddle.minimum(first, other)
    return first


@operator("Clip")
def clip(x: Tensor, low: Array = None, high: Array = None) -> Tensor:
    """Numbers within limits."""
    limits = [None if limit is None else float(limit) for limit in (low, high)]
    return paddle.clip(x, *limits)


@operator("HardSigmoid")
def hard_sigmoid(x: Tensor, *, alpha: float = 0.2, beta: float = 0.5) -> Tensor:
    """A straight line within 0 and 1."""
    return F.hardsigmoid(x, alpha, beta)


@operator("HardSwish")
def hard_swish(x: Tensor) -> Tensor:
    """A number, by the share that a straight line says."""
    return F.hardswish(x)


@operator("LeakyRelu")
def leaky_relu(x: Tensor, *, alpha: float = 0.01) -> Tensor:
    """Negative numbers by a factor."""
    return F.leaky_relu(x, alpha)


@operator("Softmax")
def softmax(x: Tensor, *, axis: int = -1) -> Tensor:
    """Shares that sum to 1 along an axis."""
    return F.softmax(x, axis)


@operator("ReduceMean")
def reduce_mean(
    x: Tensor, among: Array = None, *, axes: Sequence[int] = (), keepdims: int = 1
) -> Tensor:
    """The mean over axes."""
    return x.mean(_axes(axes, among), keepdim=bool(keepdims))


@operator("ReduceSum")
def reduce_sum(
    x: Tensor, among: Array = None, *, axes: Sequence[int] = (), keepdims: int = 1
) -> Tensor:
    """The sum over axes."""
    return x.sum(_axes(axes, among), keepdim=bool(keepdims))


@operator("ReduceMax")
def reduce_max(
    x: Tensor, among: Array = None, *, axes: Sequence[int] = (), keepdims: int = 1
) -> Tensor:
    """The largest number over axes."""
    return x.max(_axes(axes, among), keepdim=bool(keepdims))


def _axes(attribute: Sequence[int], among: Array) -> list[int] | None:
    """The axes, an attribute or an input by the operator's age; None for all."""
    return [int(axis) for axis in (attribute if among is None else among)] or None


@operator("Transpose")
def transpose(x: Tensor, *, perm: Sequence[int] = ()) -> Tensor:
    """The axes in another order, reversed by default."""
    return x.transpose(list(perm) or list(range(x.ndim))[::-1])


@operator("Unsqueeze")
def unsqueeze(x: Tensor, among: Array = None, *, axes: Sequence[int] = ()) -> Tensor:
    """New axes of side 1."""
    return x.unsqueeze(_axes(axes, among))


@operator("Squeeze")
def squeeze(x: Tensor, among: Array = None, *, axes: Sequence[int] = ()) -> Tensor:
    """Axes of side 1 left out, all by default."""
    return x.squeeze(_axes(axes, among))


@operator("Concat")
def concat(*inputs: Tensor, axis: int) -> Tensor:
    """Tensors one after the other."""
    return paddle.concat(list(inputs), axis)


@operator("Split")
def split(
    x: Tensor, sizes: Array = None, *, axis: int = 0, split: Sequence[int] = ()
) -> tuple[Tensor, ...]:
    """Parts of a tensor along an axis, of these sizes."""
    parts = [int(size) for size in (split if sizes is None else sizes)]
    return tuple(paddle.split(x, parts, axis))


@operator("Slice")
def slice_(
    x: Tensor, starts: Array, ends: Array, axes: Array = None, steps: Array = None
) -> Tensor:
    """A part of a tensor."""
    places = range(len(starts)) if axes is None else axes
    strides = [1] * len(starts) if steps is None else steps
    taken = [slice(None)] * x.ndim
    for axis, start, end, step in zip(places, starts, ends, strides, strict=True):
        side = x.shape[axis]  # ends beyond it stand for it
        taken[axis] = slice(int(start), int(min(end, side)), int(step))
    return x[tuple(taken)]


@operator("Gather")
def gather(x: Tensor, indices: Array, *, axis: int = 0) -> Tensor:
    """The rows of an axis that are named."""
    rows = paddle.to_tensor(np.asarray(indices, np.int64) % x.shape[axis])
    found = paddle.index_select(x, rows.reshape([-1]), axis)
    return found.reshape([*x.shape[:axis], *indices.shape, *x.shape[axis:][1:]])


@operator("Cast")
def cast(x: Tensor, *, to: int) -> Tensor:
    """Another type of numbers."""
    return x.astype(TYPES[to])


@operator("Pad")
def pad(
    x: Tensor, pads: Array, value: Tensor = None, axes: Array = None, *, mode: str = "constant"
) -> Tensor:
    """A tensor with a number around it."""
    if mode != "constant" or axes is not None:
        raise ValueError(f"Pad with mode {mode} is not supported")
    widths = [int(width) for pair in pads.reshape(2, -1).T for width in pair]
    filler = 0.0 if value is None else float(value)
    return F.pad(x, widths, value=filler, pad_from_left_axis=True)


@operator("Resize")
def resize(
    x: Tensor,
    region: Array = None,
    scales: Any = None,
    sizes: Array = None,
    *,
    mode: str = "nearest",
    **attributes: Any,
) -> Tensor:
    """A picture a whole number of times as large, each pixel repeated, whatever lies between."""
    factors = np.asarray(scales) if scales is not None else np.array(sizes) / x.shape
    repeats = [int(factor) for factor in factors]
    if mode != "nearest" or not np.array_equal(factors, repeats) or min(repeats) < 1:
        raise ValueError(f"Resize with mode {mode} by {factors.tolist()} is not supported")
    for axis, times in enumerate(repeats):
        x = x if times == 1 else paddle.repeat_interleave(x, times, axis)
    return x
