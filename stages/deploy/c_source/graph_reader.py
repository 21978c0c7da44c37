"""What the nodes of a folded graph say, for all that lower it to other operators: C, TensorFlow
Lite and Core ML read the same attributes and constants."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

from stages.deploy.c_source.graph import Array, Graph, Node
from stages.runtime.errors import ConfigError

Function = TypeVar("Function", bound=Callable[..., Any])
PICTURE = 4  # axes


class SlicePlaces(NamedTuple):
    """Where a part of an array begins, and its strides, both along each axis."""

    begins: list[int]
    strides: list[int]


class Dense(NamedTuple):
    """A layer of `rows` [outputs, inputs] and `biases` [outputs]."""

    rows: Array
    biases: Array


class Resized(NamedTuple):
    """A picture's shapes before and after; `mode` and `places`, the coordinate transformation, as
    ONNX names them."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    mode: str
    places: str


@dataclass
class GraphReader:
    """Reads `graph`. What a node has that cannot be lowered is an error of `lacking`."""

    graph: Graph

    @staticmethod
    def lacking(what: str) -> ConfigError:
        """The error for a network with `what`."""
        raise NotImplementedError

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of the array `name`, with its axes as in ONNX."""
        if name in self.graph.constants:
            return tuple(self.graph.constants[name].shape)
        return tuple(self.graph.shapes[name])

    def constant(self, node: Node, place: int, kind: str) -> Array | None:
        """The constant input of `node` at `place`, None if it has none. Raises ConfigError if it
        is computed."""
        if place >= len(node.inputs) or not node.inputs[place]:
            return None
        if node.inputs[place] not in self.graph.constants:
            raise self.lacking(f"{node.operator} whose {kind} is computed")
        return self.graph.constants[node.inputs[place]]

    def parts(self, node: Node) -> Iterator[SlicePlaces]:
        """The places of each output of a Split."""
        axis, begin = int(node.attributes.get("axis", 0)) % len(self.shape(node.inputs[0])), 0
        for name in node.outputs:
            begins = [0] * len(self.shape(name))
            begins[axis] = begin
            yield SlicePlaces(begins, [1] * len(begins))
            begin += self.shape(name)[axis]

    def slice_places(self, node: Node) -> SlicePlaces:
        """The places of a Slice. Raises ConfigError if they are computed, or go backwards."""
        shape = self.shape(node.inputs[0])
        starts, _, axes, steps = (self.constant(node, place, "places") for place in range(1, 5))
        if starts is None:
            raise self.lacking("Slice without places")
        begins, strides = [0] * len(shape), [1] * len(shape)
        for number, start in enumerate(starts):
            axis = int(axes[number] if axes is not None else number) % len(shape)
            strides[axis] = int(steps[number]) if steps is not None else 1
            begins[axis] = int(np.clip(start + shape[axis] if start < 0 else start, 0, shape[axis]))
        if min(strides) < 1:
            raise self.lacking("Slice backwards")
        return SlicePlaces(begins, strides)

    def dense(self, node: Node) -> Dense:
        """The layer of a Gemm. Raises ConfigError if its weights are computed."""
        weight = self.constant(node, 1, "weights")
        if weight is None or node.attributes.get("transA", 0):
            raise self.lacking("Gemm of a transposed matrix")
        alpha, beta = (float(node.attributes.get(key, 1.0)) for key in ("alpha", "beta"))
        rows = np.asarray(weight if node.attributes.get("transB", 0) else np.asarray(weight).T)
        bias = self.constant(node, 2, "biases")
        biases = np.zeros(len(rows)) if bias is None else np.broadcast_to(bias, (1, len(rows)))[0]
        return Dense(rows * alpha, np.asarray(biases) * beta)

    def reduced_axes(self, node: Node) -> list[int]:
        """The axes of a reduction, an attribute or an input by the operator's age; all by
        default."""
        among, axes = self.constant(node, 1, "axes"), len(self.shape(node.inputs[0]))
        found: Any = node.attributes.get("axes", ()) if among is None else among
        return sorted(int(axis) % axes for axis in found) or list(range(axes))

    def resized(self, node: Node) -> Resized:
        """What a Resize does. Raises ConfigError if it changes another axis than a picture's."""
        before, after = self.shape(node.inputs[0]), self.shape(node.outputs[0])
        if len(before) != PICTURE or before[:2] != after[:2]:
            raise self.lacking("Resize of other axes than a picture's")
        places = node.attributes.get("coordinate_transformation_mode", "half_pixel")
        return Resized(before, after, node.attributes.get("mode", "nearest"), places)
