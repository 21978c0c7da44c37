"""Converts an ONNX file to the format of TensorFlow Lite, which LiteRT runs."""

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.c_source.graph import folded
from stages.deploy.exporters.numpy_network import read_onnx
from stages.deploy.exporters.onnx import GRAPH, Onnx
from stages.deploy.tflite.tflite_lowering import lacking
from stages.deploy.tflite.tflite_operators import OPERATORS, lowered
from stages.runtime.backends.numpy_layers import LAYERS


class LitertExporter(Onnx):
    """One .tflite file for one window, with the input and the outputs of the ONNX file: their
    names, order and shapes."""

    format: ClassVar[str] = "tflite"
    tools: ClassVar[tuple[str, ...]] = (*Onnx.tools, "ai-edge-litert", "flatbuffers", "numpy")

    def convert(self, graphs: Path, windows: NDArray[np.float32], out: Path) -> None:
        """Convert graph.onnx. Raises ConfigError, naming each operator that is not written."""
        record, arrays = read_onnx(graphs / GRAPH)
        _check({node["operator"] for node in record["nodes"]} - set(LAYERS))
        if len(record["inputs"]) != 1:
            raise lacking(f"{len(record['inputs'])} inputs")
        graph = folded(record, arrays, (1, *windows.shape[1:]))
        _check({node.operator for node in graph.nodes} - set(OPERATORS))
        out.write_bytes(lowered(graph))


def _check(missing: set[str]) -> None:
    if missing:
        raise lacking(", ".join(sorted(missing)))
