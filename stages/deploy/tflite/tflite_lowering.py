"""Lowers a folded graph of ONNX to the operators of TensorFlow Lite.

Convolutions and poolings there take pictures with the channels last. A value of four axes has its
tensor with the channels last if such an operator or one behind it wrote it; operators that do not
care take it as it is, and all others have it turned back first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.deploy.c_source.graph import Graph, Node
from stages.deploy.c_source.graph_reader import GraphReader
from stages.deploy.tflite.flat_file import FlatFile
from stages.runtime.backends.numpy_layers import registers
from stages.runtime.errors import ConfigError

Array = NDArray[Any]
TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
PLACE_IN_LAST = (0, 3, 1, 2)  # where an axis of [n, c, h, w] is in [n, h, w, c]


class TensorValue(NamedTuple):
    """An array of the network: its tensor in the file, and whether its channels are last there."""

    tensor: int
    channels_last: bool = False


Operator = Callable[["TfliteLowering", Node], None]
OPERATORS: dict[str, Operator] = {}


operator = registers(OPERATORS)  # of ONNX, whose nodes the function below lowers


def lacking(what: str) -> ConfigError:
    """The error for a network with `what`, which cannot be written for LiteRT."""
    return ConfigError(
        f"litert lacks operators of this network: {what}.",
        "Choose another model family in train.families, or another deploy.engine.",
    )


@dataclass
class TfliteLowering(GraphReader):
    """The state of lowering `graph` into `file`: values by their names in the graph."""

    file: FlatFile
    values: dict[str, TensorValue] = field(default_factory=dict)
    lacking = staticmethod(lacking)
    turned: dict[tuple[str, bool], int] = field(default_factory=dict)
    fused: dict[str, str] = field(default_factory=dict)

    def first(self, name: str) -> int:
        """The tensor of the array `name` with its axes as in ONNX."""
        return self._as(name, channels_last=False)

    def last(self, name: str) -> int:
        """The tensor of the picture `name` with its channels last."""
        return self._as(name, channels_last=True)

    def _as(self, name: str, channels_last: bool) -> int:
        value = self.value(name)
        if value.channels_last == channels_last:
            return value.tensor
        key = (name, channels_last)
        if key not in self.turned:
            order = TO_LAST if channels_last else TO_FIRST
            self.turned[key] = self.transpose(value.tensor, order)
        return self.turned[key]

    def value(self, name: str) -> TensorValue:
        """The value `name`; a constant as float32."""
        if name in self.graph.constants:
            return TensorValue(
                self.file.constant(np.asarray(self.graph.constants[name], np.float32))
            )
        return self.values[name]

    def new(self, shape: Sequence[int]) -> int:
        """A new tensor of `shape`, with its axes as they are in the file."""
        return self.file.tensor(f"value_{len(self.values)}_{len(self.turned)}", shape)

    def output(self, node: Node, channels_last: bool, place: int = 0) -> int:
        """A new tensor for an output of `node`."""
        shape = self.shape(node.outputs[place])
        ordered = [shape[axis] for axis in TO_LAST] if channels_last else shape
        tensor = self.file.tensor(node.outputs[place], ordered)
        self.values[node.outputs[place]] = TensorValue(tensor, channels_last)
        return tensor

    def emit(
        self,
        name: str,
        inputs: Sequence[int],
        shape: Sequence[int],
        options: str = "",
        **fields: Any,
    ) -> int:
        """Append an operator that writes a new tensor of `shape`, and return that."""
        tensor = self.new(shape)
        self.file.operator(name, inputs, [tensor], options, **fields)
        return tensor

    def transpose(self, tensor: int, order: Sequence[int]) -> int:
        """`tensor` with its axes in another order; the same if that is none."""
        shape = self.file.shape(tensor)
        if list(order) == sorted(order):
            return tensor
        turned = [shape[axis] for axis in order]
        moved = [axis for axis in order if shape[axis] != 1]
        if moved == sorted(moved):  # the numbers stay where they are
            return self.reshape(tensor, turned)
        places = self.file.constant(np.array(order, np.int32))
        return self.emit("TRANSPOSE", [tensor, places], turned, "TransposeOptions")

    def reshape(self, tensor: int, shape: Sequence[int]) -> int:
        """`tensor` with another shape."""
        sides = [int(side) for side in shape]
        places = self.file.constant(np.array(sides, np.int32))
        return self.emit("RESHAPE", [tensor, places], sides, "ReshapeOptions", newShape=sides)

    def axis(self, axis: int, name: str) -> int:
        """The place, in its tensor, of an axis of the array `name`."""
        axis %= max(1, len(self.shape(name)))
        return PLACE_IN_LAST[axis] if self.value(name).channels_last else axis

    def fuse(self, node: Node, name: str) -> None:
        """Note that what writes `name` does the work of `node`, too."""
        self.fused[node.outputs[0]] = name


def lowered(graph: Graph) -> bytes:
    """The .tflite file of `graph`. Raises ConfigError for an operator that cannot be written."""
    work = TfliteLowering(graph, FlatFile())
    first = work.file.tensor(graph.input, graph.shapes[graph.input])
    work.values[graph.input] = TensorValue(first)
    for node in graph.nodes:
        source = work.fused.get(node.outputs[0])
        if source is None:
            OPERATORS[node.operator](work, node)
        else:
            work.values[node.outputs[0]] = work.values[source]
    ends = [_end(work, name, first) for name in graph.outputs]
    if len(set(ends)) < len(ends):
        raise lacking("the same array as two outputs")
    for tensor, name in zip(ends, graph.outputs, strict=True):
        work.file.rename(tensor, name)
    return work.file.packed([first], ends)


def _end(work: TfliteLowering, name: str, first: int) -> int:
    """The tensor of the output `name`: not the input, and no constant."""
    if name in work.graph.constants:
        raise lacking("an output that does not depend on the input")
    tensor = work.first(name)
    return work.reshape(tensor, work.shape(name)) if tensor == first else tensor
