"""Google's LiteRT (TensorFlow Lite) on the processor: the engine that Android phones have.

A network is one .tflite file for one window, whose input has the shape that the steps before give;
it names its input and its outputs, in their order."""

import threading
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendMissing, InfrastructureError
from .sums import Sums

LIBRARY = "ai-edge-litert"
IDENTIFIER = b"TFL3"  # at byte 4 of a .tflite file


class Litert:
    """Runs a .tflite file, one window at a time; it calculates in float32."""

    format: ClassVar[str] = "tflite"
    libraries: ClassVar[tuple[str, ...]] = (LIBRARY,)

    @staticmethod
    def sums(numeric: str, instruction_set: str) -> Sums:
        """It adds in floating point: only weights are stored in fewer bits."""
        return Sums.FLOAT

    def __init__(
        self, model: Path, threads: int = 1, numeric: str = "float32", on: str | None = None
    ) -> None:
        """`numeric` and `on` change nothing: there are no options that depend on them.

        Raises BackendMissing if there is no LiteRT, InfrastructureError if it cannot load
        `model`."""
        interpreter = _library()
        self._turn = threading.Lock()  # an interpreter holds one set of tensors
        try:
            data = model.read_bytes()
            if data[4:8] != IDENTIFIER:
                raise ValueError("it is no file of TensorFlow Lite")
            self._interpreter = interpreter(model_content=data, num_threads=threads)
            self._interpreter.allocate_tensors()
            (self._input,) = self._interpreter.get_input_details()
            self._outputs = self._interpreter.get_output_details()
            self._window = tuple(int(side) for side in self._input["shape"])[1:]
        except Exception as error:  # its exceptions share no public base
            raise _failed(f"cannot load {model.name}", error) from error
        self.inputs = (str(self._input["name"]),)
        self.outputs = tuple(str(output["name"]) for output in self._outputs)

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The network's outputs by name."""
        try:
            if set(inputs) != set(self.inputs):
                raise ValueError(f"the input is {self.inputs[0]}")
            windows = np.ascontiguousarray(inputs[self.inputs[0]], np.float32)
            if windows.shape[1:] != self._window or not len(windows):
                raise ValueError(f"a window is of {self._window}")
            with self._turn:
                rows = [self._run_window(window) for window in windows]
        except (ValueError, RuntimeError) as error:
            shapes = {name: value.shape for name, value in inputs.items()}
            raise _failed(f"cannot run on {shapes}", error) from error
        return {name: np.concatenate([row[name] for row in rows]) for name in self.outputs}

    def _run_window(self, window: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        self._interpreter.set_tensor(self._input["index"], window[None])
        self._interpreter.invoke()
        return {
            str(output["name"]): np.array(self._interpreter.get_tensor(output["index"]))
            for output in self._outputs
        }


def _library() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise BackendMissing(
            f"LiteRT cannot be loaded here: {error}.", f"Run: pip install {LIBRARY}"
        ) from error
    return Interpreter


def _failed(what: str, error: Exception) -> InfrastructureError:
    return InfrastructureError(
        f"LiteRT {what}: {' '.join(str(error).split())[:400]}",
        f"Check that the package is whole (selftest) and that {LIBRARY} is the version it names.",
    )
