"""Compressors: from an exported graph to a smaller one that takes and gives the same.

A compressor is a class with `numeric` (the number format that it makes), `format` (what it reads
and writes), `needs_samples`, `tolerance` (how far scores may be on another machine),
`least_agreement` (share of the trained model's answers that it must give, too, at its interval's
upper end), and `compress(graph, calibration, out)`, which keeps every output. Its name on the board
is format/numeric. Equal input makes equal bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from stages.runtime.errors import WorkflowError


class CannotCompress(WorkflowError):
    """This graph cannot be brought into this form; the next rung may do."""


class Compressor(Protocol):
    numeric: ClassVar[str]
    format: ClassVar[str]
    needs_samples: ClassVar[bool]
    tolerance: ClassVar[float]
    least_agreement: ClassVar[float]

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Write the compressed `graph` to `out`; `calibration` are prepared samples, [n, ...]
        each, for compressors that need them. Further files of either network are beside the first.
        Raises CannotCompress."""
        ...
