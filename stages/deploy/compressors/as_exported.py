"""float32 in formats other than ONNX: the network as it was exported."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors.float32 import Float32


class AsExported(Float32):
    """Copies the file of a network and those of the same name beside it."""

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Copy all files of the network `graph` to the place of `out`."""
        copy_network(graph, out)


class NumpyFloat32(AsExported):
    format: ClassVar[str] = "numpy"


class NcnnFloat32(AsExported):
    format: ClassVar[str] = "ncnn"


class MnnFloat32(AsExported):
    format: ClassVar[str] = "mnn"


class TfliteFloat32(AsExported):
    format: ClassVar[str] = "tflite"


class PaddleFloat32(AsExported):
    format: ClassVar[str] = "paddle_inference"


def copy_network(graph: Path, out: Path) -> None:
    """Copy `graph` and the files beside it that have its name with another ending."""
    for file in sorted(graph.parent.glob(f"{graph.stem}.*")):
        shutil.copyfile(file, out.with_suffix(file.suffix))
