"""Exporters: write a trained Model as files of a format, in a child process.

An exporter is a class with `format`, `tools` (the libraries whose version may change its files),
`export` and `convert`. Most derive from `Onnx` (onnx.py) and say how an ONNX file is converted to
their format. If an engine of its format adds products in 16 bits (runtime/backends/sums.py), it
also needs `count_sums`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Model
from stages.deploy.saturation.network import NetworkSums
from stages.store import Store


class Exporter(Protocol):
    """What an exporter provides; see the module's docstring."""

    format: ClassVar[str]
    tools: ClassVar[tuple[str, ...]]

    def export(
        self, model: Model, store: Store, windows: NDArray[np.float32], out: Path, backend: Any
    ) -> None:
        """Write `model` to `out`, and further files of the format beside it.

        `windows`: preprocessed training samples, float32 [n, ...]. Nothing is written before
        `backend`, a class of the runtime, has given the same outputs for them as the trained model.
        Raises ConfigError if the format cannot express the network, AgreementNotMet if the outputs
        differ, InfrastructureError if the exporting process fails."""
        ...

    def convert(self, graphs: Path, windows: NDArray[np.float32], out: Path) -> None:
        """Write the network in the folder `graphs` (graph.onnx, and Paddle's own graph.json with
        graph.pdiparams) to `out`, for windows of the shape of those in `windows`.

        Raises ConfigError, naming the operator, if the format lacks an operator of the network."""
        ...

    def count_sums(self, graph: Path, samples: Iterable[NDArray[np.float32]]) -> NetworkSums:
        """Count the sums of the 8-bit layers of the network at `graph` that do not fit into 16
        bits. `samples`: windows [m, ...] each. Raises NotCounted if that is impossible."""
        ...
