"""The layers of the numpy engine: one function for each operator of ONNX that it knows.

Each is written as ONNX defines the operator, as plainly as numpy allows. A layer takes the
operator's inputs in their order, None for one that is left out, and its attributes by name; it
returns one array or a tuple of them. A picture's axes are [n, channels, height, width]."""

from collections.abc import Callable, Sequence
from itertools import product
from math import ceil, floor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = Any  # an array of numpy; of which type, the operator's definition says
Layer = Callable[..., Any]
Function = TypeVar("Function", bound=Callable[..., Any])
Places = tuple[slice, ...]

LAYERS: dict[str, Layer] = {}


def registers(table: dict[str, Function]) -> Callable[..., Callable[[Function], Function]]:
    """A decorator that registers the function below in `table`, as the one of the operators that
    are its arguments."""

    def of_operators(*operators: str) -> Callable[[Function], Function]:
        def register(function: Function) -> Function:
            table.update(dict.fromkeys(operators, function))
            return function

        return register

    return of_operators


layer = registers(LAYERS)


@layer("Conv")
def conv(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    kernel_shape: Sequence[int] = (),
    strides: Sequence[int] = (),
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    group: int = 1,
    auto_pad: str = "NOTSET",
) -> Array:
    """A convolution as a sum over the places of its kernel: of each place one product of matrices,
    or of numbers where each channel is a group of its own."""
    sides = weight.shape[2:]
    if x.ndim != weight.ndim or x.shape[1] != weight.shape[1] * group:
        raise ValueError(f"weights of {weight.shape} in {group} groups do not fit {x.shape}")
    windows = _Windows(sides, strides, dilations, pads, auto_pad)
    padded, out = windows.padded(x, 0.0), windows.counts(x.shape[2:])
    total = np.zeros((len(x), len(weight), *out), np.float32)
    grouped = (len(x), group, -1, int(np.prod(out)))
    for place in product(*map(range, sides)):
        patch = padded[(..., *windows.at(place, out))]
        kernel = weight[(..., *place)]
        if kernel.shape[1] == 1 and group == len(weight):
            total += patch * kernel.reshape(-1, *[1] * len(sides))
        else:
            of_group = kernel.reshape(group, -1, kernel.shape[1])
            total += (of_group @ patch.reshape(grouped)).reshape(total.shape)
    return total if bias is None else total + bias.reshape(-1, *[1] * len(sides))


@layer("MaxPool")
def max_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] = (),
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    ceil_mode: int = 0,
    auto_pad: str = "NOTSET",
    storage_order: int = 0,
) -> Array:
    """The largest number of each window."""
    windows = _Windows(kernel_shape, strides, dilations, pads, auto_pad, bool(ceil_mode))
    padded, out = windows.padded(x, -np.inf), windows.counts(x.shape[2:])
    places = product(*map(range, kernel_shape))
    return np.maximum.reduce([padded[(..., *windows.at(place, out))] for place in places])


@layer("AveragePool")
def average_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] = (),
    pads: Sequence[int] = (),
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    auto_pad: str = "NOTSET",
) -> Array:
    """The mean of each window; padding counts only with `count_include_pad`."""
    windows = _Windows(kernel_shape, strides, (), pads, auto_pad, bool(ceil_mode))
    out = windows.counts(x.shape[2:])
    counted = windows.padded(np.ones((1, 1, *x.shape[2:]), np.float32), float(count_include_pad))
    padded, places = windows.padded(x, 0.0), list(product(*map(range, kernel_shape)))
    total = sum(padded[(..., *windows.at(place, out))] for place in places)
    return total / sum(counted[(..., *windows.at(place, out))] for place in places)


class _Windows:
    """The windows of a convolution or a pooling: kernel `sides`, `strides` and `dilations` for each
    axis, and `pads`: those before each axis, then those after."""

    def __init__(
        self,
        sides: Sequence[int],
        strides: Sequence[int],
        dilations: Sequence[int],
        pads: Sequence[int],
        auto_pad: str,
        rounds_up: bool = False,
    ) -> None:
        if auto_pad not in ("NOTSET", "VALID"):
            raise ValueError(f"auto_pad {auto_pad} is not supported")
        axes = len(sides)
        self.strides = strides or (1,) * axes
        self.dilations = dilations or (1,) * axes
        self.before = tuple(pads[:axes]) or (0,) * axes
        self.after = tuple(pads[axes:]) or (0,) * axes
        self.rounds_up = rounds_up
        self.extents = [1 + (side - 1) * step for side, step in zip(sides, self.dilations)]  # noqa: B905

    def counts(self, shape: Sequence[int]) -> list[int]:
        """How many windows there are along each axis of a picture of `shape`."""
        return [
            self._count(axis, side + self.before[axis] + self.after[axis])
            for axis, side in enumerate(shape)
        ]

    def _count(self, axis: int, side: int) -> int:
        steps = (side - self.extents[axis]) / self.strides[axis]
        if not self.rounds_up:
            return floor(steps) + 1
        count = ceil(steps) + 1  # but none begins in the padding behind
        begins = (count - 1) * self.strides[axis]
        return count - (begins >= side - self.after[axis])

    def padded(self, x: Array, value: float) -> Array:
        """`x` with `value` around it, and behind it as much as the last windows reach beyond."""
        counts = self.counts(x.shape[2:])
        widths = [(0, 0), (0, 0)]
        for axis, side in enumerate(x.shape[2:]):
            reach = (counts[axis] - 1) * self.strides[axis] + self.extents[axis]
            behind = max(self.after[axis], reach - side - self.before[axis])
            widths.append((self.before[axis], behind))
        return np.pad(x, widths, constant_values=value) if np.any(widths) else x

    def at(self, place: Sequence[int], counts: Sequence[int]) -> Places:
        """The slices, of the padded picture, with the number at `place` of each window."""
        starts = [index * step for index, step in zip(place, self.dilations)]  # noqa: B905
        return tuple(
            slice(start, start + (count - 1) * stride + 1, stride)
            for start, count, stride in zip(starts, counts, self.strides, strict=True)
        )


