"""Lowers a graph to a plan: calls of kernels on buffers, in order.

A value is a buffer of float32 numbers, or of 8-bit ones with a scale and a zero. A node whose
output is quantized next, possibly after it was only reshaped, computes the 8-bit numbers at once if
it has a kernel for that; all others compute in float32."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.deploy.c_source.graph import QUANTIZE, Graph, Node
from stages.deploy.c_source.graph_reader import GraphReader
from stages.runtime.backends.numpy_layers import registers
from stages.runtime.errors import ConfigError

Array = NDArray[Any]
VIEWS = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity")  # the same numbers in order
LEVELS = 256


class Quantization(NamedTuple):
    """The number that an 8-bit value q stands for is (q - zero) * scale."""

    scale: float
    zero: int


class Value(NamedTuple):
    """An array of the network: its buffer and shape; `quantization` is None for float32."""

    buffer: str
    shape: tuple[int, ...]
    quantization: Quantization | None = None

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.size * (1 if self.quantization else 4)


class Struct(NamedTuple):
    """An argument that is a C struct: its name and its fields, whole numbers or lists of them."""

    struct: str
    fields: Mapping[str, int | Sequence[int]]


Operand = str | Array  # a buffer, or a constant array
Argument = int | float | Struct


@dataclass(frozen=True)
class Operation:
    """One call of a kernel: `operands` that it reads, the buffer that it writes, and further
    `arguments`. `in_place`: it may write over its first operand."""

    kernel: str
    operands: Sequence[Operand]
    output: str
    arguments: Sequence[Argument] = ()
    in_place: bool = False

    @property
    def reads(self) -> list[str]:
        """The buffers that it reads."""
        return [operand for operand in self.operands if isinstance(operand, str)]


@dataclass(frozen=True)
class Plan:
    """The `operations` in order, the size in bytes of each buffer, the input's and the output's
    value, and how many multiplications one window takes."""

    operations: Sequence[Operation]
    sizes: Mapping[str, int]
    input: Value
    output: Value
    multiplications: int


Operator = Callable[["Lowering", Node], None]
OPERATORS: dict[str, Operator] = {}


operator = registers(OPERATORS)  # of ONNX, whose nodes the function below lowers


def lacking(what: str) -> ConfigError:
    """The error for a network with `what`, which cannot be written as C."""
    return ConfigError(
        f"microcontroller: this network has {what}, which cannot be written as C.",
        "Choose another model family in train.families (small_image, small_audio and searched "
        "networks can be), or leave this target out of deploy.targets.",
    )


@dataclass
class Lowering(GraphReader):
    """The state of lowering `graph`: values by their names in the graph, and what was emitted."""

    lacking = staticmethod(lacking)
    values: dict[str, Value] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    fused: dict[str, str] = field(default_factory=dict)
    multiplications: int = 0

    def emit(
        self,
        kernel: str,
        operands: Sequence[Operand],
        shape: tuple[int, ...],
        arguments: Sequence[Argument] = (),
        *,
        quantization: Quantization | None = None,
        in_place: bool = False,
        into: Value | None = None,
    ) -> Value:
        """Append a call of `kernel` and return the value that it computes, in a new buffer unless
        it adds to the value `into`."""
        value = into or Value(f"b{len(self.sizes)}", shape, quantization)
        self.sizes[value.buffer] = value.bytes
        self.operations.append(
            Operation(kernel, tuple(operands), value.buffer, tuple(arguments), in_place)
        )
        return value

    def floats(self, name: str) -> Value:
        """The value `name` in float32, dequantized if need be."""
        value = self.values[name]
        if value.quantization is None:
            return value
        return self.emit(
            "dequantize_f32",
            [value.buffer],
            value.shape,
            [value.size, value.quantization.scale, value.quantization.zero],
        )

    def operand(self, name: str) -> Operand:
        """What a float32 kernel reads as `name`: a constant, or a buffer."""
        if name in self.graph.constants:
            return np.asarray(self.graph.constants[name], np.float32)
        return self.floats(name).buffer

    def quantized_next(self, name: str) -> Quantization | None:
        """How `name` is quantized if that is all that happens to it, apart from reshaping."""
        user = self.graph.sole_user(name)
        while user and user.operator in VIEWS:
            name = user.outputs[0]
            user = self.graph.sole_user(name)
        return self.quantization(user) if user and user.operator == QUANTIZE else None

    def quantization(self, node: Node) -> Quantization:
        """Scale and zero of a QuantizeLinear or DequantizeLinear. Raises ConfigError unless it has
        one scale and 8 bits without a sign."""
        scale = np.asarray(self.graph.constants[node.inputs[1]])
        zero = self.graph.constants[node.inputs[2]] if len(node.inputs) > 2 else np.uint8(0)
        if scale.size != 1 or np.asarray(zero).dtype != np.uint8:
            raise lacking(f"{node.operator} of activations to another format than uint8")
        return Quantization(float(scale.reshape(())), int(np.asarray(zero).reshape(())))

    def fuse(self, node: Node, name: str) -> None:
        """Note that the kernel that computes `name` does the work of `node`, too."""
        self.fused[node.outputs[0]] = name


def lowered(graph: Graph) -> Plan:
    """The plan of `graph`. Raises ConfigError, naming each operator that has no kernel."""
    from stages.deploy.c_source import operators  # noqa: F401 - registers all

    missing = sorted({node.operator for node in graph.nodes} - set(OPERATORS))
    if missing:
        raise lacking(f"the operator{'s' * (len(missing) > 1)} {', '.join(missing)}")
    work = Lowering(graph)
    first = Value("input", graph.shapes[graph.input])
    work.values[graph.input], work.sizes[first.buffer] = first, first.bytes
    for node in graph.nodes:
        source = work.fused.get(node.outputs[0])
        if source is None:
            OPERATORS[node.operator](work, node)
        else:
            work.values[node.outputs[0]] = work.values[source]
    last = work.floats(graph.output)
    return Plan(work.operations, work.sizes, first, last, work.multiplications)
