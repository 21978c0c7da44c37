"""Fine-tunes an int8 network until it answers as its float network does, in a process of its own:
`python -m stages.deploy.compressors.finetuning FOLDER`.

Reads float.onnx, int8.onnx (QDQ format) and windows.npy [n, ...] in FOLDER, and writes
finetuned.onnx: int8.onnx with other whole numbers as weights and biases, and the same scales. If an
operator cannot be computed in Paddle, its name is written to lacking.txt instead.

The float network teaches (G. Hinton et al. 2015, arXiv:1503.02531), so no labels are needed:
outputs may be scores, or boxes. One thread and one seed: equal inputs give equal bytes."""

import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors.layer_sensitivity import LEAST_VARIANCE

FLOAT, INT8, WINDOWS = "float.onnx", "int8.onnx", "windows.npy"
FINETUNED, LACKING = "finetuned.onnx", "lacking.txt"
RATE = 0.003  # of Adam at first, in steps of 8 bits; it falls to 0 as a cosine
BATCH = 8
EPOCHS = 20
MOST_IN_STEP = 2.5e8  # numbers that operators compute, of 4 bytes: what memory holds
MOST_IN_ALL = 9e9  # such numbers: about two minutes of a core
SEED = 0

Floats = NDArray[np.float32]


def main(folder: Path) -> None:
    """Fine-tune the network in `folder`."""
    warnings.simplefilter("ignore")
    import onnx

    from stages.deploy.compressors.paddle_network import PaddleNetwork, UnsupportedOperator

    model, windows = onnx.load(str(folder / INT8)), np.load(folder / WINDOWS, allow_pickle=False)
    try:
        network = PaddleNetwork(model)
        network.start_from(_weights(folder / FLOAT))
        finetune(network, windows, answers_of(folder / FLOAT, windows))
    except UnsupportedOperator as error:
        (folder / LACKING).write_text(str(error), "utf-8")
        return
    arrays = network.arrays()
    for tensor in model.graph.initializer:
        if tensor.name in arrays:
            tensor.CopyFrom(onnx.numpy_helper.from_array(arrays[tensor.name], tensor.name))
    (folder / FINETUNED).write_bytes(model.SerializeToString(deterministic=True))


def _weights(graph: Path) -> dict[str, Floats]:
    """The tensors of the network in `graph` by name."""
    import onnx

    tensors = onnx.load(str(graph)).graph.initializer
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in tensors}


def answers_of(graph: Path, windows: Floats, numeric: str = "float32") -> list[Floats]:
    """The outputs of the network in `graph` for `windows`, an array [n, ...] for each. One thread:
    the order of additions changes the bytes of the result."""
    from stages.runtime.backends.onnxruntime import OnnxRuntime

    network = OnnxRuntime(graph, threads=1, numeric=numeric)
    parts = [
        list(network.run({network.inputs[0]: windows[start : start + BATCH]}).values())
        for start in range(0, len(windows), BATCH)
    ]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def finetune(network: Any, windows: Floats, answers: Sequence[Floats]) -> None:
    """Train the weights and biases of `network`, a PaddleNetwork, on `windows` to give `answers`:
    the mean squared error of each output, a share of its variance, falls. Training ends early
    where that is no number."""
    import paddle

    if not network.parameters:
        return
    numbers = network.numbers(paddle.to_tensor(windows[:1]))
    batches = list(dealt(len(windows), numbers))
    shares = [1 / max(float(values.var()), LEAST_VARIANCE) for values in answers]
    rate = paddle.optimizer.lr.CosineAnnealingDecay(RATE, len(batches))
    adam = paddle.optimizer.Adam(rate, beta2=0.99, parameters=network.parameters)
    for rows in batches:
        outputs = network.run(paddle.to_tensor(windows[rows]))
        expected = [paddle.to_tensor(values[rows]) for values in answers]
        errors = [
            ((found - wanted) ** 2).mean() * share
            for found, wanted, share in zip(outputs, expected, shares, strict=True)
        ]
        error = paddle.add_n(errors) / len(errors)
        if not np.isfinite(float(error)):
            return
        error.backward()
        adam.step()
        adam.clear_grad()
        rate.step()


def dealt(count: int, numbers: int) -> Iterator[NDArray[np.int64]]:
    """The rows of each step's batch: EPOCHS passes over `count` windows, each in an order of its
    own, or fewer where operators compute so many `numbers` for a window that it would take too
    long; the batches are smaller where these would not fit into memory."""
    batch = int(max(1, min(BATCH, count, MOST_IN_STEP // numbers)))
    steps = int(max(1, min(EPOCHS * count, MOST_IN_ALL // numbers) // batch))
    rng = np.random.default_rng(SEED)
    rows = np.zeros(0, np.int64)
    for _ in range(steps):
        if len(rows) < batch:
            rows = np.append(rows, rng.permutation(count))
        yield rows[:batch]
        rows = rows[batch:]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
