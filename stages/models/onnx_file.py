"""ONNX files: converted from Paddle's graph files, checked for errors of paddle2onnx, and rewritten
so that old engines can read them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

OPSET = 17
MAIN = "ai.onnx"  # the operators of ONNX itself; their domain may also be written as ""
NEW_TYPES = (
    17  # from this tensor type on (8-bit floats) a newer format is needed than the nodes say
)


def convert(graph: Path, out: Path) -> None:
    """Write the network of `graph` (graph.json, its .pdiparams beside it) to `out`.

    An operator that ONNX lacks aborts the process (code 134), so call it in a separate one."""
    import paddle2onnx

    paddle2onnx.export(
        str(graph),
        str(graph.with_suffix(".pdiparams")),
        str(out),
        opset_version=OPSET,
        auto_upgrade_opset=False,
        verbose=False,
    )


def portable(path: Path) -> None:
    """Rewrite the file so that every engine that can run its nodes can load it, however old:
    operator sets without nodes are removed, and the format is the oldest in which the others exist.

    ONNX Runtime declares every set that it supports, and older versions refuse sets that they do
    not support."""
    import onnx

    model = onnx.load(str(path))
    used = {_domain(node) for node in _nodes([model.graph, *model.functions])}
    opsets = [opset for opset in model.opset_import if (opset.domain or MAIN) in used]
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    if all(tensor.data_type < NEW_TYPES for tensor in model.graph.initializer):
        oldest = onnx.helper.find_min_ir_version_for(opsets, ignore_unknown=True)
        model.ir_version = min(model.ir_version, oldest)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _domain(node: Any) -> str:
    return node.domain or MAIN


def _nodes(bodies: Iterable[Any]) -> Iterator[Any]:
    """The nodes of graphs or functions, and of the graphs within them (If, Loop)."""
    for body in bodies:
        for node in body.node:
            yield node
            inner = (
                graph for attribute in node.attribute for graph in (attribute.g, *attribute.graphs)
            )
            yield from _nodes(inner)


def stray_padding(path: Path) -> tuple[str, float] | None:
    """The first Pad node of the file whose value is not a constant zero, and that value.

    paddle2onnx 2.0 writes some layers' pad value from uninitialised memory, different each time."""
    import onnx
    from onnx.numpy_helper import to_array

    graph = onnx.load(str(path)).graph
    constants: dict[str, Any] = {
        initializer.name: to_array(initializer) for initializer in graph.initializer
    }
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].HasField("t"):
            constants[node.output[0]] = to_array(node.attribute[0].t)
    for node in graph.node:
        value = constants.get(node.input[2], 1) if len(node.input) > 2 and node.input[2] else 0
        if node.op_type == "Pad" and np.any(value):
            return node.name, float(np.ravel(value)[0])
    return None
