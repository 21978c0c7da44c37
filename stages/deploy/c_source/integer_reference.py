"""What an 8-bit network computes in whole numbers, in numpy: the reference for the C kernels.

It runs the nodes of the graph as ONNX defines them. Values that were quantized stay whole numbers;
products of them with weights are summed as such, and rounded once, at the next quantization."""

from collections.abc import Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.deploy.c_source.graph import DEQUANTIZE, QUANTIZE, Array, Graph, Node
from stages.runtime.backends.numpy_layers import LAYERS


class WholeNumbers(NamedTuple):
    """An array of whole numbers, without their zero, and the scale of each of them."""

    values: NDArray[np.int64]
    scale: float

    @property
    def floats(self) -> NDArray[np.float64]:
        return np.asarray(self.values * self.scale, np.float64)


def reference_outputs(graph: Graph, window: NDArray[np.float32]) -> NDArray[np.float64]:
    """The output of `graph` for `window`, [1, ...]."""
    values: dict[str, Array | WholeNumbers] = {**graph.constants, graph.input: window}
    for node in graph.nodes:
        found = _computed(node, values, graph)
        several = isinstance(found, tuple) and not isinstance(found, WholeNumbers)
        values.update(zip(node.outputs, found if several else (found,), strict=False))
    return np.asarray(_floats(values[graph.output]), np.float64)


def _computed(node: Node, values: Mapping[str, Array | WholeNumbers], graph: Graph) -> Any:
    operands = [values[name] if name else None for name in node.inputs]
    first = operands[0]
    if node.operator == QUANTIZE:
        return _quantized(node, _floats(first), graph)
    if node.operator == DEQUANTIZE:
        return first
    if node.operator in ("Conv", "Gemm", "MatMul") and isinstance(first, WholeNumbers):
        stored = graph.quantized.get(node.inputs[1])
        if stored is not None:
            return _product(node, first, graph)
    floats = [None if value is None else _floats(value) for value in operands]
    return LAYERS[node.operator](*floats, **node.attributes)


def _floats(value: object) -> Array:
    return value.floats if isinstance(value, WholeNumbers) else np.asarray(value)


def _quantized(node: Node, values: Array, graph: Graph) -> WholeNumbers:
    scale = float(np.asarray(graph.constants[node.inputs[1]]).reshape(()))
    zero = int(np.asarray(graph.constants[node.inputs[2]]).reshape(()))
    found = np.clip(np.rint(values / scale) + zero, 0, 255) - zero
    return WholeNumbers(found.astype(np.int64), scale)


def _product(node: Node, source: WholeNumbers, graph: Graph) -> NDArray[np.float64]:
    """A convolution or a product of matrices, of whole numbers, times the scales."""
    stored = graph.quantized[node.inputs[1]]
    weights = stored.values.astype(np.int64)
    across: tuple[int, ...] = (-1,)
    if node.operator == "Conv":
        sums = _convolved(node, source.values, weights)
        across = (-1, 1, 1)
    else:
        sums = source.values @ (weights.T if node.attributes.get("transB") else weights)
    found: NDArray[np.float64] = sums * (stored.scale.astype(np.float64) * source.scale).reshape(
        across
    )
    if len(node.inputs) > 2 and node.inputs[2]:
        found = found + np.asarray(graph.constants[node.inputs[2]], np.float64).reshape(across)
    return found


def _convolved(node: Node, values: NDArray[np.int64], weights: Array) -> NDArray[np.int64]:
    attributes = node.attributes
    top, left, bottom, right = attributes.get("pads") or (0, 0, 0, 0)
    down, along = attributes.get("strides") or (1, 1)
    row_step, column_step = attributes.get("dilations") or (1, 1)
    padded = np.pad(values, [(0, 0), (0, 0), (top, bottom), (left, right)])
    high, wide = weights.shape[2:]
    height = (padded.shape[2] - (high - 1) * row_step - 1) // down + 1
    width = (padded.shape[3] - (wide - 1) * column_step - 1) // along + 1
    groups = attributes.get("group", 1)
    total = np.zeros((groups, len(weights) // groups, height * width), np.int64)
    for row, column in product(range(high), range(wide)):
        rows = padded[:, :, row * row_step :][:, :, : (height - 1) * down + 1 : down]
        taken = rows[..., column * column_step :][..., : (width - 1) * along + 1 : along]
        factors = weights[:, :, row, column].reshape(groups, -1, weights.shape[1])
        total += factors @ taken.reshape(groups, -1, height * width)
    return total.reshape(1, len(weights), height, width)
