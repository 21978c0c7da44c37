"""Lowers a folded graph of ONNX to a program of Core ML, by the public builder of coremltools.

Both have the channels of a picture before its rows, so that most operators have one counterpart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.deploy.c_source.graph import Graph, Node
from stages.deploy.c_source.graph_reader import GraphReader
from stages.runtime.backends.numpy_layers import registers
from stages.runtime.errors import ConfigError

Array = NDArray[Any]
INPUT, SCORES = "window", "scores"


class NotConverted(ConfigError):
    """The network has what is not written for Core ML."""


Operator = Callable[["CoremlLowering", Node], Any]
OPERATORS: dict[str, Operator] = {}


# Of ONNX, whose nodes the function below lowers; it returns the output, or a tuple of them.
operator = registers(OPERATORS)


def lacking(what: str) -> NotConverted:
    """The error for a network with `what`."""
    return NotConverted(
        f"Core ML: this network has {what}, which is not written.",
        "Choose another model family in train.families, or do without Core ML.",
    )


@dataclass
class CoremlLowering(GraphReader):
    """The state of lowering `graph` by `builder`: values of the program by their names in the
    graph."""

    builder: Any
    lacking = staticmethod(lacking)
    values: dict[str, Any] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """The value `name`; a constant as float32."""
        if name in self.graph.constants:
            return np.asarray(self.graph.constants[name], np.float32)
        return self.values[name]

    def lower(self, node: Node) -> None:
        """Append `node` to the program."""
        if node.operator not in OPERATORS:
            raise lacking(f"the operator {node.operator}")
        found = OPERATORS[node.operator](self, node)
        outputs = found if isinstance(found, (tuple, list)) else (found,)
        for name, output in zip(node.outputs, outputs, strict=True):
            if tuple(output.shape) != self.shape(name):
                raise lacking(f"{node.operator} to {self.shape(name)}, where Core ML has another")
            self.values[name] = output


def program_of(graph: Graph, softmax: bool) -> Any:
    """The program of `graph`, whose output is named SCORES; `softmax`: ends in scores that sum to
    1. Raises NotConverted for an operator that is not written."""
    import coremltools
    from coremltools.converters.mil import Builder

    shape: Sequence[int] = graph.shapes[graph.input]
    specs = [Builder.TensorSpec(shape=tuple(shape))]

    @Builder.program(input_specs=specs, opset_version=coremltools.target.iOS15)  # type: ignore[untyped-decorator]
    def program(window: Any) -> Any:
        work = CoremlLowering(graph, Builder, {graph.input: window})
        for node in graph.nodes:
            work.lower(node)
        logits = work.value(graph.output)
        if softmax:
            return Builder.softmax(x=logits, axis=-1, name=SCORES)
        return Builder.identity(x=logits, name=SCORES)

    return program
