"""The exporting child process: `python -m stages.deploy.exporters.paddle_to_onnx FOLDER`.

Reads graph.json, graph.pdiparams and windows.npy in FOLDER. Writes Paddle's outputs, in order, to
answers.npz, and the graph to raw.onnx. An operator that ONNX lacks aborts it (exit code 134)."""

import sys
import warnings
from pathlib import Path

import numpy as np

from stages.models.onnx_file import convert


def main(folder: Path) -> None:
    """Run Paddle on the windows, then convert the graph to ONNX."""
    warnings.simplefilter("ignore")
    from stages.runtime.backends.paddle_inference import PaddleInference

    engine = PaddleInference(folder / "graph.json")
    windows = np.load(folder / "windows.npy", allow_pickle=False)
    answers = engine.run({engine.inputs[0]: windows})
    np.savez(folder / "answers.npz", *answers.values())
    convert(folder / "graph.json", folder / "raw.onnx")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
