"""An ONNX network on one core, so that what it says is the same to the last bit on every number of
them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def load_single_threaded(model: str | bytes) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    """The first output of `model`, a path or the graph itself, of what its first input is given."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda inputs: np.asarray(session.run(None, {name: inputs})[0])
