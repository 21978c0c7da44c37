"""Alibaba's MNN on the processor.

A network is two files: model.mnn as MNN reads it, and model.json with the names of its outputs in
their order, which MNN does not keep."""

import ctypes
import json
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendMissing, InfrastructureError
from .sums import Sums

LIBRARY = "MNN"
# At high precision it calculates in float32 on every processor, also with weights in 8 or 16 bits.
OPTIONS = {"backend": "CPU", "precision": "high"}
STDOUT = 1  # the number of its file
_printing = threading.Lock()


class Mnn:
    """Runs a .mnn file with the .json file of the same name beside it; it calculates in float32."""

    format: ClassVar[str] = "mnn"
    libraries: ClassVar[tuple[str, ...]] = (LIBRARY,)

    @staticmethod
    def sums(numeric: str, instruction_set: str) -> Sums:
        """It adds in floating point: only weights are stored in fewer bits."""
        return Sums.FLOAT

    def __init__(
        self, model: Path, threads: int = 1, numeric: str = "float32", on: str | None = None
    ) -> None:
        """`numeric` and `on` change nothing: there are no options that depend on them.

        Raises BackendMissing if there is no MNN, InfrastructureError if it cannot load `model`."""
        self._mnn = _library()
        self._turn = threading.Lock()  # a session holds one set of tensors
        try:
            _check_file(model)
            with _printing_nothing():  # it prints its options
                self._interpreter = self._mnn.Interpreter(str(model))
                self._session = self._interpreter.createSession({**OPTIONS, "numThread": threads})
            self._shapes = {
                name: tuple(tensor.getShape())
                for name, tensor in self._interpreter.getSessionInputAll(self._session).items()
            }
            self._windows = {name: shape[1:] for name, shape in self._shapes.items()}
            outputs = json.loads(model.with_suffix(".json").read_text("utf-8"))["outputs"]
            _check_names(self._interpreter.getSessionOutputAll(self._session), outputs)
        except Exception as error:  # its exceptions share no public base
            raise _failed(f"cannot load {model.name}", error) from error
        self.inputs, self.outputs = tuple(self._shapes), tuple(outputs)

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The network's outputs by name."""
        try:
            if set(inputs) != set(self.inputs) or not all(value.size for value in inputs.values()):
                raise ValueError(f"the inputs are {', '.join(self.inputs)}, and none is empty")
            for name, value in inputs.items():
                _check_window(value.shape[1:], self._windows[name])
            with self._turn:
                self._resize(inputs)
                tensors = self._interpreter.getSessionInputAll(self._session)
                for name, value in inputs.items():
                    tensors[name].copyFrom(self._tensor(np.ascontiguousarray(value, np.float32)))
                self._interpreter.runSession(self._session)
                found = self._interpreter.getSessionOutputAll(self._session)
                return {name: self._array(found[name]) for name in self.outputs}
        except Exception as error:  # as above
            shapes = {name: value.shape for name, value in inputs.items()}
            raise _failed(f"cannot run on {shapes}", error) from error

    def _resize(self, inputs: dict[str, NDArray[Any]]) -> None:
        """Give the session the shapes of `inputs`, which takes time, if it has others."""
        shapes = {name: value.shape for name, value in inputs.items()}
        if shapes == self._shapes:
            return
        tensors = self._interpreter.getSessionInputAll(self._session)
        for name, shape in shapes.items():
            self._interpreter.resizeTensor(tensors[name], shape)
        self._interpreter.resizeSession(self._session)
        self._shapes = shapes

    def _tensor(self, values: NDArray[np.float32]) -> Any:
        mnn = self._mnn
        kind, order = mnn.Halide_Type_Float, mnn.Tensor_DimensionType_Caffe
        return mnn.Tensor(values.shape, kind, values, order)

    def _array(self, tensor: Any) -> NDArray[np.float32]:
        host = self._tensor(np.zeros(tensor.getShape(), np.float32))
        if not tensor.copyToHostTensor(host):
            raise ValueError("the output has no numbers: the session did not run")
        return np.array(host.getNumpyData(), np.float32)


def _check_file(model: Path) -> None:
    """Raise ValueError for a file that cannot be one of MNN, which ends the process on some."""
    if model.stat().st_size < 64:
        raise ValueError("the file is too short")


def _check_window(found: Sequence[int], expected: Sequence[int]) -> None:
    """Raise ValueError unless a window's shape is the `expected` one; -1 is any side there."""
    if len(found) != len(expected) or any(
        side not in (-1, other) for side, other in zip(expected, found, strict=True)
    ):
        raise ValueError(f"a window is of {tuple(expected)}")


def _check_names(found: Iterable[str], expected: Sequence[str]) -> None:
    """Raise ValueError unless the outputs `found` are those that the .json file names."""
    if set(found) != set(expected):
        raise ValueError(f"its outputs are not {', '.join(expected)}")


@contextmanager
def _printing_nothing() -> Iterator[None]:
    """Keep what a library prints off the standard output, where answers stand."""
    sys.stdout.flush()
    with _printing, open(os.devnull, "wb") as nowhere:
        standard_output = os.dup(STDOUT)
        os.dup2(nowhere.fileno(), STDOUT)
        try:
            yield
        finally:
            ctypes.CDLL(None).fflush(None)
            os.dup2(standard_output, STDOUT)
            os.close(standard_output)


def _library() -> Any:
    try:
        with _printing_nothing():  # it prints what the processor has
            import MNN
    except ImportError as error:
        raise BackendMissing(
            f"MNN cannot be loaded here: {error}.", f"Run: pip install {LIBRARY}"
        ) from error
    return MNN


def _failed(what: str, error: Exception) -> InfrastructureError:
    return InfrastructureError(
        f"MNN {what}: {' '.join(str(error).split())[:400]}",
        f"Check that the package is whole (selftest) and that {LIBRARY} is the version it names.",
    )
