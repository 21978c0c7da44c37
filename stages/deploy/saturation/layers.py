"""Finds the layers of a quantized ONNX graph (QDQ format) that are computed in 8 bits: a Conv, Gemm
or MatMul whose activation was dequantized from uint8 and whose weight from int8."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.runtime.errors import WorkflowError

OPERATORS = {"Conv", "Gemm", "MatMul"}

Bytes = NDArray[np.uint8]
Weights = NDArray[np.int8]


class NotCounted(WorkflowError):
    """The sums of this network cannot be counted."""


@dataclass(frozen=True)
class Window:
    """The geometry of a convolution, in pixels, a number for each spatial axis; `pads` has those
    before each axis, then those after."""

    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """An 8-bit layer. `output`: the name of its node's output. `activations`: the name of the 8-bit
    tensor that it reads, with zero point `zero_point`. `kernel`: the name of its weights.
    `weights`: int8 [out, in / groups, *kernel size]. `window`: None for a matrix, which has no
    kernel size."""

    output: str
    activations: str
    kernel: str
    zero_point: int
    weights: Weights
    groups: int
    window: Window | None

    @property
    def depthwise(self) -> bool:
        """Whether each group has one input and one output channel; such layers add in 32 bits."""
        return self.groups > 1 and self.groups == len(self.weights) and self.weights.shape[1] == 1

    @property
    def ordered(self) -> Weights:
        """The weights of each output channel, [out, products], in the order in which their
        products are added."""
        last = np.moveaxis(self.weights, 1, -1)
        return np.ascontiguousarray(last.reshape(len(last), -1))


def layers_of(graph: Path) -> list[Layer]:
    """The 8-bit layers of the network in the file `graph`, in the graph's order.

    Raises NotCounted if a layer does not multiply uint8 with int8, pads automatically, or shares
    its weights with another."""
    import onnx

    model = onnx.load(str(graph))
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    found = [_layer(node, makers, tensors) for node in model.graph.node]
    layers = [layer for layer in found if layer is not None]
    shared = len(layers) - len({layer.kernel for layer in layers})
    if shared:
        raise NotCounted(
            f"{shared} layers share weights with another: where ONNX Runtime has to make weights "
            "unsigned, it cannot load this network."
        )
    return layers


def _layer(node: Any, makers: Mapping[str, Any], tensors: Mapping[str, Any]) -> Layer | None:
    if node.op_type not in OPERATORS:
        return None
    activation = _dequantised(node.input[0], makers, tensors)
    weight = _dequantised(node.input[1], makers, tensors)
    if activation is None or weight is None or weight[0] not in tensors:
        return None  # computed in floating point
    kernel = _array(weight[0], tensors)
    if kernel.dtype != np.int8 or activation[1].dtype != np.uint8:
        raise NotCounted(f"{node.name} multiplies {activation[1].dtype} with {kernel.dtype}.")
    attributes = {attribute.name: attribute for attribute in node.attribute}
    if "auto_pad" in attributes and attributes["auto_pad"].s not in (b"NOTSET", b"VALID"):
        raise NotCounted(f"{node.name} pads by itself: {attributes['auto_pad'].s.decode()}.")
    is_conv = node.op_type == "Conv"
    turned = is_conv or ("transB" in attributes and attributes["transB"].i)
    return Layer(
        output=node.output[0],
        activations=activation[0],
        kernel=weight[0],
        zero_point=int(activation[1]),
        weights=kernel if turned else np.ascontiguousarray(kernel.T),
        groups=attributes["group"].i if "group" in attributes else 1,
        window=_window(attributes, kernel.ndim - 2) if is_conv else None,
    )


def _dequantised(
    name: str, makers: Mapping[str, Any], tensors: Mapping[str, Any]
) -> tuple[str, NDArray[Any]] | None:
    """The name of the 8-bit tensor from which `name` was dequantized, and its zero point; None if
    it was not dequantized."""
    node = makers.get(name)
    if node is None or node.op_type != "DequantizeLinear":
        return None
    has_zero = len(node.input) > 2 and node.input[2]
    zero = _array(node.input[2], tensors) if has_zero else np.array(0, np.uint8)
    return node.input[0], zero.reshape(-1)[:1].squeeze()


def _window(attributes: Mapping[str, Any], sides: int) -> Window:
    def numbers(name: str, default: int, count: int) -> tuple[int, ...]:
        attribute = attributes.get(name)
        return (
            tuple(attribute.ints)
            if attribute is not None and attribute.ints
            else (default,) * count
        )

    return Window(
        strides=numbers("strides", 1, sides),
        dilations=numbers("dilations", 1, sides),
        pads=numbers("pads", 0, 2 * sides),
    )


def _array(name: str, tensors: Mapping[str, Any]) -> NDArray[Any]:
    from onnx.numpy_helper import to_array

    found: NDArray[Any] = to_array(tensors[name])
    return found
