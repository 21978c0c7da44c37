"""OpenCV DNN on the processor, by the engine for graphs that OpenCV 5 brought."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendMissing, InfrastructureError
from ..libraries import at_least
from .sums import Sums

LIBRARY = "opencv-python-headless"
FLOATS = {"float32", "float16", "int8_weight_only"}
# Fields of an ONNX file: the graph of the model, the inputs of the graph, the name and the type of
# an input, the tensor of a type, the shape of a tensor, the axes of a shape, the length of an axis.
GRAPH, INPUT, NAME, TYPE, TENSOR, SHAPE, AXIS, LENGTH = 7, 11, 1, 2, 1, 2, 1, 1
VARINT, BYTES = 0, 2  # how a field is stored
WIDTHS = {1: 8, 5: 4}  # bytes of the fields stored otherwise


class OpenCv:
    """Runs a .onnx file with weights in float32 or float16; it calculates in float32.

    A process has one number of threads, for all its networks. Answers do not depend on it."""

    format: ClassVar[str] = "onnx"
    libraries: ClassVar[tuple[str, ...]] = (LIBRARY,)

    @staticmethod
    def sums(numeric: str, instruction_set: str) -> Sums:
        """How products are added. Of its 8-bit kernels nothing is known: deploy uses none."""
        return Sums.FLOAT if numeric in FLOATS else Sums.SATURATING_PAIRS

    def __init__(
        self, model: Path, threads: int = 1, numeric: str = "float32", on: str | None = None
    ) -> None:
        """`numeric` and `on` change nothing: there are no options that depend on them.

        Raises BackendMissing if there is no OpenCV, or one before version 5."""
        cv2 = _library()
        if cv2.getNumThreads() != threads:  # not to be set while another network runs
            cv2.setNumThreads(threads)
        try:
            data = model.read_bytes()
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8), cv2.dnn.ENGINE_NEW)
            self._shapes = dict(_input_shapes(data))
            self.inputs = tuple(self._shapes)
        except (cv2.error, OSError, LookupError, ValueError) as error:
            raise _failed(f"cannot load {model.name}", error) from error
        self._error = cv2.error
        self._turn = threading.Lock()  # a network holds one set of tensors
        self.outputs = tuple(self._net.getUnconnectedOutLayersNames())

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The network's outputs by name."""
        try:
            self._check(inputs)
            with self._turn:
                for name, value in inputs.items():
                    self._net.setInput(value, name)
                values = self._net.forward(self.outputs)
        except (self._error, ValueError) as error:
            shapes = {name: value.shape for name, value in inputs.items()}
            raise _failed(f"cannot run on {shapes}", error) from error
        return dict(zip(self.outputs, values, strict=True))

    def _check(self, inputs: dict[str, NDArray[Any]]) -> None:
        """Raise ValueError for what OpenCV does not refuse: it keeps the last value of an input
        that is not given, divides by zero, which ends the process, if one is empty, and answers
        an input of more channels by the first of them."""
        if set(inputs) != set(self.inputs):
            raise ValueError(f"the inputs are {', '.join(self.inputs)}")
        if not all(value.size for value in inputs.values()):
            raise ValueError("an input is empty")
        for name, value in inputs.items():
            shape = self._shapes[name]
            fits = len(value.shape) == len(shape) and all(
                length in (None, found) for length, found in zip(shape, value.shape, strict=True)
            )
            if shape and not fits:
                lengths = ", ".join("any" if length is None else str(length) for length in shape)
                raise ValueError(f"the input {name} is of ({lengths})")


def _library() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise BackendMissing(
            f"OpenCV cannot be loaded here: {error}.", f"Run: pip install '{at_least(LIBRARY)}'"
        ) from error
    # package.json has the least version of LIBRARY, but pip knows other builds by other names
    if not hasattr(cv2.dnn, "ENGINE_NEW"):
        raise BackendMissing(
            f"OpenCV {cv2.__version__} is installed, and the package needs version 5.",
            f"Run: pip install '{at_least(LIBRARY)}'",
        )
    return cv2


def _input_shapes(model: bytes) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    """The names of the inputs of an ONNX file and the lengths of their axes, None for any length,
    which OpenCV does not tell. No lengths for an input whose shape the file does not say."""
    for graph in _fields(memoryview(model), GRAPH):
        for declared in _fields(graph, INPUT):
            axes = [
                next(_numbers(axis, LENGTH), None)
                for type_ in _fields(declared, TYPE)
                for tensor in _fields(type_, TENSOR)
                for shape in _fields(tensor, SHAPE)
                for axis in _fields(shape, AXIS)
            ]
            for name in _fields(declared, NAME):
                yield str(name, "utf-8"), tuple(axes)


def _fields(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """The fields number `wanted`, texts or messages, of a message in the protobuf format."""
    for number, value in _values(message):
        if number == wanted and isinstance(value, memoryview):
            yield value


def _numbers(message: memoryview, wanted: int) -> Iterator[int]:
    """The whole numbers in the fields number `wanted` of a message."""
    for number, value in _values(message):
        if number == wanted and isinstance(value, int):
            yield value


def _values(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """The number and the value of each field of a message that is a text, a message or a whole
    number."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        size, place = _varint(message, place) if kind in (VARINT, BYTES) else (WIDTHS[kind], place)
        if kind == VARINT:
            yield number, size
        elif kind == BYTES:
            yield number, message[place : place + size]
        place += 0 if kind == VARINT else size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """The number at `place`, seven bits in each byte, and the place after it."""
    number = shift = 0
    while message[place] & 0x80:
        number |= (message[place] & 0x7F) << shift
        place, shift = place + 1, shift + 7
    return number | message[place] << shift, place + 1


def _failed(what: str, error: Exception) -> InfrastructureError:
    return InfrastructureError(
        f"OpenCV {what}: {' '.join(str(error).split())[:400]}",
        f"Check that the package is whole (selftest) and that {LIBRARY} is the version it names.",
    )
