"""Exports a network in a process of its own: `python -m stages.models.export_child SPEC.json`.

An operator that ONNX lacks ends the process that exports, and names of parameters count up within a
process: so every export has a fresh one. The parent's side, and what SPEC says, is in
`export.py`."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 64  # pictures for the comparison; the graph takes any size
LIMIT = 1e-3  # largest difference between two engines, as a share of the largest output


def main(spec: dict[str, Any]) -> None:
    """Write graph.json, graph.pdiparams and, if asked for, graph.onnx into the folder `out`."""
    warnings.simplefilter("ignore")
    import paddle

    from stages.models.arrays import unpack_arrays
    from stages.models.network import assemble

    network = assemble(spec["family"], unpack_arrays(Path(spec["weights"]).read_bytes()))
    prefix = Path(spec["out"]) / "graph"
    expected = _answer(network)
    image = paddle.static.InputSpec([None, 3, None, None], "float32", "image")
    paddle.jit.save(network, str(prefix), input_spec=[image])
    if "onnx" in spec["formats"]:
        _to_onnx(prefix)
        _compare(prefix.with_suffix(".onnx"), expected)


def _probe() -> Any:
    return np.random.default_rng(0).standard_normal((2, 3, SIDE, SIDE)).astype(np.float32)


def _answer(network: Any) -> Any:
    import paddle

    with paddle.no_grad():
        return network(paddle.to_tensor(_probe())).numpy()


def _to_onnx(prefix: Path) -> None:
    import paddle2onnx

    paddle2onnx.export(
        f"{prefix}.json",
        f"{prefix}.pdiparams",
        f"{prefix}.onnx",
        opset_version=17,
        auto_upgrade_opset=False,
        verbose=False,
    )


def _compare(path: Path, expected: Any) -> None:
    """End the process unless the ONNX file pads with zeros only and answers as Paddle does."""
    import onnx
    import onnxruntime

    onnx.checker.check_model(str(path))
    _check_padding(onnx.load(str(path)).graph)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    answer = session.run(None, {session.get_inputs()[0].name: _probe()})[0]
    difference = float(np.abs(answer - expected).max() / np.abs(expected).max())
    if not difference <= LIMIT:
        sys.exit(
            f"ONNX Runtime's answer differs from Paddle's by {difference:.2g}, at most {LIMIT}"
        )


def _check_padding(graph: Any) -> None:
    """paddle2onnx writes the pad value of some layers from memory that nobody set."""
    from onnx.numpy_helper import to_array

    known = {one.name: to_array(one) for one in graph.initializer}
    known |= {
        node.output[0]: to_array(node.attribute[0].t)
        for node in graph.node
        if node.op_type == "Constant" and node.attribute[0].name == "value"
    }
    for node in graph.node:
        if node.op_type == "Pad" and len(node.input) > 2 and np.any(known.get(node.input[2], 1)):
            sys.exit(f"ONNX pads in {node.name} with a value that is not zero")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
