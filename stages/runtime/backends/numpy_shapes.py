"""Further layers of the numpy engine: those that work number by number, over axes, and on
shapes."""

from collections.abc import Sequence

import numpy as np

from .numpy_layers import LAYERS, Array, layer

# By ONNX's numbers for types of tensors.
TYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 9: np.bool_}
TYPES |= {10: np.float16, 11: np.float64}

LAYERS.update(
    {
        "Add": np.add,
        "Sub": np.subtract,
        "Mul": np.multiply,
        "Pow": lambda x, power: np.power(x, power).astype(x.dtype),
        "Sqrt": np.sqrt,
        "Exp": np.exp,
        "Log": np.log,
        "Abs": np.abs,
        "Neg": np.negative,
        "Tanh": np.tanh,
        "Floor": np.floor,
        "MatMul": np.matmul,
        "Max": lambda *inputs: np.maximum.reduce(inputs),
        "Min": lambda *inputs: np.minimum.reduce(inputs),
        "Identity": lambda x: x,
        "Relu": lambda x: np.maximum(x, 0),
        "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "Where": np.where,
        "Shape": lambda x, *, start=0, end=None: np.array(x.shape[start:end], np.int64),
        "Expand": lambda x, shape: x * np.ones(shape, x.dtype),
        "Tile": np.tile,
    }
)


@layer("Div")
def divide(a: Array, b: Array) -> Array:
    """A quotient; one of integers is cut off towards zero."""
    return np.trunc(a / b).astype(a.dtype) if a.dtype.kind in "iu" else a / b


@layer("Clip")
def clip(x: Array, low: Array | None = None, high: Array | None = None) -> Array:
    """Numbers within limits."""
    return x if low is None and high is None else np.clip(x, low, high)


@layer("HardSigmoid")
def hard_sigmoid(x: Array, *, alpha: float = 0.2, beta: float = 0.5) -> Array:
    """A straight line within 0 and 1."""
    return np.clip(np.float32(alpha) * x + np.float32(beta), 0, 1)


@layer("HardSwish")
def hard_swish(x: Array) -> Array:
    """A number, by the share that a straight line says."""
    return x * np.clip(x / np.float32(6) + np.float32(0.5), 0, 1)


@layer("LeakyRelu")
def leaky_relu(x: Array, *, alpha: float = 0.01) -> Array:
    """Negative numbers by a factor."""
    return np.where(x < 0, np.float32(alpha) * x, x)


@layer("Softmax")
def softmax(x: Array, *, axis: int = -1) -> Array:
    """Shares that sum to 1 along an axis."""
    grown = np.exp(x - x.max(axis=axis, keepdims=True))
    return grown / grown.sum(axis=axis, keepdims=True)


@layer("ReduceMean")
def reduce_mean(
    x: Array, among: Array | None = None, *, axes: Sequence[int] = (), keepdims: int = 1
) -> Array:
    """The mean over axes."""
    return np.mean(x, _axes(axes, among), keepdims=bool(keepdims), dtype=x.dtype)


@layer("ReduceSum")
def reduce_sum(
    x: Array, among: Array | None = None, *, axes: Sequence[int] = (), keepdims: int = 1
) -> Array:
    """The sum over axes."""
    return np.sum(x, _axes(axes, among), keepdims=bool(keepdims), dtype=x.dtype)


@layer("ReduceMax")
def reduce_max(
    x: Array, among: Array | None = None, *, axes: Sequence[int] = (), keepdims: int = 1
) -> Array:
    """The largest number over axes."""
    return np.max(x, _axes(axes, among), keepdims=bool(keepdims))


def _axes(attribute: Sequence[int], among: Array | None) -> tuple[int, ...] | None:
    """The axes to reduce, an attribute or an input by the operator's age; None for all."""
    found = attribute if among is None else among
    return tuple(int(axis) for axis in found) or None


