"""The weights of a network's layers, and how they are rounded to 8 bits: symmetric, with a scale
for each output channel."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVELS = 127  # signed, symmetric
OUTPUT_AXES = {"Conv": 0, "ConvTranspose": 1, "MatMul": -1, "Gemm": 1}  # of Gemm without transB

Floats = NDArray[np.float32]


class LayerWeights(NamedTuple):
    """A layer's `node`, the name of its weights, and the axis of their output channels."""

    node: Any
    weights: str
    axis: int


class Rounded(NamedTuple):
    """Weights as `values`, int8, times `scales`, which have a number for each output channel and
    the sides 1 elsewhere."""

    values: NDArray[np.int8]
    scales: Floats

    @property
    def dequantised(self) -> Floats:
        """The weights as float32."""
        weights: Floats = self.values.astype(np.float32) * self.scales
        return weights


def layers_with_weights(graph: Any) -> Iterator[LayerWeights]:
    """The convolutions and matrix products of an ONNX `graph` whose weights are constants."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type not in OUTPUT_AXES or len(node.input) < 2:
            continue
        weights = constants.get(node.input[1])
        if weights is not None and len(weights.dims) >= 2:
            turned = any(item.name == "transB" and item.i for item in node.attribute)
            axis = 0 if turned else OUTPUT_AXES[node.op_type]
            yield LayerWeights(node, node.input[1], axis % len(weights.dims))


def rounded(weights: Floats, axis: int) -> Rounded:
    """`weights` in 8 bits, with a scale for each channel of `axis`."""
    other_axes = tuple(place for place in range(weights.ndim) if place != axis)
    scales = np.abs(weights).max(axis=other_axes, keepdims=True).astype(np.float32) / LEVELS
    scales[scales == 0] = 1
    whole = np.clip(np.rint(weights / scales), -LEVELS, LEVELS)  # tiny scales are inexact
    return Rounded(whole.astype(np.int8), scales)
