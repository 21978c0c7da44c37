"""Paddle's own format: the files that a Model has anyway."""

import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.exporters.onnx import NATIVE, Onnx


class PaddleFiles(Onnx):
    """The graph as JSON, and its weights beside it."""

    format: ClassVar[str] = "paddle_inference"

    def convert(self, graphs: Path, windows: NDArray[np.float32], out: Path) -> None:
        """Copy Paddle's files."""
        for file, place in zip(NATIVE, (out, out.with_suffix(".pdiparams")), strict=True):
            shutil.copyfile(graphs / file, place)