@layer("Flatten")
def flatten(x: Array, *, axis: int = 1) -> Array:
    """A matrix of the axes before `axis`, and of the others."""
    return x.reshape([int(np.prod(x.shape[:axis])), -1])


@layer("Reshape")
def reshape(x: Array, shape: Array, *, allowzero: int = 0) -> Array:
    """Another shape; a 0 keeps the side, unless `allowzero`."""
    sides = [int(side) for side in shape]
    if not allowzero:
        sides = [side or x.shape[place] for place, side in enumerate(sides)]
    return x.reshape(sides)


@layer("Transpose")
def transpose(x: Array, *, perm: Sequence[int] = ()) -> Array:
    """The axes in another order, reversed by default."""
    return x.transpose(perm or None)


@layer("Unsqueeze")
def unsqueeze(x: Array, among: Array | None = None, *, axes: Sequence[int] = ()) -> Array:
    """New axes of side 1."""
    return np.expand_dims(x, tuple(int(axis) for axis in (axes if among is None else among)))


@layer("Squeeze")
def squeeze(x: Array, among: Array | None = None, *, axes: Sequence[int] = ()) -> Array:
    """Axes of side 1 left out, all by default."""
    return np.squeeze(x, _axes(axes, among))


@layer("Concat")
def concat(*inputs: Array, axis: int) -> Array:
    """Arrays one after the other."""
    return np.concatenate(inputs, axis)


@layer("Split")
def split(
    x: Array, sizes: Array | None = None, *, axis: int = 0, split: Sequence[int] = ()
) -> tuple[Array, ...]:
    """Parts of an array along an axis, of these sizes."""
    parts = sizes if sizes is not None else np.array(split)
    return tuple(np.split(x, np.cumsum(parts)[:-1], axis))


@layer("Slice")
def slice_(
    x: Array,
    starts: Array,
    ends: Array,
    axes: Array | None = None,
    steps: Array | None = None,
) -> Array:
    """A part of an array."""
    places = range(len(starts)) if axes is None else axes
    strides = [1] * len(starts) if steps is None else steps
    taken = [slice(None)] * x.ndim
    for axis, start, end, step in zip(places, starts, ends, strides, strict=True):
        begins_behind = step < 0 and end < -x.shape[axis]  # ONNX's way to say: to the first
        taken[axis] = slice(int(start), None if begins_behind else int(end), int(step))
    return x[tuple(taken)]


@layer("Gather")
def gather(x: Array, indices: Array, *, axis: int = 0) -> Array:
    """The rows of an axis that are named."""
    return np.take(x, indices, axis)


@layer("Cast")
def cast(x: Array, *, to: int) -> Array:
    """Another type of numbers."""
    if to not in TYPES:
        raise ValueError(f"Cast to type {to} is not supported")
    return x.astype(TYPES[to])


@layer("Constant")
def constant(*, value: Array) -> Array:
    """An array that the network has."""
    return value


@layer("ConstantOfShape")
def constant_of_shape(shape: Array, *, value: Array | None = None) -> Array:
    """An array of one number, 0 by default."""
    filler = np.zeros(1, np.float32) if value is None else value
    return np.full([int(side) for side in shape], filler[0], filler.dtype)


@layer("Pad")
def pad(
    x: Array,
    pads: Array,
    value: Array | None = None,
    axes: Array | None = None,
    *,
    mode: str = "constant",
) -> Array:
    """An array with more around it."""
    named = list(range(x.ndim)) if axes is None else [int(axis) for axis in axes]
    widths = [(0, 0)] * x.ndim
    for place, axis in enumerate(named):
        widths[axis] = (int(pads[place]), int(pads[place + len(named)]))
    if mode == "constant":
        filler = 0 if value is None else value.reshape(-1)[0]
        return np.pad(x, widths, constant_values=filler)
    if mode == "edge":
        return np.pad(x, widths, mode="edge")
    if mode == "reflect":
        return np.pad(x, widths, mode="reflect")
    raise ValueError(f"Pad with mode {mode} is not supported")
