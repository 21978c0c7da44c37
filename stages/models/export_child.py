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

from stages.models.onnx_file import convert, stray_padding

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
        convert(prefix.with_suffix(".json"), prefix.with_suffix(".onnx"))
        _compare(prefix.with_suffix(".onnx"), expected)


def _probe() -> Any:
    return np.random.default_rng(0).standard_normal((2, 3, SIDE, SIDE)).astype(np.float32)


def _answer(network: Any) -> Any:
    import paddle

    with paddle.no_grad():
        return network(paddle.to_tensor(_probe())).numpy()


def _compare(path: Path, expected: Any) -> None:
    """End the process unless the ONNX file pads with zeros only and answers as Paddle does."""
    import onnx
    import onnxruntime

    onnx.checker.check_model(str(path))
    if stray := stray_padding(path):
        sys.exit(f"ONNX pads in {stray[0]} with a value that is not zero")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    answer = session.run(None, {session.get_inputs()[0].name: _probe()})[0]
    difference = float(np.abs(answer - expected).max() / np.abs(expected).max())
    if not difference <= LIMIT:
        sys.exit(
            f"ONNX Runtime's answer differs from Paddle's by {difference:.2g}, at most {LIMIT}"
        )


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
