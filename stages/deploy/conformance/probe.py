"""A network that shows how an engine adds products of 8 bits: its pair sums are as large as they
can be, so that one that does not fit into 16 bits costs about half of the answer."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress
from stages.deploy.conformance.results import CheckResult
from stages.deploy.engines import Engine, Network
from stages.deploy.exporters.onnx import GRAPH
from stages.models.onnx_file import OPSET
from stages.runtime.backends import BACKENDS
from stages.runtime.backends.sums import Sums
from stages.runtime.processor import instruction_set

CHANNELS, OUTPUTS, SIDE, KERNEL = 64, 32, 8, 3
LARGEST = 0.05  # of the answer, that rounding to 8 bits may cost
NUMERIC = "int8"


def sums_as_stated(engine: Engine) -> CheckResult:
    """Whether sums of `engine` in int8 saturate on this processor although `sums` says that they
    cannot. An engine without int8 passes."""
    here = instruction_set()
    share = lost_share(engine)
    if share is None:
        return CheckResult("sums", True, "it has no int8")
    stated = engine.sums(NUMERIC, here)
    saturates = share > LARGEST
    found = f"{share:.1%} of the largest sums is lost on {here}; it says: {stated}"
    return CheckResult("sums", not saturates or stated == Sums.SATURATING_PAIRS, found)


def lost_share(engine: Engine) -> float | None:
    """The share of the probe's answer that int8 loses here; None if the engine has no int8 for
    it."""
    compressed = int8_network(engine)
    if compressed is None:
        return None
    network, numeric, windows = compressed
    with TemporaryDirectory() as name:
        backend = BACKENDS[engine.backend](engine.place(network, Path(name)), numeric=numeric)
        (found,) = backend.run({backend.inputs[0]: windows}).values()
    return lost(found)


def int8_network(engine: Engine) -> tuple[Network, str, NDArray[np.float32]] | None:
    """The probe as `engine` runs it in int8, the number format's name, and its windows; None if the
    engine has no int8 for it."""
    if NUMERIC not in engine.compressors:
        return None
    windows = _windows()
    with TemporaryDirectory() as name:
        (Path(name) / GRAPH).write_bytes(_graph())
        try:
            network = engine.convert(Path(name), windows)
            return engine.compress(network, NUMERIC, [windows]), NUMERIC, windows
        except CannotCompress:
            return None


def lost(found: NDArray[np.float32]) -> float:
    """The share of the probe's answer that `found` lacks."""
    expected = CHANNELS * KERNEL * KERNEL
    return float(np.abs(found - expected).max() / expected)


def _windows() -> NDArray[np.float32]:
    return np.ones((2, CHANNELS, SIDE, SIDE), np.float32)


def _graph() -> bytes:
    """A convolution of ones, whose every product is the largest that 8 bits have."""
    from onnx import TensorProto, helper, numpy_helper

    kernel = np.ones((OUTPUTS, CHANNELS, KERNEL, KERNEL), np.float32)
    node = helper.make_node("Conv", ["x", "kernel"], ["y"], kernel_shape=[KERNEL, KERNEL])
    left = SIDE - KERNEL + 1
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", channels, side, side])
        for name, channels, side in (("x", CHANNELS, SIDE), ("y", OUTPUTS, left))
    ]
    weights = [numpy_helper.from_array(kernel, "kernel")]
    graph = helper.make_graph([node], "probe", ends[:1], ends[1:], weights)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    data: bytes = model.SerializeToString(deterministic=True)
    return data
