"""Packs an ONNX file for the numpy engine: its arrays, and its nodes as JSON."""

import inspect
import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.exporters.onnx import GRAPH as ONNX_FILE
from stages.deploy.exporters.onnx import Onnx
from stages.models.arrays import pack_arrays
from stages.runtime.backends.numpy_engine import GRAPH, TENSOR
from stages.runtime.backends.numpy_layers import LAYERS
from stages.runtime.errors import ConfigError

CONSTANT = "Constant"
MAIN = ("", "ai.onnx")  # the domains of ONNX's own operators


class NumpyExporter(Onnx):
    """An npz that numpy alone can run; see runtime/backends/numpy_engine.py."""

    format: ClassVar[str] = "numpy"
    tools: ClassVar[tuple[str, ...]] = (*Onnx.tools, "numpy")

    def convert(self, graphs: Path, windows: NDArray[np.float32], out: Path) -> None:
        """Pack graph.onnx. Raises ConfigError, naming each operator that the engine lacks."""
        out.write_bytes(packed(graphs / ONNX_FILE))


def packed(path: Path) -> bytes:
    """The ONNX file at `path` as the file of the numpy engine; equal files give equal bytes.

    Raises ConfigError, naming each operator, or attribute of one, that the engine lacks."""
    record, arrays = read_onnx(path)
    _check(record["nodes"])
    text = json.dumps(record, sort_keys=True).encode()
    return pack_arrays({**arrays, GRAPH: np.frombuffer(text, np.uint8)})


def read_onnx(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The ONNX file at `path` as the numpy engine's file has it: the record of inputs, outputs and
    nodes, and the arrays by name."""
    import onnx
    from onnx.numpy_helper import to_array

    graph = onnx.load(str(path)).graph
    arrays = {tensor.name: to_array(tensor) for tensor in graph.initializer}
    nodes = []
    for number, node in enumerate(graph.node):
        attributes = {}
        for attribute in node.attribute:
            value = _plain(onnx.helper.get_attribute_value(attribute))
            if isinstance(value, onnx.TensorProto):
                name = f"{number}.{attribute.name}"
                arrays[name] = to_array(value)
                value = {TENSOR: name}
            attributes[attribute.name] = value
        if node.op_type == CONSTANT and "value" in attributes:
            arrays[node.output[0]] = arrays.pop(attributes["value"][TENSOR])
            continue
        nodes.append(
            {
                "operator": node.op_type
                if node.domain in MAIN
                else f"{node.domain}.{node.op_type}",
                "inputs": list(node.input),
                "outputs": list(node.output),
                "attributes": attributes,
            }
        )
    record = {
        "inputs": [value.name for value in graph.input if value.name not in arrays],
        "outputs": [value.name for value in graph.output],
        "nodes": nodes,
    }
    return record, arrays


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _check(nodes: list[dict[str, Any]]) -> None:
    """Raise ConfigError unless the engine has a layer, with each attribute, for each node."""
    lacking = set()
    for node in nodes:
        layer = LAYERS.get(node["operator"])
        if layer is None:
            lacking.add(node["operator"])
        elif not isinstance(layer, np.ufunc):
            taken = set(inspect.signature(layer).parameters)
            lacking |= {
                f"{node['operator']} with {name}" for name in set(node["attributes"]) - taken
            }
    if lacking:
        raise ConfigError(
            f"The numpy engine lacks operators of this network: {', '.join(sorted(lacking))}.",
            "Choose another model family in train.families, or another deploy.engine.",
        )
