"""Exporters: from a trained Model to the files of a format, in a process of its own.

An exporter is a class with `format`, `tools` (the libraries whose version may change its files) and
`export`. If some engine of its format adds products in 16 bits (runtime/backends/sums.py), it has
`count_sums`, too."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Model
from stages.deploy.saturation.network import NetworkSums
from stages.store import Store


class Exporter(Protocol):
    format: ClassVar[str]
    tools: ClassVar[tuple[str, ...]]

    def export(
        self, model: Model, store: Store, windows: NDArray[np.float32], out: Path, backend: Any
    ) -> None:
        """Write `model` to `out`, further files of the format beside it.

        `windows`: prepared training samples, [n, ...]. `backend`, a class of the runtime, has given
        every output that the trained model gives for them before anything is written. Raises
        ConfigError if the format cannot express the network, AgreementNotMet if `backend` answers
        otherwise, InfrastructureError if the process that exports fails."""
        ...

    def count_sums(self, graph: Path, samples: Iterable[NDArray[np.float32]]) -> NetworkSums:
        """Which sums of the 8-bit layers of the network at `graph` do not fit into 16 bits;
        `samples`: windows [m, ...] each. Raises NotCounted if that is not known."""
        ...
