"""Runs an ONNX network on one thread, so that its outputs are equal to the last bit on machines
with any number of cores."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def load_single_threaded(model: str | bytes) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    """A function from the first input of `model` (a path, or the bytes of an ONNX file), float32,
    to its first output; both have the shapes that the file declares."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda inputs: np.asarray(session.run(None, {name: inputs})[0])
