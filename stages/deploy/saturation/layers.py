"""The layers of an ONNX graph with QuantizeLinear and DequantizeLinear that are computed in 8 bits.

A layer is a Conv, Gemm or MatMul between an activation that was dequantised from unsigned and a
weight that was dequantised from signed 8-bit numbers."""

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
    """The sums of this network cannot be counted: nothing can be said of them."""


@dataclass(frozen=True)
class Window:
    """How a kernel moves: `pads` are those before each side, then those after; all in pixels."""

    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """`output` is the name of its node's output, `activations` that of the 8-bit tensor it reads.

    `kernel` is the name of its weights; `weights`: [out, in / groups, *kernel], int8; a matrix is a
    kernel of no sides. `window` is None for a matrix."""

    output: str
    activations: str
    kernel: str
    zero_point: int
    weights: Weights
    groups: int
    window: Window | None

    @property
    def depthwise(self) -> bool:
        """Whether every group has one input and one output channel, which is added in 32 bits."""
        return self.groups > 1 and self.groups == len(self.weights) and self.weights.shape[1] == 1

    @property
    def ordered(self) -> Weights:
        """[out, products]: the weights of each output channel in the order of their sum."""
        last = np.moveaxis(self.weights, 1, -1)
        return np.ascontiguousarray(last.reshape(len(last), -1))


def layers_of(graph: Path) -> list[Layer]:
    """The 8-bit layers of the network in the file `graph`, in their order.

    Raises NotCounted for a layer whose numbers are not unsigned times signed, or that takes the
    weights of another."""
    import onnx

    model = onnx.load(str(graph))
    tensors = {one.name: one for one in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    found = [_layer(node, makers, tensors) for node in model.graph.node]
    layers = [one for one in found if one is not None]
    shared = len(layers) - len({one.kernel for one in layers})
    if shared:
        raise NotCounted(
            f"{shared} layers take weights of another: where ONNX Runtime has to make them "
            "unsigned it cannot load this network."
        )
    return layers


def _layer(node: Any, makers: Mapping[str, Any], tensors: Mapping[str, Any]) -> Layer | None:
    if node.op_type not in OPERATORS:
        return None
    given = _dequantised(node.input[0], makers, tensors)
    weight = _dequantised(node.input[1], makers, tensors)
    if given is None or weight is None or weight[0] not in tensors:
        return None  # computed in floating point
    kernel = _array(weight[0], tensors)
    if kernel.dtype != np.int8 or given[1].dtype != np.uint8:
        raise NotCounted(f"{node.name} multiplies {given[1].dtype} with {kernel.dtype}.")
    attributes = {one.name: one for one in node.attribute}
    if "auto_pad" in attributes and attributes["auto_pad"].s not in (b"NOTSET", b"VALID"):
        raise NotCounted(f"{node.name} pads by itself: {attributes['auto_pad'].s.decode()}.")
    is_conv = node.op_type == "Conv"
    turned = is_conv or ("transB" in attributes and attributes["transB"].i)
    return Layer(
        output=node.output[0],
        activations=given[0],
        kernel=weight[0],
        zero_point=int(given[1]),
        weights=kernel if turned else np.ascontiguousarray(kernel.T),
        groups=attributes["group"].i if "group" in attributes else 1,
        window=_window(attributes, kernel.ndim - 2) if is_conv else None,
    )


def _dequantised(
    name: str, makers: Mapping[str, Any], tensors: Mapping[str, Any]
) -> tuple[str, NDArray[Any]] | None:
    """The 8-bit tensor that `name` was dequantised from, and its zero point."""
    node = makers.get(name)
    if node is None or node.op_type != "DequantizeLinear":
        return None
    has_zero = len(node.input) > 2 and node.input[2]
    zero = _array(node.input[2], tensors) if has_zero else np.array(0, np.uint8)
    return node.input[0], zero.reshape(-1)[:1].squeeze()


def _window(attributes: Mapping[str, Any], sides: int) -> Window:
    def numbers(name: str, default: int, count: int) -> tuple[int, ...]:
        given = attributes.get(name)
        return tuple(given.ints) if given is not None and given.ints else (default,) * count

    return Window(
        strides=numbers("strides", 1, sides),
        dilations=numbers("dilations", 1, sides),
        pads=numbers("pads", 0, 2 * sides),
    )


def _array(name: str, tensors: Mapping[str, Any]) -> NDArray[Any]:
    from onnx.numpy_helper import to_array

    found: NDArray[Any] = to_array(tensors[name])
    return found
