"""Exports small backbones one after the other, in one process.

`python -m tests.models.exporting FOLDER NAME ...` prints the name of each whose ONNX file answered
as Paddle did, and whose answers are the same in every engine."""

import sys
from pathlib import Path

import numpy as np

from stages.models.arrays import pack_arrays
from stages.models.export_child import SIDE, main
from stages.parts import FAMILIES
from stages.runtime.backends import BACKENDS


def arrays_of(name: str) -> dict[str, np.ndarray]:
    """Random weights, and statistics of batch norms that are not 0 and 1."""
    rng, found = np.random.default_rng(0), {}
    for key, place in FAMILIES[name].backbone().state_dict().items():
        moved = {"_mean": rng.normal(0, 0.1, place.shape), "_variance": rng.uniform(0.5, 2)}
        kind = key.rpartition(".")[2]
        found[f"backbone.{key}"] = (moved.get(kind, 0) + place.numpy()).astype(np.float32)
    return found


def check_native(folder: Path, side: int) -> None:
    """Paddle's own engine, with all that it fuses, and OpenCV beside ONNX Runtime."""
    window = np.random.default_rng(1).standard_normal((1, 3, side, side)).astype(np.float32)
    files = {"onnxruntime": "graph.onnx", "paddle": "graph.json", "opencv": "graph.onnx"}
    answers = []
    for name, file in files.items():
        engine = BACKENDS[name](folder / file, 1)
        (answer,) = engine.run({engine.inputs[0]: window}).values()
        answers.append(answer)
    expected, *further = answers
    for answer in further:
        np.testing.assert_allclose(answer, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name in sys.argv[2:]:
        (folder / "weights.npz").write_bytes(pack_arrays(arrays_of(name)))
        place = {"weights": str(folder / "weights.npz"), "out": str(folder)}
        main(
            {"family": name, "formats": ["onnx"], "split_point": 0, "feature_maps": False, **place}
        )
        check_native(folder, max(SIDE, FAMILIES[name].multiple))
        print(name, flush=True)
