"""Compressors: make an exported network smaller, with the same inputs and outputs.

A compressor is a class with `numeric` (the number format that it makes), `format` (the file format
that it reads and writes), `needs_samples` (whether it needs calibration samples), `tolerance` (how
far scores may deviate on another machine), `least_agreement` (the least share of the trained
model's answers that it must reproduce, compared with the upper end of the interval), and
`compress(graph, calibration, out)`. Its name on the board is format/numeric. Equal inputs give
equal bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from stages.runtime.errors import WorkflowError

# Number formats with the operators and the size of another one, which takes less time to make.
SIZED_AS = {"int8_finetuned": "int8"}


class CannotCompress(WorkflowError):
    """This network cannot be compressed to this number format; the ladder goes on to the next."""


class Compressor(Protocol):
    """What a compressor provides; see the module's docstring."""

    numeric: ClassVar[str]
    format: ClassVar[str]
    needs_samples: ClassVar[bool]
    tolerance: ClassVar[float]
    least_agreement: ClassVar[float]

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Write the compressed `graph` to `out`. `calibration`: batches of preprocessed samples,
        float32 [n, ...] each, for compressors that need them. Further files of a network are beside
        its first. Raises CannotCompress."""
        ...
