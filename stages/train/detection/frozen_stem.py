"""Runs the frozen stem of a detector in ONNX Runtime, which is ten times as fast as Paddle."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.train.distributed.single_threaded import load_single_threaded


class FrozenStem:
    """Maps pictures (N, 3, height, width), float32, to the feature map that the trained layers
    take. `graph`: an ONNX file, which is loaded at the first call."""

    def __init__(self, graph: bytes) -> None:
        self.graph = graph

    def __call__(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._network(np.ascontiguousarray(pictures, np.float32))

    @cached_property
    def _network(self) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
        return load_single_threaded(self.graph)


def stem_of(backbone: Path) -> bytes:
    """The part of the ONNX file `backbone` that computes its first output, the feature map of the
    frozen stem, as an ONNX file."""
    import onnx
    from onnx.utils import Extractor

    model = onnx.load(str(backbone))
    first = model.graph.output[0].name
    part = Extractor(model).extract_model([model.graph.input[0].name], [first])
    stem: bytes = part.SerializeToString()
    return stem