@layer("GlobalAveragePool")
def global_average_pool(x: Array) -> Array:
    """The mean of each channel; the axes stay."""
    return x.mean(axis=tuple(range(2, x.ndim)), keepdims=True, dtype=np.float32)


@layer("BatchNormalization")
def batch_normalization(
    x: Array,
    scale: Array,
    shift: Array,
    mean: Array,
    variance: Array,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
) -> Array:
    """Each channel by the statistics of training."""
    factor = scale / np.sqrt(variance + np.float32(epsilon))
    across = (-1, *[1] * (x.ndim - 2))
    return x * factor.reshape(across) + (shift - mean * factor).reshape(across)


@layer("Gemm")
def gemm(
    a: Array,
    b: Array,
    c: Array | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Array:
    """A product of matrices, and a sum."""
    found = np.float32(alpha) * ((a.T if transA else a) @ (b.T if transB else b))
    return found if c is None else found + np.float32(beta) * c


@layer("Resize")
def resize(
    x: Array,
    region: Array | None = None,
    scales: Array | None = None,
    sizes: Array | None = None,
    *,
    mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel",
    nearest_mode: str = "round_prefer_floor",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
) -> Array:
    """A picture of another size, by the nearest number or linearly between two, along each axis."""
    by_scales = scales is not None and len(scales) > 0
    factors = scales if by_scales else np.asarray(sizes) / np.array(x.shape)
    for axis, factor in enumerate(np.asarray(factors)):
        side = floor(x.shape[axis] * factor + 1e-6)
        if side == x.shape[axis]:
            continue
        places = _places(x.shape[axis], side, float(factor), coordinate_transformation_mode)
        if mode == "nearest":
            x = np.take(x, _nearest(places, x.shape[axis], nearest_mode), axis=axis)
        elif mode == "linear":
            x = _between(x, places, axis)
        else:
            raise ValueError(f"Resize with mode {mode} is not supported")
    return x


def _places(side: int, out: int, factor: float, mode: str) -> NDArray[np.float64]:
    """The place in `side` numbers of each of `out`, with `factor` of them for each."""
    index = np.arange(out, dtype=np.float64)
    if mode == "asymmetric":
        return index / factor
    if mode == "align_corners":
        return index * (side - 1) / max(out - 1, 1)
    if mode == "pytorch_half_pixel" and out == 1:
        return np.zeros(1)
    if mode in ("half_pixel", "pytorch_half_pixel"):
        return (index + 0.5) / factor - 0.5
    raise ValueError(f"Resize with {mode} is not supported")


def _nearest(places: NDArray[np.float64], side: int, mode: str) -> Array:
    rounding: dict[str, Layer] = {
        "floor": np.floor,
        "ceil": np.ceil,
        "round_prefer_floor": lambda place: np.ceil(place - 0.5),
        "round_prefer_ceil": lambda place: np.floor(place + 0.5),
    }
    return np.clip(rounding[mode](places), 0, side - 1).astype(np.int64)


def _between(x: Array, places: NDArray[np.float64], axis: int) -> Array:
    last = x.shape[axis] - 1
    within = np.clip(places, 0, last)
    low = np.floor(within).astype(np.int64)
    share = (within - low).astype(np.float32).reshape([-1, *[1] * (x.ndim - axis - 1)])
    below, above = np.take(x, low, axis), np.take(x, np.minimum(low + 1, last), axis)
    return below * (1 - share) + above * share


@layer("QuantizeLinear")
def quantize_linear(x: Array, scale: Array, zero: Array | None = None, *, axis: int = 1) -> Array:
    """Numbers as integers of 8 bits, rounded to the nearest, ties to even."""
    kind = np.uint8 if zero is None else zero.dtype
    limits = np.iinfo(kind)
    offset = 0 if zero is None else _along(zero.astype(np.float32), x.ndim, axis)
    rounded = np.rint(x / _along(scale, x.ndim, axis)) + offset
    return np.clip(rounded, limits.min, limits.max).astype(kind)


@layer("DequantizeLinear")
def dequantize_linear(x: Array, scale: Array, zero: Array | None = None, *, axis: int = 1) -> Array:
    """Integers as the numbers that they stand for."""
    offset = np.float32(0) if zero is None else _along(zero.astype(np.float32), x.ndim, axis)
    return (x.astype(np.float32) - offset) * _along(scale, x.ndim, axis)


def _along(values: Array, axes: int, axis: int) -> Array:
    """`values` in a shape that is multiplied along `axis` of `axes`; one number as it is."""
    if values.ndim == 0 or values.size == 1:
        return values.reshape(())
    return values.reshape([-1 if place == axis % axes else 1 for place in range(axes)])
