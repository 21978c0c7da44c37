"""A process of its own: `python -m stages.deploy.exporters.paddle_to_onnx FOLDER`.

Reads graph.json, graph.pdiparams and pictures.npy in FOLDER; writes what Paddle answers to
answers.npy, and graph.onnx. An operator that ONNX lacks aborts it (code 134)."""

import sys
import warnings
from pathlib import Path

import numpy as np

OPSET = 17


def main(folder: Path) -> None:
    """Answer the pictures with Paddle, then write the graph as ONNX."""
    warnings.simplefilter("ignore")
    from stages.runtime.backends.paddle_inference import PaddleInference

    engine = PaddleInference(folder / "graph.json")
    pictures = np.load(folder / "pictures.npy", allow_pickle=False)
    answers = engine.run({engine.inputs[0]: pictures})
    np.save(folder / "answers.npy", answers[engine.outputs[0]])
    _export(folder)


def _export(folder: Path) -> None:
    import paddle2onnx

    paddle2onnx.export(
        str(folder / "graph.json"),
        str(folder / "graph.pdiparams"),
        str(folder / "raw.onnx"),
        opset_version=OPSET,
        auto_upgrade_opset=False,
        verbose=False,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
