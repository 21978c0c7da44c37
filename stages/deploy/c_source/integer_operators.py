"""Operators in 8 bits: sums of whole numbers, brought to the output's scale by a whole factor and a
shift (Jacob et al. 2018, Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference, arXiv 1712.05877)."""

from collections.abc import Callable, Sequence
from math import frexp, inf

import numpy as np

from stages.deploy.c_source.graph import DEQUANTIZE, QUANTIZE, Node, QuantizedConstant
from stages.deploy.c_source.lowering import (
    LEVELS,
    Array,
    Lowering,
    Quantization,
    Value,
    lacking,
    operator,
)
from stages.deploy.c_source.windows import Geometry
from stages.runtime.backends.numpy_layers import LAYERS

FACTOR_BITS = 30  # of the whole factor
MOST_SHIFT = 62


@operator(QUANTIZE)
def quantize(work: Lowering, node: Node) -> None:
    target, source = work.quantization(node), work.values[node.inputs[0]]
    if source.quantization:
        work.values[node.outputs[0]] = rescaled(work, node.inputs[0], target)
        return
    work.values[node.outputs[0]] = work.emit(
        "quantize_u8",
        [source.buffer],
        source.shape,
        [source.size, target.scale, target.zero],
        quantization=target,
        in_place=True,
    )


@operator(DEQUANTIZE)
def dequantize(work: Lowering, node: Node) -> None:
    """Nothing happens yet: a float32 kernel that needs the numbers dequantizes them."""
    source = work.values[node.inputs[0]]
    if source.quantization != work.quantization(node):
        raise lacking("DequantizeLinear with another scale than the QuantizeLinear before it")
    work.values[node.outputs[0]] = source


def rescaled(work: Lowering, name: str, target: Quantization) -> Value:
    """The 8-bit value `name` in the scale and zero of `target`."""
    source = work.values[name]
    if source.quantization == target:
        return source
    return _lookup(work, source, target, lambda values: values)


def integer_pointwise(work: Lowering, node: Node) -> Value | None:
    """A function of 8-bit numbers as a table; None if they are not, before and after it."""
    source, target = work.values[node.inputs[0]], work.quantized_next(node.outputs[0])
    if source.quantization is None or target is None:
        return None
    further = [work.constant(node, place, "limit") for place in range(1, len(node.inputs))]
    return _lookup(
        work,
        source,
        target,
        lambda values: LAYERS[node.operator](values, *further, **node.attributes),
    )


def _lookup(
    work: Lowering, source: Value, target: Quantization, function: Callable[[Array], Array]
) -> Value:
    """The 8-bit numbers of `function` of those of `source`, by a table."""
    scale, zero = source.quantization or target
    levels = np.arange(LEVELS, dtype=np.float32) - np.float32(zero)
    values = function(levels * np.float32(scale))
    places = np.rint(np.asarray(values, np.float64) / target.scale) + target.zero
    table = np.clip(places, 0, LEVELS - 1).astype(np.uint8)
    return work.emit(
        "lookup_u8",
        [source.buffer, table],
        source.shape,
        [source.size],
        quantization=target,
        in_place=True,
    )


def integer_conv(
    work: Lowering,
    node: Node,
    limits: tuple[float, float],
    name: str,
    window: Geometry,
) -> Value | None:
    """A convolution or product of 8-bit numbers with weights in 8 bits; `name`: what is computed
    with the activation. None if activations, weights or the output are in float32, or if a sum of
    them may not fit 32 bits."""
    source, target = work.values[node.inputs[0]], work.quantized_next(name)
    weights = work.graph.quantized.get(node.inputs[1])
    if source.quantization is None or target is None or weights is None or weights.zero:
        return None
    if weights.values.dtype != np.int8 or not _by_output(node, weights):
        return None
    stored = _rows(node, weights.values)
    scales = np.broadcast_to(weights.scale, len(stored)).astype(np.float64)
    scales = scales * source.quantization.scale
    bias = work.constant(node, 2, "bias")
    offsets = np.zeros(len(stored)) if bias is None else np.asarray(bias, np.float64).reshape(-1)
    if not fit_32_bits(stored, offsets / scales, source.quantization.zero):
        return None
    factors, shifts = zip(*(whole_factor(scale / target.scale) for scale in scales), strict=True)
    low, high = (_clamped(limit, target) for limit in limits)
    return work.emit(
        "conv_u8",
        [
            source.buffer,
            stored,
            np.rint(offsets / scales).astype(np.int32),
            np.array(factors, np.int32),
            np.array(shifts, np.uint8),
        ],
        work.graph.shapes[node.outputs[0]],
        [window.record, source.quantization.zero, target.zero, low, high],
        quantization=target,
    )


