"""A process of its own: `python -m stages.deploy.exporters.paddle_to_onnx FOLDER`.

Reads graph.json, graph.pdiparams and pictures.npy in FOLDER; writes what Paddle answers to
answers.npy, and graph.onnx. An operator that ONNX lacks aborts it (code 134)."""

import sys
import warnings
from pathlib import Path

import numpy as np

from stages.models.onnx_file import convert


def main(folder: Path) -> None:
    """Answer the pictures with Paddle, then write the graph as ONNX."""
    warnings.simplefilter("ignore")
    from stages.runtime.backends.paddle_inference import PaddleInference

    engine = PaddleInference(folder / "graph.json")
    pictures = np.load(folder / "pictures.npy", allow_pickle=False)
    answers = engine.run({engine.inputs[0]: pictures})
    np.save(folder / "answers.npy", answers[engine.outputs[0]])
    convert(folder / "graph.json", folder / "raw.onnx")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
