"""Intel's OpenVINO on the processor. It reads ONNX itself, so it needs no conversion."""

import threading
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendMissing, InfrastructureError
from ..processor import ARM_DOT_PRODUCT, X86_VNNI
from .sums import Sums

# Any other number format is taken for one of 8 bits.
FLOATS = {"float32", "float16", "int8_weight_only"}
# On AVX2 its pair sums saturate, as `aiwf conformance openvino` shows there; of the others that are
# not named here nothing is known.
INT8_SUMS = {X86_VNNI: Sums.INT32, ARM_DOT_PRODUCT: Sums.INT32}
# It would calculate in bfloat16 where the processor can, and answers would depend on that.
OPTIONS = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": 1}


class OpenVino:
    """Runs a .onnx file. Answers do not depend on `threads`' count beyond rounding."""

    format: ClassVar[str] = "onnx"
    libraries: ClassVar[tuple[str, ...]] = ("openvino",)

    @staticmethod
    def sums(numeric: str, instruction_set: str) -> Sums:
        """How products are added in `numeric` on a machine of `instruction_set`."""
        if numeric in FLOATS:
            return Sums.FLOAT
        return INT8_SUMS.get(instruction_set, Sums.SATURATING_PAIRS)

    def __init__(
        self, model: Path, threads: int = 1, numeric: str = "float32", on: str | None = None
    ) -> None:
        """`numeric` and `on` change nothing: there are no options that depend on them.

        Raises BackendMissing if there is no OpenVINO, InfrastructureError if it cannot load
        `model`."""
        try:
            import openvino
        except ImportError as error:
            raise BackendMissing(
                f"OpenVINO cannot be loaded here: {error}.", "Run: pip install openvino"
            ) from error
        options = {**OPTIONS, "INFERENCE_NUM_THREADS": threads}
        try:
            core = openvino.Core()
            compiled = core.compile_model(core.read_model(str(model)), "CPU", options)
            self._request = compiled.create_infer_request()
        except Exception as error:  # its exceptions share no public base
            raise _failed(f"cannot load {model.name}", error) from error
        self._turn = threading.Lock()  # a request holds one set of tensors
        self._shapes = {node.get_any_name(): node.partial_shape for node in compiled.inputs}
        self.inputs = tuple(node.get_any_name() for node in compiled.inputs)
        self.outputs = tuple(node.get_any_name() for node in compiled.outputs)

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The network's outputs by name."""
        try:
            self._check(inputs)
            with self._turn:
                values = self._request.infer(inputs)
                return {name: np.array(values[name]) for name in self.outputs}
        except Exception as error:
            shapes = {name: value.shape for name, value in inputs.items()}
            raise _failed(f"cannot run on {shapes}", error) from error

    def _check(self, inputs: dict[str, NDArray[Any]]) -> None:
        """Raise ValueError for inputs that OpenVINO does not refuse: of other shapes."""
        for name, value in inputs.items():
            expected = self._shapes.get(name)
            if expected is None or not expected.compatible(type(expected)(list(value.shape))):
                raise ValueError(f"'{name}' is of another shape than {expected}")


def _failed(what: str, error: Exception) -> InfrastructureError:
    return InfrastructureError(
        f"OpenVINO {what}: {' '.join(str(error).split())[:400]}",
        "Check that the package is whole (selftest) and that openvino is the version it names.",
    )
