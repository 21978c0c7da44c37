"""From Paddle's graph files to an ONNX file, and the check that paddle2onnx makes necessary."""

from pathlib import Path
from typing import Any

import numpy as np

OPSET = 17


def convert(graph: Path, out: Path) -> None:
    """Write the network of `graph` (graph.json, its .pdiparams beside it) to `out`.

    An operator that ONNX lacks aborts the process (code 134): call it in one of its own."""
    import paddle2onnx

    paddle2onnx.export(
        str(graph),
        str(graph.with_suffix(".pdiparams")),
        str(out),
        opset_version=OPSET,
        auto_upgrade_opset=False,
        verbose=False,
    )


def stray_padding(path: Path) -> tuple[str, float] | None:
    """The first Pad node of the file whose value is not known to be zero, and that value.

    paddle2onnx 2.0 writes the value of some layers from memory that nobody set, differently each
    time."""
    import onnx
    from onnx.numpy_helper import to_array

    graph = onnx.load(str(path)).graph
    known: dict[str, Any] = {one.name: to_array(one) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].HasField("t"):
            known[node.output[0]] = to_array(node.attribute[0].t)
    for node in graph.node:
        value = known.get(node.input[2], 1) if len(node.input) > 2 and node.input[2] else 0
        if node.op_type == "Pad" and np.any(value):
            return node.name, float(np.ravel(value)[0])
    return None
