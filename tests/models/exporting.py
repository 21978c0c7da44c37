"""Exports small trunks one after the other, in one process.

`python -m tests.models.exporting FOLDER NAME ...` prints the name of each whose ONNX file answered
as Paddle did."""

import sys
from pathlib import Path

import numpy as np

from stages.models.arrays import pack_arrays
from stages.models.export_child import main
from stages.parts import FAMILIES


def arrays_of(name: str) -> dict[str, np.ndarray]:
    """Random weights, and statistics of batch norms that are not 0 and 1."""
    rng, found = np.random.default_rng(0), {}
    for key, place in FAMILIES[name].trunk().state_dict().items():
        moved = {"_mean": rng.normal(0, 0.1, place.shape), "_variance": rng.uniform(0.5, 2)}
        kind = key.rpartition(".")[2]
        found[f"trunk.{key}"] = (moved.get(kind, 0) + place.numpy()).astype(np.float32)
    return found


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name in sys.argv[2:]:
        (folder / "weights.npz").write_bytes(pack_arrays(arrays_of(name)))
        place = {"weights": str(folder / "weights.npz"), "out": str(folder)}
        main({"family": name, "formats": ["onnx"], "cut": 0, **place})
        print(name, flush=True)
