"""A format whose networks have two files: an ONNX graph, and its weights beside it."""

from pathlib import Path
from typing import ClassVar

import onnx

from stages.deploy.compressors.float16 import Float16
from stages.deploy.compressors.float32 import Float32
from stages.deploy.engines import Engine
from stages.deploy.exporters.onnx import Onnx

SPLIT = Engine(
    name="split",
    format="split",
    exporter="split",
    backend="onnxruntime",
    files=("network.graph", "network.weights"),
    cannot={"float16": "it is here to be passed over."},
)


class SplitOnnx(Onnx):
    format: ClassVar[str] = "split"

    def export(self, model, store, windows, out: Path, backend) -> None:
        super().export(model, store, windows, out, backend)
        split(out)


class SplitFloat32(Float32):
    format: ClassVar[str] = "split"

    def compress(self, graph: Path, calibration, out: Path) -> None:
        out.write_bytes(graph.read_bytes())
        graph.with_suffix(".weights").rename(out.with_suffix(".weights"))


class SplitFloat16(Float16):
    format: ClassVar[str] = "split"


def split(path: Path) -> None:
    """Move the weights of the ONNX file at `path` into a file beside it."""
    beside = path.with_suffix(".weights").name
    model = onnx.load_model_from_string(path.read_bytes())
    onnx.save(model, str(path), save_as_external_data=True, location=beside, size_threshold=64)
