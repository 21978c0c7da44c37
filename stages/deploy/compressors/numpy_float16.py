"""float16 for the numpy engine: weights in 16 bits, arithmetic in 32 bits."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress
from stages.deploy.compressors.float16 import LARGEST, SMALLEST, Float16
from stages.models.arrays import pack_arrays, unpack_arrays


class NumpyFloat16(Float16):
    """Stores the weights as float16; the engine widens them when it loads the network."""

    format: ClassVar[str] = "numpy"

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Write `graph` to `out` with float16 weights. Raises CannotCompress if none fits."""
        arrays = unpack_arrays(graph.read_bytes())
        fitting = [name for name, array in arrays.items() if _fits(array)]
        if not fitting:
            raise CannotCompress("The network has no weights that fit into float16.")
        halved = {name: arrays[name].astype(np.float16) for name in fitting}
        out.write_bytes(pack_arrays({**arrays, **halved}))


def _fits(array: NDArray[np.float32]) -> bool:
    floats = array.dtype == np.float32 and array.size >= SMALLEST
    return floats and bool(np.all(np.abs(array) <= LARGEST))
