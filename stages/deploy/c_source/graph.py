"""The graph of a packed network for one window: nodes that depend on the window, with the shapes
of what they compute, and everything else folded into constants."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.deploy.exporters.numpy_network import read_onnx
from stages.runtime.backends import numpy_shapes  # noqa: F401 - registers its layers
from stages.runtime.backends.numpy_engine import GRAPH, TENSOR
from stages.runtime.backends.numpy_layers import LAYERS
from stages.runtime.errors import ConfigError

Array = NDArray[Any]
DEQUANTIZE, QUANTIZE, SHAPE = "DequantizeLinear", "QuantizeLinear", "Shape"


class Node(NamedTuple):
    """One operator of ONNX; `attributes` have arrays in place of tensors."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


class QuantizedConstant(NamedTuple):
    """Weights as they are stored: whole numbers, `scale` for each channel along `axis` or for all,
    and zero at `zero`."""

    values: Array
    scale: Array
    zero: int
    axis: int


@dataclass(frozen=True)
class Graph:
    """`nodes`: in an order in which they can be computed. `constants`: arrays by name. `quantized`:
    constants that are stored in 8 or 32 bits, by the name of their dequantized array, which is
    among `constants`, too. `shapes`: of every array that depends on the input."""

    nodes: Sequence[Node]
    constants: Mapping[str, Array]
    quantized: Mapping[str, QuantizedConstant]
    shapes: Mapping[str, tuple[int, ...]]
    input: str
    outputs: tuple[str, ...]

    @property
    def output(self) -> str:
        """The first output, of a network that has one."""
        return self.outputs[0]

    def users(self, name: str) -> list[Node]:
        """The nodes that read the array `name`."""
        return [node for node in self.nodes if name in node.inputs]

    def sole_user(self, name: str) -> Node | None:
        """The only node that reads the array `name`; None if there are several or it is an output
        of the network."""
        found = self.users(name)
        return found[0] if len(found) == 1 and name not in self.outputs else None


def read_graph(network: Mapping[str, bytes], shape: Sequence[int]) -> Graph:
    """The graph of `network`, the files of a package, for one window of `shape`.

    Raises ConfigError if they hold neither ONNX nor a file of the numpy engine, if the network has
    several inputs or outputs, or an operator that cannot be computed."""
    record, arrays = _record(network)
    inputs, outputs = record["inputs"], record["outputs"]
    if len(inputs) != 1 or len(outputs) != 1:
        raise ConfigError(
            f"microcontroller: the network has {len(inputs)} inputs and {len(outputs)} outputs.",
            "This target takes networks that answer labels, with one input and one output.",
        )
    return folded(record, arrays, (1, *shape))


def folded(record: Mapping[str, Any], arrays: Mapping[str, Array], shape: tuple[int, ...]) -> Graph:
    """The graph of a network with one input, of `shape`, as `read_onnx` gives it.

    Every node is computed once for a window of zeros, which gives all shapes; what does not depend
    on the window becomes a constant. Raises ConfigError if an operator cannot be computed."""
    nodes = [_node(node, arrays) for node in record["nodes"]]
    widened = {name: _widened(arrays[name]) for name in arrays}
    return _folded(nodes, widened, record["inputs"][0], tuple(record["outputs"]), shape)


def _record(network: Mapping[str, bytes]) -> tuple[dict[str, Any], dict[str, Array]]:
    for name, data in network.items():
        if name.endswith(".onnx"):
            with TemporaryDirectory() as folder:
                path = Path(folder) / "model.onnx"
                path.write_bytes(data)
                return read_onnx(path)
        if name.endswith(".npz"):
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
            return json.loads(arrays.pop(GRAPH).tobytes()), arrays
    raise ConfigError(
        f"microcontroller: cannot read the network in {', '.join(sorted(network))}.",
        "Set deploy.engine to onnxruntime or numpy, whose networks can be written as C.",
    )


def _node(record: Mapping[str, Any], arrays: Mapping[str, Array]) -> Node:
    attributes = {
        name: arrays[value[TENSOR]] if isinstance(value, dict) else value
        for name, value in record["attributes"].items()
    }
    return Node(record["operator"], tuple(record["inputs"]), tuple(record["outputs"]), attributes)


def _widened(array: Array) -> Array:
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _folded(
    nodes: Sequence[Node],
    arrays: dict[str, Array],
    first: str,
    outputs: tuple[str, ...],
    shape: tuple[int, ...],
) -> Graph:
    values = {**arrays, first: np.zeros(shape, np.float32)}
    dependent = {first}
    remaining: list[Node] = []
    quantized: dict[str, QuantizedConstant] = {}
    for node in nodes:
        results = _computed(node, values)
        values.update(zip(node.outputs, results, strict=False))
        if node.operator != SHAPE and dependent & set(node.inputs):
            dependent.update(node.outputs)
            remaining.append(node)
        elif node.operator == DEQUANTIZE:
            quantized[node.outputs[0]] = _quantized(node, values)
    constants = {name: value for name, value in values.items() if name not in dependent}
    shapes = {name: values[name].shape for name in dependent if name in values}
    return Graph(remaining, constants, quantized, shapes, first, outputs)


def _computed(node: Node, values: Mapping[str, Array]) -> tuple[Array, ...]:
    if node.operator not in LAYERS:
        raise ConfigError(
            f"microcontroller: this network has the operator {node.operator}, which it lacks.",
            "Choose another model family in train.families, or another target.",
        )
    operands = [values[name] if name else None for name in node.inputs]
    with np.errstate(all="ignore"):
        found = LAYERS[node.operator](*operands, **node.attributes)
    return tuple(map(np.asarray, found)) if isinstance(found, tuple) else (np.asarray(found),)


def _quantized(node: Node, values: Mapping[str, Array]) -> QuantizedConstant:
    stored, scale = values[node.inputs[0]], values[node.inputs[1]]
    zeros = values[node.inputs[2]] if len(node.inputs) > 2 and node.inputs[2] else np.zeros(1)
    if np.any(zeros != zeros.reshape(-1)[0]):
        raise ConfigError(
            "microcontroller: weights have another zero for each channel.",
            "Quantize them symmetrically, as deploy does.",
        )
    axis = int(node.attributes.get("axis", 1)) % max(1, stored.ndim)
    return QuantizedConstant(stored, np.atleast_1d(scale), int(zeros.reshape(-1)[0]), axis)
