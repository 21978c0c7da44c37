"""float32: the network as it was exported."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.models.onnx_file import portable


class Float32:
    """Copies the network."""

    numeric: ClassVar[str] = "float32"
    format: ClassVar[str] = "onnx"
    needs_samples: ClassVar[bool] = False
    tolerance: ClassVar[float] = 1e-3
    least_agreement: ClassVar[float] = 0.99

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Copy `graph` to `out`, in a form that old versions of engines can load."""
        shutil.copyfile(graph, out)
        portable(out)
