"""Weights of MNN's networks in fewer bits, by MNN's own converter. Arithmetic stays in 32 bits, so
these networks are smaller, and not faster."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress
from stages.deploy.compressors.as_exported import copy_network
from stages.deploy.compressors.float16 import Float16
from stages.deploy.compressors.int8 import Int8
from stages.deploy.exporters.to_mnn import converted
from stages.runtime.errors import ConfigError


class MnnFloat16(Float16):
    """Weights as float16."""

    format: ClassVar[str] = "mnn"

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Write `graph` to `out` with float16 weights. Raises CannotCompress."""
        _write(graph, out, ["--fp16"])


class MnnInt8(Int8):
    """Weights as int8 with a scale for each channel; activations stay float32."""

    format: ClassVar[str] = "mnn"
    needs_samples: ClassVar[bool] = False

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Write `graph` to `out` with int8 weights. Raises CannotCompress."""
        _write(graph, out, ["--weightQuantBits", "8"])


def _write(graph: Path, out: Path, options: Sequence[str]) -> None:
    copy_network(graph, out)
    out.unlink()
    try:
        converted(graph, "MNN", out, options)
    except ConfigError as error:
        raise CannotCompress(error.problem) from error