def fit_32_bits(weights: Array, biases: Array, zero: int) -> bool:
    """Whether no sum of a convolution, not even on its way, can leave int32: `weights` of each
    output, its bias in the sum's scale, and the `zero` of the inputs, of 0 to 255."""
    largest = max(zero, LEVELS - 1 - zero)
    reach = np.abs(weights.reshape(len(weights), -1).astype(np.int64)).sum(axis=1) * largest
    return bool(np.all(np.abs(biases) + reach < 2**31 - 1))


def _by_output(node: Node, weights: QuantizedConstant) -> bool:
    """Whether there is one scale, or one for each output."""
    outputs = 0 if node.operator == "Conv" or node.attributes.get("transB") else 1
    return weights.scale.size == 1 or weights.axis == outputs


def _rows(node: Node, values: Array) -> Array:
    """Stored weights with the outputs first."""
    if node.operator == "Conv" or node.attributes.get("transB"):
        return values
    return np.ascontiguousarray(values.T)


def _clamped(limit: float, target: Quantization) -> int:
    """`limit` as an 8-bit number."""
    if abs(limit) == inf:
        return 0 if limit < 0 else LEVELS - 1
    return int(np.clip(np.rint(limit / target.scale) + target.zero, 0, LEVELS - 1))


def integer_add(work: Lowering, node: Node) -> Value | None:
    """A sum of two arrays of 8-bit numbers of the same shape; None if it is another."""
    if node.operator != "Add" or not set(node.inputs) <= set(work.values):
        return None
    first, second = (work.values[name] for name in node.inputs)
    target = work.quantized_next(node.outputs[0])
    if not (first.quantization and second.quantization and target and first.shape == second.shape):
        return None
    scales = [first.quantization.scale / target.scale, second.quantization.scale / target.scale]
    factors, shift = whole_factors(scales)
    return work.emit(
        "add_u8",
        [first.buffer, second.buffer],
        first.shape,
        [
            first.size,
            *(first.quantization.zero, factors[0], second.quantization.zero, factors[1]),
            *(shift, target.zero),
        ],
        quantization=target,
        in_place=True,
    )


def integer_average(work: Lowering, node: Node, window: Geometry) -> Value | None:
    """Means of windows of 8-bit numbers; None if before or after it they are in float32."""
    source, target = work.values[node.inputs[0]], work.quantized_next(node.outputs[0])
    if source.quantization is None or target is None:
        return None
    # the mean of many numbers needs an exact division: the factor keeps room for their sum
    factor, shift = whole_factor(source.quantization.scale / target.scale)
    if window.area * 2**shift >= 2**MOST_SHIFT:
        return None
    return work.emit(
        "average_pool_u8",
        [source.buffer],
        work.graph.shapes[node.outputs[0]],
        [window.record, source.quantization.zero, factor, shift, target.zero],
        quantization=target,
    )


def whole_factor(scale: float) -> tuple[int, int]:
    """A factor below 2**31 and a shift with factor / 2**shift = `scale`, to 30 bits."""
    (factor,), shift = whole_factors([scale])
    return factor, shift


def whole_factors(scales: Sequence[float]) -> tuple[list[int], int]:
    """Factors below 2**31 for one shift: factor / 2**shift is each of `scales`. Raises ConfigError
    for a scale that is no positive number or above 2**20."""
    largest = max(scales)
    if not (min(scales) > 0 and largest < 2**20):
        raise lacking(f"a ratio of 8-bit scales of {largest:.3g}")
    shift = min(MOST_SHIFT, FACTOR_BITS - frexp(largest)[1])
    return [round(scale * 2.0**shift) for scale in scales], shift
